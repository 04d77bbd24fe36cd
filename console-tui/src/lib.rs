//! The console on the host's screen and serial line: events → state → draw → actions. Reads the machine
//! through `qx-host` and the daemon through its Unix socket; cannot reach libvirt.

pub mod draw;
pub mod facts;
pub mod state;
pub mod terminal;
