//! What the initramfs carries: its modules, what each needs first, and which devices they drive.
//! Pure: built from the text of depmod's files.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::pattern;

/// A module's file below the modules directory, and the modules it needs, all of them.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    path: String,
    needs: Vec<String>,
}

/// Modules by name, aliases by the bus they speak of.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    entries: BTreeMap<String, Entry>,
    aliases: HashMap<String, Vec<(String, String)>>,
}

/// A module's name, as the kernel spells it, from its file's path.
fn name_of(path: &str) -> String {
    let file = path.rsplit('/').next().unwrap_or(path);
    file.split('.').next().unwrap_or(file).replace('-', "_")
}

/// What stands before the first colon: `pci` of `pci:v…`.
fn bus_of(alias: &str) -> &str {
    alias.split(':').next().unwrap_or(alias)
}

impl Catalog {
    /// Reads `modules.dep` (`path: path path…`) and `modules.alias` (`alias PATTERN MODULE`).
    pub(crate) fn new(dependencies: &str, aliases: &str) -> Self {
        let mut catalog = Self::default();
        for (path, needs) in dependencies.lines().filter_map(|line| line.split_once(':')) {
            let needs = needs.split_ascii_whitespace().map(name_of).collect();
            catalog.entries.insert(
                name_of(path),
                Entry {
                    path: path.to_owned(),
                    needs,
                },
            );
        }
        for line in aliases.lines() {
            let mut words = line.split_ascii_whitespace();
            if let (Some("alias"), Some(pattern), Some(module)) =
                (words.next(), words.next(), words.next())
            {
                let bus = catalog
                    .aliases
                    .entry(bus_of(pattern).to_owned())
                    .or_default();
                bus.push((pattern.to_owned(), module.replace('-', "_")));
            }
        }
        catalog
    }

    /// The module's file, below the modules directory.
    pub(crate) fn path(&self, module: &str) -> Option<&str> {
        self.entries.get(module).map(|entry| entry.path.as_str())
    }

    /// The modules that drive a device with this `modalias`.
    pub(crate) fn drivers<'a>(&'a self, modalias: &'a str) -> impl Iterator<Item = &'a str> {
        let candidates = self
            .aliases
            .get(bus_of(modalias))
            .map_or(&[][..], Vec::as_slice);
        candidates
            .iter()
            .filter(move |(pattern, _)| pattern::matches(pattern, modalias))
            .map(|(_, module)| module.as_str())
    }

    /// In which order to load `wanted` and what it needs: every module of a wave needs only modules of
    /// earlier waves, or such that are loaded already. What the initramfs does not carry is left out.
    pub(crate) fn waves<'a>(
        &self,
        wanted: impl IntoIterator<Item = &'a str>,
        loaded: &BTreeSet<String>,
    ) -> Vec<Vec<String>> {
        let mut open: BTreeSet<&str> = BTreeSet::new();
        for name in wanted {
            if let Some((name, entry)) = self.entries.get_key_value(name) {
                open.insert(name);
                open.extend(entry.needs.iter().map(String::as_str));
            }
        }
        open.retain(|name| !loaded.contains(*name) && self.entries.contains_key(*name));
        let mut waves = Vec::new();
        while !open.is_empty() {
            let mut wave: Vec<&str> = open
                .iter()
                .copied()
                .filter(|name| self.is_ready(name, &open))
                .collect();
            if wave.is_empty() {
                wave = open.iter().copied().collect(); // a circle: let the kernel say so
            }
            open.retain(|name| !wave.contains(name));
            waves.push(wave.into_iter().map(str::to_owned).collect());
        }
        waves
    }

    fn is_ready(&self, name: &str, open: &BTreeSet<&str>) -> bool {
        self.entries
            .get(name)
            .is_none_or(|entry| !entry.needs.iter().any(|need| open.contains(need.as_str())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEPENDENCIES: &str = "\
kernel/drivers/ata/ahci.ko: kernel/drivers/ata/libahci.ko kernel/drivers/ata/libata.ko kernel/drivers/scsi/scsi_mod.ko
kernel/drivers/ata/libahci.ko: kernel/drivers/ata/libata.ko kernel/drivers/scsi/scsi_mod.ko
kernel/drivers/ata/libata.ko: kernel/drivers/scsi/scsi_mod.ko
kernel/drivers/scsi/scsi_mod.ko:
kernel/drivers/scsi/sd_mod.ko.xz: kernel/drivers/scsi/scsi_mod.ko
kernel/drivers/usb/storage/usb-storage.ko.xz:
kernel/a.ko: kernel/b.ko
kernel/b.ko: kernel/a.ko
";
    const ALIASES: &str = "\
# Aliases extracted from modules themselves.
alias pci:v*d*sv*sd*bc01sc06i01* ahci
alias scsi:t-0x00* sd_mod
alias usb:v*p*d*dc*dsc*dp*ic08isc06ip50in* usb-storage
";

    fn catalog() -> Catalog {
        Catalog::new(DEPENDENCIES, ALIASES)
    }

    #[test]
    fn devices_find_their_drivers() {
        let catalog = catalog();
        let drivers = |alias| catalog.drivers(alias).collect::<Vec<_>>();
        assert_eq!(drivers("pci:v00008086d00002922sv0sd0bc01sc06i01"), ["ahci"]);
        assert_eq!(
            drivers("usb:v46F4p0001d0dc00dsc00dp00ic08isc06ip50in00"),
            ["usb_storage"]
        );
        assert!(drivers("pci:v00008086d000010D3sv0sd0bc02sc00i00").is_empty());
        assert!(drivers("nothing").is_empty());
    }

    #[test]
    fn what_a_module_needs_comes_in_an_earlier_wave() {
        let waves = catalog().waves(["ahci", "sd_mod", "usb_storage"], &BTreeSet::new());
        assert_eq!(
            waves,
            [
                vec!["scsi_mod", "usb_storage"],
                vec!["libata", "sd_mod"],
                vec!["libahci"],
                vec!["ahci"]
            ]
        );
    }

    #[test]
    fn loaded_and_unknown_modules_are_left_out() {
        let loaded = ["scsi_mod", "libata"]
            .map(str::to_owned)
            .into_iter()
            .collect();
        let waves = catalog().waves(["ahci", "e1000e"], &loaded);
        assert_eq!(waves, [["libahci"], ["ahci"]]);
    }

    #[test]
    fn a_circle_does_not_hang() {
        assert_eq!(catalog().waves(["a"], &BTreeSet::new()), [["a", "b"]]);
    }

    #[test]
    fn paths_are_kept_as_depmod_wrote_them() {
        let catalog = catalog();
        assert_eq!(
            catalog.path("usb_storage"),
            Some("kernel/drivers/usb/storage/usb-storage.ko.xz")
        );
        assert_eq!(catalog.path("unknown"), None);
    }
}
