//! Networks in memory: nothing is connected.

use std::sync::MutexGuard;

use qx_model::network::{Network, NetworkEdit, NetworkId, NetworkSpec};

use super::{Fake, World};
use crate::{Error, Networks, Result, Signal};

/// A network as it is configured.
pub(super) struct Kept {
    network: Network,
    edits: u64,
}

impl Fake {
    fn with_network(
        &self,
        id: NetworkId,
        change: impl FnOnce(&mut Kept) -> Result<()>,
    ) -> Result<()> {
        let mut world = self.reachable()?;
        let kept = world.networks.get_mut(&id);
        change(kept.ok_or(Error::NoSuchNetwork(id))?)?;
        self.networks_changed(world);
        Ok(())
    }

    fn networks_changed(&self, world: MutexGuard<'_, World>) {
        drop(world);
        self.signal(&Signal::NetworksChanged);
    }
}

impl Networks for Fake {
    fn networks(&self) -> Result<Vec<Network>> {
        let world = self.reachable()?;
        Ok(world.networks.values().map(Kept::observe).collect())
    }

    fn network(&self, id: NetworkId) -> Result<Network> {
        let world = self.reachable()?;
        let kept = world.networks.get(&id);
        kept.map(Kept::observe).ok_or(Error::NoSuchNetwork(id))
    }

    fn define_network(&self, spec: &NetworkSpec) -> Result<()> {
        let mut world = self.reachable()?;
        let name = spec.name.as_str();
        let taken = |kept: &Kept| kept.network.id == spec.id || kept.network.name == name;
        if world.networks.values().any(taken) {
            return Err(Error::Exists {
                what: format!("a network with the id {} or the name {name}", spec.id),
            });
        }
        let network = Network {
            id: spec.id,
            name: name.to_owned(),
            mode: spec.mode,
            active: false,
            autostart: spec.autostart,
            ipv4: spec.ipv4.clone(),
            bridge: spec.bridge.as_ref().map(ToString::to_string),
            vlan: spec.vlan.clone(),
            pending_restart: false,
            revision: String::new(),
        };
        world.networks.insert(spec.id, Kept { network, edits: 0 });
        self.networks_changed(world);
        Ok(())
    }

    fn edit_network(&self, id: NetworkId, edit: &NetworkEdit) -> Result<()> {
        self.with_network(id, |kept| {
            let network = &mut kept.network;
            let before = network.clone();
            if let Some(ipv4) = &edit.ipv4 {
                network.ipv4 = Some(ipv4.clone());
            }
            if let Some(bridge) = &edit.bridge {
                network.bridge = Some(bridge.to_string());
            }
            if let Some(vlan) = &edit.vlan {
                network.vlan = vlan.clone();
            }
            // Autostart is no part of what an active network could differ in.
            network.pending_restart |= network.active && before != *network;
            network.autostart = edit.autostart.unwrap_or(network.autostart);
            kept.edits += 1;
            Ok(())
        })
    }

    fn undefine_network(&self, id: NetworkId) -> Result<()> {
        let mut world = self.reachable()?;
        match world.networks.get(&id) {
            None => return Err(Error::NoSuchNetwork(id)),
            Some(kept) if kept.network.active => {
                return Err(Error::WrongState {
                    reason: format!("network {id} is active: stop it first"),
                });
            }
            Some(_) => world.networks.remove(&id),
        };
        self.networks_changed(world);
        Ok(())
    }

    fn start_network(&self, id: NetworkId) -> Result<()> {
        self.with_network(id, |kept| kept.activate(id, true))
    }

    fn stop_network(&self, id: NetworkId) -> Result<()> {
        self.with_network(id, |kept| kept.activate(id, false))
    }
}

impl Kept {
    fn observe(&self) -> Network {
        let revision = self.edits.to_string();
        Network {
            revision,
            ..self.network.clone()
        }
    }

    fn activate(&mut self, id: NetworkId, active: bool) -> Result<()> {
        if self.network.active == active {
            let state = if active { "active" } else { "not active" };
            return Err(Error::WrongState {
                reason: format!("network {id} is {state} already"),
            });
        }
        self.network.active = active;
        self.network.pending_restart = false;
        Ok(())
    }
}
