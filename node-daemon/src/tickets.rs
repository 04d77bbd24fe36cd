//! One-use tickets that open a console's WebSocket: a browser can't send a header with one, and a URL
//! that leaks must be worth nothing.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use qx_api::rest::ConsoleType;
use qx_model::vm::VmId;

/// How long a ticket is good.
pub(crate) const LIFETIME: Duration = Duration::from_secs(30);
/// Tickets at once; the oldest makes room.
const MOST: usize = 1024;

/// What a ticket is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Grant {
    /// Name of the user or token.
    pub(crate) actor: String,
    pub(crate) vm: VmId,
    /// The page that asked, for browsers.
    pub(crate) origin: Option<String>,
}

#[derive(Debug)]
struct Ticket {
    grant: Grant,
    /// What it opens.
    kind: ConsoleType,
    end: Instant,
}

/// Tickets that nobody has used yet.
#[derive(Debug, Default)]
pub(crate) struct Tickets {
    open: Mutex<HashMap<String, Ticket>>,
}

impl Tickets {
    /// A new ticket; `None` when the system gives no random numbers.
    pub(crate) fn issue(&self, grant: Grant, kind: ConsoleType) -> Option<String> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).ok()?;
        let ticket = hex::encode(bytes);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        open.retain(|_, ticket| ticket.end > now);
        if open.len() >= MOST
            && let Some(oldest) = open
                .iter()
                .min_by_key(|(_, ticket)| ticket.end)
                .map(|(t, _)| t.clone())
        {
            open.remove(&oldest);
        }
        let end = now + LIFETIME;
        open.insert(ticket.clone(), Ticket { grant, kind, end });
        Some(ticket)
    }

    /// Uses a ticket up, whether it fits or not; what it opens if it does.
    pub(crate) fn redeem(&self, ticket: &str, wanted: &Grant) -> Option<ConsoleType> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let found = open.remove(ticket)?;
        (found.end > Instant::now() && found.grant == *wanted).then_some(found.kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(actor: &str) -> Grant {
        Grant {
            actor: actor.into(),
            vm: VmId(uuid::Uuid::nil()),
            origin: None,
        }
    }

    #[test]
    fn a_ticket_is_good_once_and_for_its_owner_only() {
        let tickets = Tickets::default();
        let ticket = tickets.issue(grant("a"), ConsoleType::Vnc).unwrap();
        assert_eq!(tickets.redeem(&ticket, &grant("a")), Some(ConsoleType::Vnc));
        assert!(tickets.redeem(&ticket, &grant("a")).is_none());
        let ticket = tickets.issue(grant("a"), ConsoleType::Vnc).unwrap();
        assert!(tickets.redeem(&ticket, &grant("b")).is_none());
        assert!(
            tickets.redeem(&ticket, &grant("a")).is_none(),
            "a failed try must use it up"
        );
        let elsewhere = Grant {
            origin: Some("https://evil".into()),
            ..grant("a")
        };
        let ticket = tickets.issue(grant("a"), ConsoleType::Vnc).unwrap();
        assert!(tickets.redeem(&ticket, &elsewhere).is_none());
    }

    #[test]
    fn the_number_of_open_tickets_is_bounded() {
        let tickets = Tickets::default();
        for _ in 0..2 * MOST {
            tickets.issue(grant("a"), ConsoleType::Vnc).unwrap();
        }
        assert!(tickets.open.lock().unwrap().len() <= MOST);
    }
}
