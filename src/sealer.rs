//! The seal by itself: a typed value ⇄ the text of a cookie. No http, no async, no clock.

use std::{
    fmt,
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
        self, Buffer, Content, Context, Draft, Header, LONGEST_VALUE, Padding, Reference, random,
        random::Nonce,
    },
};

/// Seals typed values into text, and opens them: the seal of a session, for whatever is not a web framework. A queue
/// worker, a WebSocket, a password-reset link, another framework.
///
/// ```
/// use std::time::SystemTime;
/// use serde::{Deserialize, Serialize};
/// use sealed_session::{KeyRing, Refusal, Sealer};
///
/// #[derive(Serialize, Deserialize)]
/// struct Reset { user: u64 }
///
/// let sealer = Sealer::<Reset>::builder(KeyRing::generate()?, "password-reset").realm("shop").build()?;
/// let now = SystemTime::now();
/// let link = sealer.seal(&Reset { user: 7 }, now)?;
/// assert_eq!(sealer.open(&link, now).unwrap().value.user, 7);
///
/// let tomorrow = now + std::time::Duration::from_secs(24 * 3600);
/// assert_eq!(sealer.open(&link, tomorrow).unwrap_err(), Refusal::Expired);
/// # Ok::<(), sealed_session::Error>(())
/// ```
///
/// # Security
///
/// What is sealed can be opened as often as one likes until it expires. Nothing here counts uses.
pub struct Sealer<T> {
    context: Context,
    codec: Codec<T>,
    timeouts: Timeouts,
    padding: Padding,
    limit: usize,
}

/// What was sealed, and its metadata.
#[derive(Clone, PartialEq, Eq)]
pub struct Opened<T> {
    /// The value.
    pub value: T,
    /// The metadata.
    pub metadata: Metadata,
}

impl<T> fmt::Debug for Opened<T> {
    /// Without the value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").field("metadata", &self.metadata).finish_non_exhaustive()
    }
}

/// What an authentic cookie that has not expired holds.
pub(crate) enum Found<T> {
    /// The session.
    Inline(Opened<T>),
    /// The place where it is.
    Reference(Metadata, Reference),
}

/// A session's id: 16 random bytes that never leave the seal. It opens nothing; it is for keeping, at the server,
/// what belongs to a session.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId([u8; 16]);

impl SessionId {
    /// The id's bytes.
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
    /// Not the id: it names a person's visit. `Display` writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId(…)")
    }
}

/// What a sealed session says of itself beside its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metadata {
    pub(crate) header: Header,
    pub(crate) current_key: bool,
}

impl Metadata {
    /// The session's id.
    pub fn id(&self) -> SessionId {
        SessionId(self.header.session_id)
    }

    /// When the session began.
    pub fn created_at(&self) -> SystemTime {
        from_unix(self.header.created.into())
    }

    /// When it was last sealed.
    pub fn issued_at(&self) -> SystemTime {
        from_unix(self.header.issued.into())
    }

    /// How long after that it was to live unused.
    pub fn idle_timeout(&self) -> Duration {
        Duration::from_secs(self.header.window.into())
    }

    /// Whether it outlives the browser.
    pub fn is_persistent(&self) -> bool {
        self.header.persistent
    }

    /// Whether it was sealed by the key that seals now.
    pub fn uses_current_key(&self) -> bool {
        self.current_key
    }
}

impl<T: Serialize + DeserializeOwned> Sealer<T> {
    /// Begins a sealer. `name` says what the sealed text is for; what was sealed under one name, or for one
    /// [`realm`](SealerBuilder::realm), opens under no other.
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
    /// When the value would be serialised otherwise than its type is read, when it does not fit
    /// ([`Error::is_too_large`]), when the clock is not within 1970 to 2106, or when the operating system gives no
    /// random bytes.
    pub fn seal(&self, value: &T, now: SystemTime) -> Result<String, Error> {
        let (nonce, session_id) = Nonce::draw_with_id()?;
        self.seal_value(value, Header { session_id, ..self.begin(stamp(now)?) }, nonce)
    }

    /// Seals an opened value again, as a renewal or after a change: same id, same beginning, a window begun anew.
    ///
    /// # Errors
    ///
    /// As [`seal`](Self::seal).
    pub fn reseal(&self, opened: &Opened<T>, now: SystemTime) -> Result<String, Error> {
        self.seal_value(&opened.value, opened.metadata.header.renewed(stamp(now)?), Nonce::draw()?)
    }

    /// Opens a text.
    ///
    /// # Errors
    ///
    /// The [`Refusal`] says why; a client should not learn it. There is no store here: the reference to a stored
    /// session is refused as [`MissingBlob`](Refusal::MissingBlob).
    pub fn open(&self, text: impl AsRef<[u8]>, now: SystemTime) -> Result<Opened<T>, Refusal> {
        match self.find_in(&self.context, text.as_ref(), now)? {
            Found::Inline(opened) => Ok(opened),
            Found::Reference(..) => Err(Refusal::MissingBlob),
        }
    }

    /// Opens a text that was sealed in `context`, which may be a former realm or name of the application.
    pub(crate) fn find_in(
        &self,
        context: &Context,
        text: &[u8],
        now: SystemTime,
    ) -> Result<Found<T>, Refusal> {
        let mut buffer = Buffer::new();
        let unsealed = context.open(text, &mut buffer)?;
        self.timeouts.judge(&unsealed.header, now)?;
        let metadata = Metadata { header: unsealed.header, current_key: unsealed.current_key };
        Ok(match unsealed.content {
            Content::Inline(payload) => {
                Found::Inline(Opened { value: self.decode(metadata.header.schema, payload)?, metadata })
            }
            Content::Reference(reference) => Found::Reference(metadata, reference),
        })
    }

    /// The schema number of the payloads that this seals.
    pub(crate) fn schema(&self) -> u32 {
        self.codec.schema()
    }

    /// Reads a payload of the present shape, or of a former one.
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

    /// The metadata of a session that begins now.
    pub(crate) fn begin(&self, now: u32) -> Header {
        Header {
            schema: 0, // the sealing writes it
            created: now,
            issued: now,
            window: self.timeouts.idle_window(),
            session_id: [0; 16], // drawn when it is sealed
            persistent: self.timeouts.are_all_persistent(),
        }
    }

    fn seal_value(&self, value: &T, header: Header, nonce: Nonce) -> Result<String, Error> {
        let draft = self.draft(value)?;
        let mut text = String::with_capacity(draft.sealed_len(self.padding));
        self.seal_draft(draft, &header, nonce, &mut text)?;
        Ok(text)
    }

    /// Serialises a value, right where it would be encrypted.
    pub(crate) fn draft(&self, value: &T) -> Result<Draft, Error> {
        let mut draft = Draft::new();
        self.codec.encode_into(value, draft.payload_mut()).map_err(Kind::Encode)?;
        Ok(draft)
    }

    /// Name and value as browsers count them, in bytes.
    pub(crate) fn size(&self, draft: &Draft) -> usize {
        self.context.name_length() + draft.sealed_len(self.padding)
    }

    /// Whether a draft fits a cookie.
    pub(crate) fn fits(&self, draft: &Draft) -> bool {
        self.size(draft) <= self.limit
    }

    /// Refuses a draft that does not fit.
    pub(crate) fn check_size(&self, draft: &Draft) -> Result<(), Error> {
        match self.size(draft) {
            size if size > self.limit => {
                Err(Kind::TooLarge { size, limit: self.limit, place: Place::Cookie }.into())
            }
            _ => Ok(()),
        }
    }

    /// The longest payload that fits, in bytes.
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
    /// The application's name, which separates it from every other that shares a key. Default: empty.
    pub fn realm(mut self, realm: impl Into<String>) -> Self {
        self.realm = realm.into();
        self
    }

    /// Sets the timeouts, starting from what is set already. Default: [`Timeouts::default`].
    pub fn timeouts(mut self, change: impl FnOnce(Timeouts) -> Timeouts) -> Self {
        self.timeouts = change(self.timeouts);
        self
    }

    /// To what multiple payloads are padded. Default: 32 bytes.
    pub fn padding(mut self, padding: Padding) -> Self {
        self.padding = padding;
        self
    }

    /// The most bytes that the name and the sealed text may have together. Default, and the most that is possible:
    /// 4096.
    pub fn limit(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }

    /// Sets how values are encoded. Default: [`Encoding::Compact`].
    pub fn encoding(mut self, encoding: Encoding) -> Self {
        self.encoding = encoding;
        self
    }

    /// Sample values for the parts of `T` that read only values of a certain form.
    pub fn samples(mut self, samples: Samples) -> Self {
        self.samples = samples;
        self
    }

    /// Also reads compact payloads of a former type and converts them to `T`. The former type is the old one under another name:
    /// the names of structs and enums are not part of a shape. Can be called several times.
    ///
    /// A field that was appended to `T` with `#[serde(default)]` needs no declaration.
    ///
    /// ```
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
    /// let now = std::time::SystemTime::now();
    /// let sealed = before.seal(&VisitV1 { views: 3 }, now)?;
    /// assert_eq!(after.open(&sealed, now).unwrap().value, Visit { views: 3, user: None });
    /// # Ok::<(), sealed_session::Error>(())
    /// ```
    pub fn migrating_from<Old>(mut self) -> Self
    where
        Old: Serialize + DeserializeOwned + 'static,
        T: From<Old> + 'static,
    {
        self.migrations.push(declare::<Old, T>(T::from));
        self
    }

    /// [`migrating_from`](Self::migrating_from), in two steps: `Old` becomes `Newer`, and that becomes `T`. So a
    /// chain of shapes needs one `From` for each link.
    pub fn migrating_from_via<Old, Newer>(mut self) -> Self
    where
        Old: Serialize + DeserializeOwned + 'static,
        Newer: From<Old>,
        T: From<Newer> + 'static,
    {
        self.migrations.push(declare::<Old, T>(|old| Newer::from(old).into()));
        self
    }

    /// For whoever learns the name only when everything else is known.
    pub(crate) fn name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    pub(crate) fn ring(&self) -> &KeyRing {
        &self.ring
    }

    /// The sealer.
    ///
    /// # Errors
    ///
    /// When the realm or name is too long, a lifetime makes no sense, the limit leaves no room for a payload or is
    /// above 4096, `T` or a former shape of it has no fixed shape ([`Error::is_schema`]), or one is declared twice.
    pub fn build(self) -> Result<Sealer<T>, SetupError> {
        self.timeouts.check()?;
        if self.limit > LONGEST_VALUE {
            return Err(SetupError::configuration(format!(
                "a limit of {} bytes is above the {LONGEST_VALUE} that browsers keep of a cookie",
                self.limit
            )));
        }
        if seal::longest_payload(self.name.len(), self.limit, self.padding).is_none() {
            return Err(SetupError::configuration(format!(
                "a limit of {} bytes leaves no room for a session",
                self.limit
            )));
        }
        Ok(Sealer {
            context: Context::new(&self.ring, &self.realm, &self.name)?,
            codec: Codec::new(self.encoding, self.samples, self.migrations)?,
            timeouts: self.timeouts,
            padding: self.padding,
            limit: self.limit,
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
