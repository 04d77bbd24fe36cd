//! Snapshots: libvirt's internal ones, inside the VM's qcow2 files. Elements as in libvirt's `formatsnapshot`.
//! Owns the choice of flags, and firmware variables as a file that can hold snapshots.

use qx_hypervisor::{Error, Result, Snapshots, no_such_snapshot};
use qx_model::power::PowerState;
use qx_model::snapshot::{RevertTo, Snapshot, SnapshotSpec, may_take};
use qx_model::vm::{Accelerator, VmId};
use virt::domain::Domain;
use virt::domain_snapshot::DomainSnapshot;
use virt::error::{Error as VirtError, ErrorNumber};
use virt::sys;

use crate::Libvirt;
use crate::hypervisor::{Call, WHOLE, accelerator};
use crate::xml::Element;

impl Snapshots for Libvirt {
    fn snapshots(&self, id: VmId) -> Result<Vec<Snapshot>> {
        let call = self.call(id, "listing the snapshots of")?;
        let found = call.domain.list_all_snapshots(0);
        let found = found.map_err(|error| call.doing().failed(error))?;
        found
            .iter()
            .filter_map(|one| call.describe(one).transpose())
            .collect()
    }

    fn take_snapshot(&self, id: VmId, spec: &SnapshotSpec) -> Result<()> {
        let call = self.call(id, "taking a snapshot of")?;
        let name = spec.name.as_str();
        if call.lookup(name)?.is_some() {
            return Err(Error::Exists {
                what: format!("a snapshot named {name}"),
            });
        }
        let state = self.state(&call.domain, id)?;
        may_take(state, spec.memory).map_err(|(is, instead)| Error::WrongState {
            reason: format!("{is}: {instead}"),
        })?;
        if accelerator(&call.connect) != Accelerator::Test {
            let xml = self.xml(&call.domain, id, WHOLE)?;
            refuse_disks(&xml)?;
            call.prepare_variables(xml, state)?;
        }
        let xml = Element::new("domainsnapshot")
            .holding(Element::new("name").saying(name))
            .holding(Element::new("description").saying(&spec.description));
        let taken = call.domain.create_snapshot_xml(&xml.to_string(), 0);
        taken.map(drop).map_err(|error| call.doing().failed(error))
    }

    fn revert_snapshot(&self, id: VmId, name: &str, to: RevertTo) -> Result<()> {
        let call = self.call(id, "reverting")?;
        let snapshot = call.find(name)?;
        let failed = |error| call.doing().failed(error);
        if self.state(&call.domain, id)? == PowerState::Saved {
            // It would be started with disks that it does not fit.
            call.domain.managed_save_remove(0).map_err(failed)?;
        }
        let memory = call.describe(&snapshot)?.is_some_and(|seen| seen.memory);
        let flags = match to {
            RevertTo::Running => sys::VIR_DOMAIN_SNAPSHOT_REVERT_RUNNING,
            // Its guest does nothing more before it is off.
            RevertTo::Off if memory => sys::VIR_DOMAIN_SNAPSHOT_REVERT_PAUSED,
            RevertTo::AsTaken | RevertTo::Off => 0,
        };
        snapshot.revert(flags).map_err(failed)?;
        let on = self.state(&call.domain, id)?.is_on();
        match to {
            RevertTo::Off if on => call.domain.destroy().map_err(failed),
            // Not every driver starts what was off.
            RevertTo::Running if !on => call.domain.create().map_err(failed),
            RevertTo::AsTaken | RevertTo::Running | RevertTo::Off => Ok(()),
        }
    }

    fn delete_snapshot(&self, id: VmId, name: &str, children: bool) -> Result<()> {
        let call = self.call(id, "deleting a snapshot of")?;
        let flags = match children {
            true => sys::VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN,
            false => 0,
        };
        let deleted = call.find(name)?.delete(flags);
        deleted.map_err(|error| call.doing().failed(error))
    }
}

impl Call<'_> {
    fn lookup(&self, name: &str) -> Result<Option<DomainSnapshot>> {
        match Domain::lookup_snapshot_by_name(&self.domain, name, 0) {
            Err(error) if is_absence(&error) => Ok(None),
            found => found.map(Some).map_err(|error| self.doing().failed(error)),
        }
    }

    fn find(&self, name: &str) -> Result<DomainSnapshot> {
        self.lookup(name)?
            .ok_or_else(|| no_such_snapshot(self.id, name))
    }

    /// `None` if it is gone meanwhile.
    fn describe(&self, snapshot: &DomainSnapshot) -> Result<Option<Snapshot>> {
        let read = snapshot
            .xml_desc(0)
            .and_then(|xml| Ok((xml, snapshot.is_current(0)?)));
        let (xml, current) = match read {
            Err(error) if is_absence(&error) => return Ok(None),
            read => read.map_err(|error| self.doing().failed(error))?,
        };
        let xml = Element::parse(&xml).map_err(|error| Error::Failed {
            action: format!("reading a snapshot of VM {}", self.id),
            message: error.to_string(),
        })?;
        Ok(Some(observe(&xml, current)))
    }

    /// Gives a VM that was just defined what its XML has no word for: firmware variables that can be
    /// snapshotted, and its start with the host. Or makes it not defined.
    pub(crate) fn prepare_new(&self, autostart: bool) -> Result<()> {
        let is_test = accelerator(&self.connect) == Accelerator::Test;
        let prepare = || {
            if !is_test {
                let xml = self.libvirt.xml(&self.domain, self.id, WHOLE)?;
                self.prepare_variables(xml, PowerState::Off)?;
            }
            if autostart {
                let set = self.domain.set_autostart(true);
                set.map_err(|error| self.doing().failed(error))?;
            }
            Ok(())
        };
        let prepared = prepare();
        let flags = if is_test {
            0
        } else {
            sys::VIR_DOMAIN_UNDEFINE_NVRAM
        };
        if prepared.is_err()
            && let Err(error) = self.domain.undefine_flags(flags)
        {
            tracing::error!(vm = %self.id, error = error.message(), "a VM was left behind");
        }
        prepared
    }

    /// libvirt makes a VM's firmware variables a raw file, which holds no snapshots, and a VM that runs can't
    /// be given another one.
    fn prepare_variables(&self, mut xml: Element, state: PowerState) -> Result<()> {
        let Some(raw) = raw_variables(&xml) else {
            return Ok(());
        };
        if state.is_on() {
            return Err(Error::WrongState {
                reason: "the variables of the VM's firmware are in a file that holds no snapshots: power the VM off \
                         and take a snapshot then, which changes that file; later ones can be taken while it runs"
                    .into(),
            });
        }
        let storage = self.libvirt.storage(&self.connect);
        let turn = storage.variables(self.id, &raw, &mut xml)?;
        let defined = self.connect.define_domain_xml(&xml.to_string());
        defined.map_err(|error| self.doing().failed(error))?;
        turn.forget_old()
    }
}

fn is_absence(error: &VirtError) -> bool {
    error.code().is(ErrorNumber::NoDomainSnapshot)
}

/// What a snapshot is, whoever took it.
fn observe(xml: &Element, current: bool) -> Snapshot {
    let text = |name: &str| xml.child(name).map(Element::text).unwrap_or_default();
    let parent = xml.child("parent").and_then(|parent| parent.child("name"));
    Snapshot {
        name: text("name"),
        description: text("description"),
        parent: parent.map(Element::text),
        created_at: text("creationTime").parse().unwrap_or_default(),
        memory: matches!(text("state").as_str(), "running" | "paused" | "blocked"),
        current,
    }
}

/// Where the firmware's variables are, and what they are made from.
pub(crate) struct Variables {
    /// The file; absent before the first start.
    pub(crate) file: String,
    /// What libvirt would make it from.
    pub(crate) template: Option<String>,
}

/// Variables that lie in a raw file.
fn raw_variables(domain: &Element) -> Option<Variables> {
    let nvram = domain.child("os")?.child("nvram")?;
    let format = nvram.attribute("format");
    variables_of(domain).filter(|_| format.is_none_or(|format| format == "raw"))
}

/// The variables of a domain with UEFI.
pub(crate) fn variables_of(domain: &Element) -> Option<Variables> {
    let nvram = domain.child("os")?.child("nvram")?;
    let source = nvram.child("source");
    let file = source.and_then(|source| source.attribute("file"));
    Some(Variables {
        file: file.map_or_else(|| nvram.text(), str::to_owned),
        template: nvram.attribute("template").map(str::to_owned),
    })
}

/// Internal snapshots are a part of qcow2.
fn refuse_disks(domain: &Element) -> Result<()> {
    let devices = domain.child("devices").cloned().unwrap_or_default();
    let mut kept = 0;
    for disk in devices.children("disk") {
        let cd = disk.attribute("device").is_some_and(|kind| kind != "disk");
        if cd || disk.child("readonly").is_some() {
            continue;
        }
        let format = disk
            .child("driver")
            .and_then(|driver| driver.attribute("type"));
        if format != Some("qcow2") {
            let target = disk
                .child("target")
                .and_then(|target| target.attribute("dev"));
            return Err(Error::WrongState {
                reason: format!(
                    "the disk {} is {}, which holds no snapshots: only VMs whose disks all are qcow2 can be snapshotted",
                    target.unwrap_or_default(),
                    format.unwrap_or("raw")
                ),
            });
        }
        kept += 1;
    }
    if kept == 0 {
        return Err(Error::WrongState {
            reason: "the VM has no disk that a snapshot could be kept in: add one first".into(),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domain(disks: &str) -> Element {
        Element::parse(&format!("<domain><devices>{disks}</devices></domain>")).unwrap()
    }

    #[test]
    fn a_disk_that_is_not_qcow2_is_named() {
        let qcow2 = "<disk device='disk'><driver type='qcow2'/><target dev='vda'/></disk>";
        let cd = "<disk device='cdrom'><driver type='raw'/><target dev='sda'/></disk>";
        let raw = "<disk device='disk'><driver type='raw'/><target dev='vdb'/></disk>";
        assert!(refuse_disks(&domain(&format!("{qcow2}{cd}"))).is_ok());
        let refused = refuse_disks(&domain(&format!("{qcow2}{raw}"))).unwrap_err();
        assert!(
            refused.to_string().starts_with("the disk vdb is raw"),
            "{refused}"
        );
        let refused = refuse_disks(&domain(cd)).unwrap_err();
        assert!(refused.to_string().contains("no disk"), "{refused}");
    }

    #[test]
    fn a_snapshot_of_another_program_is_read_as_it_is() {
        let xml = "<domainsnapshot><name>before &amp; after</name><state>shutoff</state><parent><name>x y</name></parent>\
                   <creationTime>1795563161</creationTime></domainsnapshot>";
        let seen = observe(&Element::parse(xml).unwrap(), true);
        let expected = Snapshot {
            name: "before & after".into(),
            description: String::new(),
            parent: Some("x y".into()),
            created_at: 1_795_563_161,
            memory: false,
            current: true,
        };
        assert_eq!(seen, expected);
    }
}
