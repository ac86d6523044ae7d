use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::{HeaderValue, Response, StatusCode, header::CACHE_CONTROL};
use pin_project_lite::pin_project;

use super::slot::Slot;
use crate::{Error, OnCommitFailure, Payload};

pin_project! {
    /// The response of a [`SessionService`](super::SessionService), whose session is committed when it is there.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F, T> {
        #[pin]
        state: State<F, T>,
    }
}

pin_project! {
    #[project = StateProject]
    enum State<F, T> {
        Running { #[pin] inner: F, slot: Ends<T> },
        Misconfigured,
    }
}

impl<F, T> ResponseFuture<F, T> {
    pub(super) fn running(inner: F, slot: Arc<Slot<T>>) -> Self {
        Self { state: State::Running { inner, slot: Ends(slot) } }
    }

    pub(super) fn misconfigured() -> Self {
        Self { state: State::Misconfigured }
    }
}

/// Ends the request's session when the future does, however that ends.
struct Ends<T>(Arc<Slot<T>>);

impl<T> Drop for Ends<T> {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl<F, T, B, E> Future for ResponseFuture<F, T>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Default,
    T: Payload,
{
    type Output = Result<Response<B>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (inner, slot) = match self.project().state.project() {
            StateProject::Running { inner, slot } => (inner, slot),
            StateProject::Misconfigured => return Poll::Ready(Ok(empty(StatusCode::INTERNAL_SERVER_ERROR))),
        };
        let mut response = ready!(inner.poll(cx))?;
        slot.0.close();
        // A handler may have committed by hand.
        let Some(session) = slot.0.opened().filter(|session| !session.is_finished()) else {
            return Poll::Ready(Ok(response));
        };
        let sessions = session.sessions();
        if let Err(error) = sessions.commit_to(session, &mut response) {
            match sessions.on_commit_failure(&error) {
                OnCommitFailure::Replace(status) => {
                    let mut replaced = failed(status, error);
                    session.with("commit", |state| sessions.send_failed(state, replaced.headers_mut()));
                    response = replaced;
                }
                OnCommitFailure::SendUnchanged => {}
            }
        }
        Poll::Ready(Ok(response))
    }
}

/// What is sent in place of a response that tells of a success that did not last.
fn failed<B: Default>(status: StatusCode, error: Error) -> Response<B> {
    let mut response = empty(status);
    response.extensions_mut().insert(Arc::new(error));
    response
}

fn empty<B: Default>(status: StatusCode) -> Response<B> {
    let mut response = Response::new(B::default());
    *response.status_mut() = status;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

impl<F, T> fmt::Debug for ResponseFuture<F, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
