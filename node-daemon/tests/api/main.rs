//! The daemon from outside: real sockets, TLS and files; the hypervisor in memory or libvirt's test
//! driver.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may panic"
)]

mod access;
mod browser;
mod devices;
mod grpc;
mod grpc_access;
mod guests;
mod host_care;
mod host_config;
mod host_logs;
mod host_network;
mod host_state;
mod images;
mod metrics;
mod networks;
mod problems;
mod roles;
mod snapshots;
mod storage;
mod streams;
mod support;
mod tasks;
mod test_driver;
mod ui;
mod updates;
mod users;
mod vms;
mod websocket;
