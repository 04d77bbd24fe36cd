//! What must hold for every state, whatever was cut where.

use std::fmt;
use std::rc::Rc;

use qx_host::config::Config;
use qx_slots::{SlotName, SlotState};

use crate::model::{Class, Verdict};
use crate::replay::Cut;

/// What must never be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Violation {
    /// There was a system that starts, and now there is none.
    Gone,
    /// GRUB starts, and no system ever runs.
    Unbootable,
    /// A system runs that is not what was signed.
    Unverified,
    /// There was a boot environment, and now no copy of it can be believed.
    EnvironmentLost,
    /// The environment calls a slot good, or falls back to it, that is not whole.
    NotWhole(SlotName),
    /// The environment gave up the slot that it falls back to.
    GivenUp(SlotName),
    /// There was a configuration, and now there is none.
    ConfigurationLost,
    /// A configuration is in force that another one had replaced.
    ConfigurationOlder,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone => f.write_str("the installation is gone"),
            Self::Unbootable => f.write_str("no system ever runs"),
            Self::Unverified => f.write_str("a system runs that was not verified"),
            Self::EnvironmentLost => f.write_str("no copy of the boot environment can be believed"),
            Self::NotWhole(slot) => write!(f, "slot {slot} is called good and is not whole"),
            Self::GivenUp(slot) => write!(
                f,
                "slot {slot} is what the host falls back to, and was given up"
            ),
            Self::ConfigurationLost => f.write_str("the configuration is lost"),
            Self::ConfigurationOlder => f.write_str("an older configuration is in force"),
        }
    }
}

/// Knows what was promised: what was once on the medium of a disk that starts, and known to be, must stay.
#[derive(Debug, Default)]
pub struct Check {
    boots: bool,
    environment: bool,
    /// Configurations that were on the medium, oldest first.
    configs: Vec<Rc<Config>>,
}

impl Check {
    /// Judges one state. The states come in the order of the replay.
    pub fn judge(&mut self, cut: Cut, verdict: &Verdict) -> Vec<Violation> {
        let mut found = Vec::new();
        match verdict.class {
            Class::NothingInstalled if self.boots => found.push(Violation::Gone),
            Class::Unbootable(_) => found.push(Violation::Unbootable),
            Class::BootsUnverified { .. } => found.push(Violation::Unverified),
            Class::NothingInstalled | Class::Boots { .. } | Class::RefusedThenBoots { .. } => {}
        }
        let runs = verdict.class != Class::NothingInstalled;
        if runs && self.environment && verdict.env.is_none() {
            found.push(Violation::EnvironmentLost);
        }
        found.extend(verdict.not_whole.iter().copied().map(Violation::NotWhole));
        if let Some(env) = &verdict.env
            && env.slot(env.confirmed).state != SlotState::Good
        {
            found.push(Violation::GivenUp(env.confirmed));
        }
        match (&verdict.config, self.configs.split_last()) {
            (None, Some(_)) => found.push(Violation::ConfigurationLost),
            (Some(config), Some((last, older))) if config != last && older.contains(config) => {
                found.push(Violation::ConfigurationOlder);
            }
            _ => {}
        }
        if cut == Cut::Flushed {
            self.promise(verdict);
        }
        found
    }

    fn promise(&mut self, verdict: &Verdict) {
        if verdict.class == Class::NothingInstalled {
            return;
        }
        self.boots = true;
        self.environment |= verdict.env.is_some();
        if let Some(config) = &verdict.config
            && self.configs.last() != Some(config)
        {
            self.configs.push(Rc::clone(config));
        }
    }
}
