//! Holds the claims of SECURITY.md to the code: each has an id of its own, says what it does not cover, and names
//! tests that exist. That they were run, and passed, `scripts/claims` holds against a run's own output.

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
