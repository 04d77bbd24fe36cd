//! Devices that come and go: limits of their speed, and the rules for both. Pure.

use uuid::Uuid;

use crate::vm::FieldError;

/// How fast a disk may be; 0 is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DiskLimits {
    /// Bytes a second.
    pub read_bytes_sec: u64,
    /// Bytes a second.
    pub write_bytes_sec: u64,
    /// Requests a second.
    pub read_iops: u64,
    /// Requests a second.
    pub write_iops: u64,
}

/// How fast a NIC may be, as the guest sees it; 0 is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NicLimits {
    /// Units of 1,000 bytes a second.
    pub receive_kbytes_sec: u64,
    /// Units of 1,000 bytes a second.
    pub send_kbytes_sec: u64,
}

/// A MAC address in QEMU's own range, never used before as far as chance goes.
#[must_use]
pub fn new_mac() -> String {
    let random = Uuid::new_v4().into_bytes();
    format!(
        "52:54:00:{:02x}:{:02x}:{:02x}",
        random[0], random[1], random[2]
    )
}

/// What libvirt and QEMU can hold.
const HIGHEST_DISK_RATE: u64 = 1 << 50;
const HIGHEST_NIC_RATE: u64 = 1 << 31;

impl DiskLimits {
    /// Every broken rule.
    #[must_use]
    pub fn check(&self) -> Vec<FieldError> {
        let fields = [
            ("read_bytes_sec", self.read_bytes_sec),
            ("write_bytes_sec", self.write_bytes_sec),
            ("read_iops", self.read_iops),
            ("write_iops", self.write_iops),
        ];
        too_high(&fields, HIGHEST_DISK_RATE)
    }
}

impl NicLimits {
    /// Every broken rule.
    #[must_use]
    pub fn check(&self) -> Vec<FieldError> {
        let fields = [
            ("receive_kbytes_sec", self.receive_kbytes_sec),
            ("send_kbytes_sec", self.send_kbytes_sec),
        ];
        too_high(&fields, HIGHEST_NIC_RATE)
    }
}

fn too_high(fields: &[(&str, u64)], highest: u64) -> Vec<FieldError> {
    fields
        .iter()
        .filter(|(_, value)| *value > highest)
        .map(|(name, _)| {
            FieldError::new(
                format!("limits.{name}"),
                format!("must be 0, for no limit, to {highest}"),
            )
        })
        .collect()
}
