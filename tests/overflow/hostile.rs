//! A store that gives back something else than what it was given.

use kit::{Browser, Clock, Visit};
use sealed_session::{
    Arrival, Fingerprint, KeyRing, Refusal,
    seal::{Blob, Context, Header, Reference},
    store::{BlobId, Generation},
};

use crate::{COOKIE, LARGE, Shop, add, kit};

/// What the store does to the blob of a session, and how that is refused.
async fn refused(tamper: impl FnOnce(&mut Vec<u8>)) -> Refusal {
    let shop = Shop::plain();
    let browser = shop.stored_browser().await;
    let (index, mut blob) = shop.store.only();
    tamper(&mut blob.bytes);
    shop.store.look().blobs.insert(index, blob);
    refusal(&shop, browser).await
}

/// How the session of this browser is refused: with one answer outside, and the cookie left alone.
async fn refusal(shop: &Shop, mut browser: Browser) -> Refusal {
    let answer = shop.get(&mut browser, "/all").await;
    let fresh = shop.get(&mut Browser::new(), "/all").await;
    assert_eq!((answer.status, &answer.body), (fresh.status, &fresh.body));
    assert!(answer.sends_nothing(), "the cookie is left alone");
    match shop.open(&browser).await.arrival() {
        Arrival::Refused(refusal) => refusal,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_blob_that_was_cut_short_is_refused() {
    assert_eq!(refused(Vec::clear).await, Refusal::Malformed);
    assert_eq!(refused(|blob| blob.truncate(58)).await, Refusal::Malformed);
    assert_eq!(refused(|blob| blob.truncate(59)).await, Refusal::Forged);
    assert_eq!(refused(|blob| blob.truncate(blob.len() - 1)).await, Refusal::Forged);
}

#[tokio::test]
async fn a_blob_that_was_lengthened_is_refused() {
    assert_eq!(refused(|blob| blob.push(0)).await, Refusal::Forged);
    assert_eq!(refused(|blob| blob.resize(1_048_576, 0)).await, Refusal::Forged);
    assert_eq!(refused(|blob| blob.resize(1_048_577, 0)).await, Refusal::Malformed);
    assert_eq!(refused(|blob| blob.resize(100_000_000, 0)).await, Refusal::Malformed);
}

#[tokio::test]
async fn a_blob_of_which_one_bit_was_changed_is_refused_wherever_it_is() {
    let shop = Shop::plain();
    let browser = shop.stored_browser().await;
    let (index, blob) = shop.store.only();
    let places = (0..64).chain((64..blob.bytes.len()).step_by(997)).chain([blob.bytes.len() - 1]);
    for at in places {
        for bit in [0, 7] {
            let mut changed = blob.clone();
            changed.bytes[at] ^= 1 << bit;
            shop.store.look().blobs.insert(index, changed);
            let expected = match at {
                0 => Refusal::Malformed,
                1..5 => Refusal::UnknownKey,
                _ => Refusal::Forged,
            };
            let arrival = shop.open(&browser).await.arrival();
            assert_eq!(arrival, Arrival::Refused(expected), "byte {at}, bit {bit}");
        }
    }
}

#[tokio::test]
async fn the_blobs_of_two_sessions_can_not_be_swapped() {
    let shop = Shop::plain();
    let one = shop.stored_browser().await;
    let mut other = Browser::new();
    shop.get(&mut other, "/note/9000").await;
    {
        let mut inner = shop.store.look();
        let (indexes, mut blobs): (Vec<BlobId>, Vec<_>) =
            inner.blobs.iter().map(|(index, blob)| (*index, blob.clone())).unzip();
        blobs.reverse();
        inner.blobs = indexes.into_iter().zip(blobs).collect();
    }
    for browser in [one, other] {
        assert_eq!(refusal(&shop, browser).await, Refusal::Forged);
    }
}

#[tokio::test]
async fn a_blob_that_was_rolled_back_is_refused_by_who_has_seen_a_newer_one() {
    let shop = Shop::plain();
    let mut browser = shop.stored_browser().await;
    let stale = browser.clone();
    let (index, old) = shop.store.only();
    shop.get(&mut browser, "/add").await;
    shop.store.look().blobs.insert(index, old);
    assert_eq!(refusal(&shop, browser).await, Refusal::StaleBlob);
    // Who has seen no newer one can't tell.
    assert_eq!(shop.open(&stale).await.arrival(), Arrival::Opened);
}

#[tokio::test]
async fn a_generation_that_a_renewal_has_seen_is_accepted_no_longer_if_it_is_older() {
    let shop = Shop::plain();
    let mut browser = shop.stored_browser().await;
    let (index, old) = shop.store.only();
    // Another window changes the session; this one sees that, and is renewed.
    let mut window = browser.clone();
    shop.get(&mut window, "/add").await;
    shop.clock.advance(kit::HOUR);
    assert!(!shop.get(&mut browser, "/read").await.sends_nothing());
    shop.store.look().blobs.insert(index, old);
    assert_eq!(refusal(&shop, browser).await, Refusal::StaleBlob);
}

#[tokio::test]
async fn a_generation_that_was_written_over_in_clear_is_refused() {
    let newer = 9_u64.to_be_bytes();
    assert_eq!(refused(|blob| blob[Generation::BYTES].copy_from_slice(&newer)).await, Refusal::Forged);
    let none = 0_u64.to_be_bytes();
    assert_eq!(refused(|blob| blob[Generation::BYTES].copy_from_slice(&none)).await, Refusal::Forged);
}

#[tokio::test]
async fn a_blob_that_was_deleted_is_missing_and_put_back_it_opens() {
    let shop = Shop::plain();
    let browser = shop.stored_browser().await;
    let (index, blob) = shop.store.only();
    shop.store.look().blobs.clear();
    assert_eq!(refusal(&shop, browser.clone()).await, Refusal::MissingBlob);
    shop.store.look().blobs.insert(index, blob);
    assert_eq!(shop.open(&browser).await.arrival(), Arrival::Opened);
}

/// Deleted for good: what the store brings back after that was ended by its owner.
#[tokio::test]
async fn a_destroyed_session_that_the_store_brings_back_opens_for_a_copy_of_its_cookie() {
    let shop = Shop::plain();
    let mut browser = shop.stored_browser().await;
    let copy = browser.clone();
    let (index, blob) = shop.store.only();
    shop.get(&mut browser, "/destroy").await;
    shop.store.look().blobs.insert(index, blob);
    // The one thing that takes store and copied cookie together; SECURITY.md says so.
    assert_eq!(shop.open(&copy).await.arrival(), Arrival::Opened);
    assert_eq!(shop.open(&browser).await.arrival(), Arrival::Absent);
}

#[tokio::test]
async fn the_blob_of_another_realm_or_cookie_name_is_refused() {
    let schema = u32::from(Fingerprint::of::<Visit>().unwrap());
    // Each blob has the secret, session id and generation that the cookie names: nothing else differs.
    let reference = Reference { generation: 1, secret: [9; 32] };
    let blob = Blob { generation: 1, schema, payload: &[0; 4] };
    for (realm, name, opens) in
        [("tests", COOKIE, true), ("elsewhere", COOKIE, false), ("tests", "__Host-other", false)]
    {
        let shop = Shop::plain();
        let browser = referring(&shop, &shop.ring, &shop.clock, &reference);
        let context = Context::new(&shop.ring, realm, name).unwrap();
        put(&shop, &reference, context.seal_blob(&reference, &[7; 16], &blob).unwrap());
        match opens {
            true => assert_eq!(shop.open(&browser).await.arrival(), Arrival::Opened),
            false => assert_eq!(refusal(&shop, browser).await, Refusal::Forged, "{realm}, {name}"),
        }
    }
}

#[tokio::test]
async fn nonsense_that_a_writer_meets_is_503_and_is_not_written_over() {
    let shop = Shop::plain();
    let browser = shop.stored_browser().await;
    let session = shop.open(&browser).await;
    add(&session);
    let (index, mut blob) = shop.store.only();
    blob.bytes[20] ^= 1;
    // Of another generation, so that the replacement meets it.
    blob.bytes[12] = 7;
    shop.store.look().blobs.insert(index, blob.clone());
    let (commit, headers) = shop.commit(session).await;
    let error = commit.unwrap_err();
    assert!(error.is_store() && error.status() == 503, "{error}");
    assert!(!headers.contains_key("set-cookie"));
    assert_eq!(shop.store.only().1, blob);
}

#[tokio::test]
async fn a_dump_of_the_store_tells_nothing_even_to_who_has_the_server_s_keys() {
    let shop = Shop::plain();
    let browser = shop.stored_browser().await;
    let (index, blob) = shop.store.only();
    let id = *shop.open(&browser).await.id().unwrap().as_bytes();
    let context = Context::new(&shop.ring, "tests", COOKIE).unwrap();
    // The keys, the blob, its index, and even the session's id: all but the cookie's secret.
    let mut secrets: Vec<[u8; 32]> = vec![[0; 32], [0xff; 32]];
    secrets.extend(blob.bytes.windows(32).step_by(97).map(|window| <[u8; 32]>::try_from(window).unwrap()));
    let mut twice_the_index = [0; 32];
    twice_the_index[..16].copy_from_slice(index.as_bytes());
    twice_the_index[16..].copy_from_slice(index.as_bytes());
    secrets.push(twice_the_index);
    for secret in secrets {
        let guess = Reference { generation: 1, secret };
        assert_ne!(guess.index(), *index.as_bytes());
        let mut bytes = blob.bytes.clone();
        assert_eq!(context.open_blob(&guess, &id, 1 << 20, &mut bytes), Err(Refusal::Forged));
    }
    let dump = [index.as_bytes(), &blob.bytes[..]].concat();
    assert!(!dump.windows(16).any(|window| window == id), "nothing in it names the session");
}

#[tokio::test]
async fn two_blobs_of_the_same_data_have_nothing_in_common_but_key_and_generation() {
    let shop = Shop::plain();
    let _ = shop.stored_browser().await;
    let mut other = Browser::new();
    shop.get(&mut other, &format!("/note/{LARGE}")).await;
    let inner = shop.store.look();
    let [(one_index, one), (other_index, other)] = inner.blobs.iter().collect::<Vec<_>>()[..] else {
        panic!("two blobs")
    };
    assert_ne!(one_index, other_index);
    assert_eq!(one.bytes[..13], other.bytes[..13]);
    let same = one.bytes.iter().zip(&other.bytes).skip(13).filter(|(one, other)| one == other).count();
    // One byte in 256 by accident.
    assert!(same < one.bytes.len() / 100, "{same} of {}", one.bytes.len());
}

/// Blobs that only a faulty writer with the right key could seal.
#[tokio::test]
async fn authentic_blobs_are_read_by_the_format_s_rules() {
    let schema = u32::from(Fingerprint::of::<Visit>().unwrap());
    // No user, no views, no notes, no ballast.
    let empty = [0; 4];
    for (case, schema, payload, expected) in [
        ("another shape", schema ^ 1, &empty[..], Arrival::Refused(Refusal::UnknownSchema)),
        ("cut short", schema, &empty[..1], Arrival::Refused(Refusal::Undecodable)),
        ("trailing bytes", schema, &[0; 5], Arrival::Refused(Refusal::Undecodable)),
        ("good", schema, &empty, Arrival::Opened),
    ] {
        let shop = Shop::plain();
        let reference = Reference { generation: 3, secret: [9; 32] };
        let browser = referring(&shop, &shop.ring, &shop.clock, &reference);
        let context = Context::new(&shop.ring, "tests", COOKIE).unwrap();
        let blob = Blob { generation: 3, schema, payload };
        put(&shop, &reference, context.seal_blob(&reference, &[7; 16], &blob).unwrap());
        assert_eq!(shop.open(&browser).await.arrival(), expected, "{case}");
    }
}

/// Puts a blob where the reference leads.
fn put(shop: &Shop, reference: &Reference, bytes: Vec<u8>) {
    let expires = shop.clock.now() + kit::HOUR;
    shop.store.look().blobs.insert(BlobId::new(reference.index()), kit::store::Blob { bytes, expires });
}

/// A browser with a cookie that refers there.
fn referring(shop: &Shop, ring: &KeyRing, clock: &Clock, reference: &Reference) -> Browser {
    let context = Context::new(ring, "tests", shop.sessions.cookie_name()).unwrap();
    let now = clock.now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as u32;
    let header =
        Header { schema: 0, created: now, issued: now, window: 60, session_id: [7; 16], persistent: false };
    let mut value = String::new();
    context.seal_reference(&header, reference, &mut value).unwrap();
    Browser::holding(COOKIE, &value)
}
