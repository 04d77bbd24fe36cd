//! The answer file of an unattended installation: a configuration with an `[install]` table. It never
//! becomes the host's configuration as it stands; what is stored is [`AnswerFile::config`] alone.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::decode::Section;
use super::schema::Config;
use super::types::ValueError;

/// Least size of a system partition, in MiB; also what it gets when nothing is said.
pub const LEAST_SYSTEM_MIB: u32 = 300;
/// Least size of the config partition, in MiB; also what it gets when nothing is said.
pub const LEAST_CONFIG_MIB: u32 = 100;
/// Least size of the EFI partition, in MiB; disks with sectors of 4096 bytes need more.
pub const LEAST_EFI_MIB: u32 = 100;
/// Largest size of any of them: 64 GiB. More is a slip of the finger.
pub const MOST_MIB: u32 = 65_536;

/// What an answer file says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AnswerFile {
    /// The host's configuration; a plain-text password is already a hash here.
    pub config: Config,
    /// What to install; `None` configures the live system.
    pub install: Option<Install>,
}

/// `[install]`: where and how the system is installed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Install {
    /// The disk that becomes the system's.
    pub disk: DiskChoice,
    /// The disk that becomes the other half of a mirror; `None` installs on one disk. Never
    /// [`DiskChoice::Smallest`] or [`DiskChoice::Largest`].
    pub mirror: Option<DiskChoice>,
    /// Whether what is on these disks may be erased.
    pub wipe: bool,
    /// Whether the data partition of the installation that is on the disk stays as it is.
    pub keep_data: bool,
    /// Whether the machine is switched off afterwards instead of restarted.
    pub poweroff: bool,
    /// Size of each system partition in MiB; `None` is the default.
    pub system_mib: Option<u32>,
    /// Size of the config partition in MiB; `None` is the default.
    pub config_mib: Option<u32>,
    /// Size of the EFI partition in MiB; `None` is the default for the disk's sectors.
    pub efi_mib: Option<u32>,
}

/// Which disk to install on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum DiskChoice {
    /// The one that nobody could object to.
    #[default]
    Auto,
    /// The smallest that is large enough.
    Smallest,
    /// The largest.
    Largest,
    /// By a path below `/dev`, the kernel's or one of udev's links.
    Path(PathBuf),
    /// By serial number.
    Serial(String),
    /// By World Wide Name.
    Wwn(String),
}

impl FromStr for DiskChoice {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        match text {
            "auto" => return Ok(Self::Auto),
            "smallest" => return Ok(Self::Smallest),
            "largest" => return Ok(Self::Largest),
            _ => {}
        }
        if let Some(rest) = text.strip_prefix("/dev/") {
            return device_path(text, rest);
        }
        if let Some(serial) = text.strip_prefix("serial:") {
            return identity(serial).map(Self::Serial).ok_or(ValueError::new(
                "needs a serial number of 1 to 64 printable characters behind \"serial:\"",
            ));
        }
        if let Some(wwn) = text.strip_prefix("wwn:") {
            let wwn = identity(wwn).filter(|wwn| !wwn.contains(' '));
            return wwn.map(Self::Wwn).ok_or(ValueError::new(
                "needs a WWN such as 0x5000c500a1b2c3d4 or eui.0025385b71b0a1c2 behind \"wwn:\"",
            ));
        }
        Err(ValueError::new(
            "must be \"auto\", \"smallest\", \"largest\", a path such as \"/dev/sda\", \"serial:\" and the disk's \
             serial number, or \"wwn:\" and its WWN; `qx-install disks` lists them",
        ))
    }
}

fn device_path(text: &str, rest: &str) -> Result<DiskChoice, ValueError> {
    let good = |byte: u8| byte.is_ascii_graphic() && !b"\"'\\`$".contains(&byte);
    let plain = |part: &str| !matches!(part, "" | "." | "..");
    if text.len() <= 255 && rest.bytes().all(good) && rest.split('/').all(plain) {
        Ok(DiskChoice::Path(Path::new(text).to_owned()))
    } else {
        Err(ValueError::new(
            "must be the plain path of a disk below /dev, such as \"/dev/sda\"",
        ))
    }
}

fn identity(text: &str) -> Option<String> {
    let good = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    let fits = (1..=64).contains(&text.len()) && text.trim() == text;
    (fits && text.bytes().all(good)).then(|| text.to_owned())
}

/// As in the answer file.
impl fmt::Display for DiskChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Smallest => f.write_str("smallest"),
            Self::Largest => f.write_str("largest"),
            Self::Path(path) => path.display().fmt(f),
            Self::Serial(serial) => write!(f, "serial:{serial}"),
            Self::Wwn(wwn) => write!(f, "wwn:{wwn}"),
        }
    }
}

pub(super) fn read_install(section: &mut Section<'_, '_, '_>) -> Install {
    let mirror = section.parsed("mirror");
    if matches!(mirror, Some(DiskChoice::Smallest | DiskChoice::Largest)) {
        section.fault(
            "mirror",
            "must be \"auto\", a path such as \"/dev/sdb\", \"serial:\" and a serial number, or \"wwn:\" and a WWN",
        );
    }
    let keep_data = section.flag("keep_data").unwrap_or(false);
    let wipe = section.flag("wipe").unwrap_or(false);
    if keep_data && wipe {
        section.fault(
            "keep_data",
            "keeps what `wipe` erases: only one of them can be true",
        );
    }
    if keep_data && mirror.is_some() {
        section.fault(
            "keep_data",
            "can't be used with `mirror`: an installation on a mirror stays one, and another does not become one",
        );
    }
    Install {
        disk: section.parsed("disk").unwrap_or_default(),
        mirror,
        wipe,
        keep_data,
        poweroff: section.flag("poweroff").unwrap_or(false),
        system_mib: size(section, "system_mib", LEAST_SYSTEM_MIB),
        config_mib: size(section, "config_mib", LEAST_CONFIG_MIB),
        efi_mib: size(section, "efi_mib", LEAST_EFI_MIB),
    }
}

fn size(section: &mut Section<'_, '_, '_>, key: &'static str, least: u32) -> Option<u32> {
    let mib: i64 = section.number(key)?;
    let size = u32::try_from(mib)
        .ok()
        .filter(|mib| (least..=MOST_MIB).contains(mib));
    if size.is_none() {
        section.fault(
            key,
            format!("is {mib}; it must be {least} to {MOST_MIB} (MiB)"),
        );
    }
    size
}
