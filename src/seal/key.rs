//! A key: 32 random bytes that are wiped when it is dropped, and the suite it is for.

use std::{borrow::Cow, fmt};

use base64::{Engine, engine::general_purpose::STANDARD};
use hkdf::Hkdf;
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

use crate::{
    error::{SetupError, SetupKind},
    seal::{base64url, random},
};

/// The authenticated encryption of a key. It belongs to the key, and nothing in a cookie can select another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Suite {
    /// XAES-256-GCM (C2SP specification, 2024). The default: fast wherever the processor has AES instructions.
    #[default]
    Xaes256Gcm,
    /// XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03). For processors without AES instructions.
    XChaCha20Poly1305,
}

impl Suite {
    /// Returns the suite's number in the key derivation.
    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Xaes256Gcm => 1,
            Self::XChaCha20Poly1305 => 2,
        }
    }

    /// Returns the suite's name in the text of a key.
    fn name(self) -> &'static str {
        match self {
            Self::Xaes256Gcm => "xaes",
            Self::XChaCha20Poly1305 => "xchacha",
        }
    }
}

/// The public id of a key: four bytes derived from the key, which every cookie sealed with it carries.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId([u8; 4]);

impl KeyId {
    /// Returns the id's bytes, as they are in the envelope.
    pub fn as_bytes(&self) -> &[u8; 4] {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

const PREFIX: &str = "ssk1.";
const MASTER_CHARACTERS: usize = 43;
const CHECKSUM_BYTES: usize = 4;

/// A key: 32 random bytes, called the master, and the [`Suite`] it is for.
///
/// Its text form is `ssk1.SUITE.KEY.CHECKSUM`, 60 or 63 characters. Secret scanners find it by its prefix, and the
/// checksum turns a typo into an error when the application starts.
///
/// ```
/// use sealed_session::Key;
///
/// let key = Key::generate()?;
/// let text = key.expose(); // shows the secret
/// assert!(text.as_str().starts_with("ssk1.xaes."));
/// assert_eq!(Key::parse(text.as_str())?.id(), key.id());
/// # Ok::<(), sealed_session::SetupError>(())
/// ```
///
/// # Security
///
/// The master is wiped from memory when the key is dropped. `Debug` does not show it, and there is no `Clone`.
pub struct Key {
    master: Zeroizing<[u8; 32]>,
    suite: Suite,
    id: KeyId,
}

impl Key {
    /// Creates a key of the default suite, [`Suite::Xaes256Gcm`], from the operating system's random bytes.
    ///
    /// # Errors
    ///
    /// Returns an error if the operating system provides no random bytes.
    pub fn generate() -> Result<Self, SetupError> {
        Self::generate_for(Suite::default())
    }

    /// Creates a key of the given suite from the operating system's random bytes.
    ///
    /// # Errors
    ///
    /// Returns an error if the operating system provides no random bytes.
    pub fn generate_for(suite: Suite) -> Result<Self, SetupError> {
        let mut master = Zeroizing::new([0; 32]);
        random::fill(&mut *master)?;
        Self::new(master, suite).map_err(not_a_key)
    }

    /// Creates a key from 32 bytes that a secret manager or another generator provides. All of them must be random. A
    /// padded or hashed password is not a key.
    ///
    /// # Errors
    ///
    /// Returns an error if all bytes are equal, as in a placeholder.
    ///
    /// # Security
    ///
    /// The array is wiped, but copies of it that the caller or the compiler made are not.
    ///
    /// ```
    /// use sealed_session::{Key, Suite};
    ///
    /// assert!(Key::from_bytes([0; 32], Suite::Xaes256Gcm).is_err());
    /// ```
    pub fn from_bytes(mut master: [u8; 32], suite: Suite) -> Result<Self, SetupError> {
        let held = Zeroizing::new(master);
        master.zeroize();
        Self::new(held, suite).map_err(not_a_key)
    }

    /// Reads a key from its text form, or from the output of `openssl rand -base64 32`.
    ///
    /// The output of `openssl rand -base64 32` is exactly 44 characters of standard base64, including the `=` at the
    /// end. It gives a key of the suite [`Xaes256Gcm`](Suite::Xaes256Gcm). It has no checksum, so a typo in it gives a
    /// different key, which ends all sessions. White space around the text is an error.
    ///
    /// # Errors
    ///
    /// Returns an error if the text is anything else, or if all bytes of the key material are equal, as in a
    /// placeholder. The error says what is wrong, and shows no part of the text.
    ///
    /// ```
    /// use sealed_session::{Key, Suite};
    ///
    /// let key = Key::parse("q8oJbUxtYVNV0HYuLIxdpGwvYMWZ4aL2mLMQBzBrzk0=")?;
    /// assert_eq!(key.suite(), Suite::Xaes256Gcm);
    /// # Ok::<(), sealed_session::SetupError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, SetupError> {
        Self::read(text).map_err(not_a_key)
    }

    pub(crate) fn read(text: &str) -> Result<Self, Fault> {
        let mut master = Zeroizing::new([0; 32]);
        let Some(rest) = text.strip_prefix(PREFIX) else {
            read_bare(text, &mut *master)?;
            return Self::new(master, Suite::Xaes256Gcm);
        };
        let mut parts = rest.split('.');
        let (Some(name), Some(master_text), Some(checksum), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err("it is not of the form `ssk1.SUITE.KEY.CHECKSUM`; copy the whole key again".into());
        };
        let suite = [Suite::Xaes256Gcm, Suite::XChaCha20Poly1305]
            .into_iter()
            .find(|suite| suite.name() == name)
            .ok_or("its suite is neither `xaes` nor `xchacha`; copy the whole key again")?;
        if master_text.len() != MASTER_CHARACTERS {
            return Err(Cow::Owned(format!(
                "its key material is of the wrong length: expected {MASTER_CHARACTERS} characters, got {}; copy the \
                 whole key again",
                master_text.len()
            )));
        }
        base64url::decode(master_text.as_bytes(), &mut *master)
            .ok_or("its key material is not base64url; copy the whole key again")?;
        // The checksum is compared as text, so that it also has a single spelling. It detects typos and is no
        // protection.
        let checked = &text[..text.len() - checksum.len() - 1];
        if checksum != checksum_of(checked) {
            return Err(
                "its checksum does not match: it is mistyped or cut off; copy the whole key again".into()
            );
        }
        Self::new(master, suite)
    }

    fn new(master: Zeroizing<[u8; 32]>, suite: Suite) -> Result<Self, Fault> {
        if master.iter().all(|byte| *byte == master[0]) {
            return Err("all bytes of its key material are equal, as in a placeholder; make a key with `Key::generate`".into());
        }
        let mut id = [0; 4];
        let info = [&lp(b"kid")[..], &[suite.number()]].concat();
        extract(&master).expand(&info, &mut id).expect("four bytes are within HKDF's limit");
        Ok(Self { master, suite, id: KeyId(id) })
    }

    /// Returns the text form, which shows the secret. Use it to write a new key to your secret storage.
    pub fn expose(&self) -> KeyText {
        let mut text = Zeroizing::new(String::with_capacity(64));
        text.push_str(PREFIX);
        text.push_str(self.suite.name());
        text.push('.');
        base64url::encode(&*self.master, &mut text);
        let checksum = checksum_of(&text);
        text.push('.');
        text.push_str(&checksum);
        KeyText(text)
    }

    /// Returns the suite of this key.
    pub fn suite(&self) -> Suite {
        self.suite
    }

    /// Returns the public id of this key.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// Returns `HKDF-Extract(salt = "sealed-session/v1", master)`, ready to expand.
    pub(crate) fn extract(&self) -> Hkdf<Sha256> {
        extract(&self.master)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("suite", &self.suite).field("id", &self.id).finish_non_exhaustive()
    }
}

/// The text form of a key, which is wiped when it is dropped. `Display` and [`as_str`](Self::as_str) show it; `Debug`
/// does not.
pub struct KeyText(Zeroizing<String>);

impl KeyText {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for KeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyText(…)")
    }
}

/// The problem with a key, and the remedy. It shows no part of the key's text.
type Fault = Cow<'static, str>;

fn not_a_key(fault: Fault) -> SetupError {
    SetupKind::Key.error(format!("this is not a key: {fault}"))
}

/// Reads the output of `openssl rand -base64 32`.
fn read_bare(text: &str, out: &mut [u8]) -> Result<(), Fault> {
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
    let fault = match text.len() {
        // 44 characters can also encode 31 or 33 bytes.
        44 if STANDARD.decode_slice(text, out) == Ok(32) => return Ok(()),
        44 => {
            "it has 44 characters that are not the base64 of 32 bytes as `openssl rand -base64 32` prints it; copy the \
             whole key again"
        }
        43 if text.bytes().all(is_base64) => {
            "it has 43 characters of base64, but `openssl rand -base64 32` prints 44, with a `=` at the end; copy the \
             `=` too"
        }
        64 if text.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            "it has 64 hexadecimal digits, but a key without `ssk1.` must be base64; make one with `openssl rand -base64 \
             32` or `Key::generate`"
        }
        _ => {
            "it does not begin with `ssk1.`, and is not 44 characters of base64 as `openssl rand -base64 32` prints; copy \
             the whole key, or make one with that command or `Key::generate`"
        }
    };
    Err(fault.into())
}

fn extract(master: &[u8; 32]) -> Hkdf<Sha256> {
    Hkdf::<Sha256>::new(Some(b"sealed-session/v1"), master)
}

/// Returns `lp(x)`: the 16-bit length of `x`, then `x`. With it, no two different lists of inputs join into the same
/// bytes.
pub(crate) fn lp(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).expect("the caller has checked the length");
    [&length.to_be_bytes()[..], bytes].concat()
}

/// Returns the base64url of the first 4 bytes of SHA-256 of the text before the last dot.
fn checksum_of(text: &str) -> String {
    let mut checksum = String::with_capacity(6);
    base64url::encode(&Sha256::digest(text)[..CHECKSUM_BYTES], &mut checksum);
    checksum
}

#[cfg(test)]
#[path = "../../tests/unit/seal/key.rs"]
mod tests;
