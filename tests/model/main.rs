//! A model: random requests of several browsers to several nodes, over a store that fails, against rules that fit on
//! this page.
//!
//! Sessions grow, shrink, are emptied, renewed, saved half-way, renamed and ended; time passes; keys are rotated; what
//! fits one node's cookie does not fit the other's. Requests run in parallel: each call of the store waits until the
//! test lets it through, so every order of calls can happen, and does so again for the same seed. Calls fail, or are carried
//! out and fail all the same, or are never answered, and perhaps carried out long after. Calls that clean up and fail are
//! made again by tasks. Clients hang up. Answers overtake
//! each other. Cookies are copied, and old ones come back.
//!
//! The judge sees every call of the store, every session that is opened, and every answer. A **place** is an index of the
//! store, with all that was ever written there. The rules:
//!
//! 1. **No session is lost.** A cookie that has not expired opens, and shows what was sealed into it, or what was written
//!    last in the place that it names. The exceptions: the place was deleted by a request that ended the session, emptied it,
//!    or moved it under another id; or it was left when the session returned into the cookie, and 30 s have passed. A browser
//!    whose requests come one after the other finds exactly what its last request left; after one that failed, what was
//!    there before it, or after it.
//! 2. **None is revived.** Whoever goes on from a place, in whatever way, has asked it first, and it agreed. Nothing is
//!    written where something was deleted. Where `destroy`, `regenerate` or a new id was answered by a 200, the place is
//!    gone; `destroy` removes the cookie whatever else fails.
//! 3. **What is answered is what was done.** A change that is answered by a 200 is sent, and what is sent is what the
//!    request made of the session. An error, or a 500 of the handler's, sends nothing that was not stored, removes nothing
//!    that was not ended or over, and has a reason: a call that failed, another request, or the size.
//! 4. **No update is lost unseen.** What a request has not seen it does not replace: with `Refuse` not at all, with
//!    `Merge` by the merged value alone, with `LastWriteWins` and counted. The same holds for what it carries under
//!    another id or back into the cookie.
//! 5. **No orphans.** A blob expires together with the reference that it was written for, not before any that names it, and
//!    no later than any that could have been sent. Where every request was answered by a 200 and came after the other,
//!    each blob is named by a browser's cookie, or was left for 30 s.
//! 6. **Who changes nothing writes nothing.** A renewal that is due makes one call, which sets the expiry; it writes the
//!    blob only to seal it by a newer key, and then the session may return into the cookie.
//!
//! What is *not* promised, and so not held against the crate:
//!
//! - Of a session in its cookie there may be copies, and older ones open: there is no counter. The answer that comes
//!   last wins, whichever that is; it may be a reference to what another request has ended or left.
//! - A request that was carried out before another ended the session may send its answer after that.
//! - A request that does not know that the session is remembered sets the blob's expiry by the ordinary window, though a
//!   persistent cookie has been sent to another (`Place::shortened`).
//! - What was saved for a session that the same request begins and ends stays in the store until it expires.
//!
//! `SESSION_MODEL_RUNS=100000` runs longer, `SESSION_MODEL_SEED=…` replays one sequence.

mod judge;
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

/// What a failure is, whoever met it.
fn kind(failure: &Failure) -> String {
    failure.what.chars().filter(|c| c.is_alphabetic()).collect()
}

/// Takes away what is not needed for the failure.
fn shrink(mut sequence: Sequence) -> (Sequence, Failure) {
    let mut failure = try_run(&sequence).expect_err("it fails");
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

/// The rules hold for this sequence.
fn holds(policy: steps::Policy, steps: impl Into<Vec<steps::Step>>) {
    let sequence = Sequence { policy, steps: steps.into() };
    if let Err(Failure { what, trace }) = try_run(&sequence) {
        panic!("\n{what}, under {policy:?}:\n\n{}\n", trace.join("\n"));
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
                "\n{what}\n\nSESSION_MODEL_SEED={seed}, shrunk, under {:?}:\n{}\n\n{}\n",
                smallest.policy,
                steps.join("\n"),
                trace.join("\n")
            );
        }
    }
}

/// Fixed seeds, so that everybody sees the same; when more are asked for, those that nobody has seen.
#[test]
fn random_requests_keep_the_rules() {
    if let Ok(seed) = env::var("SESSION_MODEL_SEED") {
        check(seed.parse().expect("a seed is a number"));
        return;
    }
    let runs = env::var("SESSION_MODEL_RUNS").ok().map(|runs| runs.parse().expect("runs are a number"));
    let (fixed, runs) = (2500, runs.unwrap_or(2500));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let random = now.as_nanos() as u64;
    println!("after {fixed} fixed ones, random seeds from {random} on");
    let begun = Instant::now();
    let requests: usize = (0..fixed).chain((0..).map(|n| random + n)).take(runs).map(check).sum();
    println!("{runs} sequences, {requests} requests, in {:?}", begun.elapsed());
}
