//! Any bytes as a stored blob, and as the plaintext of an authentic one: no panic, and the outcome is the one that the
//! rules of the format name.

use std::sync::LazyLock;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305,
    aead::{AeadInOut, inout::InOutBuf},
};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sealed_session::{
    KeyRing,
    seal::{Blob, Context, Reference},
};
use sha2::Sha256;

use super::Outcomes;

pub const OUTCOMES: &[&str] = &[
    "as stored: opened",
    "as stored: malformed",
    "as stored: unknown_key",
    "as stored: forged",
    "authentic: opened",
    "authentic: malformed",
    "authentic: stale_blob",
    "authentic: bad_frame",
];

const REALM: &str = "shop";
const COOKIE_NAME: &str = "__Host-session";
const KEY: &str = "ssk1.xchacha.zJuMfn8UTJc8VklraYdTp1LrQWR8kJYe5uCpPnwNNRs.BVP4OQ";
const REFERENCE: Reference = Reference { generation: 3, secret: [9; 32] };
const SESSION_ID: [u8; 16] = [5; 16];
const NONCE: [u8; 24] = [6; 24];
/// The longest blob that is accepted: a bucket of 256 bytes, and some.
pub const LIMIT: usize = 320;
/// The clear bytes, the schema, the length of the padding, and the tag.
const SHORTEST: usize = 13 + 24 + 6 + 16;

static CONTEXT: LazyLock<Context> =
    LazyLock::new(|| Context::new(&KeyRing::parse(KEY).unwrap(), REALM, COOKIE_NAME).unwrap());

/// The one blob that opens as it is.
pub static SEALED: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let blob = Blob { generation: 4, schema: 7, payload: b"Ada" };
    CONTEXT.seal_blob_with_nonce(NONCE, &REFERENCE, &SESSION_ID, &blob)
});

pub fn run(data: &[u8]) -> Outcomes {
    vec![as_stored(data), authentic(data)]
}

fn as_stored(data: &[u8]) -> &'static str {
    let expected = match data {
        _ if data == *SEALED => "as stored: opened",
        _ if data.len() < SHORTEST || data.len() > LIMIT || data[0] != 0x13 => "as stored: malformed",
        _ if data[1..5] != SEALED[1..5] => "as stored: unknown_key",
        _ => "as stored: forged",
    };
    let outcome = match open(&mut data.to_vec()) {
        Ok(blob) => {
            assert_eq!(blob, Blob { generation: 4, schema: 7, payload: b"Ada" });
            "opened"
        }
        Err(class) => class,
    };
    assert_eq!(expected, format!("as stored: {outcome}"));
    expected
}

/// The first byte is the generation, all others are the plaintext.
fn authentic(data: &[u8]) -> &'static str {
    let Some((generation, plain)) = data.split_first() else { return "authentic: malformed" };
    let pad = plain.get(4..6).map_or(0, |pad| usize::from(u16::from_be_bytes([pad[0], pad[1]])));
    let padded = plain.get(6..).unwrap_or_default();
    let payload = padded.len().checked_sub(pad).map(|length| padded.split_at(length));
    let mut bytes = seal(u64::from(*generation), plain);
    let expected = match payload {
        _ if bytes.len() < SHORTEST || bytes.len() > LIMIT => Err("malformed"),
        _ if u64::from(*generation) < REFERENCE.generation => Err("stale_blob"),
        Some((payload, zeroes)) if zeroes.iter().all(|byte| *byte == 0) => Ok(payload),
        _ => Err("bad_frame"),
    };
    assert_eq!(open(&mut bytes).map(|blob| blob.payload), expected);
    match expected {
        Ok(_) => "authentic: opened",
        Err("malformed") => "authentic: malformed",
        Err("stale_blob") => "authentic: stale_blob",
        Err(_) => "authentic: bad_frame",
    }
}

fn open(bytes: &mut [u8]) -> Result<Blob<'_>, &'static str> {
    CONTEXT.open_blob(&REFERENCE, &SESSION_ID, LIMIT, bytes).map_err(|refusal| refusal.class())
}

/// Seals any plaintext, put together from the format alone.
fn seal(generation: u64, plain: &[u8]) -> Vec<u8> {
    static CIPHER: LazyLock<XChaCha20Poly1305> = LazyLock::new(|| {
        let lp = |bytes: &[u8]| [&(bytes.len() as u16).to_be_bytes()[..], bytes].concat();
        let master = BASE64_URL_SAFE_NO_PAD.decode(KEY.split('.').nth(2).unwrap()).unwrap();
        let mut key = [0; 32];
        let info = [&lp(b"enc")[..], &[2, 3], &lp(REALM.as_bytes()), &lp(COOKIE_NAME.as_bytes())].concat();
        Hkdf::<Sha256>::new(Some(b"sealed-session/v1"), &master).expand(&info, &mut key).unwrap();
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&key).unwrap();
        mac.update(&REFERENCE.secret);
        mac.update(&SESSION_ID);
        XChaCha20Poly1305::new(&mac.finalize().into_bytes())
    });
    let clear = [&SEALED[..5], &generation.to_be_bytes()].concat();
    let mut sealed = plain.to_vec();
    let tag = CIPHER.encrypt_inout_detached(&NONCE.into(), &clear, InOutBuf::from(&mut *sealed)).unwrap();
    [&clear[..], &NONCE, &sealed, &tag].concat()
}
