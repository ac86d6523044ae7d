//! MongoDB as the store of [`sealed_session`]'s sessions that outgrow their cookies.
//!
//! A session lives encrypted in its cookie. When it no longer fits, it moves into a store, still encrypted, and moves
//! back when it shrinks. [`MongoStore`] keeps such sessions in a MongoDB collection:
//!
//! ```no_run
//! use sealed_session::{KeyRing, Sessions};
//! use sealed_session_mongodb::MongoStore;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = MongoStore::connect("mongodb://shop:secret@db.example/shop?tls=true").await?;
//! store.create_index().await?;
//! let ring = KeyRing::from_env("SESSION_KEYS")?;
//! let sessions = Sessions::key_value(ring).realm("shop").store(store).build()?;
//! # Ok(())
//! # }
//! ```
//!
//! The crate uses only what is public in `sealed_session`: the trait [`Store`], and its conformance suite in the tests.
//! Copy it as a model for a store of your own.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

use std::{
    fmt,
    net::IpAddr,
    time::{Duration, SystemTime},
};

use mongodb::{
    Client, Collection, Database, IndexModel,
    bson::{Binary, Bson, DateTime, Document, doc, spec::BinarySubtype},
    error::{Error, ErrorKind, WriteFailure},
    options::{
        Acknowledgment, ClientOptions, CollectionOptions, IndexOptions, ReadConcern, ReadPreference,
        SelectionCriteria, ServerAddress, Tls, WriteConcern,
    },
};
use sealed_session::store::{BlobId, Generation, Store, StoreError, Written, async_trait};
use tokio::time::timeout;

/// A store in a collection of MongoDB, version 4.4 or later.
///
/// Call [`create_index`](Self::create_index) when the application starts. MongoDB then removes expired blobs in a
/// background job, which runs once a minute. They count as absent at once.
///
/// Each blob is one document. Its `_id` is the blob's id, `blob` has the bytes, `generation` counts the writes, and
/// `expires_at` is the date at which it expires. MongoDB limits a document to 16 MiB, so keep the
/// [`store_limit`](sealed_session::SessionsBuilder::store_limit) below that. Its default is 1 MiB.
///
/// The clock of each node decides what has expired, so keep clocks synchronized. The database's own clock is not
/// available where a document is created: MongoDB allows `$$NOW` in no filter of an upsert.
///
/// Clones share the same store and the same connections.
///
/// # Durability
///
/// A write is acknowledged when a majority of the replica set has it in its journal, so a failover loses no session. A
/// read asks the primary for data that a majority has. Reads and writes go to the primary even if the URL or the client
/// has another read preference. A write concern or a read concern of theirs is kept, except for `w=0`: unacknowledged
/// writes cannot report a conflict.
///
/// During a failover, which takes MongoDB up to about 12 seconds, calls fail. A session in the store is answered with
/// 503 then, and nothing is lost.
///
/// # Timeouts
///
/// A request waits for the store only for the
/// [`store_deadline`](sealed_session::SessionsBuilder::store_deadline), two seconds by default. [`connect`](Self::connect)
/// gives the driver one second to find a primary and one second to connect, unless the URL has
/// `serverSelectionTimeoutMS` or `connectTimeoutMS`. No call takes longer than ten seconds. Until then, a call whose
/// request has ended continues in the background, because the driver asks for its calls to be completed.
///
/// # TLS
///
/// Add `tls=true` to the URL. The driver then requires a certificate that a public authority has issued for the host, or
/// the one that `tlsCAFile` names. A `mongodb+srv://` URL means `tls=true`, and needs the driver's resolver: add
/// `mongodb = { version = "3.9", default-features = false, features = ["compat-3-3-0", "bson-3", "dns-resolver"] }` to
/// your dependencies.
///
/// Without TLS, [`connect`](Self::connect) logs a warning if the URL names another machine.
/// [`from_database`](Self::from_database) cannot detect this.
///
/// ```no_run
/// use sealed_session_mongodb::MongoStore;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), sealed_session::store::StoreError> {
/// let store = MongoStore::connect("mongodb://shop:secret@db.example/shop?tls=true").await?;
/// store.create_index().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct MongoStore {
    database: Database,
    blobs: Collection<Document>,
}

/// The time that the driver takes to find a primary, and to connect. Requests give up after two seconds.
const PATIENCE: Duration = Duration::from_secs(1);

/// The longest time of a call. The driver itself waits forever for an answer on an open connection.
const LONGEST_CALL: Duration = Duration::from_secs(10);

/// MongoDB's error code for a duplicate key.
const DUPLICATE_KEY: i32 = 11000;

impl MongoStore {
    /// Connects to the database that the URL names, or to `sealed_session` if it names none.
    ///
    /// The collection is `sealed_sessions`. See [`collection`](Self::collection).
    ///
    /// # Errors
    ///
    /// Fails if the URL is invalid, if no primary is found within a second, or if the login is rejected.
    ///
    /// # Security
    ///
    /// Percent-encode the user name and the password.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        let mut options = parse(url).await?;
        warn_if_clear(&options);
        options.connect_timeout.get_or_insert(PATIENCE);
        options.server_selection_timeout.get_or_insert(PATIENCE);
        let name = options.default_database.clone().unwrap_or_else(|| "sealed_session".into());
        const DOING: &str = "connecting to MongoDB";
        let database = Client::with_options(options).map_err(StoreError::when(DOING))?.database(&name);
        let store = Self::from_database(database);
        let database = store.database.clone();
        call(DOING, async move { database.run_command(doc! { "ping": 1 }).await }).await?;
        Ok(store)
    }

    /// Uses a database of a client that you have configured, of the version of the driver that this crate depends on.
    ///
    /// Set short timeouts, as [`connect`](Self::connect) does, because a request waits for the store: the driver's
    /// default is to look for a primary for 30 seconds.
    pub fn from_database(database: Database) -> Self {
        let blobs = blobs(&database, "sealed_sessions");
        Self { database, blobs }
    }

    /// Sets the name of the collection. Default: `sealed_sessions`.
    ///
    /// Applications that share a database can use the same collection, because blob ids do not collide.
    pub fn collection(self, name: &str) -> Self {
        Self { blobs: blobs(&self.database, name), ..self }
    }

    /// Creates the TTL index by which MongoDB removes expired blobs, and the collection, if they do not exist. Any
    /// number of nodes can call this at the same time.
    ///
    /// Without the index, expired blobs count as absent, but they stay in the collection. To create it by a migration of
    /// yours instead: `db.sealed_sessions.createIndex({ expires_at: 1 }, { expireAfterSeconds: 0 })`.
    ///
    /// # Errors
    ///
    /// Fails if the database does not answer, if the role may not create indexes, or if there is an index on
    /// `expires_at` with other options.
    pub async fn create_index(&self) -> Result<(), StoreError> {
        let options = IndexOptions::builder().expire_after(Duration::ZERO).build();
        let index = IndexModel::builder().keys(doc! { "expires_at": 1 }).options(options).build();
        let blobs = self.blobs.clone();
        call("creating the index", async move { blobs.create_index(index).await }).await.map(drop)
    }

    /// Replaces the one document that the filter matches, or inserts a document if `upsert` is set and there is none
    /// with its id.
    async fn put(
        &self,
        doing: &'static str,
        filter: Document,
        document: Document,
        upsert: bool,
    ) -> Result<Written, StoreError> {
        let blobs = self.blobs.clone();
        call(doing, async move {
            match blobs.replace_one(filter, document).upsert(upsert).await {
                Ok(done) => {
                    Ok(Written::from_count(done.matched_count + u64::from(done.upserted_id.is_some())))
                }
                Err(error) if is_duplicate(&error) => Ok(Written::Conflict),
                Err(error) => Err(error),
            }
        })
        .await
    }
}

#[async_trait]
impl Store for MongoStore {
    async fn load(&self, id: BlobId, _most: usize) -> Result<Option<Vec<u8>>, StoreError> {
        const DOING: &str = "loading a blob";
        let blobs = self.blobs.clone();
        let finding = async move { blobs.find_one(live(id)).projection(doc! { "blob": 1 }).await };
        match call(DOING, finding).await?.map(|mut document| document.remove("blob")) {
            None => Ok(None),
            Some(Some(Bson::Binary(blob))) => Ok(Some(blob.bytes)),
            Some(_) => Err(StoreError::new(DOING, "the document has no binary field `blob`")),
        }
    }

    async fn create(&self, id: BlobId, blob: &[u8], expires: SystemTime) -> Result<Written, StoreError> {
        // Replaces a document that has expired and not yet been removed. If there is a live one, the filter does not
        // match, and the insertion fails on its `_id`.
        let expired = doc! { "_id": binary(id.as_bytes()), "expires_at": { "$lte": DateTime::now() } };
        self.put("creating a blob", expired, document(id, blob, expires)?, true).await
    }

    async fn replace(
        &self,
        id: BlobId,
        expected: Generation,
        blob: &[u8],
        expires: SystemTime,
    ) -> Result<Written, StoreError> {
        self.put("replacing a blob", live_of(id, expected), document(id, blob, expires)?, false).await
    }

    async fn set_expiry(
        &self,
        id: BlobId,
        expected: Generation,
        expires: SystemTime,
    ) -> Result<Written, StoreError> {
        let (blobs, filter) = (self.blobs.clone(), live_of(id, expected));
        let update = doc! { "$set": { "expires_at": DateTime::from_system_time(expires) } };
        let updating = async move { blobs.update_one(filter, update).await };
        call("setting an expiry", updating).await.map(|done| Written::from_count(done.matched_count))
    }

    async fn delete(&self, id: BlobId, expected: Option<Generation>) -> Result<Written, StoreError> {
        let filter = expected.map_or_else(|| live(id), |expected| live_of(id, expected));
        let blobs = self.blobs.clone();
        let deleting = async move { blobs.delete_one(filter).await };
        call("deleting a blob", deleting).await.map(|done| Written::from_count(done.deleted_count))
    }
}

impl fmt::Debug for MongoStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The `Debug` output of the client could contain the password.
        f.debug_struct("MongoStore").field("collection", &self.blobs.namespace()).finish_non_exhaustive()
    }
}

/// Makes a call of the driver, in a task of its own.
///
/// The driver asks for its futures to be polled to completion, but a store's call may be dropped at any time: when its
/// deadline passes or the client hangs up. The task then continues, so a call is carried out completely or not at all,
/// and its connection can be used again. The time limit ends calls to a server that has disappeared.
async fn call<T: Send + 'static>(
    doing: &'static str,
    call: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, StoreError> {
    let answer = tokio::spawn(timeout(LONGEST_CALL, call)).await.map_err(StoreError::when(doing))?;
    answer.map_err(StoreError::when(doing))?.map_err(StoreError::when(doing))
}

/// Returns a collection with the concerns that the documentation of [`MongoStore`] names.
fn blobs(database: &Database, name: &str) -> Collection<Document> {
    let write_concern =
        database.write_concern().filter(|concern| concern.w != Some(Acknowledgment::Nodes(0)));
    let majority = || WriteConcern::builder().w(Acknowledgment::Majority).journal(true).build();
    let options = CollectionOptions::builder()
        .write_concern(write_concern.cloned().unwrap_or_else(majority))
        .read_concern(database.read_concern().cloned().unwrap_or_else(ReadConcern::majority))
        .selection_criteria(SelectionCriteria::ReadPreference(ReadPreference::Primary))
        .build();
    database.collection_with_options(name, options)
}

fn binary(bytes: &[u8]) -> Binary {
    Binary { subtype: BinarySubtype::Generic, bytes: bytes.to_vec() }
}

/// Returns the generation as the signed integer that BSON has. Generations are only compared for equality.
fn number(generation: Generation) -> i64 {
    i64::from_be_bytes(generation.to_be_bytes())
}

/// Matches the blob with this id unless it has expired.
fn live(id: BlobId) -> Document {
    doc! { "_id": binary(id.as_bytes()), "expires_at": { "$gt": DateTime::now() } }
}

/// Matches the blob with this id and generation unless it has expired.
fn live_of(id: BlobId, expected: Generation) -> Document {
    let mut filter = live(id);
    filter.insert("generation", number(expected));
    filter
}

/// Returns the document of a blob. The expiry is rounded down to a millisecond, so that no blob outlives its session.
fn document(id: BlobId, blob: &[u8], expires: SystemTime) -> Result<Document, StoreError> {
    let generation =
        Generation::of(blob).ok_or_else(|| StoreError::new("writing a blob", "it is too short"))?;
    Ok(doc! {
        "_id": binary(id.as_bytes()),
        "blob": binary(blob),
        "generation": number(generation),
        "expires_at": DateTime::from_system_time(expires),
    })
}

fn is_duplicate(error: &Error) -> bool {
    matches!(&*error.kind, ErrorKind::Write(WriteFailure::WriteError(error)) if error.code == DUPLICATE_KEY)
}

/// Parses the URL, without repeating the password in an error: the driver takes it for an option if it has a `?`.
async fn parse(url: &str) -> Result<ClientOptions, StoreError> {
    const DOING: &str = "parsing the URL of MongoDB";
    ClientOptions::parse(url).await.map_err(|error| match url.split_once('?') {
        Some((_, options)) if options.contains('@') => StoreError::new(
            DOING,
            "percent-encode `?` and `@` in the user name, the password and the options",
        ),
        _ => StoreError::new(DOING, error),
    })
}

/// Logs a warning if the connection crosses a network unencrypted.
fn warn_if_clear(options: &ClientOptions) {
    if matches!(options.tls, Some(Tls::Enabled(_))) {
        return;
    }
    let remote = options.hosts.iter().find_map(|host| match host {
        ServerAddress::Tcp { host, .. } if !is_loopback(host) => Some(host),
        _ => None,
    });
    if let Some(host) = remote {
        tracing::warn!(
            store = "MongoStore",
            host,
            remedy = "add tls=true to the URL",
            "the connection to the session store is not encrypted: an attacker on the network sees its password and \
             when each session is used, and can delete sessions"
        );
    }
}

fn is_loopback(host: &str) -> bool {
    // The driver keeps the brackets of an IPv6 address.
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address.parse().is_ok_and(|address: IpAddr| address.to_canonical().is_loopback())
}
