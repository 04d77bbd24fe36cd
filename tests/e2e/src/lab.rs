//! One test's workplace: a directory for its machines' files, thrown away when the test passes and kept in
//! `output/e2e-failures/TEST/` when it fails. As many labs run side by side as there are test threads.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};

use crate::accelerator::Accelerator;
use crate::image;
use crate::machine::MachineBuilder;

/// See the module.
pub struct Lab {
    name: String,
    /// Of its machines, unless a test wishes otherwise; `None` as many as go well with the firmware.
    cpus: Option<u32>,
    dir: tempfile::TempDir,
    started: Instant,
}

impl Lab {
    /// Runs a test. Its evidence is kept when it returns an error or panics.
    ///
    /// # Panics
    /// When the test fails: this is how a test says so.
    #[expect(clippy::panic, reason = "a test fails by panicking")]
    pub fn run(name: &str, test: impl FnOnce(&Self) -> Result<()>) {
        // Emulated, a second CPU makes hardly a difference to a machine and takes one away from the test beside it.
        let cpus = (!Accelerator::best().is_kvm()).then_some(1);
        let keeper = match Self::open(name) {
            Ok(lab) => Keeper {
                lab: Self { cpus, ..lab },
                passed: false,
            },
            Err(error) => panic!("{name}: {error:#}"),
        };
        let result = test(&keeper.lab);
        let mut keeper = keeper;
        keeper.passed = result.is_ok();
        drop(keeper);
        if let Err(error) = result {
            panic!("{name}: {error:#}");
        }
    }

    /// A lab outside of a test, for programs.
    ///
    /// # Errors
    /// When no directory can be made.
    pub fn open(name: &str) -> Result<Self> {
        let dir = tempfile::Builder::new()
            .prefix("qx-e2e-")
            .tempdir()
            .context("cannot make a directory for the test's machines")?;
        Ok(Self {
            name: name.to_owned(),
            cpus: None,
            dir,
            started: Instant::now(),
        })
    }

    /// A new machine, described further by the builder. `name` is unique within the lab.
    pub fn machine(&self, name: &str) -> MachineBuilder {
        let builder = MachineBuilder::new(self.dir.path().join(name));
        match self.cpus {
            Some(cpus) => builder.cpus(cpus),
            None => builder,
        }
    }

    /// The lab's directory.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Says on standard error what is being proved now and when, so that a long test can be followed.
    pub fn step(&self, text: &str) {
        eprintln!(
            "    {:>4} s  {}: {text}",
            self.started.elapsed().as_secs(),
            self.name
        );
    }

    /// Where the evidence of a failure goes.
    fn evidence(&self) -> PathBuf {
        let name: String = self
            .name
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() {
                    c.to_ascii_lowercase()
                } else {
                    '-'
                }
            })
            .collect();
        image::output().join("e2e-failures").join(name)
    }

    fn keep_evidence(&self) -> Result<PathBuf> {
        let target = self.evidence();
        if target.exists() {
            fs::remove_dir_all(&target).context("cannot replace older evidence")?;
        }
        copy_tree(self.dir.path(), &target)?;
        Ok(target)
    }
}

/// Keeps the evidence unless the test passed, panics included.
struct Keeper {
    lab: Lab,
    passed: bool,
}

impl Drop for Keeper {
    fn drop(&mut self) {
        if self.passed {
            self.lab.step("passed");
            return;
        }
        match self.lab.keep_evidence() {
            Ok(path) => eprintln!("evidence of the failure: {}", path.display()),
            Err(error) => eprintln!("the evidence of the failure is lost: {error:#}"),
        }
    }
}

/// Copies regular files; holes in disks stay holes (`cp`), sockets stay behind.
fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot make {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot list {}", from.display()))? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let target = to.join(entry.file_name());
        if kind.is_dir() {
            copy_tree(&entry.path(), &target)?;
        } else if kind.is_file() {
            let status = std::process::Command::new("cp")
                .arg("--sparse=always")
                .args([entry.path(), target])
                .status()
                .context("cannot run cp")?;
            anyhow::ensure!(status.success(), "cp ended with {status}");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_of_a_failure_stays_and_of_a_success_goes() {
        let file = |lab: &Lab| fs::write(lab.dir().join("serial.log"), "last words");
        let kept = image::output().join("e2e-failures/the-lab-s-own-test/serial.log");
        let failed = std::panic::catch_unwind(|| {
            Lab::run("The lab's own test", |lab| {
                file(lab)?;
                anyhow::bail!("on purpose")
            });
        });
        assert!(failed.is_err());
        assert_eq!(fs::read_to_string(&kept).unwrap(), "last words");
        fs::remove_dir_all(kept.parent().unwrap()).unwrap();
        Lab::run("The lab's own test", |lab| Ok(file(lab)?));
        assert!(!kept.exists());
    }
}
