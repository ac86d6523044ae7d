//! Unit tests of src/settings/cookie.rs: of what no test from outside can reach.

use super::CookieAttributes;

#[test]
fn a_cookie_prints_its_name_and_attributes_without_a_value() {
    let cookie = CookieAttributes::default().build().unwrap();
    let expected = "__Host-session=…; HttpOnly; SameSite=Lax; Secure; Path=/";
    assert_eq!(format!("{cookie:?}"), expected);
}
