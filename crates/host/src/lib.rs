//! The machine under us. Owns the host's configuration file, what is generated from it, the root
//! account, the inventory, the disks, backups of the configuration and the power switch; the only crate below
//! `node-daemon` that starts programs. Knows no VM but by its files, no libvirt, no HTTP and no screen. Everything
//! here blocks.

pub mod accounts;
pub mod apply;
pub mod backup;
pub mod boot;
pub mod boot_env;
pub mod bridges;
pub mod certificate_files;
mod command;
pub mod config;
pub mod disks;
mod durable;
pub mod fingerprint;
pub mod first_boot;
pub mod identity;
pub mod install_run;
pub mod install_status;
pub mod inventory;
mod libvirt_text;
pub mod logs;
pub mod mirror;
pub mod network;
pub mod network_files;
pub mod network_test;
pub mod nics;
pub mod pending;
pub mod power;
pub mod seed;
pub mod service;
pub mod settings;
pub mod shell;
pub mod ssh_window;
pub mod storage;
pub mod support;
pub mod system_disk;
pub mod trust;
pub mod update;
pub mod vm_files;
pub mod volumes;
pub mod watchdog;
