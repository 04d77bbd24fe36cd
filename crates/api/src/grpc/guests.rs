//! Guests, from REST to gRPC.

use super::v1;
use crate::rest;

impl From<rest::GuestInfo> for v1::Guest {
    fn from(guest: rest::GuestInfo) -> Self {
        let users = guest.users.into_iter().flatten();
        Self {
            agent_version: guest.agent_version,
            commands: guest.commands,
            hostname: guest.hostname,
            os: guest.os.map(|os| v1::GuestOs {
                id: os.id,
                name: os.name,
                pretty_name: os.pretty_name,
                version_id: os.version_id,
                kernel_release: os.kernel_release,
                machine: os.machine,
            }),
            time_zone: guest.time_zone.map(|zone| v1::GuestTimeZone {
                name: zone.name,
                offset_s: zone.offset_s,
            }),
            time: guest.time.map(|time| time.to_string()),
            users: users
                .map(|user| v1::GuestUser {
                    name: user.name,
                    domain: user.domain,
                    since: user.since.to_string(),
                })
                .collect(),
            frozen: guest.frozen,
        }
    }
}

impl From<rest::GuestInterface> for v1::GuestInterface {
    fn from(interface: rest::GuestInterface) -> Self {
        Self {
            name: interface.name,
            mac: interface.mac,
            addresses: interface.addresses,
        }
    }
}

impl From<rest::GuestFilesystem> for v1::GuestFilesystem {
    fn from(filesystem: rest::GuestFilesystem) -> Self {
        Self {
            name: filesystem.name,
            mount_point: filesystem.mount_point,
            r#type: filesystem.r#type,
            used_bytes: filesystem.used_bytes,
            total_bytes: filesystem.total_bytes,
        }
    }
}

impl From<rest::GuestExecStatus> for v1::GuestExecStatus {
    fn from(status: rest::GuestExecStatus) -> Self {
        Self {
            exited: status.exited,
            exit_code: status.exit_code,
            signal: status.signal,
            stdout: status.stdout.into(),
            stderr: status.stderr.into(),
            truncated: status.truncated,
        }
    }
}
