//! The machine under us. Owns the host's configuration file, what is generated from it, the root
//! account, the inventory and the power switch; the only crate below `node-daemon` that starts programs.
//! Knows no VM, no libvirt, no HTTP and no screen. Everything here blocks.

pub mod accounts;
pub mod apply;
pub mod boot;
pub mod config;
mod durable;
pub mod fingerprint;
pub mod inventory;
pub mod network;
pub mod nics;
pub mod power;
