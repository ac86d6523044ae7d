//! A guestbook that keeps everything about a visitor in an encrypted cookie.
//!
//! ```text
//! cargo run --example guestbook
//! ```
//!
//! `SESSION_KEYS` is the key ring; without it, a new key is made and printed. `PORT` is 3000 by default.

mod app;
#[path = "../start/mod.rs"]
mod start;

use sealed_session::Sessions;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sessions = Sessions::<app::Visitor>::builder(start::key_ring()?).realm("guestbook").build()?;
    let listener = start::listen("The guestbook").await?;
    Ok(axum::serve(listener, app::router(sessions)).await?)
}
