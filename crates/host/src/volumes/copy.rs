//! Copying a volume's file: its blocks are shared where the file system can do that (XFS with reflinks), else its
//! data is copied and its holes stay holes.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use rustix::fs::{SeekFrom, ioctl_ficlone, seek};
use rustix::io::Errno;

use super::convert::forget_snapshots;
use super::place::{Part, open};
use super::{VolumeError, Watch};

/// What is copied between two looks at the watch, in bytes.
const PIECE: usize = 1 << 20;

/// How a copy was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copied {
    /// The blocks are shared until one of both is written to.
    Shared,
    /// So many bytes of data were copied.
    Bytes(u64),
}

/// Copies the file or block device `source`, whose format is known, to the new file `target`. Snapshots in a qcow2 file
/// are not taken along: what they are of is another VM.
///
/// # Errors
/// See [`VolumeError`].
pub fn copy(
    (source, format): (&Path, &str),
    target: &Path,
    watch: Watch<'_>,
) -> Result<Copied, VolumeError> {
    let doing = || VolumeError::file(format!("copying {}", source.display()));
    let (from, length) = open(source).map_err(doing())?;
    let part = Part::of(target)?;
    let to = part.create()?;
    // Another file system, or one without reflinks.
    let copied = match ioctl_ficlone(&to, &from) {
        Ok(()) => Copied::Shared,
        Err(_) => Copied::Bytes(copy_data(&from, length, &to, watch, doing)?),
    };
    if format == "qcow2" {
        forget_snapshots(part.path())?;
    }
    part.keep(target)?;
    Ok(copied)
}

fn copy_data<F: FnOnce(io::Error) -> VolumeError>(
    from: &File,
    length: u64,
    to: &File,
    watch: Watch<'_>,
    doing: impl Fn() -> F,
) -> Result<u64, VolumeError> {
    to.set_len(length).map_err(doing())?;
    let mut piece = vec![0; PIECE];
    let (mut at, mut copied) = (0, 0);
    while let Some((start, end)) = next_data(from, at, length).map_err(doing())? {
        at = start;
        while at < end {
            if !watch(at, length) {
                return Err(VolumeError::Cancelled);
            }
            let most = usize::try_from(end - at).map_or(PIECE, |left| left.min(PIECE));
            let read = from.read_at(&mut piece[..most], at).map_err(doing())?;
            if read == 0 {
                return Err(doing()(io::ErrorKind::UnexpectedEof.into()));
            }
            to.write_all_at(&piece[..read], at).map_err(doing())?;
            at += read as u64;
            copied += read as u64;
        }
    }
    Ok(copied)
}

/// Where the next data begins and ends; `None` when nothing but a hole follows.
fn next_data(file: &File, at: u64, length: u64) -> io::Result<Option<(u64, u64)>> {
    if at >= length {
        return Ok(None);
    }
    let start = match seek(file, SeekFrom::Data(at)) {
        Ok(start) => start,
        Err(Errno::NXIO) => return Ok(None),
        // A block device, or a file system that knows no holes.
        Err(Errno::INVAL) => return Ok(Some((at, length))),
        Err(error) => return Err(error.into()),
    };
    let end = seek(file, SeekFrom::Hole(start)).unwrap_or(length);
    Ok(Some((start, end.min(length))))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn a_copy_has_the_same_bytes_and_its_holes() {
        let dir = tempfile::tempdir().unwrap();
        let (source, target) = (dir.path().join("a"), dir.path().join("b"));
        let file = File::create(&source).unwrap();
        file.set_len(64 << 20).unwrap();
        file.write_all_at(b"middle", 30 << 20).unwrap();
        let mut seen = 0;
        copy((&source, "raw"), &target, &mut |done, of| {
            assert!(done <= of);
            seen += 1;
            true
        })
        .unwrap();
        assert!(fs::read(&source).unwrap() == fs::read(&target).unwrap());
        assert!(fs::metadata(&target).unwrap().blocks() * 512 < 8 << 20);
        assert!(seen < 32, "{seen} pieces of a hole were copied");
    }

    #[test]
    fn snapshots_are_not_taken_along() {
        let dir = tempfile::tempdir().unwrap();
        let (source, target) = (dir.path().join("a,b.qcow2"), dir.path().join("c,d.qcow2"));
        let image = |arguments: &[&str], file: &Path| {
            let mut command = std::process::Command::new("qemu-img");
            let output = command.args(arguments).arg(file).output().unwrap();
            assert!(output.status.success(), "{output:?}");
            String::from_utf8(output.stdout).unwrap()
        };
        let made = std::process::Command::new("qemu-img")
            .args(["create", "-q", "-f", "qcow2"])
            .arg(&source)
            .arg("64M")
            .status();
        assert!(made.unwrap().success());
        for name in ["2", "-l", "a b"] {
            image(&["snapshot", "-c", name], &source);
        }
        copy((&source, "qcow2"), &target, &mut |_, _| true).unwrap();
        assert_eq!(image(&["snapshot", "-l"], &target), "");
        assert_eq!(image(&["snapshot", "-l"], &source).lines().count(), 5);
        image(&["check", "-q"], &target);
    }

    #[test]
    fn a_cancelled_copy_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let (source, target) = (dir.path().join("a"), dir.path().join("b"));
        fs::write(&source, vec![1; 4 << 20]).unwrap();
        let (from, length) = open(&source).unwrap();
        let part = Part::of(&target).unwrap();
        let to = part.create().unwrap();
        let doing = || VolumeError::file("copying");
        let stopped = copy_data(&from, length, &to, &mut |done, _| done < 1 << 20, doing);
        assert!(matches!(stopped, Err(VolumeError::Cancelled)));
        drop(part);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
