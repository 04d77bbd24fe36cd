//! Figures.

use qx_api::rest;
use qx_engine::metrics::{Sample, Series};
use qx_model::metrics::{Metric, Values};

pub(crate) fn series(series: &Series) -> rest::MetricsSeries {
    let column = |metric| {
        series
            .points
            .iter()
            .map(|values| values.get(metric))
            .collect()
    };
    rest::MetricsSeries {
        start: series.start,
        step_s: series.step_s,
        cpu_cores: column(Metric::CpuCores),
        memory_bytes: column(Metric::Memory),
        disk_read_bytes_per_s: column(Metric::DiskRead),
        disk_write_bytes_per_s: column(Metric::DiskWrite),
        disk_reads_per_s: column(Metric::DiskReads),
        disk_writes_per_s: column(Metric::DiskWrites),
        net_rx_bytes_per_s: column(Metric::NetRx),
        net_tx_bytes_per_s: column(Metric::NetTx),
    }
}

pub(crate) fn sample(sample: &Sample) -> rest::MetricsSample {
    rest::MetricsSample {
        time: sample.time,
        host: values(&sample.host),
        vms: sample
            .vms
            .iter()
            .map(|(id, of_vm)| rest::VmMetrics {
                id: id.0,
                values: values(of_vm),
            })
            .collect(),
    }
}

pub(crate) fn values(values: &Values) -> rest::MetricsValues {
    rest::MetricsValues {
        cpu_cores: values.get(Metric::CpuCores),
        memory_bytes: values.get(Metric::Memory),
        disk_read_bytes_per_s: values.get(Metric::DiskRead),
        disk_write_bytes_per_s: values.get(Metric::DiskWrite),
        disk_reads_per_s: values.get(Metric::DiskReads),
        disk_writes_per_s: values.get(Metric::DiskWrites),
        net_rx_bytes_per_s: values.get(Metric::NetRx),
        net_tx_bytes_per_s: values.get(Metric::NetTx),
    }
}
