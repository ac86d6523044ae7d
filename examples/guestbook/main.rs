//! A guestbook whose visitors are remembered by a sealed cookie, and by nothing else.
//!
//! ```text
//! cargo run --example guestbook
//! ```
//!
//! `SESSION_KEYS` holds the key ring; without it a key is made and printed. `PORT` is 3000 unless set.

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
