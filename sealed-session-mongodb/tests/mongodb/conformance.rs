//! The rules of the trait, by the public suite.

use std::time::Duration;

use mongodb::bson::{DateTime, doc};
use sealed_session::store::{Generation, Store, Written, conformance};
use sealed_session_mongodb::MongoStore;

use crate::kit::{Place, blob, future, id};

#[tokio::test]
#[ignore = "needs a server: scripts/test installs one"]
async fn mongodb_conforms() {
    let place = Place::new("conforms").await;
    conformance::check(&place.store().await).await;
    let left = doc! { "expires_at": { "$gt": DateTime::now() } };
    let left = place.documents().await.count_documents(left).await.unwrap();
    assert_eq!(left, 0, "the check leaves nothing behind");
    place.end().await;
}

#[tokio::test]
#[ignore = "needs a server: scripts/test installs one"]
async fn mongodb_conforms_while_no_index_removes_what_has_expired() {
    let place = Place::new("no_index").await;
    conformance::check(&place.store_without_index().await).await;
    assert!(place.documents().await.count_documents(doc! {}).await.unwrap() > 0);
    place.end().await;
}

#[tokio::test]
#[ignore = "needs a server: scripts/test installs one"]
async fn mongodb_conforms_over_a_client_of_the_application() {
    let place = Place::new("client").await;
    let store = MongoStore::from_database(place.database().await).collection(place.name());
    conformance::check(&store).await;
    place.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: scripts/test installs one"]
async fn two_nodes_of_one_database_conform_at_the_same_time() {
    let place = Place::new("nodes").await;
    let (first, second) = (place.store().await, place.store().await);
    let check = |store: MongoStore| tokio::spawn(async move { conformance::check(&store).await });
    for check in [check(first), check(second)] {
        check.await.unwrap();
    }
    place.end().await;
}

/// A future can be dropped at any time: the call was carried out as a whole, or not at all, and the next one works.
#[tokio::test]
#[ignore = "needs a server: scripts/test installs one"]
async fn a_dropped_call_leaves_nothing_half_done() {
    let place = Place::new("dropped").await;
    let store = place.store().await;
    let mut replaced = 0;
    for number in 0..100 {
        assert_eq!(store.create(id(number), &blob(1), future()).await.unwrap(), Written::Done);
        let next = blob(2);
        let replace = store.replace(id(number), Generation::new(1), &next, future());
        let _ = tokio::time::timeout(Duration::from_micros(number as u64 * 50), replace).await;
        let found = store.load(id(number), usize::MAX).await.unwrap().unwrap();
        assert!(found == blob(1) || found == next);
        replaced += u32::from(found == next);
    }
    println!("{replaced} of 100 dropped calls were carried out when the next one was");
    place.end().await;
}
