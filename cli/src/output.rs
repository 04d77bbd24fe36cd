//! Printing: tables for people, the API's own JSON for machines.

use std::fmt::Display;
use std::io::{self, Write as _};

use anyhow::Result;
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use qx_api::rest::{Accelerator, AuditPage, DataKind, Host};
use serde::Serialize;

use crate::args::Format;
use crate::size::Size;

/// Who read the output has gone, as `head` does when it has enough.
#[derive(Debug, thiserror::Error)]
#[error("nobody reads the output any more")]
pub(crate) struct Unread;

/// Prints one line.
pub(crate) fn line(line: impl Display) -> Result<()> {
    text(format_args!("{line}\n"))
}

/// Prints; everything that `qx` says on its standard output goes through here.
pub(crate) fn text(what: impl Display) -> Result<()> {
    write!(io::stdout(), "{what}").map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Unread.into(),
        _ => anyhow::Error::new(error).context("can't print"),
    })
}

/// Prints `value` as JSON, or as what `rows` makes of it under `header`.
pub(crate) fn list<T: Serialize>(
    format: Format,
    value: &T,
    header: &[&str],
    rows: impl IntoIterator<Item = Vec<String>>,
) -> Result<()> {
    if format == Format::Json {
        return json(value);
    }
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(header.iter().copied());
    table.add_rows(rows);
    line(table.trim_fmt())
}

/// Prints `value` as JSON, or as a list of names and texts.
pub(crate) fn fields<T: Serialize>(
    format: Format,
    value: &T,
    fields: &[(&str, String)],
) -> Result<()> {
    if format == Format::Json {
        return json(value);
    }
    let width = fields.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, text) in fields {
        line(format_args!("{name:<width$}  {text}"))?;
    }
    Ok(())
}

/// Prints one JSON document.
pub(crate) fn json<T: Serialize>(value: &T) -> Result<()> {
    line(serde_json::to_string_pretty(value)?)
}

/// The name that the API uses for a value of one of its enumerations.
pub(crate) fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// Control characters of text from elsewhere must not reach the terminal.
pub(crate) fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

pub(crate) fn host(format: Format, host: &Host) -> Result<()> {
    let memory = &host.memory;
    let mut lines = vec![
        ("Host name", plain(&host.hostname)),
        ("Version", format!("{} {}", host.product, host.version)),
        (
            "Build",
            host.build_id.clone().unwrap_or_else(|| "none".into()),
        ),
        (
            "Processor",
            format!("{}, {} threads", plain(&host.cpu.model), host.cpu.threads),
        ),
        (
            "Memory",
            format!(
                "{} of {} available",
                Size(memory.available_bytes),
                Size(memory.total_bytes)
            ),
        ),
        (
            "Data",
            format!(
                "{} of {} free",
                Size(host.data.free_bytes),
                Size(host.data.total_bytes)
            ),
        ),
        (
            "Virtualization",
            (host.hypervisor.accelerator).map_or("unknown".into(), |known| word(&known)),
        ),
        ("Certificate", host.certificate_sha256.clone()),
    ];
    for address in &host.addresses {
        lines.push((
            "Address",
            format!("{} ({})", address.address, word(&address.origin)),
        ));
    }
    for notice in notices(host) {
        lines.push(("Notice", plain(&notice)));
    }
    fields(format, host, &lines)
}

/// What a person should know before relying on the host.
fn notices(host: &Host) -> Vec<String> {
    let mut found = Vec::new();
    if host.data.kind == DataKind::Ram {
        found.push("VM disks lie in memory and are lost when the host is switched off".into());
    }
    match &host.hypervisor.note {
        Some(note) => found.push(note.clone()),
        None if host.hypervisor.accelerator == Some(Accelerator::Tcg) => {
            found.push("VMs are emulated: slow, and not a security boundary".into());
        }
        None => {}
    }
    found.extend(host.boot.iter().flat_map(|boot| boot.warnings.clone()));
    found.extend(
        host.config
            .iter()
            .flat_map(|config| config.problems.clone()),
    );
    found
}

pub(crate) fn audit(format: Format, page: &AuditPage) -> Result<()> {
    let rows = page.items.iter().map(|entry| {
        let text = [
            &entry.actor,
            &entry.origin,
            &entry.operation,
            &entry.target,
            &entry.outcome,
        ];
        let mut row = vec![entry.time.to_string()];
        row.extend(text.into_iter().map(|text| plain(text)));
        row
    });
    list(
        format,
        page,
        &["TIME", "WHO", "FROM", "WHAT", "OF", "OUTCOME"],
        rows,
    )
}
