//! The host's settings, between gRPC and REST.

use super::v1;
use crate::rest;

impl From<rest::HostConfig> for v1::HostConfig {
    fn from(config: rest::HostConfig) -> Self {
        Self {
            revision: config.revision,
            hostname: config.hostname,
            timezone: config.timezone,
            ntp: config.ntp,
            ssh_enabled: config.ssh.enabled,
            ssh_authorized_keys: config.ssh.authorized_keys,
            ssh_on_for_s: config.ssh.on_for_s,
            proxy_https: config.proxy.https,
            ca_certificates: config.proxy.ca_certificates,
        }
    }
}

impl From<v1::UpdateHostConfigRequest> for rest::HostConfigPatch {
    fn from(wish: v1::UpdateHostConfigRequest) -> Self {
        let items = |list: v1::TextList| list.items;
        Self {
            hostname: wish.hostname,
            timezone: wish.timezone,
            ntp: wish.ntp.map(items),
            ssh: Some(rest::HostSshPatch {
                enabled: wish.ssh_enabled,
                authorized_keys: wish.ssh_authorized_keys.map(items),
                on_for_minutes: wish.ssh_on_for_minutes,
            }),
            proxy: Some(rest::HostProxyPatch {
                https: wish.proxy_https,
                ca_certificates: wish.ca_certificates.map(items),
            }),
        }
    }
}
