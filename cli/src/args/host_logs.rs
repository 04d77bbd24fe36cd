//! Arguments of `qx host logs`.

use clap::ValueEnum;

/// Which lines of which log.
#[derive(clap::Args)]
pub(crate) struct Logs {
    /// The log.
    #[arg(value_enum, default_value_t = Name::System)]
    pub(crate) log: Name,
    /// How many of the newest lines at most.
    #[arg(long, short = 'n', default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) lines: u32,
    /// Only lines that contain this text, upper and lower case being the same.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) grep: String,
    /// Go on with the lines that are added, until Ctrl-C.
    #[arg(long, short)]
    pub(crate) follow: bool,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Name {
    /// Everything that services and the kernel say.
    System,
    /// What the node daemon says.
    Daemon,
    /// What the kernel says.
    Kernel,
    /// How this boot went.
    Boot,
    /// How the installation from this medium went.
    Install,
}
