//! The disk that forgets, by QEMU's own client.

use std::fs::File;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fastrand::Rng;
use qx_e2e::deadline::Look;
use qx_e2e::volatile::{Flush, Medium, Seen, VolatileDisk};
use qx_e2e::{poll, seconds};

const PATIENCE: Duration = seconds(60);
const BLOCK: u64 = 4096;
/// The last one gives time to kill it.
const COMMANDS: [&str; 6] = [
    "write -P 1 0 8k",
    "flush",
    "write -P 2 4k 4k",
    "write -P 2 8k 4k",
    "read -P 2 4k 8k",
    "sleep 600000",
];

/// Writes 1s and flushes, then writes 2s behind and over the half of them, and is killed.
fn killed(disk: &VolatileDisk<File>) -> Result<()> {
    disk.watch(0..16 * BLOCK);
    let mut client = client(disk)?;
    let expected = Seen {
        read: 2 * BLOCK,
        written: 4 * BLOCK,
    };
    let all = poll("everything to arrive", PATIENCE, || {
        Ok(match disk.seen() {
            seen if seen == expected => Look::Done(()),
            seen => Look::NotYet(format!("{seen:?}")),
        })
    });
    client.kill()?;
    let said = client.wait_with_output()?;
    all.with_context(|| format!("{said:?}"))?;
    // What was written can be read before it is flushed.
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    ensure!(!said.contains("verification failed"), "{said}");
    Ok(())
}

fn client(disk: &VolatileDisk<File>) -> Result<Child> {
    Command::new("qemu-io")
        .args(["-f", "raw", "-t", "writeback"])
        .arg(disk.path())
        .args(COMMANDS.into_iter().flat_map(|command| ["-c", command]))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot run qemu-io")
}

/// The first byte of each block.
fn blocks(disk: &VolatileDisk<File>) -> Result<Vec<u8>> {
    let mut bytes = vec![0; 4 * BLOCK as usize];
    disk.medium(|medium| medium.read(0, &mut bytes))??;
    Ok(bytes.into_iter().step_by(BLOCK as usize).collect())
}

fn disk(flush: Flush) -> Result<(tempfile::TempDir, VolatileDisk<File>)> {
    let dir = tempfile::tempdir()?;
    let file = tempfile::tempfile_in(dir.path())?;
    file.set_len(16 * BLOCK)?;
    let disk = VolatileDisk::serve(file, flush, &dir.path().join("disk.sock"))?;
    Ok((dir, disk))
}

#[test]
fn what_was_flushed_stays_and_of_the_rest_a_power_cut_takes_all_or_some() -> Result<()> {
    let (mut everything, mut something) = (0, 0);
    for seed in 0..12 {
        let (_dir, disk) = disk(Flush::Keeps)?;
        killed(&disk)?;
        let lost = disk.power_cut(&mut Rng::with_seed(seed))?;
        ensure!(lost.gone + lost.torn + lost.kept == 2, "{lost:?}");
        let blocks = blocks(&disk)?;
        ensure!(blocks[0] == 1 && blocks[3] == 0, "{lost:?}: {blocks:?}");
        // A torn write has its first sector.
        let new = [blocks[1] == 2, blocks[2] == 2];
        ensure!(new[0] || blocks[1] == 1, "{lost:?}: {blocks:?}");
        ensure!(new[1] || blocks[2] == 0, "{lost:?}: {blocks:?}");
        let there = new.iter().filter(|new| **new).count();
        ensure!(there == lost.torn + lost.kept, "{lost:?}: {blocks:?}");
        *(if lost.gone == 2 {
            &mut everything
        } else {
            &mut something
        }) += 1;
    }
    ensure!(everything > 0 && something > 0, "{everything}, {something}");
    Ok(())
}

#[test]
fn without_a_power_cut_nothing_is_forgotten() -> Result<()> {
    let (_dir, disk) = disk(Flush::Keeps)?;
    killed(&disk)?;
    ensure!(blocks(&disk)? == [1, 2, 2, 0]);
    Ok(())
}

#[test]
fn a_disk_that_lies_forgets_what_was_flushed() -> Result<()> {
    let (_dir, disk) = disk(Flush::Lies)?;
    killed(&disk)?;
    let lost = disk.power_cut(&mut Rng::with_seed(1))?;
    ensure!(lost.gone + lost.torn + lost.kept == 3, "{lost:?}");
    Ok(())
}

#[test]
fn a_disk_goes_dark_at_a_write_and_nothing_after_it_is_there() -> Result<()> {
    let (_dir, disk) = disk(Flush::Keeps)?;
    let limit = Seen {
        read: 0,
        written: 3 * BLOCK,
    };
    disk.dark_at(0..16 * BLOCK, limit);
    let mut client = client(&disk)?;
    let dark = poll("the disk to go dark", PATIENCE, || {
        Ok(match disk.is_dark() {
            true => Look::Done(()),
            false => Look::NotYet(format!("{:?}", disk.seen())),
        })
    });
    client.kill()?;
    client.wait()?;
    dark?;
    // The write at which it went dark was in the cache, and what followed was never sent.
    let lost = disk.power_cut(&mut Rng::with_seed(2))?;
    ensure!(lost.gone + lost.torn + lost.kept == 1, "{lost:?}");
    ensure!(blocks(&disk)?[2] == 0);
    // The next machine finds it lit.
    killed(&disk)
}
