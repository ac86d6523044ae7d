//! Signing in and out, and logging out everywhere else: a form with a CSRF token, a dashboard for signed-in users, and
//! "remember me".
//!
//! ```text
//! cargo run --example login --features sqlite
//! ```
//!
//! Sign in as `ada` with the password `lovelace`, in two browsers. Sessions are in their cookies. Only what ends them
//! early is in an SQLite file, `LOGIN_DB`, by default `login.db` in the working directory. Several processes can share it.
//! `REVOCATION_KEY` is a key of its own, as `SESSION_KEYS` and `PORT` are those of every example.

mod app;
#[path = "../start/mod.rs"]
mod start;

use std::env;

use sealed_session::{Key, Revocations, Sessions, SetupError, store::SqliteStore};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let ring = start::key_ring()?;
    let store = SqliteStore::open(env::var("LOGIN_DB").unwrap_or_else(|_| "login.db".into())).await?;
    let revocations = Revocations::builder(revocation_key()?).start(store).await?;
    let sessions = Sessions::<app::Visit>::builder(ring)
        .realm("login")
        .revocations(revocations)
        .subject(app::subject)
        .build()?;
    let listener = start::listen("The login").await?;
    Ok(axum::serve(listener, app::router(sessions)).await?)
}

/// Reads the key from `REVOCATION_KEY`, or makes a new one and prints it.
fn revocation_key() -> Result<Key, SetupError> {
    if let Ok(text) = env::var("REVOCATION_KEY") {
        return Key::parse(&text);
    }
    let key = Key::generate()?;
    println!("REVOCATION_KEY is not set. Set it to this new key to keep what was revoked across restarts:");
    println!("REVOCATION_KEY={}", key.expose());
    Ok(key)
}
