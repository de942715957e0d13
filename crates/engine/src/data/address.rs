//! Where downloads come from: https, or this machine, wherever a server sends on to.

use std::time::Duration;

use iri_string::types::{UriAbsoluteString, UriReferenceStr};
use ureq::Error;
use ureq::http::header::{LOCATION, RANGE};
use ureq::http::{Response, Uri};

/// How often a server may send on.
const REDIRECTS: u32 = 10;

/// An address that is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address(Uri);

impl Address {
    /// # Errors
    /// It is no address, or neither https nor this machine's.
    pub(super) fn of(url: &str) -> Result<Self, Error> {
        let address = Self(url.parse().map_err(|_| Error::BadUri(url.to_owned()))?);
        match address.0.scheme_str() {
            Some("https") => Ok(address),
            Some("http") if address.is_loopback() => Ok(address),
            Some("http") => Err(Error::RequireHttpsOnly(url.to_owned())),
            _ => Err(Error::BadUri(url.to_owned())),
        }
    }

    /// Whether it is one of this machine by name or number, which nobody listens in on.
    fn is_loopback(&self) -> bool {
        let host = self.0.host().unwrap_or_default();
        let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
        let ip = ip.map(|ip| ip.to_canonical());
        host.eq_ignore_ascii_case("localhost") || ip.is_ok_and(|ip| ip.is_loopback() || ip.is_unspecified())
    }

    /// Where `location`, an answer's header, leads from here (RFC 3986, 5.2).
    ///
    /// # Errors
    /// It is empty, is no address, is not https, or leads from elsewhere to this machine.
    fn sent_on(&self, location: &str) -> Result<Self, Error> {
        let nowhere = || Error::BadUri(location.to_owned());
        if location.is_empty() {
            return Err(Error::BadUri("it sends on to nowhere".to_owned()));
        }
        let base = UriAbsoluteString::try_from(self.0.to_string()).map_err(|_| nowhere())?;
        let next = UriReferenceStr::new(location).map_err(|_| nowhere())?.resolve_against(&base).to_string();
        let next = Self::of(&next)?;
        if next.is_loopback() && !self.is_loopback() { Err(nowhere()) } else { Ok(next) }
    }
}

/// Asks for the file from byte `have` on; follows where the server sends on to.
///
/// # Errors
/// Nobody answers within `silence`, or a server sends on to nowhere.
pub(super) fn ask(mut address: Address, have: u64, silence: Duration) -> Result<Response<ureq::Body>, Error> {
    let agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_resolve(Some(silence))
        .timeout_connect(Some(silence))
        .timeout_recv_response(Some(silence))
        .timeout_per_read(Some(silence))
        .build()
        .new_agent();
    for _ in 0..=REDIRECTS {
        let request = agent.get(&address.0);
        let request = if have > 0 { request.header(RANGE, format!("bytes={have}-")) } else { request };
        let response = request.call()?;
        if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
            return Ok(response);
        }
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        address = address.sent_on(location.unwrap_or_default())?;
    }
    Err(Error::TooManyRedirects)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_or_this_machine() {
        let is_taken = |url: &str| Address::of(url).is_ok();
        for url in
            ["https://a.org/x", "http://127.0.0.1:1/x", "http://127.9.9.9/x", "http://localhost/", "http://[::1]:8/x"]
        {
            assert!(is_taken(url), "{url}");
        }
        for url in [
            "http://a.org/x",
            "http://localhost.a.org/",
            "http://127.0.0.1.a.org/",
            "ftp://a.org/x",
            "file:///x",
            "x",
            "",
        ] {
            assert!(!is_taken(url), "{url}");
        }
    }

    #[test]
    fn a_server_sends_on_within_the_same_bounds() {
        let from =
            |url: &str, location: &str| Address::of(url).unwrap().sent_on(location).map(|next| next.0.to_string());
        assert_eq!(from("https://a.org/d/x", "y?z=1").unwrap(), "https://a.org/d/y?z=1");
        assert_eq!(from("https://a.org/d/x", "/y").unwrap(), "https://a.org/y");
        assert_eq!(from("https://a.org/d/x", "//b.org/y").unwrap(), "https://b.org/y");
        assert_eq!(from("https://a.org/d/x?y", "?z=1").unwrap(), "https://a.org/d/x?z=1");
        assert_eq!(from("https://a.org/d/x", "../y").unwrap(), "https://a.org/y");
        assert_eq!(
            from("https://a.org/d/x", "/y?next=https://b.org/z").unwrap(),
            "https://a.org/y?next=https://b.org/z"
        );
        assert_eq!(from("http://127.0.0.1:1/x", "https://b.org/y").unwrap(), "https://b.org/y");
        for location in [
            "",
            "http://a.org/x",
            "http://127.0.0.1/x",
            "https://localhost/x",
            "https://0.0.0.0/x",
            "https://[::]/x",
            "https://[::ffff:127.0.0.1]/x",
            "file:///etc/passwd",
            "http://",
        ] {
            assert!(from("https://a.org/d/x", location).is_err(), "{location}");
        }
    }
}
