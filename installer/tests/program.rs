//! `qx-install` as a person or a script runs it.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::fs;
use std::path::Path;
use std::process::Command;

/// Exit status, standard output, standard error.
fn run(dir: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_qx-install"))
        .current_dir(dir)
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn check(content: &[u8]) -> (Option<i32>, String, String) {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("quantix.toml"), content).unwrap();
    run(dir.path(), &["check", "quantix.toml"])
}

#[test]
fn a_right_answer_file_says_what_it_does() {
    for (text, effect) in [
        ("", "it configures the live system"),
        (
            "[install]",
            "it installs on the disk that auto finds if that is empty, then restarts the machine",
        ),
        (
            "[install]\ndisk = \"smallest\"\nwipe = true\npoweroff = true",
            "it installs on the smallest fixed disk that is large enough and erases what is there, then switches the \
             machine off",
        ),
        (
            "[install]\nmirror = \"auto\"",
            "it installs on the disk that auto finds, mirrored on the only other one, if that is empty, then restarts \
             the machine",
        ),
        (
            "[install]\ndisk = \"/dev/sda\"\nkeep_data = true",
            "it installs on /dev/sda anew and keeps the data that is on it, then restarts the machine",
        ),
        (
            "[install]\ndisk = \"largest\"",
            "it installs on the largest fixed disk if that is empty, then restarts the machine",
        ),
        (
            "[install]\ndisk = \"/dev/sda\"",
            "it installs on /dev/sda if that is empty, then restarts the machine",
        ),
        (
            "[install]\ndisk = \"serial:X 1\"",
            "it installs on the disk with serial number X 1 if that is empty, then restarts the machine",
        ),
        (
            "[install]\ndisk = \"wwn:0x1\"",
            "it installs on the disk with WWN 0x1 if that is empty, then restarts the machine",
        ),
    ] {
        let said = format!("quantix.toml is a valid answer file; {effect}\n");
        assert_eq!(
            check(format!("version = 1\n{text}\n").as_bytes()),
            (Some(0), said, String::new())
        );
    }
}

#[test]
fn a_wrong_answer_file_has_every_problem_on_a_line() {
    let text = "version = 1\n[install]\ndisk = \"sda\"\nwipe = 1\n[system]\nhostnam = \"a\"\n";
    let said = "quantix.toml: line 3: `install.disk` must be \"auto\", \"smallest\", \"largest\", a path such as \
                \"/dev/sda\", \"serial:\" and the disk's serial number, or \"wwn:\" and its WWN; `qx-install disks` \
                lists them\n\
                quantix.toml: line 4: `install.wipe` must be true or false\n\
                quantix.toml: line 6: unknown key `hostnam` in [system]; did you mean `hostname`?\n";
    assert_eq!(
        check(text.as_bytes()),
        (Some(1), String::new(), said.to_owned())
    );
    assert_eq!(
        check(b"version = 1\n\n# \xff\n"),
        (
            Some(1),
            String::new(),
            "quantix.toml: line 3: not UTF-8 text\n".to_owned()
        )
    );
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let (code, _, said) = run(dir.path(), &["check", "none.toml"]);
    assert_eq!(code, Some(1));
    assert_eq!(
        said,
        "qx-install: cannot read none.toml: No such file or directory (os error 2)\n"
    );
}

#[test]
fn the_disks_of_this_machine_are_a_table_or_json() {
    let dir = tempfile::tempdir().unwrap();
    let (code, json, said) = run(dir.path(), &["disks", "--json"]);
    assert_eq!((code, said.as_str()), (Some(0), ""));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let (code, table, said) = run(dir.path(), &["disks"]);
    assert_eq!((code, said.as_str()), (Some(0), ""));
    for disk in json.as_array().unwrap() {
        assert!(table.contains(disk["path"].as_str().unwrap()), "{table}");
    }
}
