//! What can be typed after `qx pool` and `qx volume`.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};

use crate::size::Size;

#[derive(Subcommand)]
pub(crate) enum PoolCommand {
    /// List them.
    List,
    /// Show one.
    Show {
        /// Name or id.
        pool: String,
    },
    /// Make one, and start it unless --no-autostart is given.
    Create(Create),
    /// Show the host's disks, and of which a pool can be made.
    Disks,
    /// Format a whole disk of the host and make a pool of it.
    Format {
        /// 1 to 63 letters, digits, '.', '_' or '-'.
        name: String,
        /// Such as /dev/sdb.
        disk: String,
        /// What is on the disk can go.
        #[arg(long)]
        wipe: bool,
    },
    /// Change whether one starts with the host.
    Set {
        /// Name or id.
        pool: String,
        /// Start with the host.
        #[arg(long, value_name = "BOOL", action = clap::ArgAction::Set)]
        autostart: bool,
    },
    /// Make one active.
    Start {
        /// Name or id.
        pool: String,
    },
    /// End the use of one that no running VM has a disk in.
    Stop {
        /// Name or id.
        pool: String,
    },
    /// Look at what is in one again.
    Refresh {
        /// Name or id.
        pool: String,
    },
    /// Forget one that no VM has a disk in; what is in it stays.
    Delete {
        /// Name or id.
        pool: String,
    },
}

#[derive(clap::Args)]
pub(crate) struct Create {
    /// 1 to 63 letters, digits, '.', '_' or '-'.
    pub(crate) name: String,
    /// What it is made of.
    #[arg(long = "type", value_enum)]
    pub(crate) kind: Kind,
    /// Of a directory: below /data/pools, /mnt or /srv.
    #[arg(long, value_name = "PATH")]
    pub(crate) path: Option<String>,
    /// Of NFS, HOST:/EXPORT; of iSCSI, HOST or HOST:PORT; of LVM, the volume group.
    #[arg(long, value_name = "SOURCE", required_if_eq_any = [("kind", "nfs"), ("kind", "lvm"), ("kind", "iscsi")])]
    pub(crate) source: Option<String>,
    /// Of iSCSI: the target's name.
    #[arg(long, value_name = "IQN", required_if_eq("kind", "iscsi"))]
    pub(crate) target: Option<String>,
    /// Of iSCSI: who we are to the server.
    #[arg(long, value_name = "IQN")]
    pub(crate) initiator: Option<String>,
    /// Of LVM: empty disks to make the group of; none takes one that is there.
    #[arg(long = "device", value_name = "DISK")]
    pub(crate) devices: Vec<String>,
    /// Do not start it now, nor with the host.
    #[arg(long)]
    pub(crate) no_autostart: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// A directory of the host.
    Directory,
    /// An export of an NFS server.
    Nfs,
    /// A volume group of LVM.
    Lvm,
    /// A target of an iSCSI server.
    Iscsi,
}

#[derive(Subcommand)]
pub(crate) enum VolumeCommand {
    /// List those of a pool.
    List {
        /// Name or id of the pool.
        pool: String,
    },
    /// Show one.
    Show {
        /// POOL/VOLUME.
        volume: Volume,
    },
    /// Make one: blank, or a copy of something.
    Create {
        /// POOL/VOLUME.
        volume: Volume,
        /// Such as 20G; of a copy, its source's size if left out.
        #[arg(long)]
        size: Option<Size>,
        /// What its bytes are; what fits the pool if left out.
        #[arg(long, value_enum)]
        format: Option<Format>,
        /// Take all of its space now.
        #[arg(long)]
        full: bool,
        /// A file of the image library to copy.
        #[arg(long, value_name = "IMAGE", conflicts_with = "from")]
        image: Option<String>,
        /// Another volume to clone, converted if need be.
        #[arg(long, value_name = "POOL/VOLUME")]
        from: Option<Volume>,
    },
    /// Make one larger or, with --shrink, smaller.
    Resize {
        /// POOL/VOLUME.
        volume: Volume,
        /// Such as 40G.
        size: Size,
        /// It may become smaller: what is beyond the new end is lost.
        #[arg(long)]
        shrink: bool,
    },
    /// Remove one that no VM has, and what is in it.
    Delete {
        /// POOL/VOLUME.
        volume: Volume,
    },
    /// Make one of a file: qcow2, raw, VMDK, VDI or VHDX.
    Upload {
        /// What to upload.
        file: PathBuf,
        /// POOL/VOLUME.
        volume: Volume,
        /// What its bytes are to be; the file's own if left out, and qcow2 of others' formats.
        #[arg(long, value_enum)]
        format: Option<Format>,
        /// The file's SHA-256 in hex; the host refuses the upload if what arrives differs.
        #[arg(long, value_name = "HEX")]
        sha256: Option<String>,
    },
    /// Write one's bytes to a file that is not there yet.
    Download {
        /// POOL/VOLUME.
        volume: Volume,
        /// Where to.
        file: PathBuf,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Bytes of a disk as they are.
    Raw,
    /// QEMU's copy-on-write format.
    Qcow2,
}

impl From<Format> for qx_api::rest::VolumeFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Raw => Self::Raw,
            Format::Qcow2 => Self::Qcow2,
        }
    }
}

/// POOL/VOLUME.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Volume {
    /// Name or id.
    pub(crate) pool: String,
    pub(crate) name: String,
}

impl std::str::FromStr for Volume {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('/') {
            Some((pool, name)) if !pool.is_empty() && !name.is_empty() => Ok(Self {
                pool: pool.to_owned(),
                name: name.to_owned(),
            }),
            _ => Err("must be a pool and a volume, such as default/disk.qcow2".to_owned()),
        }
    }
}
