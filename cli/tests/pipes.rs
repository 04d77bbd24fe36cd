//! `qx` at the start of a pipe.

use std::process::{Command, Stdio};

#[test]
fn a_reader_that_has_enough_is_no_error() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let qx = Command::new(env!("CARGO_BIN_EXE_qx"))
        .args(["completion", "bash"])
        .stdout(writer)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let output = qx.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(output.status.success(), "{}", output.status);
}

#[test]
fn a_full_disk_is_one() {
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let qx = Command::new(env!("CARGO_BIN_EXE_qx"))
        .args(["completion", "bash"])
        .stdout(full)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&qx.stderr);
    assert!(
        !qx.status.success() && said.contains("No space left"),
        "{said}"
    );
}
