//! The console on the host's screen and serial line: events → state → draw → actions. Reads the machine
//! through `qx-host` and the daemon through its Unix socket; cannot reach libvirt.

pub mod action;
pub mod effects;
pub mod facts;
pub mod forms;
pub mod screens;
pub mod shell;
pub mod state;
pub mod terminal;
mod words;

pub use screens::draw;
