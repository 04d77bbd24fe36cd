//! Shell scripts of our own run on a root from which most of Debian's tools were cut: each command that they
//! name must be there. What a shell does not find is only a line in a log, and the feature is gone.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use qx_image_tests::{Root, repository};

const DIRECTORIES: [&str; 2] = ["overlay/etc/init.d", "overlay/usr/lib/quantix"];
/// Words of the shell's language and its builtins, and functions that OpenRC gives to its scripts.
const KNOWN: &str = "if then elif else fi for while until do done case esac in return exit exec eval set shift export \
    unset read local trap wait cd echo printf test true false ulimit umask break continue command kill \
    need use want after before provide keyword einfo ewarn eerror ebegin eend checkpath \
    supervise_start default_start start_stop_daemon";

#[test]
fn every_command_that_a_script_names_is_in_the_image() -> Result<()> {
    let root = Root::open()?;
    let (mut seen, mut missing) = (BTreeSet::new(), Vec::new());
    for directory in DIRECTORIES {
        for file in std::fs::read_dir(repository().join(directory))? {
            let path = file?.path();
            let script = std::fs::read_to_string(&path)?;
            for command in commands(&script) {
                let there = ["usr/bin", "usr/sbin", "usr/lib/rc/bin", "usr/lib/rc/sbin"]
                    .iter()
                    .any(|bin| {
                        root.path(&format!("{bin}/{command}"))
                            .symlink_metadata()
                            .is_ok()
                    });
                if !there {
                    missing.push(format!("{}: {command}", path.display()));
                }
                seen.insert(command);
            }
        }
    }
    ensure!(missing.is_empty(), "not in the image: {missing:#?}");
    for known in ["modprobe", "virsh", "mount"] {
        ensure!(seen.contains(known), "{known} was not found among {seen:?}");
    }
    Ok(())
}

/// OpenRC stops services side by side, libvirtd among them: VMs that are asked by one of them are cut off.
#[test]
fn vms_are_shut_down_before_any_service_is_stopped() -> Result<()> {
    let inittab = std::fs::read_to_string(repository().join("overlay/etc/inittab"))?;
    for runlevel in ['0', '6'] {
        let entry = |command: &str| {
            inittab.lines().position(|line| {
                let mut fields = line.splitn(4, ':');
                let (levels, action, process) = (fields.nth(1), fields.next(), fields.next());
                levels.is_some_and(|levels| levels.contains(runlevel))
                    && action == Some("wait")
                    && process.is_some_and(|process| process.starts_with(command))
            })
        };
        let guests = entry("/usr/lib/quantix/stop-guests ");
        let services = entry("/usr/sbin/openrc ");
        ensure!(
            guests.is_some() && guests < services,
            "in runlevel {runlevel}: {guests:?}, {services:?}"
        );
    }
    Ok(())
}

#[test]
fn commands_are_found_wherever_the_shell_takes_one() {
    let script = "# nice comment\nstart() {\n    left=300\n    until [ -e /x ] || lost; do\n        a b \"c d\"\n    done\n    \
        e=$(f | g) && ! h || { i & }\n}\ncase $(j k) in\n    vmx*) l m ;;\nesac\nstart\n";
    let found: Vec<String> = commands(script).into_iter().collect();
    assert_eq!(found, ["a", "f", "g", "h", "i", "j", "l", "lost"]);
}

/// The plain words that stand where the shell takes a command, without its own and the script's functions.
fn commands(script: &str) -> BTreeSet<String> {
    let known: BTreeSet<&str> = KNOWN.split_whitespace().collect();
    let functions: BTreeSet<&str> = script
        .lines()
        .filter_map(|line| line.trim().split_once("()"))
        .map(|(name, _)| name)
        .collect();
    let mut found = BTreeSet::new();
    for line in joined(script) {
        for part in split(&line) {
            let words = part.split_whitespace();
            let command = words
                .map(|word| word.trim_matches(['{', '!', '"']))
                .find(|word| {
                    !word.is_empty()
                        && !matches!(
                            *word,
                            "if" | "elif" | "then" | "else" | "while" | "until" | "do" | "exec"
                        )
                        && !is_assignment(word)
                });
            let plain = |word: &&str| {
                word.starts_with(|first: char| first.is_ascii_lowercase())
                    && word
                        .chars()
                        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
            };
            if let Some(word) = command.filter(plain)
                && !known.contains(word)
                && !functions.contains(word)
            {
                found.insert(word.to_owned());
            }
        }
    }
    found
}

/// Lines without comments; one that goes on is joined with the next.
fn joined(script: &str) -> Vec<String> {
    let text = script.replace("\\\n", " ");
    text.lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('#') && !is_assignment(line))
        .map(str::to_owned)
        .collect()
}

/// The line's simple commands. A pattern of `case` ends in `)`, like a substitution, and both end one.
fn split(line: &str) -> Vec<String> {
    let line = line
        .replace("$(", "\u{1}")
        .replace("||", "\u{1}")
        .replace("&&", "\u{1}");
    line.split(['\u{1}', '|', ';', '&', ')'])
        .map(str::to_owned)
        .collect()
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    }) && !word.contains("$(")
}
