//! Starting another program and waiting for it, but not for ever.

use std::ffi::OsStr;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How often a running program is looked at.
const POLL: Duration = Duration::from_millis(5);
/// How long a killed program may take to be gone.
const AFTER_KILL: Duration = Duration::from_secs(1);
/// Most that is read of what a program prints, in bytes: what the pipe holds. The programs that are run
/// here print far less.
const MOST_OUTPUT: u64 = 64 << 10;

/// What a program left behind.
#[derive(Debug)]
pub(crate) struct Finished {
    /// How it ended.
    pub(crate) status: ExitStatus,
    /// What it printed.
    pub(crate) stdout: String,
    /// What it complained about.
    pub(crate) stderr: String,
}

/// Why a program gave no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    /// It could not be started or waited for.
    #[error("cannot run {program}: {source}")]
    Run { program: String, source: io::Error },
    /// It took too long and was killed.
    #[error("{program} did not finish within {} s", deadline.as_secs())]
    Late { program: String, deadline: Duration },
}

/// Runs `program` (an absolute path) in the C locale. When it is not done at the deadline it is killed, and
/// hardly waited for any longer: a process that hangs in a broken device can't even be killed.
pub(crate) fn run(
    program: &str,
    arguments: &[&OsStr],
    deadline: Duration,
) -> Result<Finished, CommandError> {
    run_on(program, arguments, Stdio::null(), deadline)
}

/// The same, for a program that reads what `input` holds.
pub(crate) fn run_on(
    program: &str,
    arguments: &[&OsStr],
    input: Stdio,
    deadline: Duration,
) -> Result<Finished, CommandError> {
    let failed = |source| CommandError::Run {
        program: program.to_owned(),
        source,
    };
    let mut child = Command::new(program)
        .args(arguments)
        .env("LC_ALL", "C")
        .stdin(input)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let Some(status) = wait(&mut child, deadline).map_err(failed)? else {
        child.kill().map_err(failed)?;
        wait(&mut child, AFTER_KILL).map_err(failed)?;
        return Err(CommandError::Late {
            program: program.to_owned(),
            deadline,
        });
    };
    Ok(Finished {
        status,
        stdout: text(child.stdout.take()).map_err(failed)?,
        stderr: text(child.stderr.take()).map_err(failed)?,
    })
}

/// Runs `program` as [`run`] does and answers what it printed, complaints among it, up to `most` bytes; how it ended
/// is in the last line if that was no success.
pub(crate) fn capture(
    program: &str,
    arguments: &[&OsStr],
    deadline: Duration,
    most: u64,
) -> Result<String, CommandError> {
    let failed = |source| CommandError::Run {
        program: program.to_owned(),
        source,
    };
    // A file takes more than a pipe, which nobody empties meanwhile.
    let mut printed = tempfile::tempfile().map_err(failed)?;
    let output = || printed.try_clone().map(Stdio::from).map_err(failed);
    let mut child = Command::new(program)
        .args(arguments)
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(output()?)
        .stderr(output()?)
        .spawn()
        .map_err(failed)?;
    let ended = wait(&mut child, deadline).map_err(failed)?;
    if ended.is_none() {
        child.kill().map_err(failed)?;
        wait(&mut child, AFTER_KILL).map_err(failed)?;
    }
    printed.seek(SeekFrom::Start(0)).map_err(failed)?;
    let mut bytes = Vec::new();
    let mut printed = printed.take(most);
    printed.read_to_end(&mut bytes).map_err(failed)?;
    let mut text = String::from_utf8_lossy(&bytes).into_owned();
    match ended {
        Some(status) if status.success() => {}
        Some(status) => text.push_str(&format!("[{program} ended with {status}]\n")),
        None => text.push_str(&format!(
            "[{program} did not finish within {} s]\n",
            deadline.as_secs()
        )),
    }
    Ok(text)
}

fn wait(child: &mut Child, deadline: Duration) -> io::Result<Option<ExitStatus>> {
    let end = Instant::now() + deadline;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= end {
            return Ok(None);
        }
        thread::sleep(POLL);
    }
}

fn text(pipe: Option<impl io::Read>) -> io::Result<String> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        pipe.take(MOST_OUTPUT).read_to_end(&mut bytes)?;
    }
    Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str, deadline: Duration) -> Result<Finished, CommandError> {
        run("/bin/sh", &["-c".as_ref(), script.as_ref()], deadline)
    }

    #[test]
    fn what_a_program_prints_and_how_it_ends_is_told() {
        let done = sh("echo one; echo two >&2; exit 3", Duration::from_secs(10)).unwrap();
        assert_eq!((done.stdout.as_str(), done.stderr.as_str()), ("one", "two"));
        assert_eq!(done.status.code(), Some(3));
    }

    #[test]
    fn a_program_that_hangs_is_killed() {
        let error = sh("exec sleep 1000", Duration::from_secs(1)).unwrap_err();
        assert_eq!(error.to_string(), "/bin/sh did not finish within 1 s");
    }

    #[test]
    fn what_is_captured_may_be_longer_than_a_pipe_holds() {
        let sh = |script: &str, deadline, most| {
            let arguments = ["-c", script].map(OsStr::new);
            capture("/bin/sh", &arguments, Duration::from_secs(deadline), most).unwrap()
        };
        let script = "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i + 1)); done";
        let text = sh(script, 60, 1 << 20);
        assert!(text.ends_with("line 19999\n") && text.len() > 128 << 10);
        assert_eq!(sh("echo one; echo two >&2", 10, 5), "one\nt");
        let late = sh("echo one; exec sleep 1000", 1, 100);
        assert_eq!(late, "one\n[/bin/sh did not finish within 1 s]\n");
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = run("/nonexistent", &[], Duration::from_secs(1)).unwrap_err();
        assert!(error.to_string().starts_with("cannot run /nonexistent: "));
    }
}
