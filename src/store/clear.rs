//! Connections to a database that are not encrypted.
//!
//! What crosses them is sealed, but the password is not, nor are the indexes, lengths and times; and whoever can change
//! what crosses them can delete sessions.

use std::net::IpAddr;

/// Whether a host is this very machine: what is sent there crosses no wire.
pub(super) fn is_loopback(host: &str) -> bool {
    // URLs have IPv6 addresses in brackets.
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || address.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

/// Says that the connection is in clear, and how to encrypt it.
pub(super) fn warn(store: &'static str, host: &str, remedy: &'static str) {
    tracing::warn!(
        store,
        host,
        remedy,
        "the connection to the session store is not encrypted: whoever is on the way sees its password, and when which \
         session is used, and can delete sessions"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_loopback() {
        for host in ["localhost", "LocalHost", "127.0.0.1", "127.1.2.3", "::1", "[::1]", "::ffff:127.0.0.1"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in
            ["db", "0.0.0.0", "10.0.0.1", "::", "[fe80::1]", "localhost.example", "127.0.0.1.example", ""]
        {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
