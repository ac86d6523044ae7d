//! The stores of this crate do what `store::Store` says, and the suite that shows it is not vacuous.
//!
//! What needs a server is ignored unless asked for: `cargo test --all-features --test conformance -- --ignored`.

#[cfg(any(feature = "postgres", feature = "redis"))]
#[path = "../kit/log.rs"]
mod log;
#[cfg(feature = "memory")]
mod memory;
mod mutants;
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
