//! Who may do what. Every operation of every interface is a variant here and has exactly one rule, so
//! an operation without a rule does not compile.

use serde::{Deserialize, Serialize};

/// What a user or a token may do; each role includes the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sees everything that holds no secret.
    Viewer,
    /// Also runs VMs: power, console, images.
    Operator,
    /// Also changes the host and its users.
    Admin,
}

impl Role {
    /// As in requests and on screens.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    /// From [`Role::name`]; what is none may do least.
    #[must_use]
    pub fn named(name: &str) -> Self {
        [Self::Admin, Self::Operator]
            .into_iter()
            .find(|role| role.name() == name)
            .unwrap_or(Self::Viewer)
    }
}

macro_rules! operations {
    ($($(#[$doc:meta])* $variant:ident $name:literal $role:ident,)+) => {
        /// Everything that REST, WebSocket and gRPC can be asked to do.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Operation {
            $($(#[$doc])* $variant,)+
        }

        impl Operation {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Its name in the audit log.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// The one with this name.
            #[must_use]
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|operation| operation.name() == name)
            }

            /// The lowest role that may do it: the one table of rules.
            #[must_use]
            pub const fn required_role(self) -> Role {
                match self {
                    $(Self::$variant => Role::$role,)+
                }
            }
        }
    };
}

operations! {
    /// Inventory and state of the host.
    HostGet "host_get" Viewer,
    /// Take a copy of the host's configuration, keys and secrets included.
    HostBackup "host_backup" Admin,
    /// Put a copy of a configuration in the place of the host's own.
    HostRestore "host_restore" Admin,
    /// Make the host as it was after its installation.
    HostReset "host_reset" Admin,
    /// Shut the host down or restart it.
    HostPower "host_power" Admin,
    /// Read the host's logs.
    HostLogs "host_logs" Admin,
    /// The state of the host's services.
    HostServices "host_services" Viewer,
    /// Restart one of the host's services.
    HostServiceRestart "host_service_restart" Admin,
    /// The certificate that the host is known by.
    HostCertificateGet "host_certificate_get" Viewer,
    /// Put another certificate in its place.
    HostCertificateEdit "host_certificate_edit" Admin,
    /// Take what somebody who helps needs to see of the host.
    HostSupportBundle "host_support_bundle" Admin,
    /// The host's settings.
    HostConfigGet "host_config_get" Viewer,
    /// Change the host's settings.
    HostConfigEdit "host_config_edit" Admin,
    /// The host's own network: configured, in force, on trial.
    HostNetworkGet "host_network_get" Viewer,
    /// Try another network of the host.
    HostNetworkEdit "host_network_edit" Admin,
    /// Keep the network that is on trial.
    HostNetworkConfirm "host_network_confirm" Admin,
    /// Give up the network that is on trial.
    HostNetworkUndo "host_network_undo" Admin,
    /// List VMs.
    VmList "vm_list" Viewer,
    /// One VM.
    VmGet "vm_get" Viewer,
    /// Define a VM.
    VmCreate "vm_create" Operator,
    /// Make a VM that is what another one is.
    VmClone "vm_clone" Operator,
    /// Power on.
    VmStart "vm_start" Operator,
    /// Ask the guest to shut down.
    VmShutdown "vm_shutdown" Operator,
    /// Power off at once.
    VmStop "vm_stop" Operator,
    /// Ask the guest to restart.
    VmReboot "vm_reboot" Operator,
    /// Press the reset button.
    VmReset "vm_reset" Operator,
    /// Stop the vCPUs.
    VmPause "vm_pause" Operator,
    /// Let the vCPUs run again.
    VmResume "vm_resume" Operator,
    /// Write the memory to disk and power off.
    VmSuspend "vm_suspend" Operator,
    /// Change a VM's configuration.
    VmEdit "vm_edit" Operator,
    /// Plug, unplug, grow or limit a disk.
    VmDisk "vm_disk" Operator,
    /// Plug, unplug or limit a NIC.
    VmNic "vm_nic" Operator,
    /// Insert or eject a CD.
    VmCdrom "vm_cdrom" Operator,
    /// Remove a VM.
    VmDelete "vm_delete" Operator,
    /// List a VM's snapshots.
    SnapshotList "snapshot_list" Viewer,
    /// Take a snapshot of a VM.
    SnapshotCreate "snapshot_create" Operator,
    /// Make a VM what it was in a snapshot.
    SnapshotRevert "snapshot_revert" Operator,
    /// Forget a snapshot.
    SnapshotDelete "snapshot_delete" Operator,
    /// See and type into a VM's console.
    VmConsole "vm_console" Operator,
    /// Ask a guest's agent what the guest is: system, addresses, file systems.
    GuestRead "guest_read" Viewer,
    /// Run a command in a guest, by its agent, and fetch its output.
    GuestExec "guest_exec" Operator,
    /// Read a file of a guest.
    GuestFileRead "guest_file_read" Operator,
    /// Write a file of a guest.
    GuestFileWrite "guest_file_write" Operator,
    /// Hold a guest's file systems still.
    GuestFreeze "guest_freeze" Operator,
    /// Let a guest's file systems go on.
    GuestThaw "guest_thaw" Operator,
    /// Give back what a guest's file systems do not use.
    GuestTrim "guest_trim" Operator,
    /// Set a password in a guest.
    GuestPassword "guest_password" Operator,
    /// Set a guest's clock.
    GuestTime "guest_time" Operator,
    /// Shut a guest down by its agent.
    GuestShutdown "guest_shutdown" Operator,
    /// Restart a guest by its agent.
    GuestReboot "guest_reboot" Operator,
    /// List the image library.
    ImageList "image_list" Viewer,
    /// Add to the image library.
    ImageUpload "image_upload" Operator,
    /// Remove from the image library.
    ImageDelete "image_delete" Operator,
    /// List the storage pools.
    PoolList "pool_list" Viewer,
    /// One pool.
    PoolGet "pool_get" Viewer,
    /// Make a pool.
    PoolCreate "pool_create" Admin,
    /// Make a pool of a disk, which is erased.
    PoolFormat "pool_format" Admin,
    /// Change whether a pool starts with the host.
    PoolEdit "pool_edit" Admin,
    /// Forget a pool; what is in it stays.
    PoolDelete "pool_delete" Admin,
    /// Make a pool's volumes usable.
    PoolStart "pool_start" Admin,
    /// End the use of a pool.
    PoolStop "pool_stop" Admin,
    /// Look at what is in a pool again.
    PoolRefresh "pool_refresh" Operator,
    /// List the host's disks that pools could be made of.
    PoolDisks "pool_disks" Viewer,
    /// List the volumes of a pool.
    VolumeList "volume_list" Viewer,
    /// One volume.
    VolumeGet "volume_get" Viewer,
    /// Make a volume, blank or from something else.
    VolumeCreate "volume_create" Operator,
    /// Make a volume larger or smaller.
    VolumeResize "volume_resize" Operator,
    /// Remove a volume.
    VolumeDelete "volume_delete" Operator,
    /// Read a volume's bytes.
    VolumeDownload "volume_download" Operator,
    /// Make a volume of bytes that are sent.
    VolumeUpload "volume_upload" Operator,
    /// List the networks.
    NetworkList "network_list" Viewer,
    /// One network.
    NetworkGet "network_get" Viewer,
    /// Make a network.
    NetworkCreate "network_create" Admin,
    /// Change a network.
    NetworkEdit "network_edit" Admin,
    /// Remove a network.
    NetworkDelete "network_delete" Admin,
    /// Make a network active.
    NetworkStart "network_start" Admin,
    /// End a network.
    NetworkStop "network_stop" Admin,
    /// List the host's bridges.
    BridgeList "bridge_list" Viewer,
    /// Slots and updates.
    UpdatesRead "updates_read" Viewer,
    /// Write an update to the other slot.
    UpdateUpload "update_upload" Admin,
    /// Write the running version to the other slot.
    UpdateReinstall "update_reinstall" Admin,
    /// End a transfer, or empty the slot that it filled.
    UpdateDiscard "update_discard" Admin,
    /// Ask the feed for a newer version.
    UpdateCheck "update_check" Admin,
    /// Write what the feed has to the other slot.
    UpdateFetch "update_fetch" Admin,
    /// Start the other slot on trial.
    UpdateApply "update_apply" Admin,
    /// Keep a version that is on trial.
    UpdateConfirm "update_confirm" Admin,
    /// Go back to the other slot.
    UpdateRollback "update_rollback" Admin,
    /// Figures of the host and its VMs.
    MetricsRead "metrics_read" Viewer,
    /// List tasks.
    TaskList "task_list" Viewer,
    /// One task.
    TaskGet "task_get" Viewer,
    /// End a task before it is complete; it also takes the role that the task itself took.
    TaskCancel "task_cancel" Operator,
    /// Follow events.
    EventsRead "events_read" Viewer,
    /// Make, list and revoke API tokens: one's own, and with the role admin everybody's.
    TokenManage "token_manage" Viewer,
    /// Make, list, change and remove users.
    UserManage "user_manage" Admin,
    /// Change one's own password.
    PasswordChange "password_change" Viewer,
    /// Read the audit log.
    AuditRead "audit_read" Admin,
}

/// Who asks, already authenticated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// User or token name, for the audit log.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Where from: an IP address, or `local` for the Unix socket.
    pub origin: String,
}
