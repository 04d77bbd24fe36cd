//! Copies of what libvirt keeps of a VM, beside the VM's disks: a re-install that keeps the data partition finds the
//! VMs by them. Knows the files and their places, and nothing of what is in them but a name and an id.
//!
//! ```text
//! STATE/libvirt/qemu/NAME.xml       ──► VMS/ID/domain.xml     whenever the VM was looked at and it differs
//! STATE/libvirt/nvram/FILE          ──► VMS/ID/nvram          while the VM is off: otherwise QEMU writes to it
//! STATE/libvirt/swtpm/ID/           ──► VMS/ID/tpm/           likewise
//! ```
//! The other way round at the first boot of an installation, before libvirt is started. What is there already stays,
//! and nothing is marked to start by itself.

use std::fs::{self, File, FileTimes};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use crate::durable;
use crate::libvirt_text::{inner, is_file_name, unescape};

const DEFINITION: &str = "domain.xml";
const NVRAM: &str = "nvram";
const TPM: &str = "tpm";
/// Where libvirt has them (/var/lib/libvirt/qemu/nvram is a link to STATE/libvirt/nvram).
const NVRAM_PLACE: &str = "/var/lib/libvirt/qemu/nvram/";

/// Where the files lie.
#[derive(Debug, Clone)]
pub struct VmFiles {
    /// libvirt's directory on the configuration partition.
    libvirt: PathBuf,
    /// The VMs' directories on the data partition.
    vms: PathBuf,
}

impl VmFiles {
    /// `state` is the configuration's directory (`/quantix`), `vms` the one with a directory for each VM
    /// (`/data/vms`).
    #[must_use]
    pub fn new(state: &Path, vms: &Path) -> Self {
        Self {
            libvirt: state.join("libvirt"),
            vms: vms.to_owned(),
        }
    }

    /// Brings the copies of a VM up to date; `off` says that it does not run. A VM that libvirt has no file of is left
    /// out: a transient one, or another hypervisor's.
    ///
    /// # Errors
    /// When something can't be read or written; what was copied before is whole.
    pub fn keep(&self, id: &str, name: &str, off: bool) -> io::Result<()> {
        let Some(definition) = self.definition(id, name)? else {
            return Ok(());
        };
        let directory = self.vms.join(id);
        if !directory.exists() {
            // QEMU runs as another user and opens its files by name.
            fs::create_dir_all(&directory)?;
            fs::set_permissions(&directory, fs::Permissions::from_mode(0o711))?;
        }
        let copy = directory.join(DEFINITION);
        if fs::read(&copy).ok().as_deref() != Some(definition.as_bytes()) {
            durable::replace(&copy, definition.as_bytes(), 0o600)?;
        }
        if off {
            if let Some(nvram) = nvram_file(&definition) {
                mirror(
                    &self.libvirt.join("nvram").join(nvram),
                    &directory.join(NVRAM),
                )?;
            }
            mirror(&self.libvirt.join("swtpm").join(id), &directory.join(TPM))?;
        }
        Ok(())
    }

    /// Removes the copies of a VM that is no longer defined, and its directory if nothing else is in it.
    ///
    /// # Errors
    /// When something can't be removed.
    pub fn forget(&self, id: &str) -> io::Result<()> {
        let directory = self.vms.join(id);
        absent_is_fine(fs::remove_file(directory.join(DEFINITION)))?;
        absent_is_fine(fs::remove_file(directory.join(NVRAM)))?;
        absent_is_fine(fs::remove_dir_all(directory.join(TPM)))?;
        match fs::remove_dir(&directory) {
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
            other => absent_is_fine(other),
        }
    }

    /// libvirt's file of a VM, if it is this VM's.
    fn definition(&self, id: &str, name: &str) -> io::Result<Option<String>> {
        if !is_file_name(name) {
            return Ok(None);
        }
        let path = self.libvirt.join("qemu").join(format!("{name}.xml"));
        match fs::read_to_string(path) {
            Ok(text) if inner(&text, "uuid").is_some_and(|found| found == id) => Ok(Some(text)),
            Ok(_) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Gives libvirt, which must not run, the VMs that it does not know. Says in plain sentences what is in the way of
    /// each of the others.
    ///
    /// # Errors
    /// When the VMs' directories can't be listed.
    pub fn restore(&self) -> io::Result<Vec<String>> {
        let mut problems = Vec::new();
        let listed = match fs::read_dir(&self.vms) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(problems),
            listed => listed?,
        };
        for entry in listed {
            let directory = entry?.path();
            if !directory.join(DEFINITION).is_file() {
                continue;
            }
            if let Err(error) = self.restore_one(&directory) {
                let place = directory.display();
                problems.push(format!("the VM in {place} does not come back: {error}"));
            }
        }
        problems.sort();
        Ok(problems)
    }

    fn restore_one(&self, directory: &Path) -> io::Result<()> {
        let text = fs::read_to_string(directory.join(DEFINITION))?;
        let id = directory.file_name().unwrap_or_default().to_string_lossy();
        let name = inner(&text, "name").map(unescape);
        let (Some(name), true) = (name, inner(&text, "uuid") == Some(&*id)) else {
            return Err(io::Error::other("its definition is damaged"));
        };
        if !is_file_name(&name) {
            return Err(io::Error::other("its name can't be that of a file"));
        }
        let definition = self.libvirt.join("qemu").join(format!("{name}.xml"));
        match fs::read_to_string(&definition) {
            Ok(known) if inner(&known, "uuid") == Some(&*id) => return Ok(()),
            Ok(_) => {
                let text = format!("another VM has its name, {name}");
                return Err(io::Error::other(text));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        if let Some(nvram) = nvram_file(&text) {
            let place = self.libvirt.join("nvram").join(nvram);
            mirror_if_absent(&directory.join(NVRAM), &place)?;
        }
        mirror_if_absent(&directory.join(TPM), &self.libvirt.join("swtpm").join(&*id))?;
        // Last: with it the VM is there.
        durable::replace(&definition, text.as_bytes(), 0o600)
    }
}

fn absent_is_fine(outcome: io::Result<()>) -> io::Result<()> {
    match outcome {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// The file of a VM's firmware variables in libvirt's own directory; `None` if there are none, or somewhere else.
fn nvram_file(definition: &str) -> Option<String> {
    let (_, rest) = definition.split_once("<nvram")?;
    let (element, _) = rest.split_once("</nvram>")?;
    let (_, path) = element.split_once(NVRAM_PLACE)?;
    let file: String = path
        .chars()
        .take_while(|c| !matches!(c, '\'' | '"' | '<'))
        .collect();
    let file = unescape(&file);
    is_file_name(&file).then_some(file)
}

fn mirror_if_absent(from: &Path, to: &Path) -> io::Result<()> {
    if to.exists() {
        return Ok(());
    }
    mirror(from, to)
}

/// Makes `to` what `from` is, a file or a directory of them, with owners, modes and times. One that is not there has no
/// copy either. Links are no part of it.
fn mirror(from: &Path, to: &Path) -> io::Result<()> {
    let found = match fs::symlink_metadata(from) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if found.is_file() {
        return mirror_file(from, &found, to);
    }
    if !found.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(to)?;
    own(to, &found)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        mirror(&entry.path(), &to.join(entry.file_name()))?;
    }
    for entry in fs::read_dir(to)? {
        let entry = entry?;
        if !from.join(entry.file_name()).exists() && entry.file_type()?.is_file() {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn mirror_file(from: &Path, found: &fs::Metadata, to: &Path) -> io::Result<()> {
    let same = |copy: fs::Metadata| {
        let times = copy.modified().ok() == found.modified().ok();
        times && copy.len() == found.len()
    };
    if fs::symlink_metadata(to).is_ok_and(same) {
        return Ok(());
    }
    durable::replace(to, &fs::read(from)?, 0o600)?;
    own(to, found)?;
    let times = FileTimes::new().set_modified(found.modified()?);
    File::options().write(true).open(to)?.set_times(times)
}

fn own(path: &Path, like: &fs::Metadata) -> io::Result<()> {
    let now = fs::metadata(path)?;
    if (now.uid(), now.gid()) != (like.uid(), like.gid()) {
        chown(path, Some(like.uid()), Some(like.gid()))?;
    }
    fs::set_permissions(path, like.permissions())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0f0e0d0c-0b0a-4908-8706-050403020100";

    struct Host(tempfile::TempDir);

    impl Host {
        /// With one VM, `web`, as libvirt leaves it.
        fn new() -> Self {
            let host = Self(tempfile::tempdir().unwrap());
            host.write("quantix/libvirt/qemu/web.xml", &definition(ID, "web"));
            host.write("quantix/libvirt/nvram/web_VARS.qcow2", "variables");
            host.write(
                &format!("quantix/libvirt/swtpm/{ID}/tpm2/tpm2-00.permall"),
                "secrets",
            );
            host
        }

        fn path(&self, path: &str) -> PathBuf {
            self.0.path().join(path)
        }

        fn write(&self, path: &str, text: &str) {
            fs::create_dir_all(self.path(path).parent().unwrap()).unwrap();
            fs::write(self.path(path), text).unwrap();
        }

        fn read(&self, path: &str) -> Option<String> {
            fs::read_to_string(self.path(path)).ok()
        }

        fn files(&self) -> VmFiles {
            VmFiles::new(&self.path("quantix"), &self.path("data/vms"))
        }

        fn copy(&self, file: &str) -> Option<String> {
            self.read(&format!("data/vms/{ID}/{file}"))
        }

        /// As a new configuration partition.
        fn reinstall(&self) {
            fs::remove_dir_all(self.path("quantix")).unwrap();
            fs::create_dir_all(self.path("quantix/libvirt/qemu")).unwrap();
            fs::create_dir_all(self.path("quantix/libvirt/nvram")).unwrap();
            fs::create_dir_all(self.path("quantix/libvirt/swtpm")).unwrap();
        }
    }

    fn definition(id: &str, name: &str) -> String {
        format!(
            "<!--\nWARNING\n-->\n<domain type='kvm'>\n  <name>{name}</name>\n  <uuid>{id}</uuid>\n  <os>\n    <nvram \
             template='/usr/share/OVMF/OVMF_VARS_4M.qcow2' format='qcow2'>/var/lib/libvirt/qemu/nvram/{name}_VARS.qcow2\
             </nvram>\n  </os>\n</domain>\n"
        )
    }

    #[test]
    fn a_vm_comes_back_after_its_configuration_was_lost() {
        let host = Host::new();
        host.files().keep(ID, "web", true).unwrap();
        host.reinstall();
        assert_eq!(host.files().restore().unwrap(), Vec::<String>::new());
        let back = |path: &str| host.read(&format!("quantix/libvirt/{path}"));
        assert_eq!(back("qemu/web.xml"), Some(definition(ID, "web")));
        assert_eq!(back("nvram/web_VARS.qcow2").unwrap(), "variables");
        let tpm = back(&format!("swtpm/{ID}/tpm2/tpm2-00.permall"));
        assert_eq!(tpm.unwrap(), "secrets");
        assert!(!host.path("quantix/libvirt/qemu/autostart").exists());
    }

    #[test]
    fn what_a_running_vm_writes_is_copied_when_it_is_off() {
        let host = Host::new();
        host.files().keep(ID, "web", false).unwrap();
        assert!(host.copy("domain.xml").is_some());
        assert_eq!(host.copy("nvram"), None);
        host.files().keep(ID, "web", true).unwrap();
        host.write("quantix/libvirt/nvram/web_VARS.qcow2", "variables, changed");
        host.files().keep(ID, "web", false).unwrap();
        assert_eq!(host.copy("nvram").unwrap(), "variables");
        host.files().keep(ID, "web", true).unwrap();
        assert_eq!(host.copy("nvram").unwrap(), "variables, changed");
    }

    #[test]
    fn what_libvirt_knows_stays_and_what_is_in_the_way_is_said() {
        let host = Host::new();
        host.files().keep(ID, "web", true).unwrap();
        let edited = definition(ID, "web").replace("kvm", "qemu");
        host.write("quantix/libvirt/qemu/web.xml", &edited);
        host.files().restore().unwrap();
        assert_eq!(host.read("quantix/libvirt/qemu/web.xml"), Some(edited));

        let other = definition("11111111-0b0a-4908-8706-050403020100", "web");
        host.write("quantix/libvirt/qemu/web.xml", &other);
        let said = host.files().restore().unwrap().concat();
        assert!(said.contains("another VM has its name, web"), "{said}");
        assert_eq!(host.read("quantix/libvirt/qemu/web.xml"), Some(other));
    }

    #[test]
    fn a_damaged_copy_is_told_and_does_not_stop_the_others() {
        let host = Host::new();
        host.files().keep(ID, "web", true).unwrap();
        for (id, text) in [
            ("a", "<domain>".to_owned()),
            ("b", definition("c", "moved")),
            ("d", definition("d", "../../etc/shadow")),
        ] {
            host.write(&format!("data/vms/{id}/domain.xml"), &text);
        }
        host.reinstall();
        let said = host.files().restore().unwrap();
        assert_eq!(said.len(), 3, "{said:?}");
        assert!(said[0].ends_with("vms/a does not come back: its definition is damaged"));
        assert!(said[2].ends_with("its name can't be that of a file"));
        assert!(host.read("quantix/libvirt/qemu/web.xml").is_some());
    }

    #[test]
    fn a_vm_that_is_gone_leaves_its_disks_alone_or_nothing() {
        let host = Host::new();
        host.files().keep(ID, "web", true).unwrap();
        host.write(&format!("data/vms/{ID}/disk0.qcow2"), "disk");
        host.files().forget(ID).unwrap();
        let left: Vec<_> = fs::read_dir(host.path(&format!("data/vms/{ID}")))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(left, ["disk0.qcow2"]);
        fs::remove_file(host.path(&format!("data/vms/{ID}/disk0.qcow2"))).unwrap();
        host.files().forget(ID).unwrap();
        assert!(!host.path(&format!("data/vms/{ID}")).exists());
        host.files().forget(ID).unwrap();
    }

    #[test]
    fn only_a_file_of_this_vm_is_copied() {
        let host = Host::new();
        for (id, name) in [("other", "web"), (ID, "absent"), (ID, "../web"), (ID, "")] {
            host.files().keep(id, name, true).unwrap();
        }
        assert!(!host.path("data").exists());
    }

    #[test]
    fn firmware_variables_of_libvirts_own_directory_are_found_however_they_are_written() {
        let path = "/var/lib/libvirt/qemu/nvram/a&amp;b_VARS.fd";
        for text in [
            format!("<nvram>{path}</nvram>"),
            format!("<nvram type='file'>\n <source file='{path}'/>\n</nvram>"),
        ] {
            assert_eq!(nvram_file(&text).as_deref(), Some("a&b_VARS.fd"));
        }
        assert_eq!(nvram_file("<nvram>/srv/mine.fd</nvram>"), None);
        assert_eq!(nvram_file("<os/>"), None);
        let outside = format!("<nvram>{NVRAM_PLACE}../../x</nvram>");
        assert_eq!(nvram_file(&outside), None);
    }
}
