//! What is being done to volumes: several may read one, only one may change it. Nobody waits: who comes too late is
//! told so.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use qx_model::storage::VolumeRef;

use crate::error::{Error, Result};

/// Number of those who read; `None` is one who changes it.
type Users = HashMap<VolumeRef, Option<usize>>;

/// Volumes that somebody has.
#[derive(Debug, Clone, Default)]
pub(crate) struct Busy(Arc<Mutex<Users>>);

/// Holds a volume until dropped.
#[derive(Debug)]
pub(crate) struct Guard {
    busy: Busy,
    volume: VolumeRef,
}

impl Busy {
    /// To change it.
    pub(super) fn alone(&self, volume: &VolumeRef) -> Result<Guard> {
        let mut users = self.users();
        if users.contains_key(volume) {
            return Err(taken(volume));
        }
        users.insert(volume.clone(), None);
        Ok(self.guard(volume))
    }

    /// To read it.
    pub(super) fn shared(&self, volume: &VolumeRef) -> Result<Guard> {
        match self.users().entry(volume.clone()).or_insert(Some(0)) {
            Some(readers) => *readers += 1,
            None => return Err(taken(volume)),
        }
        Ok(self.guard(volume))
    }

    fn guard(&self, volume: &VolumeRef) -> Guard {
        Guard {
            busy: self.clone(),
            volume: volume.clone(),
        }
    }

    fn users(&self) -> MutexGuard<'_, Users> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let mut users = self.busy.users();
        match users.get_mut(&self.volume) {
            Some(Some(readers @ 2..)) => *readers -= 1,
            _ => drop(users.remove(&self.volume)),
        }
    }
}

fn taken(volume: &VolumeRef) -> Error {
    Error::Conflict {
        reason: format!("something else is being done to the volume {}", volume.name),
        hint: "wait for its end: GET /api/v1/tasks shows what it is".into(),
    }
}

#[cfg(test)]
mod tests {
    use qx_model::storage::PoolId;

    use super::*;

    #[test]
    fn several_read_and_one_changes() {
        let busy = Busy::default();
        let volume = VolumeRef {
            pool: PoolId::random(),
            name: "a".parse().unwrap(),
        };
        let first = busy.shared(&volume).unwrap();
        let second = busy.shared(&volume).unwrap();
        busy.alone(&volume).unwrap_err();
        drop(first);
        busy.alone(&volume).unwrap_err();
        drop(second);
        let alone = busy.alone(&volume).unwrap();
        busy.shared(&volume).unwrap_err();
        busy.alone(&volume).unwrap_err();
        drop(alone);
        assert!(busy.users().is_empty());
    }
}
