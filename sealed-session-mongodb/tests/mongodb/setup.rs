//! Connecting: warnings, errors, and what they must not contain.

use std::{
    error::Error,
    io,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use sealed_session_mongodb::MongoStore;
use tracing::subscriber::set_default;

use crate::kit::Place;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// One test, because subscribers that come and go with their threads disturb each other.
#[tokio::test]
async fn connecting_beyond_this_machine_without_tls_logs_one_warning() {
    for (url, warnings) in [
        ("mongodb://shop:hunter2@192.0.2.1:1,192.0.2.2:1/shop?serverSelectionTimeoutMS=1", 1),
        ("mongodb://shop:hunter2@127.0.0.1:1,192.0.2.2:1/shop?serverSelectionTimeoutMS=1", 1),
        ("mongodb://shop:hunter2@192.0.2.1:1/shop?tls=false&serverSelectionTimeoutMS=1", 1),
        ("mongodb://shop:hunter2@192.0.2.1:1/shop?tls=true&serverSelectionTimeoutMS=1", 0),
        ("mongodb://shop:hunter2@127.0.0.1:1/shop?serverSelectionTimeoutMS=1", 0),
        ("mongodb://shop:hunter2@localhost:1/shop?serverSelectionTimeoutMS=1", 0),
        ("mongodb://shop:hunter2@[::1]:1/shop?serverSelectionTimeoutMS=1", 0),
        ("mongodb://shop:hunter2@%2Fnowhere.sock/shop?serverSelectionTimeoutMS=1", 0),
    ] {
        let log = Log::default();
        let writer = log.clone();
        let subscriber =
            tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
        let guard = set_default(subscriber);
        MongoStore::connect(url).await.unwrap_err();
        drop(guard);
        let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.matches("the session store is not encrypted").count(), warnings, "{url}: {text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
}

/// The text of an error and of all of its causes.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = format!("{error:?}");
    let mut next = Some(error);
    while let Some(error) = next {
        text.push_str(&format!(" {error}"));
        next = error.source();
    }
    text
}

#[tokio::test]
async fn a_wrong_url_is_an_error_without_the_password() {
    for url in [
        "mongodb://shop:hunter2@127.0.0.1:port/shop",
        "mongodb://shop:hunter2@[/shop",
        "mongodb://shop:hun?ter2@127.0.0.1/shop",
        "mongodb://shop:hun?ter2=x@127.0.0.1/shop",
        "mongodb://shop:hun/ter2@127.0.0.1/shop",
        "mongodb://shop:hun%ter2@127.0.0.1/shop",
        "mongodb://shop:hun@ter2@127.0.0.1/shop",
        "mongodb://shop:hun:ter2@127.0.0.1/shop",
        "http://shop:hunter2@127.0.0.1/shop",
        "mongodb+srv://shop:hunter2@db.example/shop",
        "shop:hunter2@127.0.0.1/shop",
        "mongodb://shop:hunter2@127.0.0.1/shop?tls=maybe",
    ] {
        let error = MongoStore::connect(url).await.unwrap_err();
        assert_eq!(error.to_string(), "parsing the URL of MongoDB", "{url}");
        let text = chain(&error);
        assert!(!text.contains("ter2"), "{url}: {text}");
    }
}

#[tokio::test]
async fn connecting_to_nothing_is_an_error_in_time_and_without_the_password() {
    let begun = Instant::now();
    let error = MongoStore::connect("mongodb://shop:hunter2@127.0.0.1:1/shop").await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert_eq!(error.to_string(), "connecting to MongoDB");
    assert!(!chain(&error).contains("hunter2"), "{}", chain(&error));
}

#[tokio::test]
#[ignore = "needs a server: scripts/test installs one"]
async fn nothing_shows_the_password() {
    let place = Place::new("debug").await;
    let store = place.store().await;
    let text = format!("{store:?}");
    assert!(text.starts_with("MongoStore {") && text.contains(place.name()), "{text}");
    assert!(!text.contains("mongodb://"), "{text}");
    place.end().await;
}
