//! Which sites may use the service from a browser: the headers `Host`, `Origin` and `Sec-Fetch-Site`.
//!
//! A page of another site can send requests to this service from its reader's browser, and with DNS rebinding it can read the
//! answers. The first is refused by `Origin` and `Sec-Fetch-Site`, the second by `Host`. Other clients send neither of the first.

use crate::{
    config::Config,
    http::{
        cut::cut,
        problem::{Kind, Problem},
    },
};
use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, Version, header},
};
use std::net::{IpAddr, SocketAddr};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What may be shown and run by pages of the service: its own files alone.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' blob: data:; \
     base-uri 'none'; frame-ancestors 'none'; form-action 'self'",
);

/// The same for the API documentation, whose script writes styles into its page.
const DOCUMENTATION_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; img-src 'self' data:; \
     base-uri 'none'; frame-ancestors 'none'; form-action 'self'",
);

/// Hosts and origins that the service answers to.
#[derive(Debug, Clone)]
pub struct Sites {
    listens_on: IpAddr,
    hosts: Vec<String>,
    origins: Vec<String>,
}

impl Sites {
    /// Those of a service that listens on `address`.
    pub fn new(config: &Config, address: SocketAddr) -> Self {
        Self {
            listens_on: address.ip().to_canonical(),
            hosts: config.allowed_hosts.clone(),
            origins: config.cors_origins.clone(),
        }
    }

    /// Checks the host of a request, and the site that a write comes from.
    pub fn check(&self, request: &Request) -> Result<(), Problem> {
        let host = host(request)?;
        if let Some(host) = host.filter(|host| !self.is_own(host.name)) {
            let expected = "expected Host to be localhost, a loopback address, the address that the service listens on, \
                            or a name of --allowed-host";
            return Err(Problem::new(Kind::Misdirected, format!("{expected}, received {:?}", cut(host.name))));
        }
        if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
            return Ok(());
        }
        self.check_origin(request.headers(), host)
    }

    fn is_own(&self, name: &str) -> bool {
        let name = name.strip_suffix('.').unwrap_or(name);
        if self.hosts.iter().any(|host| host == "*" || host.eq_ignore_ascii_case(name)) {
            return true;
        }
        match name.parse::<IpAddr>().map(|address| address.to_canonical()) {
            // DNS can map a name to another address, but not an address.
            Ok(address) => address.is_loopback() || self.listens_on.is_unspecified() || address == self.listens_on,
            Err(_) => name.eq_ignore_ascii_case("localhost"),
        }
    }

    fn check_origin(&self, headers: &HeaderMap, host: Option<Host<'_>>) -> Result<(), Problem> {
        let refuse = |name: &str, value: &HeaderValue| {
            let value = String::from_utf8_lossy(value.as_bytes());
            let expected = "expected a write to come from a page of this service, or of an origin of --cors-origin";
            Err(Problem::new(Kind::Forbidden, format!("{expected}, received {name} {:?}", cut(&value))))
        };
        let mut origins = headers.get_all(header::ORIGIN).iter();
        let origin = origins.next();
        if let Some(second) = origins.next() {
            return refuse("a second Origin", second);
        }
        let is_named = |origin: &HeaderValue| self.origins.iter().any(|named| named == "*" || *origin == **named);
        if origin.is_some_and(is_named) {
            return Ok(());
        }
        let site = headers.get(SEC_FETCH_SITE);
        if let Some(site) = site.filter(|site| *site != "same-origin" && *site != "none") {
            return refuse("Sec-Fetch-Site", site);
        }
        let Some(value) = origin else { return Ok(()) };
        let Some(from) = value.to_str().ok().and_then(Host::of_origin) else { return refuse("Origin", value) };
        let is_same = host.is_some_and(|host| host.is_same_as(&from));
        // A proxy in front may write another Host. The browser compared the origins itself.
        let is_behind_proxy = site.is_some_and(|site| site == "same-origin") && self.is_own(from.name);
        if is_same || is_behind_proxy { Ok(()) } else { refuse("Origin", value) }
    }
}

/// A host with its port, as in `Host`, or as in an origin with the default port of its scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Host<'a> {
    name: &'a str,
    port: Option<u16>,
}

impl<'a> Host<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (name, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (name, port) = rest.split_once(']')?;
                let is_address = name.parse::<std::net::Ipv6Addr>().is_ok();
                (is_address.then_some(name)?, port)
            }
            None => {
                let (name, port) = text.split_at(text.find(':').unwrap_or(text.len()));
                let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
                ((is_name && !name.is_empty()).then_some(name)?, port)
            }
        };
        let port = match port.strip_prefix(':') {
            Some("") => None,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => Some(digits.parse().ok()?),
            Some(_) => return None,
            None if port.is_empty() => None,
            None => return None,
        };
        Some(Self { name, port })
    }

    fn of_origin(origin: &'a str) -> Option<Self> {
        let (scheme, rest) = origin.split_once("://")?;
        let default = match scheme {
            "http" => 80,
            "https" => 443,
            _ => return None,
        };
        let host = Self::parse(rest)?;
        Some(Self { port: host.port.or(Some(default)), ..host })
    }

    /// Whether an origin has this host. Which port is the default one of `Host` depends on a scheme that a proxy may change.
    fn is_same_as(&self, origin: &Self) -> bool {
        let ports = match self.port {
            Some(port) => origin.port == Some(port),
            None => matches!(origin.port, Some(80 | 443)),
        };
        ports && self.name.eq_ignore_ascii_case(origin.name)
    }
}

/// The one host of a request. HTTP/1.0 may have none.
fn host(request: &Request) -> Result<Option<Host<'_>>, Problem> {
    let mut values = request.headers().get_all(header::HOST).iter();
    let malformed = |received: String| {
        Problem::new(Kind::Malformed, format!("expected one header Host such as localhost:8080, received {received}"))
    };
    let Some(value) = values.next() else {
        return match request.version() {
            Version::HTTP_09 | Version::HTTP_10 => Ok(None),
            _ => Err(malformed("none".to_owned())),
        };
    };
    if values.next().is_some() {
        return Err(malformed("several".to_owned()));
    }
    let text = String::from_utf8_lossy(value.as_bytes());
    let host = value.to_str().ok().and_then(Host::parse).ok_or_else(|| malformed(format!("{:?}", cut(&text))))?;
    // The target of a request may name the host itself, and then it is the one that counts.
    match request.uri().authority() {
        None => Ok(Some(host)),
        Some(authority) => {
            let target = authority.as_str();
            let target = target.rsplit_once('@').map_or(target, |(_, host)| host);
            Host::parse(target).map(Some).ok_or_else(|| malformed(format!("{:?} in the target", cut(target))))
        }
    }
}

/// Headers that keep browsers from showing an answer in a frame, as another type, or with scripts of others.
pub fn protect(headers: &mut HeaderMap, path: &str) {
    let policy = if path.starts_with("/docs") { DOCUMENTATION_POLICY } else { POLICY };
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read_with_their_ports() {
        for (text, name, port) in [
            ("localhost", "localhost", None),
            ("localhost:", "localhost", None),
            ("127.0.0.1:8080", "127.0.0.1", Some(8080)),
            ("[::1]:80", "::1", Some(80)),
            ("a_b.example-1.org", "a_b.example-1.org", None),
        ] {
            assert_eq!(Host::parse(text), Some(Host { name, port }), "{text}");
        }
        for text in ["", ":80", "a:b", "a:99999", "a b", "a/b", "a@b", "a,b", "[::1", "[x]", "[::1]80", "a:1:2", "é"] {
            assert_eq!(Host::parse(text), None, "{text}");
        }
    }
}
