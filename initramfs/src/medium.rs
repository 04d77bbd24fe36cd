//! Waits for what the image lies on, and opens it. Drivers are loaded as their devices appear.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::{Duration, Instant};

use qx_host::watchdog::Watchdog;
use qx_slots::{BUILD_ID_DIRECTORY, BuildId, MEDIA_DIRECTORY};
use rustix::mount::MountFlags;

use crate::block::{self, BlockDevice};
use crate::cmdline::Source;
use crate::drivers::Drivers;
use crate::failure::Failure;
use crate::iso9660::{self, Extent};
use crate::log;
use crate::mounts::{self, Mount, PLAIN};
use crate::partition_table::with_partuuid;
use crate::source::{Device, Source as Reader};
use crate::watchdog::keep_alive;

pub(crate) const CLASS: &str = "/sys/class/block";
const MOUNT_POINT: &str = "/medium";
/// Far above a manifest or a signature.
const LONGEST_SMALL_FILE: u64 = 1 << 20;
/// RAID controllers with many disks and slow sticks take this long.
const DEADLINE: Duration = Duration::from_secs(120);
/// How long a boot waits without a word.
const PATIENCE: Duration = Duration::from_secs(5);
/// A drive that closes its tray tells nobody: look again this often.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// What the slot's files are read from.
enum Content {
    /// A disc or stick; its directories are read by ourselves.
    Image(Device),
    /// A system partition, mounted.
    Mount,
}

/// The medium or system partition that holds the image.
pub(crate) struct Medium {
    /// The device that it lies on.
    pub(crate) device: BlockDevice,
    content: Content,
    /// What is odd about it, in plain sentences.
    pub(crate) warnings: Vec<String>,
}

impl Medium {
    /// Reads a small file of the slot.
    pub(crate) fn read_small(&self, name: &str) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        let mut source = self.open(name)?.take(LONGEST_SMALL_FILE);
        source
            .read_to_end(&mut bytes)
            .map_err(|source| self.unreadable(name, source))?;
        Ok(bytes)
    }

    /// Opens a file of the slot.
    pub(crate) fn open(&self, name: &str) -> Result<Reader, Failure> {
        let source = match &self.content {
            Content::Mount => Reader::of_file(&Path::new(MOUNT_POINT).join(name)),
            Content::Image(image) => {
                iso9660::find(image, &[MEDIA_DIRECTORY, name]).and_then(|found| {
                    let Extent { offset, length } = found.ok_or(io::ErrorKind::NotFound)?;
                    Reader::of_device(&self.device.node(), offset, length)
                })
            }
        };
        source.map_err(|source| self.unreadable(name, source))
    }

    fn unreadable(&self, name: &str, source: io::Error) -> Failure {
        let (name, place) = (name.to_owned(), self.place());
        if source.kind() == io::ErrorKind::NotFound {
            Failure::Missing { name, place }
        } else {
            Failure::Read {
                name,
                place,
                source,
            }
        }
    }

    /// The device's name, for messages.
    pub(crate) fn place(&self) -> String {
        self.device.node().display().to_string()
    }

    /// Lets go of it: from here on the medium may be pulled out.
    pub(crate) fn release(self) -> io::Result<()> {
        match self.content {
            Content::Mount => mounts::detach(Path::new(MOUNT_POINT)),
            Content::Image(_) => Ok(()),
        }
    }
}

/// Waits for the image's device.
pub(crate) fn find(
    source: &Source,
    drivers: &mut Drivers,
    watchdog: &mut Option<Watchdog>,
) -> Result<Medium, Failure> {
    let start = Instant::now();
    let mut announced = false;
    loop {
        let all = block::devices(Path::new(CLASS));
        let found = match source {
            Source::Media(build) => on_medium(&all, build),
            Source::Slot { partuuid, .. } => on_partition(&all, partuuid)?,
        };
        if let Some(medium) = found {
            return Ok(medium);
        }
        if drivers.load_waiting() {
            continue;
        }
        let waited = start.elapsed();
        if waited > DEADLINE {
            let (source_text, seconds) = (source.to_string(), DEADLINE.as_secs());
            return Err(Failure::NotFound {
                source_text,
                seconds,
            });
        }
        if waited > PATIENCE && !announced {
            announced = true;
            log::say(&format!("Waiting for {source} ...\n"));
        }
        keep_alive(watchdog);
        drivers.listen(LOOK_AGAIN)?;
    }
}

/// The first disc or stick that carries this build. A drive without a disc cannot be read, and is none.
fn on_medium(all: &[BlockDevice], build: &BuildId) -> Option<Medium> {
    block::medium_candidates(all)
        .into_iter()
        .find_map(|device| {
            let image = Device(File::open(device.node()).ok()?);
            iso9660::is_image(&image).then_some(())?;
            let mark = [MEDIA_DIRECTORY, BUILD_ID_DIRECTORY, build.as_str()];
            match iso9660::find(&image, &mark) {
                Ok(Some(_)) => Some(Medium {
                    device: device.clone(),
                    content: Content::Image(image),
                    warnings: Vec::new(),
                }),
                Ok(None) => None,
                Err(error) => {
                    log::info(&format!("{} cannot be read: {error}", device.name));
                    None
                }
            }
        })
}

/// The system partition with this unique id.
fn on_partition(all: &[BlockDevice], partuuid: &str) -> Result<Option<Medium>, Failure> {
    let found = with_partuuid(all, partuuid);
    let Some(device) = found.first() else {
        return Ok(None);
    };
    mount_slot(device).map_err(|source| Failure::Read {
        name: "the file system".to_owned(),
        place: device.node().display().to_string(),
        source,
    })?;
    let mut warnings = Vec::new();
    if let Some(twin) = found.get(1) {
        warnings.push(format!(
            "{} and {} have the same partition id: one disk is a copy of the other. {} is used; detach \
             the copy.",
            device.name, twin.name, device.name
        ));
    }
    let device = (*device).clone();
    Ok(Some(Medium {
        device,
        content: Content::Mount,
        warnings,
    }))
}

fn mount_slot(device: &BlockDevice) -> io::Result<()> {
    Mount {
        source: &device.node(),
        target: Path::new(MOUNT_POINT),
        kind: "ext4",
        flags: PLAIN | MountFlags::RDONLY | MountFlags::NOEXEC,
        // Never replay a journal onto a system partition.
        options: "noload",
    }
    .make()
}

/// Every Quantix-OS configuration partition that can be seen now.
pub(crate) fn config_partitions() -> Vec<BlockDevice> {
    let number = qx_slots::PartitionNumber::Config as u32;
    let all = block::devices(Path::new(CLASS));
    all.into_iter()
        .filter(|device| device.partition == Some(number))
        .collect()
}

/// The partition of this number on the disk that the slot is on.
pub(crate) fn beside(slot: &BlockDevice, number: qx_slots::PartitionNumber) -> Option<BlockDevice> {
    let all = block::devices(Path::new(CLASS));
    block::sibling(&all, slot, number as u32).cloned()
}
