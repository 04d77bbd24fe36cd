//! `backup.json`: what a backup holds. Decides which names a backup may have at all.

use serde::{Deserialize, Serialize};

use super::{MOST_BYTES, OpenError};

/// The format that this release writes and reads.
pub const FORMAT: u32 = 1;
/// Most files, links and directories.
const MOST_ENTRIES: usize = 20_000;
/// Longest path: what a tar header takes (ustar, POSIX.1-1988).
const LONGEST_PATH: usize = 255;
/// Longest part of one.
const LONGEST_NAME: usize = 100;

/// What may lie directly among the configuration, and whether it is a directory.
pub(super) const ROOTS: [(&str, bool); 7] = [
    ("config.toml", false),
    ("iscsi", true),
    ("libvirt", true),
    ("machine-id", false),
    ("ssh", true),
    ("tls", true),
    ("trust", true),
];

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Index {
    /// [`FORMAT`].
    pub format: u32,
    /// When it was made, in seconds since 1970.
    pub made_at: u64,
    /// Name of the host that made it.
    pub hostname: String,
    /// Version that ran there.
    pub version: String,
    /// Everything in it, in the order of the paths.
    pub entries: Vec<Entry>,
}

/// A file, a directory or a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Below `/quantix`, parts joined by `/`.
    pub path: String,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Permission bits.
    pub mode: u32,
    /// What it is.
    pub kind: Kind,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Kind {
    /// A directory.
    Directory,
    /// A file, whose content follows.
    File {
        /// Its length.
        bytes: u64,
        /// Hash of its content, as hex.
        blake3: String,
    },
    /// A symbolic link: how libvirt marks what starts by itself.
    Link {
        /// Where it points.
        target: String,
    },
}

/// Why a list of files is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IndexError {
    /// A path that no host would write.
    #[error("the backup names {path:?}, which is refused: {reason}")]
    Name {
        /// The path.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// More than a host can have.
    #[error("the backup lists more than {MOST_ENTRIES} files or {} MiB", MOST_BYTES >> 20)]
    TooMuch,
    /// The one thing that cannot be missing.
    #[error("the backup holds no config.toml")]
    NoConfiguration,
}

impl Index {
    /// Reads a list whose signature was checked.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, OpenError> {
        #[derive(Deserialize)]
        struct Versioned {
            format: u64,
        }
        let unreadable = |error: serde_json::Error| {
            OpenError::Damaged(format!("its list of files can't be read: {error}"))
        };
        let versioned: Versioned = serde_json::from_slice(bytes).map_err(unreadable)?;
        if versioned.format != u64::from(FORMAT) {
            return Err(OpenError::Newer(versioned.format));
        }
        let index: Self = serde_json::from_slice(bytes).map_err(unreadable)?;
        index.check()?;
        Ok(index)
    }

    fn check(&self) -> Result<(), IndexError> {
        let mut bytes = 0_u64;
        for (position, entry) in self.entries.iter().enumerate() {
            entry.check().map_err(|reason| entry.refused(reason))?;
            let before = &self.entries[..position];
            if before.last().is_some_and(|last| last.path >= entry.path) {
                return Err(entry.refused("it is not in its place in the order of paths"));
            }
            if let Some((parent, _)) = entry.path.rsplit_once('/') {
                let found = before.binary_search_by(|other| other.path.as_str().cmp(parent));
                let parent = found.ok().and_then(|at| before.get(at));
                if parent.is_none_or(|parent| parent.kind != Kind::Directory) {
                    return Err(entry.refused("its directory is not listed"));
                }
            }
            if let Kind::File { bytes: length, .. } = entry.kind {
                bytes = bytes.saturating_add(length);
            }
            if position >= MOST_ENTRIES || bytes > MOST_BYTES as u64 {
                return Err(IndexError::TooMuch);
            }
        }
        if self.entries.iter().any(|entry| entry.path == "config.toml") {
            Ok(())
        } else {
            Err(IndexError::NoConfiguration)
        }
    }
}

impl Entry {
    fn refused(&self, reason: &'static str) -> IndexError {
        IndexError::Name {
            path: self.path.clone(),
            reason,
        }
    }

    /// Whether a host could have written this; the same rule holds when a backup is made.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        check_path(&self.path)?;
        let (root, below) = match self.path.split_once('/') {
            Some((root, _)) => (root, true),
            None => (self.path.as_str(), false),
        };
        let known = ROOTS.iter().find(|(name, _)| *name == root);
        let Some((_, is_directory)) = known else {
            return Err("nothing of that name belongs to a configuration");
        };
        if !below && *is_directory != (self.kind == Kind::Directory) {
            return Err("it is not of the kind that a host has there");
        }
        if self.mode & !0o777 != 0 {
            return Err("its permissions have special bits");
        }
        match &self.kind {
            Kind::Link { target } => check_link(&self.path, target),
            Kind::Directory | Kind::File { .. } => Ok(()),
        }
    }
}

fn check_path(path: &str) -> Result<(), &'static str> {
    if path.len() > LONGEST_PATH {
        return Err("it is too long");
    }
    for name in path.split('/') {
        if matches!(name, "" | "." | "..") {
            return Err("it leaves the configuration's directory");
        }
        if name.len() > LONGEST_NAME {
            return Err("a part of it is too long");
        }
        if name.chars().any(char::is_control) {
            return Err("it has control characters");
        }
    }
    Ok(())
}

/// libvirt links a definition that starts by itself into a directory `autostart` beside it. The image's own links, and
/// those that bring networks back, are relative.
fn check_link(path: &str, target: &str) -> Result<(), &'static str> {
    let mut parts = path.rsplit('/');
    let (name, parent) = (parts.next(), parts.next());
    if !path.starts_with("libvirt/") || parent != Some("autostart") {
        return Err("a link has no place there");
    }
    if target.strip_prefix("../") == name {
        return Ok(());
    }
    let Some(rest) = target.strip_prefix("/etc/libvirt/") else {
        return Err("it is a link to somewhere else than libvirt's definitions");
    };
    check_path(rest).map_err(|_| "it is a link to somewhere else than libvirt's definitions")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str, kind: Kind) -> Entry {
        Entry {
            path: path.to_owned(),
            uid: 0,
            gid: 0,
            mode: 0o600,
            kind,
        }
    }

    fn file(path: &str) -> Entry {
        let blake3 = blake3::hash(b"").to_hex().to_string();
        entry(path, Kind::File { bytes: 0, blake3 })
    }

    fn link(path: &str, target: &str) -> Entry {
        let target = target.to_owned();
        entry(path, Kind::Link { target })
    }

    fn index(entries: Vec<Entry>) -> Index {
        Index {
            format: FORMAT,
            made_at: 1,
            hostname: "qx1".to_owned(),
            version: "1".to_owned(),
            entries,
        }
    }

    fn verdict(entries: Vec<Entry>) -> Result<(), String> {
        index(entries).check().map_err(|error| error.to_string())
    }

    #[test]
    fn what_a_host_writes_is_accepted() {
        let good = vec![
            file("config.toml"),
            entry("libvirt", Kind::Directory),
            entry("libvirt/qemu", Kind::Directory),
            entry("libvirt/qemu/autostart", Kind::Directory),
            link("libvirt/qemu/autostart/a.xml", "/etc/libvirt/qemu/a.xml"),
            link("libvirt/qemu/autostart/b.xml", "../b.xml"),
            file("libvirt/qemu/naïve VM.xml"),
            file("machine-id"),
        ];
        verdict(good).unwrap();
    }

    #[test]
    fn a_path_that_leads_elsewhere_is_refused() {
        let long = format!("libvirt/{}", "a".repeat(101));
        for path in [
            "../etc/shadow",
            "/etc/shadow",
            "libvirt/../../etc/shadow",
            "libvirt//a",
            "libvirt/.",
            "",
            "libvirt/a\nb",
            "update.json",
            "restore/plan.json",
            "config.d/00000001.toml",
            long.as_str(),
        ] {
            let error = verdict(vec![entry("libvirt", Kind::Directory), file(path)]).unwrap_err();
            assert!(error.contains(&format!("{path:?}")), "{path}: {error}");
        }
    }

    #[test]
    fn a_link_points_at_definitions_of_libvirt_from_where_libvirt_puts_links() {
        for (path, target) in [
            ("libvirt/autostart/a.xml", "/etc/shadow"),
            ("libvirt/autostart/a.xml", "/etc/libvirt/../shadow"),
            ("libvirt/autostart/a.xml", "../b.xml"),
            ("libvirt/autostart/a.xml", "../../a.xml"),
            ("libvirt/a.xml", "/etc/libvirt/qemu/a.xml"),
            ("tls/autostart", "/etc/libvirt/qemu/a.xml"),
        ] {
            let error = link(path, target).check().unwrap_err();
            assert!(error.contains("link"), "{path} -> {target}: {error}");
        }
    }

    #[test]
    fn a_path_twice_out_of_order_or_without_its_directory_is_refused() {
        let twice = vec![file("config.toml"), file("config.toml")];
        assert!(verdict(twice).unwrap_err().contains("order"));
        let unordered = vec![file("machine-id"), file("config.toml")];
        assert!(verdict(unordered).unwrap_err().contains("order"));
        let orphan = vec![file("config.toml"), file("tls/key.pem")];
        assert!(verdict(orphan).unwrap_err().contains("not listed"));
        let below_a_file = vec![file("config.toml"), file("config.toml/a")];
        assert!(verdict(below_a_file).unwrap_err().contains("not listed"));
    }

    #[test]
    fn kinds_and_permissions_are_those_of_a_host() {
        assert!(file("tls").check().is_err());
        assert!(entry("config.toml", Kind::Directory).check().is_err());
        let mut setuid = file("config.toml");
        setuid.mode = 0o4755;
        assert!(setuid.check().unwrap_err().contains("special bits"));
    }

    #[test]
    fn sizes_that_no_host_has_and_a_missing_configuration_are_refused() {
        let huge = Kind::File {
            bytes: u64::MAX,
            blake3: String::new(),
        };
        let huge = vec![
            entry("config.toml", huge.clone()),
            entry("machine-id", huge),
        ];
        assert_eq!(index(huge).check(), Err(IndexError::TooMuch));
        let without = vec![file("machine-id")];
        assert_eq!(index(without).check(), Err(IndexError::NoConfiguration));
    }

    #[test]
    fn a_newer_format_is_told_apart_from_a_damaged_list() {
        let newer = Index::parse(br#"{"format":2,"something":"new"}"#).unwrap_err();
        assert!(matches!(newer, OpenError::Newer(2)), "{newer}");
        let damaged = Index::parse(br#"{"format":1,"something":"new"}"#).unwrap_err();
        assert!(matches!(damaged, OpenError::Damaged(_)), "{damaged}");
    }
}
