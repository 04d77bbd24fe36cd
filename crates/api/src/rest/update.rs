//! Updates of the host's own system: its two slots, what is being written, and how the last update ended.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Where updates stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Updates {
    /// Why this host cannot be updated, in words; `null` when it can.
    pub unavailable: Option<String>,
    /// Slots A and B; none when the host cannot be updated.
    pub slots: Vec<Slot>,
    /// What is being written to a slot, or was tried last since the daemon started; `null` if nothing was.
    pub transfer: Option<Transfer>,
    /// The last change of the running version, by an update or a rollback; `null` if there was none.
    pub last: Option<LastUpdate>,
    /// Where newer versions come from; `null` when the host has no feed.
    pub feed: Option<Feed>,
}

/// One of the two system partitions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Slot {
    /// `A` or `B`.
    pub name: SlotName,
    /// What it holds.
    pub state: SlotState,
    /// The system that runs came from it.
    pub running: bool,
    /// It is what the host falls back to.
    pub confirmed: bool,
    /// Starts of it that are left before it counts as failed, when it is on trial; `null` when it is not.
    pub tries_left: Option<u8>,
    /// Version of its image; `null` when it holds none.
    pub version: Option<String>,
    /// Identity of its image.
    pub build_id: Option<String>,
    /// Why it failed; `null` unless it did.
    pub failure: Option<Failure>,
}

/// Names a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum SlotName {
    /// The first one.
    A,
    /// The second one.
    B,
}

/// What a slot holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum SlotState {
    /// An image that was read back after it was written.
    Good,
    /// Nothing, or an image that is not complete: it is never started.
    Empty,
    /// An image that was tried and failed.
    Failed,
}

/// Why a version does not run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Failure {
    /// For programs.
    pub reason: FailureReason,
    /// For people, in words.
    pub detail: String,
}

/// Why a version does not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum FailureReason {
    /// The boot loader would not start its kernel.
    Refused,
    /// Its kernel crashed or hung before the image was looked for.
    Kernel,
    /// The boot program crashed or hung.
    Init,
    /// The image on the disk is damaged or was changed.
    Verify,
    /// The system crashed or hung while it started.
    System,
    /// The node daemon did not come up.
    Daemon,
    /// The management network did not come up.
    Network,
    /// libvirt, or the place for VM disks, did not come up.
    Services,
    /// A person went back.
    User,
    /// A newer version wrote a reason that this one does not know.
    Unknown,
}

/// A bundle on its way into a slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Transfer {
    /// Where it comes from.
    pub source: TransferSource,
    /// How far it is.
    pub state: TransferState,
    /// The version in it; `null` before its manifest was checked.
    pub version: Option<String>,
    /// Bytes of the bundle that arrived. An upload that broke off goes on from here.
    pub received_bytes: u64,
    /// Bytes of the bundle; `null` before its manifest was checked.
    pub total_bytes: Option<u64>,
    /// How much of receiving and reading back is done, 0 to 100.
    pub percent: u8,
    /// Why it failed, in words; `null` unless it did.
    pub problem: Option<String>,
    /// The task that writes it.
    pub task_id: Uuid,
}

/// Where a bundle comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum TransferSource {
    /// Somebody sends it.
    Upload,
    /// The slot that runs: its version is written to the other one.
    Reinstall,
    /// The feed.
    Feed,
}

/// How far a bundle is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum TransferState {
    /// It arrives and is written to the slot.
    Receiving,
    /// The upload broke off; it can be taken up again for some minutes.
    Interrupted,
    /// All of it was written and is being read back.
    Verifying,
    /// The slot holds it.
    Done,
    /// The slot holds nothing.
    Failed,
}

/// A directory of a web server with newer versions, as far as it was asked since the daemon started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Feed {
    /// The directory.
    pub url: String,
    /// Which of its releases are meant.
    pub channel: String,
    /// When it was asked last; `null` before the first time.
    pub checked_at: Option<Timestamp>,
    /// When the host asks it by itself.
    pub next_check_at: Timestamp,
    /// Why it could not be asked, or is not believed, in words; `null` when it answered.
    pub problem: Option<String>,
    /// The newer version that it has for this host; `null` when it has none.
    pub offer: Option<Offer>,
    /// What the host does with a newer version by itself.
    pub automatic: Automatic,
    /// When it may restart by itself; `null` without a maintenance window.
    pub window: Option<MaintenanceWindow>,
}

/// A newer version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Offer {
    /// As people name it.
    pub version: String,
    /// Identity of its image.
    pub build_id: String,
    /// Bytes of its bundle.
    pub size_bytes: u64,
    /// The other slot holds it already.
    pub staged: bool,
    /// It failed on this host, or somebody went back from it: only a person tries it again.
    pub given_up: bool,
}

/// What a host does with a newer version by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Automatic {
    /// Tells that it is there.
    Off,
    /// Writes it to the other slot.
    Fetch,
    /// Writes it to the other slot, and starts it inside the maintenance window.
    Apply,
}

/// The maintenance window that is open, or the next one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MaintenanceWindow {
    /// Its first moment.
    pub starts_at: Timestamp,
    /// The first moment after it.
    pub ends_at: Timestamp,
}

/// A change of the running version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LastUpdate {
    /// The version that was to run.
    pub version: String,
    /// Identity of its image.
    pub build_id: String,
    /// The slot that it is in.
    pub slot: SlotName,
    /// The version that ran before.
    pub from_version: String,
    /// When it was asked for.
    pub started_at: Timestamp,
    /// How it ended.
    pub outcome: UpdateOutcome,
    /// Why it failed; `null` unless it did.
    pub failure: Option<Failure>,
}

/// How an update ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum UpdateOutcome {
    /// It starts with the next restart.
    Waiting,
    /// It runs, and is not confirmed yet.
    OnTrial,
    /// It was healthy and is confirmed.
    Succeeded,
    /// The host went back to the version before.
    Failed,
}

/// What becomes of the machine when a version was chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UpdateStart {
    /// Restart the host now. Otherwise the version starts with the next restart, whoever asks for it.
    pub restart: bool,
}
