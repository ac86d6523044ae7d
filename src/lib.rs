//! Web sessions without a session server: the whole session, sealed, in one cookie.
//!
#![cfg_attr(feature = "axum", doc = "```")]
#![cfg_attr(not(feature = "axum"), doc = "```ignore")]
//! use axum::{Router, routing::get};
//! use sealed_session::{KeyRing, Session, Sessions};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Default, Serialize, Deserialize)]
//! struct Visit { views: u32 }
//!
//! async fn home(session: Session<Visit>) -> String {
//!     session.update(|visit| { visit.views += 1; visit.views }).to_string()
//! }
//!
//! let ring = KeyRing::generate()?; // KeyRing::from_env("SESSION_KEYS")?
//! let sessions = Sessions::<Visit>::builder(ring).realm("shop").build()?;
//! let app: Router = Router::new().route("/", get(home)).layer(sessions);
//! # Ok::<(), sealed_session::SetupError>(())
//! ```
//!
//! The payload is any type of yours with serde. It is written as postcard, or in an [encoding](Encoding) that describes
//! itself, sealed by XAES-256-GCM or XChaCha20-Poly1305 together with its deadlines, and sent in a `__Host-` cookie when,
//! and only when, it has changed. The server keeps a [key ring](KeyRing) and nothing else, unless you give it a [store](store) for sessions
//! that outgrow their cookies.
//!
//! # The trip
//!
//! ```text
//!             Cookie: __Host-session=ERclYf55QCgcgYk…
//!                │
//!   Request ─────┤  cookie    at most two of the name, read as bytes
//!                │  seal      base64url → envelope → one key by its id → frame
//!                │  lifetime  idle window, absolute lifetime, clock skew
//!                │  overflow  a reference? the blob that it names, from the store
//!                │  payload   decoded, if its shape is one that T reads
//!                ▼
//!   Arrival::{Absent, Opened, Refused(why)} ──► Session<T> ──► handler
//!                                                                │ read, update, clear, destroy,
//!                                                                │ regenerate, cycle_id, remember, forget
//!                ┌───────────────────────────────────────────────┘
//!                │  payload   encoded: has it changed?
//!                │  lifetime  is it due for renewal?
//!                │  overflow  more than fits? into the store first, and the cookie refers to it
//!                │  seal      frame → envelope → base64url, at most 4096 bytes with its name
//!                ▼
//!   Commit::{Keep, Set, Remove} ──► Response
//!             Set-Cookie: __Host-session=…; HttpOnly; SameSite=Lax; Secure; Path=/
//! ```
//!
//! # Three ways in
//!
//! Each is built on the one before, and usable by itself.
//!
//! | | what | for |
//! |---|---|---|
//! | the seal | [`Sealer`]: `seal` and `open` a typed value. No http, no async, no clock | a queue worker, a WebSocket, another framework |
//! | the trip | [`Sessions::open`] a request's session, [`Sessions::commit`] it to the response | a plain service |
//! | the middleware | [`Sessions`] is a [tower layer](mod@tower), [wraps a hyper service](mod@hyper), and [`Session`] is an [axum extractor](mod@axum) | an application of axum, tower or hyper |
//!
//! # Where to look
//!
//! | to | see |
//! |---|---|
//! | configure | [`SessionsBuilder`], [`Timeouts`], [`CookieAttributes`] |
//! | use a session in a handler | [`Session`]; without a type of your own, [`SessionMap`] |
//! | show a message on the next page | [`flash`] |
//! | guard forms against other sites | [`csrf`] |
//! | make, keep and rotate keys | [`Key`], [`KeyRing`] |
//! | learn why a cookie was refused | [`Arrival`], [`Refusal`], [`Counters`] |
//! | change the payload's type | append fields with `#[serde(default)]`, or [`SessionsBuilder::migrating_from`] |
//! | use `flatten`, `untagged` or `serde_json::Value` | [`Encoding::SelfDescribing`] |
//! | keep what doesn't fit a cookie | [`store`], [`SessionsBuilder::store`] |
//! | serve several tenants | [`Sessions::choosing`] |
//! | test your handlers | [`testing`] |
//! | audit | [`seal`], and `SECURITY.md` beside the sources |
//!
//! In the sources, `sessions.rs` and what is beside it is the whole trip (`arrive`, `decide`, `commit`, `send`), `seal/`
//! is what is trusted, `overflow/` is what a store has to do with it, and `middleware/` is the plumbing.
//!
//! # Features
//!
//! | feature | default | brings |
//! |---|---|---|
//! | `axum` | yes | [`Session`] as an axum extractor (axum-core alone), and `tower` |
//! | `tower` | | [`Sessions`] as a tower layer |
//! | `hyper` | | [`Sessions`] around a hyper service, without tower or axum |
//! | `memory` | | [`MemoryStore`](store::MemoryStore), a bounded store in the process |
//! | `sqlite` | | [`SqliteStore`](store::SqliteStore), a file (sqlx) |
//! | `postgres` | | [`PostgresStore`](store::PostgresStore), a table (sqlx) |
//! | `redis` | | [`RedisStore`](store::RedisStore), keys that expire by themselves (redis) |
//!
//! # Why
//!
//! Why `destroy` is not a logout everywhere, why a value that was set is not sent, why sessions end when a struct
//! changes, why changes are gone after an error page: the README answers.

#![forbid(unsafe_code)]
#![warn(missing_docs, missing_debug_implementations, unreachable_pub)]
// The map names modules and stores of optional features.
#![cfg_attr(
    not(all(
        feature = "axum",
        feature = "hyper",
        feature = "memory",
        feature = "postgres",
        feature = "redis",
        feature = "sqlite",
    )),
    allow(rustdoc::broken_intra_doc_links)
)]

#[cfg(feature = "axum")]
pub mod axum;
mod builder;
mod error;
#[cfg(feature = "hyper")]
pub mod hyper;
mod payload;
pub mod seal;
mod sealer;
#[cfg(any(feature = "tower", feature = "hyper"))]
mod service;
mod session;
mod sessions;
mod settings;
pub mod store;
pub mod testing;
#[cfg(feature = "tower")]
pub mod tower;
mod trip;

pub use serde_fingerprint::{Fingerprint, Samples};

pub use self::{
    builder::SessionsBuilder,
    error::{Error, Refusal, SetupError},
    payload::{Encoding, Payload},
    seal::{
        key::{Key, KeyId, KeyText, Suite},
        key_ring::KeyRing,
        timeouts::Timeouts,
    },
    sealer::{Metadata, Sealer, SealerBuilder, SessionId},
    session::{Arrival, Session, Size, csrf, flash, key_value::SessionMap},
    sessions::{Commit, Sessions},
    settings::{
        cookie::{CookieAttributes, SameSite},
        counters::Counters,
        policy::{Conflict, Renewal},
        request_head::RequestHead,
    },
};

/// The README's examples are compiled and run like any other.
#[cfg(all(doctest, feature = "axum"))]
#[doc = include_str!("../README.md")]
struct Readme;
