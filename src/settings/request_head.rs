//! The parts of a request by which an application selects its sessions.

use std::{borrow::Cow, fmt};

use http::{Extensions, HeaderMap, Method, Request, Uri};

use super::host;

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
    pub(crate) fn of<B>(request: &'r Request<B>) -> Self {
        Self {
            method: request.method(),
            uri: request.uri(),
            headers: request.headers(),
            extensions: request.extensions(),
        }
    }

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
    /// Shows only the method, because the rest may contain secrets, such as cookies.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestHead").field("method", self.method).finish_non_exhaustive()
    }
}
