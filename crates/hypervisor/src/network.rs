//! The part of a hypervisor that connects VMs.

use qx_model::network::{Network, NetworkEdit, NetworkId, NetworkSpec};

use crate::Result;

/// Keeps virtual networks. All calls block.
pub trait Networks {
    /// Every network it knows, in no order.
    fn networks(&self) -> Result<Vec<Network>>;

    /// One network as it is now. [`crate::Error::NoSuchNetwork`].
    fn network(&self, id: NetworkId) -> Result<Network>;

    /// Makes a network, which is not active yet. The wish has passed [`NetworkSpec::check`].
    /// [`crate::Error::Exists`] if the id or the name is taken.
    fn define_network(&self, spec: &NetworkSpec) -> Result<()>;

    /// Changes the configuration, keeping all of it that we do not understand. An active network takes the
    /// change when it was stopped and started; until then it is [`Network::pending_restart`].
    fn edit_network(&self, id: NetworkId, edit: &NetworkEdit) -> Result<()>;

    /// Forgets a network that is not active, else [`crate::Error::WrongState`].
    fn undefine_network(&self, id: NetworkId) -> Result<()>;

    /// Makes it active; [`crate::Error::WrongState`] if it is.
    fn start_network(&self, id: NetworkId) -> Result<()>;

    /// Ends it, under the feet of VMs that use it; [`crate::Error::WrongState`] if it is not active.
    fn stop_network(&self, id: NetworkId) -> Result<()>;
}
