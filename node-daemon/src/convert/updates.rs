//! Slots and updates.

use jiff::Timestamp;
use qx_api::rest;
use qx_engine::updates::{
    FeedStatus, LastUpdate, SlotStatus, Status, Transfer, TransferSource, TransferState,
};
use qx_host::config::Automatic;
use qx_host::update::Outcome;
use qx_slots::{Reason, SlotName, SlotState};

pub(crate) fn updates(status: Status) -> rest::Updates {
    rest::Updates {
        unavailable: status.unavailable,
        slots: status.slots.into_iter().map(slot).collect(),
        transfer: status.transfer.map(transfer),
        last: status.last.map(last),
        feed: status.feed.map(feed),
    }
}

fn feed(feed: FeedStatus) -> rest::Feed {
    rest::Feed {
        url: feed.url,
        channel: feed.channel,
        checked_at: feed.checked,
        next_check_at: feed.next_check,
        problem: feed.problem,
        offer: feed.offer.map(|offer| rest::Offer {
            version: offer.version,
            build_id: offer.build_id,
            size_bytes: offer.bytes,
            staged: offer.staged,
            given_up: offer.given_up,
        }),
        automatic: match feed.automatic {
            Automatic::Off => rest::Automatic::Off,
            Automatic::Fetch => rest::Automatic::Fetch,
            Automatic::Apply => rest::Automatic::Apply,
        },
        window: feed.window.map(|window| rest::MaintenanceWindow {
            starts_at: window.starts,
            ends_at: window.ends,
        }),
    }
}

fn slot(slot: SlotStatus) -> rest::Slot {
    let (version, build_id) = match slot.image {
        Some(image) => (Some(image.version), Some(image.build_id)),
        None => (None, None),
    };
    rest::Slot {
        name: name(slot.name),
        state: match slot.state {
            SlotState::Good => rest::SlotState::Good,
            SlotState::Empty => rest::SlotState::Empty,
            SlotState::Failed => rest::SlotState::Failed,
        },
        running: slot.running,
        confirmed: slot.confirmed,
        tries_left: slot.tries_left,
        version,
        build_id,
        failure: slot.failure.map(failure),
    }
}

const fn name(slot: SlotName) -> rest::SlotName {
    match slot {
        SlotName::A => rest::SlotName::A,
        SlotName::B => rest::SlotName::B,
    }
}

fn failure(reason: Reason) -> rest::Failure {
    rest::Failure {
        reason: match reason {
            Reason::Refused => rest::FailureReason::Refused,
            Reason::Kernel => rest::FailureReason::Kernel,
            Reason::Init => rest::FailureReason::Init,
            Reason::Verify => rest::FailureReason::Verify,
            Reason::System => rest::FailureReason::System,
            Reason::Daemon => rest::FailureReason::Daemon,
            Reason::Network => rest::FailureReason::Network,
            Reason::Services => rest::FailureReason::Services,
            Reason::User => rest::FailureReason::User,
            Reason::Unknown => rest::FailureReason::Unknown,
        },
        detail: reason.because().to_owned(),
    }
}

fn transfer(transfer: Transfer) -> rest::Transfer {
    rest::Transfer {
        source: match transfer.source {
            TransferSource::Upload => rest::TransferSource::Upload,
            TransferSource::Feed => rest::TransferSource::Feed,
            TransferSource::Reinstall => rest::TransferSource::Reinstall,
        },
        state: match transfer.state {
            TransferState::Receiving => rest::TransferState::Receiving,
            TransferState::Interrupted => rest::TransferState::Interrupted,
            TransferState::Verifying => rest::TransferState::Verifying,
            TransferState::Done => rest::TransferState::Done,
            TransferState::Failed => rest::TransferState::Failed,
        },
        version: transfer.version,
        received_bytes: transfer.received_bytes,
        total_bytes: transfer.total_bytes,
        percent: transfer.percent,
        problem: transfer.problem,
        task_id: transfer.task,
    }
}

fn last(update: LastUpdate) -> rest::LastUpdate {
    let reason = update.record.failure();
    let outcome = match update.record.outcome {
        Outcome::Open if update.on_trial => rest::UpdateOutcome::OnTrial,
        Outcome::Open => rest::UpdateOutcome::Waiting,
        Outcome::Succeeded => rest::UpdateOutcome::Succeeded,
        Outcome::Failed(_) => rest::UpdateOutcome::Failed,
    };
    let seconds = i64::try_from(update.record.started_at).unwrap_or_default();
    rest::LastUpdate {
        version: update.record.version,
        build_id: update.record.build_id,
        slot: name(update.slot),
        from_version: update.record.from_version,
        started_at: Timestamp::from_second(seconds).unwrap_or_default(),
        outcome,
        failure: reason.map(failure),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_reason_has_a_word_and_a_text_of_its_own() {
        let mut words = HashSet::new();
        let mut texts = HashSet::new();
        for reason in Reason::ALL {
            let shown = failure(*reason);
            let word = serde_json::to_value(shown.reason).unwrap();
            assert_eq!(word, reason.word(), "the API's word is the environment's");
            assert!(words.insert(word.to_string()));
            assert!(texts.insert(shown.detail));
        }
    }
}
