//! Devices of a VM that come, go and change. The configuration is edited as a tree, so that it keeps what we
//! do not understand; what runs is changed by libvirt's own calls, one device at a time.

use std::path::Path;
use std::time::{Duration, Instant};

use qx_hypervisor::{Device, Error, Limits, Result};
use qx_model::device::new_mac;
use qx_model::vm::PowerState;
use virt::error::Error as VirtError;
use virt::sys;

use crate::hypervisor::{Call, WHOLE};
use crate::xml::Element;
use crate::{domain, tune};

/// Between two looks whether the guest has let a device go.
const LOOK: Duration = Duration::from_millis(200);

impl Call<'_> {
    /// Plugs a device in.
    pub(crate) fn attach(&self, device: &Device) -> Result<()> {
        let mut config = self.xml(WHOLE)?;
        let element = match device {
            Device::Disk { file, limits } => {
                let target = self.free_target(&config, "vd")?;
                let mut drive = domain::disk_drive(file, &target);
                domain::limit(&mut drive, Limits::Disk(*limits));
                drive
            }
            Device::Nic { nic, limits } => {
                let mut interface = domain::interface(nic, &new_mac());
                domain::limit(&mut interface, Limits::Nic(*limits));
                interface
            }
        };
        if self.state()?.is_on() {
            let added = self
                .domain
                .attach_device_flags(&element.to_string(), sys::VIR_DOMAIN_AFFECT_LIVE);
            if let Err(error) = added {
                self.pending_or(error)?;
            }
        }
        config.change("devices", |devices| devices.push(element));
        self.define(&config)
    }

    /// A VM without room for it gets the device with its next start; every other error is one.
    fn pending_or(&self, error: VirtError) -> Result<()> {
        let no_room = error.message().contains("No more available PCI");
        match self.doing().failed(error) {
            Error::Unsupported { .. } => Ok(()),
            _ if no_room => Ok(()),
            other => Err(other),
        }
    }

    /// Unplugs a device.
    pub(crate) fn detach(&self, device: &str, patience: Duration) -> Result<()> {
        let mut config = self.xml(WHOLE)?;
        let running = if self.state()?.is_on() {
            find(&self.xml(0)?, device)
        } else {
            None
        };
        if running.is_none() && find(&config, device).is_none() {
            return Err(self.no_such(device));
        }
        if let Some(element) = running {
            self.unplug(&element, device, patience)?;
        }
        config.change("devices", |devices| {
            devices.retain(|child| domain::device_name(child).as_deref() != Some(device));
        });
        self.define(&config)
    }

    fn unplug(&self, element: &Element, device: &str, patience: Duration) -> Result<()> {
        let deadline = Instant::now() + patience;
        let asked = self
            .domain
            .detach_device_flags(&element.to_string(), sys::VIR_DOMAIN_AFFECT_LIVE);
        match asked {
            // The guest was asked before, and may still answer.
            Err(error) if error.message().contains("already in the process of unplug") => {}
            // The guest has let it go meanwhile, as it was asked before.
            Err(_) if find(&self.xml(0)?, device).is_none() => return Ok(()),
            other => other.map_err(|error| self.doing().failed(error))?,
        }
        while find(&self.xml(0)?, device).is_some() {
            if Instant::now() >= deadline {
                return Err(Error::WrongState {
                    reason: format!(
                        "the guest of VM {} has not let {device} go within {} seconds: it may not have booted, \
                         or may use it",
                        self.id,
                        patience.as_secs()
                    ),
                });
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    /// Puts a disc into the first CD drive, or takes it out.
    pub(crate) fn set_cd(&self, iso: Option<&Path>, force: bool) -> Result<()> {
        let mut config = self.xml(WHOLE)?;
        let drive = cd_drive(&config);
        let on = self.state()?.is_on();
        let Some(mut drive) = drive else {
            let Some(iso) = iso else {
                return Err(self.no_such("CD drive"));
            };
            // Such a drive can't be plugged in: a running VM gets it with its next start.
            let target = self.free_target(&config, "sd")?;
            let drive = domain::drive("cdrom", "raw", iso, &target, "sata");
            let drive = drive.holding(Element::new("readonly"));
            config.change("devices", |devices| devices.push(drive));
            return self.define(&config);
        };
        let target = domain::device_name(&drive).unwrap_or_default();
        if on && let Some(mut running) = find(&self.xml(0)?, &target) {
            set_disc(&mut running, iso);
            let mut flags = sys::VIR_DOMAIN_AFFECT_LIVE;
            if force {
                flags |= sys::VIR_DOMAIN_DEVICE_MODIFY_FORCE;
            }
            self.domain
                .update_device_flags(&running.to_string(), flags)
                .map_err(|error| self.doing().failed(error))?;
        }
        set_disc(&mut drive, iso);
        config.change("devices", |devices| {
            for child in devices.elements_mut() {
                if domain::device_name(child).as_deref() == Some(&target) {
                    *child = drive.clone();
                }
            }
        });
        self.define(&config)
    }

    /// Limits a device's speed.
    pub(crate) fn limit(&self, device: &str, limits: Limits) -> Result<()> {
        let mut config = self.xml(WHOLE)?;
        if find(&config, device).is_none() {
            return Err(self.no_such(device));
        }
        if self.state()?.is_on()
            && let Some(mut running) = find(&self.xml(0)?, device)
        {
            let limited = match limits {
                Limits::Disk(limits) => tune::limit(&self.domain, device, limits),
                Limits::Nic(_) => {
                    domain::limit(&mut running, limits);
                    let live = sys::VIR_DOMAIN_AFFECT_LIVE;
                    self.domain.update_device_flags(&running.to_string(), live)
                }
            };
            limited.map_err(|error| self.doing().failed(error))?;
        }
        config.change("devices", |devices| {
            for child in devices.elements_mut() {
                if domain::device_name(child).as_deref() == Some(device) {
                    domain::limit(child, limits);
                }
            }
        });
        self.define(&config)
    }

    /// A target that neither the configuration nor what runs uses.
    fn free_target(&self, config: &Element, prefix: &str) -> Result<String> {
        let running = self.xml(0)?;
        let taken =
            |target: &str| find(config, target).is_some() || find(&running, target).is_some();
        ('a'..='z')
            .map(|letter| format!("{prefix}{letter}"))
            .find(|target| !taken(target))
            .ok_or_else(|| Error::WrongState {
                reason: format!("VM {} has no room for another drive", self.id),
            })
    }

    fn no_such(&self, device: &str) -> Error {
        Error::NoSuchDevice {
            vm: self.id,
            device: device.to_owned(),
        }
    }
}

/// The device of this name.
fn find(domain: &Element, name: &str) -> Option<Element> {
    let devices = domain.child("devices")?;
    let found = |device: &&Element| domain::device_name(device).as_deref() == Some(name);
    devices.elements().find(found).cloned()
}

fn cd_drive(domain: &Element) -> Option<Element> {
    let devices = domain.child("devices")?;
    let for_guest = |disk: &Element| {
        let serial = disk.child("serial").map(Element::text);
        serial.as_deref() == Some(domain::CLOUD_INIT)
    };
    let cd = |disk: &&Element| disk.attribute("device") == Some("cdrom") && !for_guest(disk);
    devices.children("disk").find(cd).cloned()
}

fn set_disc(drive: &mut Element, iso: Option<&Path>) {
    drive.remove("source");
    drive.remove("backingStore");
    if let Some(iso) = iso {
        drive.set("type", "file");
        drive.change("driver", |driver| {
            driver.set("name", "qemu");
            driver.set("type", "raw");
        });
        drive.push(Element::new("source").with("file", iso.to_string_lossy()));
    }
}

impl Call<'_> {
    fn state(&self) -> Result<PowerState> {
        self.libvirt.state(&self.domain, self.id)
    }

    fn xml(&self, flags: sys::virDomainXMLFlags) -> Result<Element> {
        self.libvirt.xml(&self.domain, self.id, flags)
    }

    fn define(&self, config: &Element) -> Result<()> {
        let defined = self.connect.define_domain_xml(&config.to_string());
        defined
            .map(drop)
            .map_err(|error| self.doing().failed(error))
    }
}
