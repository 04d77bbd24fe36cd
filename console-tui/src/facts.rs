//! What the screen shows, gathered: from the machine directly, so that it works when the daemon is dead,
//! and from the daemon what only it knows. Knows nothing of how it is shown.

use std::fs;
use std::path::PathBuf;
use std::sync::mpsc::SyncSender;
use std::thread;
use std::time::Duration;

use qx_api::client::Client;
use qx_api::rest::{Accelerator, VmState};
use qx_host::apply::INITIAL_PASSWORD;
use qx_host::boot::{BootInfo, Mode};
use qx_host::boot_env::Devices;
use qx_host::config::Status;
use qx_host::fingerprint::{SshFingerprint, certificate_sha256, ssh_fingerprints};
use qx_host::install_status::{InstallStatus, Phase};
use qx_host::inventory::{Inventory, Sources};
use qx_host::update::UpdateRecord;

/// Time between two looks.
const PERIOD: Duration = Duration::from_secs(2);
/// After that the daemon counts as dead.
const DEADLINE: Duration = Duration::from_secs(3);

/// Where the facts come from; on the product the defaults of `main`.
#[derive(Debug, Clone)]
pub struct Places {
    /// The daemon's Unix socket.
    pub socket: PathBuf,
    /// The run directory.
    pub run: PathBuf,
    /// The configuration's directory.
    pub state: PathBuf,
    /// The data directory.
    pub data: PathBuf,
}

/// Everything that the screen shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// How the system booted; `None` outside of a Quantix-OS.
    pub boot: Option<BootInfo>,
    /// What became of the configuration; `None` before `qx-config` ran.
    pub config: Option<Status>,
    /// The installation that this boot is for, if any.
    pub install: Option<InstallStatus>,
    /// The last update of the system, if there was one.
    pub update: Option<UpdateRecord>,
    /// The machine.
    pub inventory: Inventory,
    /// The daemon's view.
    pub daemon: Daemon,
    /// SHA-256 of the certificate that browsers see, in hex.
    pub certificate: Option<String>,
    /// Host keys, when SSH is on.
    pub ssh: Vec<SshFingerprint>,
    /// Root's password for this boot only.
    pub one_time_password: Option<String>,
}

/// What the daemon says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Daemon {
    /// It was not asked yet.
    Unasked,
    /// It answers.
    Up {
        /// VMs that run.
        running: usize,
        /// VMs that are defined.
        defined: usize,
        /// Whether VMs are emulated, for want of KVM.
        emulated: bool,
        /// What the daemon has to say about the hypervisor.
        note: Option<String>,
    },
    /// It answers, but what runs the VMs does not.
    NoHypervisor {
        /// Why, and what to do.
        reason: String,
    },
    /// It does not answer, or answers with an error.
    Down {
        /// Why, as far as is known.
        reason: String,
    },
}

impl Facts {
    /// Whether this system runs from its medium.
    #[must_use]
    pub fn is_live(&self) -> bool {
        let boot = self.boot.as_ref();
        boot.is_some_and(|boot| boot.mode == Mode::Live)
    }

    /// Whether this system could install itself now: it runs from its medium, and nothing is or was installed.
    #[must_use]
    pub fn can_install(&self) -> bool {
        let live = self.is_live();
        let phase = self.install.as_ref().map(|install| install.phase);
        live && matches!(phase, None | Some(Phase::Failed))
    }

    /// Gathers what needs no daemon: quick enough for the first frame.
    #[must_use]
    pub fn local(places: &Places) -> Self {
        let sources = Sources {
            run: places.run.clone(),
            data: places.data.clone(),
            ..Sources::default()
        };
        let inventory = Inventory::read(&sources);
        let ssh_keys = places.state.join("ssh");
        let ssh = if inventory.ssh_enabled {
            ssh_fingerprints(&ssh_keys)
        } else {
            Vec::new()
        };
        let password = fs::read_to_string(places.run.join(INITIAL_PASSWORD)).ok();
        Self {
            boot: BootInfo::read_now(&places.run, &Devices::default()).ok(),
            config: Status::read(&places.run),
            install: InstallStatus::read(&places.run),
            update: UpdateRecord::read(&places.state),
            inventory,
            daemon: Daemon::Unasked,
            certificate: certificate_sha256(&places.state.join("tls/cert.pem")),
            ssh,
            one_time_password: password.map(|text| text.trim_end().to_owned()),
        }
    }
}

/// Gathers on a thread of its own and sends what it finds whenever it differs from the last time.
///
/// # Errors
/// When the runtime that talks to the daemon cannot be made.
pub fn watch<E: Send + 'static>(
    places: Places,
    sender: SyncSender<E>,
    wrap: fn(Facts) -> E,
) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let client = Client::unix(&places.socket);
    thread::spawn(move || {
        let mut last = None;
        loop {
            let mut facts = Facts::local(&places);
            facts.daemon = runtime.block_on(ask(&client));
            // Whole minutes are shown: no redraw for seconds.
            facts.inventory.uptime_s -= facts.inventory.uptime_s % 60;
            if last.as_ref() != Some(&facts) {
                if sender.send(wrap(facts.clone())).is_err() {
                    return;
                }
                last = Some(facts);
            }
            thread::sleep(PERIOD);
        }
    });
    Ok(())
}

async fn ask(client: &Client) -> Daemon {
    let calls = async {
        let hypervisor = client.host().await?.hypervisor;
        let Some(accelerator) = hypervisor.accelerator else {
            let reason = hypervisor.note.unwrap_or_default();
            return Ok(Daemon::NoHypervisor { reason });
        };
        let vms = client.vms().await?;
        Ok::<_, qx_api::client::Error>(Daemon::Up {
            running: vms.iter().filter(|vm| is_running(vm.state)).count(),
            defined: vms.len(),
            emulated: accelerator == Accelerator::Tcg,
            note: hypervisor.note,
        })
    };
    match tokio::time::timeout(DEADLINE, calls).await {
        Ok(Ok(daemon)) => daemon,
        Ok(Err(error)) => Daemon::Down {
            reason: error.to_string(),
        },
        Err(_) => Daemon::Down {
            reason: format!("no answer within {} s", DEADLINE.as_secs()),
        },
    }
}

/// Whether a VM would lose something if the host went down now.
const fn is_running(state: VmState) -> bool {
    !matches!(state, VmState::Off | VmState::Saved | VmState::Crashed)
}
