//! The nodes of a sequence with revocations. They are made anew for each sequence, because they know what was revoked.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{
            AtomicU64, AtomicUsize,
            Ordering::{Relaxed, SeqCst},
        },
    },
    time::{Duration, UNIX_EPOCH},
};

use sealed_session::{
    Key, Revocations, Sessions, Suite,
    store::{RevocationEntry, RevocationLog, RevocationPage, StoreError, async_trait},
};

use super::nodes::Nodes;
use crate::{
    judge::Basket,
    steps::{NODES, Policy},
};

pub(super) struct Fleet {
    log: Log,
    nodes: [Node; NODES],
    /// The revocations of nodes that were restarted. They live until they have appended what they owe.
    ending: Vec<Node>,
    /// All sessions that were ever built.
    pub(super) built: Vec<Sessions<Basket>>,
}

#[derive(Clone)]
struct Node {
    sessions: Sessions<Basket>,
    revocations: Revocations,
    reads: Arc<AtomicUsize>,
}

impl Fleet {
    pub(super) async fn start(nodes: &Nodes, policy: Policy) -> Self {
        let log = Log { clock: nodes.clock.clone(), shared: Arc::default(), reads: Arc::default() };
        let [one, two] = [0, 1].map(|node| start(nodes, policy, &log, node, 0));
        let started = [one.await, two.await];
        let built = started.iter().map(|node| node.sessions.clone()).collect();
        Self { log, nodes: started, ending: vec![], built }
    }

    /// Starts a node again, with another ring.
    pub(super) async fn restart(&mut self, nodes: &Nodes, policy: Policy, node: usize, stage: usize) {
        let new = start(nodes, policy, &self.log, node, stage).await;
        self.built.push(new.sessions.clone());
        self.ending.push(std::mem::replace(&mut self.nodes[node], new));
    }

    pub(super) fn sessions(&self, node: usize) -> Sessions<Basket> {
        self.nodes[node].sessions.clone()
    }

    pub(super) fn revocations(&self, node: usize) -> &Revocations {
        &self.nodes[node].revocations
    }

    /// Lets tokio's clock, which the nodes follow the log by, advance by a second or more, and waits until all nodes have
    /// read the log: they do so every second.
    pub(super) async fn advance(&mut self, seconds: u64) {
        let reads = |node: &Node| node.reads.load(Relaxed);
        let all = || self.nodes.iter().chain(&self.ending);
        let before: Vec<_> = all().map(reads).collect();
        tokio::time::advance(Duration::from_secs(seconds)).await;
        for turn in 0.. {
            if all().map(reads).zip(&before).all(|(now, before)| now > *before) {
                break;
            }
            assert!(turn < 1000, "a node does not follow the log");
            tokio::task::yield_now().await;
        }
        // Owed entries have been appended by now.
        self.ending.clear();
    }
}

async fn start(nodes: &Nodes, policy: Policy, log: &Log, node: usize, stage: usize) -> Node {
    let log = Log { reads: Arc::default(), ..log.clone() };
    let reads = log.reads.clone();
    let key = Key::from_bytes(std::array::from_fn(|at| at as u8), Suite::Xaes256Gcm).unwrap();
    let revocations = Revocations::builder(key).start(log).await.unwrap();
    let sessions = nodes.builder(policy, node, stage).revocations(revocations.clone());
    let sessions = sessions.subject(|basket: &Basket| basket.user).build().unwrap();
    // The node begins to wait for its next read.
    tokio::task::yield_now().await;
    Node { sessions, revocations, reads }
}

/// A node's connection to the log that all nodes share. It has the model's clock, and always works.
#[derive(Clone)]
struct Log {
    clock: Arc<AtomicU64>,
    shared: Arc<Mutex<Vec<RevocationEntry>>>,
    reads: Arc<AtomicUsize>,
}

#[async_trait]
impl RevocationLog for Log {
    async fn append(&self, entries: &[RevocationEntry]) -> Result<(), StoreError> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).extend(entries);
        Ok(())
    }

    async fn read(&self, from: u64, most: usize) -> Result<RevocationPage, StoreError> {
        self.reads.fetch_add(1, Relaxed);
        let shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let entries = (0..).zip(shared.iter().copied()).skip(from as usize).take(most).collect();
        let now = UNIX_EPOCH + Duration::from_secs(self.clock.load(SeqCst));
        Ok(RevocationPage { now, entries })
    }
}
