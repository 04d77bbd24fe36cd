//! The gRPC interface, generated from `proto/quantix/v1` and checked in; a test fails when it is stale.

/// Package `quantix.v1`.
#[allow(
    missing_docs,
    clippy::all,
    clippy::allow_attributes_without_reason,
    unreachable_pub,
    reason = "generated code"
)]
#[rustfmt::skip]
#[path = "generated/quantix.v1.rs"]
pub mod v1;

mod access;
pub mod convert;
mod guests;
mod host_care;
mod host_config;
mod host_network;
mod networks;
mod snapshots;
pub mod storage;
mod tasks;
mod updates;

/// The encoded descriptors of the package, for reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!("generated/quantix.v1.bin");
