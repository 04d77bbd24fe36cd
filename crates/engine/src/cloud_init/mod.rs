//! What a new guest is told at its first start: the files of cloud-init's NoCloud data source
//! (<https://docs.cloud-init.io/en/latest/reference/datasources/nocloud.html>), on a CD of the VM's own.

mod disc;
mod network;
mod user;

pub(crate) use disc::remove;
pub(crate) use user::password_hash;

use qx_host::config::HostName;
use qx_model::cloud_init::CloudInit;
use qx_model::name::VmName;
use qx_model::vm::{FieldError, VmId, VmSpec};
use serde_json::json;

use crate::error::{Error, Result};

/// The files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Documents {
    meta_data: String,
    user_data: String,
    /// Without it the guest asks for addresses by DHCP.
    network_config: Option<String>,
}

impl Documents {
    /// What the wish comes to; `macs` are those of its NICs. [`Error::Invalid`] with every broken rule.
    pub(crate) fn of(spec: &VmSpec, wish: &CloudInit, macs: &[String]) -> Result<Self> {
        let mut broken = Vec::new();
        let hostname = match &wish.hostname {
            None => hostname_of(&spec.name),
            Some(name) => checked::<HostName>(name, "hostname", &mut broken),
        };
        let user_data = user::user_data(spec.id, wish, &mut broken)?;
        let network_config = network::config(&wish.network, macs, &mut broken);
        if !broken.is_empty() {
            let within = |fault: FieldError| FieldError {
                field: format!("cloud_init.{}", fault.field),
                ..fault
            };
            return Err(Error::Invalid(broken.into_iter().map(within).collect()));
        }
        Ok(Self {
            meta_data: meta_data(spec.id, &hostname),
            user_data,
            network_config,
        })
    }

    /// The same for a clone: with its own identity, and addresses by DHCP, because two guests must not have one address.
    pub(crate) fn of_clone(self, id: VmId, name: &VmName) -> Self {
        Self {
            meta_data: meta_data(id, &hostname_of(name)),
            network_config: None,
            ..self
        }
    }

    fn files(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("meta-data", Some(&self.meta_data)),
            ("user-data", Some(&self.user_data)),
            ("network-config", self.network_config.as_ref()),
        ]
        .into_iter()
        .filter_map(|(name, text)| Some((name, text?.as_str())))
    }
}

/// JSON is YAML too. A new instance id makes a guest set itself up anew.
fn meta_data(id: VmId, hostname: &str) -> String {
    json!({ "instance-id": id.to_string(), "local-hostname": hostname }).to_string()
}

/// A VM's name may have what a host name may not.
fn hostname_of(name: &VmName) -> String {
    let hyphened = name.as_str().replace('_', "-");
    let labels = hyphened.split('.').map(|label| label.trim_matches('-'));
    let labels: Vec<&str> = labels.filter(|label| !label.is_empty()).collect();
    labels.join(".")
}

/// The text, if it is one of these; else the fault is noted.
fn checked<T: std::str::FromStr<Err: ToString>>(
    text: &str,
    field: impl Into<String>,
    broken: &mut Vec<FieldError>,
) -> String {
    if let Err(error) = text.parse::<T>() {
        broken.push(FieldError::new(field, error.to_string()));
    }
    text.to_owned()
}

#[cfg(test)]
mod tests;
