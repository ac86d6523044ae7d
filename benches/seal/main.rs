//! Sealing and opening a session, each of their steps, and how their cost grows.
//!
//! `cargo bench --bench seal`; `benches/paired/mod.rs` has the options. Sealing is measured twice: a session that goes
//! on, which is renewed or has changed, and one that begins, for which the operating system must also be asked for an
//! id. Beside both stand the floor, and `PrivateJar` of the cookie crate with serde_json.

#[path = "../cart5/mod.rs"]
mod cart5;
mod contenders;
#[path = "../floor/mod.rs"]
mod floor;
mod growth;
#[path = "../login/mod.rs"]
mod login;
#[path = "../paired/mod.rs"]
mod paired;
mod steps;

use cart5::{Cart, cart};
use contenders::compare;
use login::login;
use sealed_session::{Encoding, Suite};

const NAME: &str = "__Host-session";

/// The most lines of a cart that fits in a cookie.
fn most_lines() -> usize {
    let sealer = contenders::sealer::<Cart>(Suite::default(), Encoding::default());
    let fits = |lines: &usize| sealer.seal(&cart(*lines), std::time::SystemTime::now()).is_ok();
    (0..).take_while(fits).last().expect("an empty cart fits")
}

fn main() {
    let most = most_lines();
    let mut tables = vec![compare("login", &login()), steps::of("login", &login())];
    tables.push(compare("cart(5)", &cart(5)));
    tables.push(steps::of("cart(5)", &cart(5)));
    tables.push(compare("nothing", &()));
    tables.push(compare("cart(20)", &cart(20)));
    tables.push(compare(&format!("cart({most}), the largest that fits"), &cart(most)));
    tables.push(growth::with_payload());
    tables.push(growth::with_keys());
    paired::run("seal", tables);
}
