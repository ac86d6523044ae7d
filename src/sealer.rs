//! The seal by itself, which turns a typed value into the text of a cookie and back. It needs no HTTP, async or clock.

use std::{
    fmt,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::{Duration, SystemTime},
};

use serde::{Serialize, de::DeserializeOwned};
use serde_fingerprint::Samples;

use crate::{
    error::{Error, Kind, Place, Refusal, SetupError},
    payload::{Codec, Declaration, Encoding, declare},
    seal::key_ring::KeyRing,
    seal::timeouts::{Timeouts, from_unix, stamp},
    seal::{
        self, Content, Context, Draft, Header, LONGEST_VALUE, Padding, Reference, base64url::decoded_len,
        random, random::Nonce,
    },
};

/// Seals typed values into text, and opens them. This is the seal of sessions, without HTTP, async or a clock.
///
/// Use it for a queue worker, a WebSocket, a password-reset link, or another framework.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use sealed_session::{KeyRing, Refusal, Sealer};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct Reset { user: u64 }
///
/// let sealer = Sealer::<Reset>::builder(KeyRing::generate()?, "password-reset").realm("shop").build()?;
/// let now = SystemTime::now();
/// let token = sealer.seal(&Reset { user: 7 }, now)?;
///
/// let (reset, metadata) = sealer.open(&token, now)?;
/// assert_eq!(reset.user, 7);
/// assert!(!metadata.is_persistent());
///
/// let tomorrow = now + Duration::from_secs(24 * 3600);
/// assert_eq!(sealer.open(&token, tomorrow).err(), Some(Refusal::Expired));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Security
///
/// A sealed text can be opened any number of times until it expires. If it must be used only once, as a reset token
/// must, record its use in a database.
pub struct Sealer<T> {
    context: Context,
    codec: Codec<T>,
    timeouts: Timeouts,
    padding: Padding,
    limit: usize,
    /// The length of the last payload, rounded up, for which the next draft has room.
    usual_length: AtomicUsize,
}

/// The longest payload for which a draft has room from the start.
const MOST_ROOM: usize = 1 << 16;

/// The content of an authentic cookie that has not expired.
pub(crate) enum Unsealed<T> {
    /// The session.
    Inline(T, Metadata),
    /// The reference to the stored session.
    Reference(Metadata, Reference),
}

/// The id of a session: 16 random bytes that the client cannot read. Use it as a key for data that the server keeps for
/// a session. It grants no access by itself.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId([u8; 16]);

impl SessionId {
    /// Creates an id from its bytes, for example from those that the application has recorded.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes of the id.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    pub(crate) fn draw() -> Result<Self, Error> {
        Ok(Self(random::bytes()?))
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for SessionId {
    /// Hides the id, which identifies a visit; `Display` shows it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId(…)")
    }
}

/// Metadata of a sealed session: its id, timestamps and idle timeout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metadata {
    pub(crate) header: Header,
    pub(crate) current_key: bool,
}

impl Metadata {
    /// Returns the session's id.
    pub fn id(&self) -> SessionId {
        SessionId(self.header.session_id)
    }

    /// Returns the time at which the session began.
    pub fn created_at(&self) -> SystemTime {
        from_unix(self.header.created.into())
    }

    /// Returns the time at which the session was last sealed.
    pub fn issued_at(&self) -> SystemTime {
        from_unix(self.header.issued.into())
    }

    /// Returns the idle timeout that the session was sealed with.
    pub fn idle_timeout(&self) -> Duration {
        Duration::from_secs(self.header.window.into())
    }

    /// Returns true if the session is persistent, so that it survives the closing of the browser.
    pub fn is_persistent(&self) -> bool {
        self.header.persistent
    }

    /// Returns true if the session was sealed with the current sealing key, the first of the ring.
    pub fn uses_current_key(&self) -> bool {
        self.current_key
    }
}

impl<T: Serialize + DeserializeOwned> Sealer<T> {
    /// Returns a builder for a sealer. `name` is the purpose of the sealed text. A text that was sealed with one name,
    /// or in one [`realm`](SealerBuilder::realm), opens with no other.
    pub fn builder(ring: KeyRing, name: impl Into<String>) -> SealerBuilder<T> {
        SealerBuilder {
            ring,
            name: name.into(),
            realm: String::new(),
            timeouts: Timeouts::default(),
            padding: Padding::default(),
            limit: LONGEST_VALUE,
            encoding: Encoding::default(),
            samples: Samples::default(),
            migrations: Vec::new(),
        }
    }

    /// Seals a value as a new session that begins now.
    ///
    /// # Errors
    ///
    /// Returns an error if the value would not read back as it was written ([`Error::is_schema`]) or exceeds the limit
    /// ([`Error::is_too_large`]), if `now` is not within 1970 to 2106, or if the operating system provides no random
    /// bytes.
    pub fn seal(&self, value: &T, now: SystemTime) -> Result<String, Error> {
        let (nonce, session_id) = Nonce::draw_with_id()?;
        self.seal_value(value, Header { session_id, ..self.begin(stamp(now)?) }, nonce)
    }

    /// Seals a value again, to renew it or after a change. The id and the absolute timeout stay, and the idle timeout
    /// starts over.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`seal`](Self::seal).
    pub fn reseal(&self, value: &T, metadata: &Metadata, now: SystemTime) -> Result<String, Error> {
        self.seal_value(value, metadata.header.renewed(stamp(now)?), Nonce::draw()?)
    }

    /// Opens a sealed text, and returns the value with its metadata.
    ///
    /// # Errors
    ///
    /// Returns the reason why the text was rejected. Do not show it to the client. A reference to a stored session is
    /// rejected as [`MissingBlob`](Refusal::MissingBlob), since a sealer has no store.
    pub fn open(&self, text: impl AsRef<[u8]>, now: SystemTime) -> Result<(T, Metadata), Refusal> {
        match self.unseal(&self.context, text.as_ref(), now, |_| Ok(()))? {
            Unsealed::Inline(value, metadata) => Ok((value, metadata)),
            Unsealed::Reference(..) => Err(Refusal::MissingBlob),
        }
    }

    /// Opens a text that was sealed in `context`, which may be a former realm or name of the application. `judge` may
    /// reject an authentic header that has not expired.
    pub(crate) fn unseal(
        &self,
        context: &Context,
        text: &[u8],
        now: SystemTime,
        judge: impl FnOnce(&Header) -> Result<(), Refusal>,
    ) -> Result<Unsealed<T>, Refusal> {
        // Most cookies are short. Clearing the space for the longest takes a tenth of the time of opening one.
        let (mut short, mut long);
        let space: &mut [u8] = match text.len() {
            ..=512 => {
                short = [0; decoded_len(512)];
                &mut short
            }
            _ => {
                long = [0; decoded_len(LONGEST_VALUE)];
                &mut long
            }
        };
        let unsealed = context.open_in(text, space)?;
        self.timeouts.judge(&unsealed.header, now)?;
        judge(&unsealed.header)?;
        let metadata = Metadata { header: unsealed.header, current_key: unsealed.current_key };
        Ok(match unsealed.content {
            Content::Inline(payload) => {
                Unsealed::Inline(self.decode(metadata.header.schema, payload)?, metadata)
            }
            Content::Reference(reference) => Unsealed::Reference(metadata, reference),
        })
    }

    /// Returns the schema number of the payloads that this sealer seals.
    pub(crate) fn schema(&self) -> u32 {
        self.codec.schema()
    }

    /// Decodes a payload of the present shape, or of a former one.
    pub(crate) fn decode(&self, schema: u32, payload: &[u8]) -> Result<T, Refusal> {
        self.codec.decode(schema, payload)
    }

    /// Returns the bytes of the type's default value, after checking that they read back as that value.
    pub(crate) fn empty(&self) -> Result<Vec<u8>, SetupError>
    where
        T: Default,
    {
        self.codec.empty()
    }

    /// Returns the header of a session that begins now.
    pub(crate) fn begin(&self, now: u32) -> Header {
        Header {
            schema: 0, // set when it is sealed
            created: now,
            issued: now,
            window: self.timeouts.idle_window(),
            session_id: [0; 16], // drawn when it is sealed
            persistent: self.timeouts.are_all_persistent(),
        }
    }

    fn seal_value(&self, value: &T, header: Header, nonce: Nonce) -> Result<String, Error> {
        let draft = self.draft(value)?;
        let mut text = String::new();
        self.seal_draft(draft, &header, nonce, &mut text)?;
        Ok(text)
    }

    /// Serializes a value into the place where it will be encrypted.
    pub(crate) fn draft(&self, value: &T) -> Result<Draft, Error> {
        let usual = self.usual_length.load(Relaxed);
        let mut draft = Draft::with_room(usual);
        self.codec.encode_into(value, draft.payload_mut()).map_err(Kind::Encode)?;
        let length = draft.payload().len().next_multiple_of(256).min(MOST_ROOM);
        if length != usual {
            self.usual_length.store(length, Relaxed);
        }
        Ok(draft)
    }

    /// Returns the size of the name and value together in bytes, as browsers count it.
    pub(crate) fn size(&self, draft: &Draft) -> usize {
        self.context.name_length() + draft.sealed_len(self.padding)
    }

    /// Returns true if a draft fits in its cookie.
    pub(crate) fn fits(&self, draft: &Draft) -> bool {
        self.size(draft) <= self.limit
    }

    /// Rejects a draft that does not fit.
    pub(crate) fn check_size(&self, draft: &Draft) -> Result<(), Error> {
        if self.fits(draft) {
            return Ok(());
        }
        Err(Kind::TooLarge { size: self.size(draft), limit: self.limit, place: Place::Cookie }.into())
    }

    /// Returns the length of the longest payload that fits, in bytes.
    pub(crate) fn longest_payload(&self) -> usize {
        seal::longest_payload(self.context.name_length(), self.limit, self.padding)
            .expect("the limit was checked when it was built")
    }

    /// Seals a draft and appends the text to `out`.
    pub(crate) fn seal_draft(
        &self,
        draft: Draft,
        header: &Header,
        nonce: Nonce,
        out: &mut String,
    ) -> Result<(), Error> {
        self.check_size(&draft)?;
        let header = Header { schema: self.schema(), ..*header };
        self.context.seal_with(nonce, draft, &header, self.padding, out);
        Ok(())
    }
}

impl<T> Sealer<T> {
    pub(crate) fn timeouts(&self) -> &Timeouts {
        &self.timeouts
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    pub(crate) fn padding(&self) -> Padding {
        self.padding
    }

    pub(crate) fn context(&self) -> &Context {
        &self.context
    }
}

impl<T> fmt::Debug for Sealer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer")
            .field("context", &self.context)
            .field("codec", &self.codec)
            .field("timeouts", &self.timeouts)
            .finish_non_exhaustive()
    }
}

/// The configuration of a [`Sealer`].
#[must_use]
pub struct SealerBuilder<T> {
    ring: KeyRing,
    name: String,
    realm: String,
    timeouts: Timeouts,
    padding: Padding,
    limit: usize,
    encoding: Encoding,
    samples: Samples,
    migrations: Vec<Declaration<T>>,
}

impl<T: Serialize + DeserializeOwned> SealerBuilder<T> {
    /// Sets the application's name. A text of one realm opens in no other, even if they share keys. Default: empty.
    pub fn realm(mut self, realm: impl Into<String>) -> Self {
        self.realm = realm.into();
        self
    }

    /// Sets the timeouts, starting from what is set already. Default: [`Timeouts::default`].
    pub fn timeouts(mut self, change: impl FnOnce(Timeouts) -> Timeouts) -> Self {
        self.timeouts = change(self.timeouts);
        self
    }

    /// Sets the multiple to which sealed texts are padded, so that their length reveals less. Default: 32 bytes.
    pub fn padding(mut self, padding: Padding) -> Self {
        self.padding = padding;
        self
    }

    /// Sets the largest size of the name and the sealed text together, in bytes. Default, and the largest possible
    /// value: 4096.
    pub fn limit(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }

    /// Sets the encoding of values. Default: [`Encoding::Compact`].
    pub fn encoding(mut self, encoding: Encoding) -> Self {
        self.encoding = encoding;
        self
    }

    /// Sets sample values for the parts of `T` that read only values of a certain form, such as an IP address in a
    /// string. Default: none.
    pub fn samples(mut self, samples: Samples) -> Self {
        self.samples = samples;
        self
    }

    /// Reads compact payloads of a former type as well, and converts them to `T`. It can be called several times.
    ///
    /// The former type is the old one under another name: the names of structs and enums are not part of a shape. A
    /// field that was appended to `T` with `#[serde(default)]` needs no declaration.
    ///
    /// ```
    /// use std::time::SystemTime;
    /// use sealed_session::{KeyRing, Sealer};
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Serialize, Deserialize)]
    /// struct VisitV1 { views: u32 }
    ///
    /// #[derive(Debug, PartialEq, Serialize, Deserialize)]
    /// struct Visit { views: u64, user: Option<u64> }
    ///
    /// impl From<VisitV1> for Visit {
    ///     fn from(old: VisitV1) -> Self {
    ///         Self { views: old.views.into(), user: None }
    ///     }
    /// }
    ///
    /// let ring = KeyRing::generate()?;
    /// let before = Sealer::<VisitV1>::builder(ring.clone(), "visit").build()?;
    /// let after = Sealer::<Visit>::builder(ring, "visit").migrating_from::<VisitV1>().build()?;
    /// let now = SystemTime::now();
    /// let sealed = before.seal(&VisitV1 { views: 3 }, now)?;
    /// let (visit, _) = after.open(&sealed, now)?;
    /// assert_eq!(visit, Visit { views: 3, user: None });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn migrating_from<Old>(mut self) -> Self
    where
        Old: Serialize + DeserializeOwned + 'static,
        T: From<Old> + 'static,
    {
        self.migrations.push(declare::<Old, T>(T::from));
        self
    }

    /// Reads compact payloads of a former type as well, and converts them to `T` in two steps: from `Old` to `Newer`,
    /// and from `Newer` to `T`. This way a chain of types needs one `From` for each step
    /// ([`migrating_from`](Self::migrating_from)).
    pub fn migrating_from_via<Old, Newer>(mut self) -> Self
    where
        Old: Serialize + DeserializeOwned + 'static,
        Newer: From<Old>,
        T: From<Newer> + 'static,
    {
        self.migrations.push(declare::<Old, T>(|old| Newer::from(old).into()));
        self
    }

    /// Sets the name, for a caller that does not know it at first.
    pub(crate) fn name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    pub(crate) fn realm_name(&self) -> &str {
        &self.realm
    }

    pub(crate) fn ring(&self) -> &KeyRing {
        &self.ring
    }

    /// Builds the sealer.
    ///
    /// # Errors
    ///
    /// Returns an error if the realm or name is too long, a timeout makes no sense, the limit leaves no room for a
    /// payload or is above 4096, or a former type is declared twice ([`SetupError::is_configuration`]), or if `T` or a
    /// former type has no fixed shape ([`SetupError::is_schema`]).
    pub fn build(self) -> Result<Sealer<T>, SetupError> {
        self.timeouts.check()?;
        if self.limit > LONGEST_VALUE {
            return Err(SetupError::configuration(format!(
                "a limit of {} bytes is above the {LONGEST_VALUE} bytes that browsers keep of a cookie: set it to \
                 {LONGEST_VALUE} or less",
                self.limit
            )));
        }
        if seal::longest_payload(self.name.len(), self.limit, self.padding).is_none() {
            return Err(SetupError::configuration(format!(
                "a limit of {} bytes leaves no room for a session: raise it",
                self.limit
            )));
        }
        Ok(Sealer {
            context: Context::new(&self.ring, &self.realm, &self.name)?,
            codec: Codec::new(self.encoding, self.samples, self.migrations)?,
            timeouts: self.timeouts,
            padding: self.padding,
            limit: self.limit,
            usual_length: AtomicUsize::new(0),
        })
    }
}

impl<T> fmt::Debug for SealerBuilder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealerBuilder")
            .field("name", &self.name)
            .field("realm", &self.realm)
            .finish_non_exhaustive()
    }
}
