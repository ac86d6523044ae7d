//! The parts that the tests share.

use std::{
    process,
    sync::OnceLock,
    time::{Duration, Instant, SystemTime},
};

use mongodb::{
    Client, Collection, Database,
    bson::{Document, doc},
};
use sealed_session::store::{BlobId, Generation};
use sealed_session_mongodb::MongoStore;
use tokio::time::sleep;

use crate::secantus::Secantus;

pub const HOUR: Duration = Duration::from_secs(3600);

/// A collection of one test, in the server of `MONGODB_URL` or in a SecantusDB that the tests share.
pub struct Place {
    pub url: String,
    name: String,
}

impl Place {
    pub async fn new(test: &str) -> Self {
        static SHARED: OnceLock<Secantus> = OnceLock::new();
        // The driver gives a server up that does not answer in time, also when it is the machine that stalls.
        let patient = "connectTimeoutMS=20000&serverSelectionTimeoutMS=20000";
        let url = std::env::var("MONGODB_URL")
            .unwrap_or_else(|_| format!("{}?{patient}", SHARED.get_or_init(Secantus::start).url()));
        let place = Self { url, name: format!("sealed_session_{test}_{}", process::id()) };
        let version = place.database().await.run_command(doc! { "buildInfo": 1 }).await.unwrap();
        let real = if std::env::var_os("MONGODB_URL").is_some() {
            "the server of MONGODB_URL"
        } else {
            "SecantusDB"
        };
        println!("{test}, on {real}, which reports version {}", version.get_str("version").unwrap());
        place
    }

    /// A store with a client of its own, and the TTL index.
    pub async fn store(&self) -> MongoStore {
        let store = self.store_without_index().await;
        store.create_index().await.unwrap();
        store
    }

    pub async fn store_without_index(&self) -> MongoStore {
        MongoStore::connect(&self.url).await.unwrap().collection(&self.name)
    }

    pub async fn database(&self) -> Database {
        let client = Client::with_uri_str(&self.url).await.unwrap();
        client.default_database().unwrap_or_else(|| client.database("sealed_session"))
    }

    pub async fn documents(&self) -> Collection<Document> {
        self.database().await.collection(&self.name)
    }

    /// Waits until the TTL index has removed all documents but so many. A server does so once a minute. SecantusDB is told
    /// to do so at once.
    pub async fn is_swept_to(&self, left: u64) {
        let (database, documents) = (self.database().await, self.documents().await);
        let begun = Instant::now();
        while documents.count_documents(doc! {}).await.unwrap() > left {
            assert!(begun.elapsed() < Duration::from_secs(150), "expired documents are still there");
            if std::env::var_os("MONGODB_URL").is_none() {
                database
                    .client()
                    .database("admin")
                    .run_command(doc! { "secantusAdmin.pruneTtl": 1 })
                    .await
                    .unwrap();
            }
            sleep(Duration::from_millis(100)).await;
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Removes the collection.
    pub async fn end(self) {
        self.documents().await.drop().await.unwrap();
    }
}

pub fn future() -> SystemTime {
    SystemTime::now() + HOUR
}

pub fn past() -> SystemTime {
    SystemTime::now() - HOUR
}

pub fn id(number: u128) -> BlobId {
    BlobId::new(number.to_be_bytes())
}

/// A blob of this generation, and of nothing else.
pub fn blob(generation: u64) -> Vec<u8> {
    let mut blob = vec![0x13; 20_000];
    blob[Generation::BYTES].copy_from_slice(&generation.to_be_bytes());
    blob
}
