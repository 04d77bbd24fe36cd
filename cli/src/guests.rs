//! `qx vm guest`.

use std::fs::File;
use std::io::{IsTerminal, Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use qx_api::client::Client;
use qx_api::rest::{
    GuestExec, GuestExecStatus, GuestFileWrite, GuestFreeze, GuestInfo, GuestPassword, GuestTime,
    Task,
};
use uuid::Uuid;

use crate::ExitWith;
use crate::args::Format;
use crate::args::guest::GuestCommand;
use crate::output::{fields, json, list, plain};
use crate::size::Size;
use crate::tasks::finish;
use crate::terminal;
use crate::vms::{Ways, find};

/// Bytes of one piece of a file.
const PIECE: usize = 256 << 10;
/// Between two looks whether a command has ended: at first, and at most.
const FIRST_LOOK: Duration = Duration::from_millis(50);
const LOOK: Duration = Duration::from_secs(1);

pub(crate) async fn run(client: &Client, ways: Ways, command: GuestCommand) -> Result<()> {
    let (format, no_wait) = ways;
    let id = async |vm: &str| Ok::<Uuid, anyhow::Error>(find(client, vm).await?.id);
    match command {
        GuestCommand::Info { vm } => show(format, &client.guest(id(&vm).await?).await?),
        GuestCommand::Ping { vm } => Ok(client.ping_guest(id(&vm).await?).await?),
        GuestCommand::Addresses { vm } => {
            let found = client.guest_addresses(id(&vm).await?).await?;
            let rows = found.iter().map(|one| {
                let mac = one.mac.as_deref().unwrap_or("-");
                vec![
                    plain(&one.name),
                    plain(mac),
                    plain(&one.addresses.join(" ")),
                ]
            });
            list(format, &found, &["INTERFACE", "MAC", "ADDRESSES"], rows)
        }
        GuestCommand::Filesystems { vm } => {
            let found = client.guest_filesystems(id(&vm).await?).await?;
            let size = |bytes: Option<u64>| bytes.map_or("-".into(), |b| Size(b).to_string());
            let rows = found.iter().map(|one| {
                vec![
                    plain(&one.mount_point),
                    plain(&one.name),
                    plain(&one.r#type),
                    size(one.used_bytes),
                    size(one.total_bytes),
                ]
            });
            let header = ["MOUNTED ON", "DEVICE", "TYPE", "USED", "SIZE"];
            list(format, &found, &header, rows)
        }
        GuestCommand::Exec {
            vm,
            env,
            input,
            timeout,
            command,
        } => {
            let wish = wish(env, input.as_deref(), command)?;
            let vm = id(&vm).await?;
            let pid = client.exec_in_guest(vm, &wish).await?;
            if no_wait {
                println!("{pid}");
                return Ok(());
            }
            let deadline = timeout.map(|s| Instant::now() + Duration::from_secs(s));
            ended(format, &wait(client, vm, pid, deadline).await?)
        }
        GuestCommand::ExecStatus { vm, pid } => {
            let status = client.guest_exec(id(&vm).await?, pid).await?;
            if !status.exited && format == Format::Table {
                bail!("it runs");
            }
            ended(format, &status)
        }
        GuestCommand::Read { vm, path, file } => {
            read(client, id(&vm).await?, &path, file.as_deref()).await
        }
        GuestCommand::Write { vm, file, path } => write(client, id(&vm).await?, &file, path).await,
        GuestCommand::Freeze { vm, mount_points } => {
            let wish = GuestFreeze { mount_points };
            let count = client.freeze_guest(id(&vm).await?, &wish).await?;
            println!("{count} file systems are frozen; `qx vm guest thaw` lets them go on");
            Ok(())
        }
        GuestCommand::Thaw { vm } => {
            let count = client.thaw_guest(id(&vm).await?).await?;
            println!("{count} file systems go on");
            Ok(())
        }
        GuestCommand::Trim { vm } => {
            let task = client.trim_guest(id(&vm).await?).await?;
            let Some(task) = finish(client, format, no_wait, task).await? else {
                return Ok(());
            };
            let lines = task.log.iter().flatten().map(|line| plain(&line.text));
            lines.for_each(|line| println!("{line}"));
            Ok(())
        }
        GuestCommand::Password { vm, user, crypted } => {
            let vm = id(&vm).await?;
            let wish = GuestPassword {
                password: new_password(&user, crypted)?,
                username: user,
                crypted,
            };
            Ok(client.set_guest_password(vm, &wish).await?)
        }
        GuestCommand::Time { vm, at } => {
            let wish = GuestTime { time: at };
            Ok(client.set_guest_time(id(&vm).await?, &wish).await?)
        }
        GuestCommand::Shutdown { vm } => {
            let task = client.power_guest(id(&vm).await?, false).await?;
            done(client, ways, task).await
        }
        GuestCommand::Reboot { vm } => {
            let task = client.power_guest(id(&vm).await?, true).await?;
            done(client, ways, task).await
        }
    }
}

async fn done(client: &Client, (format, no_wait): Ways, task: Task) -> Result<()> {
    finish(client, format, no_wait, task).await.map(drop)
}

fn show(format: Format, guest: &GuestInfo) -> Result<()> {
    let unknown = || "not told".to_owned();
    let os = guest.os.as_ref();
    let name = os.and_then(|os| os.pretty_name.as_ref().or(os.name.as_ref()));
    let users = guest.users.as_ref().map(|users| {
        let names: Vec<&str> = users.iter().map(|user| user.name.as_str()).collect();
        if names.is_empty() {
            "nobody".to_owned()
        } else {
            plain(&names.join(" "))
        }
    });
    let zone = guest.time_zone.as_ref().map(|zone| {
        let name = zone.name.as_deref().map(plain).unwrap_or_default();
        let minutes = zone.offset_s / 60;
        format!(
            "{name} UTC{}{:02}:{:02}",
            if minutes < 0 { '-' } else { '+' },
            minutes.abs() / 60,
            minutes.abs() % 60
        )
    });
    let lines = [
        ("Host name", guest.hostname.as_deref().map(plain)),
        ("System", name.map(|name| plain(name))),
        (
            "Kernel",
            os.and_then(|os| os.kernel_release.as_deref()).map(plain),
        ),
        ("Time", guest.time.map(|time| time.to_string())),
        ("Time zone", zone),
        ("Logged in", users),
        (
            "File systems",
            guest
                .frozen
                .map(|frozen| if frozen { "frozen" } else { "thawed" }.to_owned()),
        ),
        ("Agent", Some(plain(&guest.agent_version))),
    ];
    let lines = lines.map(|(name, text)| (name, text.unwrap_or_else(unknown)));
    fields(format, guest, &lines)
}

fn wish(env: Vec<String>, input: Option<&Path>, command: Vec<String>) -> Result<GuestExec> {
    let mut command = command.into_iter();
    Ok(GuestExec {
        path: command.next().context("no command was given")?,
        args: command.collect(),
        env,
        input: match input {
            Some(file) => {
                let mut bytes = Vec::new();
                // The host refuses what is larger, in its words.
                let mut some = source(file)?.take(PIECE as u64 + 1);
                some.read_to_end(&mut bytes)
                    .context("can't read the input")?;
                bytes
            }
            None => Vec::new(),
        },
    })
}

async fn wait(
    client: &Client,
    vm: Uuid,
    pid: u64,
    deadline: Option<Instant>,
) -> Result<GuestExecStatus> {
    let mut pause = FIRST_LOOK;
    loop {
        let status = client.guest_exec(vm, pid).await?;
        if status.exited {
            return Ok(status);
        }
        if deadline.is_some_and(|end| Instant::now() >= end) {
            bail!("it has not ended yet; `qx vm guest exec-status {vm} {pid}` shows when it has");
        }
        tokio::time::sleep(pause).await;
        pause = LOOK.min(pause * 2);
    }
}

/// Prints what a command wrote, and ends as it did.
fn ended(format: Format, status: &GuestExecStatus) -> Result<()> {
    if format == Format::Json {
        return json(status);
    }
    let (stdout, stderr) = (std::io::stdout(), std::io::stderr());
    let printed = stdout
        .lock()
        .write_all(&shown(&status.stdout, stdout.is_terminal()))
        .and_then(|()| stdout.lock().flush())
        .and_then(|()| {
            let bytes = shown(&status.stderr, stderr.is_terminal());
            stderr.lock().write_all(&bytes)
        });
    printed.context("can't write the command's output")?;
    if status.truncated {
        eprintln!("qx: it wrote more than the agent keeps; the rest is lost");
    }
    match (status.exit_code, status.signal) {
        (_, Some(signal)) => bail!("signal {signal} ended the command"),
        (Some(0) | None, None) => Ok(()),
        // What a process can end with here; another system's number may not fit.
        (Some(code), None) => Err(ExitWith(u8::try_from(code).unwrap_or(1)).into()),
    }
}

/// A guest's bytes; on a terminal without what would control it.
fn shown(bytes: &[u8], terminal: bool) -> Vec<u8> {
    if !terminal {
        return bytes.to_vec();
    }
    let text = String::from_utf8_lossy(bytes);
    let kept = |c: char| !c.is_control() || c == '\n' || c == '\t';
    text.chars().filter(|c| kept(*c)).collect::<String>().into()
}

async fn read(client: &Client, vm: Uuid, path: &str, file: Option<&Path>) -> Result<()> {
    // Before the file is made here: it may not be there.
    let mut piece = client.read_guest_file(vm, path, 0).await?;
    let mut to: Box<dyn Write> = match file {
        Some(file) => {
            let made = File::create_new(file);
            Box::new(made.with_context(|| format!("can't make {}", file.display()))?)
        }
        None => Box::new(std::io::stdout()),
    };
    let mut offset = 0;
    loop {
        to.write_all(&piece.data).context("can't write the file")?;
        offset += piece.data.len() as u64;
        if piece.eof {
            return to.flush().context("can't write the file");
        }
        piece = client.read_guest_file(vm, path, offset).await?;
    }
}

async fn write(client: &Client, vm: Uuid, file: &Path, path: String) -> Result<()> {
    let mut from = source(file)?;
    let mut wish = GuestFileWrite {
        path,
        data: Vec::new(),
        append: false,
    };
    loop {
        wish.data.clear();
        let mut some = from.by_ref().take(PIECE as u64);
        let read = some.read_to_end(&mut wish.data);
        read.with_context(|| format!("can't read {}", file.display()))?;
        // An empty file is written too.
        if wish.data.is_empty() && wish.append {
            return Ok(());
        }
        client.write_guest_file(vm, &wish).await?;
        wish.append = true;
    }
}

fn source(file: &Path) -> Result<Box<dyn Read>> {
    if file == Path::new("-") {
        return Ok(Box::new(std::io::stdin()));
    }
    let opened = File::open(file).with_context(|| format!("can't read {}", file.display()))?;
    Ok(Box::new(opened))
}

/// A hash is not asked for twice: it was copied.
fn new_password(user: &str, crypted: bool) -> Result<String> {
    let what = if crypted {
        "Password hash"
    } else {
        "New password"
    };
    terminal::new_secret(&format!("{what} of {user} in the guest"), !crypted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guests_output_cannot_control_the_terminal() {
        let evil = b"a\x1b[2J\tb\r\n\xff";
        assert_eq!(shown(evil, false), evil);
        assert_eq!(shown(evil, true), "a[2J\tb\n\u{fffd}".as_bytes());
    }
}
