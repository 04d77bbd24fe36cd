//! The last output of one serial line, and where each of its viewers is in it. The one who writes never waits:
//! a viewer who falls behind by more than is kept misses the oldest of it, and is told how much.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::watch;

/// Output kept of each VM, in bytes.
pub(super) const KEPT: usize = 256 * 1024;
/// Largest piece that a viewer gets at once.
const PIECE: usize = 64 * 1024;

/// Bytes counted from the first that the line ever wrote.
type Position = u64;

/// What a line wrote last. Memory is taken as output comes, up to [`KEPT`].
pub(super) struct Scrollback {
    kept: Mutex<Kept>,
    /// The end of the output; closed with the line.
    end: watch::Sender<Position>,
}

#[derive(Default)]
struct Kept {
    bytes: VecDeque<u8>,
    end: Position,
}

impl Scrollback {
    pub(super) fn new() -> Self {
        Self {
            kept: Mutex::default(),
            end: watch::Sender::new(0),
        }
    }

    /// Adds output, and wakes the viewers.
    pub(super) fn add(&self, output: &[u8]) {
        let end = {
            let mut kept = self.kept();
            kept.end += output.len() as Position;
            let output = &output[output.len().saturating_sub(KEPT)..];
            let excess = (kept.bytes.len() + output.len()).saturating_sub(KEPT);
            kept.bytes.drain(..excess);
            kept.bytes.extend(output);
            kept.end
        };
        self.end.send_replace(end);
    }

    /// A new viewer, who sees what is kept first.
    pub(super) fn view(self: &Arc<Self>) -> SerialOutput {
        let kept = self.kept();
        SerialOutput {
            at: kept.end - kept.bytes.len() as Position,
            changed: self.end.subscribe(),
            // A viewer does not keep the line: that would keep it from ending.
            scrollback: Arc::downgrade(self),
        }
    }

    /// Output from `at` on, and where it ends. What is no longer kept is passed over, in words.
    fn from(&self, at: Position) -> Option<(Bytes, Position)> {
        let kept = self.kept();
        let oldest = kept.end - kept.bytes.len() as Position;
        if at < oldest {
            let missed = oldest - at;
            let told = format!(
                "\r\n[{missed} bytes of output are missing here: they came faster than they were taken]\r\n"
            );
            return Some((told.into(), oldest));
        }
        // Below KEPT, so it fits.
        let skipped = usize::try_from(at - oldest).unwrap_or(usize::MAX);
        let length = kept.bytes.len().saturating_sub(skipped).min(PIECE);
        if length == 0 {
            return None;
        }
        let piece: Vec<u8> = kept
            .bytes
            .range(skipped..skipped + length)
            .copied()
            .collect();
        Some((piece.into(), at + length as Position))
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one viewer of a serial line sees: the kept output first.
#[derive(Debug)]
pub struct SerialOutput {
    at: Position,
    changed: watch::Receiver<Position>,
    scrollback: std::sync::Weak<Scrollback>,
}

impl std::fmt::Debug for Scrollback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scrollback").finish_non_exhaustive()
    }
}

impl SerialOutput {
    /// What the guest wrote next, at most 64 KiB of it; `None` when the VM is removed. Can be dropped while it
    /// waits, and called again.
    pub async fn recv(&mut self) -> Option<Bytes> {
        loop {
            self.changed.borrow_and_update();
            let next = self.scrollback.upgrade()?.from(self.at);
            if let Some((piece, at)) = next {
                self.at = at;
                return Some(piece);
            }
            self.changed.changed().await.ok()?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_late_viewer_sees_the_end_of_what_came_before() {
        let line = Arc::new(Scrollback::new());
        for number in 0..100_000 {
            line.add(format!("{number:07}\n").as_bytes());
        }
        let mut view = line.view();
        let mut seen = Vec::new();
        while seen.len() < KEPT {
            let piece = view.recv().await.unwrap();
            assert!(piece.len() <= PIECE);
            seen.extend_from_slice(&piece);
        }
        assert_eq!(seen.len(), KEPT);
        assert!(seen.ends_with(b"0099998\n0099999\n"));
        assert!(line.kept().bytes.capacity() <= 2 * KEPT);
    }

    #[tokio::test]
    async fn a_viewer_who_falls_behind_is_told_what_is_missing_and_goes_on() {
        let line = Arc::new(Scrollback::new());
        let mut view = line.view();
        line.add(b"first");
        assert_eq!(view.recv().await.unwrap(), "first");
        line.add(&vec![b'x'; KEPT]);
        line.add(b"last");
        let told = view.recv().await.unwrap();
        assert!(
            told.starts_with(b"\r\n[4 bytes of output are missing here"),
            "{told:?}"
        );
        let mut rest = Vec::new();
        while rest.len() < KEPT {
            rest.extend_from_slice(&view.recv().await.unwrap());
        }
        assert!(rest.len() == KEPT && rest.ends_with(b"xlast"));
    }

    #[tokio::test]
    async fn one_piece_larger_than_all_that_is_kept_is_cut_at_its_beginning() {
        let line = Arc::new(Scrollback::new());
        let mut huge = vec![b'x'; 2 * KEPT];
        huge.extend_from_slice(b"end");
        line.add(&huge);
        let mut view = line.view();
        let mut seen = Vec::new();
        while seen.len() < KEPT {
            seen.extend_from_slice(&view.recv().await.unwrap());
        }
        assert!(seen.ends_with(b"xend"));
    }

    #[tokio::test]
    async fn a_viewer_hears_the_end_of_the_line() {
        let line = Arc::new(Scrollback::new());
        let mut view = line.view();
        drop(line);
        assert!(view.recv().await.is_none());
    }
}
