//! What somebody who helps from afar asks to see of a host: how it came up, its logs, its network, its disks. Nothing
//! that keeps others out is in it: [`redact`] goes over every text.

mod redact;

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::command;
use crate::logs::{self, Log};

pub use redact::redact;

/// For each program that is asked.
const DEADLINE: Duration = Duration::from_secs(10);
/// Most that is taken of one file or program, in bytes: the newest of a file.
const MOST: u64 = 1 << 20;
/// Most that is taken of what QEMU said of one VM, in bytes.
const MOST_OF_VM: u64 = 64 << 10;
/// Logs of VMs, the newest ones.
const MOST_VMS: usize = 100;

/// What is read of `/proc` and of the boot's record.
const PROC: [&str; 8] = [
    "cmdline",
    "cpuinfo",
    "interrupts",
    "loadavg",
    "mdstat",
    "meminfo",
    "mounts",
    "modules",
];
const RUN: [&str; 6] = [
    "boot.json",
    "config-status.json",
    "applied.json",
    "network.json",
    "network-trial.json",
    "install.json",
];

/// A program that is asked, and the file that its answer is put into.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    /// The file's name.
    pub name: &'static str,
    /// The program.
    pub program: &'static str,
    /// Its arguments.
    pub arguments: &'static [&'static str],
}

const fn question(
    name: &'static str,
    program: &'static str,
    arguments: &'static [&'static str],
) -> Question {
    Question {
        name,
        program,
        arguments,
    }
}

/// What the image's programs are asked.
const QUESTIONS: &[Question] = &[
    question("addresses", "/usr/sbin/ip", &["-details", "address"]),
    question("routes", "/usr/sbin/ip", &["route", "show", "table", "all"]),
    question(
        "routes6",
        "/usr/sbin/ip",
        &["-6", "route", "show", "table", "all"],
    ),
    question("neighbours", "/usr/sbin/ip", &["neighbour"]),
    question("bridges", "/usr/sbin/bridge", &["-details", "link"]),
    question("vlans", "/usr/sbin/bridge", &["vlan"]),
    question("firewall", "/usr/sbin/nft", &["list", "ruleset"]),
    question("listening", "/usr/bin/ss", &["-lntup"]),
    question("disks", "/usr/bin/lsblk", &["--output-all"]),
    question("filesystems", "/usr/bin/df", &["-h"]),
    question("pci", "/usr/bin/lspci", &["-nnk"]),
    question(
        "processes",
        "/usr/bin/busybox",
        &["ps", "-o", "pid,ppid,user,stat,rss,comm"],
    ),
    question("services", "/usr/bin/rc-status", &["--all"]),
    question("time", "/usr/bin/chronyc", &["-n", "sources"]),
    question("volume-groups", "/usr/sbin/lvs", &["--all"]),
];

/// Where everything is.
#[derive(Debug, Clone)]
pub struct Places {
    /// procfs.
    pub proc: PathBuf,
    /// The logs, and the run directory.
    pub logs: logs::Places,
    /// What QEMU says, a file for each VM.
    pub vm_logs: PathBuf,
    /// What programs are asked.
    pub questions: &'static [Question],
}

impl Places {
    /// Those of the product, with logs that lie elsewhere.
    #[must_use]
    pub fn new(logs: logs::Places) -> Self {
        Self {
            proc: "/proc".into(),
            logs,
            vm_logs: "/var/log/libvirt/qemu".into(),
            questions: QUESTIONS,
        }
    }
}

/// A file of the bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its path in the bundle.
    pub path: String,
    /// What is in it.
    pub text: String,
}

/// Reads everything. What can't be had is named in the last part, with the reason. Blocks for some seconds.
#[must_use]
pub fn collect(places: &Places) -> Vec<Part> {
    let mut found = Found::default();
    for name in PROC {
        found.file(format!("proc/{name}"), &places.proc.join(name), MOST);
    }
    for name in RUN {
        found.file(format!("run/{name}"), &places.logs.run.join(name), MOST);
    }
    for log in Log::ALL {
        let name = match log {
            Log::System => "system",
            // All of it is in the system's.
            Log::Daemon => continue,
            Log::Kernel => "kernel",
            Log::Boot => "boot",
            Log::Install => "install",
        };
        let text = logs::read(&places.logs, log, 0).map(|read| read.map_or(String::new(), |r| r.0));
        found.add(format!("logs/{name}.log"), text);
    }
    found.vms(&places.vm_logs);
    for question in places.questions {
        found.ask(question);
    }
    found.finish()
}

#[derive(Default)]
struct Found {
    parts: Vec<Part>,
    missing: Vec<String>,
}

impl Found {
    fn add(&mut self, path: String, text: Result<String, String>) {
        match text {
            Ok(text) => self.parts.push(Part {
                path,
                text: redact(&text),
            }),
            Err(reason) => self.missing.push(format!("{path}: {reason}\n")),
        }
    }

    fn file(&mut self, path: String, file: &Path, most: u64) {
        let text = logs::tail(file, most).map_err(|error| error.to_string());
        self.add(path, text);
    }

    /// What QEMU said of the VMs that it was started for last.
    fn vms(&mut self, directory: &Path) {
        let list = || -> io::Result<Vec<(std::time::SystemTime, PathBuf)>> {
            let mut files = Vec::new();
            for entry in fs::read_dir(directory)? {
                let entry = entry?;
                files.push((entry.metadata()?.modified()?, entry.path()));
            }
            files.sort();
            Ok(files)
        };
        match list() {
            Ok(files) => {
                for (_, file) in files.iter().rev().take(MOST_VMS) {
                    let name = file.file_name().unwrap_or_default().to_string_lossy();
                    self.file(format!("vms/{name}"), file, MOST_OF_VM);
                }
            }
            Err(error) => {
                let directory = directory.display();
                self.missing.push(format!("vms: {directory}: {error}\n"));
            }
        }
    }

    fn ask(&mut self, question: &Question) {
        let arguments: Vec<&OsStr> = question.arguments.iter().map(OsStr::new).collect();
        let said = command::capture(question.program, &arguments, DEADLINE, MOST);
        let text = said.map_err(|error| error.to_string());
        self.add(format!("host/{}.txt", question.name), text);
    }

    fn finish(mut self) -> Vec<Part> {
        if !self.missing.is_empty() {
            self.parts.push(Part {
                path: "missing.txt".to_owned(),
                text: redact(&self.missing.concat()),
            });
        }
        self.parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: &[Question] = &[
        question(
            "said",
            "/bin/sh",
            &["-c", "echo said; echo password=42abc >&2"],
        ),
        question("refused", "/bin/sh", &["-c", "echo no; exit 3"]),
        question("absent", "/nonexistent", &[]),
    ];

    fn part<'a>(parts: &'a [Part], path: &str) -> &'a str {
        let found = parts.iter().find(|part| part.path == path);
        found.map_or("", |part| &part.text)
    }

    #[test]
    fn what_there_is_is_taken_and_what_there_is_not_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        for name in ["run", "vms", "proc"] {
            fs::create_dir(path(name)).unwrap();
        }
        fs::write(path("run/boot.json"), "{\"mode\":\"live\"}").unwrap();
        fs::write(path("run/boot.log"), "up\n").unwrap();
        fs::write(path("vms/web1.log"), "x".repeat(70 << 10) + "\nended\n").unwrap();
        fs::write(path("proc/cmdline"), "quantix.seed=https://a:b@seed/x\n").unwrap();
        fs::write(
            path("messages"),
            "qx-node: token qxt_0123456789abcdef made\n",
        )
        .unwrap();
        let places = Places {
            proc: path("proc"),
            logs: logs::Places {
                messages: path("messages"),
                run: path("run"),
                kernel: path("kmsg"),
            },
            vm_logs: path("vms"),
            questions: ASKED,
        };
        let parts = collect(&places);
        assert_eq!(part(&parts, "run/boot.json"), "{\"mode\":\"live\"}");
        assert_eq!(part(&parts, "logs/boot.log"), "up\n");
        assert_eq!(part(&parts, "vms/web1.log"), "ended\n");
        let cmdline = part(&parts, "proc/cmdline");
        assert_eq!(cmdline, "quantix.seed=https://[left out]@seed/x\n");
        let messages = part(&parts, "logs/system.log");
        assert_eq!(messages, "qx-node: token [left out] made\n");
        let said = part(&parts, "host/said.txt");
        assert_eq!(said, "said\npassword=[left out]\n");
        let refused = part(&parts, "host/refused.txt");
        assert!(refused.starts_with("no\n") && refused.contains("exit status: 3"));
        let missing = part(&parts, "missing.txt");
        for name in [
            "host/absent.txt: cannot run /nonexistent",
            "logs/kernel.log",
            "proc/meminfo",
        ] {
            assert!(missing.contains(name), "{missing}");
        }
        assert!(!missing.contains("boot.json"), "{missing}");
    }
}
