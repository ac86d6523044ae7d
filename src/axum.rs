//! [`Session`] as an axum extractor, and [`Error`] as an axum response.

use std::any::type_name;

use axum_core::{
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use http::request::Parts;

use crate::{Error, Payload, Session, error::Kind, trip::slot};

/// Extracts the session that a layer of [`Sessions`](crate::Sessions) with the same payload type provides. If there are
/// several such layers, the innermost one provides it.
///
/// The rejection is an [`Error`]. Without such a layer, it [is a missing layer](Error::is_missing_layer), which is
/// answered with 500 and logged. If the session is in a store that failed, it [is a store error](Error::is_store),
/// which is answered with 503.
impl<S: Sync, T: Payload> FromRequestParts<S> for Session<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        match slot::find::<T>(&parts.extensions, |_, _| true) {
            Some(slot) => slot.open(&parts.headers).await.map_err(Error::logged),
            None => {
                let error = Error::from(Kind::MissingLayer(type_name::<T>()));
                tracing::error!(%error, "a request has no session");
                Err(error.logged())
            }
        }
    }
}

/// Answers with an empty response of the error's [status](Error::status), so that a handler can return
/// `Result<_, sealed_session::Error>`. The client learns nothing else.
///
/// The error is logged, unless it was logged already: at `DEBUG` if clients can cause it at will, as with a wrong
/// [CSRF token](Error::is_csrf), and at `ERROR` otherwise.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        if !self.is_logged() {
            let (error, message) = (self.chain(), "a handler returned a session error");
            match self.is_expected() {
                true => tracing::debug!(%error, "{message}"),
                false => tracing::error!(%error, "{message}"),
            }
        }
        self.status().into_response()
    }
}
