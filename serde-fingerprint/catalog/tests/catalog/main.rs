//! Sends values of many types through both encodings of serde-fingerprint and through JSON, and holds what becomes of
//! them: types of popular crates, of the standard library, and of serde's attributes. README.md is generated from the
//! same rows.

mod attributes;
mod crates;
mod outcome;
mod standard;

use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::LazyLock;

use outcome::{Outcome, Row};

/// Set this variable to write README.md instead of comparing it.
const WRITE: &str = "CATALOG_WRITE";
const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");

static SECTIONS: LazyLock<[(&str, Vec<Row>); 3]> = LazyLock::new(|| {
    [
        ("Types of other crates", crates::rows()),
        ("Types of the standard library", standard::rows()),
        ("serde's representations and attributes", attributes::rows()),
    ]
});

fn rows() -> impl Iterator<Item = &'static Row> {
    SECTIONS.iter().flat_map(|(_, rows)| rows)
}

/// JSON reads these back, and the self-describing encoding does not.
const ONLY_JSON: &[(&str, &str)] = &[
    ("`serde_json::value::RawValue`", "It is read from the text of JSON, and from nothing else."),
    (
        "`tag`, bytes that are read as a list inside",
        "JSON has no bytes, so it writes a list. Here, serde's buffer holds bytes.",
    ),
    (
        "`untagged`, text or bytes",
        "The first variant also reads bytes that are UTF-8. In JSON, bytes are a list.",
    ),
    ("`into` a tuple, without `from`", "A list is not read as a struct, on purpose."),
    ("recursive struct, 100 levels", "The limit of 128 levels counts options."),
];

/// The self-describing encoding reads these back, and JSON does not.
const ONLY_SELF_DESCRIBING: &[&str] = &[
    "`f32`, infinite",
    "`f64`, with 17 significant digits",
    "`f64`, infinite",
    "`f64`, NaN",
    "`Option<f64>`, NaN",
    "`HashMap<(u8, u8), u8>`",
    "`HashMap<Option<u8>, u8>`",
    "`HashMap` with a struct as key",
    "`HashMap` with an enum of other variants as key",
    "`tag`, infinite `f64` inside",
    "`tag`, map with integer keys inside",
    "`tag`, newtype variant of a map with integer keys",
    "`untagged`, NaN inside",
    "`untagged`, map with integer keys inside",
    "`untagged`, map with `bool` keys inside",
    "`flatten`, struct with a map with integer keys",
];

fn names(filter: fn(&Row) -> bool) -> Vec<&'static str> {
    rows().filter(|row| filter(row)).map(|row| row.name).collect()
}

#[test]
fn every_type_turns_out_as_listed() {
    let wrong: Vec<String> = rows().flat_map(Row::surprises).collect();
    assert!(wrong.is_empty(), "{} surprises:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_catalog_is_long_and_names_nothing_twice() {
    assert!(SECTIONS[0].1.len() >= 60);
    let mut seen = HashSet::new();
    let twice: Vec<_> = rows().map(|row| row.name).filter(|name| !seen.insert(*name)).collect();
    assert!(twice.is_empty(), "{twice:?}");
}

#[test]
fn self_describing_carries_what_json_carries_except_for_a_list() {
    let listed: Vec<_> = ONLY_JSON.iter().map(|(name, _)| *name).collect();
    assert_eq!(names(|row| row.json().is_carried() && !row.self_describing().is_carried()), listed);
}

#[test]
fn json_carries_what_self_describing_carries_except_for_a_list() {
    assert_eq!(
        names(|row| row.self_describing().is_carried() && !row.json().is_carried()),
        ONLY_SELF_DESCRIBING
    );
}

#[test]
fn the_readme_says_what_the_rows_say() {
    let table = readme();
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(README, table).unwrap();
        return;
    }
    let file = std::fs::read_to_string(README).unwrap_or_default();
    assert!(
        file == table,
        "README.md is not what the rows say. Regenerate it, in this folder: {WRITE}=1 cargo test the_readme"
    );
}

fn readme() -> String {
    let mut out = INTRODUCTION.to_owned();
    let all = rows().count();
    let count = |of: fn(&Row) -> Outcome| rows().filter(|row| of(row).is_carried()).count();
    let (compact, named, json) = (count(Row::compact), count(Row::self_describing), count(Row::json));
    let sampled = rows().filter(|row| row.compact() == Outcome::NeedsSample).count();
    writeln!(
        out,
        "Of {all} types and combinations, the compact encoding carries {compact}, {sampled} of them with a sample. \
         The self-describing encoding carries {named}, and JSON carries {json}."
    )
    .unwrap();
    out.push_str("\nThe self-describing encoding carries what JSON carries, except:\n\n");
    for (name, why) in ONLY_JSON {
        writeln!(out, "- {name}. {why}").unwrap();
    }
    out.push_str("\nJSON does not carry, and the self-describing encoding does:\n\n");
    for name in ONLY_SELF_DESCRIBING {
        writeln!(out, "- {name}").unwrap();
    }
    for (title, rows) in &*SECTIONS {
        write!(out, "\n## {title}\n\n| type | compact | self-describing | JSON |\n|---|---|---|---|\n")
            .unwrap();
        for row in rows {
            let [compact, named, json] = row.expected.map(Outcome::text);
            writeln!(out, "| {} | {compact} | {named} | {json} |", row.name).unwrap();
        }
    }
    out
}

const INTRODUCTION: &str = "\
# Which types each encoding carries

The tests in this folder send values of each type through both encodings of serde-fingerprint and through JSON
(`serde_json`), and compare what comes back. They also write this file. To regenerate it, run
`CATALOG_WRITE=1 cargo test the_readme` in this folder.

| outcome | meaning |
|---|---|
| yes | Every value reads back equal. |
| with a sample | The same, after `Schema::trace_with` was given one value of the type as a sample. |
| rejected | `Schema::trace` returns an error, and so does `Schema::trace_with` with a value of the type. |
| error when written | A value is rejected when it is written. |
| error when read | A value is written, and reading it is an error. |
| **another value** | A value reads back as another value, without an error. |

";
