//! The future of a response, which commits the session when the inner service has responded.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::{HeaderValue, Response, StatusCode, header::CACHE_CONTROL};
use pin_project_lite::pin_project;

use crate::{
    Payload, Session,
    error::Error,
    trip::{
        place::{Placed, Placing, PlacingInStore, place},
        slot::Slot,
        write::{vary, write},
    },
};

/// Why a future's result is still there.
const READY: &str = "the future is not polled after it is ready";

pin_project! {
    /// The response of a [`SessionService`](super::SessionService).
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F, T, B> {
        #[pin]
        state: State<F, T, B>,
        slot: Option<Ends<T>>,
    }
}

pin_project! {
    #[project = StateProject]
    enum State<F, T, B> {
        Running { #[pin] inner: F },
        Placing { placing: PlacingInStore, session: Session<T>, response: Option<Response<B>> },
        Rejected { error: Option<Error> },
    }
}

impl<F, T, B> ResponseFuture<F, T, B> {
    pub(super) fn running(inner: F, slot: Arc<Slot<T>>) -> Self {
        Self { state: State::Running { inner }, slot: Some(Ends(slot)) }
    }

    /// Creates a future that responds in place of the service.
    pub(super) fn rejected(error: Error) -> Self {
        Self { state: State::Rejected { error: Some(error) }, slot: None }
    }
}

/// Ends the request's session when the future is dropped, whether or not it completed.
struct Ends<T>(Arc<Slot<T>>);

impl<T: Payload> Ends<T> {
    /// Closes the slot, and returns the session to commit, if there is one.
    fn close(&self) -> Option<Session<T>> {
        self.0.close();
        self.0.opened().cloned()
    }
}

impl<T> Drop for Ends<T> {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl<F, T, B, E> Future for ResponseFuture<F, T, B>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Default,
    T: Payload,
{
    type Output = Result<Response<B>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            match this.state.as_mut().project() {
                StateProject::Running { inner } => {
                    let mut response = ready!(inner.poll(cx))?;
                    // There is no session to commit if the handler did not ask for it, or went on without it because
                    // the store failed.
                    let Some(session) = this.slot.as_ref().and_then(Ends::close) else {
                        if this.slot.as_ref().is_some_and(|slot| slot.0.was_asked()) {
                            vary(response.headers_mut());
                        }
                        return Poll::Ready(Ok(response));
                    };
                    match place(&session, response.status()) {
                        Placing::Ready(placed) => return Poll::Ready(Ok(finish(&session, placed, response))),
                        Placing::Store(placing) => {
                            this.state.set(State::Placing { placing, session, response: Some(response) });
                        }
                    }
                }
                StateProject::Placing { placing, session, response } => {
                    let placed = ready!(placing.as_mut().poll(cx));
                    let response = response.take().expect(READY);
                    return Poll::Ready(Ok(finish(session, placed, response)));
                }
                StateProject::Rejected { error } => {
                    let error = error.take().expect(READY);
                    let mut response = empty(error.status());
                    response.extensions_mut().insert(Arc::new(error));
                    return Poll::Ready(Ok(response));
                }
            }
        }
    }
}

/// Returns the handler's response, or the one that replaces it, with the session's headers.
fn finish<T: Payload, B: Default>(
    session: &Session<T>,
    placed: Placed,
    mut response: Response<B>,
) -> Response<B> {
    // The handler has committed it by hand.
    if placed.error.as_ref().is_some_and(Error::is_finished) {
        vary(response.headers_mut());
        return response;
    }
    let replacement = placed.error.as_ref().and_then(|error| (session.settings().on_commit_failure)(error));
    if let Some(status) = replacement {
        response = empty(status);
    }
    let written = write(session, placed, response.headers_mut());
    if let (Some(_), Err(error)) = (replacement, written) {
        response.extensions_mut().insert(Arc::new(error));
    }
    response
}

fn empty<B: Default>(status: StatusCode) -> Response<B> {
    let mut response = Response::new(B::default());
    *response.status_mut() = status;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
