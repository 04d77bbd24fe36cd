//! Every method of the gRPC interface and the operation that it carries out: the daemon checks the caller's role
//! against it before it looks at a message. A method that is not here is refused.

use qx_model::access::Operation;

/// A method: its path on the wire, and what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rpc {
    /// `/package.Service/Method`.
    pub path: &'static str,
    /// Who may is the operation's rule.
    pub operation: Operation,
}

macro_rules! rpcs {
    ($($path:literal $operation:ident,)+) => {
        /// All of them.
        pub const ALL: &[Rpc] = &[$(Rpc {
            path: concat!("/quantix.v1.", $path),
            operation: Operation::$operation,
        }),+];
    };
}

rpcs! {
    "GuestService/Ping" GuestRead,
    "GuestService/Get" GuestRead,
    "GuestService/ListAddresses" GuestRead,
    "GuestService/ListFilesystems" GuestRead,
    "GuestService/Exec" GuestExec,
    "GuestService/GetExec" GuestExec,
    "GuestService/ReadFile" GuestFileRead,
    "GuestService/WriteFile" GuestFileWrite,
    "GuestService/Freeze" GuestFreeze,
    "GuestService/Thaw" GuestThaw,
    "GuestService/Trim" GuestTrim,
    "GuestService/SetPassword" GuestPassword,
    "GuestService/SetTime" GuestTime,
    "GuestService/Shutdown" GuestShutdown,
    "GuestService/Reboot" GuestReboot,
    "HostService/Get" HostGet,
    "HostService/BackUp" HostBackup,
    "HostService/Restore" HostRestore,
    "HostService/Reset" HostReset,
    "HostService/SetPower" HostPower,
    "HostService/GetLog" HostLogs,
    "HostService/FollowLog" HostLogs,
    "HostService/ListServices" HostServices,
    "HostService/RestartService" HostServiceRestart,
    "HostService/GetCertificate" HostCertificateGet,
    "HostService/SetCertificate" HostCertificateEdit,
    "HostService/RegenerateCertificate" HostCertificateEdit,
    "HostService/GetSupportBundle" HostSupportBundle,
    "HostConfigService/Get" HostConfigGet,
    "HostConfigService/Update" HostConfigEdit,
    "HostNetworkService/Get" HostNetworkGet,
    "HostNetworkService/Set" HostNetworkEdit,
    "HostNetworkService/Confirm" HostNetworkConfirm,
    "HostNetworkService/Undo" HostNetworkUndo,
    "MetricsService/GetSeries" MetricsRead,
    "MetricsService/Follow" MetricsRead,
    "NetworkService/List" NetworkList,
    "NetworkService/Get" NetworkGet,
    "NetworkService/Create" NetworkCreate,
    "NetworkService/Update" NetworkEdit,
    "NetworkService/Delete" NetworkDelete,
    "NetworkService/Start" NetworkStart,
    "NetworkService/Stop" NetworkStop,
    "NetworkService/ListBridges" BridgeList,
    "PoolService/List" PoolList,
    "PoolService/Get" PoolGet,
    "PoolService/Create" PoolCreate,
    "PoolService/ListDisks" PoolDisks,
    "PoolService/Format" PoolFormat,
    "PoolService/Update" PoolEdit,
    "PoolService/Delete" PoolDelete,
    "PoolService/Start" PoolStart,
    "PoolService/Stop" PoolStop,
    "PoolService/Refresh" PoolRefresh,
    "VolumeService/List" VolumeList,
    "VolumeService/Get" VolumeGet,
    "VolumeService/Create" VolumeCreate,
    "VolumeService/Resize" VolumeResize,
    "VolumeService/Delete" VolumeDelete,
    "SnapshotService/List" SnapshotList,
    "SnapshotService/Create" SnapshotCreate,
    "SnapshotService/Revert" SnapshotRevert,
    "SnapshotService/Delete" SnapshotDelete,
    "TaskService/List" TaskList,
    "TaskService/Get" TaskGet,
    "TaskService/Cancel" TaskCancel,
    "TaskService/Watch" EventsRead,
    "UpdateService/Get" UpdatesRead,
    "UpdateService/Watch" UpdatesRead,
    "UpdateService/Upload" UpdateUpload,
    "UpdateService/Reinstall" UpdateReinstall,
    "UpdateService/Discard" UpdateDiscard,
    "UpdateService/Check" UpdateCheck,
    "UpdateService/Fetch" UpdateFetch,
    "UpdateService/Apply" UpdateApply,
    "UpdateService/Confirm" UpdateConfirm,
    "UpdateService/RollBack" UpdateRollback,
    "VmService/Create" VmCreate,
    "VmService/CloneVm" VmClone,
    "VmService/List" VmList,
    "VmService/Get" VmGet,
    "VmService/Update" VmEdit,
    "VmService/AttachDisk" VmDisk,
    "VmService/UpdateDisk" VmDisk,
    "VmService/DetachDisk" VmDisk,
    "VmService/AttachNic" VmNic,
    "VmService/UpdateNic" VmNic,
    "VmService/DetachNic" VmNic,
    "VmService/SetCdrom" VmCdrom,
    "VmService/Start" VmStart,
    "VmService/Shutdown" VmShutdown,
    "VmService/Stop" VmStop,
    "VmService/Reboot" VmReboot,
    "VmService/Reset" VmReset,
    "VmService/Pause" VmPause,
    "VmService/Resume" VmResume,
    "VmService/Suspend" VmSuspend,
    "VmService/Delete" VmDelete,
    "VmService/Console" VmConsole,
    "UserService/List" UserManage,
    "UserService/Get" UserManage,
    "UserService/Create" UserManage,
    "UserService/Update" UserManage,
    "UserService/Delete" UserManage,
    "TokenService/List" TokenManage,
    "TokenService/Create" TokenManage,
    "TokenService/Delete" TokenManage,
    "AuditService/List" AuditRead,
    "EventService/Follow" EventsRead,
}

/// What the method at `path` does; `None` when there is none.
#[must_use]
pub fn operation(path: &str) -> Option<Operation> {
    let found = ALL.iter().find(|rpc| rpc.path == path);
    found.map(|rpc| rpc.operation)
}
