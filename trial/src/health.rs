//! Asks the node daemon over its Unix socket how the host is: `GET /readyz`. One request of HTTP/1.0
//! (RFC 1945), after which the daemon closes the connection.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use rustix::net::sockopt::socket_peercred;
use serde::Deserialize;

/// A daemon that is slower than this does not answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Far above any answer.
const LONGEST: u64 = 1 << 20;
const REQUEST: &[u8] = b"GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n";

/// How the host is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Health {
    /// The daemon does not answer.
    Silent,
    /// It does.
    Answers {
        /// Its process.
        pid: i32,
        /// Names of the checks that fail.
        failing: Vec<String>,
    },
}

#[derive(Deserialize)]
struct Readiness {
    checks: Vec<Check>,
}

#[derive(Deserialize)]
struct Check {
    name: String,
    ok: bool,
}

/// Asks the daemon at `socket`.
pub(crate) fn ask(socket: &Path) -> Health {
    // Why it does not answer is in the daemon's own log.
    try_to_ask(socket).unwrap_or(Health::Silent)
}

fn try_to_ask(socket: &Path) -> io::Result<Health> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let pid = socket_peercred(&stream)?.pid.as_raw_nonzero().get();
    stream.write_all(REQUEST)?;
    let mut answer = Vec::new();
    stream.take(LONGEST).read_to_end(&mut answer)?;
    let failing = failing(&answer).ok_or(io::ErrorKind::InvalidData)?;
    Ok(Health::Answers { pid, failing })
}

/// The checks that fail by an answer; both a ready host's (200) and another's (503) list all of them.
fn failing(answer: &[u8]) -> Option<Vec<String>> {
    const BLANK: &[u8] = b"\r\n\r\n";
    let end = answer
        .windows(BLANK.len())
        .position(|window| window == BLANK)?;
    let (head, body) = answer.split_at_checked(end + BLANK.len())?;
    let status = head.split(|byte| *byte == b' ').nth(1)?;
    if status != b"200" && status != b"503" {
        return None;
    }
    let readiness: Readiness = serde_json::from_slice(body).ok()?;
    let failing = readiness.checks.into_iter().filter(|check| !check.ok);
    Some(failing.map(|check| check.name).collect())
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;
    use std::thread;

    use super::*;

    const BODY: &str = r#"{"ready":false,"checks":[{"name":"hypervisor","ok":true,"detail":"x"},
        {"name":"network","ok":false,"detail":"no interface has an address"}]}"#;

    /// What is made of an answer, over a real socket.
    fn asked(answer: String) -> Health {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("node.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 512];
            let length = stream.read(&mut request).unwrap();
            assert_eq!(&request[..length], REQUEST);
            stream.write_all(answer.as_bytes()).unwrap();
        });
        let health = ask(&socket);
        server.join().unwrap();
        health
    }

    #[test]
    fn failing_checks_and_the_daemon_process_are_told() {
        let health = asked(format!(
            "HTTP/1.0 503 Service Unavailable\r\nx: y\r\n\r\n{BODY}"
        ));
        let pid = i32::try_from(std::process::id()).unwrap();
        let failing = vec!["network".to_owned()];
        assert_eq!(health, Health::Answers { pid, failing });
    }

    #[test]
    fn an_answer_that_is_none_is_silence() {
        for answer in [
            "HTTP/1.0 200 OK\r\n\r\nnot json".to_owned(),
            format!("HTTP/1.0 500 Internal Server Error\r\n\r\n{BODY}"),
            "HTTP/1.0 200 OK\r\n".to_owned(),
            String::new(),
        ] {
            assert_eq!(asked(answer.clone()), Health::Silent, "{answer}");
        }
        assert_eq!(ask(Path::new("/nonexistent/node.sock")), Health::Silent);
    }
}
