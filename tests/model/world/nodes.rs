//! The nodes, with their rings and limits.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::{Duration, UNIX_EPOCH},
};

use sealed_session::{Key, KeyRing, Sessions, SessionsBuilder, Suite};

use super::gate::{Gate, Waiting};
use crate::{
    judge::{Basket, Judge},
    steps::{Mood, NODES, Policy, Sequence},
};

/// When every sequence begins.
pub(super) const BEGINNING: u64 = 1_800_000_000;

/// All nodes that there can be. Those without revocations are built once: by policy, cookie limit, and ring.
pub struct Nodes {
    pub(super) runtime: tokio::runtime::Runtime,
    pub(super) clock: Arc<AtomicU64>,
    pub(super) gate: Gate,
    /// Opens everything.
    pub(super) every_key: KeyRing,
    /// The keys that seal, by stage.
    pub(super) sealing: [[u8; 4]; STAGES],
    rings: [KeyRing; STAGES],
    /// The nodes without revocations.
    pub(super) built: Vec<(Policy, [[Sessions<Basket>; STAGES]; NODES])>,
}

/// The rings of a rotation: the old key; a new one at its end; the new one seals; the old one is gone.
pub(super) const STAGES: usize = 4;
/// The nodes' cookie limits: what fits the one does not fit the other.
const LIMITS: [usize; NODES] = [220, 400];

impl Nodes {
    pub(super) fn build() -> Self {
        let keys = [Suite::Xaes256Gcm, Suite::XChaCha20Poly1305].map(|suite| {
            let key = Key::generate_for(suite).unwrap();
            move || Key::parse(key.expose().as_str()).unwrap()
        });
        let [old, new] = &keys;
        let rings = [vec![old()], vec![old(), new()], vec![new(), old()], vec![new()]];
        let rings = rings.map(|keys| KeyRing::new(keys).unwrap());
        let clock = Arc::new(AtomicU64::new(BEGINNING));
        let judge = Judge::new(
            &Sequence { policy: Policy::Refuse, revocations: false, steps: vec![] },
            &rings[1],
            BEGINNING,
        );
        let gate = Gate(Arc::new(Mutex::new(Waiting {
            judge,
            running: 0,
            calls: BTreeMap::new(),
            let_through: BTreeMap::new(),
            abandoned: vec![],
            failed: vec![],
            weather: Mood::Well,
        })));
        let mut nodes = Self {
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .start_paused(true)
                .build()
                .unwrap(),
            every_key: rings[1].clone(),
            sealing: std::array::from_fn(|stage| *rings[stage].ids().next().unwrap().as_bytes()),
            built: vec![],
            rings,
            clock,
            gate,
        };
        let build = |policy, node, stage| nodes.builder(policy, node, stage).build().unwrap();
        let built = Policy::ALL.map(|policy| {
            let node = |node| std::array::from_fn(|stage| build(policy, node, stage));
            (policy, std::array::from_fn(node))
        });
        nodes.built = built.into();
        nodes
    }

    pub(super) fn builder(&self, policy: Policy, node: usize, stage: usize) -> SessionsBuilder<Basket> {
        let clock = self.clock.clone();
        policy
            .configure(Sessions::<Basket>::builder(self.rings[stage].clone()))
            .realm("model")
            .cookie_limit(LIMITS[node])
            .store(self.gate.clone())
            .store_limit(1500)
            .clock(move || UNIX_EPOCH + Duration::from_secs(clock.load(SeqCst)))
    }
}
