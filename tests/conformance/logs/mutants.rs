//! Logs with one fault each: `conformance::check_log` must find every one, and say what it is.

use std::{
    sync::Mutex,
    time::{Duration, SystemTime},
};

use sealed_session::store::{
    RevocationEntry, RevocationLog, RevocationPage, StoreError, async_trait, conformance,
};
use tokio::task::yield_now;

use super::unix;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    Faultless,
    AppendDropsTheTail,
    AppendReverses,
    AppendSkipsWhatIsThere,
    AppendIsVisibleLate,
    BatchesComeInParts,
    PositionsAreTakenEarly,
    PositionsAreUsedAgain,
    PositionsAreCounted,
    AppendsRace,
    ReadIsExclusive,
    ReadIgnoresFrom,
    ReadReturnsOneLess,
    ReadReturnsOneMore,
    ReadIsUnordered,
    TheLastIsRemoved,
    TheLiveAreRemoved,
    KeysAreSigned,
    KeysAreDoubles,
    StampsAreSigned,
    TheClockIsWrong,
}

use Fault::*;

/// Each with a part of the sentence that must tell of it.
const FAULTS: &[(Fault, &str)] = &[
    (AppendDropsTheTail, "append must append all entries"),
    (AppendReverses, "append must append each entry once, unchanged and in order"),
    (AppendSkipsWhatIsThere, "an entry that is appended twice must be there twice"),
    (AppendIsVisibleLate, "append must append all entries"),
    (BatchesComeInParts, "append must be atomic"),
    (PositionsAreTakenEarly, "an entry must not appear at a position below one that a read has returned"),
    (PositionsAreUsedAgain, "a position must not be given to another entry"),
    (PositionsAreCounted, "must have the highest position"),
    (AppendsRace, "ascending"),
    (ReadIsExclusive, "read from the position of an entry must return that entry first"),
    (ReadIgnoresFrom, "read must return no position below `from`"),
    (ReadReturnsOneLess, "pages of at most 2 entries must return all entries"),
    (ReadReturnsOneMore, "read of at most 2 entries must not return more"),
    (ReadIsUnordered, "ascending"),
    (TheLastIsRemoved, "the last entry must not be removed"),
    (TheLiveAreRemoved, "an entry must not be removed before its `until`"),
    (KeysAreSigned, "append must keep the values of an entry"),
    (KeysAreDoubles, "append must keep the values of an entry"),
    (StampsAreSigned, "append must keep the values of an entry"),
    (TheClockIsWrong, "the clock of the log and of this machine must agree"),
];

/// A log that is right but for its fault. With nothing to await in between, tasks of one thread can't come in.
struct Faulty {
    fault: Fault,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    kept: Vec<(u64, RevocationEntry)>,
    last: u64,
    /// What a late log has appended but not shown.
    hidden: Vec<(u64, RevocationEntry)>,
}

impl Faulty {
    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn next(&self, entry: RevocationEntry) -> u64 {
        let mut state = self.state.lock().unwrap();
        let position = match self.fault {
            PositionsAreUsedAgain if entry.until > unix(SystemTime::now()) => {
                (1..).find(|free| state.kept.iter().all(|(taken, _)| taken != free)).unwrap()
            }
            PositionsAreCounted => state.kept.len() as u64 + 1,
            _ => state.last + 1,
        };
        state.last = state.last.max(position);
        position
    }

    fn keep(&self, position: u64, mut entry: RevocationEntry) {
        match self.fault {
            KeysAreSigned => entry.key = entry.key.min(i64::MAX as u64),
            KeysAreDoubles => entry.key = entry.key as f64 as u64,
            StampsAreSigned => entry.stamp = entry.stamp.min(i32::MAX as u32),
            _ => (),
        }
        let mut state = self.state.lock().unwrap();
        if self.is(AppendSkipsWhatIsThere) && state.kept.iter().any(|(_, kept)| *kept == entry) {
            return;
        }
        state.kept.push((position, entry));
        if !self.is(ReadIsUnordered) {
            state.kept.sort_by_key(|(position, _)| *position);
        }
    }

    fn sweep(&self) {
        let mut state = self.state.lock().unwrap();
        let (now, last) = (unix(SystemTime::now()), state.kept.last().copied());
        if self.is(TheLiveAreRemoved) {
            let expired = state.kept.iter().rposition(|(_, entry)| entry.until <= now);
            state.kept.drain(..expired.unwrap_or(0));
        }
        state.kept.retain(|kept| kept.1.until > now || Some(*kept) == last && !self.is(TheLastIsRemoved));
    }
}

#[async_trait]
impl RevocationLog for Faulty {
    async fn append(&self, entries: &[RevocationEntry]) -> Result<(), StoreError> {
        let mut entries = entries.to_vec();
        match self.fault {
            AppendDropsTheTail => entries.truncate(290),
            AppendReverses => entries.reverse(),
            AppendIsVisibleLate => {
                let mut state = self.state.lock().unwrap();
                let late = std::mem::take(&mut state.hidden);
                state.kept.extend(late);
                for entry in entries {
                    state.last += 1;
                    let position = state.last;
                    state.hidden.push((position, entry));
                }
                return Ok(());
            }
            AppendsRace => {
                let last = self.state.lock().unwrap().kept.last().map_or(0, |(last, _)| *last);
                yield_now().await;
                for (position, entry) in (last + 1..).zip(entries) {
                    self.keep(position, entry);
                }
                return Ok(());
            }
            _ => (),
        }
        if self.is(PositionsAreTakenEarly) {
            let placed: Vec<_> = entries.into_iter().map(|entry| (self.next(entry), entry)).collect();
            // Every other one takes longer to commit, as in a database.
            for _ in 0..placed.first().map_or(0, |first| first.0) / 5 % 2 * 20 {
                yield_now().await;
            }
            placed.into_iter().for_each(|(position, entry)| self.keep(position, entry));
        } else {
            for entry in entries {
                self.keep(self.next(entry), entry);
                if self.is(BatchesComeInParts) {
                    yield_now().await;
                }
            }
        }
        self.sweep();
        Ok(())
    }

    async fn read(&self, from: u64, most: usize) -> Result<RevocationPage, StoreError> {
        let from = match self.fault {
            ReadIsExclusive => from.saturating_add(1),
            ReadIgnoresFrom => 0,
            _ => from,
        };
        let most = match self.fault {
            ReadReturnsOneLess => most - 1,
            ReadReturnsOneMore => most + 1,
            _ => most,
        };
        let mut now = SystemTime::now();
        if self.is(TheClockIsWrong) {
            now -= Duration::from_secs(3600);
        }
        let state = self.state.lock().unwrap();
        let mut entries: Vec<_> =
            state.kept.iter().filter(|(position, _)| *position >= from).take(most).copied().collect();
        if self.is(ReadIsUnordered) {
            entries.reverse();
        }
        Ok(RevocationPage { now, entries })
    }
}

/// The sentence with which the check fails, if it does.
async fn verdict(fault: Fault) -> Option<String> {
    let log = Faulty { fault, state: Mutex::default() };
    let check = tokio::spawn(async move { conformance::check_log(&log).await });
    let panic = check.await.err()?.into_panic();
    Some(match panic.downcast::<String>() {
        Ok(sentence) => *sentence,
        Err(panic) => panic.downcast::<&str>().expect("a sentence").to_string(),
    })
}

#[tokio::test]
async fn a_log_without_a_fault_passes() {
    assert_eq!(verdict(Faultless).await, None);
}

#[tokio::test]
async fn every_faulty_log_is_found_out() {
    let mut missed = Vec::new();
    for (fault, sentence) in FAULTS {
        match verdict(*fault).await {
            Some(found) if found.contains(sentence) => (),
            found => missed.push(format!("{fault:?}: expected `{sentence}`, found {found:?}")),
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}
