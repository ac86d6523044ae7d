//! CSRF tokens, bound to the session.
//!
//! A CSRF token in each form proves that the form came from your site (cross-site request forgery).
//!
#![cfg_attr(feature = "axum", doc = "```")]
#![cfg_attr(not(feature = "axum"), doc = "```ignore")]
//! use axum::Form;
//! use sealed_session::{Error, Session};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Default, Serialize, Deserialize)]
//! struct Visit { user: Option<u64> }
//!
//! #[derive(Deserialize)]
//! struct Transfer { csrf: String, amount: u64 }
//!
//! async fn form(session: Session<Visit>) -> Result<String, Error> {
//!     let token = session.csrf_token()?;
//!     Ok(format!("<form method=post><input type=hidden name=csrf value={token}> …"))
//! }
//!
//! async fn transfer(session: Session<Visit>, Form(form): Form<Transfer>) -> Result<String, Error> {
//!     session.verify_csrf(&form.csrf)?; // answers 403
//!     Ok(format!("{} transferred", form.amount))
//! }
//! ```
//!
//! A script sends the token in a header, [`HEADER`] by convention:
//!
//! ```
//! use http::HeaderMap;
//! use sealed_session::{Error, Session, csrf};
//!
//! fn verify(session: &Session, headers: &HeaderMap) -> Result<(), Error> {
//!     let token = headers.get(csrf::HEADER).map_or(&b""[..], |value| value.as_bytes());
//!     session.verify_csrf(token)
//! }
//! ```
//!
//! # When to use a token
//!
//! Browsers say where a request comes from, in `Sec-Fetch-Site` (Fetch Metadata) and `Origin`. A middleware that checks
//! these headers, such as the one in tower-http's `csrf` module, protects every route with no change to forms or scripts.
//! For most applications that check, together with the default `SameSite=Lax`, is enough.
//!
//! A token is better if
//!
//! - a subdomain, or another application on the same origin, is not trusted: a token proves that the form was made for
//!   this session, not only where the request comes from,
//! - you must support browsers that send neither header, or a proxy removes them,
//! - a form must not be submitted in a session that began after the form was shown, for instance by another user of the
//!   same browser.
//!
//! Neither protects a GET request that changes something, unless its handler verifies a token too.
//!
//! # How it works
//!
//! The token is `mask ‖ (mask ⊕ HMAC(K, session id)[..16])` in base64url, with a new random mask each time, so that a
//! compressed page does not reveal it (BREACH). `K = HKDF-Expand(PRK, lp("csrf") ‖ suite ‖ lp(realm) ‖ lp(cookie name),
//! 32)`. Nothing is stored in the session: its id is in its seal, and no page shows it. So
//! [`cycle_id`](crate::Session::cycle_id) and [`destroy`](crate::Session::destroy) make all earlier tokens invalid, and
//! a token ends with its session. While keys are rotated, tokens of every key in the ring are valid.
//!
//! A token needs a session to be bound to, so asking for one keeps even an empty session. A later request that empties
//! the session without asking for a token removes the session, and the tokens of other tabs with it. Tokens do not
//! follow a session that moves to another realm or cookie name: a form that was open at the time is rejected like a
//! forged one.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{
    Payload, Session,
    error::{Error, Kind},
    seal::{Context, base64url, random},
    sealer::SessionId,
};

/// The header in which scripts send a token, by convention.
pub const HEADER: &str = "x-csrf-token";

const HALF: usize = 16;
const CHARACTERS: usize = base64url::encoded_len(2 * HALF);

/// A CSRF token for one form or page: 43 characters that need no escaping.
#[derive(Clone, PartialEq, Eq)]
pub struct CsrfToken(String);

impl CsrfToken {
    /// Returns the token's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CsrfToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for CsrfToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CsrfToken(…)")
    }
}

impl<T: Payload> Session<T> {
    /// Returns a CSRF token for a form or page of this session. It is valid for the session as this response sends it, so
    /// call this after [`cycle_id`](Self::cycle_id) and other methods that change the session's id.
    ///
    /// # Errors
    ///
    /// Returns an error if the operating system provides no random bytes, or if the session has already been committed.
    pub fn csrf_token(&self) -> Result<CsrfToken, Error> {
        self.with("csrf_token", |state| {
            state.check_open()?;
            let id = state.next_id()?;
            // Without a cookie there would be no session to bind the token to.
            state.hold();
            let mask: [u8; HALF] = random::bytes()?;
            let code = self.settings().sealer.context().csrf_code(id);
            let mut token = [0; 2 * HALF];
            token[..HALF].copy_from_slice(&mask);
            for (byte, (mask, code)) in token[HALF..].iter_mut().zip(mask.iter().zip(code)) {
                *byte = mask ^ code;
            }
            let mut text = String::with_capacity(CHARACTERS);
            base64url::encode(&token, &mut text);
            Ok(CsrfToken(text))
        })
    }

    /// Verifies a CSRF token: it must have been made for this session, as the browser holds it. A fresh session has no
    /// valid token. In an axum handler, `session.verify_csrf(token)?` answers 403 to any other token.
    ///
    /// # Errors
    ///
    /// Returns an error if the token is not one of this session ([`Error::is_csrf`]).
    ///
    /// # Security
    ///
    /// The check takes the same time, however much of the token is right.
    pub fn verify_csrf(&self, token: impl AsRef<[u8]>) -> Result<(), Error> {
        let id = self.id().ok_or(Kind::Csrf)?;
        let token = token.as_ref();
        let mut bytes = [0; 2 * HALF];
        if token.len() != CHARACTERS || base64url::decode(token, &mut bytes) != Some(2 * HALF) {
            return Err(Kind::Csrf.into());
        }
        let (mask, masked) = bytes.split_at_mut(HALF);
        masked.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= *mask);
        match self.settings().sealer.context().verify_csrf_code(id, masked) {
            true => Ok(()),
            false => Err(Kind::Csrf.into()),
        }
    }
}

impl Context {
    /// Returns the code of a session, with the sealing key.
    fn csrf_code(&self, id: SessionId) -> [u8; HALF] {
        let code = mac(self.csrf_keys().next().expect("a ring has at least one key"), id).finalize();
        code.into_bytes()[..HALF].try_into().expect("half of 32 bytes")
    }

    /// Returns true if `code` is the code of a session with any key of the ring.
    fn verify_csrf_code(&self, id: SessionId, code: &[u8]) -> bool {
        self.csrf_keys().any(|key| mac(key, id).verify_truncated_left(code).is_ok())
    }
}

fn mac(key: &Zeroizing<[u8; 32]>, id: SessionId) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&**key).expect("HMAC takes keys of any length");
    mac.update(id.as_bytes());
    mac
}
