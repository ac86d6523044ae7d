//! The tutorial of express-session, call by call, with sessions of keys and values.
//!
//! ```text
//! cargo run --example key_value
//! ```
//!
//! Reads `SESSION_KEYS` and `PORT`, as every example does.

mod app;
#[path = "../start/mod.rs"]
mod start;

use sealed_session::Sessions;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sessions = Sessions::key_value(start::key_ring()?).realm("key-value").build()?;
    let listener = start::listen("The tutorial").await?;
    println!("GET /foo, /bar, /whoami; POST /login?user=ada, /touch, /forget, /logout");
    Ok(axum::serve(listener, app::router(sessions)).await?)
}
