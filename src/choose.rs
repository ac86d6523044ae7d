//! Which sessions a request belongs to, where an application has built several.

use std::{fmt, sync::Arc};

use http::{Extensions, HeaderMap, Method, Request, Uri};

use crate::{Payload, Sessions};

/// What a request says before its body.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct RequestHead<'r> {
    /// Its method.
    pub method: &'r Method,
    /// Its target.
    pub uri: &'r Uri,
    /// Its headers. What they say, `Host` included, is the client's word.
    pub headers: &'r HeaderMap,
    /// What layers further out have found out.
    pub extensions: &'r Extensions,
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
    /// These sessions, except for requests for which `choose` names others: a tenant's, with a realm of its own; an
    /// embedded page's, with `SameSite=None`. What it names has been built before, so nothing is derived for a
    /// request. As a layer, around a service and by hand alike.
    ///
    /// ```
    /// use std::collections::HashMap;
    /// use sealed_session::{KeyRing, Sessions};
    ///
    /// # #[derive(Default, serde::Serialize, serde::Deserialize)]
    /// # struct Visit { views: u32 }
    /// let ring = KeyRing::generate()?;
    /// let of = |realm: &str| Sessions::<Visit>::builder(ring.clone()).realm(realm).build();
    /// let tenants = HashMap::from([("a.example", of("tenant-a")?), ("b.example", of("tenant-b")?)]);
    /// let sessions = of("shop")?.choosing(move |request| {
    ///     let host = request.headers.get("host")?.to_str().ok()?;
    ///     tenants.get(host).cloned()
    /// });
    /// # Ok::<(), sealed_session::Error>(())
    /// ```
    pub fn choosing(
        &self,
        choose: impl Fn(&RequestHead<'_>) -> Option<Self> + Send + Sync + 'static,
    ) -> Self {
        self.with_hook(Some(Hook(Arc::new(choose))))
    }

    /// The sessions that a request belongs to.
    pub(crate) fn for_request<B>(&self, request: &Request<B>) -> Self {
        let chosen = self.hook().and_then(|Hook(choose)| {
            choose(&RequestHead {
                method: request.method(),
                uri: request.uri(),
                headers: request.headers(),
                extensions: request.extensions(),
            })
        });
        // What is chosen does not choose again.
        chosen.as_ref().unwrap_or(self).with_hook(None)
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
