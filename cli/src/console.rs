//! A VM's serial line in this terminal: raw while it lasts, restored however it ends.

use std::io::{IsTerminal, Read, Write};

use anyhow::{Context, Result};
use bytes::Bytes;
use qx_api::client::Console;
use tokio::sync::mpsc;

use crate::terminal::Changed;

/// Ctrl-], as in telnet and virsh.
const LEAVE: u8 = 0x1d;

/// Copies both ways until Ctrl-] is typed or the console is closed.
pub(crate) async fn attach(mut console: Console) -> Result<()> {
    let interactive = std::io::stdin().is_terminal();
    if interactive {
        eprintln!("Connected. Ctrl-] leaves.");
    }
    let raw = interactive.then(Changed::raw).transpose()?;
    let (sender, mut typed) = mpsc::channel(16);
    std::thread::spawn(move || read_keys(&sender));
    let mut typing = true;
    loop {
        tokio::select! {
            output = console.read() => match output? {
                Some(output) => show(&output)?,
                None => break,
            },
            keys = typed.recv(), if typing => match keys {
                Some(Keys::Typed(keys)) => console.write(keys).await?,
                Some(Keys::Leave) => break,
                // Standard input ended: a script that only listens.
                None => typing = false,
            },
        }
    }
    drop(raw);
    if interactive {
        eprintln!("\nDisconnected.");
    }
    Ok(())
}

enum Keys {
    Typed(Bytes),
    Leave,
}

/// Blocks on standard input, so it has a thread of its own.
fn read_keys(keys: &mpsc::Sender<Keys>) {
    let mut stdin = std::io::stdin().lock();
    let mut buffer = [0; 1024];
    while let Ok(length @ 1..) = stdin.read(&mut buffer) {
        let typed = &buffer[..length];
        let end = typed.iter().position(|byte| *byte == LEAVE);
        let typed = &typed[..end.unwrap_or(length)];
        if !typed.is_empty()
            && keys
                .blocking_send(Keys::Typed(Bytes::copy_from_slice(typed)))
                .is_err()
        {
            return;
        }
        if end.is_some() {
            // The receiver is gone only when the console ended first.
            keys.blocking_send(Keys::Leave).unwrap_or_default();
            return;
        }
    }
}

fn show(output: &[u8]) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    stdout
        .write_all(output)
        .and_then(|()| stdout.flush())
        .context("can't write to the terminal")
}
