//! Checks the claims of SECURITY.md: each has its own id, says what it does not cover, and names tests that exist. Also
//! checks the answers to ASVS, and the tables of settings in the guides.
//!
//! `scripts/claims` checks that the named tests ran and passed. `scripts/claim-mutations` checks that they fail when the
//! claim is false.

#[path = "kit/proofs.rs"]
mod proofs;

use std::collections::BTreeSet;

use proofs::Proof;

/// One claim's section of SECURITY.md.
struct Claim {
    id: String,
    text: String,
}

impl Claim {
    /// The tests it names.
    fn proofs(&self) -> Vec<Proof> {
        let (_, proof) = self.text.split_once("\nProof: ").unwrap_or_default();
        Proof::after_files(proof)
    }
}

fn claims() -> Vec<Claim> {
    let text = proofs::read("SECURITY.md");
    let (_, after) = text.split_once("\n## Claims\n").expect("there is a section of claims");
    let section = after.split("\n## ").next().unwrap();
    section
        .split("\n### ")
        .skip(1)
        .map(|claim| {
            let (id, _) = claim.split_once(": ").expect("a claim begins with its id");
            Claim { id: id.to_owned(), text: claim.to_owned() }
        })
        .collect()
}

#[test]
fn every_claim_has_an_id_of_its_own() {
    let claims = claims();
    assert!(claims.len() >= 15, "claims are added, not lost");
    let ids: BTreeSet<_> = claims.iter().map(|claim| &claim.id).collect();
    assert_eq!(ids.len(), claims.len());
    for claim in &claims {
        let number = claim.id.strip_prefix('C').and_then(|number| number.parse::<u32>().ok());
        assert!(number.is_some(), "{}", claim.id);
    }
}

#[test]
fn every_claim_says_what_it_does_not_cover() {
    for claim in claims() {
        assert!(claim.text.contains("\nDoes not cover: "), "{}", claim.id);
    }
}

#[test]
fn every_claim_names_tests_that_exist() {
    for claim in claims() {
        let proofs = claim.proofs();
        assert!(!proofs.is_empty(), "{} has no proof", claim.id);
        for proof in proofs {
            proof.check().unwrap_or_else(|error| panic!("{}: {error}", claim.id));
        }
    }
}

/// A change to the code that makes a claim false. `scripts/claim-mutations` runs the claim's tests with it.
struct Mutation<'t> {
    claim: &'t str,
    file: &'t str,
    old: &'t str,
    new: &'t str,
}

/// Reads `tests/claims/mutations.toml`, in which every value is a literal string between `'''`.
fn mutations(text: &str) -> Vec<Mutation<'_>> {
    let mut parts = text.split("'''");
    let mut mutations = Vec::new();
    while let (Some(before), Some(breaks)) = (parts.next(), parts.next()) {
        let (_, claim) = before.rsplit_once("[[").unwrap_or_else(|| panic!("no claim before: {breaks}"));
        let claim =
            claim.strip_suffix("]]\nbreaks = ").unwrap_or_else(|| panic!("no claim before: {breaks}"));
        let mut value = |key: &str| {
            assert_eq!(parts.next().map(str::trim), Some(key), "{claim}: {breaks}");
            parts.next().unwrap_or_else(|| panic!("{claim}: {breaks}"))
        };
        let (file, old, new) = (value("file ="), value("old ="), value("new ="));
        mutations.push(Mutation { claim, file, old, new });
    }
    mutations
}

#[test]
fn every_claim_has_mutations_that_still_apply() {
    let text = proofs::read("tests/claims/mutations.toml");
    let mutations = mutations(&text);
    let mutated: BTreeSet<_> = mutations.iter().map(|mutation| mutation.claim).collect();
    let claims = claims();
    let ids: BTreeSet<_> = claims.iter().map(|claim| &*claim.id).collect();
    assert_eq!(mutated, ids, "each claim has mutations, and each mutation is of a claim");
    for Mutation { claim, file, old, new } in mutations {
        assert_ne!(old, new, "{claim}");
        let times = proofs::read(file).matches(old).count();
        assert_eq!(times, 1, "{claim}: {file} has this text {times} times: {old}");
    }
}

/// The answers to the requirements of ASVS: number, gist, who answers, how.
fn answers() -> Vec<[String; 4]> {
    let text = proofs::read("SECURITY.md");
    let (_, after) = text.split_once("\n## OWASP ASVS 5.0\n").expect("there is a section on ASVS");
    let section = after.split("\n## ").next().unwrap();
    proofs::rows(section, 4).into_iter().map(|cells| cells.try_into().unwrap()).collect()
}

#[test]
fn every_requirement_of_the_chosen_asvs_sections_is_answered_once() {
    // Requirements by section of ASVS 5.0, in the order of the tables. Sections of V11 and V16 that are not complete have
    // a sentence below their table that says why.
    let sections: [(&str, &[u32]); 24] = [
        ("7.1", &[1, 2, 3]),
        ("7.2", &[1, 2, 3, 4]),
        ("7.3", &[1, 2]),
        ("7.4", &[1, 2, 3, 4, 5]),
        ("7.5", &[1, 2, 3]),
        ("7.6", &[1, 2]),
        ("3.3", &[1, 2, 3, 4, 5]),
        ("9.1", &[1, 2, 3]),
        ("9.2", &[1, 2, 3, 4]),
        ("11.1", &[1, 2, 4]),
        ("11.2", &[1, 2, 3, 4, 5]),
        ("11.3", &[1, 2, 3, 4, 5]),
        ("11.4", &[1, 3]),
        ("11.5", &[1, 2]),
        ("11.7", &[2]),
        ("13.3", &[1, 2, 3, 4]),
        ("14.3", &[1, 2, 3]),
        ("15.1", &[1, 2, 3, 4, 5]),
        ("15.2", &[1, 2, 3, 4, 5]),
        ("16.1", &[1]),
        ("16.2", &[1, 5]),
        ("16.3", &[3, 4]),
        ("16.4", &[1]),
        ("16.5", &[1, 2, 3]),
    ];
    let expected: Vec<_> = sections
        .iter()
        .flat_map(|(section, requirements)| requirements.iter().map(move |n| format!("{section}.{n}")))
        .collect();
    let answered: Vec<_> = answers().into_iter().map(|[number, ..]| number).collect();
    assert_eq!(answered, expected);
}

#[test]
fn every_answer_names_claims_and_tests_that_exist() {
    let ids: BTreeSet<_> = claims().into_iter().map(|claim| claim.id).collect();
    for [number, _, who, how] in answers() {
        for proof in Proof::qualified(&how) {
            proof.check().unwrap_or_else(|error| panic!("{number}: {error}"));
        }
        let words = how.split(|c: char| !c.is_ascii_alphanumeric());
        let claim =
            |word: &&str| word.len() == 3 && word.starts_with('C') && word[1..].parse::<u32>().is_ok();
        let named: Vec<_> = words.filter(claim).collect();
        for id in &named {
            assert!(ids.contains(*id), "{number} names {id}");
        }
        let is_held = !named.is_empty() || !Proof::qualified(&how).is_empty();
        assert!(is_held || !who.contains("crate"), "{number}: the crate answers, without a claim or a test");
    }
}

/// Methods of the builder and its parts that configure nothing.
const NO_SETTINGS: [&str; 4] = ["build", "full_name", "judge", "start"];

/// The public methods in an `impl` block of a source file.
fn methods(file: &str, block: &str) -> Vec<String> {
    let source = proofs::read(file);
    let (_, after) =
        source.split_once(&format!("\n{block} {{\n")).unwrap_or_else(|| panic!("{file}: {block}"));
    let block = after.split("\n}\n").next().unwrap();
    block
        .lines()
        .filter_map(|line| line.trim().strip_prefix("pub fn "))
        .filter_map(|line| line.split(['(', '<']).next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_guides_have_a_row_for_every_setting() {
    let (configuration, revocation) = ("docs/configuration.md", "docs/revocation.md");
    for (guide, section, file, block, least) in [
        (configuration, "Builder methods", "src/builder.rs", "impl<T: Payload> SessionsBuilder<T>", 20),
        (configuration, "The cookie", "src/settings/cookie.rs", "impl CookieAttributes", 6),
        (configuration, "Timeouts", "src/seal/timeouts.rs", "impl Timeouts", 6),
        (revocation, "Options", "src/revocation/builder.rs", "impl RevocationsBuilder", 5),
    ] {
        let guide = proofs::read(guide);
        let (_, after) = guide.split_once(&format!("\n## {section}\n")).expect("there is such a section");
        let rows = proofs::rows(after.split("\n## ").next().unwrap(), 3);
        let name = |row: &Vec<String>| row[0].trim_matches('`').split(['(', ':']).next().unwrap().to_owned();
        let described: BTreeSet<_> = rows.iter().map(name).collect();
        let methods: BTreeSet<_> =
            methods(file, block).into_iter().filter(|name| !NO_SETTINGS.contains(&&**name)).collect();
        assert!(methods.len() >= least, "{file}: {methods:?}");
        assert_eq!(described, methods, "the rows under \"{section}\" are the methods in {file}");
    }
}
