//! A private libvirtd for tests, with its own namespaces and directories: it sees neither the machine's
//! VMs nor its network (it has a bridge `br0` of its own, without a way out), and everything it started dies with it. Needs root, or root in a user namespace.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Probing QEMU takes seconds on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Run as the first process of its namespaces: libvirtd is restarted whenever it ends, so that a test may
/// kill it, and all ends with the test, however that ends, because its end of the pipe closes. `$1` is the private directory. Capabilities that libvirtd found
/// out about QEMU stay cached in the build root.
const INIT: &str = r#"
set -eu
# Fails in a chroot, whose mounts the one who made it has made private.
mount --make-rprivate / 2>/dev/null || :
mkdir -p /run/lock /etc/libvirt /var/lib/libvirt /var/log/libvirt
for path in /etc/libvirt /var/lib/libvirt /var/log/libvirt; do mount -t tmpfs tmpfs "$path"; done
mount -t tmpfs tmpfs /run
mkdir -p /run/lock
cp "$1/qemu.conf" /etc/libvirt/qemu.conf
# A node that libvirtd can use and QEMU's user can't would make libvirtd probe QEMU again for each call.
if [ -e /dev/kvm ] && mknod -m 660 /run/kvm c 10 232 2>/dev/null; then
    chgrp kvm /run/kvm
    mount --bind /run/kvm /dev/kvm
fi
ip link set lo up
ip link add br0 type bridge
ip link set br0 up
while :; do
    libvirtd -f "$1/libvirtd.conf" -p "$1/libvirtd.pid" >>"$1/libvirtd.log" 2>&1 || :
    sleep 0.1
done &
cat
"#;

/// libvirtd, its QEMUs and their files.
#[derive(Debug)]
pub struct PrivateLibvirtd {
    init: Child,
    directory: PathBuf,
}

impl PrivateLibvirtd {
    /// Starts it with its files below `directory`, and waits until it listens.
    pub fn start(directory: &Path) -> io::Result<Self> {
        // QEMU runs as another user, as in the product, and opens its files by name.
        fs::set_permissions(directory, fs::Permissions::from_mode(0o711))?;
        let path = directory.display();
        fs::write(
            directory.join("libvirtd.conf"),
            format!(
                "unix_sock_dir = \"{path}\"\nauth_unix_rw = \"none\"\nauth_unix_ro = \"none\"\n\
                 log_outputs = \"3:stderr\"\nmax_client_requests = 64\nmax_workers = 64\n"
            ),
        )?;
        fs::write(
            directory.join("qemu.conf"),
            "user = \"libvirt-qemu\"\ngroup = \"kvm\"\ndynamic_ownership = 1\nremember_owner = 0\n\
             security_driver = \"none\"\nnamespaces = []\ncgroup_controllers = []\n\
             stdio_handler = \"file\"\n",
        )?;
        let log = fs::File::create(directory.join("libvirtd.log"))?;
        let init = Command::new("unshare")
            .args([
                "--mount",
                "--propagation",
                "unchanged",
                "--net",
                "--pid",
                "--fork",
                "--kill-child",
                "--mount-proc",
            ])
            .args(["sh", "-c", INIT, "sh"])
            .arg(directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        let mut libvirtd = Self {
            init,
            directory: directory.to_owned(),
        };
        libvirtd.wait_for(|libvirtd| libvirtd.socket().exists())?;
        Ok(libvirtd)
    }

    /// Its address.
    #[must_use]
    pub fn uri(&self) -> String {
        format!("qemu+unix:///system?socket={}", self.socket().display())
    }

    /// Kills libvirtd, as a crash would, and returns when the next one listens. VMs run on.
    pub fn crash(&mut self) -> io::Result<()> {
        let old = self.libvirtd()?;
        fs::remove_file(self.socket())?;
        let killed = Command::new("kill")
            .args(["-KILL", &old.to_string()])
            .status()?;
        if !killed.success() {
            return Err(io::Error::other(format!(
                "libvirtd {old} could not be killed"
            )));
        }
        self.wait_for(|libvirtd| {
            libvirtd.socket().exists() && libvirtd.libvirtd().is_ok_and(|new| new != old)
        })
    }

    /// Names of the network interfaces that exist for it.
    pub fn interfaces(&self) -> io::Result<Vec<String>> {
        let table = fs::read_to_string(format!("/proc/{}/net/dev", self.init.id()))?;
        let names = table.lines().filter_map(|line| line.split_once(':'));
        Ok(names.map(|(name, _)| name.trim().to_owned()).collect())
    }

    /// Where this process finds what is at the absolute `path` for it: it has file systems of its own.
    #[must_use]
    pub fn file(&self, path: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{path}", self.init.id()))
    }

    fn socket(&self) -> PathBuf {
        self.directory.join("libvirt-sock")
    }

    /// The process id of libvirtd, in this process's namespace: a descendant of `unshare`.
    fn libvirtd(&self) -> io::Result<u32> {
        let mut waiting = vec![self.init.id()];
        while let Some(process) = waiting.pop() {
            for child in children(process)? {
                if fs::read_to_string(format!("/proc/{child}/comm"))?.trim() == "libvirtd" {
                    return Ok(child);
                }
                waiting.push(child);
            }
        }
        Err(io::Error::other("libvirtd does not run"))
    }

    fn wait_for(&mut self, done: impl Fn(&Self) -> bool) -> io::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !done(self) {
            if Instant::now() > deadline || self.init.try_wait()?.is_some() {
                let log = fs::read_to_string(self.directory.join("libvirtd.log"))?;
                return Err(io::Error::other(format!("libvirtd does not listen: {log}")));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

impl Drop for PrivateLibvirtd {
    fn drop(&mut self) {
        // The namespaces' first process takes everything in them along.
        let _ = self.init.kill();
        let _ = self.init.wait();
    }
}

fn children(process: u32) -> io::Result<Vec<u32>> {
    let text = fs::read_to_string(format!("/proc/{process}/task/{process}/children"))?;
    Ok(text
        .split_whitespace()
        .filter_map(|id| id.parse().ok())
        .collect())
}
