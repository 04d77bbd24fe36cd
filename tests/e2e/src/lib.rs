//! End-to-end harness: boots the real image in QEMU and acts on it as its users do, through the screen, the
//! keyboard, the serial line and the network. It owns QEMU machines and what they leave behind; it must not
//! know the product's crates, so that a test sees only what a person or a script outside would see.
//!
//! A test is five lines: launch, wait, act, assert, and the machine is gone when the closure returns.
//!
//! ```no_run
//! use qx_e2e::{Image, Lab, minutes};
//! Lab::run("ready", |lab| {
//!     let machine = lab.machine("host").cd(Image::latest()?.iso()).start()?;
//!     machine.wait_ready(minutes(5))?;
//!     Ok(())
//! });
//! ```
//!
//! When a test fails, its serial logs, last screens, screenshots and disks stay in
//! `output/e2e-failures/TEST/`.

pub mod accelerator;
pub mod api;
pub mod bench;
pub mod bundle;
pub mod capture;
pub mod console_socket;
pub mod deadline;
pub mod disk;
pub mod environment;
pub mod firmware;
pub mod grpc;
pub mod guest;
pub mod image;
pub mod installed;
pub mod iso9660;
pub mod lab;
pub mod machine;
pub mod nbd;
pub mod ports;
pub mod qmp;
pub mod run;
pub mod seed;
pub mod serial;
pub mod ssh;
pub mod tamper;
pub mod tls;
pub mod updates;
pub mod volatile;

pub use accelerator::Accelerator;
pub use api::Api;
pub use deadline::{minutes, poll, seconds};
pub use image::Image;
pub use lab::Lab;
pub use machine::{Bus, Machine, MachineBuilder};
