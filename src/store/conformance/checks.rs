//! The rules, one call after the other.

use std::time::{Duration, Instant, SystemTime};

use super::kit::{Subject, blob, conflict, done, future, index, later, past, pause, small, together};
use crate::store::{BlobId, Store};

pub(super) async fn absent<S: Store>(store: Subject<'_, S>) {
    let index = index();
    store.lacks(index, "nothing stands where nothing was stored").await;
    nothing_stands(store, index, 1, "where nothing stands").await;
}

/// Every call but `create` finds nothing there, and changes nothing; not even by the generation that stood there.
async fn nothing_stands<S: Store>(store: Subject<'_, S>, index: BlobId, stood: u64, at: &str) {
    let replaced = store.replace(index, stood, &small(stood + 1), future()).await;
    conflict(replaced, &format!("replace {at}"));
    store.lacks(index, &format!("replace {at} stores nothing")).await;
    let prolonged = store.set_expiry(index, stood, later()).await;
    conflict(prolonged, &format!("set_expiry {at}"));
    store.lacks(index, &format!("set_expiry {at} brings nothing back")).await;
    conflict(store.delete(index, Some(stood)).await, &format!("delete of a generation {at}"));
    conflict(store.delete(index, None).await, &format!("delete of any generation {at}"));
}

pub(super) async fn kept<S: Store>(store: Subject<'_, S>) {
    let mut every_byte = blob(1, 13 + 256);
    every_byte[13..].copy_from_slice(&(0..=255).collect::<Vec<u8>>());
    let zeros = {
        let mut zeros = vec![0; 512];
        zeros[12] = 1; // the generation
        zeros
    };
    for (what, blob) in [
        ("the shortest blob", blob(1, 59)),
        ("a blob with every byte in it", every_byte),
        ("a blob of zeros", zeros),
        ("a blob of 43 kB", blob(1, 43_000)),
        ("a blob of 1 MiB", blob(1, 1 << 20)),
    ] {
        let index = index();
        done(store.create(index, &blob, future()).await, "create where nothing stands");
        store.holds(index, &blob, &format!("{what} is loaded as it was stored")).await;
        store.holds(index, &blob, &format!("{what} can be loaded again")).await;
        store.clear(index).await;
    }
}

pub(super) async fn create<S: Store>(store: Subject<'_, S>) {
    let (index, first) = store.stored(1).await;
    for number in [1, 2] {
        conflict(store.create(index, &small(number), future()).await, "create where something stands");
        store.holds(index, &first, "create leaves alone what stands there").await;
    }
    store.clear(index).await;
    store.lacks(index, "what was deleted is gone").await;
    nothing_stands(store, index, 1, "where something was deleted").await;
    let again = small(1);
    done(store.create(index, &again, future()).await, "create where something was deleted");
    store.holds(index, &again, "create stores where something was deleted").await;
    store.clear(index).await;
}

pub(super) async fn replace<S: Store>(store: Subject<'_, S>) {
    let (index, first) = store.stored(7).await;
    for wrong in [0, 6, 8, 7 << 8, 7 << 56, u64::MAX] {
        let replaced = store.replace(index, wrong, &small(9), future()).await;
        conflict(replaced, "replace of another generation");
        store.holds(index, &first, "replace of another generation changes nothing").await;
    }
    for (was, becomes, length) in [(7, 8, 43_000), (8, 9, 59), (9, 12, 571)] {
        let next = blob(becomes, length);
        done(store.replace(index, was, &next, future()).await, "replace of the generation that stands there");
        store.holds(index, &next, "replace stores the new blob whole, longer or shorter than before").await;
        let again = store.replace(index, was, &small(becomes), future()).await;
        conflict(again, "replace of a generation that was replaced");
    }
    done(store.replace(index, 12, &small(13), past()).await, "replace by what has expired");
    store.lacks(index, "replace replaces the expiry").await;
    store.clear(index).await;
}

pub(super) async fn generations<S: Store>(store: Subject<'_, S>) {
    // Where signed numbers, doubles, text and byte orders go wrong.
    for number in [1, 255, 256, 0x0d0a, (1 << 53) + 1, (1 << 63) - 1, 1 << 63, u64::MAX - 1] {
        let (index, _) = store.stored(number).await;
        let (before, swapped) = (number - 1, number.swap_bytes());
        for wrong in [before, number + 1, swapped, number ^ 1 << 63, number ^ 1] {
            if wrong == number {
                continue;
            }
            let what = format!("of generation {wrong} where {number} stands");
            conflict(store.replace(index, wrong, &small(3), future()).await, &format!("replace {what}"));
            conflict(store.set_expiry(index, wrong, past()).await, &format!("set_expiry {what}"));
            conflict(store.delete(index, Some(wrong)).await, &format!("delete {what}"));
        }
        let next = small(number + 1);
        let replaced = store.replace(index, number, &next, future()).await;
        done(replaced, &format!("replace of generation {number}"));
        store.holds(index, &next, &format!("generation {} is stored", number + 1)).await;
        let deleted = store.delete(index, Some(number + 1)).await;
        done(deleted, &format!("delete of generation {}", number + 1));
    }
}

pub(super) async fn set_expiry<S: Store>(store: Subject<'_, S>) {
    let (index, blob) = store.stored(3).await;
    for (wrong, expires) in [(2, past()), (4, past()), (2, later())] {
        conflict(store.set_expiry(index, wrong, expires).await, "set_expiry of another generation");
        store.holds(index, &blob, "set_expiry of another generation changes nothing").await;
    }
    done(store.set_expiry(index, 3, later()).await, "set_expiry to a later time");
    store.holds(index, &blob, "set_expiry keeps the blob").await;
    done(store.set_expiry(index, 3, future()).await, "set_expiry to a sooner time");
    store.holds(index, &blob, "set_expiry keeps the blob and its generation").await;
    done(store.set_expiry(index, 3, past()).await, "set_expiry to the past");
    store.lacks(index, "set_expiry to the past makes a blob absent").await;
    nothing_stands(store, index, 3, "where set_expiry has let something expire").await;
    store.clear(index).await;
}

pub(super) async fn delete<S: Store>(store: Subject<'_, S>) {
    let (index, blob) = store.stored(3).await;
    for wrong in [2, 4, 0] {
        conflict(store.delete(index, Some(wrong)).await, "delete of another generation");
        store.holds(index, &blob, "delete of another generation changes nothing").await;
    }
    done(store.delete(index, Some(3)).await, "delete of the generation that stands there");
    store.lacks(index, "delete deletes").await;
    nothing_stands(store, index, 3, "where something was deleted").await;

    let (index, _) = store.stored(3).await;
    done(store.delete(index, None).await, "delete of any generation");
    store.lacks(index, "delete of any generation deletes").await;
    nothing_stands(store, index, 3, "where something was deleted").await;
}

pub(super) async fn most<S: Store>(store: Subject<'_, S>) {
    let (index, blob) = (index(), blob(1, 20_000));
    done(store.create(index, &blob, future()).await, "create where nothing stands");
    for most in [20_000, 20_001, usize::MAX] {
        let found = store.load_at_most(index, most).await;
        assert!(
            found.as_deref() == Some(&blob[..]),
            "load of at most {most} bytes must give the whole of a blob of 20000"
        );
    }
    for most in [1, 13, 8_191, 19_999] {
        let found = store.load_at_most(index, most).await.unwrap_or_default();
        assert!(
            found.len() >= most && blob.starts_with(&found),
            "load of at most {most} bytes must give the first {most} of a longer blob, or more of them"
        );
    }
    store.clear(index).await;
}

pub(super) async fn indexes<S: Store>(store: Subject<'_, S>) {
    let first = index();
    let differing = |bit: usize| {
        let mut bytes = *first.as_bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        BlobId::new(bytes)
    };
    let mut all: Vec<(BlobId, Vec<u8>)> = (0..128).map(|bit| (differing(bit), small(1))).collect();
    all.push((first, small(1)));
    // Bytes that text, patterns and C strings don't like; only the last differ between runs that share a store.
    for byte in [0x00, 0x00, b'%', b'\n', b'\'', 0xff] {
        let mut bytes = [byte; 16];
        bytes[8..].copy_from_slice(&index().as_bytes()[8..]);
        all.push((BlobId::new(bytes), small(1)));
    }
    let created = together(all.iter().map(|(index, blob)| store.create(*index, blob, future()))).await;
    for written in created {
        done(written, "create at an index that differs in one bit from others");
    }
    let (gone, rest) = all.split_first().expect("there are many");
    done(store.delete(gone.0, Some(1)).await, "delete of the generation that stands there");
    store.lacks(gone.0, "delete deletes").await;
    let (changed, rest) = rest.split_first().expect("there are many");
    let next = small(2);
    done(store.replace(changed.0, 1, &next, future()).await, "replace of the generation that stands there");
    store.holds(changed.0, &next, "replace stores the new blob").await;
    for (index, blob) in rest {
        store.holds(*index, blob, "what happens at one index leaves the others alone").await;
    }
    together(all.iter().map(|(index, _)| store.clear(*index))).await;
}

pub(super) async fn expired<S: Store>(store: Subject<'_, S>) {
    for expires in [past(), SystemTime::UNIX_EPOCH, SystemTime::now() - Duration::from_secs(1800)] {
        let (index, blob) = (index(), small(1));
        done(store.create(index, &blob, expires).await, "create of what has expired");
        store.lacks(index, "what has expired is absent").await;
        nothing_stands(store, index, 1, "where something has expired").await;
        done(store.create(index, &blob, future()).await, "create where something has expired");
        store.holds(index, &blob, "create stores where something has expired").await;
        store.clear(index).await;
    }
}

/// No write tells the store that these have expired: its clock does.
pub(super) async fn expires_by_itself<S: Store>(store: Subject<'_, S>) {
    let indexes: Vec<BlobId> = (0..4).map(|_| index()).collect();
    let [created, prolonged, shortened, replaced] = indexes[..] else { unreachable!("there are four") };
    let moment = SystemTime::now() + Duration::from_millis(1500);
    done(store.create(created, &small(1), moment).await, "create where nothing stands");
    done(store.create(prolonged, &small(1), moment).await, "create where nothing stands");
    done(store.create(shortened, &small(1), future()).await, "create where nothing stands");
    done(store.create(replaced, &small(1), moment).await, "create where nothing stands");
    done(store.set_expiry(prolonged, 1, future()).await, "set_expiry to a later time");
    done(store.set_expiry(shortened, 1, moment).await, "set_expiry to a sooner time");
    done(
        store.replace(replaced, 1, &small(2), future()).await,
        "replace of the generation that stands there",
    );

    let stands = store.load(created).await.is_some();
    assert!(stands || SystemTime::now() >= moment, "a blob is there until it expires");
    let patience = Instant::now() + Duration::from_secs(6);
    while store.load(created).await.is_some() || store.load(shortened).await.is_some() {
        assert!(Instant::now() < patience, "a blob expires by itself when its time has come");
        pause(Duration::from_millis(50)).await;
    }
    assert!(SystemTime::now() >= moment, "a blob is there until it expires");
    assert!(store.load(prolonged).await.is_some(), "set_expiry to a later time keeps a blob for longer");
    assert!(store.load(replaced).await.is_some(), "replace replaces the expiry");
    nothing_stands(store, created, 1, "where something has expired by itself").await;
    done(store.create(created, &small(1), future()).await, "create where something has expired by itself");
    for index in indexes {
        store.clear(index).await;
    }
}
