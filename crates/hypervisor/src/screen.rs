//! The part of a hypervisor that shows VMs' screens.

use std::os::unix::net::UnixStream;

use qx_model::vm::VmId;

use crate::Result;

/// Shows screens. All calls block.
pub trait Screens {
    /// A new connection to the VNC server of a running VM, which speaks RFB ([RFC 6143]) and asks for no
    /// password. There can be several at once; each ends when the VM is powered off.
    /// [`crate::Error::WrongState`] with a reason if the VM is off or has no such server.
    ///
    /// [RFC 6143]: https://www.rfc-editor.org/rfc/rfc6143
    fn open_screen(&self, id: VmId) -> Result<UnixStream>;
}
