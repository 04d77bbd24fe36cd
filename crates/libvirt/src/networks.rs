//! The network calls of the trait.

use qx_hypervisor::{Error, Networks, Result};
use qx_model::network::{Network, NetworkEdit, NetworkId, NetworkSpec};
use qx_model::vm::Accelerator;
use virt::connect::Connect;
use virt::error::{Error as VirtError, ErrorNumber};
use virt::network::Network as Handle;
use virt::sys;

use crate::Libvirt;
use crate::hypervisor::accelerator;
use crate::network::{self, Facts};
use crate::xml::Element;

impl Networks for Libvirt {
    fn networks(&self) -> Result<Vec<Network>> {
        let connect = self.shared.connect()?;
        let doing = self.doing("listing networks", None);
        let handles = connect.list_all_networks(0);
        let handles = handles.map_err(|error| doing.failed(error))?;
        let mut found = Vec::with_capacity(handles.len());
        for handle in handles {
            match self.observe_network(&connect, &handle) {
                // Gone since it was listed.
                Err(Error::NoSuchNetwork(_)) => {}
                network => found.push(network?),
            }
        }
        Ok(found)
    }

    fn network(&self, id: NetworkId) -> Result<Network> {
        let (connect, handle) = self.find_network(id)?;
        self.observe_network(&connect, &handle)
    }

    fn define_network(&self, spec: &NetworkSpec) -> Result<()> {
        let connect = self.shared.connect()?;
        let (id, name) = (spec.id, spec.name.as_str());
        // libvirt would take an equal id and name for an edit of that network.
        let taken = connect.lookup_network_by_uuid(id.0).is_ok()
            || connect.lookup_network_by_name(name).is_ok();
        if taken {
            return Err(Error::Exists {
                what: format!("a network with the id {id} or the name {name}"),
            });
        }
        let doing = self.doing("defining a network", None);
        let defined = connect
            .define_network_xml(&network::define(spec).to_string())
            .map_err(|error| doing.failed(error))?;
        let autostart = defined.set_autostart(spec.autostart);
        autostart.map_err(|error| {
            // The first error is the one to tell.
            let _ = defined.undefine();
            doing.failed(error)
        })
    }

    fn edit_network(&self, id: NetworkId, edit: &NetworkEdit) -> Result<()> {
        let (connect, handle) = self.find_network(id)?;
        let doing = self.doing("changing a network", None);
        if edit.ipv4.is_some() || edit.bridge.is_some() || edit.vlan.is_some() {
            let mut xml = self.network_xml(&handle, configured(&connect))?;
            network::apply(&mut xml, edit);
            connect
                .define_network_xml(&xml.to_string())
                .map_err(|error| doing.failed(error))?;
        }
        match edit.autostart {
            None => Ok(()),
            Some(autostart) => handle
                .set_autostart(autostart)
                .map_err(|error| doing.failed(error)),
        }
    }

    fn undefine_network(&self, id: NetworkId) -> Result<()> {
        let (_, handle) = self.find_network(id)?;
        let doing = self.doing("removing a network", None);
        // libvirt would let it run on and forget it later.
        if handle.is_active().map_err(|error| doing.failed(error))? {
            return Err(Error::WrongState {
                reason: format!("network {id} is active: stop it first"),
            });
        }
        handle.undefine().map_err(|error| doing.failed(error))
    }

    fn start_network(&self, id: NetworkId) -> Result<()> {
        self.activate(id, true)
    }

    fn stop_network(&self, id: NetworkId) -> Result<()> {
        self.activate(id, false)
    }
}

impl Libvirt {
    fn activate(&self, id: NetworkId, active: bool) -> Result<()> {
        let (_, handle) = self.find_network(id)?;
        let verb = if active { "starting" } else { "stopping" };
        let verb = format!("{verb} network {id}");
        let doing = self.doing(&verb, None);
        if handle.is_active().map_err(|error| doing.failed(error))? == active {
            let state = if active { "active" } else { "not active" };
            return Err(Error::WrongState {
                reason: format!("network {id} is {state} already"),
            });
        }
        let done = if active {
            handle.create()
        } else {
            handle.destroy()
        };
        done.map_err(|error| doing.failed(error))
    }

    fn find_network(&self, id: NetworkId) -> Result<(Connect, Handle)> {
        let connect = self.shared.connect()?;
        match connect.lookup_network_by_uuid(id.0) {
            Ok(handle) => Ok((connect, handle)),
            Err(error) => Err(self.network_failed(id, error)),
        }
    }

    fn network_failed(&self, id: NetworkId, error: VirtError) -> Error {
        if error.code().is(ErrorNumber::NoNetwork) {
            return Error::NoSuchNetwork(id);
        }
        self.doing("reading a network", None).failed(error)
    }

    fn observe_network(&self, connect: &Connect, handle: &Handle) -> Result<Network> {
        let doing = self.doing("reading a network", None);
        let id = handle.uuid().map_err(|error| doing.failed(error))?;
        let id = NetworkId(id);
        let failed = |error| self.network_failed(id, error);
        let active = handle.is_active().map_err(failed)?;
        // One that lives only as long as it is active has no other definition, and can't start by itself.
        let persistent = handle.is_persistent().map_err(failed)?;
        let flags = if persistent { configured(connect) } else { 0 };
        let xml = self.network_xml(handle, flags)?;
        let pending_restart = active && flags != 0 && {
            let running = self.network_xml(handle, 0)?;
            network::differ(&running, &xml)
        };
        let autostart = persistent && handle.autostart().map_err(failed)?;
        let facts = Facts {
            id,
            active,
            autostart,
            pending_restart,
            revision: crate::hypervisor::revision(&xml, autostart),
        };
        Ok(network::observe(&xml, facts))
    }

    fn network_xml(&self, handle: &Handle, flags: sys::virNetworkXMLFlags) -> Result<Element> {
        let doing = self.doing("reading a network", None);
        let text = handle.xml_desc(flags);
        let text = text.map_err(|error| doing.failed(error))?;
        Element::parse(&text).map_err(|error| Error::Failed {
            action: "reading the definition of a network".into(),
            message: error.to_string(),
        })
    }
}

/// Flags to ask for what is configured instead of what is active. The test driver tells the latter alone.
fn configured(connect: &Connect) -> sys::virNetworkXMLFlags {
    match accelerator(connect) {
        Accelerator::Test => 0,
        Accelerator::Kvm | Accelerator::Tcg => sys::VIR_NETWORK_XML_INACTIVE,
    }
}
