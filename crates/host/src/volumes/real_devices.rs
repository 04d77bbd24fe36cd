//! Disks that become pools, and block devices that are volumes: loop devices over files. `builder/test.sh` runs these
//! tests where it is root of the machine; there they fail without loop devices.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;

const MIB: u64 = 1 << 20;

/// A sparse file as a block device.
struct LoopDevice {
    path: PathBuf,
    _dir: tempfile::TempDir,
}

impl LoopDevice {
    fn new(mib: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let image = dir.path().join("image");
        File::create(&image).unwrap().set_len(mib * MIB).unwrap();
        let node = run("losetup", &["--find", "--show", image.to_str().unwrap()]);
        Self {
            path: node.trim().into(),
            _dir: dir,
        }
    }
}

impl Drop for LoopDevice {
    fn drop(&mut self) {
        let _ = Command::new("losetup")
            .arg("--detach")
            .arg(&self.path)
            .output();
    }
}

fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {output:?}"
    );
    String::from_utf8(output.stdout).unwrap()
}

#[test]
#[ignore = "needs loop devices: root of the machine, not of a user namespace"]
fn a_disk_gets_a_file_system_with_the_id_that_was_chosen_and_keeps_nothing_else() {
    let disk = LoopDevice::new(600);
    let node = disk.path.to_str().unwrap();
    run("mkfs.ext4", &["-q", "-F", "-L", "photos", node]);
    let id = "0f0e0d0c-0b0a-4908-8706-050403020100";
    make_filesystem(&disk.path, id, false).unwrap();
    let told = run("blkid", &["-p", "-o", "export", node]);
    assert!(
        told.contains(&format!("UUID={id}")) && told.contains("TYPE=xfs"),
        "{told}"
    );
    assert!(!told.contains("photos"), "{told}");
    let place = tempfile::tempdir().unwrap();
    let at = place.path().to_str().unwrap();
    run("mount", &[node, at]);
    let mounted = space(place.path(), true);
    let taken = make_filesystem(&disk.path, id, false);
    run("umount", &[at]);
    assert!(mounted.unwrap().available > 400 * MIB);
    taken.unwrap_err();
}

#[test]
#[ignore = "needs loop devices: root of the machine, not of a user namespace"]
fn an_image_is_written_to_a_block_device_and_read_from_it() {
    let disk = LoopDevice::new(16);
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let mut content = vec![0_u8; 8 << 20];
    content[5 << 20] = 7;
    fs::write(path("raw"), &content).unwrap();
    let (raw, image) = (path("raw"), path("image.qcow2"));
    convert((&raw, "raw"), (&image, "qcow2"), &mut |_, _| true).unwrap();
    convert_onto((&image, "qcow2"), &disk.path, &mut |_, _| true).unwrap();
    let (_, length) = open(&disk.path).unwrap();
    assert_eq!(length, 16 * MIB);
    let copied = path("copy");
    copy((&disk.path, "raw"), Path::new(&copied), &mut |_, _| true).unwrap();
    assert!(fs::read(copied).unwrap()[..content.len()] == content[..]);
}
