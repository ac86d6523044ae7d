//! A log of revocations that tests can look into, and make fail, lag and lose entries.

use std::{
    future,
    sync::{Arc, Mutex, MutexGuard},
    time::SystemTime,
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

/// What is in the log.
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

    /// Waits as the mood says.
    async fn call(&self) -> Result<Mood, StoreError> {
        let mood = {
            let mut connection = self.connection.lock().unwrap();
            connection.calls += 1;
            connection.mood
        };
        match mood {
            Mood::Down => Err(StoreError::new("calling the test's log", "it is down")),
            Mood::Hanging => future::pending().await,
            Mood::Well | Mood::Lying => Ok(mood),
        }
    }
}

#[async_trait]
impl RevocationLog for TestLog {
    async fn append(&self, entries: &[RevocationEntry]) -> Result<(), StoreError> {
        let mood = self.call().await?;
        let mut shared = self.look();
        for entry in entries {
            let position = shared.next;
            shared.entries.push((position, *entry));
            shared.next += 1;
        }
        match mood {
            Mood::Lying => Err(StoreError::new("calling the test's log", "its answer was lost")),
            _ => Ok(()),
        }
    }

    async fn read(&self, from: u64, most: usize) -> Result<RevocationPage, StoreError> {
        self.call().await?;
        let entries = self.look().entries.iter().filter(|(at, _)| *at >= from).take(most).copied().collect();
        Ok(RevocationPage { now: self.world.now(), entries })
    }
}

impl TestLog {
    /// The time of the log, which no node's clock differs from by more than a test says.
    pub fn now(&self) -> SystemTime {
        self.world.now()
    }
}
