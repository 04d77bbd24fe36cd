//! Use cases for screens. What flows over one is between its viewer and the VM's VNC server.

use qx_model::access::{Actor, Operation};
use qx_model::vm::VmId;
use tokio::net::UnixStream;

use crate::error::{Error, Result};
use crate::vms::Vms;

impl Vms {
    /// Opens a connection to the screen of a VM that is on: RFB, both ways, as its VNC server speaks it.
    pub async fn open_screen(&self, actor: &Actor, id: VmId) -> Result<UnixStream> {
        let inner = &self.inner;
        let open = async {
            inner.inventory.get(id)?;
            let opening = inner
                .inventory
                .blocking(move |hypervisor| hypervisor.open_screen(id));
            let screen = opening.await?;
            screen
                .set_nonblocking(true)
                .and_then(|()| UnixStream::from_std(screen))
                .map_err(|error| Error::internal("opening a screen", error))
        };
        inner
            .audit
            .change(actor, Operation::VmConsole, id, open)
            .await
    }
}
