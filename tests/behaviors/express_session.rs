//! Holds `tests/express_session.md` to the tests here: each that it names exists, each row has a test or a reason, and
//! no case of express-session's is left out of the count.

use crate::proofs::{self, Proof};

const DOCUMENT: &str = "tests/express_session.md";

/// One row: how many of their cases, what they ask, and the answer here.
struct Row {
    cases: usize,
    asked: String,
    answer: String,
}

fn rows(document: &str) -> Vec<Row> {
    proofs::rows(document, 3)
        .into_iter()
        .map(|cells| {
            let [cases, asked, answer] = <[String; 3]>::try_from(cells).unwrap();
            Row { cases: cases.parse().unwrap_or_else(|_| panic!("{asked}: {cases} cases")), asked, answer }
        })
        .collect()
}

#[test]
fn every_test_that_is_named_exists() {
    let mut named = 0;
    for row in rows(&proofs::read(DOCUMENT)) {
        for proof in Proof::qualified(&row.answer) {
            proof.check().unwrap_or_else(|error| panic!("{}: {error}", row.asked));
            named += 1;
        }
    }
    assert!(named >= 90, "tests are added, not lost: {named}");
}

#[test]
fn every_row_has_a_test_or_a_reason() {
    for row in rows(&proofs::read(DOCUMENT)) {
        let has_reason = row.answer.split('`').step_by(2).any(|prose| prose.contains('.'));
        assert!(has_reason || !Proof::qualified(&row.answer).is_empty(), "{}", row.asked);
    }
}

#[test]
fn every_case_is_counted() {
    let document = proofs::read(DOCUMENT);
    let (_, tables) = document.split_once("\n## test/session.js\n").unwrap();
    let (session, cookie) = tables.split_once("\n## test/cookie.js\n").unwrap();
    let text = document.split_whitespace().collect::<Vec<_>>().join(" "); // wherever its lines break
    for (file, tables) in [("session", session), ("cookie", cookie)] {
        let cases: usize = rows(tables).iter().map(|row| row.cases).sum();
        let stated = format!("{cases} of `test/{file}.js`");
        let also = format!("{cases} cases of `test/{file}.js`");
        assert!(text.contains(&stated) || text.contains(&also), "{file}.js: {cases} cases in the tables");
    }
}
