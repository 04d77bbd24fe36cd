//! A disk that forgets what was not flushed when the power goes. QEMU reaches it over a socket; what it writes
//! stays in a cache until it flushes, as in a disk of metal, and a power cut takes any of it.
//!
//! ```text
//!   QEMU ──write──► cache ──flush──► medium
//!                     │ power cut: each write is gone, torn between two sectors, or there
//! ```
//! A QEMU that is killed alone loses nothing of that kind: what it wrote is in the build machine's memory. A
//! disk can also go dark at a write of one's choice, so that the power goes exactly there.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use anyhow::{Context, Result};
use fastrand::Rng;

use crate::deadline::{Look, poll, seconds};
use crate::nbd::{self, Device, SECTOR};

/// What keeps bytes without power.
pub trait Medium: Send + 'static {
    /// Length in bytes.
    fn bytes(&self) -> u64;

    /// Fills `bytes` from `offset`, whole sectors.
    ///
    /// # Errors
    /// When they cannot be read.
    fn read(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()>;

    /// Keeps `bytes`, whole sectors.
    ///
    /// # Errors
    /// When they cannot be written.
    fn write(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;
}

/// A raw image.
impl Medium for File {
    fn bytes(&self) -> u64 {
        // An open regular file has a length; one that has none serves nothing.
        self.metadata().map_or(0, |metadata| metadata.len())
    }

    fn read(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.read_exact_at(bytes, offset)
    }

    fn write(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }
}

/// What a flush does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flush {
    /// Puts everything on the medium.
    Keeps,
    /// Says so and does nothing: a defect that tests make, to see that it is caught.
    Lies,
}

/// What became of the cache in a power cut, in writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// Those that are not on the medium.
    pub gone: usize,
    /// Those that are there in part.
    pub torn: usize,
    /// Those that are there although nobody had flushed them.
    pub kept: usize,
}

/// Bytes of the watched range that were read and written since the watch began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Read.
    pub read: u64,
    /// Written.
    pub written: u64,
}

/// See the module. Serves for as long as it lives, one QEMU after another.
pub struct VolatileDisk<M> {
    shared: Arc<Shared<M>>,
    socket: PathBuf,
}

struct Shared<M> {
    state: Mutex<State<M>>,
    /// Nobody waits for a dark disk any more.
    let_go: Condvar,
    clients: AtomicUsize,
    over: AtomicBool,
}

struct State<M> {
    medium: M,
    flush: Flush,
    cache: Vec<(u64, Vec<u8>)>,
    /// The last write of each sector in the cache, and the place in it.
    newest: HashMap<u64, (usize, usize)>,
    watched: Range<u64>,
    seen: Seen,
    limit: Option<Seen>,
    dark: bool,
}

impl<M: Medium> VolatileDisk<M> {
    /// Serves `medium` at `socket`.
    ///
    /// # Errors
    /// When there can be no such socket.
    pub fn serve(medium: M, flush: Flush, socket: &Path) -> Result<Self> {
        let listener = UnixListener::bind(socket)
            .with_context(|| format!("cannot listen on {}", socket.display()))?;
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                medium,
                flush,
                cache: Vec::new(),
                newest: HashMap::new(),
                watched: 0..0,
                seen: Seen::default(),
                limit: None,
                dark: false,
            }),
            let_go: Condvar::new(),
            clients: AtomicUsize::new(0),
            over: AtomicBool::new(false),
        });
        let serving = Arc::clone(&shared);
        thread::spawn(move || accept(&listener, &serving));
        Ok(Self {
            shared,
            socket: socket.to_owned(),
        })
    }

    /// What QEMU calls it, in the place of a raw image's path.
    pub fn path(&self) -> PathBuf {
        format!("nbd+unix:///?socket={}", self.socket.display()).into()
    }

    /// Counts from now on what happens to these bytes of the disk.
    pub fn watch(&self, range: Range<u64>) {
        let mut state = self.shared.state();
        state.watched = range;
        state.seen = Seen::default();
        state.limit = None;
    }

    /// Counts as [`Self::watch`] does. When at least so much was read and written, the disk goes dark: it takes in
    /// what reached that and answers nothing more, until the power cut.
    pub fn dark_at(&self, range: Range<u64>, limit: Seen) {
        self.watch(range);
        self.shared.state().limit = Some(limit);
    }

    /// Whether it went dark.
    pub fn is_dark(&self) -> bool {
        self.shared.state().dark
    }

    /// What was counted since.
    pub fn seen(&self) -> Seen {
        self.shared.state().seen
    }

    /// Loses what was not flushed: everything, or at random. QEMU must have ended.
    ///
    /// # Errors
    /// When QEMU is there, or the medium cannot be written.
    pub fn power_cut(&self, rng: &mut Rng) -> Result<Lost> {
        self.without_clients()?;
        let mut state = self.shared.state();
        state.dark = false;
        let lost = state.power_cut(rng);
        lost.context("the medium cannot be written")
    }

    /// Puts what is in the cache on the medium, as a disk does that is left alone, and looks at it there.
    ///
    /// # Errors
    /// When QEMU is there, or the medium cannot be written.
    pub fn medium<T>(&self, look: impl FnOnce(&M) -> T) -> Result<T> {
        self.without_clients()?;
        let mut state = self.shared.state();
        state.settle().context("the medium cannot be written")?;
        Ok(look(&state.medium))
    }

    /// What QEMU sent before it ended is still taken in, unless the disk is dark.
    fn without_clients(&self) -> Result<()> {
        self.shared.state().limit = None;
        self.shared.let_go.notify_all();
        poll("QEMU to let go of the disk", seconds(30), || {
            Ok(match self.shared.clients.load(Ordering::SeqCst) {
                0 => Look::Done(()),
                clients => Look::NotYet(format!("{clients} connections")),
            })
        })
    }
}

impl<M> Drop for VolatileDisk<M> {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        // Wakes the listener, which then ends; when it cannot be reached, it has ended.
        let _ = UnixStream::connect(&self.socket);
        // The directory goes with the test.
        let _ = fs::remove_file(&self.socket);
    }
}

fn accept<M: Medium>(listener: &UnixListener, shared: &Arc<Shared<M>>) {
    for stream in listener.incoming() {
        if shared.over.load(Ordering::SeqCst) {
            return;
        }
        let Ok(mut stream) = stream else { return };
        shared.clients.fetch_add(1, Ordering::SeqCst);
        let shared = Arc::clone(shared);
        thread::spawn(move || {
            // A client that is killed breaks off anywhere; QEMU itself tells what else went wrong.
            let _ = nbd::serve(&mut stream, shared.as_ref());
            shared.clients.fetch_sub(1, Ordering::SeqCst);
        });
    }
}

impl<M> Shared<M> {
    fn state(&self) -> MutexGuard<'_, State<M>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<M> Shared<M> {
    /// The disk, as long as it answers; an error once the power is cut.
    fn lit(&self) -> io::Result<MutexGuard<'_, State<M>>> {
        let waits = |state: &mut State<M>| state.dark && state.limit.is_some();
        let state = self.let_go.wait_while(self.state(), waits);
        let state = state.unwrap_or_else(PoisonError::into_inner);
        if state.dark {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        Ok(state)
    }

    /// Answers, unless the disk went dark with this.
    fn answered(&self, mut state: MutexGuard<'_, State<M>>) -> io::Result<()> {
        let reached =
            |limit: Seen| state.seen.read >= limit.read && state.seen.written >= limit.written;
        state.dark = state.limit.is_some_and(reached);
        drop(state);
        self.lit().map(drop)
    }
}

impl<M: Medium> Device for Shared<M> {
    fn bytes(&self) -> u64 {
        self.state().medium.bytes()
    }

    fn read(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let mut state = self.lit()?;
        state.seen.read += state.watches(offset, bytes.len());
        state.read(offset, bytes)?;
        self.answered(state)
    }

    fn write(&self, offset: u64, bytes: Vec<u8>) -> io::Result<()> {
        let mut state = self.lit()?;
        state.seen.written += state.watches(offset, bytes.len());
        state.write(offset, bytes);
        self.answered(state)
    }

    fn flush(&self) -> io::Result<()> {
        let mut state = self.lit()?;
        match state.flush {
            Flush::Keeps => state.settle(),
            Flush::Lies => Ok(()),
        }
    }
}

impl<M: Medium> State<M> {
    fn read(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.medium.read(offset, bytes)?;
        if self.newest.is_empty() {
            return Ok(());
        }
        for (sector, bytes) in (offset / SECTOR..).zip(bytes.chunks_mut(SECTOR as usize)) {
            if let Some(cached) = self.cached(sector) {
                bytes.copy_from_slice(cached);
            }
        }
        Ok(())
    }

    fn cached(&self, sector: u64) -> Option<&[u8]> {
        let (write, place) = *self.newest.get(&sector)?;
        let (_, bytes) = self.cache.get(write)?;
        bytes.get(place..place + SECTOR as usize)
    }

    fn write(&mut self, offset: u64, bytes: Vec<u8>) {
        let write = self.cache.len();
        let places = (0..bytes.len()).step_by(SECTOR as usize);
        for (sector, place) in (offset / SECTOR..).zip(places) {
            self.newest.insert(sector, (write, place));
        }
        self.cache.push((offset, bytes));
    }

    fn settle(&mut self) -> io::Result<()> {
        self.newest.clear();
        for (offset, bytes) in self.cache.drain(..) {
            self.medium.write(offset, &bytes)?;
        }
        Ok(())
    }

    fn power_cut(&mut self, rng: &mut Rng) -> io::Result<Lost> {
        let mut lost = Lost::default();
        let everything = self.flush == Flush::Lies || rng.bool();
        self.newest.clear();
        for (offset, bytes) in self.cache.drain(..) {
            let sectors = bytes.len() / SECTOR as usize;
            let there = match rng.u8(..3) {
                _ if everything => 0,
                0 => 0,
                1 => rng.usize(..=sectors),
                _ => sectors,
            };
            *match there {
                0 => &mut lost.gone,
                _ if there == sectors => &mut lost.kept,
                _ => &mut lost.torn,
            } += 1;
            let (bytes, _) = bytes.split_at(there * SECTOR as usize);
            self.medium.write(offset, bytes)?;
        }
        Ok(lost)
    }

    /// How many of these bytes are watched.
    fn watches(&self, offset: u64, length: usize) -> u64 {
        let end = (offset + length as u64).min(self.watched.end);
        end.saturating_sub(offset.max(self.watched.start))
    }
}
