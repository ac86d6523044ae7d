//! The session cookie: its name and attributes, and its Set-Cookie headers.

use std::{fmt, sync::Arc};

use ::cookie::Cookie;
use http::{HeaderMap, HeaderValue, header::COOKIE};

use crate::error::SetupError;

/// The longest attribute value, in bytes. Browsers ignore longer ones (RFC 6265bis, section 5.6).
const LONGEST_ATTRIBUTE: usize = 1024;

/// The requests from other sites that carry the cookie (RFC 6265bis, section 4.1.2.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SameSite {
    /// No requests. A link from another site arrives without the session.
    Strict,
    /// Top-level navigations with a safe method, such as following a link. The default.
    #[default]
    Lax,
    /// All requests, for pages that are embedded in other sites. Browsers require `Secure` with it.
    None,
}

impl SameSite {
    fn attribute(self) -> ::cookie::SameSite {
        match self {
            Self::Strict => ::cookie::SameSite::Strict,
            Self::Lax => ::cookie::SameSite::Lax,
            Self::None => ::cookie::SameSite::None,
        }
    }
}

/// The transport that the cookie is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transport {
    Https,
    InsecureHttp,
}

/// The cookie's name, with or without an automatic prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Name {
    /// A name that gets the strongest prefix that the attributes allow.
    Prefixed(String),
    /// A name that stays as it is.
    Exact(String),
}

/// The name and attributes of a cookie.
///
/// The default is `__Host-session; Path=/; Secure; HttpOnly; SameSite=Lax`, which in Chromium also
/// works for development on `http://localhost`. The prefix of the name follows from the attributes. With `__Host-`, a browser accepts the cookie
/// only from this host; with a domain or a path, the prefix is `__Secure-`.
///
/// ```
/// use sealed_session::CookieAttributes;
///
/// let attributes = CookieAttributes::default().name("sid").domain("example.org");
/// assert_eq!(attributes.full_name(), "__Secure-sid");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CookieAttributes {
    name: Name,
    path: String,
    domain: Option<String>,
    same_site: SameSite,
    partitioned: bool,
    transport: Transport,
}

impl Default for CookieAttributes {
    fn default() -> Self {
        Self {
            name: Name::Prefixed("session".into()),
            path: "/".into(),
            domain: None,
            same_site: SameSite::Lax,
            partitioned: false,
            transport: Transport::Https,
        }
    }
}

impl CookieAttributes {
    /// Sets the cookie's name, which gets the strongest prefix that the attributes allow. Default: `session`.
    ///
    /// A name that begins with a prefix stays as it is. If the attributes do not allow that prefix, `build()` fails.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Name::Prefixed(name.into());
        self
    }

    /// Sets the cookie's exact name, without a prefix.
    ///
    /// # Security
    ///
    /// Without a prefix, a subdomain, or an attacker on a plain HTTP connection, can set a cookie of this name. If it
    /// is a valid cookie of the attacker's own session, the visitor is signed in as the attacker.
    pub fn name_without_prefix(mut self, name: impl Into<String>) -> Self {
        self.name = Name::Exact(name.into());
        self
    }

    /// Sets the path below which browsers send the cookie. It does not protect one path from another. Default: `/`.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Sets the domain that gets the cookie, with all of its subdomains. Default: only this host.
    ///
    /// # Security
    ///
    /// Each of these hosts can also set the cookie, and so sign a visitor in to a session of its own.
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    /// Sets which requests from other sites carry the cookie. Default: [`SameSite::Lax`].
    pub fn same_site(mut self, same_site: SameSite) -> Self {
        self.same_site = same_site;
        self
    }

    /// Makes browsers keep a separate cookie for each top-level site in which the page is embedded (CHIPS). Default:
    /// one cookie for all.
    pub fn partitioned(mut self) -> Self {
        self.partitioned = true;
        self
    }

    /// Lets browsers send the cookie over plain HTTP, where anyone on the network path can read and replace it.
    /// Default: only over HTTPS.
    ///
    /// Use it only for development, on another host than localhost or in a browser that needs it: Chromium accepts the
    /// secure default on `http://localhost` and `http://127.0.0.1`.
    pub fn insecure_http(mut self) -> Self {
        self.transport = Transport::InsecureHttp;
        self
    }

    /// Returns the full name, including its prefix.
    pub fn full_name(&self) -> String {
        match &self.name {
            Name::Exact(name) => name.clone(),
            Name::Prefixed(name)
                if Prefix::of(name).is_some() || self.transport == Transport::InsecureHttp =>
            {
                name.clone()
            }
            Name::Prefixed(name) if self.domain.is_none() && self.path == "/" => format!("__Host-{name}"),
            Name::Prefixed(name) => format!("__Secure-{name}"),
        }
    }

    /// Returns the cookie as it is sent, or an error if browsers would reject it.
    pub(crate) fn build(&self) -> Result<SessionCookie, SetupError> {
        let name = self.full_name();
        self.check(&name)?;
        let mut cookie = Cookie::build((&*name, ""))
            .path(&*self.path)
            .http_only(true)
            .same_site(self.same_site.attribute())
            .secure(self.transport == Transport::Https)
            .partitioned(self.partitioned)
            .build();
        if let Some(domain) = &self.domain {
            cookie.set_domain(domain);
        }
        // The crate `cookie` writes `NAME=; ATTRIBUTES`. The value goes after the `=`.
        let attributes = cookie.to_string().split_off(name.len() + 1);
        Ok(SessionCookie { name: name.into(), attributes })
    }

    /// Rejects names and attributes that browsers reject (RFC 6265bis, sections 5.5 to 5.7), or that would break the
    /// header.
    fn check(&self, name: &str) -> Result<(), SetupError> {
        let refuse = |what: &str| {
            Err(SetupError::configuration(format!("the cookie `{}`: {what}", name.escape_debug())))
        };
        let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        let nameless = name.is_empty() || self.name == Name::Prefixed(String::new());
        if nameless || !name.chars().all(is_token) {
            return refuse(
                "its name must be a token (RFC 9110, section 5.6.2): use letters, digits, `-` and `_`",
            );
        }
        let is_attribute = |c: char| (' '..='~').contains(&c) && c != ';';
        if !self.path.starts_with('/') || !self.path.chars().all(is_attribute) {
            return refuse(
                "its path must begin with `/` and consist of printable ASCII characters other than `;`",
            );
        }
        if let Some(domain) = &self.domain {
            let labels = domain.strip_prefix('.').unwrap_or(domain).split('.');
            let is_label = |label: &str| {
                !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
            };
            if !labels.clone().all(is_label) {
                return refuse("its domain must be a host name, such as `example.org`");
            }
            // The URL standard treats a host as an IPv4 address if its last label is a number.
            let last = labels.clone().next_back().unwrap_or_default();
            let is_number = |label: &str| match label.strip_prefix("0x").or(label.strip_prefix("0X")) {
                Some(digits) => digits.chars().all(|c| c.is_ascii_hexdigit()),
                None => label.chars().all(|c| c.is_ascii_digit()),
            };
            if is_number(last) {
                return refuse(
                    "its domain must be a name, not an IP address, which has no subdomains: leave the domain out",
                );
            }
            if labels.count() == 1 && !last.eq_ignore_ascii_case("localhost") {
                return refuse(
                    "browsers accept no cookie for a top-level domain: name one of two or more labels, or leave it out",
                );
            }
        }
        if self.path.len().max(self.domain.as_ref().map_or(0, String::len)) > LONGEST_ATTRIBUTE {
            return refuse("browsers ignore a domain or path of more than 1024 bytes: shorten it");
        }
        if self.transport == Transport::InsecureHttp {
            if self.same_site == SameSite::None {
                return refuse(
                    "SameSite=None needs Secure, which `insecure_http` removes: drop one of the two",
                );
            }
            if self.partitioned {
                return refuse(
                    "Partitioned needs Secure, which `insecure_http` removes: drop one of the two",
                );
            }
        }
        if let Some(prefix) = Prefix::of(name) {
            if self.transport == Transport::InsecureHttp {
                return refuse("its prefix needs Secure, which `insecure_http` removes: drop one of the two");
            }
            if prefix == Prefix::Host && (self.domain.is_some() || self.path != "/") {
                return refuse(
                    "a `__Host-` name allows no domain, and no path but `/`: leave them out, or use a `__Secure-` name",
                );
            }
        }
        Ok(())
    }
}

/// The prefix of a name. Browsers compare it case-insensitively (RFC 6265bis, section 5.4).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Prefix {
    Host,
    Secure,
}

impl Prefix {
    fn of(name: &str) -> Option<Self> {
        let begins =
            |prefix: &str| name.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix));
        if begins("__Host-") {
            Some(Self::Host)
        } else if begins("__Secure-") || begins("__Http-") {
            Some(Self::Secure)
        } else {
            None
        }
    }
}

/// A cookie with its attributes, ready for a value.
#[derive(PartialEq, Eq)]
pub(crate) struct SessionCookie {
    name: Arc<str>,
    attributes: String,
}

impl SessionCookie {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn shared_name(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }

    /// Returns the Set-Cookie header whose value `write` appends. Removals are also made here, so that their attributes
    /// cannot differ.
    pub(crate) fn header<E>(
        &self,
        value_length: usize,
        max_age: Option<u64>,
        write: impl FnOnce(&mut String) -> Result<(), E>,
    ) -> Result<HeaderValue, E> {
        let max_age = max_age.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
        let lengths = [self.name.len(), 1, value_length, self.attributes.len(), max_age.len()];
        let mut header = String::with_capacity(lengths.iter().sum());
        header.push_str(&self.name);
        header.push('=');
        write(&mut header)?;
        header.push_str(&self.attributes);
        header.push_str(&max_age);
        let mut header = HeaderValue::try_from(header).expect("made of base64url and checked attributes");
        header.set_sensitive(true);
        Ok(header)
    }

    /// Returns the Set-Cookie header that removes the cookie from the browser.
    pub(crate) fn removal(&self) -> HeaderValue {
        let Ok(header) = self.header(0, Some(0), |_| Ok::<_, std::convert::Infallible>(()));
        header
    }

    /// Returns the values that a request carries under this name, in the order of its headers.
    pub(crate) fn values<'h>(&self, headers: &'h HeaderMap) -> impl Iterator<Item = &'h [u8]> {
        values(headers, self.name.as_bytes())
    }
}

impl fmt::Debug for SessionCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=…{}", self.name, self.attributes)
    }
}

/// Returns the values of all cookies of this name. Headers are read as bytes, since other cookies may contain any
/// bytes.
///
/// Browsers send `name=value`, separated by `; ` (RFC 6265bis, sections 4.2.1 and 5.8.3). Spaces and tabs around a pair
/// are skipped, since a proxy may have joined or folded headers. A name followed by white space is a different name,
/// because browsers remove such white space when they set a cookie.
fn values<'h>(headers: &'h HeaderMap, name: &[u8]) -> impl Iterator<Item = &'h [u8]> {
    headers
        .get_all(COOKIE)
        .into_iter()
        .flat_map(|header| Pairs { rest: Some(header.as_bytes()) })
        .filter_map(move |pair| pair.trim_ascii().strip_prefix(name)?.strip_prefix(b"="))
}

/// The parts of a Cookie header between its semicolons.
struct Pairs<'h> {
    rest: Option<&'h [u8]>,
}

impl<'h> Iterator for Pairs<'h> {
    type Item = &'h [u8];

    fn next(&mut self) -> Option<&'h [u8]> {
        let rest = self.rest?;
        let (pair, rest) = match memchr::memchr(b';', rest) {
            Some(at) => (&rest[..at], Some(&rest[at + 1..])),
            None => (rest, None),
        };
        self.rest = rest;
        Some(pair)
    }
}

#[cfg(test)]
#[path = "../../tests/unit/settings/cookie.rs"]
mod tests;
