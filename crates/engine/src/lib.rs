//! Use cases: what every interface of the host can ask for. Owns the per-VM queues, the observed state,
//! the image library, the event stream, who may do what, and the record of who did. Knows neither HTTP nor libvirt.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use qx_hypervisor::Hypervisor;

pub mod audit;
pub mod auth;
pub mod authorize;
mod console;
mod create;
pub mod error;
pub mod events;
mod identity;
mod image_file;
mod image_format;
mod images;
mod inventory;
mod layout;
mod limiter;
mod queue;
mod secret;
mod sessions;
mod store;
pub mod tokens;
mod vms;

pub use console::SerialConsole;
pub use error::{Error, Result};
pub use identity::{Identity, Validity};
pub use images::Images;
pub use vms::{Page, Vms};

/// All use cases of one host. Clones share everything.
#[derive(Clone)]
pub struct Engine {
    /// Virtual machines.
    pub vms: Vms,
    /// The image library.
    pub images: Images,
    /// What happened.
    pub events: events::Events,
    /// Who is asking.
    pub auth: auth::Auth,
    /// API tokens.
    pub tokens: tokens::Tokens,
    /// Who did what.
    pub audit: audit::Audit,
}

impl Engine {
    /// Starts observing the hypervisor; files go below `data`, passwords are checked against `shadow`. It
    /// answers [`Error::Unavailable`] for VMs until the hypervisor has told what there is.
    ///
    /// # Errors
    /// When `data` can't be written to.
    pub async fn start(
        hypervisor: Arc<dyn Hypervisor>,
        data: &Path,
        shadow: PathBuf,
    ) -> Result<Self> {
        let layout = layout::Layout::new(data);
        image_file::prepare(&layout.images(), &layout.uploads(), &layout.vms())?;
        let store = store::Store::open(&data.join("quantix.db"))?;
        let audit = audit::Audit::new(store.clone());
        let tokens = tokens::Tokens::load(store, audit.clone()).await?;
        let auth = auth::Auth::new(shadow, tokens.clone(), audit.clone());
        let events = events::Events::new();
        let consoles = console::Consoles::new(Arc::clone(&hypervisor));
        let inventory = inventory::Inventory::start(hypervisor, events.clone(), consoles.clone());
        let images = Images::new(
            layout.clone(),
            inventory.clone(),
            events.clone(),
            audit.clone(),
        );
        let vms = Vms::new(inventory, consoles, images.clone(), layout, audit.clone());
        Ok(Self {
            vms,
            images,
            events,
            auth,
            tokens,
            audit,
        })
    }

    /// Waits until what was recorded is on disk; to be called last.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub async fn close(self) -> Result<()> {
        self.audit.flush().await
    }
}
