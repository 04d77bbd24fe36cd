//! What can be typed after `qx host config`.

use std::path::PathBuf;

use clap::Subcommand;

#[derive(Subcommand)]
pub(crate) enum HostConfigCommand {
    /// Change settings; they are in force at once.
    Set(Set),
}

/// What is not given stays as it is.
#[derive(clap::Args)]
#[group(required = true, multiple = true)]
pub(crate) struct Set {
    /// The host's name.
    #[arg(long, value_name = "NAME")]
    pub(crate) hostname: Option<String>,
    /// Local time, such as Europe/Berlin.
    #[arg(long, value_name = "ZONE")]
    pub(crate) timezone: Option<String>,
    /// Time server; can be given several times, and then is all of them.
    #[arg(long, value_name = "SERVER")]
    pub(crate) ntp: Vec<String>,
    /// SSH on, at every boot too, or off at once.
    #[arg(long, value_name = "BOOL")]
    pub(crate) ssh: Option<bool>,
    /// SSH on for so many minutes; 0 ends that.
    #[arg(long, value_name = "MINUTES")]
    pub(crate) ssh_for: Option<u32>,
    /// File of the public keys that may log in as root, one a line: all of them.
    #[arg(long, value_name = "FILE")]
    pub(crate) ssh_keys: Option<PathBuf>,
    /// Proxy for HTTPS, http://HOST:PORT; empty for none.
    #[arg(long, value_name = "URL")]
    pub(crate) proxy: Option<String>,
}
