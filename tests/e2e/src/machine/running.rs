//! The running machine: owns the QEMU process and the two sockets to it.

use std::fs::{self, File};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::command::{self, QMP_SOCKET, SERIAL_SOCKET};
use super::{Bus, Forward, Spec};
use crate::accelerator::Accelerator;
use crate::api::Api;
use crate::deadline::{Look, poll, seconds};
use crate::firmware::Firmware;
use crate::qmp::Qmp;
use crate::serial::Serial;

/// What a boot says that has failed for good.
const FATAL: [&str; 4] = [
    "Quantix-OS cannot start:",
    "Kernel panic",
    "bad shim signature",
    "No bootable option or device was found",
];

/// A machine that is on. Dropping it cuts its power.
pub struct Machine {
    spec: Spec,
    qemu: Child,
    qmp: Qmp,
    serial: Serial,
    started: Instant,
}

/// A machine that is off; its disks and UEFI variables are as it left them.
pub struct StoppedMachine {
    spec: Spec,
}

impl StoppedMachine {
    /// Turns it on again.
    ///
    /// # Errors
    /// As `MachineBuilder::start`.
    pub fn start(self) -> Result<Machine> {
        Machine::start(self.spec)
    }

    /// Takes discs and sticks out. Disks keep their serial numbers, which follow from their places: attach
    /// disks first.
    #[must_use]
    pub fn without_media(mut self) -> Self {
        let is_disk = |bus| !matches!(bus, Bus::Cd | Bus::UsbStick);
        self.spec.drives.retain(|drive| is_disk(drive.bus));
        self
    }

    /// As after another mainboard was put in: other firmware, without Secure Boot, that knows no boot entries.
    ///
    /// # Errors
    /// When its variables can't be written.
    pub fn with_new_firmware(mut self) -> Result<Self> {
        self.spec.firmware = Firmware::NoKeys;
        let variables = self.spec.dir.join("vars.fd");
        self.spec.firmware.copy_variables(&variables)?;
        Ok(self)
    }

    /// Its directory, with its disks.
    pub fn dir(&self) -> &Path {
        &self.spec.dir
    }
}

impl Machine {
    pub(super) fn start(spec: Spec) -> Result<Self> {
        let serial_listener = listen(&spec.dir.join(SERIAL_SOCKET))?;
        let qmp_listener = listen(&spec.dir.join(QMP_SOCKET))?;
        let said = spec.dir.join("qemu.log");
        let log = File::create(&said).context("cannot make QEMU's log")?;
        let started = Instant::now();
        // setpriv makes the kernel end QEMU when this program ends, even if it is killed.
        let mut qemu = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--", "qemu-system-x86_64"])
            .args(command::arguments(&spec))
            .stdin(Stdio::null())
            .stdout(log.try_clone().context("cannot share QEMU's log")?)
            .stderr(log)
            .spawn()
            .context("cannot start qemu-system-x86_64 (by setpriv)")?;
        let connected = accept(&serial_listener, &mut qemu)
            .and_then(|serial| Ok((serial, accept(&qmp_listener, &mut qemu)?)))
            .and_then(|(serial, qmp)| {
                Ok((Serial::new(serial, &next_log(&spec.dir))?, Qmp::new(qmp)?))
            });
        match connected {
            Ok((serial, qmp)) => Ok(Self {
                spec,
                qemu,
                qmp,
                serial,
                started,
            }),
            Err(error) => {
                end(&mut qemu);
                let said = fs::read_to_string(&said).unwrap_or_default();
                Err(error.context(format!("QEMU said: {}", said.trim())))
            }
        }
    }

    /// The serial line.
    pub fn serial(&self) -> &Serial {
        &self.serial
    }

    /// QEMU's monitor.
    pub fn qmp(&mut self) -> &mut Qmp {
        &mut self.qmp
    }

    /// How its instructions run.
    pub fn accelerator(&self) -> &Accelerator {
        &self.spec.accelerator
    }

    /// Time since power-on.
    pub fn age(&self) -> Duration {
        self.started.elapsed()
    }

    /// Id of the QEMU process.
    pub fn process_id(&self) -> u32 {
        self.qemu.id()
    }

    /// The port of 127.0.0.1 that leads to a port of the machine.
    ///
    /// # Errors
    /// When that port is not forwarded.
    pub fn port(&self, guest: u16) -> Result<u16> {
        self.spec
            .forwards
            .iter()
            .flatten()
            .find(|forward| forward.guest == guest)
            .map(|forward| forward.host)
            .with_context(|| format!("port {guest} of the machine is not forwarded"))
    }

    /// Forwards one more port of the machine, from a free port of 127.0.0.1, which is returned.
    ///
    /// # Errors
    /// When the machine has no network or QEMU refuses.
    pub fn forward_port(&mut self, guest: u16) -> Result<u16> {
        let host = crate::ports::free()?;
        let command = format!("hostfwd_add net0 tcp:127.0.0.1:{host}-:{guest}");
        let said = self
            .qmp
            .execute("human-monitor-command", json!({"command-line": command}))?;
        if said.as_str().is_some_and(|said| !said.trim().is_empty()) {
            bail!("QEMU did not forward port {guest}: {said}");
        }
        self.spec
            .forwards
            .get_or_insert_default()
            .push(Forward { host, guest });
        Ok(host)
    }

    /// A client of the machine's API.
    ///
    /// # Errors
    /// When it has no network.
    pub fn api(&self) -> Result<Api> {
        Ok(Api::new(self.port(8443)?))
    }

    /// Waits until `/readyz` says that the host can manage VMs; gives up at once when the boot has failed.
    ///
    /// # Errors
    /// When it does not in time, with its last answer, or when the serial line says that it never will.
    pub fn wait_ready(&self, within: Duration) -> Result<Value> {
        let api = self.api()?;
        poll("/readyz to say ready", within, || {
            let text = self.serial.text();
            if let Some(at) = FATAL.iter().find_map(|words| text.find(words)) {
                bail!("the boot failed: {}", &text[at..]);
            }
            Ok(api.look_ready())
        })
    }

    /// Presses keys of the screen's keyboard, one after another: QEMU's names (`f2`, `ret`, `esc`, `a`);
    /// keys held together are joined by `-` (`ctrl-alt-delete`).
    ///
    /// # Errors
    /// When QEMU knows no such key.
    pub fn press(&mut self, keys: &[&str]) -> Result<()> {
        for chord in keys {
            let held: Vec<_> = chord
                .split('-')
                .map(|key| json!({"type": "qcode", "data": key}))
                .collect();
            self.qmp.execute("send-key", json!({"keys": held}))?;
        }
        Ok(())
    }

    /// Saves the graphical screen as PNG.
    ///
    /// # Errors
    /// When QEMU can't write it.
    pub fn screenshot(&mut self, file: &Path) -> Result<()> {
        let arguments = json!({"filename": file, "format": "png"});
        self.qmp.execute("screendump", arguments).map(drop)
    }

    /// Presses the power button, again and again as a person would: the host hears it only once everything
    /// is started. Waits until the machine is off.
    ///
    /// # Errors
    /// When it stays on, or QEMU is gone.
    pub fn shut_down(mut self, within: Duration) -> Result<StoppedMachine> {
        let end = Instant::now() + within;
        while self.is_on()? {
            if Instant::now() > end {
                bail!(
                    "the machine did not turn itself off in {} s",
                    within.as_secs()
                );
            }
            let pressed = self.qmp.execute("system_powerdown", json!({}));
            let qemu = &mut self.qemu;
            let off = poll("the machine to turn itself off", seconds(5), || {
                Ok(match qemu.try_wait()? {
                    Some(_) => Look::Done(()),
                    None => Look::NotYet("it is on".into()),
                })
            });
            if off.is_err() {
                // It is on: then the button must have been pressed.
                pressed?;
            }
        }
        Ok(StoppedMachine {
            spec: self.spec.clone(),
        })
    }

    /// Presses the reset button.
    ///
    /// # Errors
    /// When QEMU is gone.
    pub fn reset(&mut self) -> Result<()> {
        self.qmp.execute("system_reset", json!({})).map(drop)
    }

    /// True while QEMU runs.
    ///
    /// # Errors
    /// When the process can't be asked.
    pub fn is_on(&mut self) -> Result<bool> {
        Ok(self
            .qemu
            .try_wait()
            .context("cannot ask for QEMU's state")?
            .is_none())
    }

    /// Waits until the machine turned itself off (or rebooted, with `stop_at_reboot`).
    ///
    /// # Errors
    /// When it stays on.
    pub fn wait_off(mut self, within: Duration) -> Result<StoppedMachine> {
        let qemu = &mut self.qemu;
        poll("the machine to turn itself off", within, || {
            Ok(match qemu.try_wait()? {
                Some(_) => Look::Done(()),
                None => Look::NotYet("it is on".into()),
            })
        })?;
        Ok(StoppedMachine {
            spec: self.spec.clone(),
        })
    }

    /// Takes the power away between two instructions. What the guest has not flushed may be lost, what it
    /// has flushed is in the disk's file.
    pub fn power_cut(mut self) -> StoppedMachine {
        end(&mut self.qemu);
        StoppedMachine {
            spec: self.spec.clone(),
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if matches!(self.qemu.try_wait(), Ok(None)) {
            // The lab keeps or discards these; a machine that can't be asked leaves none.
            let _ = self.screenshot(&self.spec.dir.join("screen.png"));
        }
        let _ = fs::write(
            self.spec.dir.join("serial-screen.txt"),
            self.serial.screen(),
        );
        end(&mut self.qemu);
    }
}

fn end(qemu: &mut Child) -> Option<ExitStatus> {
    // Both fail only when it has ended already.
    let _ = qemu.kill();
    qemu.wait().ok()
}

fn listen(socket: &Path) -> Result<UnixListener> {
    if socket.exists() {
        fs::remove_file(socket).context("cannot remove the socket of an earlier run")?;
    }
    let listener = UnixListener::bind(socket)
        .with_context(|| format!("cannot listen on {}", socket.display()))?;
    listener.set_nonblocking(true).context("cannot listen")?;
    Ok(listener)
}

/// Waits for QEMU to connect, unless it ends instead.
fn accept(listener: &UnixListener, qemu: &mut Child) -> Result<UnixStream> {
    poll("QEMU to connect", seconds(30), || match listener.accept() {
        Ok((stream, _)) => {
            stream.set_nonblocking(false)?;
            Ok(Look::Done(stream))
        }
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
            if let Some(status) = qemu.try_wait()? {
                bail!("QEMU ended with {status}");
            }
            Ok(Look::NotYet("it has not connected".into()))
        }
        Err(error) => Err(error).context("cannot accept QEMU's connection"),
    })
}

/// `serial.log`, `serial-2.log`, … one for each power-on.
fn next_log(dir: &Path) -> PathBuf {
    let mut path = dir.join("serial.log");
    for number in 2.. {
        if !path.exists() {
            break;
        }
        path = dir.join(format!("serial-{number}.log"));
    }
    path
}
