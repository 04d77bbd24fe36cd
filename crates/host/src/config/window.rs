//! When a host may change by itself.

use std::fmt;
use std::str::FromStr;

use super::types::ValueError;

/// Least length of a window: a restart takes some minutes.
pub(super) const LEAST_MINUTES: u16 = 15;
/// Greatest length: a day.
pub(super) const MOST_MINUTES: u16 = 1440;

/// What a host does with a newer version in its feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Automatic {
    /// Tell.
    #[default]
    Off,
    /// Write it to the other slot.
    Fetch,
    /// Write it to the other slot, and start it inside the window.
    Apply,
}

impl Automatic {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Off, Self::Fetch, Self::Apply];

    /// As in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Fetch => "fetch",
            Self::Apply => "apply",
        }
    }
}

impl FromStr for Automatic {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let found = Self::ALL.into_iter().find(|word| word.as_str() == text);
        found.ok_or(ValueError::new("must be \"off\", \"fetch\" or \"apply\""))
    }
}

/// A day of the week, Monday first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Day {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

impl Day {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Mon,
        Self::Tue,
        Self::Wed,
        Self::Thu,
        Self::Fri,
        Self::Sat,
        Self::Sun,
    ];

    /// As in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mon => "mon",
            Self::Tue => "tue",
            Self::Wed => "wed",
            Self::Thu => "thu",
            Self::Fri => "fri",
            Self::Sat => "sat",
            Self::Sun => "sun",
        }
    }
}

impl FromStr for Day {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let found = Self::ALL.into_iter().find(|day| day.as_str() == text);
        found.ok_or(ValueError::new(
            "must be a day: \"mon\", \"tue\", \"wed\", \"thu\", \"fri\", \"sat\" or \"sun\"",
        ))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A time of the day on the host's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeOfDay {
    /// 0 to 23.
    pub hour: i8,
    /// 0 to 59.
    pub minute: i8,
}

impl FromStr for TimeOfDay {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let wanted = ValueError::new("must be a time from \"00:00\" to \"23:59\"");
        let two = |text: &str, most: i8| {
            let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
            let number = text.parse().ok().filter(|number| *number <= most);
            number.filter(|_| digits)
        };
        let (hour, minute) = text.split_once(':').ok_or(wanted.clone())?;
        match (two(hour, 23), two(minute, 59)) {
            (Some(hour), Some(minute)) => Ok(Self { hour, minute }),
            _ => Err(wanted),
        }
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.hour, self.minute)
    }
}

/// When the host may restart by itself, on its own clock and in its own time zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// Days on which it opens; at least one.
    pub days: Vec<Day>,
    /// When it opens.
    pub start: TimeOfDay,
    /// How long it stays open.
    pub minutes: u16,
}
