//! The host's logs, for those who may read them: they can hold what somebody typed in the wrong place.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use qx_host::logs::{Follower, Log, Places, Wish};
use qx_model::access::{Actor, Operation};
use qx_model::vm::FieldError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::authorize::authorize;
use crate::blocking::blocking;
use crate::error::{Error, Result};

/// The most lines that can be asked for at once.
const MOST_LINES: usize = 10_000;
/// The longest text to look for, in characters.
const LONGEST: usize = 256;
/// Logs that are followed at the same time.
const MOST_FOLLOWED: usize = 16;
/// Time between two looks at a log that is followed.
const PERIOD: Duration = Duration::from_millis(500);

/// See the module. Clones share everything.
#[derive(Clone)]
pub struct Logs {
    places: Places,
    followed: Arc<Semaphore>,
}

impl Logs {
    pub(crate) fn new(places: Places) -> Self {
        Self {
            places,
            followed: Arc::new(Semaphore::new(MOST_FOLLOWED)),
        }
    }

    /// The newest lines of a log, the oldest of them first.
    ///
    /// # Errors
    /// When the log can't be read.
    pub async fn newest(&self, actor: &Actor, wish: Wish) -> Result<Vec<String>> {
        let (_, newest) = self.open(actor, wish).await?;
        Ok(newest)
    }

    /// The newest lines of a log, and then those that come after them, until the receiver is dropped.
    ///
    /// # Errors
    /// When the log can't be read, or too many are followed already.
    pub async fn follow(&self, actor: &Actor, wish: Wish) -> Result<mpsc::Receiver<Vec<String>>> {
        authorize(actor, Operation::HostLogs)?;
        let followed = Arc::clone(&self.followed);
        let permit = followed.try_acquire_owned().map_err(|_| Error::Conflict {
            reason: format!("{MOST_FOLLOWED} logs are followed already"),
            hint: "close one of the pages or programs that follow a log".to_owned(),
        })?;
        let (follower, newest) = self.open(actor, wish).await?;
        // Who is slow holds up the reading, and nothing else.
        let (sender, receiver) = mpsc::channel(2);
        tokio::spawn(pass_on(follower, newest, sender, permit));
        Ok(receiver)
    }

    async fn open(&self, actor: &Actor, wish: Wish) -> Result<(Follower, Vec<String>)> {
        authorize(actor, Operation::HostLogs)?;
        check(&wish)?;
        let places = self.places.clone();
        let log = wish.log;
        blocking(move || Follower::open(&places, wish).map_err(|error| unreadable(log, &error)))
            .await
    }
}

fn check(wish: &Wish) -> Result<()> {
    let mut found = Vec::new();
    if !(1..=MOST_LINES).contains(&wish.lines) {
        found.push(FieldError::new(
            "lines",
            format!("must be 1 to {MOST_LINES}"),
        ));
    }
    if wish.contains.chars().count() > LONGEST {
        found.push(FieldError::new(
            "contains",
            format!("must be at most {LONGEST} characters"),
        ));
    }
    if found.is_empty() {
        Ok(())
    } else {
        Err(Error::Invalid(found))
    }
}

async fn pass_on(
    mut follower: Follower,
    newest: Vec<String>,
    sender: mpsc::Sender<Vec<String>>,
    _permit: OwnedSemaphorePermit,
) {
    let mut lines = newest;
    // The first time even when there are none, so that it is known.
    let mut first = true;
    loop {
        let idle = lines.is_empty();
        if (first || !idle) && sender.send(lines).await.is_err() {
            return;
        }
        if idle {
            tokio::select! {
                () = sender.closed() => return,
                () = tokio::time::sleep(PERIOD) => {}
            }
        }
        first = false;
        let read = tokio::task::spawn_blocking(move || {
            let more = follower.more();
            (follower, more)
        });
        match read.await {
            Ok((back, Ok(more))) => (follower, lines) = (back, more),
            Ok((_, Err(error))) => {
                tracing::warn!("a log that was followed can't be read any more: {error}");
                return;
            }
            // The daemon is stopping.
            Err(_) => return,
        }
    }
}

fn unreadable(log: Log, error: &io::Error) -> Error {
    Error::Unavailable {
        reason: format!("the log {log:?} can't be read: {error}"),
        hint: "look at it on the host's console".to_owned(),
    }
}
