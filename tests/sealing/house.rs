//! The house that CONTRIBUTING.md describes: each room of `src` imports only from rooms below it.

use std::{collections::HashMap, fs, path::Path};

use crate::proofs;

/// From the top to the bottom.
const ROOMS: [&str; 17] = [
    "guide",
    "hyper",
    "tower",
    "axum",
    "testing",
    "builder",
    "service",
    "sessions",
    "trip",
    "session",
    "revocation",
    "store",
    "settings",
    "sealer",
    "payload",
    "seal",
    "error",
];

fn height(room: &str) -> usize {
    ROOMS
        .iter()
        .position(|known| *known == room)
        .unwrap_or_else(|| panic!("src/{room} is not a room of the house"))
}

/// The rooms that a source file imports from. `root` says which room a name of the crate's root is from.
fn imports(source: &str, root: &HashMap<String, String>) -> Vec<String> {
    let code: String = source
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| [line, "\n"])
        .collect();
    let mut names = Vec::new();
    for after in code.split("crate::").skip(1) {
        match after.strip_prefix('{') {
            Some(list) => {
                let mut depth = 0;
                let mut name = String::new();
                for c in list.chars() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => names.push(std::mem::take(&mut name)),
                        _ if depth == 0 => name.push(c),
                        _ => {}
                    }
                }
                names.push(name);
            }
            None => names.push(after.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()),
        }
    }
    let first = |name: &String| name.split("::").next().unwrap().trim().to_owned();
    let room = |name: String| root.get(&name).cloned().unwrap_or(name);
    names.iter().map(first).filter(|name| !name.is_empty()).map(room).collect()
}

/// Which room each name of the crate's root is from.
fn root() -> HashMap<String, String> {
    let library = proofs::read("src/lib.rs");
    let (_, list) = library.split_once("pub use self::{").expect("the root has its names from the rooms");
    let list = list.split("\n};").next().unwrap();
    let mut names = HashMap::from([("Samples".to_owned(), "payload".to_owned())]);
    names.insert("SessionService".to_owned(), "service".to_owned());
    let mut room = String::new();
    for line in list.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let words: Vec<_> =
            line.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty()).collect();
        if ROOMS.contains(words.first().unwrap_or(&"")) {
            words[0].clone_into(&mut room);
        }
        let types = words.iter().filter(|word| word.starts_with(|c: char| c.is_uppercase()));
        names.extend(types.map(|name| ((*name).to_owned(), room.clone())));
    }
    names
}

fn check(path: &Path, room: &str, root: &HashMap<String, String>, checked: &mut usize) {
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            check(&entry.unwrap().path(), room, root, checked);
        }
        return;
    }
    if path.extension().is_none_or(|extension| extension != "rs") {
        return; // SQL
    }
    for import in imports(&fs::read_to_string(path).unwrap(), root) {
        assert!(
            height(&import) >= height(room),
            "{} imports from `{import}`, which is above it",
            path.display()
        );
        *checked += usize::from(import != room);
    }
}

#[test]
fn each_room_imports_only_from_rooms_below_it() {
    let (root, mut checked) = (root(), 0);
    for entry in fs::read_dir(proofs::root().join("src")).unwrap() {
        let path = entry.unwrap().path();
        let room = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if room != "lib" {
            check(&path, &room, &root, &mut checked);
        }
    }
    assert!(checked > 100, "{checked} imports");
}
