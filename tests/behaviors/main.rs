//! The behaviors that users rely on, through an axum application and through plain hyper.
//!
//! With `SESSION_TEST_STORE` set to `memory`, `sqlite`, `postgres` or `redis`, and all features, the same tests run with
//! their sessions in that store: see `tests/kit/any_store.rs`.

#[path = "../kit/mod.rs"]
mod kit;
#[path = "../kit/proofs.rs"]
mod proofs;

#[cfg(feature = "axum")]
mod choosing;
#[cfg(feature = "axum")]
mod cookie;
#[cfg(feature = "axum")]
mod evolution;
mod express_session;
#[cfg(feature = "hyper")]
mod hyper;
#[cfg(feature = "axum")]
mod key_value;
#[cfg(feature = "axum")]
mod life;
#[cfg(feature = "axum")]
mod regressions;
#[cfg(feature = "axum")]
mod tcp;
#[cfg(feature = "axum")]
mod time;
#[cfg(feature = "axum")]
mod trust;
#[cfg(feature = "axum")]
mod tutorials;
#[cfg(feature = "axum")]
mod types;
#[cfg(feature = "axum")]
mod verbs;

/// The application of the tutorial that signs people in.
#[cfg(feature = "axum")]
#[path = "../../examples/login/app.rs"]
mod login;
