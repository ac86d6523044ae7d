//! A log of revocations that tests can look into, and make fail, lag and lose entries.

use std::{
    future,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, SystemTime},
};

use sealed_session::store::{RevocationEntry, RevocationLog, RevocationPage, StoreError, async_trait};

use super::{Mood, world::World};

/// One node's connection to a log that all nodes share. Clones are the same connection.
#[derive(Clone)]
pub struct TestLog {
    world: World,
    shared: Arc<Mutex<Shared>>,
    connection: Arc<Mutex<Connection>>,
}

/// The content of the log.
#[derive(Default)]
pub struct Shared {
    pub entries: Vec<(u64, RevocationEntry)>,
    /// The position of the next entry.
    pub next: u64,
}

/// How the log answers over this connection.
#[derive(Default)]
pub struct Connection {
    pub mood: Mood,
    /// The time that a call takes to arrive, and its answer to come back.
    pub late: (Duration, Duration),
    /// The number of calls, of both kinds.
    pub calls: usize,
}

impl TestLog {
    pub fn new(world: &World) -> Self {
        Self { world: world.clone(), shared: Arc::default(), connection: Arc::default() }
    }

    /// Another node's connection to the same log.
    pub fn another(&self) -> Self {
        Self { connection: Arc::default(), ..self.clone() }
    }

    pub fn look(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap()
    }

    pub fn is(&self, mood: Mood) {
        self.connection.lock().unwrap().mood = mood;
    }

    /// Lets calls and their answers take this long.
    pub fn is_late(&self, call: Duration, answer: Duration) {
        self.connection.lock().unwrap().late = (call, answer);
    }

    pub fn calls(&self) -> usize {
        self.connection.lock().unwrap().calls
    }

    /// Loses the last entries, and gives their positions to later ones, as a failover to a replica does.
    pub fn goes_back(&self, entries: usize) {
        let mut shared = self.look();
        let left = shared.entries.len().saturating_sub(entries);
        shared.entries.truncate(left);
        shared.next = shared.entries.last().map_or(0, |(position, _)| position + 1);
    }

    /// Waits as the connection does, and returns its mood and the time that the answer takes.
    async fn call(&self) -> Result<(Mood, Duration), StoreError> {
        let (mood, (call, answer)) = {
            let mut connection = self.connection.lock().unwrap();
            connection.calls += 1;
            (connection.mood, connection.late)
        };
        wait(call).await;
        match mood {
            Mood::Down => Err(StoreError::new("calling the test's log", "it is down")),
            Mood::Hanging => future::pending().await,
            Mood::Well | Mood::Lying => Ok((mood, answer)),
        }
    }
}

#[async_trait]
impl RevocationLog for TestLog {
    async fn append(&self, entries: &[RevocationEntry]) -> Result<(), StoreError> {
        let (mood, answer) = self.call().await?;
        self.look().append(entries, self.world.now());
        wait(answer).await;
        match mood {
            Mood::Lying => Err(StoreError::new("calling the test's log", "its answer was lost")),
            _ => Ok(()),
        }
    }

    async fn read(&self, from: u64, most: usize) -> Result<RevocationPage, StoreError> {
        let (_, answer) = self.call().await?;
        let entries = self.look().entries.iter().filter(|(at, _)| *at >= from).take(most).copied().collect();
        let page = RevocationPage { now: self.world.now(), entries };
        wait(answer).await;
        Ok(page)
    }
}

impl Shared {
    /// Appends entries, and removes those at the front that have expired, but not the last.
    fn append(&mut self, entries: &[RevocationEntry], now: SystemTime) {
        for entry in entries {
            self.entries.push((self.next, *entry));
            self.next += 1;
        }
        let has_expired = |(_, entry): &(u64, RevocationEntry)| {
            SystemTime::UNIX_EPOCH + Duration::from_secs(entry.until.into()) <= now
        };
        let expired = self.entries.iter().take_while(|entry| has_expired(entry)).count();
        self.entries.drain(..expired.min(self.entries.len().saturating_sub(1)));
    }
}

async fn wait(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

impl TestLog {
    /// The time of the log, which no node's clock differs from by more than a test says.
    pub fn now(&self) -> SystemTime {
        self.world.now()
    }
}
