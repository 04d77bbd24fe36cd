//! Does what screens ask for, each on a thread of its own, and sends what became of it. The only part of the
//! console that changes anything.

mod support;
mod updates;

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::thread;

use qx_host::accounts;
use qx_host::apply::Paths;
use qx_host::boot::BootInfo;
use qx_host::config::{PasswordHash, Store};
use qx_host::disks::{self, Sources};
use qx_host::install_run;
use qx_host::install_status::InstallStatus;
use qx_host::logs;
use qx_host::service::OpenRc;
use qx_host::{inventory, network_test, pending, power, seed, settings};

use crate::action::{Action, Answer, Change, Configured, Found, Outcome};
use crate::facts::{Facts, Places};
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
    pub fn start(&self, action: Action, send: impl Fn(Event) + Send + 'static) {
        let this = self.clone();
        thread::spawn(move || match action {
            Action::Check(password) => {
                let right = accounts::verify_root_password(&this.shadow, password.reveal());
                send(Event::Checked(right.map_err(|error| chain(&error))));
            }
            Action::TestNetwork => {
                let tell = |step| send(Event::Outcome(Outcome::Tested(step)));
                network_test::run(&this.test(), |step| tell(Some(step)));
                tell(None);
            }
            action => {
                if let Some(outcome) = this.perform(action) {
                    send(Event::Outcome(outcome));
                }
            }
        });
    }

    fn perform(&self, action: Action) -> Option<Outcome> {
        Some(match action {
            // Init stops this program if all goes well.
            Action::Power(action) => Outcome::PowerFailed(chain(&power::request(action).err()?)),
            Action::Look => Outcome::Looked(self.look()),
            Action::Install(answer) => Outcome::Installed(self.install(*answer)),
            Action::ShowAnswer(answer) => {
                let text = hashed(*answer).map(|answer| answer.file.to_toml());
                Outcome::Read("quantix.toml", text)
            }
            Action::SaveAnswer(answer) => Outcome::Done(self.save(*answer)),
            Action::ReadConfig(subject) => {
                let config = Store::new(&self.places.state).peek().config;
                let zones = zones(Path::new("/"));
                Outcome::Config(subject, Box::new(Configured { config, zones }))
            }
            Action::Change(change) => Outcome::Done(self.change(*change)),
            Action::ReadLog(log, mark) => {
                Outcome::Log(log, logs::read(&logs::Places::default(), log, mark))
            }
            Action::Restart(service) => {
                let done = OpenRc::default()
                    .restart(service)
                    .map_err(|error| chain(&error));
                Outcome::Done(done.map(|()| format!("{} was restarted.", service.name())))
            }
            Action::Updates(ask) => Outcome::Updates(updates::ask(&self.places, ask)),
            Action::Support => {
                let text = support::text(&Facts::local(&self.places));
                Outcome::Read("Information for support", Ok(text))
            }
            Action::Reset(scope) => {
                let places = pending::Places {
                    state: self.places.state.clone(),
                    data: self.places.data.clone(),
                    run: self.places.run.clone(),
                    ..pending::Places::default()
                };
                let asked = pending::request_reset(&places, scope);
                Outcome::Reset(asked.map_err(|error| chain(&error)))
            }
            // Done by the main loop, or above.
            Action::Check(_)
            | Action::TestNetwork
            | Action::Shell
            | Action::Repaint
            | Action::Quit => return None,
        })
    }

    fn test(&self) -> network_test::Wish {
        let config = Store::new(&self.places.state).peek().config;
        let ntp: Vec<String> = config.system.ntp.iter().map(ToString::to_string).collect();
        // A name that must be found if this host is to set its clock.
        let is_name = |server: &&String| server.parse::<IpAddr>().is_err();
        let name = ntp.iter().find(is_name).cloned();
        network_test::Wish {
            name: name.unwrap_or_else(|| "debian.org".to_owned()),
            ntp,
            resolver: PathBuf::from("/etc/resolv.conf"),
            sources: inventory::Sources {
                run: self.places.run.clone(),
                data: self.places.data.clone(),
                ..inventory::Sources::default()
            },
        }
    }

    fn change(&self, change: Change) -> Result<String, String> {
        let paths = Paths {
            root: PathBuf::from("/"),
            state: self.places.state.clone(),
            run: self.places.run.clone(),
            sys: PathBuf::from("/sys"),
            dev: PathBuf::from("/dev"),
            cmdline: PathBuf::from("/proc/cmdline"),
        };
        let (done, problems) = match change {
            Change::Password(password) => (
                "The password is changed.",
                settings::set_root_password(&paths, password.reveal()),
            ),
            Change::Ssh(ssh) => {
                let done = if ssh.enabled {
                    "SSH is on."
                } else {
                    "SSH is off. Sessions that are open stay open."
                };
                (done, settings::set_ssh(&paths, ssh))
            }
            Change::Time(time) => (
                "Time zone and time servers are changed.",
                settings::set_time(&paths, time.timezone, time.ntp),
            ),
        };
        let problems = problems.map_err(|error| chain(&error))?;
        let rest = problems.iter().map(|problem| format!(" {problem}."));
        Ok(format!("{done}{}", rest.collect::<String>()))
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
