//! Waiting. Everything in the harness that waits polls a condition against a deadline and says, when the
//! deadline passes, what it waited for and what it saw last. Nothing sleeps for a guessed time.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How long `poll` rests between two looks at its condition.
const INTERVAL: Duration = Duration::from_millis(100);

/// `n` seconds.
pub const fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// `n` minutes.
pub const fn minutes(n: u64) -> Duration {
    Duration::from_secs(n * 60)
}

/// What one look at a condition found.
pub enum Look<T> {
    /// It holds.
    Done(T),
    /// It does not hold yet; the text says what is seen instead.
    NotYet(String),
}

/// Looks again and again until the condition holds. An error from `look` ends the wait at once.
///
/// # Errors
/// The first error of `look`, or, after `within`, a sentence that names `what` and the last thing seen.
pub fn poll<T>(
    what: &str,
    within: Duration,
    mut look: impl FnMut() -> Result<Look<T>>,
) -> Result<T> {
    let end = Instant::now() + within;
    loop {
        let seen = match look()? {
            Look::Done(value) => return Ok(value),
            Look::NotYet(seen) => seen,
        };
        if Instant::now() >= end {
            bail!(
                "waited {} s for {what}; last seen: {seen}",
                within.as_secs()
            );
        }
        thread::sleep(INTERVAL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_it_waited_for_and_what_it_saw() {
        let error = poll::<()>("a miracle", Duration::ZERO, || {
            Ok(Look::NotYet("rain".into()))
        })
        .unwrap_err()
        .to_string();
        assert_eq!(error, "waited 0 s for a miracle; last seen: rain");
    }

    #[test]
    fn returns_as_soon_as_the_condition_holds() {
        let mut looks = 0;
        let value = poll("two looks", seconds(5), || {
            looks += 1;
            Ok(if looks == 2 {
                Look::Done(7)
            } else {
                Look::NotYet("one look".into())
            })
        });
        assert_eq!(value.unwrap(), 7);
    }
}
