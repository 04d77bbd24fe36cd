//! The host's logs by their names.

use qx_api::grpc::v1;
use qx_api::rest::HostLogName;
use qx_host::logs::{Log, Wish};

/// Lines that are answered when nobody says how many.
const LINES: u32 = 1000;

/// What is asked for, in the host's terms.
pub(crate) fn log_wish(log: HostLogName, lines: Option<u32>, contains: String) -> Wish {
    let log = match log {
        HostLogName::System => Log::System,
        HostLogName::Daemon => Log::Daemon,
        HostLogName::Kernel => Log::Kernel,
        HostLogName::Boot => Log::Boot,
        HostLogName::Install => Log::Install,
    };
    Wish {
        log,
        lines: usize::try_from(lines.unwrap_or(LINES)).unwrap_or(usize::MAX),
        contains,
    }
}

pub(crate) const fn log_of_grpc(log: v1::HostLogName) -> HostLogName {
    match log {
        v1::HostLogName::Unspecified | v1::HostLogName::System => HostLogName::System,
        v1::HostLogName::Daemon => HostLogName::Daemon,
        v1::HostLogName::Kernel => HostLogName::Kernel,
        v1::HostLogName::Boot => HostLogName::Boot,
        v1::HostLogName::Install => HostLogName::Install,
    }
}

pub(crate) const fn log_to_grpc(log: HostLogName) -> v1::HostLogName {
    match log {
        HostLogName::System => v1::HostLogName::System,
        HostLogName::Daemon => v1::HostLogName::Daemon,
        HostLogName::Kernel => v1::HostLogName::Kernel,
        HostLogName::Boot => v1::HostLogName::Boot,
        HostLogName::Install => v1::HostLogName::Install,
    }
}
