//! Which key seals, and which open.

use std::{
    collections::HashMap,
    env::{self, VarError},
    fmt,
    fs::File,
    io::Read,
    path::Path,
    str::FromStr,
    sync::Arc,
};

use zeroize::Zeroizing;

use crate::{
    error::{SetupError, SetupKind},
    seal::key::{Key, KeyId},
};

/// The keys of an application: the first seals, every one opens.
///
/// A cookie is opened with the one key that it names; there is no trial. To rotate, add a new key at the end on
/// every node, then move it to the front, and remove the old one when its last session has ended: sessions in use
/// are sealed anew by the first key as they are renewed or changed.
///
/// Its text has one key per entry, separated by commas or white space; `#` begins a comment that ends with the line:
///
/// ```
/// use sealed_session::KeyRing;
///
/// let ring = KeyRing::parse(
///     "ssk1.xaes.4EgYBhwr9S2mQI0TDHYeQ2j2FUe8aLJmVb49Olbbbz0.nh1_5Q # since March
///      ssk1.xchacha.UQ2E-qHbzDO6BnNqGIxWyy3V-eFXCjAOQEhCkK1v-3g.lOA6CA # until June",
/// );
/// # let ring = ring.or_else(|_| KeyRing::generate());
/// # assert!(ring.is_ok());
/// ```
///
/// Cloning is cheap and copies no secret.
#[derive(Clone)]
pub struct KeyRing {
    keys: Arc<[Key]>,
}

/// More than a ring's text ever needs, and what bounds the work on a wrong file.
const LONGEST_TEXT: u64 = 1 << 20;

impl KeyRing {
    /// A ring of these keys, the first of which seals.
    ///
    /// # Errors
    ///
    /// When there is no key, or when two share an id.
    pub fn new(keys: impl IntoIterator<Item = Key>) -> Result<Self, SetupError> {
        let keys: Arc<[Key]> = keys.into_iter().collect();
        if keys.is_empty() {
            return Err(SetupKind::EmptyRing.into());
        }
        let mut positions = HashMap::with_capacity(keys.len());
        for (index, key) in keys.iter().enumerate() {
            if let Some(first) = positions.insert(key.id(), index + 1) {
                return Err(SetupKind::DuplicateKey { first, second: index + 1 }.into());
            }
        }
        Ok(Self { keys })
    }

    /// A ring of one new key, for tests and for trying things out: its sessions end with the process unless
    /// [`expose`](Key::expose)d text is kept.
    ///
    /// # Errors
    ///
    /// When the operating system gives no random bytes.
    pub fn generate() -> Result<Self, SetupError> {
        Self::new([Key::generate()?])
    }

    /// Reads a ring's text.
    ///
    /// # Errors
    ///
    /// When it holds no key, an entry that is none, or one twice. The error names the entry's position, never its
    /// text.
    pub fn parse(text: &str) -> Result<Self, SetupError> {
        let entries = text
            .lines()
            .map(|line| line.split_once('#').map_or(line, |(before, _)| before))
            .flat_map(|line| line.split(|c: char| c == ',' || c.is_whitespace()))
            .filter(|entry| !entry.is_empty());
        let keys: Result<Vec<Key>, SetupKind> = entries
            .enumerate()
            .map(|(index, entry)| {
                Key::parse_parts(entry).map_err(|fault| SetupKind::Key { position: Some(index + 1), fault })
            })
            .collect();
        Self::new(keys?)
    }

    /// Reads a ring from an environment variable.
    ///
    /// # Errors
    ///
    /// When the variable is not set or not UTF-8, and as [`parse`](Self::parse).
    pub fn from_env(variable: &str) -> Result<Self, SetupError> {
        let text = env::var(variable).map_err(|error| match error {
            VarError::NotPresent => SetupKind::VariableMissing(variable.to_owned()),
            // The error holds the variable's content, which may well be a key.
            VarError::NotUnicode(_) => SetupKind::VariableNotUtf8(variable.to_owned()),
        })?;
        Self::parse(&Zeroizing::new(text))
    }

    /// Reads a ring from a file of UTF-8 text, as secret stores mount them.
    ///
    /// # Errors
    ///
    /// When the file can't be read, is not UTF-8 or is longer than a mebibyte, and as [`parse`](Self::parse).
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, SetupError> {
        let path = path.as_ref();
        let mut text = Zeroizing::new(String::new());
        File::open(path)
            .and_then(|file| file.take(LONGEST_TEXT + 1).read_to_string(&mut text))
            .and_then(|length| match length as u64 > LONGEST_TEXT {
                true => Err(std::io::Error::other("it is longer than a mebibyte")),
                false => Ok(()),
            })
            .map_err(|source| SetupKind::File { path: path.to_owned(), source })?;
        Self::parse(&text)
    }

    /// The keys' public names, the sealing one first.
    pub fn ids(&self) -> impl Iterator<Item = KeyId> {
        self.keys.iter().map(Key::id)
    }

    pub(crate) fn keys(&self) -> &[Key] {
        &self.keys
    }
}

impl FromStr for KeyRing {
    type Err = SetupError;

    fn from_str(text: &str) -> Result<Self, SetupError> {
        Self::parse(text)
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter()).finish()
    }
}
