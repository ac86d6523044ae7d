//! Sealing and opening a session, in both encodings, side by side with the `PrivateJar` of the cookie crate over
//! serde_json.
//!
//! Sealing is measured twice: a session that goes on, which is renewed or has changed, and one that begins, for which
//! the operating system must also be asked for an id.
//!
//! `cargo bench`, or `cargo bench -- --quick`. The contenders take turns, round by round, and every ratio is taken
//! within a round: whatever slows the machine for a while slows both of a pair. Targets are printed, never asserted.

mod cart5;
mod paired;

use std::{
    env,
    hint::black_box,
    rc::Rc,
    time::{Instant, SystemTime},
};

use cart5::cart;
use cookie::{Cookie, CookieJar};
use paired::{median, ratio};
use sealed_session::{Encoding, Key, KeyRing, Sealer, Suite};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

const NAME: &str = "__Host-session";

/// A typical session: somebody is signed in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Login {
    user: Option<u64>,
    name: String,
    roles: Vec<String>,
    since: u64,
}

/// A type that is sealed.
trait Payload: Clone + std::fmt::Debug + PartialEq + Serialize + DeserializeOwned + 'static {}
impl<T: Clone + std::fmt::Debug + PartialEq + Serialize + DeserializeOwned + 'static> Payload for T {}

/// How much is measured.
#[derive(Clone, Copy)]
struct Effort {
    rounds: usize,
    batch: usize,
}

const OPERATIONS: [&str; 3] = ["seal", "seal, new session", "open"];

/// Something that seals and opens one payload.
struct Contender {
    name: &'static str,
    value_length: usize,
    /// As in `OPERATIONS`.
    run: [Box<dyn Fn()>; 3],
    /// Nanoseconds per operation, of each round.
    samples: [Vec<f64>; 3],
}

impl Contender {
    fn new(name: &'static str, value_length: usize, run: [Box<dyn Fn()>; 3]) -> Self {
        Self { name, value_length, run, samples: Default::default() }
    }

    fn sealed_session<T: Payload>(name: &'static str, suite: Suite, encoding: Encoding, data: T) -> Self {
        let ring = KeyRing::new([Key::generate_for(suite).unwrap()]).unwrap();
        let sealer = Sealer::<T>::builder(ring, NAME).realm("shop").encoding(encoding).build().unwrap();
        let sealer = Rc::new(sealer);
        let (begins, opens) = (sealer.clone(), sealer.clone());
        let now = SystemTime::now();
        let sealed = sealer.seal(&data, now).unwrap();
        let (value, metadata) = sealer.open(&sealed, now).unwrap();
        assert_eq!(value, data);
        Self::new(
            name,
            sealed.len(),
            [
                Box::new(move || drop(black_box(sealer.reseal(black_box(&value), &metadata, now).unwrap()))),
                Box::new(move || drop(black_box(begins.seal(black_box(&data), now).unwrap()))),
                Box::new(move || drop(black_box(opens.open(black_box(&sealed), now).unwrap()))),
            ],
        )
    }

    /// Has no ids: that a session begins makes no difference to it.
    fn private_jar<T: Payload>(data: T) -> Self {
        let key = cookie::Key::generate();
        let seal = {
            let key = key.clone();
            Rc::new(move |data: &T| {
                let mut jar = CookieJar::new();
                jar.private_mut(&key).add(Cookie::new(NAME, serde_json::to_string(data).unwrap()));
                jar.get(NAME).unwrap().value().to_owned()
            })
        };
        let open = move |value: &str| -> T {
            let mut jar = CookieJar::new();
            jar.add_original(Cookie::new(NAME, value.to_owned()));
            serde_json::from_str(jar.private(&key).get(NAME).unwrap().value()).unwrap()
        };
        let sealed = seal(&data);
        assert_eq!(open(&sealed), data);
        let (begun, begin) = (data.clone(), seal.clone());
        Self::new(
            "cookie PrivateJar + serde_json",
            sealed.len(),
            [
                Box::new(move || drop(black_box(seal(black_box(&data))))),
                Box::new(move || drop(black_box(begin(black_box(&begun))))),
                Box::new(move || drop(black_box(open(black_box(&sealed))))),
            ],
        )
    }

    fn round(&mut self, batch: usize) {
        for (run, samples) in self.run.iter().zip(&mut self.samples) {
            samples.push(time(run, batch));
        }
    }
}

fn time(run: impl Fn(), batch: usize) -> f64 {
    let start = Instant::now();
    (0..batch).for_each(|_| run());
    start.elapsed().as_nanos() as f64 / batch as f64
}

fn compare<T: Payload>(title: &str, data: T, Effort { rounds, batch }: Effort) {
    let json = serde_json::to_string(&data).unwrap().len();
    let postcard = postcard::to_allocvec(&data).unwrap().len();
    let mut named = Vec::new();
    serde_fingerprint::named::encode_into(&data, &mut named).unwrap();
    println!(
        "\n{title}: {json} bytes of JSON, {postcard} of postcard, {} of MessagePack with names",
        named.len()
    );
    let ours = |name, suite, encoding| Contender::sealed_session(name, suite, encoding, data.clone());
    let mut contenders = [
        ours("XAES-256-GCM, compact", Suite::Xaes256Gcm, Encoding::Compact),
        ours("XAES-256-GCM, self-describing", Suite::Xaes256Gcm, Encoding::SelfDescribing),
        ours("XChaCha20-Poly1305, compact", Suite::XChaCha20Poly1305, Encoding::Compact),
        Contender::private_jar(data),
    ];
    for round in 0..=rounds {
        match round {
            // The first warms up.
            0 => contenders.iter().flat_map(|contender| &contender.run).for_each(|run| {
                time(run, batch);
            }),
            _ if round % 2 == 0 => contenders.iter_mut().for_each(|contender| contender.round(batch)),
            _ => contenders.iter_mut().rev().for_each(|contender| contender.round(batch)),
        }
    }

    let heads = OPERATIONS.map(|operation| format!("{operation:>20}")).concat();
    println!("{:36}{heads}{:>12}", "", "characters");
    for Contender { name, value_length, samples, .. } in &contenders {
        let times = samples.each_ref().map(|samples| format!("{:>17.0} ns", median(samples))).concat();
        println!("{name:36}{times}{value_length:>12}");
    }
    let [ours @ .., theirs] = &contenders;
    for Contender { name, value_length, samples, .. } in ours {
        let ratios: String = samples
            .iter()
            .zip(&theirs.samples)
            .map(|(ours, theirs)| format!("{:>20}", ratio(theirs, ours)))
            .collect();
        println!("{name:36}{ratios}{:>11.2}x", *value_length as f64 / theirs.value_length as f64);
    }
}

fn main() {
    // Cargo passes `--bench`; without it, as by `cargo test --benches`, the point is that it runs.
    let arguments: Vec<String> = env::args().skip(1).collect();
    let given = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let effort = match given("--quick") || !given("--bench") {
        true => Effort { rounds: 5, batch: 200 },
        false => Effort { rounds: 101, batch: 2000 },
    };
    println!(
        "Medians of {} rounds of {} operations; below, how many times as fast (least-most of all rounds), and the \
         length against theirs.",
        effort.rounds, effort.batch
    );
    let login = Login {
        user: Some(123_456_789),
        name: "Ada Lovelace".into(),
        roles: vec!["admin".into()],
        since: 1_700_000_000,
    };
    compare("login", login, effort);
    [0, 5, 20].into_iter().for_each(|lines| compare(&format!("cart({lines})"), cart(lines), effort));
    println!(
        "\n{:36}{:>20}{:>20}{:>20}{:>12}",
        "Targets, for XAES, compact, cart(5)", ">= 1.50x", "", ">= 2.40x", "<= 0.60x"
    );
}
