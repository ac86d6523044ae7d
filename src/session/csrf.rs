//! Tokens against cross-site request forgery, bound to the session.
//!
//! `SameSite=Lax` keeps a form of another site from arriving with the session in browsers of today. A token also
//! covers a subdomain that is not trusted, `SameSite=None`, and GET requests that change something.
//!
//! ```
//! use sealed_session::{Error, Session};
//! # use http::StatusCode;
//! # #[derive(Default, serde::Serialize, serde::Deserialize)]
//! # struct Visit;
//!
//! async fn form(session: Session<Visit>) -> Result<String, Error> {
//!     let token = session.csrf_token()?;
//!     Ok(format!("<form method=post><input type=hidden name=csrf value={token}> …"))
//! }
//!
//! # struct Transfer { csrf: String }
//! async fn transfer(session: Session<Visit>, form: Transfer) -> StatusCode {
//!     if !session.verify_csrf(&form.csrf) {
//!         return StatusCode::FORBIDDEN;
//!     }
//!     StatusCode::OK
//! }
//! ```
//!
//! A script sends it in a header of its own, [`HEADER`] by convention, and the handler verifies
//! `headers.get(csrf::HEADER)`.
//!
//! # How
//!
//! The token is `mask ‖ (mask ⊕ HMAC(K, session id)[..16])` in base64url, with a new random mask each time, so that a
//! compressed page does not betray it (BREACH). `K = HKDF-Expand(PRK, lp("csrf") ‖ suite ‖ lp(realm) ‖ lp(cookie
//! name), 32)`. Nothing of it is kept in the session: the session's id is in its seal, and no page shows it. So
//! [`cycle_id`](crate::Session::cycle_id) and [`regenerate`](crate::Session::regenerate) make all earlier tokens
//! invalid, and a token ends with its session. While keys are rotated, tokens of every key in the ring are valid.
//!
//! A token needs a session to be bound to: asking for one makes even an empty session durable. A later request that
//! empties the session without asking for a token removes it, and the tokens of other tabs with it. Nor do tokens follow
//! a session that moves to another realm or cookie name: a form that was open meanwhile is answered as a forged one.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{
    Payload, Session,
    error::Error,
    seal::{Context, base64url, random},
    sealer::SessionId,
    session::Identity,
};

/// The header that scripts send a token in, by convention.
pub const HEADER: &str = "x-csrf-token";

const HALF: usize = 16;
const CHARACTERS: usize = base64url::encoded_len(2 * HALF);

/// A token for one form or page: 43 characters that need no escaping.
#[derive(Clone, PartialEq, Eq)]
pub struct CsrfToken(String);

impl CsrfToken {
    /// The token's text.
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
    /// A token for a form or page of this session, as it will be sent with this response: call it after
    /// [`cycle_id`](Self::cycle_id) and its like.
    ///
    /// # Errors
    ///
    /// When the operating system gives no random bytes, and when the response's head has already been sent.
    pub fn csrf_token(&self) -> Result<CsrfToken, Error> {
        self.with("csrf_token", |state| {
            state.check_open()?;
            let id = state.coming_id()?;
            // Without a cookie there would be no session to bind the token to.
            state.durable = true;
            state.touched |= state.held.is_none() || state.identity != Identity::Kept;
            let mask: [u8; HALF] = random::bytes()?;
            let code = self.sessions().sealer().context().csrf_code(id);
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

    /// Whether a token was made for this session, as the browser holds it. A fresh session has none. Takes the same
    /// time however much of it is right.
    pub fn verify_csrf(&self, token: impl AsRef<[u8]>) -> bool {
        let Some(id) = self.id() else { return false };
        let token = token.as_ref();
        let mut bytes = [0; 2 * HALF];
        if token.len() != CHARACTERS || base64url::decode(token, &mut bytes) != Some(2 * HALF) {
            return false;
        }
        let (mask, masked) = bytes.split_at_mut(HALF);
        masked.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= *mask);
        self.sessions().sealer().context().verify_csrf_code(id, masked)
    }
}

impl Context {
    /// The code of a session under the sealing key.
    fn csrf_code(&self, id: SessionId) -> [u8; HALF] {
        let code = mac(self.csrf_keys().next().expect("a ring has at least one key"), id).finalize();
        code.into_bytes()[..HALF].try_into().expect("half of 32 bytes")
    }

    /// Whether it is the code of a session under any key of the ring.
    fn verify_csrf_code(&self, id: SessionId, code: &[u8]) -> bool {
        self.csrf_keys().any(|key| mac(key, id).verify_truncated_left(code).is_ok())
    }
}

fn mac(key: &Zeroizing<[u8; 32]>, id: SessionId) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&**key).expect("HMAC takes keys of any length");
    mac.update(id.as_bytes());
    mac
}
