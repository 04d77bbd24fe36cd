//! The kernel's records, as `/dev/kmsg` gives them: one a read, `priority,sequence,microseconds,flags;text`, and
//! lines with a blank before them that belong to it (Documentation/ABI/testing/dev-kmsg of Linux).

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// `O_NONBLOCK` of Linux on x86: the end of the log is an error instead of waiting.
const NONBLOCK: i32 = 0o4000;

/// The records, each given once.
#[derive(Debug)]
pub(super) struct Kernel {
    file: File,
}

impl Kernel {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(NONBLOCK)
            .open(path)?;
        Ok(Self { file })
    }

    /// Those that were not given yet: their sequence numbers and texts.
    pub(super) fn more(&mut self) -> io::Result<Vec<(u64, String)>> {
        let mut found = Vec::new();
        let mut record = [0; 8192];
        loop {
            let length = match self.file.read(&mut record) {
                Ok(0) => break,
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // Overwritten while it was read: the next read goes on with what is there.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => continue,
                Err(error) => return Err(error),
            };
            let record = String::from_utf8_lossy(record.get(..length).unwrap_or_default());
            found.extend(line(&record));
        }
        Ok(found)
    }
}

/// Sequence number and text with its time in seconds since the start.
fn line(record: &str) -> Option<(u64, String)> {
    let (head, text) = record.split_once(';')?;
    let mut fields = head.split(',').skip(1);
    let sequence = fields.next()?.parse().ok()?;
    let time: u64 = fields.next()?.parse().ok()?;
    let first = text.lines().next().unwrap_or_default();
    let (seconds, rest) = (time / 1_000_000, time % 1_000_000);
    Some((sequence, format!("[{seconds:>6}.{rest:06}] {first}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_becomes_a_line() {
        let record = "6,339,5140900,-;NET: Registered protocol family 10\n SUBSYSTEM=net\n";
        let text = "[     5.140900] NET: Registered protocol family 10";
        assert_eq!(line(record), Some((339, text.to_owned())));
        assert_eq!(line("nonsense"), None);
    }
}
