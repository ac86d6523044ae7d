//! The cookie: its name and attributes, and the Set-Cookie headers made of them.

use std::{fmt, sync::Arc};

use ::cookie::Cookie;
use http::{HeaderMap, HeaderValue, header::COOKIE};

use crate::error::SetupError;

/// Longer attribute values are ignored by browsers (RFC 6265bis, section 5.6).
const LONGEST_ATTRIBUTE: usize = 1024;

/// Which requests of other sites carry the cookie (RFC 6265bis, section 4.1.2.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SameSite {
    /// None at all: a link from another site arrives without the session.
    Strict,
    /// Top-level navigations with a safe method. The default.
    #[default]
    Lax,
    /// All, for pages embedded elsewhere. Browsers demand `Secure` with it.
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

/// Whether the cookie is for https alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transport {
    Https,
    InsecureHttp,
}

/// Whether the name's prefix is ours to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Name {
    /// The strongest prefix that the attributes allow is put before it.
    Prefixed(String),
    /// As it is.
    Exact(String),
}

/// Name and attributes of a cookie.
///
/// The default is `__Host-session; Path=/; Secure; HttpOnly; SameSite=Lax`, which is also right for development on
/// `http://localhost`. The prefix of the name follows from the attributes: `__Host-`, with which a browser accepts
/// the cookie from this very host alone, becomes `__Secure-` with a domain or a path.
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
    /// The cookie's name, before which the strongest prefix is put that the attributes allow. Default: `session`.
    ///
    /// A name that begins with a prefix is taken as it is, and refused if the attributes don't allow the prefix.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Name::Prefixed(name.into());
        self
    }

    /// The cookie's name, exactly: no prefix is put before it, so that a subdomain, or a page over plain http, can
    /// plant a cookie of this name: a valid one of its own, if it has a session here, and so sign a visitor in as itself.
    pub fn name_without_prefix(mut self, name: impl Into<String>) -> Self {
        self.name = Name::Exact(name.into());
        self
    }

    /// For which paths browsers send the cookie. Default: `/`. This is no protection of one path from another.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// The domain that, with all of its subdomains, gets the cookie. Default: this very host alone. Each of them can then
    /// plant a cookie, and so sign a visitor in as itself.
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    /// Which requests of other sites carry the cookie. Default: [`SameSite::Lax`].
    pub fn same_site(mut self, same_site: SameSite) -> Self {
        self.same_site = same_site;
        self
    }

    /// A cookie jar of its own for each top-level site in which the page is embedded (CHIPS). Default: no.
    pub fn partitioned(mut self) -> Self {
        self.partitioned = true;
        self
    }

    /// Lets the cookie go over plain http, where anyone on the way can read and replace it. For development on
    /// another host than localhost; on `http://localhost` and `http://127.0.0.1` browsers accept the secure default.
    pub fn insecure_http(mut self) -> Self {
        self.transport = Transport::InsecureHttp;
        self
    }

    /// The whole name, prefix included.
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

    /// The cookie as it is sent, or why no browser would take it.
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
        // The crate writes `NAME=ATTRIBUTES`; a value goes in between.
        let attributes = cookie.to_string().split_off(name.len() + 1);
        Ok(SessionCookie { name: name.into(), attributes })
    }

    /// Refuses what RFC 6265bis has browsers refuse (sections 5.5 to 5.7), and what would break the header.
    fn check(&self, name: &str) -> Result<(), SetupError> {
        let refuse = |what: &str| {
            Err(SetupError::configuration(format!("the cookie `{}`: {what}", name.escape_debug())))
        };
        let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        let nameless = name.is_empty() || self.name == Name::Prefixed(String::new());
        if nameless || !name.chars().all(is_token) {
            return refuse("its name must be a token (RFC 9110, section 5.6.2)");
        }
        let is_attribute = |c: char| (' '..='~').contains(&c) && c != ';';
        if !self.path.starts_with('/') || !self.path.chars().all(is_attribute) {
            return refuse("its path must begin with `/` and be of printable ASCII without `;`");
        }
        if let Some(domain) = &self.domain {
            let labels = domain.strip_prefix('.').unwrap_or(domain).split('.');
            let is_label = |label: &str| {
                !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
            };
            if !labels.clone().all(is_label) {
                return refuse("its domain must be a host name");
            }
            // The URL standard takes a host for an IPv4 address if its last label is a number.
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
                    "browsers take no cookie for a top-level domain: name a domain of two labels or more, or leave it out",
                );
            }
        }
        if self.path.len().max(self.domain.as_ref().map_or(0, String::len)) > LONGEST_ATTRIBUTE {
            return refuse("browsers ignore an attribute of more than 1024 bytes");
        }
        if self.transport == Transport::InsecureHttp {
            if self.same_site == SameSite::None {
                return refuse("SameSite=None needs Secure, which `insecure_http` takes away");
            }
            if self.partitioned {
                return refuse("Partitioned needs Secure, which `insecure_http` takes away");
            }
        }
        if let Some(prefix) = Prefix::of(name) {
            if self.transport == Transport::InsecureHttp {
                return refuse("its prefix needs Secure, which `insecure_http` takes away");
            }
            if prefix == Prefix::Host && (self.domain.is_some() || self.path != "/") {
                return refuse("a `__Host-` name allows no domain and no path but `/`");
            }
        }
        Ok(())
    }
}

/// What a name's prefix demands. Browsers compare it without regard to case (RFC 6265bis, section 5.4).
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

    /// The Set-Cookie header whose value `write` appends: every one of this cookie, removals too, is made here, so
    /// that their attributes cannot drift apart.
    pub(crate) fn header<E>(
        &self,
        value_length: usize,
        max_age: Option<u64>,
        write: impl FnOnce(&mut String) -> Result<(), E>,
    ) -> Result<HeaderValue, E> {
        let max_age = max_age.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
        let length = self.name.len() + 1 + value_length + self.attributes.len() + max_age.len();
        let mut header = String::with_capacity(length);
        header.push_str(&self.name);
        header.push('=');
        write(&mut header)?;
        header.push_str(&self.attributes);
        header.push_str(&max_age);
        let mut header = HeaderValue::try_from(header).expect("made of base64url and checked attributes");
        header.set_sensitive(true);
        Ok(header)
    }

    /// The Set-Cookie header that has the browser drop the cookie.
    pub(crate) fn removal(&self) -> HeaderValue {
        let Ok(header) = self.header(0, Some(0), |_| Ok::<_, std::convert::Infallible>(()));
        header
    }

    /// The values that a request carries under this name, in the order of its headers.
    pub(crate) fn values<'h>(&self, headers: &'h HeaderMap) -> impl Iterator<Item = &'h [u8]> {
        values(headers, self.name.as_bytes())
    }
}

impl fmt::Debug for SessionCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=…{}", self.name, self.attributes)
    }
}

/// The values of all cookies of this name. Headers are read as bytes: what other cookies are made of is none of the
/// session's business.
///
/// Browsers send `name=value`, separated by `; ` (RFC 6265bis, sections 4.2.1 and 5.8.3). Spaces and tabs around a pair are
/// skipped, since what lies between may have joined or folded headers. White space between name and `=` makes another
/// name: browsers remove it when they set a cookie.
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
mod tests {
    use super::CookieAttributes;

    #[test]
    fn a_cookie_prints_its_name_and_attributes_without_a_value() {
        let cookie = CookieAttributes::default().build().unwrap();
        let expected = "__Host-session=…; HttpOnly; SameSite=Lax; Secure; Path=/";
        assert_eq!(format!("{cookie:?}"), expected);
    }
}
