//! What went over a machine's network card: reads QEMU's pcap file (libpcap's classic format, Ethernet
//! frames) and tells which TCP ports of the machine answered. A forward through QEMU's user network accepts
//! every connection itself, so only the packets behind it show whether a port is open.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

/// How the machine answered a connection attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It was asked and said nothing: a firewall dropped the packet.
    Silence,
    /// It refused.
    Refused,
    /// Something listens.
    Open,
}

const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;

/// The machine's answer for each TCP port that somebody tried to reach over IPv4.
///
/// # Errors
/// When the file can't be read or is no pcap.
pub fn tcp_answers(pcap: &Path) -> Result<BTreeMap<u16, Answer>> {
    let bytes = fs::read(pcap).with_context(|| format!("cannot read {}", pcap.display()))?;
    ensure!(
        bytes.get(..4) == Some(&[0xd4, 0xc3, 0xb2, 0xa1]),
        "not a pcap file"
    );
    let mut answers = BTreeMap::new();
    for frame in frames(&bytes[24.min(bytes.len())..]) {
        let Some((source, destination, flags)) = tcp(frame) else {
            continue;
        };
        if flags & (SYN | ACK) == SYN {
            answers.entry(destination).or_insert(Answer::Silence);
        } else if flags & (SYN | ACK) == SYN | ACK && answers.contains_key(&source) {
            answers.insert(source, Answer::Open);
        } else if flags & RST != 0 && answers.get(&source) == Some(&Answer::Silence) {
            answers.insert(source, Answer::Refused);
        }
    }
    Ok(answers)
}

/// The packets of a pcap's body; a torn last one (QEMU may still be writing) is left out.
fn frames(mut rest: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let length = rest.get(8..12)?.try_into().map(u32::from_le_bytes).ok()?;
        let end = 16 + usize::try_from(length).ok()?;
        let frame = rest.get(16..end)?;
        rest = &rest[end..];
        Some(frame)
    })
}

/// Source port, destination port and flags of a TCP segment in an IPv4 packet in an Ethernet frame.
fn tcp(frame: &[u8]) -> Option<(u16, u16, u8)> {
    let packet = frame.get(14..)?;
    if frame[12..14] != [0x08, 0x00] || *packet.get(9)? != 6 {
        return None;
    }
    let segment = packet.get(usize::from(packet[0] & 0x0f) * 4..)?;
    let port = |at: usize| {
        Some(u16::from_be_bytes([
            *segment.get(at)?,
            *segment.get(at + 1)?,
        ]))
    };
    Some((port(0)?, port(2)?, *segment.get(13)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(source: u16, destination: u16, flags: u8) -> Vec<u8> {
        let mut frame = vec![0; 14 + 20 + 20];
        frame[12] = 0x08;
        frame[14] = 0x45;
        frame[23] = 6;
        frame[34..36].copy_from_slice(&source.to_be_bytes());
        frame[36..38].copy_from_slice(&destination.to_be_bytes());
        frame[47] = flags;
        frame
    }

    #[test]
    fn tells_open_refused_and_silent_ports_apart() {
        let mut pcap = vec![0; 24];
        pcap[..4].copy_from_slice(&[0xd4, 0xc3, 0xb2, 0xa1]);
        for frame in [
            segment(5000, 22, SYN),
            segment(5001, 8443, SYN),
            segment(8443, 5001, SYN | ACK),
            segment(5002, 111, SYN),
            segment(111, 5002, RST | ACK),
        ] {
            let length = u32::try_from(frame.len()).unwrap().to_le_bytes();
            pcap.extend([0; 8].iter().chain(&length).chain(&length));
            pcap.extend(frame);
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), pcap).unwrap();
        let answers = tcp_answers(file.path()).unwrap();
        assert_eq!(answers[&22], Answer::Silence);
        assert_eq!(answers[&8443], Answer::Open);
        assert_eq!(answers[&111], Answer::Refused);
    }
}
