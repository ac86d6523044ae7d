//! What every example starts with: its keys, and where it listens.

use std::{env, error::Error};

use sealed_session::{Key, KeyRing};
use tokio::net::TcpListener;

/// The ring of `SESSION_KEYS`, or one of a new key, which is printed.
pub fn key_ring() -> Result<KeyRing, sealed_session::Error> {
    if env::var_os("SESSION_KEYS").is_some() {
        return KeyRing::from_env("SESSION_KEYS");
    }
    let key = Key::generate()?;
    println!("SESSION_KEYS is not set: here is a new key. Sessions end with it, unless you keep it:");
    println!("SESSION_KEYS={}", key.expose());
    KeyRing::new([key])
}

/// Listens on `PORT` of 127.0.0.1, 3000 unless set, and says so.
#[allow(dead_code)] // not every example serves http
pub async fn listen(what: &str) -> Result<TcpListener, Box<dyn Error>> {
    let port = env::var("PORT").map_or(Ok(3000), |port| port.parse::<u16>())?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("{what} is open at http://{}", listener.local_addr()?);
    Ok(listener)
}
