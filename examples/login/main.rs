//! Signing in and out: a form with a CSRF token, a dashboard for signed-in users, and "remember me".
//!
//! ```text
//! cargo run --example login
//! ```
//!
//! Sign in as `ada` with the password `lovelace`. `SESSION_KEYS` and `PORT` work as in every example.

mod app;
#[path = "../start/mod.rs"]
mod start;

use sealed_session::Sessions;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sessions = Sessions::<app::Visit>::builder(start::key_ring()?).realm("login").build()?;
    let listener = start::listen("The login").await?;
    Ok(axum::serve(listener, app::router(sessions)).await?)
}
