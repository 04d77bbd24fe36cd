//! JSON bodies of the REST interface. Requests refuse fields that they don't know; responses always carry
//! every field (`null` where there is no value), and clients must ignore fields that they don't know.

mod access;
mod cloud_init;
mod device;
mod event;
mod guest;
mod health;
mod host;
mod host_certificate;
mod host_config;
mod host_log;
mod host_network;
mod host_service;
mod host_state;
mod image;
mod metrics;
mod network;
mod problem;
mod snapshot;
mod storage;
mod task;
mod update;
mod user;
mod vm;
mod vm_clone;
mod vm_edit;

pub use access::{
    AuditEntry, AuditPage, LoginRequest, Role, Session, Token, TokenCreate, TokenPage, TokenSecret,
};
pub use cloud_init::{CloudInit, GuestNic};
pub use device::{Cdrom, DiskAttach, DiskLimits, DiskPatch, NicAttach, NicLimits, NicPatch};
pub use event::{Event, EventType};
pub use guest::{
    GuestAddresses, GuestExec, GuestExecStarted, GuestExecStatus, GuestFilePiece, GuestFileWrite,
    GuestFilesystem, GuestFilesystems, GuestFreeze, GuestFrozen, GuestInfo, GuestInterface,
    GuestOs, GuestPassword, GuestTime, GuestTimeZone, GuestUser,
};
pub use health::{Check, Readiness};
pub use host::{
    Address, AddressOrigin, Boot, BootMode, ConfigSource, ConfigStatus, Cpu, DataKind, DataUsage,
    Host, Hypervisor, Memory, Storage,
};
pub use host_certificate::{HostCertificate, HostCertificatePut};
pub use host_config::{
    HostConfig, HostConfigPatch, HostProxy, HostProxyPatch, HostSsh, HostSshPatch,
};
pub use host_log::{HostLog, HostLogName};
pub use host_network::{
    BondMode, HostIpv4, HostIpv4Method, HostIpv6, HostIpv6Method, HostNetwork, HostNetworkChange,
    ManagementNetwork, NetworkTrial, NetworkUndone,
};
pub use host_service::{HostService, HostServiceList, HostServiceState};
pub use host_state::{HostBackup, HostPower, HostPowerAction, HostReset, HostRestored, ResetScope};
pub use image::{Image, ImageFormat, ImagePage, ImageUpload, ImageUploadPage};
pub use metrics::{MetricsSample, MetricsSeries, MetricsValues, VmMetrics};
pub use network::{
    Bridge, BridgePage, DhcpReservation, Network, NetworkCreate, NetworkDhcp, NetworkIpv4,
    NetworkMode, NetworkPage, NetworkPatch, NetworkUser, NetworkVlan,
};
pub use problem::{FieldProblem, Problem};
pub use snapshot::{RevertTo, Snapshot, SnapshotCreate, SnapshotPage, SnapshotRevert};
pub use storage::{
    IscsiSource, LvmSource, NfsSource, Pool, PoolCreate, PoolDisk, PoolDiskPage, PoolFormat,
    PoolPage, PoolPatch, PoolState, PoolType, ReadSource, StorageUser, Volume, VolumeCreate,
    VolumeFormat, VolumePage, VolumePatch, VolumeRef, VolumeSource,
};
pub use task::{Task, TaskLogLine, TaskPage, TaskState, TaskStep, TaskStepState, TaskTarget};
pub use update::{
    Automatic, Failure, FailureReason, Feed, LastUpdate, MaintenanceWindow, Offer, Slot, SlotName,
    SlotState, Transfer, TransferSource, TransferState, UpdateOutcome, UpdateStart, Updates,
};
pub use user::{PasswordChange, User, UserCreate, UserPage, UserPatch};
pub use vm::{
    Accelerator, ConsoleRequest, ConsoleTicket, ConsoleType, Disk, DiskCreate, Firmware, Nic,
    NicCreate, Vm, VmCreate, VmPage, VmState,
};
pub use vm_clone::VmClone;
pub use vm_edit::VmPatch;
