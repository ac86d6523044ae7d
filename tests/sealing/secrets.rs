//! Reads the sources for what no test can observe: that secrets are compared in constant time, that key material is
//! overwritten when it is dropped, and that random bytes have one origin.

use crate::proofs;

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Every source file of the crate: its path, and its text without comments and unit tests.
fn sources() -> Vec<(String, String)> {
    fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => collect(&path, files),
                false => files.push(path),
            }
        }
    }
    let mut files = Vec::new();
    collect(&proofs::root().join("src"), &mut files);
    files.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    assert!(files.len() > 20, "the sources are not where they were");
    let name = |path: &PathBuf| path.strip_prefix(proofs::root()).unwrap().display().to_string();
    files.iter().map(|path| (name(path), code(&name(path)))).collect()
}

/// The code of a source file, without comments and unit tests.
fn code(file: &str) -> String {
    let text = proofs::read(file);
    let before_tests = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap();
    before_tests
        .lines()
        .map(|line| line.split("//").next().unwrap().trim_end())
        .collect::<Vec<_>>()
        .join("\n")
}

/// The body of a function, from its signature to the brace that closes it.
fn body(file: &str, signature: &str) -> String {
    let code = code(file);
    let at = code.find(signature).unwrap_or_else(|| panic!("{file} has no `{signature}`"));
    let line = code[..at].rfind('\n').map_or(0, |end| end + 1);
    let indent = " ".repeat(at - line - code[line..at].trim_start().len());
    let end = code[at..].find(&format!("\n{indent}}}")).expect("a function ends");
    code[at..at + end].to_owned()
}

/// Whether a line compares values, other than to a length or a number.
fn compares(line: &str) -> bool {
    [" == ", " != ", ".eq(", ".ne(", ".cmp(", "starts_with(", "ends_with("]
        .iter()
        .any(|how| line.contains(how))
}

#[test]
fn authentication_tags_are_verified_by_the_ciphers_in_constant_time() {
    for (file, call) in [
        ("src/seal/xaes.rs", ".decrypt_inout_detached("),
        ("src/seal/xchacha.rs", ".decrypt_inout_detached("),
        ("src/seal/aws_lc.rs", ".open_in_place_separate_tag("),
    ] {
        let code = code(file);
        assert!(code.contains(call), "{file} leaves the tag to the cipher");
        let line = code.lines().find(|line| compares(line));
        assert_eq!(line, None, "{file} compares nothing by itself");
    }
    for (file, signature) in [("src/seal/blob.rs", "fn open_blob"), ("src/seal/envelope.rs", "fn open_in<")] {
        let body = body(file, signature);
        assert!(body.contains("decrypt("), "{file} decrypts");
        let line = body.lines().find(|line| compares(line) && line.contains("tag"));
        assert_eq!(line, None, "{file} leaves the tag to the cipher");
    }
}

#[test]
fn codes_of_csrf_tokens_are_verified_by_the_mac_in_constant_time() {
    let verify = body("src/session/csrf.rs", "fn verify_csrf_code");
    assert!(verify.contains(".verify_truncated_left(code)"), "{verify}");
    assert!(!verify.lines().any(compares), "{verify}");
    let outer = body("src/session/csrf.rs", "fn verify_csrf(");
    assert!(outer.contains(".verify_csrf_code(id, masked)"), "{outer}");
    let line = outer.lines().find(|line| compares(line) && (line.contains("mask") || line.contains("code(")));
    assert_eq!(line.filter(|line| !line.contains("base64url::decode(")), None);
}

#[test]
fn no_source_compares_tags_codes_digests_or_secrets_by_itself() {
    const ALLOWED: [&str; 3] = [
        // The checksum of a key's text finds slips of the keyboard: whoever chooses the text has no key to find.
        "if checksum != checksum_of(checked) {",
        "if master_text.len() != MASTER_CHARACTERS {",
        // Of a key that is being loaded, and refused if so.
        "if master.iter().all(|byte| *byte == master[0]) {",
    ];
    let words = ["tag", "mac", "checksum", "digest", "secret", "master", "derived", "csrf"];
    for (file, code) in sources() {
        for line in code.lines().map(str::trim).filter(|line| compares(line) && !ALLOWED.contains(line)) {
            let mut named = line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            let secret = named.find(|name| name.split('_').any(|part| words.contains(&part)));
            assert_eq!(secret, None, "{file}: `{line}`");
        }
    }
}

#[test]
fn each_array_of_key_material_is_wiped_or_borrowed() {
    const ALLOWED: [&str; 2] = [
        // The secret of a blob is no key of the ring: it is in the cookie of the browser, too.
        "pub secret: [u8; 32],",
        // What the caller gives away: wiped by `master.zeroize()`.
        "pub fn from_bytes(mut master: [u8; 32], suite: Suite) -> Result<Self, SetupError> {",
    ];
    let mut seen = 0;
    for (file, code) in sources() {
        for line in code.lines().map(str::trim).filter(|line| !ALLOWED.contains(line)) {
            for array in ["[u8; 32]", "[0; 32]"] {
                for (at, _) in line.match_indices(array) {
                    let before = &line[..at];
                    let held = ["&", "Zeroizing<", "Zeroizing::new("].iter().any(|by| before.ends_with(by));
                    assert!(held, "{file}: 32 bytes that nobody wipes: `{line}`");
                    seen += 1;
                }
            }
        }
    }
    assert!(seen >= 12, "{seen}");
}

#[test]
fn text_that_holds_keys_is_wiped() {
    for (file, signature, wiped) in [
        ("src/seal/key.rs", "fn expose", "let mut text = Zeroizing::new(String::with_capacity(64));"),
        ("src/seal/key.rs", "fn from_bytes", "master.zeroize();"),
        ("src/seal/key_ring.rs", "fn from_env", "Self::parse(&Zeroizing::new(text))"),
        ("src/seal/key_ring.rs", "fn from_file", "let mut text = Zeroizing::new(String::new());"),
    ] {
        let body = body(file, signature);
        assert!(body.contains(wiped), "{file}, {signature}: {body}");
    }
}

#[test]
fn the_dependencies_that_hold_keys_wipe_them() {
    let manifest = proofs::read("Cargo.toml");
    let (_, dependencies) = manifest.split_once("\n[dependencies]\n").unwrap();
    for name in ["aes", "chacha20poly1305", "hmac", "sha2"] {
        let line = dependencies.lines().find(|line| line.starts_with(&format!("{name} = ")));
        assert!(line.is_some_and(|line| line.contains("\"zeroize\"")), "{name}");
    }
}

#[test]
fn random_bytes_come_from_the_operating_system_alone() {
    for (file, code) in sources() {
        for line in code.lines().filter(|line| line.contains("rand::") || line.contains("getrandom")) {
            let known = match &*file {
                // The second only names the type of the generator's error.
                "src/seal/random.rs" | "src/error/mod.rs" => line == "use rand::{TryRng, rngs::SysRng};",
                _ => false,
            };
            assert!(known, "{file}: `{line}`");
        }
        for line in code.lines().filter(|line| line.contains("SysRng") && !line.starts_with("use ")) {
            let known = match &*file {
                "src/seal/random.rs" => line.contains("SysRng.try_fill_bytes(out)"),
                "src/error/mod.rs" => line.contains("<SysRng as TryRng>::Error"),
                _ => false,
            };
            assert!(known, "{file}: `{line}`");
        }
    }
}
