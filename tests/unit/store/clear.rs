//! Unit tests of src/store/clear.rs: of what no test from outside can reach.

use super::*;

#[test]
fn only_this_machine_is_loopback() {
    for host in ["localhost", "LocalHost", "127.0.0.1", "127.1.2.3", "::1", "[::1]", "::ffff:127.0.0.1"] {
        assert!(is_loopback(host), "{host}");
    }
    for host in ["db", "0.0.0.0", "10.0.0.1", "::", "[fe80::1]", "localhost.example", "127.0.0.1.example", ""]
    {
        assert!(!is_loopback(host), "{host}");
    }
}
