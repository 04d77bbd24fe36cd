//! What happened, in order: each event has a sequence number, the last ones can be replayed, and who
//! missed more is told so. Owns the numbers and the ring; knows no wire format.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use qx_model::access::{Actor, Operation};
use qx_model::name::ImageName;
use qx_model::vm::{Vm, VmId};
use tokio::sync::broadcast;

use crate::authorize::authorize;
use crate::error::Result;
use crate::tasks::Task;

/// Events kept for replay, and how far a live subscriber may fall behind.
const KEPT: usize = 1024;

/// Room for this many events a second before the numbers of two runs of the daemon could meet. The
/// product of both stays below 2^53, so that a number survives JavaScript.
const NUMBERS_A_SECOND: u64 = 1 << 20;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Rises by at least one with each event, across restarts of the daemon too.
    pub seq: u64,
    /// When it was noticed.
    pub time: SystemTime,
    /// What happened.
    pub kind: EventKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventKind {
    /// A VM is new or different; this is how it is now.
    VmChanged(Arc<Vm>),
    /// A VM is gone.
    VmRemoved(VmId),
    /// A file of the image library is new, different or gone.
    ImageChanged(ImageName),
    /// Virtual networks are different.
    NetworksChanged,
    /// Storage pools, or volumes in them, are different.
    PoolsChanged,
    /// The host, its hypervisor connection included, is different.
    HostChanged,
    /// Slots or updates are different.
    UpdatesChanged,
    /// Users or API tokens are different.
    AccessChanged,
    /// A VM's snapshots are different.
    SnapshotsChanged(VmId),
    /// A task is new or different; this is how it is now, without its log.
    TaskChanged(Arc<Task>),
    /// Events were missed: read everything again.
    Resync,
}

/// The stream of events. Clones share it.
#[derive(Debug, Clone)]
pub struct Events {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    ring: Mutex<Ring>,
    live: broadcast::Sender<Event>,
}

#[derive(Debug)]
struct Ring {
    last: u64,
    /// The number before the oldest one that was ever kept, or dropped last.
    forgotten: u64,
    events: VecDeque<Event>,
}

impl Events {
    pub(crate) fn new() -> Self {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let last = now.as_secs().saturating_mul(NUMBERS_A_SECOND);
        let ring = Ring {
            last,
            forgotten: last,
            events: VecDeque::with_capacity(KEPT),
        };
        Self {
            inner: Arc::new(Inner {
                ring: Mutex::new(ring),
                live: broadcast::channel(KEPT).0,
            }),
        }
    }

    /// The events after `since`, and all that follow. When some of them are no longer kept (or `since`
    /// was never given out), the first is [`EventKind::Resync`]. A receiver that lags behind has lost
    /// events too: treat it as a resync.
    pub fn subscribe(
        &self,
        actor: &Actor,
        since: Option<u64>,
    ) -> Result<(Vec<Event>, broadcast::Receiver<Event>)> {
        authorize(actor, Operation::EventsRead)?;
        let ring = self
            .inner
            .ring
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let replay = match since {
            None => Vec::new(),
            Some(seq) if seq < ring.forgotten || seq > ring.last => vec![Event {
                seq: ring.last,
                time: SystemTime::now(),
                kind: EventKind::Resync,
            }],
            Some(seq) => ring
                .events
                .iter()
                .filter(|event| event.seq > seq)
                .cloned()
                .collect(),
        };
        Ok((replay, self.inner.live.subscribe()))
    }

    /// The events from now on, for the engine's own use.
    pub(crate) fn live(&self) -> broadcast::Receiver<Event> {
        self.inner.live.subscribe()
    }

    pub(crate) fn publish(&self, kind: EventKind) {
        let mut ring = self
            .inner
            .ring
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        ring.last += 1;
        let event = Event {
            seq: ring.last,
            time: SystemTime::now(),
            kind,
        };
        if ring.events.len() == KEPT
            && let Some(dropped) = ring.events.pop_front()
        {
            ring.forgotten = dropped.seq;
        }
        ring.events.push_back(event.clone());
        // Sent under the lock, so that a subscriber sees it either replayed or live, never both. No
        // receiver is no error.
        let _ = self.inner.live.send(event);
    }
}

#[cfg(test)]
mod tests {
    use qx_model::access::Role;

    use super::*;

    fn viewer() -> Actor {
        Actor {
            name: "v".into(),
            role: Role::Viewer,
            origin: "local".into(),
        }
    }

    #[test]
    fn events_after_a_known_number_are_replayed_once() {
        let events = Events::new();
        events.publish(EventKind::HostChanged);
        let (_, mut live) = events.subscribe(&viewer(), None).unwrap();
        events.publish(EventKind::HostChanged);
        let first = live.try_recv().unwrap();
        events.publish(EventKind::Resync);
        let (replay, mut live) = events.subscribe(&viewer(), Some(first.seq)).unwrap();
        assert_eq!(replay.len(), 1);
        assert_eq!(replay[0].kind, EventKind::Resync);
        assert!(live.try_recv().is_err());
    }

    #[test]
    fn a_subscriber_that_missed_too_much_is_told_to_resync() {
        let events = Events::new();
        let (_, mut live) = events.subscribe(&viewer(), None).unwrap();
        events.publish(EventKind::HostChanged);
        let first = live.try_recv().unwrap();
        for _ in 0..=KEPT {
            events.publish(EventKind::HostChanged);
        }
        for since in [0, first.seq, u64::MAX] {
            let (replay, _) = events.subscribe(&viewer(), Some(since)).unwrap();
            assert_eq!(replay.len(), 1, "since {since}");
            assert_eq!(replay[0].kind, EventKind::Resync);
        }
    }
}
