//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;
use qx_engine::Places;
use tracing_subscriber::filter::Targets;

/// The node daemon of Quantix-OS: REST and WebSocket on 8443, gRPC on 9443.
#[derive(Debug, Clone, Parser)]
#[command(version)]
pub struct Options {
    /// libvirt's URI; test:///default runs no guest and works on any machine.
    #[arg(long, default_value = "qemu:///system")]
    pub hypervisor: String,
    /// Address of REST, WebSocket and the web UI.
    #[arg(long, default_value = "[::]:8443")]
    pub https: SocketAddr,
    /// Address of gRPC.
    #[arg(long, default_value = "[::]:9443")]
    pub grpc: SocketAddr,
    /// Socket of REST for programs on this host: root needs no log-in.
    #[arg(long, default_value = "/run/quantix/node.sock")]
    pub socket: PathBuf,
    /// What outlives a reboot and is small: the TLS key and certificate.
    #[arg(long, default_value = "/quantix")]
    pub state_dir: PathBuf,
    /// VM disks, the image library and the database.
    #[arg(long, default_value = "/data")]
    pub data_dir: PathBuf,
    /// The built web UI.
    #[arg(long, default_value = "/usr/share/quantix/ui")]
    pub ui_dir: PathBuf,
    /// What the boot left behind: boot.json, config-status.json, applied.json and network.json.
    #[arg(long, default_value = "/run/quantix")]
    pub run_dir: PathBuf,
    /// Where root's password hash is.
    #[arg(long, default_value = "/etc/shadow")]
    pub shadow: PathBuf,
    /// The watchdog to keep alive, if the boot has armed one.
    #[arg(long, default_value = "/dev/watchdog0")]
    pub watchdog: PathBuf,
    /// What to log: a level, or TARGET=LEVEL,….
    #[arg(long, env = "QX_LOG", default_value = "info")]
    pub log: Targets,
}

impl Options {
    /// What of it the engine needs.
    pub(crate) fn places(&self) -> Places {
        Places {
            data: self.data_dir.clone(),
            shadow: self.shadow.clone(),
            run: self.run_dir.clone(),
            state: self.state_dir.clone(),
        }
    }
}
