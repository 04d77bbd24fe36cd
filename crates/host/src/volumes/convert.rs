//! qemu-img: what an image is, and images of other formats made into ours. It never guesses a format: a raw image that
//! looks like another format would be read as that, and name files of the host.

use std::ffi::OsStr;
use std::io::{self, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde::Deserialize;

use super::place::Part;
use super::{VolumeError, Watch};
use crate::command;

const QEMU_IMG: &str = "/usr/bin/qemu-img";
/// A header is read in less.
const LOOK: Duration = Duration::from_secs(30);
/// The space that a snapshot holds is counted back, which takes reading all of the file's tables.
const REMOVAL: Duration = Duration::from_mins(10);
/// Between two looks whether it is to stop.
const PULSE: Duration = Duration::from_millis(200);

/// What qemu-img tells of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Bytes of the disk that it is.
    pub virtual_bytes: u64,
    /// Another file that it needs.
    pub needs: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Info {
    virtual_size: u64,
    backing_filename: Option<String>,
    format_specific: Option<Specific>,
    #[serde(default)]
    snapshots: Vec<Inside>,
}

/// A snapshot in the image.
#[derive(Deserialize)]
struct Inside {
    name: String,
}

#[derive(Deserialize)]
struct Specific {
    data: Option<Data>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Data {
    data_file: Option<String>,
    #[serde(default)]
    extents: Vec<Extent>,
}

#[derive(Deserialize)]
struct Extent {
    filename: Option<String>,
}

/// Reads the header of `path` as `format`, a name of QEMU's; nothing else is opened.
///
/// # Errors
/// When it is no such image, or is damaged.
pub fn facts(path: &Path, format: &str) -> Result<Facts, VolumeError> {
    let info = info(path, format)?;
    let data = info.format_specific.and_then(|specific| specific.data);
    let other = |name: &String| Path::new(name) != path;
    let (data_file, extents) = data
        .map(|data| (data.data_file, data.extents))
        .unwrap_or_default();
    let mut extents = extents.into_iter().filter_map(|extent| extent.filename);
    Ok(Facts {
        virtual_bytes: info.virtual_size,
        needs: info
            .backing_filename
            .or(data_file)
            .or_else(|| extents.find(other)),
    })
}

/// Removes all snapshots that are in a qcow2 file.
pub(super) fn forget_snapshots(path: &Path) -> Result<(), VolumeError> {
    while let Some(one) = info(path, "qcow2")?.snapshots.first() {
        let file = path.display().to_string().replace(',', ",,");
        let image = format!("driver=qcow2,file.driver=file,file.filename={file}");
        let arguments = ["snapshot", "--image-opts", "-d", &one.name, &image].map(OsStr::new);
        let failed = |said: String| VolumeError::Program {
            doing: format!("can't remove a snapshot from {}", path.display()),
            said,
        };
        let done = command::run(QEMU_IMG, &arguments, REMOVAL);
        let done = done.map_err(|error| failed(error.to_string()))?;
        if !done.status.success() {
            return Err(failed(done.stderr));
        }
    }
    Ok(())
}

fn info(path: &Path, format: &str) -> Result<Info, VolumeError> {
    let failed = |said: String| VolumeError::Program {
        doing: format!("can't read {} as {format}", path.display()),
        said,
    };
    let arguments = ["info", "--output=json", "-f", format, "--"].map(OsStr::new);
    let arguments = [&arguments[..], &[path.as_os_str()]].concat();
    let done = command::run(QEMU_IMG, &arguments, LOOK);
    let done = done.map_err(|error| failed(error.to_string()))?;
    if !done.status.success() {
        return Err(failed(done.stderr));
    }
    serde_json::from_str(&done.stdout).map_err(|error| failed(error.to_string()))
}

/// Makes the new file `target` in format `into` of what the image `source`, of format `from`, holds.
///
/// # Errors
/// See [`VolumeError`].
pub fn convert(
    source: (&Path, &str),
    target: (&Path, &str),
    watch: Watch<'_>,
) -> Result<(), VolumeError> {
    let (target, into) = target;
    let part = Part::of(target)?;
    run(source, (part.path(), into), &[], watch)?;
    part.keep(target)
}

/// Writes what the image `source` holds to a block device that is there and large enough, as raw bytes.
///
/// # Errors
/// See [`VolumeError`]; the device then holds a part of it.
pub fn convert_onto(
    source: (&Path, &str),
    device: &Path,
    watch: Watch<'_>,
) -> Result<(), VolumeError> {
    run(source, (device, "raw"), &["-n"], watch)
}

fn run(
    (source, from): (&Path, &str),
    (target, into): (&Path, &str),
    more: &[&str],
    watch: Watch<'_>,
) -> Result<(), VolumeError> {
    let doing = format!("can't convert {} to {into}", source.display());
    let mut child = Command::new(QEMU_IMG)
        .args(["convert", "-p", "-f", from, "-O", into])
        .args(more)
        .arg("--")
        .args([source, target])
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(VolumeError::file(format!("starting {QEMU_IMG}")))?;
    let followed = follow(&mut child, watch);
    if !matches!(followed, Ok(true)) {
        // Gone already when it failed by itself.
        let _ = child.kill();
    }
    let output = child
        .wait_with_output()
        .map_err(VolumeError::file(doing.clone()))?;
    if !followed.map_err(VolumeError::file(doing.clone()))? {
        return Err(VolumeError::Cancelled);
    }
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(VolumeError::Program { doing, said });
    }
    Ok(())
}

/// Passes its percentage on until it ends; false when the watch wants no more.
fn follow(child: &mut Child, watch: Watch<'_>) -> io::Result<bool> {
    let mut output = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
    let (sender, pieces) = mpsc::channel();
    // Ends with the program, whose end of the pipe closes.
    thread::spawn(move || {
        let mut piece = [0; 256];
        while let Ok(length @ 1..) = output.read(&mut piece) {
            if sender.send(piece[..length].to_vec()).is_err() {
                break;
            }
        }
    });
    let mut line = String::new();
    let mut done = 0;
    loop {
        match pieces.recv_timeout(PULSE) {
            Ok(piece) => {
                line.push_str(&String::from_utf8_lossy(&piece));
                done = percent(&line).unwrap_or(done);
                // Only what follows the last end of a line is not complete.
                if let Some(end) = line.rfind(['\r', '\n']) {
                    line.drain(..=end);
                }
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => return Ok(true),
        }
        if !watch(done, 10_000) {
            return Ok(false);
        }
    }
}

/// Of `    (12.34/100%)`, in hundredths of a percent.
fn percent(text: &str) -> Option<u64> {
    let (before, _) = text.rsplit_once("/100%)")?;
    let (_, number) = before.rsplit_once('(')?;
    let (whole, part) = number.trim().split_once('.')?;
    let whole: u64 = whole.parse().ok()?;
    let part: u64 = part.get(..2)?.parse().ok()?;
    Some((whole * 100 + part).min(10_000))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn qemu_img(arguments: &[&str], path: &Path) {
        let done = Command::new(QEMU_IMG)
            .args(arguments)
            .arg(path)
            .output()
            .unwrap();
        assert!(done.status.success(), "{done:?}");
    }

    #[test]
    fn its_percentage_is_read() {
        assert_eq!(percent("    (0.00/100%)\r    (12.50/100%)\r"), Some(1250));
        assert_eq!(percent("(100.00/100%)"), Some(10_000));
        assert_eq!(percent("nothing"), None);
    }

    #[test]
    fn images_of_other_formats_become_ours_with_the_same_content() {
        let dir = tempfile::tempdir().unwrap();
        let raw = dir.path().join("raw");
        let mut content = vec![0; 3 << 20];
        content[1 << 20] = 7;
        fs::write(&raw, &content).unwrap();
        for format in ["qcow2", "vmdk", "vdi", "vhdx"] {
            let foreign = dir.path().join(format);
            convert((&raw, "raw"), (&foreign, format), &mut |_, _| true).unwrap();
            let found = facts(&foreign, format).unwrap();
            assert_eq!(
                (found.virtual_bytes >= 3 << 20, found.needs),
                (true, None),
                "{format}"
            );
            let back = dir.path().join(format!("{format}.raw"));
            let mut told = 0;
            convert((&foreign, format), (&back, "raw"), &mut |done, of| {
                told = done * 100 / of;
                true
            })
            .unwrap();
            assert!(
                fs::read(&back).unwrap()[..content.len()] == content,
                "{format}"
            );
        }
    }

    #[test]
    fn a_file_that_another_one_is_needed_for_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let image = dir.path().join("a");
        let create = [
            "create",
            "-q",
            "-u",
            "-f",
            "qcow2",
            "-F",
            "raw",
            "-b",
            "/etc/shadow",
        ];
        let done = Command::new(QEMU_IMG)
            .args(create)
            .arg(&image)
            .arg("1M")
            .output()
            .unwrap();
        assert!(done.status.success(), "{done:?}");
        assert_eq!(
            facts(&image, "qcow2").unwrap().needs.unwrap(),
            "/etc/shadow"
        );
    }

    #[test]
    fn what_is_damaged_or_cancelled_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let (source, target) = (dir.path().join("a"), dir.path().join("b"));
        fs::write(&source, "no image").unwrap();
        facts(&source, "vmdk").unwrap_err();
        let damaged = convert((&source, "vmdk"), (&target, "qcow2"), &mut |_, _| true);
        assert!(matches!(damaged, Err(VolumeError::Program { .. })));
        fs::remove_file(&source).unwrap();
        qemu_img(&["create", "-q", "-f", "raw", "-o", "size=1M"], &source);
        let stopped = convert((&source, "raw"), (&target, "qcow2"), &mut |_, _| false);
        assert!(
            matches!(stopped, Err(VolumeError::Cancelled)),
            "{stopped:?}"
        );
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
