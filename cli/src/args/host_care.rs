//! Arguments of `qx host services` and `qx host certificate`.

use std::path::PathBuf;

use clap::Subcommand;

#[derive(Subcommand)]
pub(crate) enum ServicesCommand {
    /// Stop and start one. VMs run on.
    Restart {
        /// Its name.
        #[arg(value_parser = ["qx-node", "libvirtd", "chronyd", "sshd"])]
        name: String,
    },
}

#[derive(Subcommand)]
pub(crate) enum CertificateCommand {
    /// Serve with another certificate from now on.
    Set {
        /// The certificate, and behind it those that lead to its authority, PEM.
        #[arg(long, value_name = "FILE")]
        certificate: PathBuf,
        /// Its private key, PEM, not encrypted.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
    },
    /// Make a new key and a self-signed certificate for the name and the addresses that the host has now.
    Regenerate,
}
