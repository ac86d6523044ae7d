//! A basket that outgrows its cookie: it moves to a store, and back when it fits again.
//!
//! ```text
//! cargo run --example cart --features sqlite
//! ```
//!
//! `SESSION_STORE` names the store: the path of an SQLite file, `redis://…`, `postgres://…` or `memory`. The default is
//! the file `cart-sessions.db` in the working directory. Every other store also needs its feature. `SESSION_KEYS` and
//! `PORT` work as in every example.

mod app;
mod basket;
mod page;
#[path = "../start/mod.rs"]
mod start;
mod store;

use axum::http::StatusCode;
use sealed_session::{Encoding, Sessions};

use self::basket::Basket;

/// The size limit in the store. A full basket with the longest notes takes a little less.
const STORE_LIMIT: usize = 64 << 10;
const _: () = assert!(Basket::LARGEST + 1024 <= STORE_LIMIT);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let builder = Sessions::<Basket>::builder(start::key_ring()?)
        .realm("cart")
        .encoding(Encoding::SelfDescribing)
        .store_limit(STORE_LIMIT)
        // Two tabs can change a stored basket at the same time without losing anything. If the basket is in its cookie,
        // such a conflict cannot be detected, and the last response wins.
        .on_conflict(basket::merge)
        // Two full baskets that are merged can exceed the limit.
        .on_commit_failure(|error| {
            Some(match error.is_too_large() {
                true => StatusCode::UNPROCESSABLE_ENTITY,
                false => error.status(),
            })
        });
    let (builder, store) = store::attach(builder).await?;
    // Errors of the store go to the log, not to the page. The log starts after the store is opened, because sqlx logs
    // unknown parameters of a URL, such as a password under a misspelled name.
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let listener = start::listen("The shop").await?;
    Ok(axum::serve(listener, app::router(builder.build()?, store)).await?)
}
