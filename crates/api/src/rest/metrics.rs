//! Figures of the host and of VMs, now and in the past.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Figures of the past. Point `n` of each list begins at `start` plus `n` times `step_s` seconds and is the mean
/// of that step; `null` where nothing was measured. All lists are equally long.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MetricsSeries {
    /// Where the first point begins.
    pub start: Timestamp,
    /// Seconds from one point to the next.
    pub step_s: u64,
    /// Processors kept busy: CPU seconds a second. A VM's include its emulator.
    pub cpu_cores: Vec<Option<f32>>,
    /// Memory in use, in bytes: of the host, or what a VM holds of it.
    pub memory_bytes: Vec<Option<f32>>,
    /// Bytes read from disks a second.
    pub disk_read_bytes_per_s: Vec<Option<f32>>,
    /// Bytes written to disks a second.
    pub disk_write_bytes_per_s: Vec<Option<f32>>,
    /// Read requests a second.
    pub disk_reads_per_s: Vec<Option<f32>>,
    /// Write requests a second.
    pub disk_writes_per_s: Vec<Option<f32>>,
    /// Bytes received a second: by the host's network cards, or by the guest.
    pub net_rx_bytes_per_s: Vec<Option<f32>>,
    /// Bytes sent a second: by the host's network cards, or by the guest.
    pub net_tx_bytes_per_s: Vec<Option<f32>>,
}

/// Figures of one second; `null` is what was not measured.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MetricsValues {
    /// Processors kept busy: CPU seconds a second. A VM's include its emulator.
    pub cpu_cores: Option<f32>,
    /// Memory in use, in bytes: of the host, or what a VM holds of it.
    pub memory_bytes: Option<f32>,
    /// Bytes read from disks a second.
    pub disk_read_bytes_per_s: Option<f32>,
    /// Bytes written to disks a second.
    pub disk_write_bytes_per_s: Option<f32>,
    /// Read requests a second.
    pub disk_reads_per_s: Option<f32>,
    /// Write requests a second.
    pub disk_writes_per_s: Option<f32>,
    /// Bytes received a second: by the host's network cards, or by the guest.
    pub net_rx_bytes_per_s: Option<f32>,
    /// Bytes sent a second: by the host's network cards, or by the guest.
    pub net_tx_bytes_per_s: Option<f32>,
}

/// Figures of one VM.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VmMetrics {
    /// Which VM.
    pub id: Uuid,
    /// Its figures.
    pub values: MetricsValues,
}

/// Figures of one second, of the host and of all VMs that are not off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MetricsSample {
    /// When.
    pub time: Timestamp,
    /// The host's.
    pub host: MetricsValues,
    /// Those of the VMs, in id order.
    pub vms: Vec<VmMetrics>,
}
