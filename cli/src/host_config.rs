//! `qx host config`.

use std::fs;

use anyhow::{Context, Result};
use qx_api::client::Client;
use qx_api::rest::{HostConfig, HostConfigPatch, HostProxyPatch, HostSshPatch};

use crate::args::Format;
use crate::args::host_config::{HostConfigCommand, Set};
use crate::output::{fields, plain};

pub(crate) async fn run(
    client: &Client,
    format: Format,
    command: Option<HostConfigCommand>,
) -> Result<()> {
    let config = match command {
        None => client.host_config().await?,
        Some(HostConfigCommand::Set(set)) => client.patch_host_config(&patch(set)?).await?,
    };
    fields(format, &config, &lines(&config))
}

fn patch(set: Set) -> Result<HostConfigPatch> {
    let keys = match &set.ssh_keys {
        None => None,
        Some(path) => {
            let text = fs::read_to_string(path)
                .with_context(|| format!("can't read {}", path.display()))?;
            Some(keys(&text))
        }
    };
    Ok(HostConfigPatch {
        hostname: set.hostname,
        timezone: set.timezone,
        ntp: Some(set.ntp).filter(|servers| !servers.is_empty()),
        ssh: Some(HostSshPatch {
            enabled: set.ssh,
            authorized_keys: keys,
            on_for_minutes: set.ssh_for,
        }),
        proxy: Some(HostProxyPatch {
            https: set.proxy,
            ca_certificates: None,
        }),
    })
}

/// As in `authorized_keys`: one a line, with room for comments.
fn keys(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim);
    let keys = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    keys.map(str::to_owned).collect()
}

fn lines(config: &HostConfig) -> Vec<(&'static str, String)> {
    let ssh = match (config.ssh.enabled, config.ssh.on_for_s) {
        (true, _) => "on".to_owned(),
        (false, None) => "off".to_owned(),
        (false, Some(seconds)) => format!("on for {} min", seconds.div_ceil(60)),
    };
    let mut lines = vec![
        ("Host name", plain(&config.hostname)),
        ("Time zone", plain(&config.timezone)),
        ("Time servers", plain(&config.ntp.join(", "))),
        ("SSH", ssh),
    ];
    let keys = config.ssh.authorized_keys.iter();
    lines.extend(keys.map(|key| ("SSH key", plain(key))));
    let proxy = config.proxy.https.as_deref().unwrap_or("none");
    lines.push(("Proxy", plain(proxy)));
    let authorities = config.proxy.ca_certificates.len();
    if authorities > 0 {
        lines.push(("Own authorities", authorities.to_string()));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_sshd_reads_them() {
        let text = "# mine\n\nssh-ed25519 AAAA me\n  ssh-rsa BBBB\n";
        assert_eq!(keys(text), ["ssh-ed25519 AAAA me", "ssh-rsa BBBB"]);
    }

    #[test]
    fn ssh_that_is_on_for_a_while_is_shown_so() {
        let mut config: HostConfig = serde_json::from_value(serde_json::json!({
            "revision": "1", "hostname": "qx1", "timezone": "UTC", "ntp": ["a", "b"],
            "ssh": {"enabled": false, "authorized_keys": [], "on_for_s": 61},
            "proxy": {"https": null, "ca_certificates": []},
        }))
        .unwrap();
        assert!(lines(&config).contains(&("SSH", "on for 2 min".to_owned())));
        config.ssh.on_for_s = None;
        assert!(lines(&config).contains(&("SSH", "off".to_owned())));
    }
}
