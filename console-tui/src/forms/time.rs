//! Local time and time servers.

use qx_host::config::{ServerName, System, TimeZone};

use super::{joined, list, parsed, text};
use crate::shell::{Field, Form, Model, Problems};

/// As many as the configuration takes.
const MOST_SERVERS: usize = 16;
/// Longest names of all servers together.
const LIMIT: usize = 1024;

/// The fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TimeKey {
    /// The zone's name.
    Zone,
    /// Names of servers.
    Servers,
}

/// What the form stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeValue {
    /// Local time.
    pub timezone: TimeZone,
    /// Time servers; none leaves the clock alone.
    pub ntp: Vec<ServerName>,
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Time {
    form: Form<TimeKey>,
    /// Names that this system knows; empty where the list could not be read, and then any is taken.
    zones: Vec<String>,
}

impl Time {
    /// With what is configured.
    #[must_use]
    pub fn new(system: &System, zones: Vec<String>) -> Self {
        let form = Form::new(vec![
            Field::new(
                TimeKey::Zone,
                "Time zone",
                "UTC, or region and city, such as Europe/Berlin. Logs and schedules follow it.",
                text(&system.timezone, 64),
            ),
            Field::new(
                TimeKey::Servers,
                "Time servers",
                "Names or addresses, separated by commas. Empty: the clock is left alone.",
                text(joined(&system.ntp), LIMIT),
            ),
        ]);
        Self { form, zones }
    }

    /// Takes the names that this system knows.
    pub fn know(&mut self, zones: Vec<String>) {
        self.zones = zones;
    }

    /// Zones whose name has what is typed in it, a few of them.
    #[must_use]
    pub fn suggestions(&self) -> Vec<&str> {
        const MOST: usize = 4;
        let typed = self.form.text(TimeKey::Zone).to_lowercase();
        let fits = |zone: &&String| zone.to_lowercase().contains(&typed);
        let found = self.zones.iter().filter(fits).take(MOST);
        let found: Vec<&str> = found.map(String::as_str).collect();
        match found[..] {
            [only] if only.eq_ignore_ascii_case(&typed) => Vec::new(),
            _ if typed.len() < 2 => Vec::new(),
            _ => found,
        }
    }
}

impl Model for Time {
    type Key = TimeKey;
    type Value = TimeValue;

    fn form(&self) -> &Form<TimeKey> {
        &self.form
    }

    fn form_mut(&mut self) -> &mut Form<TimeKey> {
        &mut self.form
    }

    fn value(&self) -> Result<TimeValue, Problems<TimeKey>> {
        let mut problems = Vec::new();
        let typed = self.form.text(TimeKey::Zone);
        // Capitals are a matter of taste to people, not to files.
        let known = self
            .zones
            .iter()
            .find(|zone| zone.eq_ignore_ascii_case(&typed));
        if known.is_none() && !self.zones.is_empty() {
            let reason = "is not the name of a time zone that this system knows".to_owned();
            problems.push((TimeKey::Zone, reason));
        }
        let zone = known.unwrap_or(&typed);
        let timezone: Option<TimeZone> = parsed(TimeKey::Zone, zone, &mut problems);
        let servers = self.form.text(TimeKey::Servers);
        let ntp = list(TimeKey::Servers, &servers, MOST_SERVERS, &mut problems);
        match timezone {
            Some(timezone) if problems.is_empty() => Ok(TimeValue { timezone, ntp }),
            _ => Err(problems),
        }
    }
}
