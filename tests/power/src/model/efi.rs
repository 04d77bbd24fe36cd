//! The EFI partition as firmware, shim and GRUB see it.

use std::io::{self, Read};

use fatfs::{FileSystem, FsOptions};
use qx_slots::{BootEnv, Copies, ENV_FILES, Hash, PartitionNumber};

use super::view::View;
use crate::disk::State;
use crate::gpt::Table;

/// What firmware starts, what shim starts, and GRUB's menu.
const FILES: [&str; 3] = [
    "EFI/BOOT/BOOTX64.EFI",
    "EFI/BOOT/grubx64.efi",
    "EFI/debian/grub.cfg",
];

/// The boot programs as they must be. Their own signatures are not looked at: what is not exactly this is
/// taken for refused by Secure Boot.
#[derive(Clone, Debug)]
pub struct BootFiles([Hash; 3]);

impl BootFiles {
    /// From a disk that starts.
    ///
    /// # Errors
    /// When it has no partition table, or one of the files is missing.
    pub fn of(state: &State) -> io::Result<Self> {
        let efi = Table::read(state)?
            .and_then(|table| table.partition(PartitionNumber::Efi))
            .ok_or(io::ErrorKind::NotFound)?;
        let view = View::new(state, efi);
        let mut hashes = [Hash::of(&[]); 3];
        for (hash, path) in hashes.iter_mut().zip(FILES) {
            *hash = Hash::of(&file(&view, path)?);
        }
        Ok(Self(hashes))
    }
}

/// What is there to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Efi {
    /// Firmware or shim find nothing and go on to another device.
    Nothing,
    /// GRUB starts without its menu, and stops at a prompt.
    NoMenu,
    /// GRUB reads these copies of the boot environment.
    Ready(Copies),
}

impl Efi {
    /// Looks at a partition. What cannot be read is not there.
    #[must_use]
    pub fn read(view: &View, files: &BootFiles) -> Self {
        let whole = |index: usize| {
            let content = FILES.get(index).map(|path| file(view, path));
            matches!(content, Some(Ok(content)) if files.0.get(index) == Some(&Hash::of(&content)))
        };
        if !whole(0) || !whole(1) {
            Self::Nothing
        } else if !whole(2) {
            Self::NoMenu
        } else {
            let [first, second] = ENV_FILES.map(|path| {
                let content = file(view, &path.join("/")).ok()?;
                BootEnv::decode(&content).ok()
            });
            Self::Ready(Copies { first, second })
        }
    }
}

fn file(view: &View, path: &str) -> io::Result<Vec<u8>> {
    let system = FileSystem::new(view.clone(), FsOptions::new())?;
    let mut content = Vec::new();
    system
        .root_dir()
        .open_file(path)?
        .read_to_end(&mut content)?;
    Ok(content)
}
