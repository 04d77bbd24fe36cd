//! The answer file from a web server: `quantix.seed=URL` on the kernel's command line.

use std::fs;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use ureq::Agent;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};

/// The authorities that the image trusts.
const AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";
/// DHCP, a switch that learns, a name server that wakes up.
const NETWORK: Duration = Duration::from_secs(120);
const ONE_CALL: Duration = Duration::from_secs(20);
/// Far above any answer file.
const LONGEST: u64 = 1 << 20;

/// The URL that the kernel's command line names; the last one counts, as for the kernel's own switches.
#[must_use]
pub fn seed_url(cmdline: &str) -> Option<&str> {
    cmdline
        .split_ascii_whitespace()
        .filter_map(|word| word.strip_prefix("quantix.seed="))
        .next_back()
}

/// Gets the text at `url`; waits for the network to come up.
///
/// # Errors
/// When it is no URL of HTTP or HTTPS, the server refuses, or nothing answers in time.
pub fn fetch(url: &str) -> Result<String> {
    fetch_within(url, NETWORK)
}

fn fetch_within(url: &str, within: Duration) -> Result<String> {
    if !(url.starts_with("https://") || url.starts_with("http://")) {
        bail!("quantix.seed={url}: must be an https:// or http:// URL");
    }
    let agent = agent()?;
    let end = Instant::now() + within;
    loop {
        let answer = agent.get(url).call();
        match answer {
            Ok(mut answer) if answer.status().as_u16() == 200 => {
                return answer
                    .body_mut()
                    .with_config()
                    .limit(LONGEST)
                    .read_to_string()
                    .with_context(|| format!("cannot read the answer file at {url}"));
            }
            Ok(answer) if !answer.status().is_server_error() => {
                bail!("the server of {url} answers {}", answer.status());
            }
            Ok(answer) if Instant::now() > end => {
                bail!("the server of {url} answers {}", answer.status());
            }
            Err(error) if Instant::now() > end => {
                return Err(error).with_context(|| {
                    format!(
                        "cannot get the answer file at {url} within {} s",
                        within.as_secs()
                    )
                });
            }
            Ok(_) | Err(_) => thread::sleep(Duration::from_secs(1)),
        }
    }
}

fn agent() -> Result<Agent> {
    // A machine without them has no HTTPS, which the call then says.
    let pem = fs::read(AUTHORITIES).unwrap_or_default();
    let authorities: Vec<Certificate<'static>> = parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .root_certs(RootCerts::Specific(Arc::new(authorities)))
        .build();
    Ok(Agent::new_with_config(
        Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .timeout_global(Some(ONE_CALL))
            .build(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;

    /// A web server that gives these answers, one a connection.
    fn server(answers: Vec<String>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/quantix.toml", listener.local_addr().unwrap());
        thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).unwrap();
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        url
    }

    fn answer(status: &str, body: &str) -> String {
        let length = body.len();
        format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
    }

    const SOON: Duration = Duration::from_secs(30);

    #[test]
    fn a_file_is_fetched_even_if_the_server_needs_a_moment() {
        let url = server(vec![
            answer("503 Starting", ""),
            answer("200 OK", "version = 1\n"),
        ]);
        assert_eq!(fetch_within(&url, SOON).unwrap(), "version = 1\n");
    }

    #[test]
    fn a_file_that_is_not_there_or_too_long_is_said_at_once() {
        let url = server(vec![answer("404 Not Found", "")]);
        let error = fetch_within(&url, SOON).unwrap_err().to_string();
        assert!(error.ends_with("answers 404 Not Found"), "{error}");
        let url = server(vec![answer("200 OK", &"#".repeat(2 << 20))]);
        let error = fetch_within(&url, SOON).unwrap_err().to_string();
        assert!(error.starts_with("cannot read the answer file"), "{error}");
    }

    #[test]
    fn a_server_that_is_not_there_and_another_scheme_are_refused() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        drop(listener);
        let error = fetch_within(&url, Duration::ZERO).unwrap_err().to_string();
        assert!(
            error.starts_with("cannot get the answer file at http://127"),
            "{error}"
        );
        let error = fetch("file:///etc/shadow").unwrap_err().to_string();
        assert!(
            error.contains("must be an https:// or http:// URL"),
            "{error}"
        );
    }

    #[test]
    fn the_url_is_found_on_the_command_line() {
        let line = "quiet quantix.seed=https://a/1 quantix.media=x quantix.seed=https://b/2\n";
        assert_eq!(seed_url(line), Some("https://b/2"));
        assert_eq!(seed_url("quiet xquantix.seed=1"), None);
    }
}
