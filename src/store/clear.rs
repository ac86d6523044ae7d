//! Warnings about unencrypted connections to a database.
//!
//! The blobs that cross them are encrypted, but the password, the blob ids, the lengths and the times are not. An
//! attacker who can change the traffic can delete sessions.

use std::net::IpAddr;

/// Returns true if a host is this machine, so that nothing crosses a network.
pub(super) fn is_loopback(host: &str) -> bool {
    // A URL has an IPv6 address in brackets.
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || address.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

/// Logs that the connection is not encrypted, and the remedy.
pub(super) fn warn(store: &'static str, host: &str, remedy: &'static str) {
    tracing::warn!(
        store,
        host,
        remedy,
        "the connection to the session store is not encrypted: an attacker on the network sees its password and when each \
         session is used, and can delete sessions"
    );
}

#[cfg(test)]
#[path = "../../tests/unit/store/clear.rs"]
mod tests;
