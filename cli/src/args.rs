//! What can be typed.

pub(crate) mod cloud_init;
pub(crate) mod guest;
pub(crate) mod host_care;
pub(crate) mod host_config;
pub(crate) mod host_logs;
pub(crate) mod host_network;
pub(crate) mod network;
pub(crate) mod snapshot;
pub(crate) mod storage;
pub(crate) mod task;
pub(crate) mod user;

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

use crate::size::Size;

/// Drives a Quantix-OS host: this one, or another by --url.
#[derive(Parser)]
#[command(name = "qx", version, max_term_width = 100)]
pub(crate) struct Arguments {
    /// The daemon's socket on this host.
    #[arg(long, global = true, value_name = "PATH", default_value = qx_api::client::DEFAULT_SOCKET)]
    pub(crate) socket: PathBuf,
    /// Another host: https://HOST or https://HOST:PORT.
    #[arg(long, global = true, env = "QX_URL", conflicts_with = "socket")]
    pub(crate) url: Option<String>,
    /// Who logs in at --url when there is no API token; the password is asked for.
    #[arg(
        long,
        global = true,
        env = "QX_USER",
        value_name = "NAME",
        default_value = "root"
    )]
    pub(crate) user: String,
    /// API token for --url.
    #[arg(long, global = true, env = "QX_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// SHA-256 fingerprint of the other host's certificate, as its console shows it.
    #[arg(long, global = true, env = "QX_FINGERPRINT", value_name = "SHA256")]
    pub(crate) fingerprint: Option<String>,
    /// PEM file of the authority that signed the other host's certificate.
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        conflicts_with = "fingerprint"
    )]
    pub(crate) ca: Option<PathBuf>,
    /// How to print.
    #[arg(short, long, global = true, value_enum, default_value_t = Format::Table)]
    pub(crate) output: Format,
    /// Do not wait for the end of what takes its time: print the task's id and leave.
    #[arg(long, global = true)]
    pub(crate) no_wait: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// How answers are printed.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Table,
    /// As the API answers, for machines.
    Json,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Show the host; back its configuration up, restore it, reset it.
    Host {
        #[command(subcommand)]
        command: Option<HostCommand>,
    },
    /// Virtual machines.
    Vm {
        #[command(subcommand)]
        command: VmCommand,
    },
    /// The image library: ISO files and disk images.
    Image {
        #[command(subcommand)]
        command: ImageCommand,
    },
    /// Virtual networks, and the host's bridges.
    Network {
        #[command(subcommand)]
        command: network::NetworkCommand,
    },
    /// Storage pools: where volumes are.
    Pool {
        #[command(subcommand)]
        command: storage::PoolCommand,
    },
    /// Volumes: the disks in storage pools.
    Volume {
        #[command(subcommand)]
        command: storage::VolumeCommand,
    },
    /// Updates of the host's own system: two slots, one of which runs.
    Update {
        #[command(subcommand)]
        command: UpdateCommand,
    },
    /// People who may log in, beside root.
    User {
        #[command(subcommand)]
        command: user::UserCommand,
    },
    /// Work that takes its time: what is under way, and what was.
    Task {
        #[command(subcommand)]
        command: task::TaskCommand,
    },
    /// API tokens.
    Token {
        #[command(subcommand)]
        command: TokenCommand,
    },
    /// What the host and its VMs use: now, each second, or in the past.
    Metrics(Metrics),
    /// Follow what changes, until interrupted.
    Events {
        /// Replay what came after this sequence number first.
        #[arg(long, value_name = "SEQ")]
        since: Option<u64>,
    },
    /// Who changed what, newest first.
    Audit {
        /// How many entries.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
    },
    /// Print what completes qx's commands and options in a shell.
    Completion {
        /// Which shell.
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Write manual pages of qx and of each of its commands.
    Man {
        /// Directory, such as ~/.local/share/man/man1; made if it is missing.
        directory: PathBuf,
    },
}

#[derive(Subcommand)]
pub(crate) enum HostCommand {
    /// Store the configuration with its keys and VM definitions in a file, which must not be there yet.
    Backup {
        /// The file.
        file: PathBuf,
        /// Read the passphrase from the first line of this file instead of asking for it.
        #[arg(long, value_name = "FILE", conflicts_with = "unencrypted")]
        passphrase_file: Option<PathBuf>,
        /// Do not encrypt it: whoever has the file has the host's keys.
        #[arg(long)]
        unencrypted: bool,
    },
    /// Restart the host with the configuration in a backup.
    Restore {
        /// The file.
        file: PathBuf,
        /// Read the passphrase from the first line of this file instead of asking for it.
        #[arg(long, value_name = "FILE")]
        passphrase_file: Option<PathBuf>,
        /// Keep this host's management network.
        #[arg(long)]
        skip_network: bool,
        /// This machine takes the place of the one that made the backup: take its machine id and iSCSI name too.
        #[arg(long)]
        same_machine: bool,
    },
    /// The host's settings: show name, time, SSH, proxy; or change them.
    Config {
        #[command(subcommand)]
        command: Option<host_config::HostConfigCommand>,
    },
    /// The host's own network: show what is configured and in force; or change it.
    Network {
        #[command(subcommand)]
        command: Option<host_network::HostNetworkCommand>,
    },
    /// Show one of the host's logs.
    Logs(host_logs::Logs),
    /// The host's services: how they do; or restart one.
    Services {
        #[command(subcommand)]
        command: Option<host_care::ServicesCommand>,
    },
    /// The certificate that the host is known by: show it; or serve with another one.
    Certificate {
        #[command(subcommand)]
        command: Option<host_care::CertificateCommand>,
    },
    /// Store what somebody who helps needs to see of the host in a file, which must not be there yet.
    SupportBundle {
        /// The file, a gzip'ed tar file.
        file: PathBuf,
    },
    /// Restart the host. Running VMs are asked to shut down first, for up to 2 minutes.
    Reboot,
    /// Shut the host down. Running VMs are asked to shut down first, for up to 2 minutes.
    Shutdown,
    /// Factory reset: restart the host as it was after its installation.
    Reset {
        /// What is forgotten.
        #[arg(long, value_enum)]
        scope: Scope,
        /// The host's name, so that it is no mistake.
        #[arg(long, value_name = "HOST NAME")]
        confirm: String,
    },
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Scope {
    /// Settings, keys, certificates and API tokens.
    Configuration,
    /// That, and all VMs and images.
    Everything,
}

#[derive(Subcommand)]
pub(crate) enum VmCommand {
    /// List them.
    List,
    /// Show one.
    Show {
        /// Name or id.
        vm: String,
    },
    /// Make one. It stays off.
    Create(Create),
    /// Make one like another, which must be off: with disks, MAC addresses and firmware variables of its own.
    Clone {
        /// The VM to clone: name or id.
        vm: String,
        /// What the new one is called: 1 to 63 letters, digits, '.', '_' or '-'.
        name: String,
        /// Free text; the other VM's if left out.
        #[arg(long)]
        description: Option<String>,
    },
    /// Change one: at once where its guest can take it, the rest when it was off.
    Set(Set),
    /// Its disks.
    Disk {
        #[command(subcommand)]
        command: DiskCommand,
    },
    /// Its NICs.
    Nic {
        #[command(subcommand)]
        command: NicCommand,
    },
    /// Its CD drive.
    Cd {
        #[command(subcommand)]
        command: CdCommand,
    },
    /// Its snapshots: states to go back to.
    Snapshot {
        #[command(subcommand)]
        command: snapshot::SnapshotCommand,
    },
    /// Power on.
    Start {
        /// Name or id.
        vm: String,
    },
    /// Ask the guest to shut down.
    Shutdown {
        /// Name or id.
        vm: String,
    },
    /// Power off at once: the guest loses what it has not written.
    Stop {
        /// Name or id.
        vm: String,
    },
    /// Ask the guest to restart.
    Reboot {
        /// Name or id.
        vm: String,
    },
    /// Press the reset button: the guest loses what it has not written.
    Reset {
        /// Name or id.
        vm: String,
    },
    /// Stop its vCPUs; it stays in memory.
    Pause {
        /// Name or id.
        vm: String,
    },
    /// Let a paused one run again, or wake one whose guest sleeps.
    Resume {
        /// Name or id.
        vm: String,
    },
    /// Write its memory to disk and power off; the next start goes on from there.
    Suspend {
        /// Name or id.
        vm: String,
    },
    /// Remove one that is off.
    Delete {
        /// Name or id.
        vm: String,
        /// Delete its disks as well.
        #[arg(long)]
        disks: bool,
    },
    /// The guest, through the agent in it.
    Guest {
        #[command(subcommand)]
        command: guest::GuestCommand,
    },
    /// Open the serial console; Ctrl-] leaves it.
    Console {
        /// Name or id.
        vm: String,
    },
}

#[derive(clap::Args)]
pub(crate) struct Create {
    /// 1 to 63 letters, digits, '.', '_' or '-'.
    pub(crate) name: String,
    /// Virtual CPUs.
    #[arg(long, default_value_t = 1)]
    pub(crate) vcpus: u32,
    /// How many virtual CPUs can be plugged in while it runs.
    #[arg(long, value_name = "VCPUS")]
    pub(crate) max_vcpus: Option<u32>,
    /// Memory in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 512)]
    pub(crate) memory: u64,
    /// Firmware.
    #[arg(long, value_enum, default_value_t = Firmware::Uefi)]
    pub(crate) firmware: Firmware,
    /// Give it a TPM 2.0, as Windows 11 wants one.
    #[arg(long)]
    pub(crate) tpm: bool,
    /// A disk: SIZE (such as 20G) for a blank one, IMAGE or IMAGE,SIZE for a copy of a library image, POOL/VOLUME for a
    /// volume that is there.
    #[arg(long = "disk", value_name = "DISK")]
    pub(crate) disks: Vec<Disk>,
    /// The storage pool to make the disks in; the VM's own directory on the data disk if left out.
    #[arg(long)]
    pub(crate) pool: Option<String>,
    /// An ISO file of the image library for the CD drive.
    #[arg(long, value_name = "IMAGE")]
    pub(crate) cdrom: Option<String>,
    /// Plug a NIC into a virtual network, such as default.
    #[arg(long = "network", value_name = "NETWORK")]
    pub(crate) networks: Vec<String>,
    /// Plug a NIC into a bridge of the host, such as br0.
    #[arg(long = "bridge", value_name = "BRIDGE")]
    pub(crate) bridges: Vec<String>,
    /// Free text.
    #[arg(long, default_value = "")]
    pub(crate) description: String,
    /// Power it on.
    #[arg(long)]
    pub(crate) start: bool,
    /// Start it with the host.
    #[arg(long)]
    pub(crate) autostart: bool,
    #[command(flatten)]
    pub(crate) cloud_init: cloud_init::CloudInit,
}

#[derive(Subcommand)]
pub(crate) enum DiskCommand {
    /// Make a disk and plug it in, at once if the VM is on.
    Add {
        /// Name or id of the VM.
        vm: String,
        /// SIZE (such as 20G) for a blank one, IMAGE or IMAGE,SIZE for a copy of a library image, POOL/VOLUME for a
        /// volume that is there.
        disk: Disk,
        /// The storage pool to make it in; the VM's own directory if left out.
        #[arg(long)]
        pool: Option<String>,
        #[command(flatten)]
        limits: DiskLimits,
    },
    /// Make one larger, or limit its speed.
    Set {
        /// Name or id of the VM.
        vm: String,
        /// Such as vda.
        target: String,
        /// The new size, such as 40G; disks only grow.
        #[arg(long)]
        size: Option<Size>,
        #[command(flatten)]
        limits: DiskLimits,
    },
    /// Unplug one; from a VM that is on only its guest can let it go.
    Remove {
        /// Name or id of the VM.
        vm: String,
        /// Such as vdb.
        target: String,
        /// Delete its file too, if it was made for this VM.
        #[arg(long)]
        delete: bool,
    },
}

/// Limits of a disk; those that are not given become none.
#[derive(clap::Args, Clone, Copy)]
pub(crate) struct DiskLimits {
    /// Bytes read a second, such as 50M; 0 is no limit. Sets all limits of the disk.
    #[arg(long, value_name = "BYTES")]
    pub(crate) read_rate: Option<Size>,
    /// Bytes written a second; 0 is no limit. Sets all limits of the disk.
    #[arg(long, value_name = "BYTES")]
    pub(crate) write_rate: Option<Size>,
    /// Reads a second; 0 is no limit. Sets all limits of the disk.
    #[arg(long, value_name = "COUNT")]
    pub(crate) read_iops: Option<u64>,
    /// Writes a second; 0 is no limit. Sets all limits of the disk.
    #[arg(long, value_name = "COUNT")]
    pub(crate) write_iops: Option<u64>,
}

#[derive(Subcommand)]
pub(crate) enum NicCommand {
    /// Plug one in, at once if the VM is on.
    Add {
        /// Name or id of the VM.
        vm: String,
        /// A virtual network, such as default.
        #[arg(long, required_unless_present = "bridge", conflicts_with = "bridge")]
        network: Option<String>,
        /// A bridge of the host, such as br0.
        #[arg(long)]
        bridge: Option<String>,
        #[command(flatten)]
        limits: NicLimits,
    },
    /// Limit the speed of one.
    Set {
        /// Name or id of the VM.
        vm: String,
        /// Its MAC address.
        mac: String,
        #[command(flatten)]
        limits: NicLimits,
    },
    /// Unplug one; from a VM that is on only its guest can let it go.
    Remove {
        /// Name or id of the VM.
        vm: String,
        /// Its MAC address.
        mac: String,
    },
}

/// Limits of a NIC.
#[derive(clap::Args, Clone, Copy)]
pub(crate) struct NicLimits {
    /// What the guest may receive, in units of 1,000 bytes a second; 0 is no limit.
    #[arg(long, value_name = "KBYTES", default_value_t = 0)]
    pub(crate) receive_rate: u64,
    /// What the guest may send, in units of 1,000 bytes a second; 0 is no limit.
    #[arg(long, value_name = "KBYTES", default_value_t = 0)]
    pub(crate) send_rate: u64,
}

#[derive(Subcommand)]
pub(crate) enum CdCommand {
    /// Insert an ISO file of the image library.
    Insert {
        /// Name or id of the VM.
        vm: String,
        /// Its name in the library.
        image: String,
        /// Also if the guest has locked the drive.
        #[arg(long)]
        force: bool,
    },
    /// Eject the disc.
    Eject {
        /// Name or id of the VM.
        vm: String,
        /// Also if the guest has locked the drive.
        #[arg(long)]
        force: bool,
    },
}

#[derive(clap::Args)]
pub(crate) struct Set {
    /// Name or id.
    pub(crate) vm: String,
    /// Another name, for a VM that is off.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Free text.
    #[arg(long)]
    pub(crate) description: Option<String>,
    /// All its tags, separated by commas; an empty text takes them away.
    #[arg(long, value_name = "TAGS")]
    pub(crate) tags: Option<String>,
    /// Virtual CPUs.
    #[arg(long)]
    pub(crate) vcpus: Option<u32>,
    /// How many virtual CPUs can be plugged in while it runs.
    #[arg(long, value_name = "VCPUS")]
    pub(crate) max_vcpus: Option<u32>,
    /// Memory in MiB.
    #[arg(long, value_name = "MIB")]
    pub(crate) memory: Option<u64>,
    /// Processor model: host, or a model as QEMU calls it.
    #[arg(long, value_name = "MODEL")]
    pub(crate) cpu: Option<String>,
    /// What to boot, in order, separated by commas: targets of drives, MAC addresses of NICs.
    #[arg(long, value_name = "DEVICES", value_delimiter = ',')]
    pub(crate) boot: Option<Vec<String>>,
    /// Add a TPM 2.0. None is taken away.
    #[arg(long)]
    pub(crate) tpm: bool,
    /// Whether to start it with the host.
    #[arg(long, value_name = "BOOL")]
    pub(crate) autostart: Option<bool>,
    /// Which start first: 0 to 9999, the lowest; VMs with the same number start together.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) autostart_order: Option<u32>,
    /// Seconds after it before those with a higher number are started, 0 to 3600.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) autostart_delay: Option<u32>,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Firmware {
    Bios,
    Uefi,
    UefiSecureBoot,
}

/// A disk as typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Disk {
    pub(crate) image: Option<String>,
    pub(crate) size: Option<Size>,
    pub(crate) volume: Option<storage::Volume>,
}

impl std::str::FromStr for Disk {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(size) = text.parse() {
            return Ok(Self {
                image: None,
                size: Some(size),
                volume: None,
            });
        }
        if text.contains('/') {
            return Ok(Self {
                image: None,
                size: None,
                volume: Some(text.parse()?),
            });
        }
        let (image, size) = match text.split_once(',') {
            Some((image, size)) => (image, Some(size.parse()?)),
            None => (text, None),
        };
        Ok(Self {
            image: Some(image.to_owned()),
            size,
            volume: None,
        })
    }
}

#[derive(Subcommand)]
pub(crate) enum ImageCommand {
    /// List them.
    List,
    /// Add a file. One whose upload broke off is gone on with.
    Upload {
        /// What to upload.
        file: PathBuf,
        /// Its name in the library; the file's own if left out.
        #[arg(long)]
        name: Option<String>,
        /// Its SHA-256 in hex; the host refuses the upload if what arrives differs.
        #[arg(long, value_name = "HEX")]
        sha256: Option<String>,
    },
    /// Remove one.
    Delete {
        /// Its name in the library.
        name: String,
    },
}

#[derive(Subcommand)]
pub(crate) enum UpdateCommand {
    /// Show both slots and how the last update ended.
    Status,
    /// Write an update bundle to the slot that does not run. Nothing starts it yet.
    Upload {
        /// The bundle, a .qxu file.
        file: PathBuf,
        /// Go on with an upload of this file that broke off.
        #[arg(long)]
        resume: bool,
    },
    /// Write the version that runs to the other slot once more: makes a damaged or failed slot good again.
    Reinstall,
    /// Ask the feed whether it has a newer version for this host.
    Check,
    /// Fetch the feed's newest version into the slot that does not run. Nothing starts it yet.
    Fetch,
    /// End a transfer, or take a version that only waits to be started out of the other slot.
    Discard,
    /// Restart into the uploaded version. It is kept if it proves healthy; else the host goes back by itself.
    Apply {
        /// Do not restart: it starts with the next restart, whoever asks for that.
        #[arg(long)]
        no_restart: bool,
    },
    /// Keep the version that is on trial without waiting for the health check.
    Confirm,
    /// Go back to the version in the other slot; an uploaded version that waits for its trial is withdrawn.
    Rollback {
        /// Do not restart: the host goes back with the next restart.
        #[arg(long)]
        no_restart: bool,
    },
}

#[derive(Subcommand)]
pub(crate) enum TokenCommand {
    /// List them; secrets are never shown again.
    List,
    /// Make one and print its secret, once.
    Create {
        /// What it is called from now on.
        name: String,
        /// What its bearer may do.
        #[arg(long, value_enum)]
        role: Role,
        /// Days until it stops working; it never does if left out.
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u64).range(1..=3650))]
        expires: Option<u64>,
    },
    /// Revoke one.
    Delete {
        /// Its id, as `qx token list` shows it.
        id: uuid::Uuid,
    },
}

#[derive(clap::Args)]
pub(crate) struct Metrics {
    /// Name or id of a VM; the host if left out.
    pub(crate) vm: Option<String>,
    /// How many seconds of the past to show, up to 2592000 (30 days).
    #[arg(long, value_name = "SECONDS")]
    pub(crate) range: Option<u64>,
    /// Seconds that become one line: 1, a multiple of 10, or beyond a day a multiple of 300.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) step: Option<u64>,
    /// Print a line each second until interrupted.
    #[arg(short, long, conflicts_with_all = ["range", "step"])]
    pub(crate) watch: bool,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Role {
    Viewer,
    Operator,
    Admin,
}

impl From<Role> for qx_api::rest::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Viewer => Self::Viewer,
            Role::Operator => Self::Operator,
            Role::Admin => Self::Admin,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_disk_is_a_size_or_an_image_or_both() {
        let disk = |text: &str| text.parse::<Disk>();
        assert_eq!(
            disk("1G"),
            Ok(Disk {
                image: None,
                size: Some(Size(1 << 30)),
                volume: None
            })
        );
        assert_eq!(
            disk("a.qcow2"),
            Ok(Disk {
                image: Some("a.qcow2".into()),
                size: None,
                volume: None
            })
        );
        assert_eq!(
            disk("a.qcow2,2M"),
            Ok(Disk {
                image: Some("a.qcow2".into()),
                size: Some(Size(2 << 20)),
                volume: None
            })
        );
        let volume = disk("fast/b.qcow2").unwrap().volume.unwrap();
        assert_eq!((&*volume.pool, &*volume.name), ("fast", "b.qcow2"));
        assert!(disk("fast/").is_err());
        assert!(disk("a.qcow2,many").unwrap_err().contains("20G"));
    }
}
