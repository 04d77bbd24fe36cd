//! The host's logs: what there is, and the newest part of each for whoever looks again and again. [`Follower`] has
//! them line by line.

mod follow;
mod kernel;

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

pub use follow::{Follower, Wish};
use kernel::Kernel;

/// Most that is read of the past of a log, in bytes.
const MOST: u64 = 1 << 20;
/// How the node daemon's lines are marked.
const DAEMON: &str = " qx-node: ";

/// A log of this host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Log {
    /// Everything that services and the kernel say.
    System,
    /// What the node daemon says.
    Daemon,
    /// What the kernel says.
    Kernel,
    /// How this boot went.
    Boot,
    /// How an installation went.
    Install,
}

impl Log {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::System,
        Self::Daemon,
        Self::Kernel,
        Self::Boot,
        Self::Install,
    ];
}

/// Where logs lie.
#[derive(Debug, Clone)]
pub struct Places {
    /// What syslogd writes; what was in it before it was begun anew is beside it, with `.0` at its end.
    pub messages: PathBuf,
    /// Directory of what the boot and an installation wrote.
    pub run: PathBuf,
    /// The kernel's records.
    pub kernel: PathBuf,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            messages: "/var/log/messages".into(),
            run: "/run/quantix".into(),
            kernel: "/dev/kmsg".into(),
        }
    }
}

impl Places {
    fn file(&self, log: Log) -> PathBuf {
        match log {
            Log::System | Log::Daemon => self.messages.clone(),
            Log::Boot => self.run.join("boot.log"),
            Log::Install => self.run.join("install.log"),
            Log::Kernel => self.kernel.clone(),
        }
    }

    /// What was in a log's file before; it is there only once the file was full.
    fn earlier(&self, log: Log) -> Option<PathBuf> {
        matches!(log, Log::System | Log::Daemon).then(|| {
            let mut name = self.messages.clone().into_os_string();
            name.push(".0");
            name.into()
        })
    }
}

/// A log's newest text and a mark of its state; `None` when that is still `mark`. The mark before the first look is 0.
///
/// # Errors
/// A sentence that names the file and the reason.
pub fn read(places: &Places, log: Log, mark: u64) -> Result<Option<(String, u64)>, String> {
    let path = places.file(log);
    if log == Log::Kernel {
        return kernel(&path, mark).map_err(|error| format!("{}: {error}", path.display()));
    }
    let unreadable = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => format!(
            "{} does not exist: nothing was logged there",
            path.display()
        ),
        _ => format!("{} cannot be read: {error}", path.display()),
    };
    let now = file_mark(&path).map_err(unreadable)?;
    if now == mark {
        return Ok(None);
    }
    let mut text = String::new();
    if let Some(earlier) = places.earlier(log) {
        text.push_str(&tail(&earlier, MOST).unwrap_or_default());
    }
    text.push_str(&tail(&path, MOST).map_err(unreadable)?);
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

/// The newest text of a file, `most` bytes of it at most.
pub(crate) fn tail(path: &Path, most: u64) -> io::Result<String> {
    let bytes = newest(&mut File::open(path)?, most)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The newest bytes of a file, from the beginning of a line on, behind which it then stands. A file of procfs has no
/// length: it is read from its start.
fn newest(file: &mut File, most: u64) -> io::Result<Vec<u8>> {
    let start = file.metadata()?.len().saturating_sub(most);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    // Where it was cut there may be half a line.
    if start > 0
        && let Some(end) = bytes.iter().position(|byte| *byte == b'\n')
    {
        bytes.drain(..=end);
    }
    Ok(bytes)
}

fn kernel(path: &Path, mark: u64) -> io::Result<Option<(String, u64)>> {
    let mut records = Kernel::open(path)?;
    let mut text = String::new();
    let mut newest = 1;
    for (sequence, line) in records.more()? {
        newest = sequence + 2;
        text.push_str(&line);
        text.push('\n');
    }
    Ok((newest != mark).then_some((text, newest)))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn of_a_long_log_the_newest_whole_lines_are_read() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        for number in 0..200_000 {
            writeln!(file, "line {number}").unwrap();
        }
        let text = tail(file.path(), MOST).unwrap();
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
    }

    #[test]
    fn a_log_that_is_not_there_is_named() {
        let places = Places {
            run: "/nonexistent".into(),
            ..Places::default()
        };
        let refused = read(&places, Log::Install, 0).unwrap_err();
        assert!(refused.starts_with("/nonexistent/install.log does not exist"));
    }
}
