//! The store in MongoDB: the rules of the trait, sessions through axum, and a server that fails.
//!
//! The tests that need a server are ignored unless asked for: `cargo test -- --ignored`. They start SecantusDB, which
//! speaks MongoDB's protocol: `pip install --require-hashes -r tests/requirements.txt`. `SECANTUSDB` names its program
//! `secantusd-py`, if that is not in the path.
//!
//! With `MONGODB_URL`, the tests that do not stop their server run there instead, in collections of their own.

mod conformance;
mod documents;
mod kit;
mod outages;
mod secantus;
mod sessions;
mod setup;
#[path = "../../../tests/kit/stalls.rs"]
mod stalls;
