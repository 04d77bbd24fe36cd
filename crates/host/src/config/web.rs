//! Values that say how other machines are reached: feeds, proxies, authorities.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::types::{ServerName, ValueError, shown_as_text, text_type};

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";
/// Far above any certificate.
const MOST_PEM_BYTES: usize = 32 << 10;

shown_as_text!(FeedUrl, Channel, ProxyUrl);

text_type!(
    /// The directory of an update feed, as an HTTPS URL without user, query or fragment.
    FeedUrl, is_feed_url,
    "must be an https:// URL of a directory, for instance \"https://updates.example.org/quantix\""
);
text_type!(
    /// A stream of releases.
    Channel, is_channel,
    "must be 1 to 32 lower-case letters, digits or '-', for instance \"stable\""
);
text_type!(
    /// A proxy, as `http://host:port`.
    ProxyUrl, is_proxy_url,
    "must be a proxy as in \"http://proxy.example.org:3128\", or \"\" for none"
);

impl FeedUrl {
    /// The URL of a file in the directory.
    #[must_use]
    pub fn file(&self, name: &str) -> String {
        format!("{}/{name}", self.as_str().trim_end_matches('/'))
    }
}

impl Default for Channel {
    fn default() -> Self {
        Self("stable".to_owned())
    }
}

fn is_feed_url(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("https://") else {
        return false;
    };
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~%+".contains(&byte);
    text.len() <= 512
        && is_authority(authority)
        && path.bytes().all(good)
        && path.split('/').all(|part| part != "..")
}

fn is_proxy_url(text: &str) -> bool {
    text.len() <= 512
        && text
            .strip_prefix("http://")
            .is_some_and(|rest| is_authority(rest.trim_end_matches('/')))
}

/// A host by name or address, with or without a port.
fn is_authority(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) if address.parse::<Ipv6Addr>().is_ok() => ("v6", port),
        Some(_) => return false,
        None => match text.rfind(':') {
            Some(at) => text.split_at(at),
            None => (text, ""),
        },
    };
    let is_port = |port: &str| {
        port.bytes().all(|byte| byte.is_ascii_digit())
            && port.parse::<u16>().is_ok_and(|port| port > 0)
    };
    ServerName::from_str(host).is_ok_and(|name| !name.as_str().contains(':'))
        && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
}

fn is_channel(text: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=32).contains(&text.len()) && text.bytes().all(good)
}

/// An authority's certificate in PEM form (RFC 7468). Unlike other values it has line ends.
#[derive(Clone, PartialEq, Eq)]
pub struct CaCertificate(String);

impl CaCertificate {
    /// The PEM text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CaCertificate {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let wanted = ValueError::new(
            "must be one certificate in PEM form, from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----",
        );
        let text = text.trim();
        let body = text
            .strip_prefix(BEGIN)
            .and_then(|rest| rest.strip_suffix(END))
            .filter(|_| text.len() <= MOST_PEM_BYTES)
            .ok_or(wanted.clone())?;
        let body: String = body.split_ascii_whitespace().collect();
        // A DER sequence: what is in it, TLS says.
        match STANDARD.decode(&body) {
            Ok(der) if der.first() == Some(&0x30) && der.len() > 64 => Ok(Self(pem(&body))),
            _ => Err(wanted),
        }
    }
}

/// The text in lines as RFC 7468 wants it, so that equal certificates are equal values.
fn pem(body: &str) -> String {
    let mut pem = format!("{BEGIN}\n");
    for line in body.as_bytes().chunks(64) {
        pem.extend(line.iter().map(|byte| char::from(*byte)));
        pem.push('\n');
    }
    pem.push_str(END);
    pem.push('\n');
    pem
}

impl fmt::Debug for CaCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CaCertificate({} bytes)", self.0.len())
    }
}

impl fmt::Display for CaCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_is_a_directory_over_https_and_nothing_else() {
        for good in [
            "https://updates.example.org",
            "https://updates.example.org/quantix/stable/",
            "https://10.0.2.2:8443/a",
            "https://[2001:db8::1]:8443/a",
        ] {
            let feed: FeedUrl = good.parse().unwrap_or_else(|_| panic!("{good}"));
            assert!(feed.file("index.json").ends_with("/index.json"));
            assert!(!feed.file("index.json").contains("//index"), "{good}");
        }
        for wrong in [
            "",
            "https://",
            "http://updates.example.org",
            "file:///etc/shadow",
            "https://user@updates.example.org/",
            "https://updates.example.org/?a=b",
            "https://updates.example.org/#a",
            "https://updates.example.org/a/../b",
            "https://updates.example.org:0/",
            "https://updates.example.org:99999/",
            "https://updates.example.org:/",
            "https://2001:db8::1/a",
            "https://up dates.example.org/",
            "https://updates.example.org/a\"b",
            "https://updates.example.org/a\r\nHost: b",
        ] {
            assert!(wrong.parse::<FeedUrl>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_proxy_is_a_host_with_or_without_a_port() {
        for good in [
            "http://proxy:3128",
            "http://10.0.0.1:8080/",
            "http://proxy.example.org",
        ] {
            assert!(good.parse::<ProxyUrl>().is_ok(), "{good}");
        }
        for wrong in [
            "proxy:3128",
            "socks5://proxy",
            "http://a:b@proxy:3128",
            "http://proxy/path",
        ] {
            assert!(wrong.parse::<ProxyUrl>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_certificate_is_one_however_its_lines_are_broken() {
        let der: Vec<u8> = [0x30].into_iter().chain([7; 200]).collect();
        let body = STANDARD.encode(&der);
        let one: CaCertificate = format!("\n{BEGIN}\r\n{body}\r\n{END}\n\n").parse().unwrap();
        assert_eq!(one.as_str().parse::<CaCertificate>().unwrap(), one);
        for wrong in [
            String::new(),
            body.clone(),
            format!("{BEGIN}\n{END}"),
            format!("{BEGIN}\n{body}"),
            format!("{BEGIN}\n{body}\n{END}\n{BEGIN}\n{body}\n{END}"),
            format!("{BEGIN}\nnot base64!\n{END}"),
            one.as_str().replace("CERTIFICATE", "PRIVATE KEY"),
        ] {
            assert!(wrong.parse::<CaCertificate>().is_err(), "{wrong}");
        }
    }
}
