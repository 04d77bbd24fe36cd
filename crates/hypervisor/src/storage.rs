//! The part of a hypervisor that keeps disks: storage pools and their volumes.

use qx_model::storage::{Pool, PoolId, PoolSpec, Volume, VolumeRef, VolumeSpec};

use crate::{Error, Result};

/// Keeps storage pools. All calls block, those on one pool perhaps as long as its server is silent.
pub trait Storage {
    /// Every pool that stays when it is stopped, in no order.
    fn pools(&self) -> Result<Vec<Pool>>;

    /// One pool as it is now. [`Error::NoSuchPool`].
    fn pool(&self, id: PoolId) -> Result<Pool>;

    /// Makes a pool, which is not active yet; `build` makes what it consists of: a directory, a volume group. The wish
    /// has passed [`PoolSpec::check`]. [`Error::Exists`] if the id, the name or what it is made of is taken; then, and
    /// whenever it can't be built, nothing is left.
    fn define_pool(&self, spec: &PoolSpec, build: bool) -> Result<()>;

    /// Whether it starts with the host.
    fn set_pool_autostart(&self, id: PoolId, autostart: bool) -> Result<()>;

    /// Forgets a pool that is not active, else [`Error::WrongState`]. What is in it stays.
    fn undefine_pool(&self, id: PoolId) -> Result<()>;

    /// Makes it active, and the place where it is mounted; [`Error::WrongState`] if it is.
    fn start_pool(&self, id: PoolId) -> Result<()>;

    /// Ends its use; what is mounted is unmounted. [`Error::WrongState`] if it is not active.
    fn stop_pool(&self, id: PoolId) -> Result<()>;

    /// Looks at what is in an active pool again.
    fn refresh_pool(&self, id: PoolId) -> Result<()>;

    /// The volumes of an active pool, in no order; those that are hidden are left out.
    fn volumes(&self, pool: PoolId) -> Result<Vec<Volume>>;

    /// One volume as it is now. [`Error::NoSuchVolume`].
    fn volume(&self, volume: &VolumeRef) -> Result<Volume>;

    /// Makes a blank volume. [`Error::Exists`] if its name is taken: content is never overwritten.
    fn create_volume(&self, spec: &VolumeSpec) -> Result<()>;

    /// Makes a volume larger, or with `shrink` smaller: what is beyond the new end is lost.
    fn resize_volume(&self, volume: &VolumeRef, bytes: u64, shrink: bool) -> Result<()>;

    /// Removes a volume and what is in it.
    fn delete_volume(&self, volume: &VolumeRef) -> Result<()>;
}

/// [`Error::NoSuchVolume`].
#[must_use]
pub fn no_such_volume(volume: &VolumeRef) -> Error {
    Error::NoSuchVolume {
        pool: volume.pool,
        name: volume.name.to_string(),
    }
}
