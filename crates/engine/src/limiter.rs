//! How many failed log-ins an address may have. A bucket per address: five at once, then one every
//! twelve seconds. Owns no notion of users; the local console never passes here.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// Failures that an address may have at once.
const BURST: u32 = 5;
/// Time until one more is allowed.
const REFILL: Duration = Duration::from_secs(12);
/// Addresses remembered; when there are more, those that owe least are forgotten.
const MOST: usize = 4096;

/// Failed log-ins by address.
#[derive(Debug, Default)]
pub(crate) struct Limiter {
    /// When the address will owe nothing any more.
    debts: HashMap<IpAddr, Instant>,
}

impl Limiter {
    /// Books a failure in advance, so that guesses made at the same time count; or says how long to
    /// wait.
    pub(crate) fn charge(&mut self, address: IpAddr, now: Instant) -> Result<(), Duration> {
        let paid = self
            .debts
            .get(&network(address))
            .copied()
            .unwrap_or(now)
            .max(now)
            + REFILL;
        let most = now + REFILL * BURST;
        if paid > most {
            return Err(paid - most);
        }
        self.forget_some(now);
        self.debts.insert(network(address), paid);
        Ok(())
    }

    /// The log-in was good: nothing is owed.
    pub(crate) fn forgive(&mut self, address: IpAddr) {
        self.debts.remove(&network(address));
    }

    fn forget_some(&mut self, now: Instant) {
        if self.debts.len() < MOST {
            return;
        }
        self.debts.retain(|_, paid| *paid > now);
        if self.debts.len() >= MOST
            && let Some(least) = self
                .debts
                .iter()
                .min_by_key(|(_, paid)| **paid)
                .map(|(a, _)| *a)
        {
            self.debts.remove(&least);
        }
    }
}

/// What one person can hold: an IPv4 address, or an IPv6 network of 64 bits.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let mut octets = address.octets();
            octets[8..].fill(0);
            IpAddr::from(octets)
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_sixth_failure_must_wait_and_others_need_not() {
        let mut limiter = Limiter::default();
        let now = Instant::now();
        for _ in 0..BURST {
            limiter.charge(address("192.0.2.1"), now).unwrap();
        }
        assert_eq!(limiter.charge(address("192.0.2.1"), now), Err(REFILL));
        limiter.charge(address("192.0.2.2"), now).unwrap();
        limiter.charge(address("192.0.2.1"), now + REFILL).unwrap();
    }

    #[test]
    fn a_good_log_in_forgives() {
        let mut limiter = Limiter::default();
        let now = Instant::now();
        for _ in 0..3 * BURST {
            limiter.charge(address("::ffff:192.0.2.1"), now).unwrap();
            limiter.forgive(address("192.0.2.1"));
        }
    }

    #[test]
    fn one_ipv6_network_counts_as_one_address() {
        let mut limiter = Limiter::default();
        let now = Instant::now();
        for host in 1..=BURST {
            limiter
                .charge(address(&format!("2001:db8::{host}")), now)
                .unwrap();
        }
        assert!(limiter.charge(address("2001:db8::99"), now).is_err());
        assert!(limiter.charge(address("2001:db8:0:1::99"), now).is_ok());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut limiter = Limiter::default();
        let now = Instant::now();
        for n in 0..10_000_u32 {
            limiter.charge(IpAddr::from(n.to_be_bytes()), now).unwrap();
        }
        assert!(limiter.debts.len() <= MOST);
    }
}
