//! What an installation writes: the steps of `install`, on one disk or on the two of a mirror.

use std::path::{Path, PathBuf};

use qx_host::disks::{Disk, release};
use qx_host::mirror::{self, Halves, Superblock};
use qx_host::storage::{
    Mounted, PartSource, SlotContent, SlotError, StorageError, check_data, erase_system,
    make_config, make_data, node, write_efi, write_slot, write_table,
};
use qx_slots::PartitionNumber::{Config, Data, Efi, SystemA, SystemB};
use qx_slots::{BootEnv, PartitionNumber};

use crate::install::{InstallError, Plan, Progress, Step};
use crate::target::shape;

const SYS: &str = "/sys";

pub(crate) struct Work<'a> {
    pub(crate) places: Places<'a>,
    content: SlotContent<'a>,
    done: u64,
    progress: &'a mut dyn Progress,
}

/// Where everything goes.
#[derive(Clone)]
pub(crate) struct Places<'a> {
    plan: &'a Plan<'a>,
    /// Those that are written: not a half of a mirror that is out of date.
    disks: Vec<&'a Disk>,
}

impl<'a> Work<'a> {
    pub(crate) fn new(
        plan: &'a Plan<'a>,
        content: SlotContent<'a>,
        progress: &'a mut dyn Progress,
    ) -> Self {
        let disks = plan.target.disks.clone();
        Self {
            places: Places { plan, disks },
            content,
            done: 0,
            progress,
        }
    }

    /// Both slots of every disk are written and read back.
    fn total(&self) -> u64 {
        4 * self.content.bytes() * self.places.disks.len() as u64
    }

    pub(crate) fn say(&mut self, step: Step) {
        self.progress.at(step, self.done, self.total());
    }

    /// Slot A of the first disk comes from the medium, every other one from there: it was read back, and media are
    /// slow.
    pub(crate) fn slots(&mut self) -> Result<(), InstallError> {
        let source = self.places.plan.source.clone();
        let first = self
            .places
            .nodes(SystemA)
            .into_iter()
            .next()
            .unwrap_or_default();
        self.slot(Step::SlotA, SystemA, &first, &source)?;
        let from = self.places.plan.scratch.with_extension("a");
        let unreadable = |source| InstallError::Read {
            path: first.clone(),
            source,
        };
        let mounted = Mounted::new(&first, &from, "ext4", true).map_err(unreadable)?;
        let source = mounted.place().to_owned();
        let outcome = self.other_slots(&first, &source);
        let closed = mounted.close();
        outcome?;
        closed.map_err(unreadable)
    }

    fn other_slots(&mut self, first: &Path, source: &PathBuf) -> Result<(), SlotError> {
        for (step, number) in [(Step::SlotA, SystemA), (Step::SlotB, SystemB)] {
            for node in self.places.nodes(number) {
                if node != first {
                    self.slot(step, number, &node, source)?;
                }
            }
        }
        Ok(())
    }

    fn slot(
        &mut self,
        step: Step,
        number: PartitionNumber,
        node: &Path,
        source: &dyn PartSource,
    ) -> Result<(), SlotError> {
        self.say(step);
        let total = self.total();
        let Self {
            places: Places { plan, .. },
            content,
            done,
            progress,
        } = self;
        let mut partitions = plan.target.partitions.iter();
        let wanted = partitions.find(|partition| partition.number == number);
        let bytes = wanted.map_or(0, |partition| partition.bytes);
        write_slot(node, bytes, &plan.scratch, *content, source, &mut |bytes| {
            *done += bytes;
            progress.at(step, *done, total);
        })
    }
}

impl<'a> Places<'a> {
    pub(crate) fn disks(&self) -> &[&'a Disk] {
        &self.disks
    }

    /// Stops what udev assembled of the disks.
    pub(crate) fn release(&self) -> Result<(), InstallError> {
        for disk in &self.disks {
            release(disk, Path::new(SYS))?;
        }
        Ok(())
    }

    /// Makes the partitions, or makes sure that those with data can be kept and erases the others. What a person
    /// should know of it.
    pub(crate) fn divide(&mut self) -> Result<Vec<String>, InstallError> {
        let partitions = &self.plan.target.partitions;
        if !self.plan.target.keep_data {
            for disk in &self.disks {
                write_table(&disk.path, shape(disk), partitions, &disk.places())?;
            }
            return Ok(Vec::new());
        }
        let warnings = self.leave_outdated().map_err(InstallError::Keep)?;
        check_data(&self.device(Data), &self.plan.scratch).map_err(|error| {
            // Nothing of it is needed any more.
            let _ = self.stop(Data);
            InstallError::Keep(error)
        })?;
        for disk in &self.disks {
            erase_system(&disk.path, partitions)?;
        }
        Ok(warnings)
    }

    /// Starts the data's array from the halves that are up to date; the others' disks are left alone.
    fn leave_outdated(&mut self) -> Result<Vec<String>, StorageError> {
        if !self.plan.target.mirrored {
            return Ok(Vec::new());
        }
        let doing = StorageError::doing("start the mirror that holds the data");
        let Halves {
            current, outdated, ..
        } = halves(&self.disks).map_err(doing)?;
        let nodes: Vec<PathBuf> = current.iter().map(|disk| node(&disk.path, Data)).collect();
        mirror::assemble(Data, &nodes)
            .map_err(StorageError::doing("start the mirror that holds the data"))?;
        self.disks = current;
        let left = |disk: &&Disk| {
            let name = disk.path.display();
            format!(
                "{name} had been left out of the mirror and holds older data: it was not touched. When the system runs, \
                 `qx-install mirror add {name} --wipe` takes it in again"
            )
        };
        Ok(outdated.iter().map(left).collect())
    }

    /// Where configuration or data lie: a partition, or the array over both disks'.
    fn device(&self, number: PartitionNumber) -> PathBuf {
        match self.disks.first() {
            Some(disk) if !self.plan.target.mirrored => node(&disk.path, number),
            _ => mirror::node(number),
        }
    }

    fn nodes(&self, number: PartitionNumber) -> Vec<PathBuf> {
        let disks = self.disks.iter();
        disks.map(|disk| node(&disk.path, number)).collect()
    }

    /// Writes the configuration and, unless it is kept, makes the data's file system. Slots may be written meanwhile.
    pub(crate) fn config_and_data(&self) -> Result<(), StorageError> {
        let scratch = self.plan.scratch.with_extension("config");
        self.create(Config)?;
        make_config(&self.device(Config), &scratch, self.plan.config)?;
        self.stop(Config)?;
        if !self.plan.target.keep_data {
            self.create(Data)?;
            make_data(&self.device(Data), &scratch)?;
        }
        self.stop(Data)
    }

    fn create(&self, number: PartitionNumber) -> Result<(), StorageError> {
        if !self.plan.target.mirrored {
            return Ok(());
        }
        let name = number.name();
        mirror::create(number, &self.nodes(number))
            .map_err(StorageError::doing(format!("make the mirror of {name}")))
    }

    /// So that the disks know that nobody was about to write.
    fn stop(&self, number: PartitionNumber) -> Result<(), StorageError> {
        if !self.plan.target.mirrored {
            return Ok(());
        }
        let name = number.name();
        mirror::stop(number).map_err(StorageError::doing(format!("finish the mirror of {name}")))
    }

    pub(crate) fn efi(&self, env: &BootEnv) -> Result<(), StorageError> {
        for disk in &self.disks {
            let efi = node(&disk.path, Efi);
            let sector = disk.logical_block_bytes;
            write_efi(&efi, sector, &self.plan.loader, &env.encode())?;
        }
        Ok(())
    }
}

/// Which of a mirror's disks have the newest data.
fn halves<'a>(disks: &[&'a Disk]) -> std::io::Result<Halves<&'a Disk>> {
    let mut found = Vec::new();
    for disk in disks {
        if let Some(half) = Superblock::read(&node(&disk.path, Data))? {
            found.push((*disk, half));
        }
    }
    let array = found.first().map(|(_, half)| half.array);
    Ok(mirror::current(array.unwrap_or_default(), found))
}
