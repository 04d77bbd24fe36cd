//! One queue per key: whoever asks first goes first, keys never wait for each other. Owns nothing but
//! the queues; a queue that nobody holds or waits for is gone.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Mutex as Turn, OwnedMutexGuard};

/// Queues by key.
#[derive(Debug)]
pub(crate) struct Queues<K> {
    turns: Mutex<HashMap<K, Arc<Turn<()>>>>,
}

impl<K: Eq + Hash + Copy> Queues<K> {
    pub(crate) fn new() -> Self {
        Self {
            turns: Mutex::new(HashMap::new()),
        }
    }

    /// Waits for its turn; dropping the guard lets the next one go.
    pub(crate) async fn turn(&self, key: K) -> OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            // Only this map holds a turn that is over.
            turns.retain(|_, turn| Arc::strong_count(turn) > 1);
            Arc::clone(turns.entry(key).or_default())
        };
        turn.lock_owned().await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_held_key_blocks_itself_only() {
        let queues = Queues::new();
        let held = queues.turn(1).await;
        let other = tokio::time::timeout(Duration::from_secs(5), queues.turn(2)).await;
        assert!(other.is_ok());
        let same = tokio::time::timeout(Duration::from_millis(20), queues.turn(1)).await;
        assert!(same.is_err());
        drop(held);
        let same = tokio::time::timeout(Duration::from_secs(5), queues.turn(1)).await;
        assert!(same.is_ok());
    }

    #[tokio::test]
    async fn queues_that_nobody_uses_are_forgotten() {
        let queues = Queues::new();
        for key in 0..100 {
            drop(queues.turn(key).await);
        }
        assert!(queues.turns.lock().unwrap().len() <= 1);
    }
}
