//! What sessions cost in memory: those that have outgrown their cookies, in the store in memory, side by side with
//! tower-sessions' own; and a million that have not, which cost nothing.
//!
//! `cargo bench --manifest-path benches/store/Cargo.toml`, with `-- --quick` for a short run. Targets are printed, never
//! asserted; `tests/allocations/memory.rs` asserts the first.

mod apps;
#[path = "../cart5/mod.rs"]
mod cart5;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    env, fs,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use apps::{Data, ask, cookie};
use axum::Router;
use sealed_session::store::MemoryStore;

/// Counts the bytes that are in use, as they were asked for.
struct Counting;

static IN_USE: AtomicUsize = AtomicUsize::new(0);

// SAFETY: it is the system's, and counts.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        IN_USE.fetch_add(layout.size(), Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How long the blob of a payload is: 37 bytes in clear, then six and the payload, padded to 256, and the tag.
fn blob(payload: usize) -> usize {
    37 + (6 + payload).next_multiple_of(256) + 16
}

/// Bytes in use for each of so many sessions, all of them new.
async fn each(app: &Router, sessions: usize) -> usize {
    // What is there once.
    drop(ask(app, "/fill", None).await);
    let before = IN_USE.load(Relaxed);
    for _ in 0..sessions {
        assert!(cookie(&ask(app, "/fill", None).await).is_some());
    }
    (IN_USE.load(Relaxed) - before) / sessions
}

async fn stored(data: &Arc<Data>, sessions: usize) {
    let (theirs, ours) = (tower_sessions::MemoryStore::default(), MemoryStore::bounded(1 << 30, 1 << 20));
    let used = each(&apps::sealed_session(data, ours.clone()), sessions).await;
    assert_eq!(ours.len(), sessions + 1);
    let blob = blob(data.postcard);
    println!(
        "sealed-session, MemoryStore: {used} bytes, {} beside the blob of {blob} (target: at most 300)",
        used - blob
    );
    let used = each(&apps::tower_sessions(data, theirs), sessions).await;
    println!("tower-sessions 0.15, MemoryStore: {used} bytes");
}

/// Kilobytes of memory that the process has, as Linux sees it.
fn resident() -> Option<i64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

async fn in_cookies(data: &Arc<Data>, sessions: usize) {
    let store = MemoryStore::new();
    let app = apps::sealed_session(data, store.clone());
    // What is there once.
    for _ in 0..1000 {
        drop(ask(&app, "/fill", None).await);
    }
    let (before, in_use) = (resident(), IN_USE.load(Relaxed));
    for _ in 0..sessions {
        assert!(cookie(&ask(&app, "/fill", None).await).is_some());
    }
    let (after, in_use) = (resident(), IN_USE.load(Relaxed) as i64 - in_use as i64);
    assert!(store.is_empty());
    print!("{in_use} bytes more in use; ");
    match (before, after) {
        (Some(before), Some(after)) => println!(
            "resident: {before} kB before, {after} kB after, {:+} kB (target: none, beside what allocators do)",
            after - before
        ),
        _ => println!("the resident size is told by Linux alone"),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let given = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let (many, few) = match given("--quick") || !given("--bench") {
        true => (5_000, 20),
        false => (1_000_000, 1_000),
    };
    // First, while nothing has fragmented the heap.
    let small = Data::basket(5);
    println!("{many} new sessions that fit their cookies, {small}, a store at hand:");
    in_cookies(&small, many).await;

    let large = Data::basket(apps::LINES);
    println!("\n{few} sessions that don't, {large}, each:");
    stored(&large, few).await;
}
