//! The test vectors of the sealed format, every file of them: made by implementations that share no code with this
//! one, judged by what the crate makes public.

use std::{
    collections::BTreeMap,
    fmt, fs,
    num::ParseIntError,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    time::{Duration, UNIX_EPOCH},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sealed_session::{
    Key, KeyRing, Refusal, Suite, Timeouts,
    seal::{Blob, Buffer, Content, Context, Draft, Padding, Reference, Unsealed},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

/// One file. The vectors stay untyped until each is looked at, so that one of a wrong form is named.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: Option<String>,
    keys: Vec<Value>,
    cookies: Vec<Value>,
    blobs: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyVector {
    keys: Vec<String>,
    expect: Loading,
    kid: Option<Vec<String>>,
    master: Option<Hex>,
    suite: Option<String>,
}

#[derive(Deserialize, PartialEq, Debug)]
#[serde(rename_all = "snake_case")]
enum Loading {
    Loads,
    Refused,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CookieVector {
    keys: Vec<String>,
    realm: String,
    cookie_name: String,
    now: u64,
    absolute_lifetime: u64,
    longest_window: Option<u64>,
    clock_skew: u64,
    value: String,
    expect: Class,
    role: Option<Role>,
    frame: Option<Frame>,
    kid: Option<String>,
    nonce: Option<Hex>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum Role {
    Inline,
    Reference,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Frame {
    schema: u32,
    created: u32,
    issued: u32,
    window: u32,
    sid: Hex,
    persistent: bool,
    pad: usize,
    payload: Option<Hex>,
    generation: Option<Count>,
    secret: Option<Hex>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BlobVector {
    keys: Vec<String>,
    realm: String,
    cookie_name: String,
    secret: Hex,
    sid: Hex,
    min_generation: Count,
    limit: usize,
    blob: Hex,
    index: Hex,
    expect: Class,
    blob_frame: Option<BlobFrame>,
    nonce: Option<Hex>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BlobFrame {
    generation: Count,
    schema: u32,
    pad: usize,
    payload: Hex,
}

/// What a reader answers, by the name that the format gives it.
#[derive(Deserialize, Clone, Copy, PartialEq, Debug)]
#[serde(try_from = "String")]
struct Class(Result<(), Refusal>);

impl TryFrom<String> for Class {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let refusal = Refusal::ALL.iter().find(|refusal| refusal.class() == name);
        match refusal {
            _ if name == "opened" => Ok(Self(Ok(()))),
            Some(refusal) => Ok(Self(Err(*refusal))),
            None => Err(format!("there is no class `{name}`")),
        }
    }
}

/// Bytes in lower-case hexadecimal.
#[derive(Deserialize, Clone, PartialEq)]
#[serde(try_from = "String")]
struct Hex(Vec<u8>);

impl TryFrom<String> for Hex {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let digit = |byte: &u8| b"0123456789abcdef".iter().position(|known| known == byte);
        let bytes: Option<Vec<u8>> = text
            .as_bytes()
            .chunks(2)
            .map(|pair| Some((digit(pair.first()?)? << 4 | digit(pair.get(1)?)?) as u8))
            .collect();
        bytes.map(Self).ok_or_else(|| format!("`{text}` is not hexadecimal"))
    }
}

impl fmt::Debug for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Hex {
    fn array<const N: usize>(&self) -> Result<[u8; N], String> {
        (&*self.0).try_into().map_err(|_| format!("{N} bytes were expected, not {}", self.0.len()))
    }
}

/// A number that may pass 2^53, as a string.
#[derive(Deserialize, Clone, Copy, PartialEq, Debug)]
#[serde(try_from = "String")]
struct Count(u64);

impl TryFrom<String> for Count {
    type Error = ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map(Self)
    }
}

#[test]
fn every_vector_of_keys_holds() {
    hold(|file| &file.keys, check_keys);
}

#[test]
fn every_vector_of_cookies_holds() {
    hold(|file| &file.cookies, check_cookie);
}

#[test]
fn every_vector_of_blobs_holds() {
    hold(|file| &file.blobs, check_blob);
}

/// An emptied file would pass all of the above.
#[test]
fn the_vectors_that_came_with_the_format_are_all_there() {
    let files = files();
    for (name, keys, cookies, blobs) in [("v1.json", 22, 313, 52), ("edges.json", 33, 117, 37)] {
        let file = files.get(name).unwrap_or_else(|| panic!("{name} is missing"));
        assert!(file.keys.len() >= keys, "{name} has lost vectors of keys");
        assert!(file.cookies.len() >= cookies, "{name} has lost vectors of cookies");
        assert!(file.blobs.len() >= blobs, "{name} has lost vectors of blobs");
    }
}

fn check_keys(vector: &KeyVector) -> Result<(), String> {
    let loaded = ring(&vector.keys);
    let loading = if loaded.is_ok() { Loading::Loads } else { Loading::Refused };
    same("expect", &loading, &vector.expect)?;
    let Ok(ring) = loaded else { return Ok(()) };

    let ids: Vec<String> = ring.ids().map(|id| id.to_string()).collect();
    if let Some(kid) = &vector.kid {
        same("kid", &ids, kid)?;
    }
    let joined = KeyRing::parse(&vector.keys.join("\n")).map_err(|error| error.to_string())?;
    same("kid of the ring's text", &joined.ids().map(|id| id.to_string()).collect(), &ids)?;

    for text in &vector.keys {
        let key = Key::parse(text).map_err(|error| error.to_string())?;
        same("exposed text", &key.expose().to_string(), text)?;
        let suite = match key.suite() {
            Suite::Xaes256Gcm => "xaes",
            Suite::XChaCha20Poly1305 => "xchacha",
            _ => return Err("a suite that this test does not know".into()),
        };
        same("suite", &suite, &vector.suite.as_deref().unwrap_or(suite))?;
        if let Some(master) = &vector.master {
            let begins = format!("ssk1.{suite}.{}.", BASE64_URL_SAFE_NO_PAD.encode(&master.0));
            same("master", &text.starts_with(&begins), &true)?;
        }
    }
    Ok(())
}

fn check_cookie(vector: &CookieVector) -> Result<(), String> {
    let context = context(&vector.keys, &vector.realm, &vector.cookie_name)?;
    let mut buffer = Buffer::new();
    let answer = context.open(vector.value.as_bytes(), &mut buffer).and_then(|unsealed| {
        timeouts(vector).judge(&unsealed.header, UNIX_EPOCH + Duration::from_secs(vector.now))?;
        Ok(unsealed)
    });
    same("expect", &Class(answer.map(drop)), &vector.expect)?;

    match (answer, &vector.frame, vector.role, &vector.kid) {
        (Ok(unsealed), Some(frame), Some(role), Some(kid)) => {
            check_frame(vector, &unsealed, frame, role)?;
            check_key(vector, &unsealed, kid)?;
            match &vector.nonce {
                Some(nonce) => check_sealing(vector, &unsealed, frame, kid, nonce.array()?),
                None => Ok(()),
            }
        }
        (Err(_), None, None, None) => Ok(()),
        _ => Err("a frame, role and kid belong to a vector that is opened, and to no other".into()),
    }
}

/// Every field of the frame.
fn check_frame(
    vector: &CookieVector,
    unsealed: &Unsealed<'_>,
    frame: &Frame,
    role: Role,
) -> Result<(), String> {
    let header = &unsealed.header;
    same("schema", &header.schema, &frame.schema)?;
    same("created", &header.created, &frame.created)?;
    same("issued", &header.issued, &frame.issued)?;
    same("window", &header.window, &frame.window)?;
    same("sid", &Hex(header.session_id.to_vec()), &frame.sid)?;
    same("persistent", &header.persistent, &frame.persistent)?;
    let (payload, generation, secret) = match (role, unsealed.content) {
        (Role::Inline, Content::Inline(payload)) => {
            // Version, role, kid and nonce are 29 bytes, the header 34, the tag 16.
            same("pad", &(vector.value.len() * 3 / 4 - (29 + 34 + payload.len() + 16)), &frame.pad)?;
            (Some(Hex(payload.to_vec())), None, None)
        }
        (Role::Reference, Content::Reference(to)) => {
            same("pad", &0, &frame.pad)?;
            (None, Some(Count(to.generation)), Some(Hex(to.secret.to_vec())))
        }
        _ => return Err("the role is the other one".into()),
    };
    same("payload", &payload, &frame.payload)?;
    same("generation", &generation, &frame.generation)?;
    same("secret", &secret, &frame.secret)
}

/// Which key has sealed it, and that it knows whether that is the first.
fn check_key(vector: &CookieVector, unsealed: &Unsealed<'_>, kid: &str) -> Result<(), String> {
    let named = context(&first(&vector.keys, kid)?, &vector.realm, &vector.cookie_name)?;
    let mut buffer = Buffer::new();
    let by_first = named.open(vector.value.as_bytes(), &mut buffer).map(|unsealed| unsealed.current_key);
    same("kid", &by_first, &Ok(true))?;
    same("current key", &unsealed.current_key, &(first(&vector.keys, kid)? == vector.keys))
}

/// Sealing the same frame with the same nonce gives the same text, to whatever bucket the pad may be.
fn check_sealing(
    vector: &CookieVector,
    unsealed: &Unsealed<'_>,
    frame: &Frame,
    kid: &str,
    nonce: [u8; 24],
) -> Result<(), String> {
    let context = context(&first(&vector.keys, kid)?, &vector.realm, &vector.cookie_name)?;
    match unsealed.content {
        Content::Reference(to) => {
            let sealed = context.seal_reference_with_nonce(nonce, &unsealed.header, &to);
            same("sealed value", &sealed, &vector.value)
        }
        // Readers take any pad; this is more than any bucket makes.
        Content::Inline(_) if frame.pad >= 128 => Ok(()),
        Content::Inline(payload) => {
            let length = 34 + payload.len();
            let buckets =
                [(1, Padding::None), (32, Padding::To32), (64, Padding::To64), (128, Padding::To128)];
            let fits = |bucket: usize| length.next_multiple_of(bucket) - length == frame.pad;
            let mut sealed = buckets.into_iter().filter(|(bucket, _)| fits(*bucket)).map(|(_, padding)| {
                let mut draft = Draft::new();
                draft.write(payload);
                context.seal_with_nonce(nonce, draft, &unsealed.header, padding)
            });
            let value = sealed.next().ok_or_else(|| format!("no bucket pads by {}", frame.pad))?;
            same("sealed value", &value, &vector.value)?;
            same("all buckets agree", &sealed.all(|other| other == value), &true)
        }
    }
}

fn check_blob(vector: &BlobVector) -> Result<(), String> {
    let context = context(&vector.keys, &vector.realm, &vector.cookie_name)?;
    let reference = Reference { generation: vector.min_generation.0, secret: vector.secret.array()? };
    let session_id = vector.sid.array()?;
    same("index", &Hex(reference.index().to_vec()), &vector.index)?;

    let mut bytes = vector.blob.0.clone();
    let answer = context.open_blob(&reference, &session_id, vector.limit, &mut bytes);
    same("expect", &Class(answer.map(drop)), &vector.expect)?;
    let (blob, frame) = match (answer, &vector.blob_frame) {
        (Ok(blob), Some(frame)) => (blob, frame),
        (Err(_), None) => return Ok(()),
        _ => return Err("a frame belongs to a blob that is opened, and to no other".into()),
    };
    same("generation", &Count(blob.generation), &frame.generation)?;
    same("schema", &blob.schema, &frame.schema)?;
    same("payload", &Hex(blob.payload.to_vec()), &frame.payload)?;
    // What is in clear are 37 bytes, schema and pad are 6, the tag 16.
    same("pad", &(vector.blob.0.len() - (37 + 6 + blob.payload.len() + 16)), &frame.pad)?;

    let Some(nonce) = &vector.nonce else { return Ok(()) };
    let blob = Blob { generation: frame.generation.0, schema: frame.schema, payload: &frame.payload.0 };
    let sealed = context.seal_blob_with_nonce(nonce.array()?, &reference, &session_id, &blob);
    same("sealed blob", &Hex(sealed), &vector.blob)
}

/// Both limits of a vector hold for persistent and other sessions alike.
fn timeouts(vector: &CookieVector) -> Timeouts {
    let absolute = Duration::from_secs(vector.absolute_lifetime);
    let timeouts = Timeouts::default()
        .absolute_timeout(absolute)
        .persistent_absolute_timeout(absolute)
        .clock_skew(Duration::from_secs(vector.clock_skew));
    match vector.longest_window.map(Duration::from_secs) {
        Some(longest) => timeouts.longest_idle_timeout(longest).longest_persistent_idle_timeout(longest),
        None => timeouts.longest_idle_timeout(Duration::from_secs(u32::MAX.into())),
    }
}

fn ring(texts: &[String]) -> Result<KeyRing, String> {
    let keys: Result<Vec<Key>, _> = texts.iter().map(|text| Key::parse(text)).collect();
    keys.and_then(KeyRing::new).map_err(|error| error.to_string())
}

fn context(texts: &[String], realm: &str, cookie_name: &str) -> Result<Context, String> {
    Context::new(&ring(texts)?, realm, cookie_name).map_err(|error| error.to_string())
}

/// The same keys, the one with this id before the others.
fn first(texts: &[String], kid: &str) -> Result<Vec<String>, String> {
    let at = ring(texts)?.ids().position(|id| id.to_string() == kid).ok_or("no key has this kid")?;
    let mut texts = texts.to_vec();
    texts[..=at].rotate_right(1);
    Ok(texts)
}

fn same<T: PartialEq + fmt::Debug>(what: &str, ours: &T, theirs: &T) -> Result<(), String> {
    if ours == theirs { Ok(()) } else { Err(format!("{what}: {ours:?} where the vector has {theirs:?}")) }
}

/// Reads every file. One that is not of this form is an error, and so is having none.
fn files() -> BTreeMap<String, File> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(directory).expect("the directory of the vectors") {
        let path = entry.expect("an entry of the directory").path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
            let file: File = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
            let format = file.format.as_deref().unwrap_or("sealed-session/v1");
            assert_eq!(format, "sealed-session/v1", "{name} is of another format");
            assert!(file.keys.len() + file.cookies.len() + file.blobs.len() > 0, "{name} has no vector");
            files.insert(name, file);
        }
    }
    assert!(!files.is_empty(), "no file of vectors was found");
    files
}

/// Checks one section of every file, and names all of the vectors that fail.
fn hold<V: DeserializeOwned>(section: fn(&File) -> &[Value], check: fn(&V) -> Result<(), String>) {
    let mut failures = Vec::new();
    let mut read = 0;
    for (file_name, file) in files() {
        for (index, vector) in section(&file).iter().enumerate() {
            read += 1;
            let mut vector = vector.clone();
            let name = vector.as_object_mut().and_then(|fields| fields.remove("name"));
            let checked = catch_unwind(AssertUnwindSafe(|| {
                name.as_ref().ok_or("it has no name")?;
                check(&serde_json::from_value(vector).map_err(|error| error.to_string())?)
            }));
            if let Err(why) = checked.unwrap_or_else(|_| Err("it panicked".into())) {
                failures.push(format!("{file_name}, {index}, {}: {why}", name.unwrap_or_default()));
            }
        }
    }
    assert!(read > 0, "no vector was read");
    assert!(failures.is_empty(), "{} of {read} vectors fail:\n{}", failures.len(), failures.join("\n"));
}
