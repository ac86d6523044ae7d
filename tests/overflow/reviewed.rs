//! What a review has found: other requests that come in between two calls of a commit, and failures that come late.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use axum::Router;
use http::{Request, Response};
use kit::{Browser, HOUR, Mood, SECOND, TestStore, Visit};
use sealed_session::{
    Arrival, Commit, Key, KeyRing, Refusal, Sessions,
    store::{BlobId, Generation, Store, StoreError, Written, async_trait},
    testing::session_with,
};

use crate::{LARGE, Shop, add, is_reference, kit, note, receive, views};

type Meanwhile = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A store in which something else happens before the next call of a name.
#[derive(Clone)]
struct Interrupted {
    inner: TestStore,
    next: Arc<Mutex<Vec<(&'static str, Meanwhile)>>>,
}

impl Interrupted {
    fn new(inner: &TestStore) -> Self {
        Self { inner: inner.clone(), next: Arc::default() }
    }

    fn before(&self, call: &'static str, meanwhile: impl Future<Output = ()> + Send + 'static) {
        self.next.lock().unwrap().push((call, Box::pin(meanwhile)));
    }

    async fn interrupt(&self, call: &'static str) {
        let meanwhile = {
            let mut next = self.next.lock().unwrap();
            next.iter().position(|(name, _)| *name == call).map(|at| next.remove(at).1)
        };
        if let Some(meanwhile) = meanwhile {
            meanwhile.await;
        }
    }
}

#[async_trait]
impl Store for Interrupted {
    async fn load(&self, id: BlobId, most: usize) -> Result<Option<Vec<u8>>, StoreError> {
        self.interrupt("load").await;
        self.inner.load(id, most).await
    }

    async fn create(&self, id: BlobId, blob: &[u8], expires: SystemTime) -> Result<Written, StoreError> {
        self.interrupt("create").await;
        self.inner.create(id, blob, expires).await
    }

    async fn replace(
        &self,
        id: BlobId,
        expected: Generation,
        blob: &[u8],
        expires: SystemTime,
    ) -> Result<Written, StoreError> {
        self.interrupt("replace").await;
        self.inner.replace(id, expected, blob, expires).await
    }

    async fn set_expiry(
        &self,
        id: BlobId,
        expected: Generation,
        expires: SystemTime,
    ) -> Result<Written, StoreError> {
        self.interrupt("set_expiry").await;
        self.inner.set_expiry(id, expected, expires).await
    }

    async fn delete(&self, id: BlobId, expected: Option<Generation>) -> Result<Written, StoreError> {
        self.interrupt("delete").await;
        self.inner.delete(id, expected).await
    }
}

#[tokio::test]
async fn what_was_destroyed_after_a_save_under_a_new_id_is_not_revived_by_its_commit() {
    let shop = Shop::plain();
    let mut browser = shop.stored_browser().await;
    let renews = shop.open(&browser).await;
    renews.cycle_id();
    renews.save().await.unwrap();
    assert!(shop.get(&mut browser, "/destroy").await.removes());
    let (commit, headers) = shop.commit(renews).await;
    assert!(commit.unwrap_err().is_conflict());
    receive(&mut browser, &headers);
    assert_eq!((browser.cookie_header(), shop.store.len()), (None, 0));
}

#[tokio::test]
async fn what_is_destroyed_between_two_calls_of_a_renewal_of_its_id_is_not_revived() {
    for call in ["set_expiry", "create", "delete"] {
        let shop = Shop::plain();
        let interrupted = Interrupted::new(&shop.store);
        let node = shop.node(shop.ring.clone(), |builder| builder.store(interrupted.clone()));
        let browser = shop.stored_browser().await;
        let (renews, ends) = (node.open(&browser).await, shop.open(&browser).await);
        renews.cycle_id();
        let sessions = shop.sessions.clone();
        interrupted.before(call, async move {
            ends.destroy();
            assert_eq!(sessions.commit(ends, &mut Response::new(())).await.unwrap(), Commit::Remove);
        });
        let (commit, headers) = node.commit(renews).await;
        assert!(commit.unwrap_err().is_conflict(), "{call}");
        assert!(!headers.contains_key("set-cookie"), "{call}");
        assert_eq!(shop.store.len(), 0, "{call}");
    }
}

#[tokio::test]
async fn a_browser_that_has_lost_the_answer_which_brought_its_session_back_only_has_to_come_again() {
    let shop = Shop::plain();
    let mut browser = shop.stored_browser().await;
    let session = shop.open(&browser).await;
    note(&session, 5);
    let _ = shop.commit(session).await.0.unwrap(); // and the answer never arrives
    shop.clock.advance(20 * SECOND);
    assert!(!shop.get(&mut browser, "/read").await.sends_nothing());
    assert!(!is_reference(&browser));
    shop.clock.advance(HOUR);
    assert_eq!(shop.open(&browser).await.read(|visit| visit.notes[0].len()), 5);
}

#[tokio::test]
async fn a_request_in_the_background_brings_no_session_back() {
    let shop = Shop::plain();
    let browser = shop.stored_browser().await;
    let session = shop.open(&browser).await;
    note(&session, 5);
    let _ = shop.commit(session).await.0.unwrap();
    let mut request = browser.request("GET", "/read");
    request.headers_mut().insert("sec-fetch-mode", "cors".parse().unwrap());
    assert!(kit::ask(&shop.app, request).await.sends_nothing());
}

/// Another realm and name, which still read the ones of before.
fn moved(shop: &Shop, store: impl Store) -> Shop {
    shop.node(shop.ring.clone(), |builder| {
        builder
            .store(store)
            .realm("elsewhere")
            .cookie(|c| c.name("visit"))
            .accept_previous("tests", |c| c)
            .on_conflict(|_| None)
    })
}

#[tokio::test]
async fn of_two_changes_that_both_move_a_session_to_another_name_the_second_finds_out() {
    let shop = Shop::plain();
    let browser = shop.stored_browser().await;
    let node = moved(&shop, shop.store.clone());
    let (one, other) = (node.open(&browser).await, node.open(&browser).await);
    one.update(|visit| visit.user = Some(1));
    add(&other);
    assert_eq!(node.commit(one).await.0.unwrap(), Commit::Set);
    assert!(node.commit(other).await.0.unwrap_err().is_conflict());
}

#[tokio::test]
async fn a_change_under_the_name_of_before_is_not_lost_while_the_session_moves() {
    for call in ["create", "set_expiry"] {
        let shop = Shop::plain();
        let browser = shop.stored_browser().await;
        let interrupted = Interrupted::new(&shop.store);
        let node = moved(&shop, interrupted.clone());
        let (moves, changes) = (node.open(&browser).await, shop.open(&browser).await);
        moves.update(|visit| visit.user = Some(1));
        add(&changes);
        let (sessions, store) = (shop.sessions.clone(), shop.store.clone());
        interrupted.before(call, async move {
            let changed = sessions.commit(changes, &mut Response::new(())).await.unwrap();
            assert_eq!(changed, Commit::Set);
            store.calls();
        });
        assert!(node.commit(moves).await.0.unwrap_err().is_conflict(), "{call}");
        assert_eq!(views(&shop.open(&browser).await), 1, "{call}");
    }
}

#[tokio::test]
async fn a_merge_under_a_new_id_goes_to_the_cookie_or_to_the_store_by_its_size() {
    for (length, stored) in [(5, false), (LARGE, true)] {
        let shop = Shop::plain();
        let interrupted = Interrupted::new(&shop.store);
        let node = shop.node(shop.ring.clone(), |builder| {
            builder.store(interrupted.clone()).on_conflict(move |conflict| {
                Some(Visit { views: conflict.theirs.views, notes: vec!["n".repeat(length)], ..conflict.mine })
            })
        });
        let mut browser = shop.stored_browser().await;
        let (signs_in, changes) = (node.open(&browser).await, shop.open(&browser).await);
        signs_in.cycle_id();
        signs_in.update(|visit| *visit = Visit { user: Some(1), ..Visit::default() });
        let sessions = shop.sessions.clone();
        interrupted.before("delete", async move {
            add(&changes);
            let _ = sessions.commit(changes, &mut Response::new(())).await.unwrap();
        });
        let (commit, headers) = node.commit(signs_in).await;
        assert_eq!(commit.unwrap(), Commit::Set);
        receive(&mut browser, &headers);
        assert_eq!((is_reference(&browser), shop.store.len()), (stored, usize::from(stored)));
        let merged = node.open(&browser).await;
        assert_eq!(
            merged.read(|visit| (visit.user, visit.views, visit.notes[0].len())),
            (Some(1), 1, length)
        );
    }
}

#[tokio::test]
async fn a_session_that_was_emptied_under_a_new_id_takes_no_other_change_with_it() {
    let shop = Shop::with(|builder| builder.on_conflict(|_| None));
    let browser = shop.stored_browser().await;
    let (empties, changes) = (shop.open(&browser).await, shop.open(&browser).await);
    add(&changes);
    let _ = shop.commit(changes).await.0.unwrap();
    empties.clear();
    empties.cycle_id();
    assert!(shop.commit(empties).await.0.unwrap_err().is_conflict());
    assert_eq!(views(&shop.open(&browser).await), 1);
}

#[tokio::test]
async fn what_was_saved_is_sent_though_the_store_has_failed_since() {
    for mood in [Mood::Down, Mood::Lying] {
        let shop = Shop::plain();
        let mut browser = Browser::new();
        let session = shop.open(&browser).await;
        note(&session, LARGE);
        session.save().await.unwrap();
        shop.store.is(mood);
        let (commit, headers) = shop.commit(session).await;
        assert_eq!(commit.unwrap(), Commit::Set);
        shop.store.is(Mood::Well);
        receive(&mut browser, &headers);
        assert_eq!(shop.open(&browser).await.arrival(), Arrival::Opened);
    }
}

#[tokio::test]
async fn destroy_deletes_what_could_not_be_loaded() {
    let shop = Shop::with(|builder| builder.serve_fresh_on_store_failure());
    let browser = shop.stored_browser().await;
    shop.store.once("load", Mood::Down);
    let session = shop.open(&browser).await;
    assert_eq!(session.arrival(), Arrival::Unavailable);
    session.destroy();
    assert_eq!(shop.commit(session).await.0.unwrap(), Commit::Remove);
    assert_eq!(shop.store.len(), 0);
}

#[tokio::test]
async fn a_sign_out_of_what_could_not_be_loaded_can_be_saved() {
    let shop = Shop::with(|builder| builder.serve_fresh_on_store_failure());
    let browser = shop.stored_browser().await;
    shop.store.once("load", Mood::Down);
    let session = shop.open(&browser).await;
    session.destroy();
    session.save().await.unwrap();
    assert_eq!(shop.store.len(), 0);
    note(&session, LARGE);
    assert!(session.save().await.unwrap_err().is_store(), "what follows is not kept");
}

#[tokio::test]
async fn destroy_deletes_what_this_node_can_not_read() {
    for begins_another in [false, true] {
        let shop = Shop::plain();
        let browser = shop.stored_browser().await;
        let clock = shop.clock.clone();
        let of_another_shape = Sessions::<(u32, u32)>::builder(shop.ring.clone())
            .realm("tests")
            .clock(move || clock.now())
            .store(shop.store.clone())
            .build()
            .unwrap();
        let cookies = browser.cookie_header().unwrap();
        let request = Request::get("/").header("cookie", cookies).body(()).unwrap();
        let session = of_another_shape.open(&request).await.unwrap();
        assert_eq!(session.arrival(), Arrival::Refused(Refusal::UnknownSchema));
        session.destroy();
        if begins_another {
            session.update(|pair| *pair = (1, 2));
        }
        let commit = of_another_shape.commit(session, &mut Response::new(())).await.unwrap();
        assert_eq!(commit, if begins_another { Commit::Set } else { Commit::Remove });
        assert_eq!(shop.store.len(), 0);
    }
}

#[tokio::test]
async fn a_session_that_is_saved_and_destroyed_in_its_first_request_leaves_nothing() {
    let shop = Shop::plain();
    let session = shop.open(&Browser::new()).await;
    note(&session, LARGE);
    session.save().await.unwrap();
    session.destroy();
    let (commit, headers) = shop.commit(session).await;
    assert!(commit.is_ok() && !headers.contains_key("set-cookie"));
    assert_eq!(shop.store.len(), 0);
}

#[tokio::test]
async fn an_empty_session_that_was_made_durable_stays_though_it_is_saved_again() {
    let shop = Shop::plain();
    let mut browser = shop.stored_browser().await;
    let session = shop.open(&browser).await;
    session.clear();
    session.touch();
    session.save().await.unwrap();
    let (_, headers) = shop.commit(session).await;
    receive(&mut browser, &headers);
    let session = shop.open(&browser).await;
    session.save().await.unwrap();
    assert_eq!(shop.commit(session).await.0.unwrap(), Commit::Set);
}

#[tokio::test]
async fn b42_a_request_that_meets_a_blob_of_an_older_key_between_two_calls_seals_it_again() {
    let (old, new) = (Key::generate().unwrap(), Key::generate().unwrap());
    let ring_of = |keys: &[&Key]| {
        let text: Vec<_> = keys.iter().map(|key| key.expose().to_string()).collect();
        KeyRing::parse(&text.join(" ")).unwrap()
    };
    let one = Shop::plain().node(ring_of(&[&old, &new]), |builder| builder);
    let other = one.node(ring_of(&[&new, &old]), |builder| builder);
    let mut browser = other.stored_browser().await;
    let (remembers, changes) = (other.open(&browser).await, one.open(&browser).await);
    add(&changes);
    let _ = one.commit(changes).await.0.unwrap();
    remembers.remember(20 * HOUR).unwrap();
    let (_, headers) = other.commit(remembers).await;
    receive(&mut browser, &headers);
    let last = one.node(ring_of(&[&new]), |builder| builder);
    assert_eq!(last.open(&browser).await.arrival(), Arrival::Opened);
}

#[tokio::test(start_paused = true)]
async fn several_who_ask_for_a_session_wait_once() {
    let shop = Shop::plain();
    let browser = shop.stored_browser().await;
    shop.store.is(Mood::Hanging);
    let sessions = shop.sessions.clone();
    let app = Router::new()
        .route(
            "/",
            axum::routing::get(move |request: axum::extract::Request| async move {
                let asked = (sessions.open(&request), sessions.open(&request), sessions.open(&request));
                let (one, two, three) = tokio::join!(asked.0, asked.1, asked.2);
                assert!(one.is_err() && two.is_err() && three.is_err());
            }),
        )
        .layer(shop.sessions.clone());
    let began = tokio::time::Instant::now();
    let _ = kit::ask(&app, browser.request("GET", "/")).await;
    assert!(began.elapsed() < 2 * SECOND + Duration::from_millis(100), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_commit_behind_saves_that_hang_waits_no_longer_than_for_the_store() {
    let shop = Shop::plain();
    let browser = shop.stored_browser().await;
    let session = shop.open(&browser).await;
    add(&session);
    shop.store.is(Mood::Hanging);
    for _ in 0..5 {
        let session = session.clone();
        tokio::spawn(async move { session.save().await });
    }
    tokio::task::yield_now().await;
    let began = tokio::time::Instant::now();
    assert!(shop.commit(session).await.0.unwrap_err().is_store());
    assert!(began.elapsed() < 4 * SECOND + Duration::from_millis(100), "{:?}", began.elapsed());
}

#[tokio::test]
async fn durations_without_end_are_no_danger() {
    let shop = Shop::plain();
    let interrupted = Interrupted::new(&shop.store);
    let node = shop.node(shop.ring.clone(), |builder| {
        builder.store(interrupted.clone()).store_deadline(Duration::MAX).return_grace(Duration::MAX)
    });
    let mut browser = node.stored_browser().await;
    interrupted.before("load", tokio::task::yield_now()); // a store that takes its time
    assert_eq!(node.get(&mut browser, "/note/5").await.status, 200);
    assert_eq!(node.store.seconds_left(), 2 * 3600);
}

#[tokio::test]
async fn a_store_can_be_shared_by_two_kinds_of_sessions() {
    let clock = kit::Clock::new();
    let store = Arc::new(TestStore::new(&clock));
    let visits = kit::sessions_in_cookies(kit::ring(), &clock).store(store.clone()).build().unwrap();
    let others = Sessions::<Vec<u8>>::builder(kit::ring()).store(store.clone()).build().unwrap();
    let visit = session_with(&visits, Visit { notes: vec!["n".repeat(LARGE)], ..Visit::default() });
    let other = session_with(&others, vec![7; LARGE]);
    let _ = visits.commit(visit, &mut Response::new(())).await.unwrap();
    let _ = others.commit(other, &mut Response::new(())).await.unwrap();
    assert_eq!(store.len(), 2);
}
