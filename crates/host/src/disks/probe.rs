//! Asks the kernel and blkid (util-linux's low-level probing) what is on a device. What blkid prints comes
//! from the disk and is untrusted.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use crate::command::{self, Finished};

const BLKID: &str = "/usr/sbin/blkid";
/// How long one device may take. A healthy disk answers in milliseconds, one that spins up in ten seconds.
const DEADLINE: Duration = Duration::from_secs(20);
/// How often and how far apart it is asked whether somebody has the device for themselves.
const CLAIM_TRIES: u32 = 4;
const CLAIM_WAIT: Duration = Duration::from_millis(25);
/// What is read at both ends before blkid is believed, in bytes.
const SAMPLE: usize = 4096;

/// Looks at a device; a test puts its own in place.
pub(super) type Prober<'a> = dyn Fn(&Path) -> Result<Finding, String> + 'a;

/// What a device holds.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    /// blkid's keys and values, such as `TYPE` and `LABEL`.
    pub(super) values: BTreeMap<String, String>,
    /// Signatures of several kinds contradict each other.
    pub(super) ambivalent: bool,
    /// Somebody has the device for themselves.
    pub(super) claimed: bool,
}

/// Looks at the device at `path`. The error is a sentence: the device can't be opened or read, or blkid
/// failed. blkid itself says "nothing found" where it could not look at all, so the device is opened and
/// read here first.
pub(super) fn probe(path: &Path) -> Result<Finding, String> {
    let claimed = open_and_read_within(DEADLINE, path)?;
    let arguments = ["-p", "-o", "export", "--"].map(OsStr::new);
    let arguments = [&arguments[..], &[path.as_os_str()]].concat();
    let finding = command::run(BLKID, &arguments, DEADLINE)
        .map_err(|error| error.to_string())
        .and_then(|done| understand(&done))
        .map_err(|error| format!("cannot be examined: {error}"))?;
    Ok(Finding { claimed, ..finding })
}

/// Reads on a thread of its own, which is left behind when the device does not answer: nothing can stop it.
fn open_and_read_within(deadline: Duration, path: &Path) -> Result<bool, String> {
    let (sender, receiver) = mpsc::sync_channel(1);
    let device = path.to_owned();
    thread::Builder::new()
        .name("disk".to_owned())
        .spawn(move || {
            // Fails when the deadline has passed and nobody waits any more.
            let _ = sender.send(open_and_read(&device));
        })
        .map_err(|error| format!("cannot be examined: {error}"))?;
    match receiver.recv_timeout(deadline) {
        Ok(read) => read.map_err(|error| format!("cannot be read: {error}")),
        Err(_) => Err(format!("does not answer within {} s", deadline.as_secs())),
    }
}

/// blkid's answer by its exit status (blkid(8)).
fn understand(done: &Finished) -> Result<Finding, String> {
    match done.status.code() {
        Some(0) => Ok(Finding {
            values: parse(&done.stdout),
            ..Finding::default()
        }),
        Some(2) if done.stderr.is_empty() => Ok(Finding::default()),
        Some(8) => Ok(Finding {
            ambivalent: true,
            ..Finding::default()
        }),
        _ => {
            let said = super::plain(&done.stderr, 200);
            Err(format!("blkid failed ({}): {said}", done.status))
        }
    }
}

/// Reads both ends; true when somebody else has the device for themselves.
fn open_and_read(path: &Path) -> io::Result<bool> {
    let claimed = is_claimed(path)?;
    let mut file = File::open(path)?;
    let length = file.seek(SeekFrom::End(0))?;
    let mut sample = [0; SAMPLE];
    let sample = &mut sample[..SAMPLE.min(usize::try_from(length).unwrap_or(SAMPLE))];
    for start in [0, length - sample.len() as u64] {
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(sample)?;
    }
    Ok(claimed)
}

/// Whether a block device can't be opened with `O_EXCL`: it is mounted, swap or part of another device
/// (open(2)). Two programs that ask at the same moment see each other, hence the repetition.
fn is_claimed(path: &Path) -> io::Result<bool> {
    for _ in 0..CLAIM_TRIES {
        match rustix::fs::open(path, OFlags::EXCL | OFlags::CLOEXEC, Mode::empty()) {
            Ok(_) => return Ok(false),
            Err(Errno::BUSY) => thread::sleep(CLAIM_WAIT),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(true)
}

/// `KEY=value` lines; blkid puts a backslash before what a shell would take apart.
fn parse(text: &str) -> BTreeMap<String, String> {
    text.lines()
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key.to_owned(), unescape(value)))
        .collect()
}

fn unescape(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut characters = value.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => out.extend(characters.next()),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blkid(script: &str) -> Result<Finding, String> {
        let arguments = ["-c", script].map(OsStr::new);
        understand(&command::run("/bin/sh", &arguments, DEADLINE).unwrap())
    }

    #[test]
    fn what_blkid_says_is_taken_apart() {
        let found = blkid("printf 'TYPE=ext4\\nLABEL=a\\\\ b\\\\\"c\\nnonsense\\n'").unwrap();
        assert_eq!(found.values["TYPE"], "ext4");
        assert_eq!(found.values["LABEL"], "a b\"c");
        assert_eq!(found.values.len(), 2);
        assert!(!found.ambivalent && !found.claimed);
    }

    #[test]
    fn nothing_found_and_several_found_are_told_apart() {
        assert_eq!(blkid("exit 2"), Ok(Finding::default()));
        assert!(blkid("echo several >&2; exit 8").unwrap().ambivalent);
    }

    #[test]
    fn a_blkid_that_fails_is_no_empty_disk() {
        let said = blkid("echo 'error: x: Operation not permitted' >&2; exit 2").unwrap_err();
        assert_eq!(
            said,
            "blkid failed (exit status: 2): error: x: Operation not permitted"
        );
        assert!(blkid("exit 4").unwrap_err().contains("(exit status: 4)"));
        assert!(blkid("kill -9 $$").unwrap_err().contains("signal: 9"));
    }

    #[test]
    fn a_device_that_is_not_there_is_no_empty_disk() {
        let said = probe(Path::new("/dev/nonexistent")).unwrap_err();
        assert!(said.starts_with("cannot be read: No such file"), "{said}");
    }
    #[test]
    fn a_device_that_does_not_answer_is_given_up() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("pipe");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &pipe,
            rustix::fs::FileType::Fifo,
            Mode::RUSR,
            0,
        )
        .unwrap();
        let said = open_and_read_within(Duration::from_secs(1), &pipe).unwrap_err();
        assert_eq!(said, "does not answer within 1 s");
    }
}
