//! `qx metrics`.

use anyhow::{Result, bail};
use qx_api::client::Client;
use qx_api::rest::{MetricsSample, MetricsSeries, MetricsValues, Vm};

use crate::args::{Format, Metrics};
use crate::output::{json, line, list, plain};
use crate::size::Size;
use crate::vms::find;

const HEADER: [&str; 7] = [
    "CPU",
    "MEMORY",
    "READ/S",
    "WRITE/S",
    "IOPS",
    "RECEIVED/S",
    "SENT/S",
];

pub(crate) async fn run(client: &Client, format: Format, wish: Metrics) -> Result<()> {
    let vm = match &wish.vm {
        Some(vm) => Some(find(client, vm).await?),
        None => None,
    };
    if wish.watch {
        return watch(client, format, vm).await;
    }
    match (vm, wish.range) {
        (None, None) => now(client, format).await,
        (vm, range) => {
            let range = range.unwrap_or(3600);
            let id = vm.map(|vm| vm.id);
            past(format, &client.metrics(id, range, wish.step).await?)
        }
    }
}

/// One line for the host and one for each VM that is on.
async fn now(client: &Client, format: Format) -> Result<()> {
    let names = client.vms().await?;
    let mut live = client.live_metrics().await?;
    let Some(sample) = live.next().await? else {
        bail!("the daemon ended the stream: it is stopping");
    };
    table(format, &sample, &names)
}

fn table(format: Format, sample: &MetricsSample, names: &[Vm]) -> Result<()> {
    let header: Vec<&str> = ["NAME"].into_iter().chain(HEADER).collect();
    let host = row("(host)".into(), &sample.host);
    let vms = sample.vms.iter().map(|of_vm| {
        let known = names.iter().find(|vm| vm.id == of_vm.id);
        let name = known.map_or_else(|| of_vm.id.to_string(), |vm| plain(&vm.name));
        row(name, &of_vm.values)
    });
    list(format, sample, &header, [host].into_iter().chain(vms))
}

/// A line each second until interrupted.
async fn watch(client: &Client, format: Format, vm: Option<Vm>) -> Result<()> {
    let mut live = client.live_metrics().await?;
    while let Some(sample) = live.next().await? {
        if format == Format::Json {
            line(serde_json::to_string(&sample)?)?;
            continue;
        }
        let (name, values) = match &vm {
            None => ("(host)".to_owned(), Some(sample.host)),
            Some(vm) => {
                let found = sample.vms.iter().find(|found| found.id == vm.id);
                (plain(&vm.name), found.map(|found| found.values))
            }
        };
        let texts = match values {
            Some(values) => row(name, &values),
            None => vec![name, "is off".into()],
        };
        let labelled: Vec<String> = [
            "", "cpu ", "memory ", "read/s ", "write/s ", "iops ", "in/s ", "out/s ",
        ]
        .into_iter()
        .zip(texts)
        .map(|(label, text)| format!("{label}{text}"))
        .collect();
        line(format_args!("{} {}", sample.time, labelled.join("  ")))?;
    }
    bail!("the daemon ended the stream: it is stopping")
}

fn past(format: Format, series: &MetricsSeries) -> Result<()> {
    if format == Format::Json {
        return json(series);
    }
    let step = i64::try_from(series.step_s).unwrap_or(i64::MAX);
    let header: Vec<&str> = ["TIME"].into_iter().chain(HEADER).collect();
    let at = |column: &[Option<f32>], n: usize| column.get(n).copied().flatten();
    let rows = (0..series.cpu_cores.len()).filter_map(|n| {
        let values = MetricsValues {
            cpu_cores: at(&series.cpu_cores, n),
            memory_bytes: at(&series.memory_bytes, n),
            disk_read_bytes_per_s: at(&series.disk_read_bytes_per_s, n),
            disk_write_bytes_per_s: at(&series.disk_write_bytes_per_s, n),
            disk_reads_per_s: at(&series.disk_reads_per_s, n),
            disk_writes_per_s: at(&series.disk_writes_per_s, n),
            net_rx_bytes_per_s: at(&series.net_rx_bytes_per_s, n),
            net_tx_bytes_per_s: at(&series.net_tx_bytes_per_s, n),
        };
        // Nothing was measured then.
        values.memory_bytes.or(values.disk_reads_per_s)?;
        let begin = series.start.as_second() + i64::try_from(n).ok()? * step;
        Some(row(
            jiff::Timestamp::from_second(begin).ok()?.to_string(),
            &values,
        ))
    });
    list(format, series, &header, rows)
}

fn row(name: String, values: &MetricsValues) -> Vec<String> {
    let size = |value: Option<f32>| {
        value.map_or_else(|| "-".into(), |bytes| Size(bytes as u64).to_string())
    };
    let iops = match (values.disk_reads_per_s, values.disk_writes_per_s) {
        (None, None) => "-".into(),
        (reads, writes) => format!("{:.0}", reads.unwrap_or(0.0) + writes.unwrap_or(0.0)),
    };
    vec![
        name,
        values
            .cpu_cores
            .map_or_else(|| "-".into(), |cores| format!("{cores:.2}")),
        size(values.memory_bytes),
        size(values.disk_read_bytes_per_s),
        size(values.disk_write_bytes_per_s),
        iops,
        size(values.net_rx_bytes_per_s),
        size(values.net_tx_bytes_per_s),
    ]
}
