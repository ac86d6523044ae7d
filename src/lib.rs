//! Encrypted cookie sessions for axum, tower and hyper: the whole session lives in one authenticated, encrypted cookie.
//!
#![cfg_attr(feature = "axum", doc = "```")]
#![cfg_attr(not(feature = "axum"), doc = "```ignore")]
//! use axum::{Router, routing::get};
//! use sealed_session::{KeyRing, Session, Sessions};
//!
//! #[derive(Default, serde::Serialize, serde::Deserialize)]
//! struct Visit { views: u32 }
//!
//! async fn home(session: Session<Visit>) -> String {
//!     session.update(|visit| { visit.views += 1; visit.views }).to_string()
//! }
//!
//! let ring = KeyRing::generate()?; // in production: KeyRing::from_env("SESSION_KEYS")?
//! let sessions = Sessions::<Visit>::builder(ring).realm("shop").build()?;
//! let app: Router = Router::new().route("/", get(home)).layer(sessions);
//! # Ok::<(), sealed_session::SetupError>(())
//! ```
//!
//! There is no session server to run. The server keeps a [key ring](KeyRing), and nothing else unless you give it a
//! [store] for sessions that outgrow their cookies. The cookie is set only when the session has changed or is due for
//! renewal: [`Sessions`] has the rules.
//!
//! # The trip of a session
//!
//! ```text
//!             Cookie: __Host-session=ERclYf55QCgcgYk…
//!                │
//!   Request ─────┤  open      find the cookie, decrypt it with the key that it names, check its timeouts
//!                │            (a reference: load the session from the store), decode it
//!                ▼
//!   Arrival::{Absent, Opened, Refused(Refusal), Unavailable} ──► Session<T> ──► handler
//!                                                                              │ read, update, destroy,
//!                ┌─────────────────────────────────────────────────────────────┘ cycle_id, remember, …
//!                │  decide    keep, remove or write: has it changed, is it due for renewal?
//!                │  place     encrypt it into the cookie, or into the store if it does not fit
//!                │  write     Set-Cookie, Vary, Cache-Control
//!                ▼
//!   Commit::{Keep, Set, Remove} ──► Response
//!             Set-Cookie: __Host-session=…; HttpOnly; SameSite=Lax; Secure; Path=/
//! ```
//!
//! # Three ways in
//!
//! Each builds on the one before, and each works by itself.
//!
//! | layer | entry point | use it for |
//! |---|---|---|
//! | the seal | [`Sealer`] seals and opens a typed value, without HTTP, async or a clock | a queue worker, a reset link, another framework |
//! | the trip | [`Sessions::open`] a request's session, [`Sessions::commit`] it to the response | a plain service |
//! | the middleware | [`Sessions`] is a [tower layer](mod@tower) and [wraps a hyper service](mod@hyper); [`Session`] is an [axum extractor](mod@axum) | an application |
//!
//! # Where to look
//!
//! | to | see |
//! |---|---|
//! | sign users in and out | [`guide::sign_in`] |
//! | configure | [`SessionsBuilder`], [`CookieAttributes`], [`Timeouts`] |
//! | use a session in a handler | [`Session`]; for keys and values, [`SessionMap`] |
//! | show a flash message, protect a form | [`flash`], [`csrf`] |
//! | log users out everywhere, end sessions early | [`Revocations`], [`guide::revocation`] |
//! | make, load and rotate keys | [`Key`], [`KeyRing`], [`guide::key_rotation`] |
//! | find out why a cookie was rejected | [`Arrival`], [`Refusal`], [`Counters`] |
//! | change the session type | [`SessionsBuilder::migrating_from`], [`Encoding`] |
//! | keep sessions over 4096 bytes | [`SessionsBuilder::store`], [`store`] |
//! | serve several tenants | [`Sessions::choosing`] |
//! | test handlers | [`testing`] |
//! | read on | [`guide`]: configuration, migrating, deployment, questions and answers |
//! | audit | [`seal`] specifies the format; `SECURITY.md` has the threat model and the claims |
//!
//! # Features
//!
//! | feature | default | adds |
//! |---|---|---|
//! | `axum` | yes | [`Session`] as an axum extractor, and `tower` |
//! | `tower` | | [`Sessions`] as a tower layer |
//! | `hyper` | | [`Sessions`] around a hyper service, without tower or axum |
//! | `memory` | | [`MemoryStore`](store::MemoryStore), bounded, in the process |
//! | `sqlite` | | [`SqliteStore`](store::SqliteStore), in a file |
//! | `postgres` | | [`PostgresStore`](store::PostgresStore), in a table |
//! | `redis` | | [`RedisStore`](store::RedisStore), in keys that expire by themselves |
//! | `aws-lc-rs` | | the cryptography of AWS-LC, in C and assembly, in place of the one in Rust: the same format, faster for XChaCha20-Poly1305 and for long sessions |

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
#[cfg(all(
    any(doc, doctest),
    feature = "axum",
    feature = "hyper",
    feature = "memory",
    feature = "postgres",
    feature = "redis",
    feature = "sqlite",
))]
pub mod guide;
#[cfg(feature = "hyper")]
pub mod hyper;
mod payload;
mod revocation;
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

#[doc(hidden)]
pub use serde_fingerprint::Fingerprint;
pub use serde_fingerprint::Samples;

#[cfg(any(feature = "tower", feature = "hyper"))]
pub use self::service::SessionService;
pub use self::{
    builder::SessionsBuilder,
    error::{Error, Refusal, SetupError},
    payload::{Encoding, Payload},
    revocation::{Revocations, RevocationsBuilder},
    seal::{
        Padding,
        key::{Key, KeyId, KeyText, Suite},
        key_ring::KeyRing,
        timeouts::Timeouts,
    },
    sealer::{Metadata, Sealer, SealerBuilder, SessionId},
    session::{Arrival, Session, Size, csrf, flash, key_value::SessionMap},
    sessions::Sessions,
    settings::{
        cookie::{CookieAttributes, SameSite},
        counters::Counters,
        policy::{Conflict, Renewal},
        request_head::RequestHead,
    },
    trip::write::Commit,
};

/// The README's examples are compiled and run like any other.
#[cfg(all(doctest, feature = "axum"))]
#[doc = include_str!("../README.md")]
struct Readme;
