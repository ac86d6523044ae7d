//! [`Session`] as an axum extractor.

use axum_core::{
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use http::{StatusCode, request::Parts};

use crate::{Error, Payload, Session, middleware::slot};

/// Below a layer of [`Sessions`](crate::Sessions) of the same payload type; the innermost, if there are several.
///
/// Without such a layer the answer is 500, and the log says what to do.
impl<S: Sync, T: Payload> FromRequestParts<S> for Session<T> {
    type Rejection = MissingLayer;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, MissingLayer> {
        match slot::find::<T>(&parts.extensions, |_, _| true) {
            Some(slot) => Ok(slot.open(&parts.headers)),
            None => {
                tracing::error!(
                    payload = std::any::type_name::<T>(),
                    "a handler asked for a session, but no layer gives it: add `.layer(sessions)` to the router, \
                     with `Sessions` of this payload type"
                );
                Err(MissingLayer)
            }
        }
    }
}

/// A handler asked for a session that no layer gives. Answered with an empty 500.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MissingLayer;

impl std::fmt::Display for MissingLayer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no layer gives a session of this payload type")
    }
}

impl std::error::Error for MissingLayer {}

impl IntoResponse for MissingLayer {
    fn into_response(self) -> Response {
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}

/// An empty 500, and a line in the log that says what was wrong: so that a handler can return
/// `Result<_, sealed_session::Error>`. The client learns nothing of it.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        tracing::error!(error = %self, "a handler gave up on its session");
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}
