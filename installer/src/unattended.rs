//! An unattended installation, started by the live system: answer file → disk → installation → restart. With
//! an answer file that has no `[install]`, the live system takes its configuration instead.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use qx_host::apply::{self, Paths};
use qx_host::boot::BootInfo;
use qx_host::config::{AnswerFile, Config, Install, Store, parse_answer};
use qx_host::install_status::{InstallStatus, Phase};
use qx_host::power::{self, PowerAction};
use qx_host::seed;
use qx_host::storage::{BootLoader, Mounted};
use qx_slots::MEDIA_DIRECTORY;

use crate::disks;
use crate::fetch::{fetch, seed_url};
use crate::install::{InstallError, Plan, Report, install};
use crate::report::Reporter;
use crate::target::Target;

/// USB sticks and slow controllers show their volumes after this long.
const APPEARING: Duration = Duration::from_secs(15);
const CMDLINE: &str = "/proc/cmdline";
/// Time to read the last line.
const GOODBYE: Duration = Duration::from_secs(10);
/// What a failure begins with when nothing was written.
pub(crate) const UNCHANGED: &str = "Nothing was installed and no disk was changed.";

/// Where things are; the product's by default.
#[derive(Debug, Clone)]
pub struct Places {
    /// The run directory.
    pub run: PathBuf,
    /// The configuration of the running system.
    pub state: PathBuf,
    /// What an installation needs of the image: `boot/` and `keys/`.
    pub library: PathBuf,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            run: PathBuf::from("/run/quantix"),
            state: PathBuf::from("/quantix"),
            library: PathBuf::from("/usr/lib/quantix"),
        }
    }
}

/// Looks for an answer file and does what it says. Without one it does nothing.
///
/// # Errors
/// When the outcome cannot be told; what goes wrong with the installation itself is on the console.
pub fn run(places: &Places) -> Result<()> {
    let problems = match find_answer(places) {
        Ok(None) => return Ok(()),
        Ok(Some(text)) => match parse_answer(&text) {
            Ok(answer) => return follow(places, &answer),
            Err(problems) => problems
                .iter()
                .map(|problem| format!("{} {problem}", seed::FILE))
                .collect(),
        },
        Err(error) => vec![format!("{error:#}")],
    };
    fail(places, UNCHANGED, problems)
}

/// The text of the answer file: from the URL that the boot names, else from a volume.
fn find_answer(places: &Places) -> Result<Option<String>> {
    let cmdline = fs::read_to_string(CMDLINE).context("cannot read the kernel's command line")?;
    if let Some(url) = seed_url(&cmdline) {
        return fetch(url).map(Some);
    }
    let scratch = places.run.join("seed");
    fs::create_dir_all(&scratch).context("cannot make a directory for the answer file")?;
    let end = Instant::now() + APPEARING;
    loop {
        let found = seed::find(&scratch)?;
        if found.is_some() || Instant::now() > end {
            return Ok(found);
        }
        thread::sleep(Duration::from_secs(1));
    }
}

fn follow(places: &Places, answer: &AnswerFile) -> Result<()> {
    let Some(wanted) = &answer.install else {
        return configure(places, &answer.config);
    };
    match perform(places, wanted, &answer.config) {
        Ok(done) => {
            finish(places, wanted, done)?;
            Ok(())
        }
        Err(error) => refuse(places, wanted, &error),
    }
}

/// Tells why nothing was installed, and what became of the disk.
pub(crate) fn refuse(places: &Places, wanted: &Install, error: &anyhow::Error) -> Result<()> {
    let unchanged = error
        .downcast_ref::<InstallError>()
        .is_none_or(InstallError::disk_is_unchanged);
    let summary = match (unchanged, wanted.keep_data) {
        (true, _) => UNCHANGED,
        (false, false) => "The installation failed. What was on the disk before is gone.",
        (false, true) => {
            "The installation failed. The system that was on the disk is gone, its data is not: install again with \
             keep_data = true."
        }
    };
    fail(places, summary, vec![format!("{error:#}")])
}

/// What was installed where.
pub(crate) struct Done {
    pub(crate) disks: String,
    report: Report,
}

pub(crate) fn perform(places: &Places, wanted: &Install, config: &Config) -> Result<Done> {
    let found = disks::list(&places.run)?;
    let target = Target::choose(&found, wanted)?;
    for loss in target.losses() {
        println!("{loss}");
    }
    let what = format!("Installing on {}", target.names());
    let boot = BootInfo::read(&places.run)?;
    let medium = Mounted::new(
        Path::new(&boot.source),
        &places.run.join("medium"),
        "iso9660",
        true,
    )
    .with_context(|| format!("the medium {} cannot be read", boot.source))?;
    let plan = Plan {
        target: &target,
        config,
        source: medium.place().join(MEDIA_DIRECTORY),
        keys: places.library.join("keys"),
        loader: BootLoader(places.library.join("boot")),
        scratch: places.run.join("target"),
    };
    let report = install(&plan, &mut Reporter::new(places.run.clone(), what))?;
    medium.close().context("cannot let go of the medium")?;
    Ok(Done {
        disks: target.names(),
        report,
    })
}

fn finish(places: &Places, wanted: &Install, done: Done) -> Result<()> {
    let (action, words) = if wanted.poweroff {
        (PowerAction::Off, "switches itself off")
    } else {
        (PowerAction::Reboot, "restarts")
    };
    let summary = format!(
        "Quantix-OS is installed on {}. The machine {words} in {} seconds.",
        done.disks,
        GOODBYE.as_secs()
    );
    tell_installed(places, &summary, done)?;
    thread::sleep(GOODBYE);
    power::request(action).context("the machine cannot be restarted: do it by hand")
}

/// Says that it is over and went well.
pub(crate) fn tell_installed(places: &Places, summary: &str, done: Done) -> Result<()> {
    println!("{summary} (version {})", done.report.version);
    tell(places, Phase::Done, summary, done.report.warnings)
}

/// The live system takes the configuration, as if it had been there at its start.
fn configure(places: &Places, config: &Config) -> Result<()> {
    Store::new(&places.state).save(config)?;
    let paths = Paths {
        root: PathBuf::from("/"),
        state: places.state.clone(),
        run: places.run.clone(),
        sys: PathBuf::from("/sys"),
        dev: PathBuf::from("/dev"),
        cmdline: PathBuf::from("/proc/cmdline"),
    };
    for problem in apply::apply(&paths)?.problems {
        println!("{problem}");
    }
    apply::reconfigure().context("the services do not follow the new configuration")
}

pub(crate) fn fail(places: &Places, summary: &str, problems: Vec<String>) -> Result<()> {
    for problem in &problems {
        println!("{problem}");
    }
    tell(places, Phase::Failed, summary, problems)?;
    bail!("{summary}")
}

fn tell(places: &Places, phase: Phase, summary: &str, problems: Vec<String>) -> Result<()> {
    InstallStatus {
        phase,
        summary: summary.to_owned(),
        percent: None,
        bytes_per_second: None,
        problems,
    }
    .write(&places.run)
    .context("cannot tell how the installation ended")
}
