//! A guestbook whose visitors are remembered by a sealed cookie, and by nothing else.
//!
//! ```text
//! cargo run --example guestbook
//! ```
//!
//! `SESSION_KEYS` holds the key ring; without it a key is made and printed. `PORT` is 3000 unless set.

mod app;

use std::{env, error::Error};

use sealed_session::{Key, KeyRing, Sessions};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let sessions = Sessions::<app::Visitor>::builder(key_ring()?).realm("guestbook").build()?;
    let port = env::var("PORT").map_or(Ok(3000), |port| port.parse::<u16>())?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("The guestbook is open at http://{}", listener.local_addr()?);
    axum::serve(listener, app::router(sessions)).await?;
    Ok(())
}

/// The ring of `SESSION_KEYS`, or one of a new key.
fn key_ring() -> Result<KeyRing, sealed_session::Error> {
    if env::var_os("SESSION_KEYS").is_some() {
        return KeyRing::from_env("SESSION_KEYS");
    }
    let key = Key::generate()?;
    println!(
        "SESSION_KEYS is not set: here is a new key. Visitors are forgotten with it, unless you keep it:"
    );
    println!("SESSION_KEYS={}", key.expose());
    KeyRing::new([key])
}
