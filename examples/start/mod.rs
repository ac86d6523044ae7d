//! Code that all examples share: the key ring, and the address to listen on.

use std::{env, error::Error};

use sealed_session::{Key, KeyRing, SetupError};
use tokio::net::TcpListener;

/// Reads the key ring from `SESSION_KEYS`, or makes a new key and prints it.
pub fn key_ring() -> Result<KeyRing, SetupError> {
    if env::var_os("SESSION_KEYS").is_some() {
        return KeyRing::from_env("SESSION_KEYS");
    }
    let key = Key::generate()?;
    println!("SESSION_KEYS is not set. Set it to this new key to keep sessions across restarts:");
    println!("SESSION_KEYS={}", key.expose());
    KeyRing::new([key])
}

/// Listens on 127.0.0.1, on `PORT` or 3000, and prints the address.
#[allow(dead_code)] // not every example serves HTTP
pub async fn listen(what: &str) -> Result<TcpListener, Box<dyn Error>> {
    let port = env::var("PORT").map_or(Ok(3000), |port| port.parse::<u16>())?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("{what} is open at http://{}", listener.local_addr()?);
    Ok(listener)
}
