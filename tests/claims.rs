//! Holds the claims of SECURITY.md to the code: each has an id of its own, says what it does not cover, and names
//! tests that exist. That they were run, and passed, `scripts/claims` holds against a run's own output.

use std::{collections::BTreeSet, fs, path::Path};

/// One claim's section of SECURITY.md.
struct Claim {
    id: String,
    text: String,
}

impl Claim {
    /// The tests it names, each with its file.
    fn proofs(&self) -> Vec<(String, String)> {
        let (_, proof) = self.text.split_once("\nProof: ").unwrap_or_default();
        let mut file = String::new();
        let mut proofs = Vec::new();
        for name in proof.split('`').skip(1).step_by(2) {
            if name.ends_with(".rs") {
                file = name.to_owned();
            } else {
                proofs.push((file.clone(), name.to_owned()));
            }
        }
        proofs
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn claims() -> Vec<Claim> {
    let text = fs::read_to_string(root().join("SECURITY.md")).unwrap();
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
        for (file, name) in proofs {
            let source =
                fs::read_to_string(root().join(&file)).unwrap_or_else(|_| panic!("{}: {file}", claim.id));
            let lines: Vec<_> = source.lines().map(str::trim).collect();
            let at = lines.iter().position(|line| {
                line.trim_start_matches("async ")
                    .strip_prefix("fn ")
                    .is_some_and(|rest| rest.strip_prefix(&*name).is_some_and(|rest| rest.starts_with('(')))
            });
            let at = at.unwrap_or_else(|| panic!("{}: {file} has no `{name}`", claim.id));
            let is_attribute = |line: &&&str| line.starts_with("#[") || line.starts_with("//");
            let mut attributes = lines[..at].iter().rev().take_while(is_attribute);
            let is_test = attributes.any(|line| ["#[test]", "#[tokio::test]"].contains(line));
            assert!(is_test, "{}: `{name}` in {file} is no test", claim.id);
        }
    }
}
