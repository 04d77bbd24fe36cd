//! A shell for whoever knows the root password, offered on every console at once.
//!
//! The password is the installed system's: the initramfs has none. Where no disk knows one, no shell is
//! given to anybody, and the person can only go on or restart.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use qx_host::accounts::verify_root_password;
use qx_host::config::Store;
use qx_host::mirror::Superblock;
use rustix::mount::MountFlags;
use rustix::termios::{InputModes, LocalModes, OptionalActions, tcgetattr, tcsetattr};

use crate::block::BlockDevice;
use crate::mounts::{self, Mount, PLAIN};
use crate::{log, loop_device, medium};

pub(crate) const BUSYBOX: &str = "/bin/busybox";
/// Loop device 0 may hold the image.
const FIRST_LOOP: u32 = 1;
const WRONG_PASSWORD_DELAY: Duration = Duration::from_secs(3);

/// What the person at a console chose.
enum Choice {
    /// Enter alone.
    GoOn,
    /// The right password, on this console.
    Shell(PathBuf),
}

/// The root passwords of the installed systems in this machine, each as a file in shadow(5) form.
struct Passwords(Vec<PathBuf>);

/// Offers the shell on every console; returns when it ended, or when the person chose to go on without.
/// `going_on` says what happens then.
pub(crate) fn offer(going_on: &str) {
    let passwords = Passwords::of_installed_systems();
    let text = if passwords.0.is_empty() {
        format!(
            "No root password is known here (no installed Quantix-OS was found), so there is no recovery \
             shell. Press Enter to {going_on}.\n"
        )
    } else {
        format!("Root password for a recovery shell, or Enter to {going_on}:\n")
    };
    log::say(&text);
    if let Choice::Shell(console) = wait_for_choice(passwords)
        && let Err(error) = shell(&console)
    {
        log::say(&format!("The recovery shell cannot be started: {error}.\n"));
    }
}

/// Waits until somebody presses Enter on any console.
pub(crate) fn wait_for_enter() {
    wait_for_choice(Passwords(Vec::new()));
}

/// Asks on every console at once; the first answer counts.
fn wait_for_choice(passwords: Passwords) -> Choice {
    let (sender, choices) = channel();
    let passwords = std::sync::Arc::new(passwords);
    for console in log::consoles() {
        let (sender, passwords) = (sender.clone(), passwords.clone());
        thread::spawn(move || {
            // A console that cannot be read leaves the choice to the others.
            if let Ok(choice) = ask(&readable(&console), &passwords) {
                let _ = sender.send(choice);
            }
        });
    }
    drop(sender);
    choices.recv().unwrap_or(Choice::GoOn)
}

/// `tty0` is whichever screen is shown; a shell needs a terminal of its own.
fn readable(console: &Path) -> PathBuf {
    if console.ends_with("tty0") {
        "/dev/tty1".into()
    } else {
        console.to_owned()
    }
}

fn ask(console: &Path, passwords: &Passwords) -> io::Result<Choice> {
    let terminal = File::open(console)?;
    let mut quiet = tcgetattr(&terminal)?;
    quiet.local_modes -= LocalModes::ECHO;
    quiet.local_modes |= LocalModes::ICANON;
    quiet.input_modes |= InputModes::ICRNL;
    let mut lines = BufReader::new(&terminal);
    loop {
        tcsetattr(&terminal, OptionalActions::Flush, &quiet)?;
        let mut line = String::new();
        if lines.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let password = line.trim_end_matches(['\r', '\n']);
        if password.is_empty() {
            return Ok(Choice::GoOn);
        }
        if passwords.any_is(password) {
            let mut normal = quiet.clone();
            normal.local_modes |= LocalModes::ECHO;
            tcsetattr(&terminal, OptionalActions::Now, &normal)?;
            return Ok(Choice::Shell(console.to_owned()));
        }
        thread::sleep(WRONG_PASSWORD_DELAY);
        log::write_to(console, "That is not the root password.\n")?;
    }
}

/// Runs busybox's shell on a console until the person leaves it.
fn shell(console: &Path) -> io::Result<()> {
    log::write_to(console, "Recovery shell. Leave it with 'exit'.\n")?;
    let open = |read: bool| {
        File::options()
            .read(read)
            .write(!read)
            .open(console)
            .map(Stdio::from)
    };
    Command::new(BUSYBOX)
        .args(["setsid", "-c", BUSYBOX, "sh", "-l"])
        .env_clear()
        .env("PATH", "/bin:/sbin")
        .env("HOME", "/")
        .env("TERM", "linux")
        .stdin(open(true)?)
        .stdout(open(false)?)
        .stderr(open(false)?)
        .status()?;
    Ok(())
}

impl Passwords {
    /// Looks at the configuration partition of every disk.
    fn of_installed_systems() -> Self {
        let shadow = |(index, partition): (usize, BlockDevice)| {
            let number = u32::try_from(index).ok()?;
            let hash = root_password_hash(&partition, FIRST_LOOP + number).ok()??;
            let path = PathBuf::from(format!("/run/recovery-shadow-{index}"));
            fs::write(&path, format!("root:{hash}:::::::\n")).ok()?;
            Some(path)
        };
        Self(
            medium::config_partitions()
                .into_iter()
                .enumerate()
                .filter_map(shadow)
                .collect(),
        )
    }

    fn any_is(&self, password: &str) -> bool {
        self.0
            .iter()
            .any(|shadow| verify_root_password(shadow, password).unwrap_or(false))
    }
}

/// The hash in a partition's configuration; `None` when it has none. Half of a mirror is read where its content
/// starts, by the loop device of this number.
fn root_password_hash(partition: &BlockDevice, number: u32) -> io::Result<Option<String>> {
    let half = Superblock::read(&partition.node())?;
    let content = half.map(|half| {
        let file = File::open(partition.node())?;
        loop_device::attach(&file, number, half.data_offset)
    });
    let content = content.transpose()?;
    let source = content.as_ref().map(|(_, node)| node.clone());
    let target = Path::new("/recovery");
    let flags = PLAIN | MountFlags::RDONLY | MountFlags::NOEXEC;
    Mount {
        source: &source.unwrap_or_else(|| partition.node()),
        target,
        kind: "ext4",
        flags,
        options: "noload",
    }
    .make()?;
    let config = Store::new(target).peek().config;
    mounts::detach(target)?;
    Ok(config
        .system
        .root_password_hash
        .map(|hash| hash.as_str().to_owned()))
}
