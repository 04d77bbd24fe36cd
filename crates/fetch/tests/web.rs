//! Files from a real HTTPS server, with what goes wrong on the way.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::error::Error;
use std::fs;
use std::io::Read;
use std::time::Duration;

use qx_fetch::testing::{Fault, Server};
use qx_fetch::{Settings, Web};

/// More than fits into what two ends of a connection keep for each other.
const LONG: usize = 8 << 20;

struct Desk {
    _files: tempfile::TempDir,
    server: Server,
    web: Web,
    content: Vec<u8>,
}

impl Desk {
    /// A server with `small.json` and `long.qxu`, and a host that trusts it.
    fn new() -> Self {
        let files = tempfile::tempdir().unwrap();
        let content: Vec<u8> = (0..LONG).map(|at| (at / 7 % 251) as u8).collect();
        fs::write(files.path().join("small.json"), "{}").unwrap();
        fs::write(files.path().join("long.qxu"), &content).unwrap();
        let server = Server::start(files.path());
        let web = Web::new(&Settings {
            proxy: None,
            authorities: vec![server.authority().to_owned()],
        });
        Self {
            _files: files,
            server,
            web: web.unwrap(),
            content,
        }
    }

    fn url(&self, file: &str) -> String {
        format!("{}/{file}", self.server.url("localhost"))
    }

    /// The long file as somebody gets it who expects it to be so long.
    fn download(&self, bytes: usize) -> Result<Vec<u8>, String> {
        let mut content = Vec::new();
        let download = self.web.download(&self.url("long.qxu"), bytes as u64);
        let read = download.pausing(Duration::ZERO).read_to_end(&mut content);
        read.map(|_| content).map_err(|error| said(&error))
    }

    fn get(&self, file: &str) -> Result<Vec<u8>, String> {
        self.web
            .get(&self.url(file), 1000)
            .map_err(|error| said(&error))
    }
}

/// The error and what caused it.
fn said(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

#[test]
fn an_authority_of_ones_own_is_refused_until_it_is_named() {
    let desk = Desk::new();
    assert_eq!(desk.get("small.json").unwrap(), b"{}");
    let stranger = Web::new(&Settings::default()).unwrap();
    let error = said(&stranger.get(&desk.url("small.json"), 1000).unwrap_err());
    assert!(
        error.contains("cannot be had") && error.contains("certificate"),
        "{error}"
    );
    let other = Web::new(&Settings {
        proxy: None,
        authorities: vec![Desk::new().server.authority().to_owned()],
    });
    other
        .unwrap()
        .get(&desk.url("small.json"), 1000)
        .unwrap_err();
    // The right authority, and a host that the certificate does not name.
    let elsewhere = format!("{}/small.json", desk.server.url("[::ffff:127.0.0.1]"));
    let error = said(&desk.web.get(&elsewhere, 1000).unwrap_err());
    assert!(error.contains("certificate"), "{error}");
}

#[test]
fn what_is_not_there_too_long_or_elsewhere_is_said() {
    let desk = Desk::new();
    let error = desk.get("none.json").unwrap_err();
    assert!(
        error.contains("answers 404 Not Found for https://localhost"),
        "{error}"
    );
    let error = desk.get("long.qxu").unwrap_err();
    assert!(error.contains("longer than 1000 bytes"), "{error}");
    let plain = desk.url("small.json").replace("https:", "http:");
    let error = said(&desk.web.get(&plain, 1000).unwrap_err());
    assert!(error.to_lowercase().contains("https"), "{error}");
    desk.server.fault("moved.json", Fault::Redirect(plain));
    let error = desk.get("moved.json").unwrap_err();
    assert!(error.to_lowercase().contains("https"), "{error}");
    let url = desk.url("small.json");
    desk.server.fault("near.json", Fault::Redirect(url));
    assert_eq!(desk.get("near.json").unwrap(), b"{}");
    let round = desk.url("round.json");
    desk.server.fault("round.json", Fault::Redirect(round));
    desk.get("round.json").unwrap_err();
}

#[test]
fn a_download_that_breaks_goes_on_where_it_was() {
    let desk = Desk::new();
    for (after, times) in [(0, 1), (1 << 20, 2), (LONG - 1, 1)] {
        desk.server.fault("long.qxu", Fault::Cut { after, times });
    }
    assert!(desk.download(LONG).unwrap() == desk.content);
    assert_eq!(desk.server.cuts(), 4);
    let asked = desk.server.asked("long.qxu");
    assert_eq!(asked.len(), 5, "{asked:?}");
    assert!(asked.last().unwrap().unwrap() > 1 << 20, "{asked:?}");
}

#[test]
fn a_server_without_ranges_sends_it_all_again_and_the_file_is_the_same() {
    let desk = Desk::new();
    desk.server.fault("long.qxu", Fault::NoRanges);
    let cut = Fault::Cut {
        after: 3 << 20,
        times: 1,
    };
    desk.server.fault("long.qxu", cut);
    assert!(desk.download(LONG).unwrap() == desk.content);
    assert_eq!(desk.server.cuts(), 1);
}

#[test]
fn a_server_that_always_breaks_at_the_same_place_is_given_up() {
    let desk = Desk::new();
    let cut = Fault::Cut {
        after: 1 << 20,
        times: 100,
    };
    desk.server.fault("long.qxu", cut);
    let error = desk.download(LONG).unwrap_err();
    assert!(error.contains("broke 6 times in a row"), "{error}");
    assert!(desk.server.cuts() >= 6);
}

#[test]
fn a_file_of_another_length_than_announced_is_refused_whether_its_length_is_told_or_not() {
    for length_is_told in [true, false] {
        let desk = Desk::new();
        if !length_is_told {
            desk.server.fault("long.qxu", Fault::NoLength);
        }
        let longer = desk.download(LONG - 1).unwrap_err();
        assert!(longer.contains("bytes long, and"), "{longer}");
        let shorter = desk.download(LONG + 1).unwrap_err();
        let says = ["bytes long, and", "answers 416"];
        assert!(
            says.iter().any(|words| shorter.contains(words)),
            "{shorter}"
        );
        assert!(desk.download(LONG).unwrap() == desk.content);
    }
}

#[test]
fn a_file_that_is_not_there_is_not_asked_for_again_and_a_busy_server_is() {
    let desk = Desk::new();
    desk.server
        .fault("long.qxu", Fault::Status("403 Forbidden"));
    let error = desk.download(LONG).unwrap_err();
    assert!(error.contains("403"), "{error}");
    assert_eq!(desk.server.asked("long.qxu").len(), 1);
    let desk = Desk::new();
    desk.server.fault("long.qxu", Fault::Status("503 Busy"));
    let error = desk.download(LONG).unwrap_err();
    assert!(error.contains("503"), "{error}");
    assert_eq!(desk.server.asked("long.qxu").len(), 6);
}

#[test]
fn a_proxy_that_is_none_and_a_certificate_that_is_none_are_named() {
    let wrong = Settings {
        proxy: Some("not a url".into()),
        authorities: vec![],
    };
    let error = said(&Web::new(&wrong).unwrap_err());
    assert!(error.contains("not a url is no proxy"), "{error}");
}

#[test]
fn everything_goes_through_the_proxy_when_there_is_one() {
    let desk = Desk::new();
    let (proxy, asked) = proxy();
    let web = Web::new(&Settings {
        proxy: Some(proxy),
        authorities: vec![desk.server.authority().to_owned()],
    });
    assert_eq!(
        web.unwrap().get(&desk.url("small.json"), 1000).unwrap(),
        b"{}"
    );
    let line = asked.recv_timeout(Duration::from_secs(30)).unwrap();
    assert!(line.starts_with("CONNECT localhost:"), "{line}");
}

/// A proxy for one connection: its URL, and what it was asked for.
fn proxy() -> (String, std::sync::mpsc::Receiver<String>) {
    use std::io::{BufRead, BufReader, Write};
    use std::net::{TcpListener, TcpStream};
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let (client, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(client.try_clone().unwrap());
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let mut header = String::from("-");
        while !header.trim().is_empty() {
            header.clear();
            reader.read_line(&mut header).unwrap();
        }
        let target = line.split(' ').nth(1).unwrap().to_owned();
        tell.send(line).unwrap();
        let port = target.rsplit(':').next().unwrap();
        let server = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
        let (mut client, mut to_client) = (client, server.try_clone().unwrap());
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        let mut back = client.try_clone().unwrap();
        std::thread::spawn(move || std::io::copy(&mut to_client, &mut back).ok());
        let mut server = server;
        std::io::copy(&mut client, &mut server).ok();
    });
    (url, told)
}
