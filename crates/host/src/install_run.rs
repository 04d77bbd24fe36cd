//! An installation that a person has asked for: starts `qx-install` with the answer file that was made, and
//! waits for it. How far it is, it says itself (`install_status`); here a program that died without a word is
//! noticed.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use crate::config::AnswerFile;
use crate::durable;
use crate::install_status::{InstallStatus, Phase};

/// The program, on the product.
pub const PROGRAM: &str = "/usr/sbin/qx-install";
/// What it says, in the run directory.
const LOG: &str = "install.log";
/// The answer file, in the run directory; it holds a password's hash.
const ANSWER: &str = "answer.toml";

/// Why there was no installation.
#[derive(Debug, thiserror::Error)]
pub enum InstallRunError {
    /// One is under way.
    #[error("an installation is under way already")]
    Busy,
    /// It could not be prepared or started.
    #[error("cannot start the installation: {path}: {source}")]
    Start {
        /// The file in question.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It ended without saying why.
    #[error("the installer ended unexpectedly ({0}): see install.log")]
    Died(ExitStatus),
}

/// Installs by `answer` with `program` ([`PROGRAM`] on the product) and returns when it is over: how it ended is
/// in [`InstallStatus`] then. The program is no part of the caller's session and goes on when that ends.
///
/// # Errors
/// When it does not start, or dies; a refusal or a failure that the installer tells of is none.
pub fn run(program: &Path, run_dir: &Path, answer: &AnswerFile) -> Result<(), InstallRunError> {
    if is_running(run_dir) {
        return Err(InstallRunError::Busy);
    }
    tell(run_dir, Phase::Running, "The installation begins.", vec![])?;
    let outcome = start(program, run_dir, answer);
    // Whoever looks must not wait for one that is over.
    if let (Err(error), true) = (&outcome, is_running(run_dir)) {
        let summary = "The installation broke off. The disk may be half written.";
        tell(run_dir, Phase::Failed, summary, vec![error.to_string()])?;
    }
    outcome
}

fn start(program: &Path, run_dir: &Path, answer: &AnswerFile) -> Result<(), InstallRunError> {
    let file = run_dir.join(ANSWER);
    let log = run_dir.join(LOG);
    durable::replace(&file, answer.to_toml().as_bytes(), 0o600).map_err(failed(&file))?;
    let open = || OpenOptions::new().create(true).append(true).open(&log);
    let status = Command::new(program)
        .arg("by-hand")
        .arg("--run-dir")
        .arg(run_dir)
        .arg(&file)
        .stdin(Stdio::null())
        .stdout(open().map_err(failed(&log))?)
        .stderr(open().map_err(failed(&log))?)
        .process_group(0)
        .status();
    // It was read, or nobody will.
    fs::remove_file(&file).map_err(failed(&file))?;
    let status = status.map_err(failed(program))?;
    if is_running(run_dir) {
        return Err(InstallRunError::Died(status));
    }
    Ok(())
}

/// For `map_err`: the file that was needed.
fn failed(path: &Path) -> impl FnOnce(io::Error) -> InstallRunError {
    let path = path.to_owned();
    move |source| InstallRunError::Start { path, source }
}

fn tell(
    run_dir: &Path,
    phase: Phase,
    summary: &str,
    problems: Vec<String>,
) -> Result<(), InstallRunError> {
    let status = InstallStatus {
        phase,
        summary: summary.to_owned(),
        percent: None,
        bytes_per_second: None,
        problems,
    };
    status.write(run_dir).map_err(failed(run_dir))
}

fn is_running(run_dir: &Path) -> bool {
    InstallStatus::read(run_dir).is_some_and(|status| status.phase == Phase::Running)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// A program in the place of the installer that does what `script` says with the answer file in `$4`.
    fn installer(dir: &Path, script: &str) -> PathBuf {
        let path = dir.join("installer");
        fs::write(
            &path,
            format!("#!/bin/sh\ncd {}\n{script}\n", dir.display()),
        )
        .unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    const RUNNING: &str =
        r#"{"phase":"running","summary":"x","percent":1,"bytes_per_second":null,"problems":[]}"#;

    #[test]
    fn the_installer_gets_the_answer_for_itself_alone_and_its_words_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let done = RUNNING.replace("running", "failed");
        let script = format!(
            "cat \"$4\" >seen; stat -c %a \"$4\" >mode; echo said; echo wrong >&2; \
             echo '{done}' >install.json; exit 1"
        );
        let answer = AnswerFile::default();
        run(&installer(dir.path(), &script), dir.path(), &answer).unwrap();
        let text = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
        assert_eq!(text("seen"), answer.to_toml());
        assert_eq!(text("mode"), "600\n");
        assert_eq!(text("install.log"), "said\nwrong\n");
        assert!(!dir.path().join(ANSWER).exists());
    }

    #[test]
    fn an_installer_that_dies_does_not_look_as_if_it_ran_for_ever() {
        let dir = tempfile::tempdir().unwrap();
        let program = installer(dir.path(), "kill -9 $$");
        let error = run(&program, dir.path(), &AnswerFile::default()).unwrap_err();
        assert!(matches!(error, InstallRunError::Died(_)), "{error}");
        let status = InstallStatus::read(dir.path()).unwrap();
        assert_eq!(status.phase, Phase::Failed);
        let missing = run(
            Path::new("/nonexistent"),
            dir.path(),
            &AnswerFile::default(),
        );
        assert!(matches!(missing, Err(InstallRunError::Start { .. })));
        assert_eq!(
            InstallStatus::read(dir.path()).unwrap().phase,
            Phase::Failed
        );
    }

    #[test]
    fn two_installations_at_once_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("install.json"), RUNNING).unwrap();
        let program = installer(dir.path(), "touch started");
        let error = run(&program, dir.path(), &AnswerFile::default()).unwrap_err();
        assert!(matches!(error, InstallRunError::Busy));
        assert!(!dir.path().join("started").exists());
    }
}
