//! Helpers for the tests of an application: a session without HTTP, a cookie with given data, and the effect of a
//! response on the session.

use http::{HeaderMap, Response, header::SET_COOKIE};

use crate::{
    Error, Payload, Refusal, Session, Sessions,
    sealer::Unsealed,
    session::state::{Arrived, Blobs, State},
    store::Stored,
};

/// The effect of a response on the session in the browser.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sent<T> {
    /// No effect: the response has no Set-Cookie header for the session.
    Nothing,
    /// The session is set to this value.
    Set(T),
    /// The session is removed.
    Removed,
    /// The session is set to a cookie that does not open.
    Refused(Refusal),
}

/// Returns a fresh session with this data, to call a handler or another function that takes a session without a
/// request.
///
/// ```
/// use sealed_session::{KeyRing, Session, Sessions, testing::session_with};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Default, Serialize, Deserialize)]
/// struct Visit { views: u32 }
///
/// async fn count(session: Session<Visit>) -> u32 {
///     session.update(|visit| { visit.views += 1; visit.views })
/// }
///
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let sessions = Sessions::<Visit>::new(KeyRing::generate()?)?;
///     let session = session_with(&sessions, Visit { views: 2 });
///     assert_eq!(count(session).await, 3);
///     Ok(())
/// }
/// ```
pub fn session_with<T: Payload>(sessions: &Sessions<T>, data: T) -> Session<T> {
    let state = State::new(T::default(), Arrived::default(), Blobs::default());
    let session = Session::new(sessions.app.clone(), state);
    session.update(|fresh| *fresh = data);
    session
}

/// Returns a `Cookie` header with a new session that has this data, sealed at the time of the sessions' clock.
///
/// # Errors
///
/// Returns the errors of [`Sealer::seal`](crate::Sealer::seal).
///
/// ```
/// use sealed_session::{KeyRing, Sessions, testing::cookie_with};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Default, Serialize, Deserialize)]
/// struct Visit { user: Option<u64> }
///
/// let sessions = Sessions::<Visit>::new(KeyRing::generate()?)?;
/// let signed_in = cookie_with(&sessions, &Visit { user: Some(7) })?;
/// let request = http::Request::get("/dashboard").header("cookie", signed_in).body(())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn cookie_with<T: Payload>(sessions: &Sessions<T>, data: &T) -> Result<String, Error> {
    Ok(format!("{}={}", sessions.cookie_name(), sessions.sealer().seal(data, sessions.app.settings.now())?))
}

/// Returns the effect of a response on the session in the browser, whether the session is in a cookie or in a store.
///
/// # Errors
///
/// Returns an error if the session is in a store, and the store fails.
///
/// ```
/// use sealed_session::{KeyRing, Sessions, testing::{Sent, sent, session_with}};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
/// struct Visit { user: Option<u64> }
///
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let sessions = Sessions::<Visit>::new(KeyRing::generate()?)?;
///     let session = session_with(&sessions, Visit { user: Some(7) });
///     let mut response = http::Response::new(());
///     let _ = sessions.commit(session, &mut response).await?;
///     assert_eq!(sent(&sessions, &response).await?, Sent::Set(Visit { user: Some(7) }));
///     Ok(())
/// }
/// ```
pub fn sent<T: Payload, B>(
    sessions: &Sessions<T>,
    response: &Response<B>,
) -> impl Future<Output = Result<Sent<T>, Error>> + Send + use<T, B> {
    let value = last_set(response.headers(), sessions.cookie_name()).map(<[u8]>::to_vec);
    let sessions = sessions.clone();
    async move {
        let value = match value {
            None => return Ok(Sent::Nothing),
            Some(value) if value.is_empty() => return Ok(Sent::Removed),
            Some(value) => value,
        };
        let sealer = sessions.sealer();
        let found = match sealer.unseal(sealer.context(), &value, sessions.app.settings.now(), |_| Ok(())) {
            Ok(Unsealed::Inline(value, _)) => Ok(value),
            Ok(Unsealed::Reference(metadata, reference)) => {
                let stored = Stored::unseen(reference, metadata.header.session_id, None);
                match &sessions.app.overflow {
                    None => Err(Refusal::MissingBlob),
                    Some(overflow) => overflow.calls().load(&stored).await?.map(|loaded| loaded.value),
                }
            }
            Err(refusal) => Err(refusal),
        };
        Ok(found.map_or_else(Sent::Refused, Sent::Set))
    }
}

/// Returns the value of the last Set-Cookie header of a name.
fn last_set<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h [u8]> {
    let mut values = headers.get_all(SET_COOKIE).into_iter().filter_map(|header| {
        let pair = header.as_bytes().split(|byte| *byte == b';').next()?;
        pair.strip_prefix(name.as_bytes())?.strip_prefix(b"=")
    });
    values.next_back()
}
