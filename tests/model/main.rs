//! A model-based test: random requests of several browsers to several nodes, with a store that fails, checked against
//! the rules below.
//!
//! Sessions grow, shrink, are emptied, renewed, saved during a request, given new ids and destroyed. Time passes, keys
//! are rotated, and the nodes have different cookie limits. Requests run in parallel. Each call of the store waits
//! until the test lets it through, so every order of calls is possible, and a seed always gives the same order. A call
//! can fail, succeed but report a failure, or never return, and take effect long after that. Background tasks retry
//! cleanup that failed. Clients hang up, responses overtake each other, and browsers send copied and old cookies.
//!
//! In a third of the sequences, sessions can be revoked. Users sign in, with a new id and without one, and log out their
//! other sessions. Administrators end the sessions of a user, or all. Each node follows one log, which always works.
//! `tests/revocation/fleet.rs` is about logs that fail and clocks that differ.
//!
//! The judge sees every call of the store, every session that is opened, and every response. A **place** is an index of
//! the store, with all that was ever written there. The rules:
//!
//! 1. **No session is lost.** A cookie that has not expired opens. It shows the data that was sealed into it, or that
//!    was written last to the place it names. There are three exceptions. A request deleted the place, because it
//!    ended the session, emptied it or gave it a new id. Or the session returned to the cookie more than 30 s ago. Or
//!    the session was ended by revocations (rules 7 and 8). A browser that sends its requests one after the other
//!    finds exactly what its last request left. After a request that failed, it finds the session as it was before
//!    the request or after it.
//! 2. **No session is revived.** A request that goes on from a place has asked the store for it first, and the store
//!    had it. Nothing is written to a place that was deleted. After a 200 for `destroy`, for a new session or for a new
//!    id, the old place is gone. `destroy` removes the cookie even if everything else fails.
//! 3. **The response says what was done.** A change with a 200 is sent, and the cookie holds what the request made of
//!    the session. After an error, or a 500 from the handler, nothing is sent that was not stored, and nothing is
//!    removed unless the session was destroyed or had expired. Every error has a reason: a failed call, another
//!    request, or the size.
//! 4. **No update is lost silently.** A request does not replace a change that it has not seen. With `Refuse`, it
//!    fails. With `Merge`, it writes only the merged value. With `LastWriteWins`, it replaces the change and counts
//!    that. The same holds for data that it moves to another id or back to the cookie.
//! 5. **No orphans.** A blob expires together with the reference that it was written for, not before any reference that
//!    names it, and no later than any reference that could have been sent. If all requests came one after the other and
//!    got a 200, each blob is named by a browser's cookie or was left less than 30 s ago.
//! 6. **A request without a change writes nothing.** A renewal that is due makes one call, which sets the expiry. It
//!    writes the blob only to seal it with a newer key, and then the session may return to the cookie.
//! 7. **An ended session does not open.** This is about sequences with revocations. After a call of `Revocations` or
//!    `revoke_others`, no cookie opens that was sent before for a session of that user, or for any: on the same node at
//!    once, and on the others after 5 s (`at_most`). The same holds for every cookie with which such a session goes on
//!    meanwhile. When a user's session was destroyed, was emptied or got a new id, no cookie with the old id opens after
//!    5 s. Another idle timeout comes with a new id, too. Until then, requests can read it, unless it was in the store.
//!    A request writes no cookie for a session that ended on its node before the request was committed, nor a new id for
//!    one that ended anywhere.
//! 8. **Nobody else is ended.** A session is revoked, or a request answered with 409 for that reason, only if a request
//!    or an administrator has ended this session, its user's or all, and it did not begin after that. It begins when
//!    its user signs in. `revoke_others` spares the session that called it, if that gets its new cookie.
//! 9. **A revoked session is fresh.** It shows no data, and new data begins another session. Its cookie is removed once
//!    all revocations are 25 s old, and is not removed while the revocation is news.
//!
//! The crate does not promise the following, so the judge allows it:
//!
//! - Copies and older versions of a session in a cookie open, because there is no counter. With revocations, they do so
//!   until the session has ended and 5 s have passed. The response that arrives last wins. It may hold a reference to a
//!   session that another request has destroyed or moved.
//! - The end of a session without a user writes no entry. Copies of its cookie open even with revocations.
//! - A visitor's session that begins within 5 s of a revocation of all sessions, on another node, may be ended once.
//! - A user has signed in without a new id to a session in the store, after a revocation of the user's sessions. An
//!   older cookie of that session, or one of a parallel request, may be revoked.
//! - A new id is on its way when the client hangs up. The old session may have ended even so.
//! - A request that was carried out before another request ended the session may send its response after that.
//! - A request that does not know that the session is persistent sets the blob's expiry by the ordinary idle timeout,
//!   even if another request has sent a persistent cookie (`Place::shortened`). The same holds for the seconds by which
//!   a session begins later after a revocation. A store that fails can leave what was saved before that as it was.
//! - A blob that was saved for a session that began and ended in the same request stays in the store until it expires.
//!
//! `SESSION_MODEL_RUNS=100000` tries more sequences, `SESSION_MODEL_SEED=…` repeats one.

mod judge;
#[path = "../kit/random.rs"]
mod random;
mod regressions;
mod steps;
mod world;

use std::{
    env, panic,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use steps::Sequence;
use world::{Failure, run};

fn try_run(sequence: &Sequence) -> Result<usize, Failure> {
    let ran = panic::catch_unwind(panic::AssertUnwindSafe(|| run(sequence)));
    ran.unwrap_or_else(|payload| {
        let what = payload.downcast_ref::<String>().cloned();
        let what = what.or_else(|| payload.downcast_ref::<&str>().map(|what| what.to_string()));
        Err(Failure { what: format!("a panic: {}", what.unwrap_or_default()), trace: vec![] })
    })
}

/// The kind of a failure: its text without the numbers.
fn kind(failure: &Failure) -> String {
    failure.what.chars().filter(|c| c.is_alphabetic()).collect()
}

/// Removes steps that are not needed for the failure.
fn shrink(mut sequence: Sequence) -> (Sequence, Failure) {
    let mut failure = try_run(&sequence).expect_err("the sequence fails");
    loop {
        let mut smaller = false;
        let mut at = 0;
        while at < sequence.steps.len() {
            for candidate in sequence.without(at) {
                if let Err(again) = try_run(&candidate)
                    && kind(&again) == kind(&failure)
                {
                    (sequence, failure, smaller) = (candidate, again, true);
                    break;
                }
            }
            at += 1;
        }
        if !smaller {
            return (sequence, failure);
        }
    }
}

/// Checks the rules for this sequence, without revocations and with them.
fn holds(policy: steps::Policy, steps: impl Into<Vec<steps::Step>>) {
    let mut sequence = Sequence { policy, revocations: false, steps: steps.into() };
    for revocations in [false, true] {
        sequence.revocations = revocations;
        if let Err(Failure { what, trace }) = try_run(&sequence) {
            let with = if revocations { "with" } else { "without" };
            panic!("\n{what}, under {policy:?}, {with} revocations:\n\n{}\n", trace.join("\n"));
        }
    }
}

fn check(seed: u64) -> usize {
    let sequence = Sequence::draw(seed);
    match try_run(&sequence) {
        Ok(requests) => requests,
        Err(_) => {
            panic::set_hook(Box::new(|_| {}));
            let (smallest, Failure { what, trace }) = shrink(sequence);
            let _ = panic::take_hook();
            let steps: Vec<_> = smallest.steps.iter().map(|step| format!("    {step:?}")).collect();
            panic!(
                "\n{what}\n\nSESSION_MODEL_SEED={seed}, shrunk, under {:?}, revocations: {}:\n{}\n\n{}\n",
                smallest.policy,
                smallest.revocations,
                steps.join("\n"),
                trace.join("\n")
            );
        }
    }
}

/// The first seeds are fixed, so that every run tries the same sequences. Further seeds differ from run to run.
#[test]
fn random_requests_keep_the_rules() {
    if let Ok(seed) = env::var("SESSION_MODEL_SEED") {
        check(seed.parse().expect("SESSION_MODEL_SEED is not a number"));
        return;
    }
    let runs = env::var("SESSION_MODEL_RUNS")
        .ok()
        .map(|runs| runs.parse().expect("SESSION_MODEL_RUNS is not a number"));
    let (fixed, runs) = (2500, runs.unwrap_or(2500));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let random = now.as_nanos() as u64;
    println!("after {fixed} fixed seeds, seeds from {random} on");
    let begun = Instant::now();
    let requests: usize = (0..fixed).chain((0..).map(|n| random + n)).take(runs).map(check).sum();
    println!("{runs} sequences, {requests} requests, in {:?}", begun.elapsed());
}
