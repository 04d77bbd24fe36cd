//! Hears from the kernel that devices appeared.
//!
//! Owns the netlink socket and the form of its messages
//! (<https://docs.kernel.org/admin-guide/abi-testing.html>, `KOBJECT_UEVENT`).

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::netlink::{KOBJECT_UEVENT, SocketAddrNetlink};
use rustix::net::{
    AddressFamily, RecvFlags, SocketFlags, SocketType, bind, recv, socket_with, sockopt,
};

/// The multicast group of the kernel itself.
const KERNEL_GROUP: u32 = 1;
/// Room for the bursts of a machine with many disks.
const RECEIVE_BUFFER: usize = 4 << 20;

/// What happened since the last look.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct News {
    /// The `modalias` of every device that was added.
    pub(crate) devices: Vec<String>,
    /// A block device or its medium appeared or changed.
    pub(crate) block: bool,
    /// The kernel had more to say than there was room for: look at everything again.
    pub(crate) lost: bool,
}

/// The kernel's stream of device events.
pub(crate) struct Uevents(OwnedFd);

impl Uevents {
    /// Starts to listen. Open it before looking at what is there, so that nothing is missed in between.
    pub(crate) fn open() -> io::Result<Self> {
        let socket = socket_with(
            AddressFamily::NETLINK,
            SocketType::DGRAM,
            SocketFlags::CLOEXEC | SocketFlags::NONBLOCK,
            Some(KOBJECT_UEVENT),
        )?;
        sockopt::set_socket_recv_buffer_size_force(&socket, RECEIVE_BUFFER)?;
        bind(&socket, &SocketAddrNetlink::new(0, KERNEL_GROUP))?;
        Ok(Self(socket))
    }

    /// Waits until something happens or `limit` is over, and takes all that there is.
    pub(crate) fn wait(&self, limit: Duration) -> io::Result<News> {
        let limit = Timespec::try_from(limit).map_err(io::Error::other)?;
        let mut news = News::default();
        if poll(&mut [PollFd::new(&self.0, PollFlags::IN)], Some(&limit))? == 0 {
            return Ok(news);
        }
        let mut buffer = [0; 8192];
        loop {
            match recv(&self.0, &mut buffer[..], RecvFlags::empty()) {
                Ok((length, _)) => {
                    news.take(buffer.get(..length).unwrap_or_default());
                }
                Err(rustix::io::Errno::AGAIN) => return Ok(news),
                Err(rustix::io::Errno::NOBUFS) => news.lost = true,
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl News {
    /// Reads one message: `ACTION@PATH`, then `KEY=VALUE`, each ended by a zero byte.
    fn take(&mut self, message: &[u8]) {
        let field = |key: &str| {
            message
                .split(|byte| *byte == 0)
                .filter_map(|field| str::from_utf8(field).ok()?.split_once('='))
                .find(|(name, _)| *name == key)
                .map(|(_, value)| value)
        };
        let action = field("ACTION");
        if field("SUBSYSTEM") == Some("block") && action != Some("remove") {
            self.block = true;
        }
        if let (Some("add"), Some(modalias)) = (action, field("MODALIAS")) {
            self.devices.push(modalias.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn news(messages: &[&str]) -> News {
        let mut news = News::default();
        for message in messages {
            news.take(message.as_bytes());
        }
        news
    }

    #[test]
    fn added_devices_and_disks_are_told_apart() {
        let disk = "add@/devices/x/block/sda\0ACTION=add\0SUBSYSTEM=block\0DEVNAME=sda\0";
        let stick = "add@/devices/y\0ACTION=add\0SUBSYSTEM=usb\0MODALIAS=usb:v1p2\0";
        assert_eq!(
            news(&[disk]),
            News {
                block: true,
                ..News::default()
            }
        );
        assert_eq!(
            news(&[stick]),
            News {
                devices: vec!["usb:v1p2".into()],
                ..News::default()
            }
        );
    }

    #[test]
    fn removal_and_noise_are_no_news() {
        let gone = "remove@/x\0ACTION=remove\0SUBSYSTEM=block\0MODALIAS=scsi:t-0x00\0";
        let bound = "bind@/x\0ACTION=bind\0SUBSYSTEM=pci\0MODALIAS=pci:v1\0";
        assert_eq!(news(&[gone, bound, "", "\0\0=", "ACTION"]), News::default());
    }

    #[test]
    fn a_new_medium_in_a_drive_counts() {
        let change = "change@/x\0ACTION=change\0SUBSYSTEM=block\0DISK_MEDIA_CHANGE=1\0";
        assert!(news(&[change]).block);
    }
}
