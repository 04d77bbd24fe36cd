//! Networks and bridges.

use qx_api::rest;
use qx_engine::{BridgeInUse, NetworkInUse};

pub(crate) fn network(seen: NetworkInUse) -> rest::Network {
    rest::Network::new(seen.network, seen.used_by)
}

pub(crate) fn bridge(seen: BridgeInUse) -> rest::Bridge {
    rest::Bridge {
        name: seen.bridge.name,
        vlan_filtering: seen.bridge.vlan_filtering,
        ports: seen.bridge.ports,
        networks: seen.networks,
        used_by: seen.used_by.into_iter().map(Into::into).collect(),
    }
}
