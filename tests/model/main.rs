//! model
mod judge;
mod regressions;
mod steps;
mod world;

use std::{
    env, panic,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use steps::Sequence;
use world::{Failure, run};

fn try_run(sequence: &Sequence) -> Result<world::Report, Failure> {
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
    let mut failure = try_run(&sequence).err().expect("it fails");
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
fn holds<const N: usize>(policy: steps::Policy, steps: [steps::Step; N]) {
    let sequence = Sequence { policy, steps: steps.into() };
    if let Err(Failure { what, trace }) = try_run(&sequence) {
        panic!("\n{what}, under {policy:?}:\n\n{}\n", trace.join("\n"));
    }
}

fn check(seed: u64) -> usize {
    let sequence = Sequence::draw(seed);
    match try_run(&sequence) {
        Ok(report) => report.requests,
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

#[test]
fn model() {
    if let Ok(seed) = env::var("SESSION_MODEL_SEED") {
        check(seed.parse().unwrap());
        return;
    }
    let runs = env::var("SESSION_MODEL_RUNS").ok().map(|runs| runs.parse::<u64>().unwrap());
    let begun = Instant::now();
    let random = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    let mut requests = 0;
    let mut count = 0;
    for seed in (0..2000).chain((0..).map(|n| random + n)) {
        match runs {
            Some(runs) if count >= runs => break,
            None if begun.elapsed() > Duration::from_secs(7) => break,
            _ => {}
        }
        requests += check(seed);
        count += 1;
    }
    println!("{count} sequences, {requests} requests, in {:?}", begun.elapsed());
}

#[test]
#[ignore = "survey"]
fn survey() {
    let mut kinds = std::collections::BTreeMap::<String, (usize, u64)>::new();
    let runs: u64 = env::var("SESSION_MODEL_RUNS").map_or(3000, |runs| runs.parse().unwrap());
    panic::set_hook(Box::new(|_| {}));
    for seed in 0..runs {
        if let Err(failure) = try_run(&Sequence::draw(seed)) {
            kinds.entry(kind(&failure)).or_insert((0, seed)).0 += 1;
        }
    }
    let _ = panic::take_hook();
    for (kind, (count, seed)) in kinds {
        let failed = panic::catch_unwind(|| check(seed));
        println!("=== {kind}: {count}");
        drop(failed);
    }
}
