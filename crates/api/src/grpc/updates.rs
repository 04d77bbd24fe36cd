//! Updates of the host's own system.

use super::v1;
use crate::rest;

impl From<rest::Updates> for v1::Updates {
    fn from(updates: rest::Updates) -> Self {
        Self {
            unavailable: updates.unavailable,
            slots: updates.slots.into_iter().map(Into::into).collect(),
            transfer: updates.transfer.map(Into::into),
            last: updates.last.map(Into::into),
            feed: updates.feed.map(Into::into),
        }
    }
}

impl From<rest::Feed> for v1::Feed {
    fn from(feed: rest::Feed) -> Self {
        Self {
            url: feed.url,
            channel: feed.channel,
            checked_at_s: feed.checked_at.map(|time| time.as_second()),
            next_check_at_s: feed.next_check_at.as_second(),
            problem: feed.problem,
            offer: feed.offer.map(|offer| v1::Offer {
                version: offer.version,
                build_id: offer.build_id,
                size_bytes: offer.size_bytes,
                staged: offer.staged,
                given_up: offer.given_up,
            }),
            automatic: v1::Automatic::from(feed.automatic).into(),
            window: feed.window.map(|window| v1::MaintenanceWindow {
                starts_at_s: window.starts_at.as_second(),
                ends_at_s: window.ends_at.as_second(),
            }),
        }
    }
}

impl From<rest::Automatic> for v1::Automatic {
    fn from(value: rest::Automatic) -> Self {
        match value {
            rest::Automatic::Off => Self::Off,
            rest::Automatic::Fetch => Self::Fetch,
            rest::Automatic::Apply => Self::Apply,
        }
    }
}

impl From<rest::Slot> for v1::Slot {
    fn from(slot: rest::Slot) -> Self {
        Self {
            name: v1::SlotName::from(slot.name).into(),
            state: v1::SlotState::from(slot.state).into(),
            running: slot.running,
            confirmed: slot.confirmed,
            tries_left: slot.tries_left.map(Into::into),
            version: slot.version,
            build_id: slot.build_id,
            failure: slot.failure.map(Into::into),
        }
    }
}

impl From<rest::Failure> for v1::UpdateFailure {
    fn from(failure: rest::Failure) -> Self {
        Self {
            reason: v1::FailureReason::from(failure.reason).into(),
            detail: failure.detail,
        }
    }
}

impl From<rest::Transfer> for v1::Transfer {
    fn from(transfer: rest::Transfer) -> Self {
        Self {
            source: v1::TransferSource::from(transfer.source).into(),
            state: v1::TransferState::from(transfer.state).into(),
            version: transfer.version,
            received_bytes: transfer.received_bytes,
            total_bytes: transfer.total_bytes,
            percent: transfer.percent.into(),
            problem: transfer.problem,
            task_id: transfer.task_id.to_string(),
        }
    }
}

impl From<rest::LastUpdate> for v1::LastUpdate {
    fn from(last: rest::LastUpdate) -> Self {
        Self {
            version: last.version,
            build_id: last.build_id,
            slot: v1::SlotName::from(last.slot).into(),
            from_version: last.from_version,
            started_at_s: last.started_at.as_second(),
            outcome: v1::UpdateOutcome::from(last.outcome).into(),
            failure: last.failure.map(Into::into),
        }
    }
}

impl From<rest::SlotName> for v1::SlotName {
    fn from(value: rest::SlotName) -> Self {
        match value {
            rest::SlotName::A => Self::A,
            rest::SlotName::B => Self::B,
        }
    }
}

impl From<rest::SlotState> for v1::SlotState {
    fn from(value: rest::SlotState) -> Self {
        match value {
            rest::SlotState::Good => Self::Good,
            rest::SlotState::Empty => Self::Empty,
            rest::SlotState::Failed => Self::Failed,
        }
    }
}

impl From<rest::FailureReason> for v1::FailureReason {
    fn from(value: rest::FailureReason) -> Self {
        match value {
            rest::FailureReason::Refused => Self::Refused,
            rest::FailureReason::Kernel => Self::Kernel,
            rest::FailureReason::Init => Self::Init,
            rest::FailureReason::Verify => Self::Verify,
            rest::FailureReason::System => Self::System,
            rest::FailureReason::Daemon => Self::Daemon,
            rest::FailureReason::Network => Self::Network,
            rest::FailureReason::Services => Self::Services,
            rest::FailureReason::User => Self::User,
            rest::FailureReason::Unknown => Self::Unknown,
        }
    }
}

impl From<rest::TransferSource> for v1::TransferSource {
    fn from(value: rest::TransferSource) -> Self {
        match value {
            rest::TransferSource::Upload => Self::Upload,
            rest::TransferSource::Reinstall => Self::Reinstall,
            rest::TransferSource::Feed => Self::Feed,
        }
    }
}

impl From<rest::TransferState> for v1::TransferState {
    fn from(value: rest::TransferState) -> Self {
        match value {
            rest::TransferState::Receiving => Self::Receiving,
            rest::TransferState::Interrupted => Self::Interrupted,
            rest::TransferState::Verifying => Self::Verifying,
            rest::TransferState::Done => Self::Done,
            rest::TransferState::Failed => Self::Failed,
        }
    }
}

impl From<rest::UpdateOutcome> for v1::UpdateOutcome {
    fn from(value: rest::UpdateOutcome) -> Self {
        match value {
            rest::UpdateOutcome::Waiting => Self::Waiting,
            rest::UpdateOutcome::OnTrial => Self::OnTrial,
            rest::UpdateOutcome::Succeeded => Self::Succeeded,
            rest::UpdateOutcome::Failed => Self::Failed,
        }
    }
}
