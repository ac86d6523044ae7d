//! Selects the sessions of a request, for an application that has built several.

mod host;

use std::{borrow::Cow, fmt, sync::Arc};

use http::{Extensions, HeaderMap, Method, Request, Uri};

use crate::{Error, Payload, Sessions, error::Kind};

/// The parts of a request that come before its body.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct RequestHead<'r> {
    /// The method.
    pub method: &'r Method,
    /// The target. Over HTTP/2 it holds the host, and there is usually no `Host` header: use [`host`](Self::host).
    pub uri: &'r Uri,
    /// The headers. Clients choose them freely.
    pub headers: &'r HeaderMap,
    /// The extensions that outer layers have added.
    pub extensions: &'r Extensions,
}

impl<'r> RequestHead<'r> {
    /// Returns the host that the request is for, in lower case and without the port.
    ///
    /// The host comes from the target (`:authority` in HTTP/2, a proxy's absolute form in HTTP/1.1) or else from the
    /// `Host` header. An IPv6 address keeps its brackets and is in its shortest form. `X-Forwarded-Host` is never read.
    ///
    /// Returns `None` when the request names no host, has several `Host` headers, has a `Host` header and a target that
    /// name different hosts, or names something that is not a host name or an IP address. A name that ends in a dot is
    /// rejected too: it resolves like the name without the dot, but browsers keep its cookies apart.
    pub fn host(&self) -> Option<Cow<'r, str>> {
        host::of(self.uri, self.headers)
    }
}

impl fmt::Debug for RequestHead<'_> {
    /// Without what the request carries, its cookies most of all.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestHead").field("method", self.method).finish_non_exhaustive()
    }
}

/// Chooses for each request.
pub(crate) struct Hook<T>(Arc<Choose<T>>);

type Choose<T> = dyn Fn(&RequestHead<'_>) -> Option<Sessions<T>> + Send + Sync;

impl<T: Payload> Sessions<T> {
    /// Selects, for each request, among sessions that the application has built: a tenant's, with a realm of its own,
    /// or an embedded page's, with `SameSite=None`.
    ///
    /// `choose` returns the sessions of a request, or `None` to reject it with an empty 421 (Misdirected Request). It works the same as a
    /// layer, around a service and by hand. Nothing is derived for a request, since `choose` can only return what has
    /// been built before. `self` is used for a request only when `choose` returns it. It still provides what needs no
    /// request: [`sealer`](Self::sealer), [`cookie_name`](Self::cookie_name), [`counters`](Self::counters).
    ///
    /// ```
    /// use std::collections::HashMap;
    /// use sealed_session::{KeyRing, Sessions};
    ///
    /// # #[derive(Default, serde::Serialize, serde::Deserialize)]
    /// # struct Visit { views: u32 }
    /// let ring = KeyRing::generate()?;
    /// let of = |realm: &str| Sessions::<Visit>::builder(ring.clone()).realm(realm).build();
    /// let shop = of("shop")?;
    /// let tenants = HashMap::from([
    ///     ("shop.example", shop.clone()),
    ///     ("a.example", of("tenant-a")?),
    ///     ("b.example", of("tenant-b")?),
    /// ]);
    /// let sessions = shop.choosing(move |request| {
    ///     tenants.get(&*request.host()?).cloned()
    /// });
    /// # let at = |uri: &str| http::Request::get(uri).body(()).unwrap();
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// # assert!(sessions.open(&at("https://A.example:443/")).await.is_ok());
    /// # assert!(sessions.open(&at("https://c.example/")).await.unwrap_err().is_misdirected());
    /// # });
    /// # Ok::<(), sealed_session::SetupError>(())
    /// ```
    ///
    /// # Security
    ///
    /// Refuse a host that you do not know. If unknown hosts shared the sessions of one tenant, a cookie set for one of
    /// them would open at all of them. Use [`RequestHead::host`] rather than the `Host` header, which HTTP/2 does not
    /// send.
    pub fn choosing(
        &self,
        choose: impl Fn(&RequestHead<'_>) -> Option<Self> + Send + Sync + 'static,
    ) -> Self {
        self.with_hook(Some(Hook(Arc::new(choose))))
    }

    /// Returns the sessions that a request belongs to.
    pub(crate) fn for_request<B>(&self, request: &Request<B>) -> Result<Self, Error> {
        let chosen = match self.hook() {
            None => self.clone(),
            Some(Hook(choose)) => choose(&RequestHead {
                method: request.method(),
                uri: request.uri(),
                headers: request.headers(),
                extensions: request.extensions(),
            })
            .ok_or(Kind::Misdirected)?,
        };
        // The chosen sessions do not choose again.
        Ok(chosen.with_hook(None))
    }
}

impl<T> Hook<T> {
    /// Whether it is the very same.
    #[cfg(any(feature = "tower", feature = "hyper"))]
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl<T> Clone for Hook<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> fmt::Debug for Hook<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hook")
    }
}
