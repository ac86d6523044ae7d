//! The rules for calls that follow one another.

use std::time::{Duration, SystemTime};

use tokio::time::sleep;

use super::kit::{CALLS, Subject, blob, conflict, done, future, later, past, random_id, small, together};
use crate::store::BlobId;

pub(super) async fn absent(store: Subject<'_>) {
    let id = random_id();
    store.lacks(id, "an unused id has no blob").await;
    counts_as_absent(store, id, 1, "for an unused id").await;
}

/// Asserts that every call except `create` finds no blob and changes nothing, even with the generation that the blob
/// had.
async fn counts_as_absent(store: Subject<'_>, id: BlobId, generation: u64, when: &str) {
    let replaced = store.replace(id, generation, &small(generation + 1), future()).await;
    conflict(replaced, &format!("replace {when}"));
    store.lacks(id, &format!("replace {when} stores nothing")).await;
    conflict(store.set_expiry(id, generation, later()).await, &format!("set_expiry {when}"));
    store.lacks(id, &format!("set_expiry {when} does not restore the blob")).await;
    conflict(store.delete(id, Some(generation)).await, &format!("delete of a generation {when}"));
    conflict(store.delete(id, None).await, &format!("delete of any generation {when}"));
}

pub(super) async fn kept(store: Subject<'_>) {
    let mut every_byte = blob(1, 13 + 256);
    every_byte[13..].copy_from_slice(&(0..=255).collect::<Vec<u8>>());
    let mut zeros = vec![0; 512];
    zeros[12] = 1; // the generation
    for (what, blob) in [
        ("the shortest blob", blob(1, 59)),
        ("a blob that contains every byte", every_byte),
        ("a blob of zeros", zeros),
        ("a blob of 43 kB", blob(1, 43_000)),
        ("a blob of 1 MiB", blob(1, 1 << 20)),
    ] {
        let id = random_id();
        store.put(id, &blob, future()).await;
        store.holds(id, &blob, &format!("{what} is loaded as it was stored")).await;
        store.holds(id, &blob, &format!("{what} can be loaded again")).await;
        store.clear(id).await;
    }
}

pub(super) async fn create(store: Subject<'_>) {
    let (id, first) = store.stored(1).await;
    for number in [1, 2] {
        conflict(store.create(id, &small(number), future()).await, "create with an id that is taken");
        store.holds(id, &first, "create with an id that is taken changes nothing").await;
    }
    store.clear(id).await;
    store.lacks(id, "a deleted blob is gone").await;
    counts_as_absent(store, id, 1, "after a delete").await;
    let again = small(1);
    done(store.create(id, &again, future()).await, "create after a delete");
    store.holds(id, &again, "create after a delete stores the blob").await;
    store.clear(id).await;
}

pub(super) async fn replace(store: Subject<'_>) {
    let (id, first) = store.stored(7).await;
    for wrong in [0, 6, 8, 7 << 8, 7 << 56, u64::MAX] {
        let replaced = store.replace(id, wrong, &small(9), future()).await;
        conflict(replaced, "replace of another generation");
        store.holds(id, &first, "replace of another generation changes nothing").await;
    }
    for (was, becomes, length) in [(7, 8, 43_000), (8, 9, 59), (9, 12, 571)] {
        let next = blob(becomes, length);
        done(store.replace(id, was, &next, future()).await, "replace of the stored generation");
        store.holds(id, &next, "replace stores the whole new blob, longer or shorter than before").await;
        let again = store.replace(id, was, &small(becomes), future()).await;
        conflict(again, "replace of a generation that was replaced");
    }
    done(store.replace(id, 12, &small(13), past()).await, "replace with an expiry in the past");
    store.lacks(id, "replace replaces the expiry").await;
    store.clear(id).await;
}

pub(super) async fn generations(store: Subject<'_>) {
    // Numbers that break signed integers, doubles, text and byte orders.
    for number in [1, 255, 256, 0x0d0a, (1 << 53) + 1, (1 << 63) - 1, 1 << 63, u64::MAX - 1] {
        let (id, _) = store.stored(number).await;
        for wrong in [number - 1, number + 1, number.swap_bytes(), number ^ 1 << 63, number ^ 1] {
            if wrong == number {
                continue;
            }
            let what = format!("of generation {wrong} where {number} is stored");
            conflict(store.replace(id, wrong, &small(3), future()).await, &format!("replace {what}"));
            conflict(store.set_expiry(id, wrong, past()).await, &format!("set_expiry {what}"));
            conflict(store.delete(id, Some(wrong)).await, &format!("delete {what}"));
        }
        let next = small(number + 1);
        done(store.replace(id, number, &next, future()).await, &format!("replace of generation {number}"));
        store.holds(id, &next, &format!("generation {} is stored", number + 1)).await;
        done(store.delete(id, Some(number + 1)).await, &format!("delete of generation {}", number + 1));
    }
}

pub(super) async fn set_expiry(store: Subject<'_>) {
    let (id, blob) = store.stored(3).await;
    for (wrong, expires) in [(2, past()), (4, past()), (2, later())] {
        conflict(store.set_expiry(id, wrong, expires).await, "set_expiry of another generation");
        store.holds(id, &blob, "set_expiry of another generation changes nothing").await;
    }
    let at = later();
    done(store.set_expiry(id, 3, at).await, "set_expiry to a later time");
    // Some databases count only the documents or rows that differ afterwards.
    done(store.set_expiry(id, 3, at).await, "set_expiry to the same time again");
    store.holds(id, &blob, "set_expiry keeps the blob").await;
    done(store.set_expiry(id, 3, future()).await, "set_expiry to an earlier time");
    store.holds(id, &blob, "set_expiry keeps the blob and its generation").await;
    done(store.set_expiry(id, 3, past()).await, "set_expiry to the past");
    store.lacks(id, "set_expiry to the past makes a blob absent").await;
    counts_as_absent(store, id, 3, "after set_expiry to the past").await;
    store.clear(id).await;
}

pub(super) async fn delete(store: Subject<'_>) {
    let (id, blob) = store.stored(3).await;
    for wrong in [2, 4, 0] {
        conflict(store.delete(id, Some(wrong)).await, "delete of another generation");
        store.holds(id, &blob, "delete of another generation changes nothing").await;
    }
    done(store.delete(id, Some(3)).await, "delete of the stored generation");
    store.lacks(id, "delete removes the blob").await;
    counts_as_absent(store, id, 3, "after a delete").await;

    let (id, _) = store.stored(3).await;
    done(store.delete(id, None).await, "delete of any generation");
    store.lacks(id, "delete of any generation removes the blob").await;
    counts_as_absent(store, id, 3, "after a delete").await;
}

pub(super) async fn most(store: Subject<'_>) {
    let (id, blob) = (random_id(), blob(1, 20_000));
    store.put(id, &blob, future()).await;
    for most in [20_000, 20_001, usize::MAX] {
        assert!(
            store.load_at_most(id, most).await.as_deref() == Some(&blob[..]),
            "load of at most {most} bytes must return the whole of a blob of 20000 bytes"
        );
    }
    for most in [1, 13, 8_191, 19_999] {
        let found = store.load_at_most(id, most).await.unwrap_or_default();
        assert!(
            found.len() >= most && blob.starts_with(&found),
            "load of at most {most} bytes must return at least the first {most} bytes of a longer blob"
        );
    }
    store.clear(id).await;
}

pub(super) async fn ids(store: Subject<'_>) {
    let first = random_id();
    let differing = |bit: usize| {
        let mut bytes = *first.as_bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        BlobId::new(bytes)
    };
    let mut all: Vec<(BlobId, Vec<u8>)> = (0..128).map(|bit| (differing(bit), small(1))).collect();
    all.push((first, small(1)));
    // Bytes that break text, patterns and C strings. The last eight are random, because runs may share a store.
    for byte in [0x00, 0x00, b'%', b'\n', b'\'', 0xff] {
        let mut bytes = [byte; 16];
        bytes[8..].copy_from_slice(&random_id().as_bytes()[8..]);
        all.push((BlobId::new(bytes), small(1)));
    }
    for some in all.chunks(CALLS) {
        for written in together(some.iter().map(|(id, blob)| store.create(*id, blob, future()))).await {
            done(written, "create with an id that differs from others in one bit");
        }
    }
    let [gone, changed, rest @ ..] = &all[..] else { unreachable!("there are more than two") };
    done(store.delete(gone.0, Some(1)).await, "delete of the stored generation");
    store.lacks(gone.0, "delete removes the blob").await;
    let next = small(2);
    done(store.replace(changed.0, 1, &next, future()).await, "replace of the stored generation");
    store.holds(changed.0, &next, "replace stores the new blob").await;
    for (id, blob) in rest {
        store.holds(*id, blob, "a write to one id leaves the others alone").await;
    }
    for some in all.chunks(CALLS) {
        together(some.iter().map(|(id, _)| store.clear(*id))).await;
    }
}

pub(super) async fn expired(store: Subject<'_>) {
    for expires in [past(), SystemTime::UNIX_EPOCH, SystemTime::now() - Duration::from_secs(1800)] {
        let (id, blob) = (random_id(), small(1));
        done(store.create(id, &blob, expires).await, "create with an expiry in the past");
        store.lacks(id, "an expired blob is absent").await;
        counts_as_absent(store, id, 1, "after a blob has expired").await;
        done(store.create(id, &blob, future()).await, "create after a blob has expired");
        store.holds(id, &blob, "create after a blob has expired stores the new blob").await;
        store.clear(id).await;
    }
}

/// Writes four blobs, and returns their ids and the moment at which the first and the third expire. Changes the expiry of
/// three: the second and the fourth expire later than created, the third earlier.
///
/// Gives a slow store more time, because none of them may expire before the last is written.
async fn expiring(store: Subject<'_>) -> ([BlobId; 4], SystemTime) {
    const LONGEST: Duration = Duration::from_secs(24);
    let mut span = LONGEST / 16;
    loop {
        let ids = [random_id(), random_id(), random_id(), random_id()];
        let [created, prolonged, shortened, replaced] = ids;
        let moment = SystemTime::now() + span;
        let written = [
            (store.create(created, &small(1), moment).await, "create with an unused id"),
            (store.create(prolonged, &small(1), moment).await, "create with an unused id"),
            (store.create(shortened, &small(1), future()).await, "create with an unused id"),
            (store.create(replaced, &small(1), moment).await, "create with an unused id"),
            (store.set_expiry(prolonged, 1, future()).await, "set_expiry to a later time"),
            (store.set_expiry(shortened, 1, moment).await, "set_expiry to an earlier time"),
            (store.replace(replaced, 1, &small(2), future()).await, "replace of the stored generation"),
        ];
        if SystemTime::now() < moment || span == LONGEST {
            for (written, what) in written {
                done(written, what);
            }
            return (ids, moment);
        }
        for id in ids {
            store.clear(id).await;
        }
        span *= 4;
    }
}

/// Checks that blobs expire by the store's clock alone, without a write.
pub(super) async fn expires_by_itself(store: Subject<'_>) {
    let (ids, moment) = expiring(store).await;
    let [created, prolonged, shortened, replaced] = ids;
    let is_there = store.load(created).await.is_some();
    assert!(is_there || SystemTime::now() >= moment, "a blob is there until it expires");
    let patience = moment + Duration::from_secs(5);
    while store.load(created).await.is_some() || store.load(shortened).await.is_some() {
        assert!(SystemTime::now() < patience, "a blob expires by itself when its time has come");
        sleep(Duration::from_millis(50)).await;
    }
    assert!(SystemTime::now() >= moment, "a blob is there until it expires");
    assert!(store.load(prolonged).await.is_some(), "set_expiry to a later time keeps a blob for longer");
    assert!(store.load(replaced).await.is_some(), "replace replaces the expiry");
    counts_as_absent(store, created, 1, "after a blob has expired by itself").await;
    done(store.create(created, &small(1), future()).await, "create after a blob has expired by itself");
    for id in ids {
        store.clear(id).await;
    }
}
