//! `qx-bench`: measures the built image (`make bench`). The figures and their limits are in `qx_e2e::bench`.

use std::process::ExitCode;

use clap::Parser;
use qx_e2e::bench::{self, Part};

/// Measures Quantix-OS beside its peer and says which promises it keeps.
#[derive(Parser)]
#[command(version)]
struct Options {
    /// Measure only this; may be given more than once.
    #[arg(long, value_enum)]
    only: Vec<Part>,
    /// Boots per figure; the median counts.
    #[arg(long, default_value_t = bench::RUNS)]
    runs: usize,
}

fn main() -> ExitCode {
    let options = Options::parse();
    match bench::run(&options.only, options.runs) {
        Ok(report) => {
            print!("{report}");
            if report.all_kept() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
