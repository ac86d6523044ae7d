//! Checks that the tests named in documents exist. Separate from the rest of the kit, so that a test of documents needs
//! no framework.

#![allow(dead_code)] // each test binary uses a part of it

use std::{fs, path::Path};

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn read(document: &str) -> String {
    fs::read_to_string(root().join(document)).unwrap_or_else(|error| panic!("{document}: {error}"))
}

/// A test that a document names: its file, and its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    pub file: String,
    pub name: String,
}

impl Proof {
    /// The tests in a text that names a file before its tests: `` `tests/vectors.rs` `one`, `two` ``.
    pub fn after_files(text: &str) -> Vec<Self> {
        let mut file = String::new();
        let mut proofs = Vec::new();
        for name in code(text) {
            if name.ends_with(".rs") {
                file = name.to_owned();
            } else {
                proofs.push(Self { file: file.clone(), name: name.to_owned() });
            }
        }
        proofs
    }

    /// The tests in a text that names each with its file: `` `life::one` `` for `one` in `tests/behaviors/life.rs`.
    /// Ignores all other code in the text.
    pub fn qualified(text: &str) -> Vec<Self> {
        let is_name = |name: &str| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        };
        code(text)
            .filter_map(|code| code.split_once("::"))
            .filter(|(file, name)| is_name(file) && is_name(name))
            .map(|(file, name)| Self { file: file_of(file), name: name.to_owned() })
            .collect()
    }

    /// Checks that the test exists. The error says what is wrong.
    pub fn check(&self) -> Result<(), String> {
        let Self { file, name } = self;
        let source = fs::read_to_string(root().join(file)).map_err(|error| format!("`{file}`: {error}"))?;
        let lines: Vec<_> = source.lines().map(str::trim).collect();
        let at = lines
            .iter()
            .position(|line| {
                line.trim_start_matches("async ")
                    .strip_prefix("fn ")
                    .and_then(|rest| rest.strip_prefix(&**name))
                    .is_some_and(|rest| rest.starts_with('('))
            })
            .ok_or_else(|| format!("{file} has no `{name}`"))?;
        let is_attribute = |line: &&&str| line.starts_with("#[") || line.starts_with("//");
        let mut attributes = lines[..at].iter().rev().take_while(is_attribute);
        let is_test = |line: &&str| *line == "#[test]" || line.starts_with("#[tokio::test");
        match attributes.any(is_test) {
            true => Ok(()),
            false => Err(format!("`{name}` in {file} is no test")),
        }
    }
}

/// The file of a module of tests. `scripts/claims` looks in the same directories.
fn file_of(module: &str) -> String {
    ["tests/behaviors", "tests/sealing", "tests"]
        .map(|directory| format!("{directory}/{module}.rs"))
        .into_iter()
        .find(|file| root().join(file).exists())
        .unwrap_or_else(|| format!("tests/{module}.rs"))
}

/// The parts of a text between backticks.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The rows of all tables in a document that have this many columns, without the heads.
pub fn rows(document: &str, columns: usize) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut within = false;
    for line in document.lines() {
        let Some(row) = line.strip_prefix('|').and_then(|line| line.strip_suffix('|')) else {
            within = false;
            continue;
        };
        let cells: Vec<_> = row.split('|').map(|cell| cell.trim().to_owned()).collect();
        if cells.iter().all(|cell| cell.chars().all(|c| c == '-' || c == ':')) {
            within = true;
        } else if within && cells.len() == columns {
            rows.push(cells);
        } else if within {
            panic!("a row of {} cells, not {columns}: {line}", cells.len());
        }
    }
    rows
}
