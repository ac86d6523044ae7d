//! The host that a request is for (RFC 9110, section 7.2).

use std::{borrow::Cow, net::Ipv6Addr};

use http::{HeaderMap, Uri, header::HOST};

/// Returns the host of a request's target and headers, unless they contradict each other.
pub(super) fn of<'r>(uri: &'r Uri, headers: &'r HeaderMap) -> Option<Cow<'r, str>> {
    let mut hosts = headers.get_all(HOST).iter();
    let (header, target) = (hosts.next(), uri.authority());
    if hosts.next().is_some() {
        return None;
    }
    match (target, header) {
        // A server may use one of the two (RFC 9112, section 3.2.2), while a proxy in front of it uses the other (RFC
        // 9113, section 8.3.1).
        (Some(target), Some(header)) => {
            let host = normalized(target.as_str())?;
            (normalized(header.to_str().ok()?)? == host).then_some(host)
        }
        (Some(target), None) => normalized(target.as_str()),
        (None, Some(header)) => normalized(header.to_str().ok()?),
        (None, None) => None,
    }
}

/// Returns the host of `host [":" port]`, in lower case. A user name before the host is rejected, because RFC 9110
/// (section 4.2.4) tells servers to treat it as an error.
fn normalized(authority: &str) -> Option<Cow<'_, str>> {
    let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) => {
            let address: Ipv6Addr = address.parse().ok()?;
            (Cow::Owned(format!("[{address}]")), port)
        }
        None => {
            let (host, port) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
            if !host.split('.').all(is_label) {
                return None;
            }
            let has_upper_case = host.bytes().any(|byte| byte.is_ascii_uppercase());
            (if has_upper_case { host.to_ascii_lowercase().into() } else { host.into() }, port)
        }
    };
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
    match port.strip_prefix(':') {
        None => port.is_empty().then_some(host),
        Some(port) => is_port(port).then_some(host),
    }
}

/// Returns true if this can be a label of a host name. Real names also contain underscores.
fn is_label(label: &str) -> bool {
    !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}
