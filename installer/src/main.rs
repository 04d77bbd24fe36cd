//! `qx-install`: installs Quantix-OS on a disk of this machine.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use qx_host::config::DiskChoice;
use qx_install::unattended::{self, Places};
use qx_install::{by_hand, check, disks, firstboot, mirror};

#[derive(Parser)]
#[command(
    name = "qx-install",
    version,
    about = "Installs Quantix-OS on a disk of this machine"
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List the disks that could hold the system, with what is on them
    Disks {
        /// Print JSON, with partitions and every fact that is known
        #[arg(long)]
        json: bool,
        /// Directory of the running system's records
        #[arg(long, default_value = "/run/quantix")]
        run_dir: PathBuf,
    },
    /// Install by the answer file on the volume QX-SEED, if there is one (started by a live boot)
    Unattended,
    /// Install by an answer file and leave the machine on (started by the console's installation)
    ByHand {
        /// Directory of the running system's records
        #[arg(long, default_value = "/run/quantix")]
        run_dir: PathBuf,
        /// The answer file
        file: PathBuf,
    },
    /// Make what this host is known by, where it is missing (at boot)
    Firstboot {
        /// Directory of configuration, keys and certificates
        #[arg(long, default_value = "/quantix")]
        state_dir: PathBuf,
        /// Directory of VM disks and copies of what belongs to them
        #[arg(long, default_value = "/data")]
        data_dir: PathBuf,
        /// Directory of the running system's records
        #[arg(long, default_value = "/run/quantix")]
        run_dir: PathBuf,
    },
    /// The mirror of the boot disks
    Mirror {
        #[command(subcommand)]
        command: MirrorCommand,
    },
    /// Say what is wrong with an answer file; exit status 1 if anything is. Needs no Quantix-OS host
    Check {
        /// The file
        file: PathBuf,
    },
}

#[derive(Subcommand)]
enum MirrorCommand {
    /// Take a disk into the mirror in place of one that is lost, or one that was left out
    Add {
        /// A path such as /dev/sdb, serial:…, or wwn:…
        disk: DiskChoice,
        /// Erase what is on it
        #[arg(long)]
        wipe: bool,
        /// Directory of the running system's records
        #[arg(long, default_value = "/run/quantix")]
        run_dir: PathBuf,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("qx-install: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Disks { json, run_dir } => {
            let found = disks::list(&run_dir)?;
            if json {
                println!("{}", disks::json(&found)?);
            } else {
                println!("{}", disks::table(&found));
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Unattended => {
            unattended::run(&Places::default())?;
            Ok(ExitCode::SUCCESS)
        }
        Command::ByHand { run_dir, file } => {
            let places = Places {
                run: run_dir,
                ..Places::default()
            };
            by_hand::run(&places, &file)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Firstboot {
            state_dir,
            data_dir,
            run_dir,
        } => {
            firstboot::run(&state_dir, &data_dir, &run_dir)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Mirror {
            command:
                MirrorCommand::Add {
                    disk,
                    wipe,
                    run_dir,
                },
        } => {
            mirror::add(&run_dir, &disk, wipe)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Check { file } => match check::check(&file)? {
            Ok(verdict) => {
                println!("{verdict}");
                Ok(ExitCode::SUCCESS)
            }
            Err(problems) => {
                for problem in problems {
                    eprintln!("{problem}");
                }
                Ok(ExitCode::FAILURE)
            }
        },
    }
}
