//! What is known of the feed since the daemon started.

use jiff::{Timestamp, ToSpan};
use qx_host::config::{Channel, Config, FeedUrl};
use qx_slots::Release;

use super::transfer::sentence;
use crate::error::Error;

/// Until a feed is asked again by itself, after an answer and after none.
const A_DAY: i64 = 24;
const SOON: i64 = 1;

/// What is known of the feed.
pub(super) struct Known {
    /// The feed that the rest is about.
    of: Option<(FeedUrl, Channel)>,
    pub(super) checked: Option<Timestamp>,
    pub(super) problem: Option<String>,
    offer: Option<Release>,
    /// Fetching the offer failed.
    pub(super) not_fetched: bool,
    pub(super) next_check: Timestamp,
}

impl Known {
    /// Nothing yet; to be asked at some time of the next day that no other host is likely to have.
    pub(super) fn new(now: Timestamp) -> Self {
        // Without randomness all hosts ask at once, which a web server survives.
        let seconds = getrandom::u32().unwrap_or_default() % (24 * 3600);
        Self {
            of: None,
            checked: None,
            problem: None,
            offer: None,
            not_fetched: false,
            next_check: now + i64::from(seconds).seconds(),
        }
    }

    pub(super) fn learn(
        &mut self,
        of: (FeedUrl, Channel),
        now: Timestamp,
        found: Result<&Option<Release>, &Error>,
    ) {
        self.of = Some(of);
        self.checked = Some(now);
        self.not_fetched = false;
        (self.offer, self.problem, self.next_check) = match found {
            Ok(offer) => (offer.clone(), None, now + A_DAY.hours()),
            Err(error) => (None, Some(sentence(error)), now + SOON.hours()),
        };
    }

    /// What the feed of `config` has, if that is the one that was asked.
    pub(super) fn offer_of(&self, config: &Config) -> Option<&Release> {
        self.offer.as_ref().filter(|_| self.is_of(config))
    }

    pub(super) fn is_of(&self, config: &Config) -> bool {
        let updates = &config.updates;
        self.of.as_ref().is_some_and(|(url, channel)| {
            Some(url) == updates.feed.as_ref() && *channel == updates.channel
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use qx_slots::{Hash, Limits, Manifest, PART_NAMES, Part, SigningKey};

    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    pub(in super::super) fn feed(url: &str) -> FeedUrl {
        url.parse().unwrap()
    }

    fn config(url: &str, channel: &str) -> Config {
        let mut config = Config::default();
        config.updates.feed = Some(feed(url));
        config.updates.channel = channel.parse().unwrap();
        config
    }

    pub(in super::super) fn release(version: &str) -> Release {
        let parts = PART_NAMES.map(|name| Part {
            name: name.to_owned(),
            size: 1,
            blake3: Hash::of(b"x"),
        });
        let key = SigningKey::from_seed(&[1; 32]).public();
        let manifest = Manifest::new(
            version,
            "stable",
            key.id(),
            Limits::default(),
            parts.to_vec(),
        )
        .unwrap();
        Release::of(&manifest, "a.qxu", 1)
    }

    fn known() -> Known {
        let mut known = Known::new(NOW);
        let of = (feed("https://a.example"), "stable".parse().unwrap());
        known.learn(of, NOW, Ok(&Some(release("2.0.0"))));
        known
    }

    #[test]
    fn a_feed_is_asked_first_within_a_day_then_daily_and_sooner_when_it_did_not_answer() {
        let first = Known::new(NOW).next_check;
        assert!(NOW <= first && first < NOW + 24.hours(), "{first}");
        let mut known = known();
        assert_eq!(known.next_check, NOW + 24.hours());
        known.not_fetched = true;
        let of = (feed("https://a.example"), "stable".parse().unwrap());
        let error = Error::field("a", "b");
        known.learn(of, NOW, Err(&error));
        assert_eq!(known.next_check, NOW + 1.hours());
        assert_eq!((&known.offer, known.not_fetched), (&None, false));
        assert!(known.problem.unwrap().contains("a b"));
    }

    #[test]
    fn what_one_feed_said_is_not_told_of_another() {
        let known = known();
        assert!(
            known
                .offer_of(&config("https://a.example", "stable"))
                .is_some()
        );
        assert!(
            known
                .offer_of(&config("https://b.example", "stable"))
                .is_none()
        );
        assert!(
            known
                .offer_of(&config("https://a.example", "testing"))
                .is_none()
        );
        assert!(known.offer_of(&Config::default()).is_none());
    }
}
