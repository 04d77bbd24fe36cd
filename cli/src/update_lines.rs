//! What `qx update` tells a person.

use qx_api::rest::{
    Automatic, Feed, LastUpdate, Slot, TransferSource, TransferState, UpdateOutcome, Updates,
};

/// What a person reads: a line a slot, how the last update ended, what is being written.
pub(crate) fn lines(updates: &Updates) -> Vec<String> {
    if let Some(reason) = &updates.unavailable {
        return vec![format!("No updates: {reason}")];
    }
    let mut lines: Vec<String> = updates.slots.iter().map(slot).collect();
    lines.extend(updates.last.as_ref().map(last));
    lines.extend(updates.feed.iter().flat_map(feed));
    if let Some(transfer) = &updates.transfer {
        let version = transfer.version.as_deref().unwrap_or("an update");
        lines.push(match transfer.state {
            TransferState::Receiving | TransferState::Verifying => {
                format!("Writing {version}: {} %", transfer.percent)
            }
            TransferState::Interrupted => format!(
                "The upload of {version} broke off after {} bytes: qx update upload FILE --resume",
                transfer.received_bytes
            ),
            TransferState::Done if transfer.source == TransferSource::Reinstall => {
                format!("{version} was written to the other slot once more")
            }
            TransferState::Done => {
                format!("{version} is ready. Start it with: qx update apply")
            }
            TransferState::Failed => format!(
                "Writing {version} failed, the running system was not touched: {}",
                transfer.problem.as_deref().unwrap_or("no reason is known")
            ),
        });
    }
    lines
}

fn feed(feed: &Feed) -> Vec<String> {
    let found = match (&feed.problem, &feed.offer, feed.checked_at) {
        (Some(problem), ..) => problem.clone(),
        (None, Some(offer), _) if offer.given_up => format!(
            "{} failed here or was left, and is not tried again by itself: qx update fetch",
            offer.version
        ),
        (None, Some(offer), _) if offer.staged => {
            format!("{} is in the other slot: qx update apply", offer.version)
        }
        (None, Some(offer), _) => format!(
            "{} can be had, {} MiB: qx update fetch",
            offer.version,
            offer.size_bytes.div_ceil(1 << 20)
        ),
        (None, None, Some(time)) => format!("nothing newer, {time}"),
        (None, None, None) => "not asked yet: qx update check".to_owned(),
    };
    let mut lines = vec![format!("Feed     {} ({}): {found}", feed.url, feed.channel)];
    let does = match feed.automatic {
        Automatic::Off => return lines,
        Automatic::Fetch => "fetches newer versions by itself",
        Automatic::Apply => "fetches newer versions by itself and starts them in the window",
    };
    let window = feed.window.as_ref().map_or_else(String::new, |window| {
        format!(", next {} to {}", window.starts_at, window.ends_at)
    });
    lines.push(format!("Schedule {does}{window}"));
    lines
}

fn slot(slot: &Slot) -> String {
    let mut facts = Vec::new();
    if slot.running {
        facts.push("running".to_owned());
    }
    if slot.confirmed {
        facts.push("confirmed".to_owned());
    }
    if let Some(tries) = slot.tries_left {
        let trial = if slot.running {
            "on trial"
        } else {
            "waits for its trial"
        };
        facts.push(format!("{trial}, tries left: {tries}"));
    }
    if let Some(failure) = &slot.failure {
        facts.push(format!("failed: {}", failure.detail));
    }
    let version = slot.version.as_deref().unwrap_or("empty");
    let facts = facts.join(", ");
    format!("Slot {:?}  {version}  {facts}", slot.name)
        .trim_end()
        .to_owned()
}

fn last(last: &LastUpdate) -> String {
    let change = format!(
        "{} to {}, {}",
        last.from_version, last.version, last.started_at
    );
    match (last.outcome, &last.failure) {
        (UpdateOutcome::Waiting, _) => format!("Update   {change}: starts with the next restart"),
        (UpdateOutcome::OnTrial, _) => format!("Update   {change}: on trial"),
        (UpdateOutcome::Succeeded, _) => format!("Update   {change}: succeeded"),
        (UpdateOutcome::Failed, Some(failure)) => {
            format!("Update   {change}: failed, went back: {}", failure.detail)
        }
        (UpdateOutcome::Failed, None) => format!("Update   {change}: failed, went back"),
    }
}

#[cfg(test)]
mod tests {
    use qx_api::rest::{
        Failure, FailureReason, MaintenanceWindow, Offer, SlotName, SlotState, Transfer,
    };

    use super::*;

    fn slot_b() -> Slot {
        Slot {
            name: SlotName::B,
            state: SlotState::Good,
            running: false,
            confirmed: false,
            tries_left: None,
            version: Some("2.0.0".into()),
            build_id: Some("0123456789abcdef".into()),
            failure: None,
        }
    }

    fn network() -> Failure {
        Failure {
            reason: FailureReason::Network,
            detail: "the management network did not come up".into(),
        }
    }

    #[test]
    fn a_slot_is_one_line() {
        assert_eq!(slot(&slot_b()), "Slot B  2.0.0");
        let running = Slot {
            running: true,
            tries_left: Some(2),
            ..slot_b()
        };
        assert_eq!(
            slot(&running),
            "Slot B  2.0.0  running, on trial, tries left: 2"
        );
        let empty = Slot {
            version: None,
            state: SlotState::Empty,
            ..slot_b()
        };
        assert_eq!(slot(&empty), "Slot B  empty");
        let failed = Slot {
            state: SlotState::Failed,
            failure: Some(network()),
            ..slot_b()
        };
        assert_eq!(
            slot(&failed),
            "Slot B  2.0.0  failed: the management network did not come up"
        );
    }

    #[test]
    fn a_host_that_cannot_be_updated_says_why_and_nothing_else() {
        let updates = Updates {
            unavailable: Some("the system runs from a medium".into()),
            slots: vec![],
            transfer: None,
            last: None,
            feed: None,
        };
        assert_eq!(
            lines(&updates),
            ["No updates: the system runs from a medium"]
        );
    }

    #[test]
    fn what_was_written_says_how_it_goes_on() {
        let wrote = |source| Updates {
            unavailable: None,
            slots: vec![],
            transfer: Some(Transfer {
                source,
                state: TransferState::Done,
                version: Some("2.0.0".into()),
                received_bytes: 8,
                total_bytes: Some(8),
                percent: 100,
                problem: None,
                task_id: uuid::Uuid::nil(),
            }),
            last: None,
            feed: None,
        };
        assert_eq!(
            lines(&wrote(TransferSource::Upload)),
            ["2.0.0 is ready. Start it with: qx update apply"]
        );
        assert_eq!(
            lines(&wrote(TransferSource::Reinstall)),
            ["2.0.0 was written to the other slot once more"]
        );
    }

    #[test]
    fn why_an_update_failed_and_how_to_go_on_with_an_upload_is_said() {
        let updates = Updates {
            unavailable: None,
            slots: vec![slot_b()],
            transfer: Some(Transfer {
                source: TransferSource::Upload,
                state: TransferState::Interrupted,
                version: None,
                received_bytes: 4096,
                total_bytes: None,
                percent: 3,
                problem: None,
                task_id: uuid::Uuid::nil(),
            }),
            last: Some(LastUpdate {
                version: "2.0.0".into(),
                build_id: "0123456789abcdef".into(),
                slot: SlotName::B,
                from_version: "1.0.0".into(),
                started_at: "2026-11-23T12:00:00Z".parse().unwrap(),
                outcome: UpdateOutcome::Failed,
                failure: Some(network()),
            }),
            feed: None,
        };
        let lines = lines(&updates);
        assert_eq!(
            lines[1],
            "Update   1.0.0 to 2.0.0, 2026-11-23T12:00:00Z: failed, went back: the management network did not come up"
        );
        assert!(lines[2].contains("4096 bytes: qx update upload FILE --resume"));
    }

    #[test]
    fn what_the_feed_has_and_what_becomes_of_it_is_said() {
        let asked = Feed {
            url: "https://a.example".into(),
            channel: "stable".into(),
            checked_at: Some("2026-11-24T12:00:00Z".parse().unwrap()),
            next_check_at: "2026-11-25T12:00:00Z".parse().unwrap(),
            problem: None,
            offer: None,
            automatic: Automatic::Off,
            window: None,
        };
        let first = |feed: &Feed| super::feed(feed).remove(0);
        assert_eq!(
            super::feed(&asked),
            ["Feed     https://a.example (stable): nothing newer, 2026-11-24T12:00:00Z"]
        );
        let mut offering = Feed {
            offer: Some(Offer {
                version: "2.0.0".into(),
                build_id: "0123456789abcdef".into(),
                size_bytes: (150 << 20) - 5,
                staged: false,
                given_up: false,
            }),
            automatic: Automatic::Apply,
            window: Some(MaintenanceWindow {
                starts_at: "2026-11-28T01:00:00Z".parse().unwrap(),
                ends_at: "2026-11-28T03:00:00Z".parse().unwrap(),
            }),
            ..asked.clone()
        };
        assert!(first(&offering).ends_with("2.0.0 can be had, 150 MiB: qx update fetch"));
        assert_eq!(
            super::feed(&offering)[1],
            "Schedule fetches newer versions by itself and starts them in the window, \
             next 2026-11-28T01:00:00Z to 2026-11-28T03:00:00Z"
        );
        offering.offer.as_mut().unwrap().given_up = true;
        assert!(first(&offering).contains("not tried again by itself"));
        let silent = Feed {
            problem: Some("the feed cannot be asked: 404".into()),
            ..asked
        };
        assert!(first(&silent).ends_with(": the feed cannot be asked: 404"));
    }
}
