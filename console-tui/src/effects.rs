//! Does what screens ask for, each on a thread of its own, and sends what became of it. The only part of the
//! console that changes anything.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use qx_host::accounts;
use qx_host::boot::BootInfo;
use qx_host::config::PasswordHash;
use qx_host::disks::{self, Sources};
use qx_host::install_run;
use qx_host::install_status::InstallStatus;
use qx_host::{power, seed};

use crate::action::{Action, Answer, Found, Outcome};
use crate::facts::Places;
use crate::state::Event;

/// The machine that is acted on.
#[derive(Debug, Clone)]
pub struct Effects {
    /// Where its records are.
    pub places: Places,
    /// File that holds root's password hash.
    pub shadow: PathBuf,
}

impl Effects {
    /// Does `action` and sends what becomes of it; at once for what only the main loop can do, which is left
    /// to it.
    pub fn start(&self, action: Action, send: impl FnOnce(Event) + Send + 'static) {
        let this = self.clone();
        thread::spawn(move || {
            if let Some(event) = this.perform(action) {
                send(event);
            }
        });
    }

    fn perform(&self, action: Action) -> Option<Event> {
        let outcome = match action {
            Action::Check(password) => {
                let right = accounts::verify_root_password(&self.shadow, password.reveal());
                return Some(Event::Checked(right.map_err(|error| chain(&error))));
            }
            // Init stops this program if all goes well.
            Action::Power(action) => Outcome::PowerFailed(chain(&power::request(action).err()?)),
            Action::Look => Outcome::Looked(self.look()),
            Action::Install(answer) => Outcome::Installed(self.install(*answer)),
            Action::ShowAnswer(answer) => {
                let text = hashed(*answer).map(|answer| answer.file.to_toml());
                Outcome::Read("quantix.toml", text)
            }
            Action::SaveAnswer(answer) => Outcome::Done(self.save(*answer)),
            Action::Repaint | Action::Quit => return None,
        };
        Some(Event::Outcome(outcome))
    }

    fn look(&self) -> Result<Found, String> {
        let boot = BootInfo::read(&self.places.run).map_err(|error| chain(&error))?;
        let sources = Sources {
            running_from: Some(PathBuf::from(boot.source)),
            ..Sources::default()
        };
        let disks = disks::list(&sources).map_err(|error| chain(&error))?;
        let zones = zones(Path::new("/"));
        Ok(Found { disks, zones })
    }

    fn install(&self, answer: Answer) -> Result<InstallStatus, String> {
        let answer = hashed(answer)?;
        let program = Path::new(install_run::PROGRAM);
        let run = &self.places.run;
        install_run::run(program, run, &answer.file).map_err(|error| chain(&error))?;
        InstallStatus::read(run).ok_or_else(|| "how the installation ended is not known".to_owned())
    }

    fn save(&self, answer: Answer) -> Result<String, String> {
        let text = hashed(answer)?.file.to_toml();
        let device = seed::save(&text, &self.places.run.join("seed"));
        let device = device.map_err(|error| chain(&error))?;
        Ok(format!(
            "Saved as {} on {device}. It holds the password's hash: keep it as you would keep the password. A \
             machine that starts from the medium with this stick in it installs by it without asking.",
            seed::FILE
        ))
    }
}

/// The answer with the password's hash in it.
fn hashed(mut answer: Answer) -> Result<Answer, String> {
    let hash = accounts::hash_password(answer.password.reveal());
    let hash = hash.map_err(|error| chain(&error))?;
    let hash: PasswordHash = hash.parse().map_err(|error| chain(&error))?;
    answer.file.config.system.root_password_hash = Some(hash);
    Ok(answer)
}

/// Names of all time zones that have a file; none where the list is missing.
fn zones(root: &Path) -> Vec<String> {
    let mut zones = Vec::new();
    let base = root.join("usr/share/zoneinfo");
    collect_zones(&base, &base, &mut zones);
    zones.sort_unstable();
    zones
}

fn collect_zones(base: &Path, dir: &Path, zones: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(dir) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let Some(name) = path.strip_prefix(base).ok().and_then(Path::to_str) else {
            continue;
        };
        // Beside zones there are tables, in lower case, and two copies of everything.
        let is_zone = name.starts_with(|first: char| first.is_ascii_uppercase());
        if path.is_dir() && is_zone {
            collect_zones(base, &path, zones);
        } else if is_zone {
            zones.push(name.to_owned());
        }
    }
}

/// An error with everything behind it.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(&format!(": {error}"));
        source = error.source();
    }
    text
}
