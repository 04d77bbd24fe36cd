//! A web server for tests: real HTTPS with an authority of its own, and faults that are counted when they fire.

#![expect(
    clippy::unwrap_used,
    reason = "a test's server fails the test by panicking"
)]

use std::collections::HashMap;
use std::fs;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType,
};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

const PIECE: usize = 64 << 10;

/// See the module. It serves one directory until the process ends.
pub struct Server {
    port: u16,
    authority: String,
    state: Arc<Mutex<State>>,
}

/// What a file's answer has wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The connection breaks after so many bytes of the file, so many times.
    Cut {
        /// Of the whole file.
        after: usize,
        /// How often still.
        times: u32,
    },
    /// Ranges are not heeded.
    NoRanges,
    /// The length is not told.
    NoLength,
    /// The answer is elsewhere.
    Redirect(String),
    /// Another status than 200.
    Status(&'static str),
}

struct State {
    directory: PathBuf,
    faults: HashMap<String, Vec<Fault>>,
    /// File and first byte of each request.
    asked: Vec<(String, Option<usize>)>,
    cuts: u32,
}

impl Server {
    /// Serves the files of `directory` on a port of 127.0.0.1. The certificate is for localhost, 127.0.0.1, and
    /// 10.0.2.2, which is this machine as QEMU's user network shows it.
    ///
    /// # Panics
    /// When it can't be started.
    #[must_use]
    pub fn start(directory: &Path) -> Self {
        let (authority, config) = certificates();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State {
            directory: directory.to_owned(),
            faults: HashMap::new(),
            asked: Vec::new(),
            cuts: 0,
        }));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (state, config) = (Arc::clone(&shared), Arc::clone(&config));
                // A client that gives up is no fault of the server.
                thread::spawn(move || answer(stream, config, &state).ok());
            }
        });
        Self {
            port,
            authority,
            state,
        }
    }

    /// The directory, as `https://HOST:PORT`, for a host that the certificate names.
    #[must_use]
    pub fn url(&self, host: &str) -> String {
        format!("https://{host}:{}", self.port)
    }

    /// The authority's certificate in PEM form.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// From now on answers for `file` have this fault too.
    ///
    /// # Panics
    /// When the server panicked.
    pub fn fault(&self, file: &str, fault: Fault) {
        let mut state = self.state.lock().unwrap();
        state.faults.entry(file.to_owned()).or_default().push(fault);
    }

    /// How often a connection was cut.
    ///
    /// # Panics
    /// When the server panicked.
    #[must_use]
    pub fn cuts(&self) -> u32 {
        self.state.lock().unwrap().cuts
    }

    /// The first byte of each request for `file`; `None` for one of the whole.
    ///
    /// # Panics
    /// When the server panicked.
    #[must_use]
    pub fn asked(&self, file: &str) -> Vec<Option<usize>> {
        let state = self.state.lock().unwrap();
        let of_file = state.asked.iter().filter(|(asked, _)| asked == file);
        of_file.map(|(_, first)| *first).collect()
    }
}

fn certificates() -> (String, Arc<ServerConfig>) {
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    authority
        .distinguished_name
        .push(DnType::CommonName, "A test's own authority");
    let pem = authority.self_signed(&authority_key).unwrap().pem();
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().unwrap();
    let mut leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    for address in [Ipv4Addr::LOCALHOST, Ipv4Addr::new(10, 0, 2, 2)] {
        leaf.subject_alt_names
            .push(SanType::IpAddress(IpAddr::V4(address)));
    }
    let certificate = leaf.signed_by(&key, &issuer).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        )
        .unwrap();
    (pem, Arc::new(config))
}

/// One request on one connection.
fn answer(stream: TcpStream, config: Arc<ServerConfig>, state: &Mutex<State>) -> io::Result<()> {
    let connection = ServerConnection::new(config).map_err(io::Error::other)?;
    let mut stream = StreamOwned::new(connection, stream);
    let (file, first) = request(&mut stream)?;
    let (content, faults) = {
        let mut state = state.lock().unwrap();
        state.asked.push((file.clone(), first));
        let content = fs::read(state.directory.join(&file));
        (
            content,
            state.faults.get(&file).cloned().unwrap_or_default(),
        )
    };
    for fault in &faults {
        let head = match fault {
            Fault::Redirect(to) => format!("302 Found\r\nlocation: {to}"),
            Fault::Status(status) => (*status).to_owned(),
            _ => continue,
        };
        return end(stream, &format!("{head}\r\ncontent-length: 0"), &[]);
    }
    let Ok(content) = content else {
        return end(stream, "404 Not Found\r\ncontent-length: 0", &[]);
    };
    let first = first.filter(|_| !faults.contains(&Fault::NoRanges));
    let start = first.unwrap_or(0);
    if start >= content.len() && start > 0 {
        return end(
            stream,
            "416 Range Not Satisfiable\r\ncontent-length: 0",
            &[],
        );
    }
    let mut head = match first {
        Some(start) => format!(
            "206 Partial Content\r\ncontent-range: bytes {start}-{}/{}",
            content.len() - 1,
            content.len()
        ),
        None => "200 OK".to_owned(),
    };
    if !faults.contains(&Fault::NoLength) {
        head.push_str(&format!("\r\ncontent-length: {}", content.len() - start));
    }
    match cut(&mut state.lock().unwrap(), &file, start) {
        // Dropping it ends the connection without a word.
        Some(after) => write(
            &mut stream,
            &head,
            &content[start..after.min(content.len())],
        ),
        None => end(stream, &head, &content[start..]),
    }
}

/// Where the connection breaks, if it does.
fn cut(state: &mut MutexGuard<'_, State>, file: &str, start: usize) -> Option<usize> {
    let faults = state.faults.get_mut(file)?;
    let at = faults.iter_mut().find_map(|fault| match fault {
        Fault::Cut { after, times } if *times > 0 && start <= *after => {
            *times -= 1;
            Some(*after)
        }
        _ => None,
    })?;
    state.cuts += 1;
    Some(at)
}

/// The file that is asked for, and its first byte.
fn request(stream: &mut impl Read) -> io::Result<(String, Option<usize>)> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && head.len() < 16 << 10 {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
    let path = head.split(' ').nth(1).unwrap_or_default();
    let first = head.lines().find_map(|line| {
        let range = line.strip_prefix("range: bytes=")?;
        range.strip_suffix('-')?.parse().ok()
    });
    Ok((path.trim_start_matches('/').to_owned(), first))
}

fn write(stream: &mut impl Write, head: &str, body: &[u8]) -> io::Result<()> {
    write!(stream, "HTTP/1.1 {head}\r\nconnection: close\r\n\r\n")?;
    for piece in body.chunks(PIECE) {
        stream.write_all(piece)?;
    }
    stream.flush()
}

fn end(
    mut stream: StreamOwned<ServerConnection, TcpStream>,
    head: &str,
    body: &[u8],
) -> io::Result<()> {
    write(&mut stream, head, body)?;
    stream.conn.send_close_notify();
    stream.flush()?;
    // The client has everything when it hangs up.
    io::copy(&mut stream.sock, &mut io::sink()).map(drop)
}
