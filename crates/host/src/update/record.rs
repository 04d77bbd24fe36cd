//! What is remembered of the last update: `update.json` among the configuration, so that both versions and
//! the console know how it ended.

use std::fs;
use std::io;
use std::path::Path;

use qx_slots::{BootEnv, Reason, SlotName, SlotState};
use serde::{Deserialize, Serialize};

use crate::durable;

const FILE: &str = "update.json";

/// The last change of the running version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateRecord {
    /// `A` or `B`: where the new version is.
    pub slot: String,
    /// The version that was to run.
    pub version: String,
    /// Identity of its image.
    pub build_id: String,
    /// The version that ran before.
    pub from_version: String,
    /// When it was asked for, in seconds since 1970 (UTC).
    pub started_at: u64,
    /// Checks of `readyz` that were fine before: the new version is held to these.
    pub required: Vec<String>,
    /// How it ended.
    pub outcome: Outcome,
}

/// How an update ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It did not end yet.
    Open,
    /// The new version was confirmed.
    Succeeded,
    /// The host went back: the word of a [`Reason`].
    Failed(String),
}

impl UpdateRecord {
    /// Reads `update.json` in `state_dir`; `None` when there was no update, or the file is not whole.
    #[must_use]
    pub fn read(state_dir: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(state_dir.join(FILE)).ok()?).ok()
    }

    /// Writes `update.json` in `state_dir`.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write(&self, state_dir: &Path) -> io::Result<()> {
        durable::replace(&state_dir.join(FILE), &serde_json::to_vec(self)?, 0o644)
    }

    /// Where the new version is.
    #[must_use]
    pub fn slot(&self) -> Option<SlotName> {
        SlotName::of_name(&self.slot)
    }

    /// Why it failed, if it did.
    #[must_use]
    pub fn failure(&self) -> Option<Reason> {
        match &self.outcome {
            Outcome::Failed(word) => Some(Reason::of_word(word).unwrap_or(Reason::Unknown)),
            Outcome::Open | Outcome::Succeeded => None,
        }
    }

    /// Ends an open update by what the boot environment says of its slot. Says whether that changed it.
    pub fn settle(&mut self, env: &BootEnv) -> bool {
        let Some(slot) = self.slot().filter(|_| self.outcome == Outcome::Open) else {
            return false;
        };
        let record = env.slot(slot);
        if record.state == SlotState::Failed {
            let reason = record.reason.unwrap_or(Reason::Unknown);
            self.outcome = Outcome::Failed(reason.word().to_owned());
        } else if env.confirmed == slot {
            self.outcome = Outcome::Succeeded;
        }
        self.outcome != Outcome::Open
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use qx_slots::KernelArgs;

    fn record() -> UpdateRecord {
        UpdateRecord {
            slot: "B".into(),
            version: "2.0.0".into(),
            build_id: "0123456789abcdef".into(),
            from_version: "1.0.0".into(),
            started_at: 1_800_000_000,
            required: vec!["hypervisor".into()],
            outcome: Outcome::Open,
        }
    }

    fn on_trial() -> BootEnv {
        let mut env = BootEnv::installed(KernelArgs::default());
        env.make_pending(SlotName::B).unwrap();
        env
    }

    #[test]
    fn what_was_written_is_read_and_nothing_or_a_torn_file_is_none() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(UpdateRecord::read(dir.path()), None);
        record().write(dir.path()).unwrap();
        assert_eq!(UpdateRecord::read(dir.path()), Some(record()));
        fs::write(dir.path().join(FILE), "{\"slot\":").unwrap();
        assert_eq!(UpdateRecord::read(dir.path()), None);
    }

    #[test]
    fn it_stays_open_while_the_slot_is_on_trial() {
        let mut record = record();
        assert!(!record.settle(&on_trial()));
        assert_eq!(record.outcome, Outcome::Open);
    }

    #[test]
    fn it_ends_with_what_became_of_the_slot_and_stays_so() {
        let mut env = on_trial();
        env.confirm(SlotName::B).unwrap();
        let mut good = record();
        assert!(good.settle(&env));
        assert_eq!(good.outcome, Outcome::Succeeded);

        let mut env = on_trial();
        env.mark_failed(SlotName::B, Reason::Network);
        let mut bad = record();
        assert!(bad.settle(&env));
        assert_eq!(bad.failure(), Some(Reason::Network));
        // The slot is written again: the update before stays failed.
        env.begin_write(SlotName::B).unwrap();
        assert!(!bad.settle(&env));
        assert_eq!(bad.failure(), Some(Reason::Network));
    }

    #[test]
    fn a_reason_of_a_newer_version_can_be_read() {
        let mut later = record();
        later.outcome = Outcome::Failed("gamma".into());
        assert_eq!(later.failure(), Some(Reason::Unknown));
    }
}
