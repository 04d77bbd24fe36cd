//! `qx-config`: puts the host's configuration into force at boot, checks a file, shows what is in force.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use qx_host::apply::{self, Paths};
use qx_host::config::{self, Status, Store};
use qx_host::network;
use qx_host::pending::{self, Places};

#[derive(Parser)]
#[command(
    name = "qx-config",
    version,
    about = "The configuration of a Quantix-OS host"
)]
struct Arguments {
    /// Directory of config.toml and its generations
    #[arg(long, default_value = "/quantix", global = true)]
    state_dir: PathBuf,
    /// Directory of the running system's records
    #[arg(long, default_value = "/run/quantix", global = true)]
    run_dir: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write everything that follows from the configuration (at boot, before the network)
    Apply {
        /// Write under this directory instead of /
        #[arg(long, default_value = "/")]
        root: PathBuf,
    },
    /// Bring the network in line with the configuration (at boot, and whenever it has changed)
    Network {
        /// Write etc/resolv.conf under this directory instead of /
        #[arg(long, default_value = "/")]
        root: PathBuf,
        /// Look for network cards under this directory
        #[arg(long, default_value = "/sys")]
        sys: PathBuf,
        /// Let the VLANs of VMs pass from now on
        #[arg(long)]
        open_vlans: bool,
    },
    /// Carry out a restore or a factory reset that was asked for (at boot, before anything else)
    Pending,
    /// Say what is wrong with a configuration file; exit status 1 if anything is
    Check {
        /// The file
        file: PathBuf,
    },
    /// Print the configuration in force, every key written out
    Show,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    match arguments.command {
        Command::Apply { root } => {
            let paths = Paths {
                root,
                state: arguments.state_dir,
                run: arguments.run_dir,
                sys: PathBuf::from("/sys"),
                dev: PathBuf::from("/dev"),
                cmdline: PathBuf::from("/proc/cmdline"),
            };
            let status = apply::apply(&paths)?;
            report(&status);
            Ok(ExitCode::SUCCESS)
        }
        Command::Network {
            root,
            sys,
            open_vlans,
        } => {
            let places = network::Places {
                root,
                sys,
                run: arguments.run_dir,
                ..network::Places::default()
            };
            let management = Store::new(&arguments.state_dir).peek().config.management;
            let in_force = if open_vlans {
                network::open_vlans(&places, &management)?
            } else {
                network::bring_up(&places, &management)?
            };
            for problem in in_force.problems {
                eprintln!("qx-config: {problem}");
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Pending => {
            let places = Places {
                state: arguments.state_dir,
                run: arguments.run_dir,
                ..Places::default()
            };
            pending::at_boot(&places, |step| println!("qx-config: {step}"))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Check { file } => check(&file),
        Command::Show => {
            print!(
                "{}",
                Store::new(&arguments.state_dir).peek().config.to_toml()
            );
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn report(status: &Status) {
    for problem in &status.problems {
        eprintln!("qx-config: {problem}");
    }
}

fn check(file: &Path) -> anyhow::Result<ExitCode> {
    let text =
        fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    match config::parse(&text) {
        Ok(_) => {
            println!("{}: good", file.display());
            Ok(ExitCode::SUCCESS)
        }
        Err(problems) => {
            for problem in problems {
                eprintln!("{} {problem}", file.display());
            }
            Ok(ExitCode::FAILURE)
        }
    }
}
