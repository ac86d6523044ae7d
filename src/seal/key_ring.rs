//! The keys of an application: the first one seals, and every one opens.

use std::{
    collections::HashMap,
    env::{self, VarError},
    fmt,
    fs::File,
    io::Read,
    path::Path,
    sync::Arc,
};

use zeroize::Zeroizing;

use crate::{
    error::{SetupError, SetupKind},
    seal::key::{Key, KeyId},
};

/// The keys of an application: the first key seals, and every key opens. Cloning is cheap and copies no secret.
///
/// A cookie names the key that opens it, and no other key is tried. Key rotation takes three steps: add a new key at
/// the end on every node, then move it to the front, and remove the old key when its last session has ended. Sessions
/// in use are sealed with the first key when they are renewed or changed.
///
/// The text of a key ring has one entry for each key, as [`Key::parse`] reads it. Commas or white space separate entries,
/// and `#` starts a comment that ends with the line:
///
/// ```
/// use sealed_session::KeyRing;
///
/// let ring = KeyRing::parse(
///     "ssk1.xaes.4EgYBhwr9S2mQI0TDHYeQ2j2FUe8aLJmVb49Olbbbz0.PKB3jw # since March
///      ssk1.xchacha.UQ2E-qHbzDO6BnNqGIxWyy3V-eFXCjAOQEhCkK1v-3g.FxJt1A # until June",
/// )?;
/// assert_eq!(ring.ids().count(), 2);
/// # Ok::<(), sealed_session::SetupError>(())
/// ```
///
/// Never use a published key, like these two. Make one with [`Key::generate`] or `openssl rand -base64 32`.
#[derive(Clone)]
pub struct KeyRing {
    keys: Arc<[Key]>,
}

/// The longest text of a key ring, which is more than one ever needs. It bounds the work on a wrong file.
const LONGEST_TEXT: u64 = 1 << 20;

impl KeyRing {
    /// Creates a ring of these keys. The first one seals.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no key, or if two keys have the same id.
    pub fn new(keys: impl IntoIterator<Item = Key>) -> Result<Self, SetupError> {
        let keys: Arc<[Key]> = keys.into_iter().collect();
        if keys.is_empty() {
            let empty = "the key ring is empty: give it at least one key, which seals the sessions";
            return Err(SetupKind::Key.error(empty));
        }
        let mut positions = HashMap::with_capacity(keys.len());
        for (index, key) in keys.iter().enumerate() {
            if let Some(first) = positions.insert(key.id(), index + 1) {
                return Err(SetupKind::Key.error(format!(
                    "entries {first} and {} of the key ring have the same key id: list each key once",
                    index + 1
                )));
            }
        }
        Ok(Self { keys })
    }

    /// Creates a ring of one new key, for tests and experiments. The key, and with it every session, is lost when the
    /// process ends.
    ///
    /// # Errors
    ///
    /// Returns an error if the operating system provides no random bytes.
    pub fn generate() -> Result<Self, SetupError> {
        Self::new([Key::generate()?])
    }

    /// Reads the text of a key ring.
    ///
    /// # Errors
    ///
    /// Returns an error if the text has no key, has an entry that is not a key, or has a key twice. The error names the
    /// position of the entry, never its text.
    pub fn parse(text: &str) -> Result<Self, SetupError> {
        let entries = text
            .lines()
            .map(|line| line.split_once('#').map_or(line, |(before, _)| before))
            .flat_map(|line| line.split(|c: char| c == ',' || c.is_whitespace()))
            .filter(|entry| !entry.is_empty());
        let keys: Result<Vec<Key>, SetupError> = entries
            .enumerate()
            .map(|(index, entry)| {
                Key::read(entry).map_err(|fault| {
                    SetupKind::Key.error(format!("entry {} of the key ring is not a key: {fault}", index + 1))
                })
            })
            .collect();
        Self::new(keys?)
    }

    /// Reads a key ring from an environment variable.
    ///
    /// # Errors
    ///
    /// Returns an error if the variable is not set or is not UTF-8, and the errors of [`parse`](Self::parse).
    pub fn from_env(variable: &str) -> Result<Self, SetupError> {
        let text = env::var(variable).map_err(|error| match error {
            VarError::NotPresent => SetupKind::Key.error(format!(
                "the environment variable {variable} is not set: set it to the key ring, for example to one key from \
                 `openssl rand -base64 32`"
            )),
            // The error contains the value of the variable, which may be a key, so it is not kept as the cause.
            VarError::NotUnicode(_) => SetupKind::Key.error(format!(
                "the environment variable {variable} is not UTF-8: set it to the text of the key ring"
            )),
        })?;
        Self::parse(&Zeroizing::new(text))
    }

    /// Reads a key ring from a file of UTF-8 text, such as a mounted secret.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be read, is not UTF-8 or is longer than a mebibyte, and the errors of
    /// [`parse`](Self::parse).
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, SetupError> {
        let path = path.as_ref();
        let mut text = Zeroizing::new(String::new());
        File::open(path)
            .and_then(|file| file.take(LONGEST_TEXT + 1).read_to_string(&mut text))
            .and_then(|length| match length as u64 > LONGEST_TEXT {
                true => Err(std::io::Error::other("it is longer than a mebibyte")),
                false => Ok(()),
            })
            .map_err(|source| {
                let what =
                    "check that the file exists, that this process may read it, and that it is a key ring";
                let message = format!("the key ring cannot be read from {}: {what}", path.display());
                SetupKind::Key.error(message).because(source)
            })?;
        Self::parse(&text)
    }

    /// Returns the public ids of the keys, starting with the sealing key.
    pub fn ids(&self) -> impl Iterator<Item = KeyId> {
        self.keys.iter().map(Key::id)
    }

    pub(crate) fn keys(&self) -> &[Key] {
        &self.keys
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter()).finish()
    }
}
