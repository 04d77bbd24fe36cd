//! Reading the host's logs: the newest part of each, and only when there is something new.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::action::Log;

/// Most that is shown of a log: what was said before is in the web UI and in the shell.
const MOST: u64 = 1 << 20;
const MESSAGES: &str = "/var/log/messages";
/// What was in the file before syslogd began it anew.
const EARLIER: &str = "/var/log/messages.0";
const KERNEL: &str = "/dev/kmsg";
/// How the daemon's lines are marked.
const DAEMON: &str = " qx-node: ";

/// A log's text and a mark of its state; `None` when that is still `mark`.
pub(super) fn read(log: Log, mark: u64) -> Result<Option<(String, u64)>, String> {
    let path = match log {
        Log::System | Log::Daemon => MESSAGES,
        Log::Boot => "/run/quantix/boot.log",
        Log::Install => "/run/quantix/install.log",
        Log::Kernel => return kernel(mark).map_err(|error| format!("{KERNEL}: {error}")),
    };
    let unreadable = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => format!("{path} does not exist: nothing was logged there"),
        _ => format!("{path} cannot be read: {error}"),
    };
    let now = file_mark(Path::new(path)).map_err(unreadable)?;
    if now == mark {
        return Ok(None);
    }
    let mut text = String::new();
    if path == MESSAGES {
        // Only there once the first file was full.
        text.push_str(&tail(Path::new(EARLIER)).unwrap_or_default());
    }
    text.push_str(&tail(Path::new(path)).map_err(unreadable)?);
    if log == Log::Daemon {
        let lines = text.lines().filter(|line| line.contains(DAEMON));
        text = lines.map(|line| format!("{line}\n")).collect();
    }
    Ok(Some((text, now)))
}

/// Changes whenever the file does. Never 0, which stands for "not read yet".
fn file_mark(path: &Path) -> io::Result<u64> {
    use std::os::unix::fs::MetadataExt;
    let metadata = fs::metadata(path)?;
    let time =
        metadata.mtime_nsec().unsigned_abs() ^ metadata.mtime().unsigned_abs().rotate_left(32);
    Ok((time ^ metadata.len().rotate_left(16)) | 1)
}

fn tail(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(MOST)))?;
    let mut bytes = Vec::new();
    file.take(MOST).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    match text.split_once('\n') {
        // Where it was cut there may be half a line.
        Some((_, rest)) if length > MOST => Ok(rest.to_owned()),
        _ => Ok(text),
    }
}

/// One record a read: `priority,sequence,microseconds,flags;text`, and lines with a blank before them that
/// belong to it (Documentation/ABI/testing/dev-kmsg of Linux).
fn kernel(mark: u64) -> io::Result<Option<(String, u64)>> {
    /// `O_NONBLOCK` of Linux on x86: the end of the log is an error instead of waiting.
    const NONBLOCK: i32 = 0o4000;
    let mut file = OpenOptions::new()
        .read(true)
        .custom_flags(NONBLOCK)
        .open(KERNEL)?;
    let mut text = String::new();
    let mut newest = 1;
    let mut record = [0; 8192];
    loop {
        let length = match file.read(&mut record) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            // Overwritten while it was read: the next read goes on with what is there.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => continue,
            Err(error) => return Err(error),
        };
        let record = String::from_utf8_lossy(record.get(..length).unwrap_or_default());
        if let Some((sequence, line)) = kernel_line(&record) {
            newest = sequence + 2;
            text.push_str(&line);
        }
    }
    Ok((newest != mark).then_some((text, newest)))
}

/// Sequence number and text with its time in seconds since the start.
fn kernel_line(record: &str) -> Option<(u64, String)> {
    let (head, text) = record.split_once(';')?;
    let mut fields = head.split(',').skip(1);
    let sequence = fields.next()?.parse().ok()?;
    let time: u64 = fields.next()?.parse().ok()?;
    let first = text.lines().next().unwrap_or_default();
    let (seconds, rest) = (time / 1_000_000, time % 1_000_000);
    Some((sequence, format!("[{seconds:>6}.{rest:06}] {first}\n")))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_record_of_the_kernel_becomes_a_line() {
        let record = "6,339,5140900,-;NET: Registered protocol family 10\n SUBSYSTEM=net\n";
        let line = "[     5.140900] NET: Registered protocol family 10\n";
        assert_eq!(kernel_line(record), Some((339, line.to_owned())));
        assert_eq!(kernel_line("nonsense"), None);
    }

    #[test]
    fn of_a_long_log_the_newest_whole_lines_are_read() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        for number in 0..200_000 {
            writeln!(file, "line {number}").unwrap();
        }
        let text = tail(file.path()).unwrap();
        assert!(text.len() as u64 <= MOST && text.ends_with("line 199999\n"));
        assert!(text.starts_with("line "), "{}", &text[..20]);
    }

    #[test]
    fn a_log_that_grows_has_another_mark() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let first = file_mark(file.path()).unwrap();
        assert_eq!(file_mark(file.path()).unwrap(), first);
        writeln!(file, "more").unwrap();
        assert_ne!(file_mark(file.path()).unwrap(), first);
        assert!(read(Log::Install, 0).is_err());
    }
}
