//! `rootfs.squashfs`, unpacked into the target directory, once for each image.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result, anyhow, ensure};

use crate::products::{product, repository};

/// One line of the squashfs' own listing: what the file system says, whoever unpacked it.
#[derive(Debug, Clone)]
pub struct Entry {
    /// As `ls -l` prints it: `-rwsr-xr-x`.
    pub mode: String,
    /// `user/group` by number.
    pub owner: String,
    /// From the root, without a leading slash.
    pub path: String,
    /// Where a symbolic link points.
    pub link: Option<String>,
}

/// The image's root file system.
pub struct Root {
    directory: PathBuf,
    entries: Vec<Entry>,
}

impl Root {
    /// The root of the image in `output/`, unpacked at the first call.
    ///
    /// # Errors
    /// When there is no image, or squashfs-tools can't unpack it.
    pub fn open() -> Result<&'static Self> {
        static ROOT: OnceLock<Result<Root, String>> = OnceLock::new();
        ROOT.get_or_init(|| Self::unpack().map_err(|error| format!("{error:#}")))
            .as_ref()
            .map_err(|message| anyhow!("{message}"))
    }

    fn unpack() -> Result<Self> {
        let image = product("rootfs.squashfs")?;
        let made = fs::metadata(&image)?;
        let parent = repository().join("target/image-root");
        let directory = parent.join(format!("{}-{}", made.len(), made.mtime()));
        if !directory.exists() {
            if parent.exists() {
                fs::remove_dir_all(&parent)?;
            }
            let new = parent.join("new");
            fs::create_dir_all(&parent)?;
            run(Command::new("unsquashfs")
                .args([
                    "-quiet",
                    "-no-progress",
                    "-ignore-errors",
                    "-no-xattrs",
                    "-d",
                ])
                .args([&new, &image]))?;
            fs::rename(&new, &directory)?;
        }
        let listing = run(Command::new("unsquashfs").arg("-llnumeric").arg(&image))?;
        let entries = listing.lines().filter_map(parse_entry).collect();
        Ok(Self { directory, entries })
    }

    /// Everything in the image.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// A path of the image on the build machine.
    #[must_use]
    pub fn path(&self, path: &str) -> PathBuf {
        self.directory.join(path)
    }

    /// Whether the image has this path; links are followed inside the image.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        self.resolve(path).is_some()
    }

    /// The text of a file of the image.
    ///
    /// # Errors
    /// When it is missing or not text.
    pub fn text(&self, path: &str) -> Result<String> {
        let found = self
            .resolve(path)
            .with_context(|| format!("/{path} is not in the image"))?;
        fs::read_to_string(&found).with_context(|| format!("cannot read {}", found.display()))
    }

    /// Follows links the way the running system would: an absolute one starts at the image's root.
    #[must_use]
    pub fn resolve(&self, path: &str) -> Option<PathBuf> {
        let mut waiting: Vec<String> = path.rsplit('/').map(str::to_owned).collect();
        let mut place = PathBuf::new();
        let mut links = 0;
        while let Some(name) = waiting.pop() {
            match name.as_str() {
                "" | "." => continue,
                ".." => {
                    place.pop();
                    continue;
                }
                _ => place.push(&name),
            }
            let here = self.directory.join(&place);
            let kind = fs::symlink_metadata(&here).ok()?.file_type();
            if kind.is_symlink() {
                links += 1;
                if links > 20 {
                    return None;
                }
                let target = fs::read_link(&here).ok()?;
                place.pop();
                let target = target.to_str()?;
                if target.starts_with('/') {
                    place.clear();
                }
                waiting.extend(target.rsplit('/').map(str::to_owned));
            }
        }
        Some(self.directory.join(place))
    }
}

/// `-rwxr-xr-x 0/0   123 2026-01-01 00:00 squashfs-root/usr/bin/x -> y`
fn parse_entry(line: &str) -> Option<Entry> {
    let (before, path) = line.split_once("squashfs-root")?;
    let mut fields = before.split_whitespace();
    let mode = fields.next()?.to_owned();
    let owner = fields.next()?.to_owned();
    let path = path.trim_start_matches('/');
    let (path, link) = match path.split_once(" -> ") {
        Some((path, link)) if mode.starts_with('l') => (path, Some(link.to_owned())),
        _ => (path, None),
    };
    Some(Entry {
        mode,
        owner,
        path: path.to_owned(),
        link,
    })
}

/// Runs a tool of the build root and gives its output.
fn run(command: &mut Command) -> Result<String> {
    let answer = command
        .output()
        .with_context(|| format!("cannot start {:?}", command.get_program()))?;
    ensure!(
        answer.status.success(),
        "{command:?} failed: {}",
        String::from_utf8_lossy(&answer.stderr)
    );
    Ok(String::from_utf8_lossy(&answer.stdout).into_owned())
}
