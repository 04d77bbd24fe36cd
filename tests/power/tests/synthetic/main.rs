//! Hand-made logs and small disks: the harness reads and replays rightly, passes the product's own sequences
//! of writes, and catches each known way to get them wrong.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod bench;
mod log;
mod recorder;
mod replay;
mod sequences;
