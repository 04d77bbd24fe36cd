//! Use cases: what every interface of the host can ask for. Owns the per-VM queues, the observed state,
//! the image library, updates, the event stream, who may do what, and the record of who did. Knows neither HTTP nor libvirt.

use std::path::PathBuf;
use std::sync::Arc;

use qx_host::network_files::NetworkFiles;
use qx_host::vm_files::VmFiles;
use qx_hypervisor::Hypervisor;

pub mod audit;
pub mod auth;
pub mod authorize;
mod blocking;
pub mod certificate;
mod clone;
mod cloud_init;
mod console;
mod create;
mod devices;
pub mod error;
pub mod events;
mod foreign_format;
mod guest;
pub mod host;
pub mod host_config;
pub mod host_network;
mod identity;
mod image_file;
mod image_format;
mod images;
mod inventory;
mod layout;
mod limiter;
mod logs;
pub mod metrics;
mod mirror;
mod network_copies;
mod networks;
mod partial;
pub mod pools;
mod queue;
mod screens;
mod secret;
pub mod services;
mod sessions;
mod snapshots;
mod store;
pub mod support;
pub mod tasks;
pub mod tokens;
pub mod told;
pub mod updates;
pub mod users;
mod vms;
pub mod volumes;

pub use console::{SerialConsole, SerialOutput};
pub use error::{Error, Result};
pub use identity::{Identity, Validity};
pub use images::{Announced, Images};
pub use logs::Logs;
pub use networks::{BridgeInUse, NetworkInUse, Networks};
pub use partial::PartialImage;
pub use pools::Pools;
pub use vms::{Page, Vms};
pub use volumes::Volumes;

/// All use cases of one host. Clones share everything.
#[derive(Clone)]
pub struct Engine {
    /// Virtual machines.
    pub vms: Vms,
    /// The image library.
    pub images: Images,
    /// Virtual networks and the host's bridges.
    pub networks: Networks,
    /// Storage pools.
    pub pools: Pools,
    /// The disks in them.
    pub volumes: Volumes,
    /// Work that takes its time.
    pub tasks: tasks::Tasks,
    /// What happened.
    pub events: events::Events,
    /// Who is asking.
    pub auth: auth::Auth,
    /// People who may log in, beside root.
    pub users: users::Users,
    /// API tokens.
    pub tokens: tokens::Tokens,
    /// Who did what.
    pub audit: audit::Audit,
    /// The host's own system.
    pub updates: updates::Updates,
    /// Figures of the host and of VMs.
    pub metrics: metrics::Metrics,
    /// The host's configuration as a whole.
    pub host: host::HostState,
    /// The host's settings.
    pub host_config: host_config::HostConfig,
    /// The host's own network.
    pub host_network: host_network::HostNetwork,
    /// The host's logs.
    pub logs: Logs,
    /// The host's services.
    pub services: services::Services,
    /// What HTTPS and gRPC are served with.
    pub certificate: certificate::Certificates,
    /// What somebody who helps needs to see.
    pub support: support::Support,
}

/// Where an engine finds and keeps what it needs.
#[derive(Debug, Clone)]
pub struct Places {
    /// VM disks, the image library and the database.
    pub data: PathBuf,
    /// Where root's password hash is.
    pub shadow: PathBuf,
    /// What the boot left behind.
    pub run: PathBuf,
    /// The host's configuration.
    pub state: PathBuf,
}

impl Engine {
    /// Starts observing the hypervisor. It answers [`Error::Unavailable`] for VMs until the hypervisor has told what there is.
    ///
    /// # Errors
    /// When `data` or the state directory can't be written to.
    pub async fn start(hypervisor: Arc<dyn Hypervisor>, places: Places) -> Result<Self> {
        let layout = layout::Layout::new(&places.data);
        image_file::prepare(&layout.images(), &layout.uploads(), &layout.vms())?;
        let store = store::Store::open(&places.data.join("quantix.db"))?;
        let audit = audit::Audit::new(store.clone());
        let events = events::Events::new();
        let tokens = tokens::Tokens::load(store.clone(), audit.clone(), events.clone()).await?;
        let sessions = sessions::Sessions::default();
        let users = users::Users::load(
            store.clone(),
            audit.clone(),
            sessions.clone(),
            tokens.clone(),
            events.clone(),
            places.shadow.clone(),
        )
        .await?;
        let auth = auth::Auth::new(
            places.shadow,
            sessions,
            tokens.clone(),
            users.clone(),
            audit.clone(),
        );
        let tasks = tasks::Tasks::load(store, events.clone(), audit.clone()).await?;
        let consoles = console::Consoles::new(Arc::clone(&hypervisor));
        let files = VmFiles::new(&places.state, &layout.vms());
        let inventory =
            inventory::Inventory::start(hypervisor, events.clone(), consoles.clone(), files);
        let images = Images::new(
            layout.clone(),
            inventory.clone(),
            events.clone(),
            tasks.clone(),
            audit.clone(),
        );
        mirror::watch(places.run.clone(), events.clone());
        let of_host = qx_host::pending::Places {
            state: places.state.clone(),
            data: places.data.clone(),
            run: places.run.clone(),
            ..qx_host::pending::Places::default()
        };
        let host = host::HostState::new(of_host, audit.clone());
        let host_config =
            host_config::HostConfig::new(&places.state, &places.run, audit.clone(), events.clone());
        let host_network = host_network::HostNetwork::new(
            &places.state,
            places.run.clone(),
            audit.clone(),
            events.clone(),
        );
        network_copies::follow(NetworkFiles::new(&places.state, &places.data), &events);
        let networks = Networks::new(inventory.clone(), events.clone(), audit.clone());
        pools::prepare(&places.data)?;
        let pools = Pools::start(
            inventory.clone(),
            events.clone(),
            tasks.clone(),
            audit.clone(),
            (&places.data, &places.run),
        );
        let volumes = Volumes::new(&pools, images.clone());
        let logs_of_host = qx_host::logs::Places {
            messages: places.data.join("log/messages"),
            run: places.run.clone(),
            ..qx_host::logs::Places::default()
        };
        let logs = Logs::new(logs_of_host.clone());
        let support = support::Support::new(logs_of_host, audit.clone());
        let services = services::Services::new(&places.run, audit.clone());
        let sources = qx_host::inventory::Sources {
            data: places.data.clone(),
            run: places.run.clone(),
            ..qx_host::inventory::Sources::default()
        };
        let certificate =
            certificate::Certificates::load(&places.state, sources, audit.clone()).await?;
        let of_boot = updates::Places {
            run: places.run,
            state: places.state,
        };
        let updates =
            updates::Updates::start(of_boot, events.clone(), tasks.clone(), audit.clone());
        let metrics = metrics::Metrics::start(inventory.clone(), &places.data.join("metrics.db"))?;
        let vms = Vms::new(
            inventory,
            consoles,
            images.clone(),
            volumes.clone(),
            layout,
            tasks.clone(),
            audit.clone(),
        );
        Ok(Self {
            vms,
            images,
            networks,
            pools,
            volumes,
            tasks,
            events,
            auth,
            users,
            tokens,
            audit,
            updates,
            metrics,
            host,
            host_config,
            host_network,
            logs,
            services,
            certificate,
            support,
        })
    }

    /// Waits until what was recorded is on disk; to be called last.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub async fn close(self) -> Result<()> {
        self.metrics.close().await?;
        self.audit.flush().await
    }
}
