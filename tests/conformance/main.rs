//! The stores of this crate follow the rules of `store::Store`, and the suite that shows it finds faulty stores.
//!
//! What needs a server is ignored unless asked for: `cargo test --all-features --test conformance -- --ignored`.

#[cfg(any(feature = "postgres", feature = "redis"))]
#[path = "../kit/log.rs"]
mod log;
mod logs;
#[cfg(feature = "memory")]
mod memory;
mod mutants;
#[cfg(all(feature = "memory", feature = "sqlite"))]
mod object_safety;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "redis")]
mod redis;
#[cfg(any(feature = "postgres", feature = "redis", feature = "sqlite"))]
mod samples;
#[cfg(any(feature = "postgres", feature = "redis"))]
#[path = "../kit/servers.rs"]
mod servers;
#[cfg(feature = "sqlite")]
mod sqlite;
