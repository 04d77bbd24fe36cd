//! Sizes of the partitions of a disk to install on.

use qx_host::config::{LEAST_CONFIG_MIB, LEAST_SYSTEM_MIB, MOST_MIB};
use qx_host::disks::size_words;
use qx_host::storage::{DiskShape, Sizes, plan};

use super::text;
use crate::shell::{Field, Form, Model, Problems};

const MIB: u64 = 1 << 20;

/// The fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LayoutKey {
    /// The EFI partition.
    Efi,
    /// Each system partition.
    System,
    /// The configuration.
    Config,
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    form: Form<LayoutKey>,
    disk: DiskShape,
}

impl Layout {
    /// The usual sizes for a disk.
    #[must_use]
    pub fn new(disk: DiskShape) -> Self {
        let usual = Sizes::usual(disk.sector_bytes);
        let form = Form::new(vec![
            Field::new(
                LayoutKey::Efi,
                "EFI partition, MiB",
                "Boot programs and the boot environment. The usual size is enough.",
                text(usual.efi_mib, 8),
            ),
            Field::new(
                LayoutKey::System,
                "Each system slot, MiB",
                "There are two, A and B: an update goes into the one that does not run.",
                text(usual.system_mib, 8),
            ),
            Field::new(
                LayoutKey::Config,
                "Configuration, MiB",
                "Configuration, keys, certificates, definitions and NVRAM of VMs.",
                text(usual.config_mib, 8),
            ),
        ]);
        Self { form, disk }
    }

    /// The disk that the sizes are for.
    #[must_use]
    pub const fn disk(&self) -> DiskShape {
        self.disk
    }

    /// Another disk; sizes stay, but those that its sectors demand.
    pub fn move_to(&mut self, disk: DiskShape) {
        if disk.sector_bytes != self.disk.sector_bytes {
            *self = Self::new(disk);
        }
        self.disk = disk;
    }

    /// What is left for VMs, in words; nothing while the sizes are wrong.
    #[must_use]
    pub fn data(&self) -> Option<String> {
        let sizes = self.value().ok()?;
        let used = sizes.efi_mib + 2 * sizes.system_mib + sizes.config_mib + 2;
        Some(size_words(self.disk.bytes.saturating_sub(used * MIB)))
    }

    fn number(&self, key: LayoutKey, least: u64, problems: &mut Problems<LayoutKey>) -> u64 {
        let range = least..=u64::from(MOST_MIB);
        let typed = self.form.text(key).parse().ok();
        typed.filter(|mib| range.contains(mib)).unwrap_or_else(|| {
            let reason = format!("must be {least} to {MOST_MIB} (MiB)");
            problems.push((key, reason));
            least
        })
    }
}

impl Model for Layout {
    type Key = LayoutKey;
    type Value = Sizes;

    fn form(&self) -> &Form<LayoutKey> {
        &self.form
    }

    fn form_mut(&mut self) -> &mut Form<LayoutKey> {
        &mut self.form
    }

    fn value(&self) -> Result<Sizes, Problems<LayoutKey>> {
        let mut problems = Vec::new();
        let usual = Sizes::usual(self.disk.sector_bytes);
        let (system, config) = (u64::from(LEAST_SYSTEM_MIB), u64::from(LEAST_CONFIG_MIB));
        let sizes = Sizes {
            efi_mib: self.number(LayoutKey::Efi, usual.efi_mib, &mut problems),
            system_mib: self.number(LayoutKey::System, system, &mut problems),
            config_mib: self.number(LayoutKey::Config, config, &mut problems),
        };
        if problems.is_empty()
            && let Err(error) = plan(self.disk, sizes)
        {
            problems.push((LayoutKey::System, error.to_string()));
        }
        if problems.is_empty() {
            Ok(sizes)
        } else {
            Err(problems)
        }
    }
}
