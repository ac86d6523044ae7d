//! For the tests of an application: a session without http, a cookie that holds a given value, and what a response
//! has done to the session.

use http::{HeaderMap, Response, header::SET_COOKIE};

use crate::{
    Error, Payload, Refusal, Session, Sessions,
    sealer::Found,
    session::state::{Arrived, Blobs, State},
    store::Stored,
};

/// What a response does to the browser's session.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sent<T> {
    /// Nothing: there is no Set-Cookie for it.
    Nothing,
    /// Sets it to this value.
    Set(T),
    /// Removes it.
    Removed,
    /// Sets it to what does not open.
    Refused(Refusal),
}

impl<T: Payload> Sessions<T> {
    /// A fresh session with these data, without a request: to call a handler, or what it calls, by hand.
    ///
    /// ```
    /// # use sealed_session::{KeyRing, Session, Sessions};
    /// # #[derive(Default, serde::Serialize, serde::Deserialize)]
    /// # struct Visit { views: u32 }
    /// async fn count(session: Session<Visit>) -> u32 {
    ///     session.update(|visit| { visit.views += 1; visit.views })
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), sealed_session::Error> {
    /// let sessions = Sessions::<Visit>::new(KeyRing::generate()?)?;
    /// let session = sessions.session_with(Visit { views: 2 });
    /// assert_eq!(count(session).await, 3);
    /// # Ok(())
    /// # }
    /// ```
    pub fn session_with(&self, data: T) -> Session<T> {
        let session =
            Session::new(self.app.clone(), State::new(T::default(), Arrived::default(), Blobs::default()));
        session.update(|begun| *begun = data);
        session
    }

    /// A `Cookie` header that holds a new session with these data, begun at the sessions' own clock.
    ///
    /// # Errors
    ///
    /// Those of [`Sealer::seal`](crate::Sealer::seal).
    ///
    /// ```
    /// # use sealed_session::{KeyRing, Sessions};
    /// # #[derive(Default, serde::Serialize, serde::Deserialize)]
    /// # struct Visit { user: Option<u64> }
    /// let sessions = Sessions::<Visit>::new(KeyRing::generate()?)?;
    /// let signed_in = sessions.cookie_with(&Visit { user: Some(7) })?;
    /// let request = http::Request::get("/dashboard").header("cookie", signed_in).body(()).unwrap();
    /// # Ok::<(), sealed_session::Error>(())
    /// ```
    pub fn cookie_with(&self, data: &T) -> Result<String, Error> {
        Ok(format!("{}={}", self.cookie_name(), self.sealer().seal(data, self.app.settings.now())?))
    }

    /// What a response does to the browser's session, wherever that is kept.
    ///
    /// ```
    /// # use sealed_session::{KeyRing, Sessions, testing::Sent};
    /// # #[derive(Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
    /// # struct Visit { user: Option<u64> }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), sealed_session::Error> {
    /// let sessions = Sessions::<Visit>::new(KeyRing::generate()?)?;
    /// let mut response = http::Response::new(());
    /// let session = sessions.session_with(Visit { user: Some(7) });
    /// let _ = sessions.commit(session, &mut response).await?;
    /// assert_eq!(sessions.sent(&response).await?, Sent::Set(Visit { user: Some(7) }));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// When the session is in a store, and that fails.
    pub fn sent<B>(
        &self,
        response: &Response<B>,
    ) -> impl Future<Output = Result<Sent<T>, Error>> + Send + use<T, B> {
        let value = last_set(response.headers(), self.cookie_name()).map(<[u8]>::to_vec);
        let these = self.clone();
        async move {
            let value = match value {
                None => return Ok(Sent::Nothing),
                Some(value) if value.is_empty() => return Ok(Sent::Removed),
                Some(value) => value,
            };
            let sealer = these.sealer();
            Ok(match sealer.find_in(sealer.context(), &value, these.app.settings.now()) {
                Ok(Found::Inline(opened)) => Sent::Set(opened.value),
                Ok(Found::Reference(metadata, reference)) => {
                    let stored = Stored::unseen(reference, metadata.header.session_id, None);
                    match &these.app.overflow {
                        None => Sent::Refused(Refusal::MissingBlob),
                        Some(overflow) => match overflow.calls().load(&stored).await? {
                            Ok(loaded) => Sent::Set(loaded.value),
                            Err(refusal) => Sent::Refused(refusal),
                        },
                    }
                }
                Err(refusal) => Sent::Refused(refusal),
            })
        }
    }
}

/// The value that the last Set-Cookie of a name gives it.
fn last_set<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h [u8]> {
    let mut values = headers.get_all(SET_COOKIE).into_iter().filter_map(|header| {
        let pair = header.as_bytes().split(|byte| *byte == b';').next()?;
        pair.strip_prefix(name.as_bytes())?.strip_prefix(b"=")
    });
    values.next_back()
}
