//! Replays the corpus of the fuzz targets on stable, with fixed mutations of each of its files. cargo-fuzz runs
//! the same functions.
//!
//! `FUZZ_CORPUS=write cargo test --test fuzz` writes the files that `fuzz/corpus.rs` describes. An input on which
//! a target failed can be added by hand, under a name that describes it.

use std::{collections::BTreeSet, env, fs, path::PathBuf};

#[path = "../fuzz/corpus.rs"]
mod corpus;
#[path = "../fuzz/src/lib.rs"]
mod targets;

use corpus::Seed;
use targets::Outcomes;

const LARGEST_FILE: usize = 4096;

macro_rules! replay {
    ($($test:ident $target:ident;)*) => {$(
        #[test]
        fn $test() {
            let target = targets::$target::run;
            replay(stringify!($target), target, targets::$target::OUTCOMES, corpus::$target());
        }
    )*};
}

replay! {
    any_cookie_header_is_read_or_rejected cookie_header;
    any_text_is_a_key_or_an_error key_text;
    any_authentic_payload_decodes_or_is_rejected authentic_payload;
    any_stored_blob_opens_or_is_rejected stored_blob;
    any_map_value_is_read_or_rejected map_values;
}

/// Runs a target on its corpus and on mutations of it. Each file of the corpus must lead to its intended outcome.
fn replay(name: &str, target: fn(&[u8]) -> Outcomes, all: &[&str], seeds: Vec<Seed>) {
    let folder: PathBuf = [env!("CARGO_MANIFEST_DIR"), "fuzz", "corpus", name].iter().collect();
    if env::var("FUZZ_CORPUS").is_ok_and(|value| value == "write") {
        fs::create_dir_all(&folder).unwrap();
        seeds.iter().for_each(|(file, _, data)| fs::write(folder.join(file), data).unwrap());
    }
    let mut met = BTreeSet::new();
    for (file, outcome, data) in seeds {
        let kept = fs::read(folder.join(file)).unwrap_or_else(|error| panic!("{name}/{file}: {error}"));
        assert!(kept == data, "{name}/{file} is not what `fuzz/corpus.rs` describes");
        let outcomes = target(&data);
        assert!(outcomes.contains(&outcome), "{name}/{file}: {outcomes:?} without `{outcome}`");
        met.extend(outcomes);
    }
    assert_eq!(met, all.iter().copied().collect(), "{name}: outcomes of the corpus, and all that there are");

    let files: Vec<_> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(!files.is_empty(), "{name} has no corpus");
    for file in files {
        let data = fs::read(&file).unwrap();
        assert!(data.len() <= LARGEST_FILE, "{} is too large", file.display());
        mutations(&data).for_each(|mutation| drop(target(&mutation)));
    }
}

/// The data itself, and for each of its bytes: bits of it flipped, the byte doubled, and the data cut before it.
fn mutations(data: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let at_byte = move |at: usize| {
        // Of long files one bit of each byte, so that all files take a few seconds.
        let bits = if data.len() <= 64 { 0..8 } else { at % 8..at % 8 + 1 };
        let flips = bits.map(move |bit| {
            let mut flipped = data.to_vec();
            flipped[at] ^= 1 << bit;
            flipped
        });
        let doubled = [&data[..=at], &data[at..]].concat();
        flips.chain([doubled, data[..at].to_vec()])
    };
    [data.to_vec()].into_iter().chain((0..data.len()).flat_map(at_byte))
}
