//! Updates: the two slots, how the last update ended, and what can be done. The words are those of `qx update`.

use qx_api::rest::{self, LastUpdate, Slot, SlotState, TransferState, UpdateOutcome};
use ratatui::Frame;

use super::Reply;
use crate::action::{Action, Outcome, UpdateAsk, UpdateView};
use crate::shell::{Answered, BODY, Confirm, Kind, STRONG, WARNING, page, paragraph};
use crate::terminal::Key;

/// The page.
#[derive(Debug, Default)]
pub struct Updates {
    view: Option<Result<UpdateView, String>>,
    /// What is asked about, until it is answered.
    sure: Option<(Confirm, UpdateAsk)>,
    waiting: bool,
}

impl Updates {
    /// What the daemon says, when it does.
    fn known(&self) -> Option<&rest::Updates> {
        match &self.view {
            Some(Ok(UpdateView::Daemon(updates))) => Some(updates),
            _ => None,
        }
    }

    /// What can be done now, with its key.
    fn offered(&self) -> Vec<(char, UpdateAsk)> {
        let Some(updates) = self.known().filter(|updates| updates.unavailable.is_none()) else {
            return Vec::new();
        };
        let busy = updates.transfer.as_ref().is_some_and(|transfer| {
            matches!(
                transfer.state,
                TransferState::Receiving | TransferState::Verifying
            )
        });
        let done = updates.transfer.as_ref();
        let done = done.is_some_and(|transfer| transfer.state == TransferState::Done);
        let other = updates.slots.iter().find(|slot| !slot.running);
        let back = other.is_some_and(|slot| slot.state == SlotState::Good);
        let mut offered = Vec::new();
        if busy || self.waiting {
            return offered;
        }
        if done {
            offered.push(('a', UpdateAsk::Apply));
        }
        if back && !done {
            offered.push(('b', UpdateAsk::Rollback));
        }
        offered.push(('w', UpdateAsk::Reinstall));
        offered
    }

    pub(crate) fn key(&mut self, key: Key) -> Reply {
        if let Some((confirm, ask)) = &mut self.sure {
            let (answered, ask) = (confirm.key(key), *ask);
            if answered != Answered::Open {
                self.sure = None;
            }
            if answered == Answered::Yes {
                self.waiting = true;
                return Reply::Act(Action::Updates(ask));
            }
            return Reply::Stay;
        }
        match key {
            Key::Escape => return Reply::Close,
            Key::F(5) | Key::Char('r' | 'R') => {
                return Reply::Act(Action::Updates(UpdateAsk::Status));
            }
            Key::Char(letter) => {
                let wanted = letter.to_ascii_lowercase();
                let mut offered = self.offered().into_iter();
                if let Some((_, ask)) = offered.find(|(letter, _)| *letter == wanted) {
                    let confirm = Confirm::new("Updates", question(ask), Kind::Asked);
                    self.sure = Some((confirm, ask));
                }
            }
            _ => {}
        }
        Reply::Stay
    }

    /// Progress is looked at as time passes.
    pub(crate) fn tick(&mut self) -> Reply {
        let moving = self.known().and_then(|updates| updates.transfer.as_ref());
        let moving = moving.is_some_and(|transfer| {
            matches!(
                transfer.state,
                TransferState::Receiving | TransferState::Verifying
            )
        });
        if moving {
            return Reply::Act(Action::Updates(UpdateAsk::Status));
        }
        Reply::Stay
    }

    pub(crate) fn outcome(&mut self, outcome: Outcome) -> Result<Reply, Outcome> {
        match outcome {
            Outcome::Updates(Ok(view)) => {
                self.waiting = false;
                self.view = Some(Ok(view));
                Ok(Reply::Stay)
            }
            Outcome::Updates(Err(reason)) => {
                self.waiting = false;
                if self.view.is_some() {
                    return Ok(Reply::tell("Not done", reason));
                }
                self.view = Some(Err(reason));
                Ok(Reply::Stay)
            }
            other => Err(other),
        }
    }

    pub(crate) fn draw(&self, frame: &mut Frame<'_>) {
        let mut keys = String::from("<Esc> Back  <F5/R> Refresh");
        for (letter, ask) in self.offered() {
            let text = match ask {
                UpdateAsk::Apply => "Apply",
                UpdateAsk::Rollback => "Roll back",
                UpdateAsk::Reinstall => "Re-install",
                UpdateAsk::Status => continue,
            };
            keys.push_str(&format!("  <{}> {text}", letter.to_ascii_uppercase()));
        }
        let area = page(frame, "Updates", &keys);
        match &self.view {
            None => {
                paragraph(frame, area, 0, "Asking ...", STRONG);
            }
            Some(Err(reason)) => {
                paragraph(frame, area, 0, reason, WARNING);
            }
            Some(Ok(UpdateView::Disk { reason, lines })) => {
                let text = format!(
                    "The management service does not answer ({reason}). This is what the disk says:"
                );
                let mut row = paragraph(frame, area, 0, &text, WARNING);
                row += 1;
                for line in lines {
                    row = paragraph(frame, area, row, line, BODY);
                }
            }
            Some(Ok(UpdateView::Daemon(updates))) => {
                let mut row = 0;
                for line in lines(updates) {
                    row = paragraph(frame, area, row, &line, BODY) + 1;
                }
                if self.waiting {
                    paragraph(frame, area, row, "Asked for ...", STRONG);
                }
            }
        }
        if let Some((confirm, _)) = &self.sure {
            confirm.draw(frame);
        }
    }
}

const fn question(ask: UpdateAsk) -> &'static str {
    match ask {
        UpdateAsk::Apply => {
            "The host restarts into the version that was uploaded, and keeps it only if it proves healthy. VMs \
             are asked to shut down first. Do it now?"
        }
        UpdateAsk::Rollback => {
            "The host restarts into the version of the other slot. VMs are asked to shut down first. Do it now?"
        }
        UpdateAsk::Reinstall | UpdateAsk::Status => {
            "The version that runs is written to the other slot, in place of what is there. Nothing restarts. \
             Do it now?"
        }
    }
}

fn lines(updates: &rest::Updates) -> Vec<String> {
    if let Some(reason) = &updates.unavailable {
        return vec![format!("No updates: {reason}")];
    }
    let mut lines: Vec<String> = updates.slots.iter().map(slot).collect();
    lines.extend(updates.last.as_ref().map(last));
    if let Some(transfer) = &updates.transfer {
        let version = transfer.version.as_deref().unwrap_or("an update");
        lines.push(match transfer.state {
            TransferState::Receiving | TransferState::Verifying => {
                format!("Writing {version}: {} %", transfer.percent)
            }
            TransferState::Interrupted => format!(
                "The upload of {version} broke off after {} bytes.",
                transfer.received_bytes
            ),
            TransferState::Done => format!("Written: {version}. It waits to be applied."),
            TransferState::Failed => format!(
                "Writing failed, the running system was not touched: {}",
                transfer.problem.as_deref().unwrap_or("no reason is known")
            ),
        });
    }
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
    format!("Slot {:?}: {version}, {}", slot.name, facts.join(", "))
        .trim_end_matches([',', ' '])
        .to_owned()
}

fn last(last: &LastUpdate) -> String {
    let change = format!("Last update: {} to {}", last.from_version, last.version);
    match (last.outcome, &last.failure) {
        (UpdateOutcome::Waiting, _) => format!("{change}, starts with the next restart."),
        (UpdateOutcome::OnTrial, _) => format!("{change}, on trial."),
        (UpdateOutcome::Succeeded, _) => format!("{change}, succeeded."),
        (UpdateOutcome::Failed, Some(failure)) => {
            format!("{change}, failed, went back: {}", failure.detail)
        }
        (UpdateOutcome::Failed, None) => format!("{change}, failed, went back."),
    }
}
