//! What is measured of the host and of each VM, and how figures of many moments become one.

/// What disks did, all together, since they (or the VM) started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DiskIo {
    /// Bytes read.
    pub read_bytes: u64,
    /// Bytes written.
    pub write_bytes: u64,
    /// Read requests.
    pub reads: u64,
    /// Write requests.
    pub writes: u64,
}

/// What NICs did, all together, since they (or the VM) started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NetIo {
    /// Bytes received: by the host, or by the guest.
    pub rx_bytes: u64,
    /// Bytes sent: by the host, or by the guest.
    pub tx_bytes: u64,
}

/// One figure of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Metric {
    /// Processors kept busy: CPU seconds a second.
    CpuCores,
    /// Memory in use, in bytes.
    Memory,
    /// Bytes read from disks a second.
    DiskRead,
    /// Bytes written to disks a second.
    DiskWrite,
    /// Read requests a second.
    DiskReads,
    /// Write requests a second.
    DiskWrites,
    /// Bytes received a second.
    NetRx,
    /// Bytes sent a second.
    NetTx,
}

impl Metric {
    /// All of them, in the order of [`Values`].
    pub const ALL: [Self; COUNT] = [
        Self::CpuCores,
        Self::Memory,
        Self::DiskRead,
        Self::DiskWrite,
        Self::DiskReads,
        Self::DiskWrites,
        Self::NetRx,
        Self::NetTx,
    ];
}

const COUNT: usize = 8;
/// Bytes of [`Values::to_bytes`].
pub const VALUES_BYTES: usize = COUNT * 4;

/// One moment, or the mean of some time. A figure that could not be measured is absent, never 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Values([f32; COUNT]);

impl Default for Values {
    fn default() -> Self {
        Self([f32::NAN; COUNT])
    }
}

impl Values {
    /// A figure, if it was measured.
    #[must_use]
    pub fn get(&self, metric: Metric) -> Option<f32> {
        let value = self.0[metric as usize];
        (!value.is_nan()).then_some(value)
    }

    /// Sets a figure.
    pub fn set(&mut self, metric: Metric, value: f64) {
        // Charts and averages need no more than 24 bits.
        self.0[metric as usize] = value as f32;
    }

    /// Nothing was measured.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|value| value.is_nan())
    }

    /// Eight 32-bit floats, little-endian; NaN is a figure that is absent.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; VALUES_BYTES] {
        let mut bytes = [0; VALUES_BYTES];
        for (place, value) in bytes.chunks_exact_mut(4).zip(self.0) {
            place.copy_from_slice(&value.to_le_bytes());
        }
        bytes
    }

    /// From [`Values::to_bytes`]; what is missing at the end is absent.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut values = Self::default();
        for (value, bytes) in values.0.iter_mut().zip(bytes.chunks_exact(4)) {
            if let Ok(bytes) = bytes.try_into() {
                *value = f32::from_le_bytes(bytes);
            }
        }
        values
    }
}

/// The mean of each figure over the moments at which it was measured.
#[derive(Debug, Clone, Copy, Default)]
pub struct Mean {
    sums: [f64; COUNT],
    counts: [u32; COUNT],
}

impl Mean {
    /// Takes one moment in.
    pub fn add(&mut self, values: &Values) {
        for metric in Metric::ALL {
            if let Some(value) = values.get(metric) {
                self.sums[metric as usize] += f64::from(value);
                self.counts[metric as usize] += 1;
            }
        }
    }

    /// The mean so far; a figure that was never measured is absent.
    #[must_use]
    pub fn values(&self) -> Values {
        let mut values = Values::default();
        for metric in Metric::ALL {
            let count = self.counts[metric as usize];
            if count > 0 {
                values.set(metric, self.sums[metric as usize] / f64::from(count));
            }
        }
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_is_of_what_was_measured_and_the_rest_stays_absent() {
        let mut mean = Mean::default();
        let mut values = Values::default();
        values.set(Metric::CpuCores, 1.0);
        mean.add(&values);
        values.set(Metric::CpuCores, 3.0);
        values.set(Metric::NetRx, 10.0);
        mean.add(&values);
        let mean = mean.values();
        assert_eq!(mean.get(Metric::CpuCores), Some(2.0));
        assert_eq!(mean.get(Metric::NetRx), Some(10.0));
        assert_eq!(mean.get(Metric::Memory), None);
    }

    #[test]
    fn values_survive_their_bytes() {
        let mut values = Values::default();
        for (number, metric) in Metric::ALL.into_iter().enumerate().skip(1) {
            values.set(metric, 1.5 * f64::from(u8::try_from(number).unwrap()));
        }
        let back = Values::from_bytes(&values.to_bytes());
        for metric in Metric::ALL {
            assert_eq!(back.get(metric), values.get(metric), "{metric:?}");
        }
        assert_eq!(Values::from_bytes(&[]).get(Metric::Memory), None);
    }
}
