//! `qx host services`, `qx host certificate` and `qx host support-bundle`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use qx_api::client::Client;
use qx_api::rest::{HostCertificate, HostCertificatePut, HostService};

use crate::args::Format;
use crate::args::host_care::{CertificateCommand, ServicesCommand};
use crate::host::store;
use crate::output::{fields, line, list, plain, word};

pub(crate) async fn services(
    client: &Client,
    format: Format,
    command: Option<ServicesCommand>,
) -> Result<()> {
    let services = match command {
        None => client.host_services().await?,
        Some(ServicesCommand::Restart { name }) => vec![client.restart_host_service(&name).await?],
    };
    let row = |service: &HostService| vec![plain(&service.name), word(&service.state)];
    list(
        format,
        &services,
        &["SERVICE", "STATE"],
        services.iter().map(row),
    )
}

pub(crate) async fn certificate(
    client: &Client,
    format: Format,
    command: Option<CertificateCommand>,
) -> Result<()> {
    let found = match command {
        None => client.host_certificate().await?,
        Some(CertificateCommand::Set { certificate, key }) => {
            let wish = HostCertificatePut {
                certificate: text(&certificate)?,
                key: text(&key)?,
            };
            client.put_host_certificate(&wish).await?
        }
        Some(CertificateCommand::Regenerate) => client.regenerate_host_certificate().await?,
    };
    fields(format, &found, &lines(&found))
}

fn text(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("can't read {}", path.display()))
}

fn lines(found: &HostCertificate) -> Vec<(&'static str, String)> {
    let issuer = if found.self_signed {
        "itself".to_owned()
    } else {
        plain(&found.issuer)
    };
    vec![
        ("Subject", plain(&found.subject)),
        ("Issuer", issuer),
        ("Names", plain(&found.names.join(", "))),
        ("Good from", found.not_before.to_string()),
        ("Good until", found.not_after.to_string()),
        ("Key", plain(&found.key)),
        ("Certificates sent", found.chain.to_string()),
        ("SHA-256", plain(&found.sha256)),
    ]
}

pub(crate) async fn support_bundle(client: &Client, format: Format, path: &Path) -> Result<()> {
    let bundle = client.host_support_bundle().await?;
    store(path, &bundle)?;
    if format == Format::Table {
        line(format!(
            "{} has state, logs and settings of the host, without passwords, keys and tokens. Look through it before \
             you give it to somebody.",
            path.display()
        ))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_told_with_its_names_and_who_vouches_for_it() {
        let mut found = HostCertificate {
            sha256: "ab".repeat(32),
            subject: "CN=qx1".into(),
            issuer: "CN=Company CA".into(),
            names: vec!["qx1".into(), "192.0.2.7".into()],
            not_before: "2026-01-01T00:00:00Z".parse().unwrap(),
            not_after: "2027-01-01T00:00:00Z".parse().unwrap(),
            key: "ECDSA P-256".into(),
            self_signed: false,
            chain: 2,
        };
        let value = |found: &HostCertificate, label: &str| {
            let lines = lines(found);
            let line = lines.into_iter().find(|(name, _)| *name == label);
            line.unwrap().1
        };
        assert_eq!(value(&found, "Issuer"), "CN=Company CA");
        assert_eq!(value(&found, "Names"), "qx1, 192.0.2.7");
        found.self_signed = true;
        assert_eq!(value(&found, "Issuer"), "itself");
    }
}
