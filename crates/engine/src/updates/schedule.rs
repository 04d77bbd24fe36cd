//! When a host asks its feed by itself, and when it changes its own system. Pure: time and facts go in, a step
//! comes out.
//!
//! ```text
//!            check due            newer one,             it is in the other slot,
//!             ┌──────┐           not there yet           window open
//!  Wait ──────┤ Check├──offer──► Fetch ──────────────────► Apply ──► restart, trial
//!             └──────┘   "off": stays an offer   "fetch": stays there
//! ```

use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use qx_host::config::{Automatic, Day, Window};

/// Days that are looked at for the next opening: a window may open once a week, and one of yesterday may still be
/// open.
const DAYS: std::ops::RangeInclusive<i64> = -2..=8;

/// A stretch of time in which the host may restart by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opening {
    /// Its first moment.
    pub starts: Timestamp,
    /// The first moment after it.
    pub ends: Timestamp,
}

impl Opening {
    /// Whether `now` is in it.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.starts <= now && now < self.ends
    }
}

/// The opening of `window` that is open at `now`, or else the next one. A window that opens at a time which the
/// clock skips opens when the clock goes on; at a time that comes twice, at the first. It is open for its minutes
/// whatever the clock does meanwhile.
pub(super) fn opening(window: &Window, zone: &TimeZone, now: Timestamp) -> Option<Opening> {
    let today = now.to_zoned(zone.clone()).date();
    let openings = DAYS.filter_map(|days| {
        let date = today.checked_add(days.days()).ok()?;
        let opens = window
            .days
            .iter()
            .any(|day| weekday(*day) == date.weekday());
        let start = date.at(window.start.hour, window.start.minute, 0, 0);
        let starts = opens.then(|| start.to_zoned(zone.clone()).ok()).flatten()?;
        let starts = starts.timestamp();
        let ends = starts
            .checked_add(i64::from(window.minutes).minutes())
            .ok()?;
        Some(Opening { starts, ends })
    });
    openings
        .filter(|opening| now < opening.ends)
        .min_by_key(|opening| opening.starts)
}

const fn weekday(day: Day) -> Weekday {
    match day {
        Day::Mon => Weekday::Monday,
        Day::Tue => Weekday::Tuesday,
        Day::Wed => Weekday::Wednesday,
        Day::Thu => Weekday::Thursday,
        Day::Fri => Weekday::Friday,
        Day::Sat => Weekday::Saturday,
        Day::Sun => Weekday::Sunday,
    }
}

/// What is known when a step is chosen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Situation {
    /// The feed is to be asked again.
    pub(super) check_is_due: bool,
    /// What the host may do by itself.
    pub(super) automatic: Automatic,
    /// The window is open.
    pub(super) window_is_open: bool,
    /// Something is being written, or a version is on trial or waits for it.
    pub(super) busy: bool,
    /// What the feed has for this host.
    pub(super) offer: Offered,
}

/// What a feed has for this host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Offered {
    /// Nothing, as far as is known.
    Nothing,
    /// A newer version.
    Newer,
    /// A newer version that could not be fetched since the feed was asked last.
    NotFetched,
    /// A newer version, which is in the other slot.
    Staged,
    /// A newer version that failed here, or that somebody went back from. Only a person tries it again.
    GivenUp,
}

/// What a host does by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing now.
    Wait,
    /// Ask the feed.
    Check,
    /// Write what it has to the other slot.
    Fetch,
    /// Restart into it.
    Apply,
}

/// The next step. Nothing is begun while a person, or an earlier step, is at it.
pub(super) const fn step(now: &Situation) -> Step {
    match (now.busy, now.check_is_due, now.automatic, now.offer) {
        (true, ..) => Step::Wait,
        (_, true, ..) => Step::Check,
        (_, _, Automatic::Fetch | Automatic::Apply, Offered::Newer) => Step::Fetch,
        (_, _, Automatic::Apply, Offered::Staged) if now.window_is_open => Step::Apply,
        _ => Step::Wait,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use qx_host::config::TimeOfDay;

    /// Central European time: summer time from the last Sunday of March, 2:00, to that of October, 3:00.
    fn berlin() -> TimeZone {
        TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap()
    }

    fn window(days: &[Day], start: &str, minutes: u16) -> Window {
        Window {
            days: days.to_vec(),
            start: start.parse::<TimeOfDay>().unwrap(),
            minutes,
        }
    }

    /// Start, end, and whether it is open, as text in UTC.
    fn at(window: &Window, zone: &TimeZone, now: &str) -> (String, String, bool) {
        let now: Timestamp = now.parse().unwrap();
        let opening = opening(window, zone, now).unwrap();
        (
            opening.starts.to_string(),
            opening.ends.to_string(),
            opening.is_open(now),
        )
    }

    fn told(starts: &str, ends: &str, open: bool) -> (String, String, bool) {
        (starts.to_owned(), ends.to_owned(), open)
    }

    #[test]
    fn a_window_is_meant_in_the_hosts_own_time_zone() {
        // 2026-11-24 is a Tuesday.
        let weekend = window(&[Day::Sat, Day::Sun], "02:00", 120);
        let now = "2026-11-24T12:00:00Z";
        for (zone, starts, ends) in [
            (
                TimeZone::UTC,
                "2026-11-28T02:00:00Z",
                "2026-11-28T04:00:00Z",
            ),
            (berlin(), "2026-11-28T01:00:00Z", "2026-11-28T03:00:00Z"),
            (
                TimeZone::posix("EST5EDT,M3.2.0,M11.1.0").unwrap(),
                "2026-11-28T07:00:00Z",
                "2026-11-28T09:00:00Z",
            ),
            (
                TimeZone::posix("<+1245>-12:45").unwrap(),
                "2026-11-27T13:15:00Z",
                "2026-11-27T15:15:00Z",
            ),
        ] {
            assert_eq!(at(&weekend, &zone, now), told(starts, ends, false));
        }
    }

    #[test]
    fn it_is_open_from_its_first_moment_to_the_last_before_its_end() {
        let sunday = window(&[Day::Sun], "02:00", 120);
        let this = |open| told("2026-11-29T02:00:00Z", "2026-11-29T04:00:00Z", open);
        let utc = TimeZone::UTC;
        assert_eq!(at(&sunday, &utc, "2026-11-29T01:59:59Z"), this(false));
        assert_eq!(at(&sunday, &utc, "2026-11-29T02:00:00Z"), this(true));
        assert_eq!(at(&sunday, &utc, "2026-11-29T03:59:59Z"), this(true));
        let next = told("2026-12-06T02:00:00Z", "2026-12-06T04:00:00Z", false);
        assert_eq!(at(&sunday, &utc, "2026-11-29T04:00:00Z"), next);
    }

    #[test]
    fn a_window_that_goes_past_midnight_is_still_that_days() {
        let friday = window(&[Day::Fri], "23:00", 240);
        let open = told("2026-11-27T23:00:00Z", "2026-11-28T03:00:00Z", true);
        assert_eq!(at(&friday, &TimeZone::UTC, "2026-11-28T02:00:00Z"), open);
        let whole = window(&[Day::Sat], "12:00", 1440);
        let open = told("2026-11-28T12:00:00Z", "2026-11-29T12:00:00Z", true);
        assert_eq!(at(&whole, &TimeZone::UTC, "2026-11-29T11:59:00Z"), open);
    }

    #[test]
    fn a_time_that_the_clock_skips_opens_when_it_goes_on_and_stays_open_as_long() {
        let sunday = window(&[Day::Sun], "02:30", 60);
        // 2026-03-29: after 01:59:59 CET comes 03:00:00 CEST.
        let skipped = told("2026-03-29T01:30:00Z", "2026-03-29T02:30:00Z", false);
        assert_eq!(at(&sunday, &berlin(), "2026-03-28T12:00:00Z"), skipped);
        // A window over the gap lasts its minutes, not until the same hour on the clock.
        let over = window(&[Day::Sun], "01:30", 60);
        let lasts = told("2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z", true);
        assert_eq!(at(&over, &berlin(), "2026-03-29T01:29:00Z"), lasts);
    }

    #[test]
    fn a_time_that_comes_twice_opens_once_at_the_first() {
        let sunday = window(&[Day::Sun], "02:30", 60);
        // 2026-10-25: after 02:59:59 CEST comes 02:00:00 CET.
        let first = told("2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", false);
        assert_eq!(at(&sunday, &berlin(), "2026-10-24T12:00:00Z"), first);
        let next = told("2026-11-01T01:30:00Z", "2026-11-01T02:30:00Z", false);
        assert_eq!(at(&sunday, &berlin(), "2026-10-25T01:30:00Z"), next);
    }

    #[test]
    fn every_day_has_its_own_weekday() {
        let monday: Timestamp = "2026-11-23T00:00:00Z".parse().unwrap();
        for (after, day) in Day::ALL.into_iter().enumerate() {
            let opening = opening(&window(&[day], "00:00", 15), &TimeZone::UTC, monday).unwrap();
            let expected = monday + (i64::try_from(after).unwrap() * 24).hours();
            assert_eq!(opening.starts, expected, "{day}");
        }
    }

    const CALM: Situation = Situation {
        check_is_due: false,
        automatic: Automatic::Apply,
        window_is_open: true,
        busy: false,
        offer: Offered::Staged,
    };

    #[test]
    fn each_word_of_automatic_goes_as_far_as_it_says() {
        use Automatic::{Apply, Fetch, Off};
        use Offered::{GivenUp, Newer, NotFetched, Nothing, Staged};
        for (automatic, offer, wanted) in [
            (Off, Newer, Step::Wait),
            (Off, Staged, Step::Wait),
            (Fetch, Nothing, Step::Wait),
            (Fetch, Newer, Step::Fetch),
            (Fetch, NotFetched, Step::Wait),
            (Fetch, Staged, Step::Wait),
            (Fetch, GivenUp, Step::Wait),
            (Apply, Newer, Step::Fetch),
            (Apply, NotFetched, Step::Wait),
            (Apply, Staged, Step::Apply),
            (Apply, GivenUp, Step::Wait),
        ] {
            let now = Situation {
                automatic,
                offer,
                ..CALM
            };
            assert_eq!(step(&now), wanted, "{automatic:?} {offer:?}");
        }
    }

    #[test]
    fn nothing_restarts_outside_of_the_window_and_nothing_begins_while_something_is_under_way() {
        let closed = Situation {
            window_is_open: false,
            ..CALM
        };
        assert_eq!(step(&closed), Step::Wait);
        for check_is_due in [true, false] {
            for offer in [Offered::Newer, Offered::Staged] {
                let busy = Situation {
                    busy: true,
                    check_is_due,
                    offer,
                    ..CALM
                };
                assert_eq!(step(&busy), Step::Wait);
            }
        }
        let due = Situation {
            check_is_due: true,
            automatic: Automatic::Off,
            ..CALM
        };
        assert_eq!(step(&due), Step::Check);
    }
}
