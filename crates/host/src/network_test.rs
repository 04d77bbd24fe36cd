//! Whether the network works, step by step: link, address, gateway, name servers, a name, the time. Each step
//! tells what was tried and what came of it; none waits long, and a failed one does not stop the others.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::inventory::{Inventory, Sources};

/// For an answer of another machine.
const PATIENCE: Duration = Duration::from_secs(3);
/// The resolver tries every server, and each again.
const LOOKUP: Duration = Duration::from_secs(12);
const POLL: Duration = Duration::from_millis(50);
/// `ATF_COM` (linux/if_arp.h): the neighbour has answered.
const COMPLETE: u32 = 0x2;
/// Seconds from 1900, where NTP begins (RFC 5905, section 6), to 1970.
const NTP_EPOCH: u64 = 2_208_988_800;
/// A clock that is off by more makes certificates and logs wrong.
const TOLERATED_S: u64 = 5;

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What was tested.
    pub what: &'static str,
    /// What was found, or why not.
    pub outcome: Result<String, String>,
}

/// What to test with.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Name to look up.
    pub name: String,
    /// Time servers that are configured.
    pub ntp: Vec<String>,
    /// The resolver's list of servers, `/etc/resolv.conf` on the product.
    pub resolver: PathBuf,
    /// Where the machine is read.
    pub sources: Sources,
}

/// Tests one step after the other; `tell` gets each when it is done.
pub fn run(wish: &Wish, mut tell: impl FnMut(Line)) {
    let inventory = Inventory::read(&wish.sources);
    let mut say = |what, outcome| tell(Line { what, outcome });
    say("Link", link(&inventory));
    say("Address", addresses(&inventory));
    say("Gateway", gateway(&wish.sources));
    for (number, server) in servers(&wish.resolver).into_iter().enumerate() {
        let what = ["Name server", "Name server 2", "Name server 3"];
        let what = what.get(number).copied().unwrap_or("Name server");
        say(what, server.and_then(|server| asks(server, &wish.name)));
    }
    say("Name lookup", lookup(&wish.name));
    say("Time", time(&wish.ntp));
}

fn link(inventory: &Inventory) -> Result<String, String> {
    let names = |carrier: bool| -> Vec<&str> {
        let nics = inventory.nics.iter();
        nics.filter(|nic| (nic.carrier == Some(true)) == carrier)
            .map(|nic| nic.name.as_str())
            .collect()
    };
    match (names(true), names(false)) {
        (up, down) if up.is_empty() && down.is_empty() => {
            Err("no network card was found".to_owned())
        }
        (up, down) if up.is_empty() => Err(format!("none on {}: check the cable", down.join(", "))),
        (up, _) => Ok(up.join(", ")),
    }
}

fn addresses(inventory: &Inventory) -> Result<String, String> {
    let wanted = inventory.management_interface.as_deref();
    let own = inventory.addresses.iter();
    let own: Vec<String> = own
        .filter(|address| wanted.is_none_or(|name| name == address.interface))
        .map(|address| address.address.to_string())
        .collect();
    if own.is_empty() {
        let place = wanted.unwrap_or("any interface");
        return Err(format!("none on {place}: does a DHCP server answer?"));
    }
    Ok(own.join(", "))
}

/// Whether the default gateway is there: it must answer ARP, which a firewall can't forbid it, unlike ping.
fn gateway(sources: &Sources) -> Result<String, String> {
    let routes = fs::read_to_string(sources.proc.join("net/route")).unwrap_or_default();
    let gateway =
        default_gateway(&routes).ok_or("none is known: only the own network is reached")?;
    let poke = || -> io::Result<()> {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        // Discard (RFC 863): the packet only makes the kernel look for its neighbour.
        socket.send_to(&[0], (gateway, 9)).map(drop)
    };
    poke().map_err(|error| format!("{gateway}: {error}"))?;
    let end = Instant::now() + PATIENCE;
    loop {
        let table = fs::read_to_string(sources.proc.join("net/arp")).unwrap_or_default();
        if has_answered(&table, gateway) {
            return Ok(format!("{gateway} answers"));
        }
        if Instant::now() >= end {
            return Err(format!(
                "{gateway} does not answer: is it the right address and VLAN?"
            ));
        }
        thread::sleep(POLL);
    }
}

/// Columns of `/proc/net/route`: interface, destination, gateway, flags …; addresses in hex, first byte last.
fn default_gateway(routes: &str) -> Option<Ipv4Addr> {
    routes.lines().skip(1).find_map(|line| {
        let mut columns = line.split_ascii_whitespace().skip(1);
        let destination = columns.next()?;
        let gateway = u32::from_str_radix(columns.next()?, 16).ok()?;
        (destination == "00000000" && gateway != 0).then(|| Ipv4Addr::from(gateway.to_le_bytes()))
    })
}

/// Columns of `/proc/net/arp`: address, type, flags, hardware address …
fn has_answered(table: &str, gateway: Ipv4Addr) -> bool {
    table.lines().skip(1).any(|line| {
        let mut columns = line.split_ascii_whitespace();
        let address: Option<Ipv4Addr> = columns.next().and_then(|text| text.parse().ok());
        let flags = columns.nth(1).and_then(|text| text.strip_prefix("0x"));
        let flags = flags.and_then(|text| u32::from_str_radix(text, 16).ok());
        address == Some(gateway) && flags.is_some_and(|flags| flags & COMPLETE != 0)
    })
}

fn servers(resolver: &std::path::Path) -> Vec<Result<IpAddr, String>> {
    let text = fs::read_to_string(resolver).unwrap_or_default();
    let words = text
        .lines()
        .filter_map(|line| line.strip_prefix("nameserver"));
    let found: Vec<_> = words
        .filter_map(|word| word.trim().parse().ok())
        .map(Ok)
        .collect();
    if found.is_empty() {
        vec![Err("none is known: enter one, or use DHCP".to_owned())]
    } else {
        found
    }
}

/// Asks one server for a name (RFC 1035, section 4); any answer that is one shows that it serves.
fn asks(server: IpAddr, name: &str) -> Result<String, String> {
    let question = question(name).ok_or_else(|| format!("{name} is no name to look up"))?;
    let ask = || -> io::Result<Vec<u8>> {
        let socket = socket_for(server)?;
        socket.connect(SocketAddr::new(server, 53))?;
        socket.send(&question)?;
        let mut answer = vec![0; 512];
        let length = socket.recv(&mut answer)?;
        answer.truncate(length);
        Ok(answer)
    };
    match ask() {
        Ok(answer) if answer.get(..2) == question.get(..2) => Ok(format!("{server} answers")),
        Ok(_) => Err(format!("{server} answers nonsense")),
        Err(error) => Err(format!("{server}: {}", plain_error(&error))),
    }
}

fn socket_for(server: IpAddr) -> io::Result<UdpSocket> {
    let any: IpAddr = match server {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => std::net::Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    Ok(socket)
}

/// A time-out reads as what it is.
fn plain_error(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
            format!("no answer within {} s", PATIENCE.as_secs())
        }
        _ => error.to_string(),
    }
}

/// A query for an A record.
fn question(name: &str) -> Option<Vec<u8>> {
    let mut message = Vec::new();
    let id = u16::try_from(std::process::id() & 0xffff).ok()?;
    for word in [id, 0x0100, 1, 0, 0, 0] {
        message.extend(word.to_be_bytes());
    }
    for label in name.trim_end_matches('.').split('.') {
        let length = u8::try_from(label.len()).ok();
        message.push(length.filter(|length| (1..64).contains(length))?);
        message.extend(label.as_bytes());
    }
    message.extend([0, 0, 1, 0, 1]);
    Some(message)
}

/// As every program on this host would look it up. The resolver has no time limit of ours: it is left behind.
fn lookup(name: &str) -> Result<String, String> {
    let (sender, receiver) = mpsc::channel();
    let wanted = name.to_owned();
    thread::spawn(move || {
        let found = (wanted.as_str(), 0).to_socket_addrs();
        // Nobody waits for it any more when it is late.
        let _ = sender.send(found.map(|mut found| found.next().map(|address| address.ip())));
    });
    match receiver.recv_timeout(LOOKUP) {
        Ok(Ok(Some(address))) => Ok(format!("{name} is {address}")),
        Ok(Ok(None)) => Err(format!("{name} has no address")),
        Ok(Err(error)) => Err(format!("{name}: {error}")),
        Err(_) => Err(format!("{name}: no answer within {} s", LOOKUP.as_secs())),
    }
}

fn time(servers: &[String]) -> Result<String, String> {
    if servers.is_empty() {
        return Err("no time server is configured".to_owned());
    }
    let mut problems = Vec::new();
    for server in servers.iter().take(3) {
        match clock_of(server) {
            Ok(theirs) => return compare(server, theirs),
            Err(error) => problems.push(format!("{server}: {}", plain_error(&error))),
        }
    }
    Err(problems.join("; "))
}

/// Seconds since 1970 by a time server (RFC 5905, section 7.3: a client's packet of version 4).
fn clock_of(server: &str) -> io::Result<u64> {
    let address = (server, 123).to_socket_addrs()?.next();
    let address = address.ok_or_else(|| io::Error::other("it has no address"))?;
    let socket = socket_for(address.ip())?;
    socket.connect(address)?;
    let mut packet = [0_u8; 48];
    packet[0] = 0x23;
    socket.send(&packet)?;
    let length = socket.recv(&mut packet)?;
    let seconds = packet.get(40..44).and_then(|bytes| bytes.try_into().ok());
    let seconds = u64::from(seconds.map_or(0, u32::from_be_bytes));
    if length < packet.len() || seconds < NTP_EPOCH {
        return Err(io::Error::other("it answers nonsense"));
    }
    Ok(seconds - NTP_EPOCH)
}

fn compare(server: &str, theirs: u64) -> Result<String, String> {
    let ours = SystemTime::now().duration_since(UNIX_EPOCH);
    let ours = ours.map_or(0, |time| time.as_secs());
    let off = ours.abs_diff(theirs);
    if off <= TOLERATED_S {
        return Ok(format!("{server} and this clock agree"));
    }
    let way = if ours > theirs { "ahead of" } else { "behind" };
    Err(format!("this clock is {off} s {way} {server}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_tables_are_read() {
        let routes = "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n\
            br0 0000A8C0 00000000 0001 0 0 0 00FFFFFF 0 0 0\nbr0 00000000 0100A8C0 0003 0 0 0 00000000 0 0 0\n";
        let gateway = Ipv4Addr::new(192, 168, 0, 1);
        assert_eq!(default_gateway(routes), Some(gateway));
        assert_eq!(default_gateway(""), None);
        let table = |flags| {
            format!(
                "IP address HW type Flags HW address Mask Device\n192.168.0.1 0x1 {flags} 52:54:00:12:34:56 * br0\n"
            )
        };
        assert!(has_answered(&table("0x2"), gateway));
        assert!(!has_answered(&table("0x0"), gateway));
        assert!(!has_answered(&table("0x2"), Ipv4Addr::new(192, 168, 0, 2)));
    }

    #[test]
    fn a_question_is_laid_out_as_the_rfc_has_it() {
        let message = question("pool.ntp.org").unwrap();
        assert_eq!(message[2..12], [1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(message[12..], *b"\x04pool\x03ntp\x03org\0\0\x01\0\x01");
        assert!(question("").is_none() && question(&"a".repeat(64)).is_none());
    }

    #[test]
    fn a_server_that_is_silent_is_said_to_be() {
        let dns = UdpSocket::bind("127.0.0.1:0").unwrap();
        let silent = socket_for("127.0.0.1".parse().unwrap()).unwrap();
        silent.connect(dns.local_addr().unwrap()).unwrap();
        silent
            .set_read_timeout(Some(Duration::from_millis(10)))
            .unwrap();
        let error = silent.recv(&mut [0]).unwrap_err();
        assert_eq!(plain_error(&error), "no answer within 3 s");
    }

    #[test]
    fn a_clock_that_is_off_is_said_to_be() {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs();
        assert!(compare("ntp", now).is_ok());
        let wrong = compare("ntp", now + 3600).unwrap_err();
        assert!(wrong.contains("s behind ntp"), "{wrong}");
        assert!(compare("ntp", now - 3600).unwrap_err().contains("ahead of"));
    }

    #[test]
    fn every_step_is_told_even_with_nothing_there() {
        let dir = tempfile::tempdir().unwrap();
        let sources = Sources {
            proc: dir.path().to_owned(),
            sys: dir.path().to_owned(),
            data: dir.path().to_owned(),
            run: dir.path().to_owned(),
        };
        let wish = Wish {
            name: "localhost".to_owned(),
            ntp: vec![],
            resolver: dir.path().join("resolv.conf"),
            sources,
        };
        let mut lines = Vec::new();
        run(&wish, |line| lines.push(line));
        let what: Vec<&str> = lines.iter().map(|line| line.what).collect();
        let all = [
            "Link",
            "Address",
            "Gateway",
            "Name server",
            "Name lookup",
            "Time",
        ];
        assert_eq!(what, all);
        assert_eq!(
            lines[0].outcome,
            Err("no network card was found".to_owned())
        );
        assert_eq!(
            lines[5].outcome,
            Err("no time server is configured".to_owned())
        );
    }
}
