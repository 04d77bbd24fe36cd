//! Screens: the VNC server of a VM's QEMU, which listens on a Unix socket only. libvirt hands QEMU one end of a
//! pair of sockets, so that nobody needs to find that socket or be allowed to open it. Owns the devices that a
//! VM with a screen has; elements as in libvirt's `formatdomain`.

use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;

use qx_hypervisor::{Error, Result, Screens};
use qx_model::vm::{Accelerator, Firmware, VmId};
use virt::sys;

use crate::Libvirt;
use crate::domain;
use crate::hypervisor::accelerator;
use crate::xml::Element;

impl Screens for Libvirt {
    fn open_screen(&self, id: VmId) -> Result<UnixStream> {
        let call = self.call(id, "opening the screen of")?;
        if accelerator(&call.connect) == Accelerator::Test {
            return Err(Error::Unsupported {
                what: format!("opening the screen of VM {id}"),
            });
        }
        let refused = |reason: String| Error::WrongState { reason };
        if !self.state(&call.domain, id)?.is_on() {
            return Err(refused(format!("VM {id} is not running")));
        }
        let running = self.xml(&call.domain, id, 0)?;
        let index = vnc(&running).ok_or_else(|| refused(without(&running)))?;
        let failed = |error: std::io::Error| Error::Failed {
            action: format!("opening the screen of VM {id}"),
            message: error.to_string(),
        };
        let (ours, theirs) = UnixStream::pair().map_err(failed)?;
        call.domain
            .open_graphics(
                index,
                theirs.as_raw_fd(),
                // Who may look was decided above.
                sys::VIR_DOMAIN_OPEN_GRAPHICS_SKIPAUTH,
            )
            .map_err(|error| call.doing().failed(error))?;
        Ok(ours)
    }
}

/// Why a running VM has no screen.
fn without(running: &Element) -> String {
    if domain::mark(running).is_some() {
        "the VM was powered on without a screen, by an earlier version: power it off and on again, and it has one"
    } else {
        "the VM has no screen: it was defined elsewhere, without a VNC device; add <graphics type='vnc'> to its \
         definition and power it off and on again"
    }
    .to_owned()
}

/// Which of a domain's graphics is its VNC server.
fn vnc(domain: &Element) -> Option<u32> {
    let devices = domain.child("devices")?;
    let mut graphics = devices.children("graphics");
    let index = graphics.position(|one| one.attribute("type") == Some("vnc"))?;
    u32::try_from(index).ok()
}

/// Whether a domain has a screen, or gets one with its next start.
pub(crate) fn has_one(domain: &Element, on: bool) -> bool {
    vnc(domain).is_some() || (!on && gets_one(domain))
}

/// Ours, and made before VMs had screens.
fn gets_one(domain: &Element) -> bool {
    let qemu = matches!(domain.attribute("type"), Some("kvm" | "qemu"));
    let devices = domain.child("devices");
    let graphics = devices.and_then(|devices| devices.child("graphics"));
    qemu && domain::mark(domain).is_some() && graphics.is_none()
}

/// The definition with a screen, for a VM of ours that is off and has none; `None` if it is fine as it is.
pub(crate) fn given_one(domain: &Element, firmware: Firmware) -> Option<Element> {
    if !gets_one(domain) {
        return None;
    }
    let mut with = domain.clone();
    with.change("devices", |devices| {
        let has = |name: &str| devices.child(name).is_some();
        let missing: Vec<Element> = devices_of(firmware)
            .into_iter()
            // A mouse of another bus may be there; nothing else is worth keeping twice.
            .filter(|device| device.name() == "input" || !has(device.name()))
            .collect();
        for device in missing {
            devices.push(device);
        }
    });
    Some(with)
}

/// What makes a screen: the server, the graphics card, and a keyboard and a pointer that knows positions.
pub(crate) fn devices_of(firmware: Firmware) -> [Element; 4] {
    let listen = Element::new("listen").with("type", "socket");
    let graphics = Element::new("graphics")
        .with("type", "vnc")
        // Nobody shuts another viewer out.
        .with("sharePolicy", "force-shared")
        .holding(listen);
    // What a BIOS and old systems draw on; OVMF has a driver for the faster one, and so has whoever it boots.
    let model = match firmware {
        Firmware::Bios => "vga",
        Firmware::Uefi | Firmware::UefiSecureBoot => "virtio",
    };
    let video = Element::new("video").holding(Element::new("model").with("type", model));
    let input = |kind: &str| {
        Element::new("input")
            .with("type", kind.to_owned())
            .with("bus", "usb")
    };
    [graphics, video, input("tablet"), input("keyboard")]
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "<domain type='kvm'><metadata><quantix:vm xmlns:quantix='https://quantix-os.org/xmlns/vm/1' \
                        mark='m'/></metadata><devices><input type='mouse' bus='ps2'/></devices></domain>";

    #[test]
    fn a_vm_of_ours_gets_a_screen_once_and_foreign_ones_never() {
        let old = Element::parse(OURS).unwrap();
        assert!(has_one(&old, false) && !has_one(&old, true));
        let new = given_one(&old, Firmware::Uefi).unwrap();
        let devices = new.child("devices").unwrap();
        assert_eq!(devices.children("input").count(), 3);
        let model = devices.child("video").unwrap().child("model").unwrap();
        assert_eq!(model.attribute("type"), Some("virtio"));
        assert!(has_one(&new, true));
        assert!(given_one(&new, Firmware::Uefi).is_none());
        let foreign = Element::parse("<domain type='kvm'><devices/></domain>").unwrap();
        assert!(given_one(&foreign, Firmware::Bios).is_none() && !has_one(&foreign, false));
        assert!(without(&foreign).contains("defined elsewhere"));
    }

    #[test]
    fn the_vnc_server_is_found_among_others() {
        let xml =
            "<domain><devices><graphics type='spice'/><graphics type='vnc'/></devices></domain>";
        assert_eq!(vnc(&Element::parse(xml).unwrap()), Some(1));
    }
}
