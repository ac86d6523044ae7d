//! [`Session`] as an axum extractor.

use std::fmt;

use axum_core::{
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use http::{StatusCode, request::Parts};

use crate::{Error, Payload, Session, service::slot};

/// Below a layer of [`Sessions`](crate::Sessions) of the same payload type; the innermost, if there are several.
///
/// Without such a layer the answer is 500, and the log says what to do. When the session is in a store that has failed it
/// is 503.
impl<S: Sync, T: Payload> FromRequestParts<S> for Session<T> {
    type Rejection = SessionRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, SessionRejection> {
        match slot::find::<T>(&parts.extensions, |_, _| true) {
            Some(slot) => slot.open(&parts.headers).await.map_err(SessionRejection::Error),
            None => {
                tracing::error!(
                    payload = std::any::type_name::<T>(),
                    "a handler asked for a session, but no layer gives it: add `.layer(sessions)` to the router, \
                     with `Sessions` of this payload type"
                );
                Err(SessionRejection::MissingLayer)
            }
        }
    }
}

/// Why a handler did not get its session.
#[derive(Debug)]
#[non_exhaustive]
pub enum SessionRejection {
    /// No layer gives sessions of this payload type. Answered with an empty 500.
    MissingLayer,
    /// The session is in a store that has failed. Answered with an empty response of the error's
    /// [status](Error::status), 503.
    Error(Error),
}

impl fmt::Display for SessionRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingLayer => f.write_str("no layer gives a session of this payload type"),
            Self::Error(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for SessionRejection {}

impl IntoResponse for SessionRejection {
    fn into_response(self) -> Response {
        let status = match self {
            Self::MissingLayer => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Error(error) => error.status(),
        };
        status.into_response()
    }
}

/// An empty response of the error's [status](Error::status), and a line in the log that says what was wrong: so that a
/// handler can return `Result<_, sealed_session::Error>`. The client learns nothing else of it.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        tracing::error!(error = %self, "a handler gave up on its session");
        self.status().into_response()
    }
}
