use std::{
    fmt, mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::{HeaderValue, Response, StatusCode, header::CACHE_CONTROL};
use pin_project_lite::pin_project;

use super::slot::Slot;
use crate::{
    Error, Payload, Session,
    trip::{
        place::{Begun, Outcome},
        write::vary,
    },
};

pin_project! {
    /// The response of a [`SessionService`](super::SessionService), whose session is committed when it is there.
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
        Committing { working: Working, session: Session<T>, response: Response<B> },
        Misconfigured,
        Refused { error: Option<Error> },
    }
}

/// A commit that waits for the store.
type Working = Pin<Box<dyn Future<Output = Outcome> + Send>>;

impl<F, T, B> ResponseFuture<F, T, B> {
    pub(super) fn running(inner: F, slot: Arc<Slot<T>>) -> Self {
        Self { state: State::Running { inner }, slot: Some(Ends(slot)) }
    }

    pub(super) fn misconfigured() -> Self {
        Self { state: State::Misconfigured, slot: None }
    }

    /// Answers in place of the service.
    pub(super) fn refused(error: Error) -> Self {
        Self { state: State::Refused { error: Some(error) }, slot: None }
    }
}

/// Ends the request's session when the future does, however that ends.
struct Ends<T>(Arc<Slot<T>>);

impl<T: Payload> Ends<T> {
    /// Nobody opens it any more: the session that is to be committed, if there is one.
    fn close(&self) -> Option<Session<T>> {
        self.0.close();
        self.0.opened().filter(|session| !session.is_finished()).cloned()
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
                    // A handler may not have asked for the session, have done without it since the store has failed, or
                    // have committed it by hand.
                    let Some(session) = this.slot.as_ref().and_then(Ends::close) else {
                        if this.slot.as_ref().is_some_and(|slot| slot.0.was_asked()) {
                            vary(response.headers_mut());
                        }
                        return Poll::Ready(Ok(response));
                    };
                    match session.sessions().begin_commit(&session, response.status()) {
                        Begun::Done(outcome) => return Poll::Ready(Ok(answer(&session, outcome, response))),
                        Begun::Store(working) => {
                            this.state.set(State::Committing { working, session, response });
                        }
                    }
                }
                StateProject::Committing { working, session, response } => {
                    let outcome = ready!(working.as_mut().poll(cx));
                    let response = mem::replace(response, empty(StatusCode::INTERNAL_SERVER_ERROR));
                    return Poll::Ready(Ok(answer(session, outcome, response)));
                }
                StateProject::Misconfigured => {
                    return Poll::Ready(Ok(empty(StatusCode::INTERNAL_SERVER_ERROR)));
                }
                StateProject::Refused { error } => {
                    let error = error.take().expect("the future is not polled after it has answered");
                    let mut response = empty(error.status());
                    response.extensions_mut().insert(Arc::new(error));
                    return Poll::Ready(Ok(response));
                }
            }
        }
    }
}

/// The handler's response, or what is sent in its place, with the session's headers.
fn answer<T: Payload, B: Default>(
    session: &Session<T>,
    outcome: Outcome,
    mut response: Response<B>,
) -> Response<B> {
    let sessions = session.sessions();
    let replacement = outcome.error().and_then(|error| sessions.on_commit_failure(error));
    if let Some(status) = replacement {
        response = empty(status);
    }
    let (_, error) = sessions.finish_commit(session, outcome, response.headers_mut());
    if let (Some(_), Some(error)) = (replacement, error) {
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

impl<F, T, B> fmt::Debug for ResponseFuture<F, T, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
