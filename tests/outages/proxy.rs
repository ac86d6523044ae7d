//! A network between a store and its server, in which things happen.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
};

use sealed_session::store::RedisStore;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::AbortHandle,
    time::sleep,
};

use crate::{
    DEADLINE, MILLISECOND, at_once,
    load::Load,
    postgres,
    random::{Random, seed},
    servers::{Postgres, Redis},
    turn,
};

/// What can happen to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// It comes late.
    Delay,
    /// The connection is cut before the server has it.
    CutBefore,
    /// The connection is cut when the server has it, and before the answer is back.
    CutAfter,
    /// The connection is cut in the middle of the answer.
    CutAnswer,
    /// From here on nothing arrives, in either direction, and nobody is told.
    BlackHole,
}

const FAULTS: [Fault; 5] =
    [Fault::Delay, Fault::CutBefore, Fault::CutAfter, Fault::CutAnswer, Fault::BlackHole];

pub struct Proxy {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    accepting: AbortHandle,
}

struct Shared {
    server: u16,
    /// Whether anything happens.
    faulty: AtomicBool,
    /// The connections up to this number swallow everything.
    swallowing: AtomicU64,
    rarity: u64,
    connections: AtomicU64,
    happened: Mutex<[u32; FAULTS.len()]>,
}

impl Proxy {
    /// One request of so many suffers, when the network is faulty.
    pub async fn before(server: u16, rarity: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            server,
            faulty: AtomicBool::new(false),
            swallowing: AtomicU64::new(0),
            rarity,
            connections: AtomicU64::new(0),
            happened: Mutex::default(),
        });
        let serving = shared.clone();
        let accepting = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let shared = serving.clone();
                tokio::spawn(async move { shared.serve(client).await });
            }
        });
        Self { address, shared, accepting: accepting.abort_handle() }
    }

    /// Returns the URL of the database `postgres` of a PostgreSQL server behind it.
    pub fn postgres_url(&self) -> String {
        format!("postgres://postgres@{}/postgres", self.address)
    }

    fn is_faulty(&self, faulty: bool) {
        self.shared.faulty.store(faulty, SeqCst);
    }

    /// From now on, nothing arrives over the connections that there are.
    pub fn swallow(&self) {
        self.shared.swallowing.store(self.shared.connections.load(SeqCst), SeqCst);
    }

    /// Prints what has happened, each of which must have.
    fn report(&self) {
        let happened = self.shared.happened.lock().unwrap();
        let each: Vec<_> =
            FAULTS.iter().zip(&*happened).map(|(fault, count)| format!("{count} × {fault:?}")).collect();
        println!("    over {} connections: {}", self.shared.connections.load(SeqCst), each.join(", "));
        assert!(happened.iter().all(|count| *count > 0), "not everything has happened");
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Shared {
    /// One connection, to its end. Who returns cuts it.
    async fn serve(&self, mut client: TcpStream) {
        let number = self.connections.fetch_add(1, SeqCst);
        let mut random = Random::new(seed(), 1_000 + number);
        let Ok(mut server) = TcpStream::connect(("127.0.0.1", self.server)).await else { return };
        let (mut request, mut answer) = (vec![0; 65_536], vec![0; 65_536]);
        let mut cut_answer = false;
        let swallows = || number < self.swallowing.load(SeqCst);
        loop {
            tokio::select! {
                read = client.read(&mut request) => {
                    let Ok(length @ 1..) = read else { return };
                    if swallows() {
                        return swallow(client).await;
                    }
                    let fault = self.choose(&mut random);
                    match fault {
                        Some(Fault::CutBefore) => return,
                        Some(Fault::Delay) => sleep(random.below(800) as u32 * MILLISECOND).await,
                        Some(Fault::BlackHole) => return swallow(client).await,
                        Some(Fault::CutAnswer) => cut_answer = true,
                        Some(Fault::CutAfter) | None => {}
                    }
                    if server.write_all(&request[..length]).await.is_err() {
                        return;
                    }
                    if fault == Some(Fault::CutAfter) {
                        // The server answers, and so has done it.
                        let _ = server.read(&mut answer).await;
                        return;
                    }
                }
                read = server.read(&mut answer) => {
                    let Ok(length @ 1..) = read else { return };
                    if swallows() {
                        return swallow(client).await;
                    }
                    let length = if cut_answer { length.div_ceil(2) } else { length };
                    if client.write_all(&answer[..length]).await.is_err() || cut_answer {
                        return;
                    }
                }
            }
        }
    }

    fn choose(&self, random: &mut Random) -> Option<Fault> {
        if !self.faulty.load(SeqCst) || random.below(self.rarity) > 0 {
            return None;
        }
        // Which is chance, but each in turn: none is left out.
        let mut happened = self.happened.lock().unwrap();
        let least = happened.iter().min().copied();
        let rare: Vec<_> =
            FAULTS.into_iter().filter(|fault| Some(happened[*fault as usize]) == least).collect();
        let fault = random.one_of(&rare);
        happened[fault as usize] += 1;
        Some(fault)
    }
}

/// Takes what comes, and says nothing, until the client gives up.
async fn swallow(mut client: TcpStream) {
    let mut nothing = vec![0; 65_536];
    while let Ok(1..) = client.read(&mut nothing).await {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: scripts/test starts one"]
async fn a_network_that_delays_and_cuts_and_swallows_loses_nothing_of_redis() {
    let _turn = turn().await;
    let server = at_once(Redis::start);
    let proxy = Proxy::before(server.port(), 8).await;
    let store = RedisStore::connect(&format!("redis://{}/", proxy.address)).await.unwrap();
    let load = Load::begin("Redis, behind a network with faults", store, DEADLINE).await;
    through_faults(load, proxy).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: scripts/test starts one"]
async fn a_network_that_delays_and_cuts_and_swallows_loses_nothing_of_postgres() {
    let _turn = turn().await;
    let server = at_once(Postgres::start);
    let proxy = Proxy::before(server.port(), 20).await;
    let store = postgres::store(&proxy.postgres_url()).await;
    let load = Load::begin("PostgreSQL, behind a network with faults", store, DEADLINE).await;
    through_faults(load, proxy).await;
}

async fn through_faults(load: Load, proxy: Proxy) {
    for _ in 0..3 {
        proxy.is_faulty(true);
        sleep(1_500 * MILLISECOND).await;
        // What is cut stays cut, and what swallows goes on to.
        proxy.is_faulty(false);
        load.recovers("after the last fault").await;
    }
    load.end().await;
    proxy.report();
}
