//! `qx-run`: boots the built image in QEMU for a person (`make run`). Parses, checks, starts; the rest is
//! `qx_e2e::run`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, ensure};
use clap::Parser;
use qx_e2e::{Bus, Image, Lab, ports, run};

/// Boots Quantix-OS in QEMU with a scratch disk and leaves its console in this terminal.
#[derive(Parser)]
#[command(version)]
struct Options {
    /// Port of 127.0.0.1 that leads to the web UI and REST API.
    #[arg(long, env = "HTTPS_PORT", default_value_t = 8443)]
    https_port: u16,
    /// Port of 127.0.0.1 that leads to gRPC.
    #[arg(long, env = "GRPC_PORT", default_value_t = 9443)]
    grpc_port: u16,
    /// Memory of the machine.
    #[arg(long, default_value_t = 2048)]
    memory_mib: u32,
    /// Size of the empty scratch disk, which is gone afterwards.
    #[arg(long, default_value_t = 16)]
    disk_gib: u64,
    /// Another image than the newest in output/.
    #[arg(long)]
    iso: Option<PathBuf>,
}

fn main() -> ExitCode {
    match start(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start(options: &Options) -> Result<()> {
    ensure!(
        options.https_port != options.grpc_port,
        "HTTPS_PORT and GRPC_PORT are both {}: choose two different ports",
        options.https_port
    );
    let signals = run::catch_signals()?;
    ports::check_free(options.https_port, "HTTPS_PORT")?;
    ports::check_free(options.grpc_port, "GRPC_PORT")?;
    let image = match &options.iso {
        Some(iso) => Image::open(iso)?,
        None => Image::latest()?,
    };
    let lab = Lab::open("run")?;
    let machine = lab
        .machine("quantix-os")
        .secure_boot()
        .memory_mib(options.memory_mib)
        .forward(options.https_port, 8443)
        .forward(options.grpc_port, 9443)
        .cd(image.iso())
        .disk(Bus::Virtio, options.disk_gib)
        .start()?;
    print!("{}", run::greeting(&image, &machine)?);
    run::attend(&machine, signals)?;
    machine.power_cut();
    println!("Quantix-OS is off.");
    Ok(())
}
