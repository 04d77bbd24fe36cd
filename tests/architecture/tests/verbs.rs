//! `make help` and the script that runs every verb name the same ones, and `make test` fails when a part does.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails its test")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

fn read(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    fs::read_to_string(root.join(path)).unwrap()
}

#[test]
fn every_verb_of_make_help_is_tried_by_the_script() {
    let makefile = read("Makefile");
    let verbs: Vec<&str> = makefile
        .lines()
        .filter(|line| !line.starts_with('\t') && line.contains("## "))
        .filter_map(|line| line.split_once(':').map(|(verb, _)| verb))
        .collect();
    assert!(verbs.len() > 15, "{verbs:?}");
    let script = read("tests/verbs.sh");
    let labels: Vec<&str> = script
        .lines()
        .filter_map(|line| line.trim().split_once(')'))
        .flat_map(|(labels, _)| labels.split('|').map(str::trim))
        .collect();
    for verb in &verbs {
        assert!(
            labels.contains(verb),
            "tests/verbs.sh does not try make {verb}"
        );
    }
    let phony = makefile
        .split_once(".PHONY:")
        .map(|(_, rest)| rest)
        .unwrap();
    for verb in verbs {
        assert!(
            phony.split_whitespace().any(|word| word == verb),
            "{verb} is not .PHONY"
        );
    }
}

/// Each part that `make test` runs, in turn, is the one that fails.
#[test]
fn one_failing_part_fails_the_whole_run_and_ends_it() {
    // Tests on loop devices are a part only for root of the machine.
    let map = fs::read_to_string("/proc/self/uid_map").unwrap();
    let root = map.split_whitespace().eq(["0", "0", "4294967295"]);
    let parts: usize = if root { 8 } else { 6 };
    let directory = tempfile::tempdir().unwrap();
    let calls = directory.path().join("calls");
    let stand_in = format!(
        "#!/bin/sh\necho >>{0}\n[ $(wc -l <{0}) != $FAILS ]\n",
        calls.display()
    );
    // A checkout with nothing but the script, and what it calls.
    let builder = directory.path().join("builder");
    for made in [&builder, &directory.path().join("host-ui")] {
        fs::create_dir(made).unwrap();
    }
    for name in ["test.sh", "lib.sh"] {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../builder");
        fs::copy(from.join(name), builder.join(name)).unwrap();
    }
    for program in ["cargo", "npm", "builder/python-tests.sh"] {
        let file = directory.path().join(program);
        fs::write(&file, &stand_in).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let path = format!(
        "{}:{}",
        directory.path().display(),
        std::env::var("PATH").unwrap()
    );
    let script = builder.join("test.sh");
    for fails in 0..=parts {
        fs::write(&calls, "").unwrap();
        let run = Command::new(&script)
            .arg("quick")
            .env("PATH", &path)
            .env("FAILS", fails.to_string())
            .output()
            .unwrap();
        let made = fs::read_to_string(&calls).unwrap().lines().count();
        assert_eq!(run.status.success(), fails == 0, "part {fails}: {run:?}");
        assert_eq!(made, if fails == 0 { parts } else { fails });
    }
}
