//! Domain types and the rules that hold for them. Owns what a VM, a user and an operation *are*; knows
//! no I/O, no runtime, no wire format and no libvirt.

pub mod access;
pub mod clone;
pub mod cloud_init;
pub mod device;
pub mod edit;
pub mod guest;
pub mod metrics;
pub mod name;
pub mod network;
pub mod power;
pub mod snapshot;
pub mod storage;
pub mod task;
pub mod vm;
