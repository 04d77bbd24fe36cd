//! The host's settings.

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use qx_api::rest;
use qx_engine::host_config::HostConfigView;
use qx_host::config::ProxyUrl;
use qx_host::settings::Patch;
use qx_model::vm::FieldError;

/// As the configuration file has it.
const MOST_SERVERS: usize = 16;
const MOST_KEYS: usize = 256;
const MOST_AUTHORITIES: usize = 32;

/// What a caller wants to be different, or every field that can't be.
pub(crate) fn settings(wish: rest::HostConfigPatch) -> Result<Patch, Vec<FieldError>> {
    let mut faults = Vec::new();
    let ssh = wish.ssh.unwrap_or_default();
    let proxy = wish.proxy.unwrap_or_default();
    let patch = Patch {
        hostname: one(&mut faults, "hostname", wish.hostname),
        timezone: one(&mut faults, "timezone", wish.timezone),
        ntp: many(&mut faults, "ntp", MOST_SERVERS, wish.ntp),
        ssh_enabled: ssh.enabled,
        ssh_authorized_keys: many(
            &mut faults,
            "ssh.authorized_keys",
            MOST_KEYS,
            ssh.authorized_keys,
        ),
        ssh_for: ssh
            .on_for_minutes
            .map(|minutes| Duration::from_secs(u64::from(minutes) * 60)),
        proxy: match proxy.https {
            None => None,
            Some(none) if none.is_empty() => Some(None),
            Some(url) => one::<ProxyUrl>(&mut faults, "proxy.https", Some(url)).map(Some),
        },
        ca_certificates: many(
            &mut faults,
            "proxy.ca_certificates",
            MOST_AUTHORITIES,
            proxy.ca_certificates,
        ),
    };
    if faults.is_empty() {
        Ok(patch)
    } else {
        Err(faults)
    }
}

fn one<T>(faults: &mut Vec<FieldError>, field: &str, text: Option<String>) -> Option<T>
where
    T: FromStr,
    T::Err: Display,
{
    let parsed = text?.parse().map_err(|error: T::Err| {
        faults.push(FieldError {
            field: field.to_owned(),
            reason: error.to_string(),
        });
    });
    parsed.ok()
}

fn many<T>(
    faults: &mut Vec<FieldError>,
    field: &str,
    most: usize,
    texts: Option<Vec<String>>,
) -> Option<Vec<T>>
where
    T: FromStr,
    T::Err: Display,
{
    let texts = texts?;
    if texts.len() > most {
        faults.push(FieldError {
            field: field.to_owned(),
            reason: format!("must be at most {most}"),
        });
        return None;
    }
    let texts = texts.into_iter().enumerate();
    let values =
        texts.filter_map(|(number, text)| one(faults, &format!("{field}[{number}]"), Some(text)));
    Some(values.collect())
}

/// The settings as they go over the wire.
pub(crate) fn host_config(view: HostConfigView) -> rest::HostConfig {
    let config = view.config;
    rest::HostConfig {
        revision: view.revision,
        hostname: config.system.hostname.to_string(),
        timezone: config.system.timezone.to_string(),
        ntp: config.system.ntp.iter().map(ToString::to_string).collect(),
        ssh: rest::HostSsh {
            enabled: config.ssh.enabled,
            authorized_keys: config
                .ssh
                .authorized_keys
                .iter()
                .map(ToString::to_string)
                .collect(),
            on_for_s: view.ssh_left.map(|left| left.as_secs()),
        },
        proxy: rest::HostProxy {
            https: config.proxy.https.map(|url| url.to_string()),
            ca_certificates: config
                .proxy
                .ca_certificates
                .iter()
                .map(|certificate| certificate.as_str().to_owned())
                .collect(),
        },
    }
}
