//! The rules for calls that overlap: of those that can't all be Done, exactly one is.

use super::kit::{Subject, future, index, later, past, small, together};
use crate::store::{BlobId, Store, Written};

/// So many calls at once, and so often.
const CALLS: usize = 8;
const ROUNDS: usize = 5;

pub(super) async fn all<S: Store>(store: Subject<'_, S>) {
    for _ in 0..ROUNDS {
        creates(store, index(), "creates").await;
        let expired = index();
        let _ = store.create(expired, &small(1), past()).await;
        creates(store, expired, "creates where something has expired").await;
        replaces(store).await;
        deletes(store, None).await;
        deletes(store, Some(1)).await;
        against_delete(store).await;
    }
}

#[track_caller]
fn exactly_one(written: &[Written], calls: &str) {
    let done = written.iter().filter(|written| **written == Written::Done).count();
    assert!(done == 1, "of {} {calls} at once exactly one must be Done, and {done} were", written.len());
}

/// Asserts that exactly one was done, and that it is its blob that stands there.
async fn one_stands<S: Store>(
    store: Subject<'_, S>,
    index: BlobId,
    blobs: &[Vec<u8>],
    written: &[Written],
    calls: &str,
) {
    exactly_one(written, calls);
    let winner = written.iter().position(|written| *written == Written::Done).expect("one was done");
    store
        .holds(index, &blobs[winner], &format!("of several {calls} at once, the one that was Done is stored"))
        .await;
    store.clear(index).await;
}

async fn creates<S: Store>(store: Subject<'_, S>, index: BlobId, calls: &str) {
    let blobs: Vec<_> = (0..CALLS).map(|_| small(1)).collect();
    let written = together(blobs.iter().map(|blob| store.create(index, blob, future()))).await;
    one_stands(store, index, &blobs, &written, calls).await;
}

async fn replaces<S: Store>(store: Subject<'_, S>) {
    let (index, _) = store.stored(1).await;
    let blobs: Vec<_> = (0..CALLS).map(|_| small(2)).collect();
    let written = together(blobs.iter().map(|blob| store.replace(index, 1, blob, future()))).await;
    one_stands(store, index, &blobs, &written, "replaces of one generation").await;
}

async fn deletes<S: Store>(store: Subject<'_, S>, expected: Option<u64>) {
    let (index, _) = store.stored(1).await;
    let written = together((0..CALLS).map(|_| store.delete(index, expected))).await;
    exactly_one(&written, "deletes");
    store.lacks(index, "delete deletes").await;
}

/// What was deleted stays so, whoever wrote at the same time.
async fn against_delete<S: Store>(store: Subject<'_, S>) {
    let (index, _) = store.stored(1).await;
    // Those before the delete in the row may be done, those after it are likelier not to be; all are allowed.
    let written = together((0..CALLS).map(|call| async move {
        match call == CALLS / 2 {
            true => store.delete(index, None).await,
            false => store.set_expiry(index, 1, later()).await,
        }
    }))
    .await;
    assert!(written[CALLS / 2] == Written::Done, "delete at the same time as set_expiry must be Done");
    store.lacks(index, "set_expiry at the same time as a delete brings nothing back").await;

    let (index, _) = store.stored(1).await;
    let next = small(2);
    let written = together((0..CALLS).map(|call| {
        let next = &next;
        async move {
            match call % 2 {
                0 => store.replace(index, 1, next, future()).await,
                _ => store.delete(index, Some(1)).await,
            }
        }
    }))
    .await;
    exactly_one(&written, "replaces and deletes of one generation");
    match written.iter().position(|written| *written == Written::Done) {
        Some(call) if call % 2 == 0 => {
            store.holds(index, &next, "a replace that won over deletes is stored").await
        }
        _ => store.lacks(index, "replace at the same time as a delete brings nothing back").await,
    }
    store.clear(index).await;
}
