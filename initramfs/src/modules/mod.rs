//! Loads kernel modules: those the boot needs and those the hardware asks for.
//!
//! Owns which modules are loaded and in which order. It must not know what the devices are for.

mod catalog;
mod list;
mod pattern;

use std::collections::BTreeSet;
use std::ffi::CString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;

use rustix::io::Errno;

use crate::log;
use catalog::Catalog;
pub(crate) use list::Class;

/// `MODULE_INIT_COMPRESSED_FILE` of linux/module.h: the kernel unpacks the file.
const COMPRESSED_FILE: i32 = 4;
/// Where the build puts the list of modules.
const LIST: &str = "/etc/quantix/modules";

/// Loads modules and remembers which were tried.
pub(crate) struct Loader {
    directory: PathBuf,
    catalog: Catalog,
    list: String,
    tried: BTreeSet<String>,
    /// Modules that no device gets.
    refused: BTreeSet<String>,
}

impl Loader {
    /// Reads the lists of the running kernel's modules. Devices get no driver of the `refused` classes.
    pub(crate) fn open(refused: &[Class]) -> io::Result<Self> {
        let release = rustix::system::uname()
            .release()
            .to_string_lossy()
            .into_owned();
        let directory = Path::new("/usr/lib/modules").join(release);
        let catalog = Catalog::new(
            &fs::read_to_string(directory.join("modules.dep"))?,
            &fs::read_to_string(directory.join("modules.alias"))?,
        );
        let list = fs::read_to_string(LIST)?;
        Ok(Self {
            refused: modules_of(&list, refused),
            directory,
            catalog,
            list,
            tried: BTreeSet::new(),
        })
    }

    /// From now on only these classes are refused; loads what the devices present get then.
    pub(crate) fn refuse_only(&mut self, refused: &[Class]) {
        self.refused = modules_of(&self.list, refused);
        self.load_listed_and_present(&[]);
    }

    /// Loads the listed modules of these classes together with the drivers of all devices present.
    pub(crate) fn load_listed_and_present(&mut self, classes: &[Class]) {
        let devices = present_devices();
        let mut wanted: BTreeSet<&str> = classes
            .iter()
            .flat_map(|class| list::of_class(&self.list, *class))
            .collect();
        wanted.extend(self.drivers(&devices));
        let waves = self.catalog.waves(wanted, &self.tried);
        self.load(waves);
    }

    /// Loads the listed modules of a class.
    pub(crate) fn load_listed(&mut self, class: Class) {
        let waves = self
            .catalog
            .waves(list::of_class(&self.list, class), &self.tried);
        self.load(waves);
    }

    /// Loads the drivers of devices that have just appeared.
    pub(crate) fn load_for(&mut self, devices: &[String]) {
        let waves = self.catalog.waves(self.drivers(devices), &self.tried);
        self.load(waves);
    }

    fn drivers<'a>(
        &'a self,
        devices: impl IntoIterator<Item = &'a String>,
    ) -> impl Iterator<Item = &'a str> {
        let found = devices
            .into_iter()
            .flat_map(|modalias| self.catalog.drivers(modalias));
        found.filter(|module| !self.refused.contains(*module))
    }

    /// The modules of a wave are loaded at the same time. A module that fails costs its own devices only.
    fn load(&mut self, waves: Vec<Vec<String>>) {
        for wave in waves {
            thread::scope(|scope| {
                let this = &*self;
                for (index, name) in wave.iter().enumerate() {
                    if index + 1 == wave.len() {
                        this.load_one(name);
                    } else {
                        scope.spawn(move || this.load_one(name));
                    }
                }
            });
            self.tried.extend(wave);
        }
    }

    fn load_one(&self, name: &str) {
        let Some(path) = self.catalog.path(name) else {
            return;
        };
        match insert(&self.directory.join(path), parameters(name)) {
            Ok(()) => {}
            Err(error) if is_harmless(&error) => {}
            Err(error) => log::warning(&format!("module {name} cannot be loaded: {error}")),
        }
    }
}

fn modules_of(list: &str, classes: &[Class]) -> BTreeSet<String> {
    let modules = classes
        .iter()
        .flat_map(|class| list::of_class(list, *class));
    modules.map(str::to_owned).collect()
}

/// The driver is in the kernel already, or is for another kind of machine.
fn is_harmless(error: &io::Error) -> bool {
    [Errno::EXIST, Errno::NODEV]
        .iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

/// `async_probe` lets a driver look for its devices while the boot goes on. The loop driver makes its
/// devices when they are asked for.
fn parameters(name: &str) -> &'static str {
    match name {
        "loop" => "max_loop=0",
        _ => "async_probe",
    }
}

fn insert(path: &Path, parameters: &str) -> io::Result<()> {
    let file = File::open(path)?;
    let compressed = path.extension().is_some_and(|extension| extension == "xz");
    let flags = if compressed { COMPRESSED_FILE } else { 0 };
    rustix::system::finit_module(&file, &CString::new(parameters)?, flags)?;
    Ok(())
}

/// The `modalias` of every device that the kernel has found so far.
fn present_devices() -> BTreeSet<String> {
    let entries = |path: &Path| fs::read_dir(path).into_iter().flatten().flatten();
    entries(Path::new("/sys/bus"))
        .flat_map(|bus| entries(&bus.path().join("devices")))
        .filter_map(|device| fs::read_to_string(device.path().join("modalias")).ok())
        .map(|modalias| modalias.trim().to_owned())
        .collect()
}
