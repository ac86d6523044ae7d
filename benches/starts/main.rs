//! The time in which a process reads a full log of revocations when it starts, from each store.
//!
//! `cargo bench --features memory,postgres,redis,sqlite --bench starts`; `benches/paired/mod.rs` has the options. Each
//! server is started for it, if it is installed.

#[path = "../full_log/mod.rs"]
mod full_log;
#[path = "../paired/mod.rs"]
mod paired;
#[path = "../../tests/kit/servers.rs"]
mod servers;

use std::{
    path::Path,
    process::{Command, Stdio},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use full_log::FullLog;
use paired::{Effort, Options, Row, Table};
use sealed_session::{
    Key, Revocations,
    store::{MemoryStore, PostgresStore, RedisStore, RevocationLog, SqliteStore},
};
use tokio::runtime::Runtime;

/// The entries of one `append`.
const BATCH: usize = 1_000;

/// Fills a log.
async fn fill(log: &dyn RevocationLog, entries: u64) {
    let full = FullLog { entries, stamp: 1_000_000_000 };
    for from in (0..entries).step_by(BATCH) {
        let page = full.read(from, BATCH).await.unwrap();
        let batch: Vec<_> = page.entries.into_iter().map(|(_, entry)| entry).collect();
        log.append(&batch).await.unwrap();
    }
}

fn is_installed(program: &str) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// The logs that there are servers for.
async fn logs(
    file: &Path,
    redis: Option<&servers::Redis>,
    postgres: Option<&servers::Postgres>,
) -> Vec<(&'static str, Arc<dyn RevocationLog>)> {
    let mut logs: Vec<(_, Arc<dyn RevocationLog>)> = vec![
        ("MemoryStore", Arc::new(MemoryStore::new())),
        ("SqliteStore", Arc::new(SqliteStore::open(file).await.unwrap())),
    ];
    if let Some(server) = postgres {
        let store = PostgresStore::connect(&server.url()).await.unwrap();
        store.create_schema().await.unwrap();
        logs.push(("PostgresStore", Arc::new(store)));
    }
    if let Some(server) = redis {
        logs.push(("RedisStore", Arc::new(RedisStore::connect(&server.url()).await.unwrap())));
    }
    logs
}

async fn start(log: Arc<dyn RevocationLog>, entries: u64) {
    let builder = Revocations::builder(Key::generate().unwrap()).start_deadline(Duration::from_secs(60));
    let revocations = builder.start(log).await.unwrap();
    assert_eq!(revocations.len() as u64, entries);
}

fn main() {
    let options = Options::of_process();
    let entries = if options.is_quick { 10_000 } else { 1_000_000 };
    let runtime = Rc::new(Runtime::new().unwrap());
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("log.db");
    let redis = is_installed("redis-server").then(servers::Redis::start);
    let postgres = is_installed("psql").then(servers::Postgres::start);
    for (name, server) in [("Redis", redis.is_some()), ("PostgreSQL", postgres.is_some())] {
        if !server {
            println!("{name} is not installed, and is not measured.");
        }
    }
    let mut table = Table::new(format!("a start with {entries} entries"), "", "MemoryStore");
    for (name, log) in runtime.block_on(logs(&file, redis.as_ref(), postgres.as_ref())) {
        runtime.block_on(fill(&log, entries));
        let runtime = runtime.clone();
        table.add(Row::new(name, move || runtime.block_on(start(log.clone(), entries))));
    }
    // A row takes seconds.
    paired::run_for(Effort { rounds: 5, nanoseconds: 1.0 }, "starts", vec![table]);
}
