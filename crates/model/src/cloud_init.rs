//! What a new guest is told at its first start (cloud-init), as asked for. Pure; the engine judges it.

use std::fmt;

use serde::Serialize;

/// What cloud-init in the guest is to set up. The empty wish names the guest and leaves all else to its image.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct CloudInit {
    /// A host name or fully qualified domain name; `None` makes one of the VM's name.
    pub hostname: Option<String>,
    /// The account that the password and the keys are for; `None` is the one that the image has for it.
    pub user: Option<String>,
    /// Not written down: whoever compares wishes must compare a slow hash of it.
    #[serde(skip)]
    pub password: Option<Password>,
    /// Lines of an `authorized_keys` file.
    pub ssh_keys: Vec<String>,
    /// The guest's own user-data, in place of account, password and keys.
    pub user_data: Option<String>,
    /// In the order of the VM's NICs; none at all leaves the network to the image.
    pub network: Vec<GuestNic>,
}

/// How the guest is to set up one NIC; without addresses it asks for one (DHCP, router advertisements).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct GuestNic {
    /// `ADDRESS/PREFIX`, IPv4 and IPv6.
    pub addresses: Vec<String>,
    /// At most one a family.
    pub gateways: Vec<String>,
    /// Name servers.
    pub dns: Vec<String>,
}

/// A password in clear.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(pub String);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(hidden)")
    }
}
