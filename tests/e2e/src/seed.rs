//! The answer file of an unattended installation: on a volume, or from a web server.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// Makes a small FAT volume labelled `QX-SEED` in `dir`, with `answer` as `quantix.toml`.
///
/// # Errors
/// When the volume can't be made.
pub fn volume(dir: &Path, answer: &str) -> Result<PathBuf> {
    let (volume, text) = (dir.join("seed.img"), dir.join("quantix.toml"));
    fs::write(&text, answer).context("cannot write the answer file")?;
    let label = ["-n", "QX-SEED", "-C"];
    run(Command::new("mkfs.vfat")
        .args(label)
        .arg(&volume)
        .arg("1024"))?;
    run(Command::new("mcopy")
        .arg("-i")
        .arg(&volume)
        .arg(&text)
        .arg("::/quantix.toml"))?;
    Ok(volume)
}

/// Serves `answer` over HTTP for as long as this program runs; the URL as a machine of the harness sees it.
///
/// # Errors
/// When no port of 127.0.0.1 is free.
pub fn serve(answer: &str) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").context("cannot listen")?;
    // QEMU's user network has the build machine's loopback at this address.
    let url = format!(
        "http://10.0.2.2:{}/quantix.toml",
        listener.local_addr()?.port()
    );
    let length = answer.len();
    let reply =
        format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{answer}");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = [0; 4096];
            // A client that goes away comes again.
            let _ = stream.read(&mut request);
            let _ = stream.write_all(reply.as_bytes());
        }
    });
    Ok(url)
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    ensure!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}
