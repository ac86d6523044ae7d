//! The rules for overlapping calls: if at most one of them can succeed, exactly one does.

use super::kit::{CALLS, Subject, future, later, past, random_id, small, together};
use crate::store::{BlobId, Written};

/// The number of times that each race is run.
const ROUNDS: usize = 5;

pub(super) async fn all(store: Subject<'_>) {
    for _ in 0..ROUNDS {
        creates(store, random_id(), "creates").await;
        let expired = random_id();
        let _ = store.create(expired, &small(1), past()).await;
        creates(store, expired, "creates after a blob has expired").await;
        replaces(store).await;
        deletes(store, None).await;
        deletes(store, Some(1)).await;
        against_delete(store).await;
    }
}

/// Asserts that exactly one call was done, and returns its index.
#[track_caller]
fn exactly_one(written: &[Written], calls: &str) -> usize {
    let done: Vec<usize> = (0..CALLS).filter(|call| written[*call] == Written::Done).collect();
    assert!(
        done.len() == 1,
        "of {CALLS} overlapping {calls}, exactly one must return Done, but {} did",
        done.len()
    );
    done[0]
}

/// Asserts that exactly one call was done, and that its blob is stored.
async fn one_is_stored(store: Subject<'_>, id: BlobId, blobs: &[Vec<u8>], written: &[Written], calls: &str) {
    let winner = &blobs[exactly_one(written, calls)];
    store
        .holds(id, winner, &format!("of several overlapping {calls}, the one that returned Done is stored"))
        .await;
    store.clear(id).await;
}

async fn creates(store: Subject<'_>, id: BlobId, calls: &str) {
    let blobs: Vec<_> = (0..CALLS).map(|_| small(1)).collect();
    let written = together(blobs.iter().map(|blob| store.create(id, blob, future()))).await;
    one_is_stored(store, id, &blobs, &written, calls).await;
}

async fn replaces(store: Subject<'_>) {
    let (id, _) = store.stored(1).await;
    let blobs: Vec<_> = (0..CALLS).map(|_| small(2)).collect();
    let written = together(blobs.iter().map(|blob| store.replace(id, 1, blob, future()))).await;
    one_is_stored(store, id, &blobs, &written, "replaces of one generation").await;
}

async fn deletes(store: Subject<'_>, expected: Option<u64>) {
    let (id, _) = store.stored(1).await;
    let written = together((0..CALLS).map(|_| store.delete(id, expected))).await;
    exactly_one(&written, "deletes");
    store.lacks(id, "delete removes the blob").await;
}

/// Checks that a deleted blob stays deleted, even if other calls overlap with the delete.
async fn against_delete(store: Subject<'_>) {
    let (id, _) = store.stored(1).await;
    // Those before the delete are likely to be done, and those after it are not. Both are allowed.
    let written = together((0..CALLS).map(|call| async move {
        if call == CALLS / 2 { store.delete(id, None).await } else { store.set_expiry(id, 1, later()).await }
    }))
    .await;
    assert!(written[CALLS / 2] == Written::Done, "a delete that overlaps with set_expiry must return Done");
    store.lacks(id, "a set_expiry that overlaps with a delete does not restore the blob").await;

    let (id, _) = store.stored(1).await;
    let next = &small(2);
    let written = together((0..CALLS).map(|call| async move {
        if call.is_multiple_of(2) {
            store.replace(id, 1, next, future()).await
        } else {
            store.delete(id, Some(1)).await
        }
    }))
    .await;
    if exactly_one(&written, "replaces and deletes of one generation").is_multiple_of(2) {
        store.holds(id, next, "a replace that won against deletes is stored").await;
    } else {
        store.lacks(id, "a replace that overlaps with a delete does not restore the blob").await;
    }
    store.clear(id).await;
}
