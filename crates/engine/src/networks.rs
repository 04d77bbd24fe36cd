//! Use cases for virtual networks and the host's bridges. Owns the order of changes, one after the other, and
//! the rule that nothing is taken away from a VM that uses it.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;

use qx_host::bridges;
use qx_model::access::{Actor, Operation};
use qx_model::network::{
    Ipv4, Network, NetworkEdit, NetworkId, NetworkMode, NetworkSpec, NetworkUser,
};
use qx_model::vm::{FieldError, Nic, Vm};

use crate::audit::Audit;
use crate::authorize::authorize;
use crate::error::{Error, Result};
use crate::events::{EventKind, Events};
use crate::inventory::Inventory;
use crate::queue::Queues;

/// A network and the VMs that are plugged into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkInUse {
    /// As it is.
    pub network: Network,
    /// VMs that have a NIC in it, by name.
    pub used_by: Vec<NetworkUser>,
}

/// A bridge of the host and what hangs on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BridgeInUse {
    /// As the kernel has it.
    pub bridge: bridges::Bridge,
    /// Names of the networks that lead to it.
    pub networks: Vec<String>,
    /// VMs that have a NIC on it, directly or through one of these networks, by name.
    pub used_by: Vec<NetworkUser>,
}

/// The networks of this host. Clones share them.
#[derive(Clone)]
pub struct Networks {
    inner: Arc<Inner>,
}

struct Inner {
    inventory: Inventory,
    events: Events,
    audit: Audit,
    /// Two new networks at once could take the same addresses.
    changes: Queues<()>,
    sys: PathBuf,
}

impl Networks {
    pub(crate) fn new(inventory: Inventory, events: Events, audit: Audit) -> Self {
        Self {
            inner: Arc::new(Inner {
                inventory,
                events,
                audit,
                changes: Queues::new(),
                sys: "/sys".into(),
            }),
        }
    }

    /// All networks, by name.
    pub async fn list(&self, actor: &Actor) -> Result<Vec<NetworkInUse>> {
        authorize(actor, Operation::NetworkList)?;
        self.inner.list().await
    }

    /// One network.
    pub async fn get(&self, actor: &Actor, id: NetworkId) -> Result<NetworkInUse> {
        authorize(actor, Operation::NetworkGet)?;
        self.inner.get(id).await
    }

    /// The host's bridges, by name.
    pub async fn bridges(&self, actor: &Actor) -> Result<Vec<BridgeInUse>> {
        authorize(actor, Operation::BridgeList)?;
        let sys = self.inner.sys.clone();
        let found = crate::blocking::blocking(move || Ok(bridges::discover(&sys))).await?;
        let networks = self.inner.list().await?;
        let mut seen = Vec::with_capacity(found.len());
        for bridge in found {
            let leading: Vec<&NetworkInUse> = networks
                .iter()
                .filter(|known| known.network.bridge.as_ref() == Some(&bridge.name))
                .collect();
            let names: Vec<String> = leading
                .iter()
                .map(|known| known.network.name.clone())
                .collect();
            let on_it = |nic: &Nic| {
                if nic.network {
                    names.contains(&nic.source)
                } else {
                    nic.source == bridge.name
                }
            };
            let used_by = self.inner.users(on_it)?;
            seen.push(BridgeInUse {
                networks: names,
                used_by,
                bridge,
            });
        }
        Ok(seen)
    }

    /// Makes a network, and starts it if it is to start by itself: one that can't be started is not kept. Asking
    /// again with the same id and the same wish answers the network that is there.
    pub async fn create(&self, actor: &Actor, spec: NetworkSpec) -> Result<NetworkInUse> {
        let name = spec.name.to_string();
        self.changing(actor, Operation::NetworkCreate, name, async move |inner| {
            let broken = spec.check();
            if !broken.is_empty() {
                return Err(Error::Invalid(broken));
            }
            let known = inner.list().await?;
            if let Some(same) = known.iter().find(|known| known.network.id == spec.id)
                && fulfils(&same.network, &spec)
            {
                return Ok(same.clone());
            }
            if let Some(ipv4) = &spec.ipv4 {
                refuse_overlap(ipv4, spec.id, &known)?;
            }
            let id = spec.id;
            inner
                .inventory
                .blocking(move |hypervisor| {
                    hypervisor.define_network(&spec)?;
                    if !spec.autostart {
                        return Ok(());
                    }
                    hypervisor.start_network(spec.id).inspect_err(|_| {
                        if let Err(error) = hypervisor.undefine_network(spec.id) {
                            tracing::warn!(network = %spec.id, %error, "a network was left behind");
                        }
                    })
                })
                .await?;
            inner.get(id).await
        })
        .await
    }

    /// Changes a network; with `revisions`, only if it still has one of them.
    pub async fn edit(
        &self,
        actor: &Actor,
        id: NetworkId,
        revisions: Option<Vec<String>>,
        edit: NetworkEdit,
    ) -> Result<NetworkInUse> {
        self.changing(
            actor,
            Operation::NetworkEdit,
            id.to_string(),
            async move |inner| {
                let known = inner.list().await?;
                let network = find(&known, id)?;
                if revisions.is_some_and(|seen| !seen.contains(&network.revision)) {
                    return Err(Error::Stale {
                        what: format!("the network {}", network.name),
                    });
                }
                let broken = edit.check(network);
                if !broken.is_empty() {
                    return Err(Error::Invalid(broken));
                }
                if let Some(ipv4) = &edit.ipv4 {
                    refuse_overlap(ipv4, id, &known)?;
                }
                inner
                    .inventory
                    .blocking(move |hypervisor| hypervisor.edit_network(id, &edit))
                    .await?;
                inner.get(id).await
            },
        )
        .await
    }

    /// Stops and forgets a network that no VM has a NIC in.
    pub async fn delete(&self, actor: &Actor, id: NetworkId) -> Result<()> {
        self.changing(
            actor,
            Operation::NetworkDelete,
            id.to_string(),
            async move |inner| {
                let seen = inner.get(id).await?;
                refuse_used(&seen, |_| true, "unplug their NICs or delete them first")?;
                let active = seen.network.active;
                inner
                    .inventory
                    .blocking(move |hypervisor| {
                        if active {
                            hypervisor.stop_network(id)?;
                        }
                        match hypervisor.undefine_network(id) {
                            // It was one that lives only while it is active.
                            Err(qx_hypervisor::Error::NoSuchNetwork(_)) if active => Ok(()),
                            done => done,
                        }
                    })
                    .await
            },
        )
        .await
    }

    /// Makes a network active; fine if it is.
    pub async fn start(&self, actor: &Actor, id: NetworkId) -> Result<NetworkInUse> {
        self.changing(
            actor,
            Operation::NetworkStart,
            id.to_string(),
            async move |inner| {
                if !inner.get(id).await?.network.active {
                    inner
                        .inventory
                        .blocking(move |hypervisor| hypervisor.start_network(id))
                        .await?;
                }
                inner.get(id).await
            },
        )
        .await
    }

    /// Ends a network that no running VM is plugged into; fine if it is not active.
    pub async fn stop(&self, actor: &Actor, id: NetworkId) -> Result<NetworkInUse> {
        self.changing(
            actor,
            Operation::NetworkStop,
            id.to_string(),
            async move |inner| {
                let seen = inner.get(id).await?;
                if !seen.network.active {
                    return Ok(seen);
                }
                refuse_used(&seen, |user| user.running, "power them off first")?;
                inner
                    .inventory
                    .blocking(move |hypervisor| hypervisor.stop_network(id))
                    .await?;
                inner.get(id).await
            },
        )
        .await
    }

    /// Runs `work` after earlier changes, to its end even if the caller goes away.
    async fn changing<T, F>(
        &self,
        actor: &Actor,
        operation: Operation,
        target: String,
        work: impl FnOnce(Arc<Inner>) -> F + Send + 'static,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send,
    {
        let inner = Arc::clone(&self.inner);
        let actor = actor.clone();
        let running = tokio::spawn(async move {
            let change = async {
                let _turn = inner.changes.turn(()).await;
                let done = work(Arc::clone(&inner)).await;
                inner.events.publish(EventKind::NetworksChanged);
                done
            };
            inner.audit.change(&actor, operation, target, change).await
        });
        running
            .await
            .map_err(|error| Error::internal("a change of a network did not come back", error))?
    }
}

impl Inner {
    async fn list(&self) -> Result<Vec<NetworkInUse>> {
        let networks = self
            .inventory
            .blocking(|hypervisor| hypervisor.networks())
            .await?;
        let mut seen = Vec::with_capacity(networks.len());
        for network in networks {
            seen.push(self.in_use(network)?);
        }
        seen.sort_by(|a, b| a.network.name.cmp(&b.network.name));
        Ok(seen)
    }

    async fn get(&self, id: NetworkId) -> Result<NetworkInUse> {
        let network = self
            .inventory
            .blocking(move |hypervisor| hypervisor.network(id))
            .await?;
        self.in_use(network)
    }

    fn in_use(&self, network: Network) -> Result<NetworkInUse> {
        let used_by = self.users(|nic| nic.network && nic.source == network.name)?;
        Ok(NetworkInUse { network, used_by })
    }

    fn users(&self, plugged: impl Fn(&Nic) -> bool) -> Result<Vec<NetworkUser>> {
        let uses = |vm: &Vm| vm.nics.iter().any(&plugged);
        let mut users: Vec<NetworkUser> = self
            .inventory
            .find_all(uses)?
            .into_iter()
            .map(|vm| NetworkUser {
                id: vm.id,
                name: vm.name.clone(),
                running: vm.state.is_on(),
            })
            .collect();
        users.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(users)
    }
}

fn find(known: &[NetworkInUse], id: NetworkId) -> Result<&Network> {
    let found = known.iter().find(|known| known.network.id == id);
    let found = found.map(|known| &known.network);
    found.ok_or_else(|| qx_hypervisor::Error::NoSuchNetwork(id).into())
}

fn fulfils(network: &Network, spec: &NetworkSpec) -> bool {
    let bridge = spec.mode != NetworkMode::Bridge
        || network.bridge.as_deref() == spec.bridge.as_ref().map(|bridge| bridge.as_str());
    network.name == spec.name.as_str()
        && network.mode == spec.mode
        && network.autostart == spec.autostart
        && network.ipv4 == spec.ipv4
        && network.vlan == spec.vlan
        && bridge
}

fn refuse_overlap(ipv4: &Ipv4, id: NetworkId, known: &[NetworkInUse]) -> Result<()> {
    let taken = known.iter().map(|known| &known.network).find(|other| {
        let overlaps = |theirs: &Ipv4| theirs.overlaps(ipv4);
        other.id != id && other.ipv4.as_ref().is_some_and(overlaps)
    });
    match taken {
        None => Ok(()),
        Some(other) => Err(Error::Invalid(vec![FieldError::new(
            "ipv4.address",
            format!(
                "is of addresses that the network {} has already",
                other.name
            ),
        )])),
    }
}

fn refuse_used(
    seen: &NetworkInUse,
    matters: impl Fn(&NetworkUser) -> bool,
    hint: &str,
) -> Result<()> {
    let users: Vec<&str> = seen
        .used_by
        .iter()
        .filter(|user| matters(user))
        .map(|user| user.name.as_str())
        .collect();
    if users.is_empty() {
        return Ok(());
    }
    Err(Error::Conflict {
        reason: format!(
            "the network {} is used by: {}",
            seen.network.name,
            users.join(", ")
        ),
        hint: hint.to_owned(),
    })
}
