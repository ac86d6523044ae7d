//! The view of MongoDB: the documents, the index and the commands.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::TryStreamExt;
use mongodb::{
    Client,
    bson::{Bson, DateTime, Document, doc},
    event::{EventHandler, command::CommandEvent},
    options::ClientOptions,
};
use sealed_session::store::{Generation, Store, Written};
use sealed_session_mongodb::MongoStore;

use crate::kit::{Place, blob, future, id, past};

#[tokio::test]
#[ignore = "needs a server: scripts/test installs one"]
async fn a_blob_is_one_document_with_its_id_generation_and_expiry() {
    let place = Place::new("document").await;
    let store = place.store().await;
    let expires = future();
    assert_eq!(store.create(id(7), &blob(3), expires).await.unwrap(), Written::Done);
    let documents = place.documents().await;
    let found = documents.find_one(doc! {}).await.unwrap().unwrap();
    assert_eq!(found.get_binary_generic("_id").unwrap(), id(7).as_bytes());
    assert_eq!(found.get_binary_generic("blob").unwrap(), &blob(3));
    assert_eq!(found.get_i64("generation").unwrap(), 3);
    assert_eq!(*found.get_datetime("expires_at").unwrap(), DateTime::from_system_time(expires));
    assert_eq!(found.len(), 4);

    assert_eq!(store.replace(id(7), Generation::new(3), &blob(4), expires).await.unwrap(), Written::Done);
    let found = documents.find_one(doc! {}).await.unwrap().unwrap();
    assert_eq!(found.get_i64("generation").unwrap(), 4);
    assert_eq!(documents.count_documents(doc! {}).await.unwrap(), 1);
    place.end().await;
}

#[tokio::test]
#[ignore = "needs a server: scripts/test installs one"]
async fn a_document_that_has_expired_but_is_still_there_is_absent_and_is_replaced() {
    let place = Place::new("expired").await;
    let store = place.store_without_index().await;
    assert_eq!(store.create(id(1), &blob(1), past()).await.unwrap(), Written::Done);
    let documents = place.documents().await;
    assert_eq!(documents.count_documents(doc! {}).await.unwrap(), 1);
    assert_eq!(store.load(id(1), usize::MAX).await.unwrap(), None);
    assert_eq!(store.delete(id(1), None).await.unwrap(), Written::Conflict);
    assert_eq!(store.create(id(1), &blob(5), future()).await.unwrap(), Written::Done);
    assert_eq!(store.create(id(1), &blob(6), future()).await.unwrap(), Written::Conflict);
    assert_eq!(store.load(id(1), usize::MAX).await.unwrap(), Some(blob(5)));
    assert_eq!(documents.count_documents(doc! {}).await.unwrap(), 1);
    place.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: scripts/test installs one"]
async fn many_nodes_can_create_the_index_at_once_and_again() {
    let place = Place::new("index").await;
    let mut nodes = Vec::new();
    for _ in 0..8 {
        let store = place.store_without_index().await;
        nodes.push(tokio::spawn(async move { store.create_index().await }));
    }
    for node in nodes {
        node.await.unwrap().unwrap();
    }
    let store = place.store().await;
    let indexes: Vec<_> = place.documents().await.list_indexes().await.unwrap().try_collect().await.unwrap();
    assert_eq!(indexes.len(), 2, "{indexes:?}");
    let index = indexes.iter().find(|index| index.keys == doc! { "expires_at": 1 }).unwrap();
    assert_eq!(index.options.as_ref().unwrap().expire_after, Some(Duration::ZERO));
    assert!(store.load(id(1), 1).await.unwrap().is_none());
    place.end().await;
}

#[tokio::test]
#[ignore = "needs a server: scripts/test installs one"]
async fn the_index_removes_what_has_expired_and_nothing_else() {
    let place = Place::new("ttl").await;
    let store = place.store().await;
    for number in 0..10 {
        let expires = if number < 9 { past() } else { future() };
        assert_eq!(store.create(id(number), &blob(1), expires).await.unwrap(), Written::Done);
    }
    place.is_swept_to(1).await;
    assert_eq!(store.load(id(9), usize::MAX).await.unwrap(), Some(blob(1)));
    place.end().await;
}

/// A client that keeps its commands.
async fn recording(url: &str) -> (Client, Arc<Mutex<Vec<Document>>>) {
    let commands = Arc::new(Mutex::new(Vec::new()));
    let mut options = ClientOptions::parse(url).await.unwrap();
    let kept = commands.clone();
    options.command_event_handler = Some(EventHandler::callback(move |event| {
        if let CommandEvent::Started(started) = event {
            kept.lock().unwrap().push(started.command);
        }
    }));
    (Client::with_options(options).unwrap(), commands)
}

async fn use_all(store: &MongoStore) {
    assert_eq!(store.create(id(1), &blob(1), future()).await.unwrap(), Written::Done);
    assert_eq!(store.create(id(1), &blob(1), future()).await.unwrap(), Written::Conflict);
    assert_eq!(store.replace(id(1), Generation::new(1), &blob(2), future()).await.unwrap(), Written::Done);
    assert_eq!(store.set_expiry(id(1), Generation::new(2), future()).await.unwrap(), Written::Done);
    assert!(store.load(id(1), usize::MAX).await.unwrap().is_some());
    assert_eq!(store.delete(id(1), None).await.unwrap(), Written::Done);
}

#[tokio::test]
#[ignore = "needs a server: scripts/test installs one"]
async fn writes_wait_for_the_journals_of_a_majority_and_reads_ask_for_what_a_majority_has() {
    let place = Place::new("concerns").await;
    let (client, commands) = recording(&place.url).await;
    let database = client.database(place.database().await.name());
    use_all(&MongoStore::from_database(database).collection(place.name())).await;
    let commands = commands.lock().unwrap().clone();
    let mut seen = [0, 0];
    for command in &commands {
        match command.keys().next().unwrap().as_str() {
            "update" | "delete" => {
                seen[0] += 1;
                let expected: Bson = doc! { "w": "majority", "j": true }.into();
                assert_eq!(command.get("writeConcern"), Some(&expected), "{command:?}");
            }
            "find" => {
                seen[1] += 1;
                let expected = doc! { "level": "majority" };
                assert_eq!(command.get_document("readConcern").unwrap().get("level"), expected.get("level"));
            }
            _ => {}
        }
    }
    assert_eq!(seen, [5, 1]);
    place.end().await;
}

#[tokio::test]
#[ignore = "needs a server: scripts/test installs one"]
async fn unacknowledged_writes_are_never_used() {
    let place = Place::new("unacknowledged").await;
    let separator = if place.url.contains('?') { '&' } else { '?' };
    let url = format!("{}{separator}w=0", place.url);
    use_all(&MongoStore::connect(&url).await.unwrap().collection(place.name())).await;
    place.end().await;
}
