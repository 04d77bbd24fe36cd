//! Where the engine's files lie below the data directory. The only place that knows.

use std::path::{Path, PathBuf};

use qx_model::name::ImageName;
use qx_model::vm::VmId;

/// Paths below one data directory.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    data: PathBuf,
}

impl Layout {
    pub(crate) fn new(data: &Path) -> Self {
        Self {
            data: data.to_owned(),
        }
    }

    /// The image library.
    pub(crate) fn images(&self) -> PathBuf {
        self.data.join("images")
    }

    /// Uploads that are not complete; on the same file system as the library.
    pub(crate) fn uploads(&self) -> PathBuf {
        self.data.join("uploads")
    }

    /// One file of the library.
    pub(crate) fn image(&self, name: &ImageName) -> PathBuf {
        self.images().join(name.as_str())
    }

    /// All VMs' directories.
    pub(crate) fn vms(&self) -> PathBuf {
        self.data.join("vms")
    }

    /// What belongs to one VM.
    pub(crate) fn vm(&self, id: VmId) -> PathBuf {
        self.vms().join(id.to_string())
    }

    /// One disk of a VM, counted from 0.
    pub(crate) fn disk(&self, id: VmId, index: usize) -> PathBuf {
        self.vm(id).join(format!("disk{index}.qcow2"))
    }

    /// What cloud-init in a VM's guest reads.
    pub(crate) fn cloud_init(&self, id: VmId) -> PathBuf {
        self.vm(id).join("cloud-init.iso")
    }
}
