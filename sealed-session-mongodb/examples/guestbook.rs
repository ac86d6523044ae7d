//! A guestbook whose visitors can write more than fits in a cookie.
//!
//! `SESSION_STORE=mongodb://127.0.0.1/guestbook cargo run --example guestbook`, then open http://127.0.0.1:3000. Each
//! entry has 1000 bytes: with the third, the session moves to MongoDB, and when you tear out a page, it moves back.
//!
//! Keys come from `SESSION_KEYS`, and the port from `PORT`.

use std::{env, error::Error};

use axum::{
    Router,
    response::{Html, Redirect},
    routing::{get, post},
};
use sealed_session::{Key, KeyRing, Session, Sessions};
use sealed_session_mongodb::MongoStore;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

#[derive(Default, Serialize, Deserialize)]
struct Book {
    entries: Vec<String>,
}

async fn page(session: Session<Book>) -> Result<Html<String>, sealed_session::Error> {
    let (entries, size) = (session.read(|book| book.entries.len()), session.size()?);
    let place = if size.in_store { "in MongoDB" } else { "in your cookie" };
    Ok(Html(format!(
        r#"<!doctype html><title>Guestbook</title>
        <p>{entries} entries: {} of {} bytes, {place}.</p>
        <form method="post" action="/write"><button>Write a long entry</button></form>
        <form method="post" action="/tear"><button>Tear out a page</button></form>
        <form method="post" action="/burn"><button>Burn the book</button></form>"#,
        size.used, size.limit,
    )))
}

async fn write(session: Session<Book>) -> Redirect {
    session.update(|book| book.entries.push("Wish you were here. ".repeat(50)));
    Redirect::to("/")
}

async fn tear(session: Session<Book>) -> Redirect {
    session.update(|book| book.entries.pop());
    Redirect::to("/")
}

async fn burn(session: Session<Book>) -> Redirect {
    session.destroy();
    Redirect::to("/")
}

fn key_ring() -> Result<KeyRing, Box<dyn Error>> {
    if env::var_os("SESSION_KEYS").is_some() {
        return Ok(KeyRing::from_env("SESSION_KEYS")?);
    }
    let key = Key::generate()?;
    println!("SESSION_KEYS is not set. Set it to this new key to keep sessions across restarts:");
    println!("SESSION_KEYS={}", key.expose());
    Ok(KeyRing::new([key])?)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = env::var("SESSION_STORE").map_err(|_| "set SESSION_STORE to a mongodb:// URL")?;
    let store = MongoStore::connect(&url).await?;
    store.create_index().await?;
    // Visitors decide how much they write, so one session is limited to 100 kB.
    let sessions = Sessions::<Book>::builder(key_ring()?)
        .realm("guestbook")
        .store(store)
        .store_limit(100_000)
        .build()?;
    let app = Router::new()
        .route("/", get(page))
        .route("/write", post(write))
        .route("/tear", post(tear))
        .route("/burn", post(burn))
        .layer(sessions);
    let port = env::var("PORT").map_or(Ok(3000), |port| port.parse::<u16>())?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("The guestbook is open at http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}
