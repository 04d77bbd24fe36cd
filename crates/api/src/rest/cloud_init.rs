//! What a new guest is told at its first start, in the NoCloud way of cloud-init
//! (<https://docs.cloud-init.io/en/latest/reference/datasources/nocloud.html>).

use qx_model::cloud_init as model;
use serde::{Deserialize, Serialize};

/// What cloud-init in the guest sets up at its first start. It gets it on a CD of its own; a clone gets one with its own
/// identity.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CloudInit {
    /// A host name or fully qualified domain name, at most 64 characters; made of the VM's name when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// The account that the password and the keys are for: 1 to 32 lower-case letters, digits, `_` or `-`; the one that
    /// the image has for it when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// 1 to 256 characters. The guest gets a SHA-512 crypt hash of it; whether it is good for SSH is the image's choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// Public keys as in a `.pub` file, at most 64.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ssh_keys: Vec<String>,
    /// The guest's own user-data (`#cloud-config`, a script that begins with `#!`, …), at most 512 KiB, in place of `user`,
    /// `password` and `ssh_keys`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_data: Option<String>,
    /// How to set up the VM's NICs, in their order; left to the image, usually DHCP, when left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub network: Vec<GuestNic>,
}

/// How the guest sets up one NIC.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct GuestNic {
    /// `ADDRESS/PREFIX`, IPv4 and IPv6, at most 16; asked for by DHCP when there is none.
    #[serde(default)]
    pub addresses: Vec<String>,
    /// Default gateways: at most one for IPv4 and one for IPv6.
    #[serde(default)]
    pub gateways: Vec<String>,
    /// Addresses of name servers, at most 8.
    #[serde(default)]
    pub dns: Vec<String>,
}

impl From<CloudInit> for model::CloudInit {
    fn from(wish: CloudInit) -> Self {
        Self {
            hostname: wish.hostname,
            user: wish.user,
            password: wish.password.map(model::Password),
            ssh_keys: wish.ssh_keys,
            user_data: wish.user_data,
            network: wish.network.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<GuestNic> for model::GuestNic {
    fn from(nic: GuestNic) -> Self {
        Self {
            addresses: nic.addresses,
            gateways: nic.gateways,
            dns: nic.dns,
        }
    }
}
