//! `make run`'s program from the outside: what it prints, and that it stops as it should.

use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Command, Stdio};

use qx_e2e::deadline::Look;
use qx_e2e::{minutes, poll, ports, seconds};

#[test]
fn a_taken_port_is_a_clear_error() {
    let holder = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = holder.local_addr().unwrap().port().to_string();
    let run = Command::new(env!("CARGO_BIN_EXE_qx-run"))
        .args(["--https-port", &port])
        .output();
    let run = run.unwrap();
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(!run.status.success());
    assert!(
        said.contains(&port) && said.contains("HTTPS_PORT=PORT"),
        "{said}"
    );
}

/// `script` gives the program a terminal; what is typed reaches it through a pipe.
#[test]
fn in_a_terminal_the_escape_key_shows_help_and_turns_the_machine_off() {
    let [https, grpc] = [(); 2].map(|()| ports::free().unwrap().to_string());
    let command = format!(
        "{} --https-port {https} --grpc-port {grpc}",
        env!("CARGO_BIN_EXE_qx-run")
    );
    let dir = tempfile::tempdir().unwrap();
    let screen = dir.path().join("screen");
    let mut run = Command::new("script")
        .args(["--quiet", "--flush", "--return", "--command", &command])
        .arg(&screen)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut keyboard = run.stdin.take().unwrap();
    let shows = |text: &str| {
        poll(text, minutes(1), || {
            let seen = std::fs::read(&screen).unwrap_or_default();
            let seen = String::from_utf8_lossy(&seen).into_owned();
            Ok(if seen.contains(text) {
                Look::Done(())
            } else {
                Look::NotYet(seen)
            })
        })
        .unwrap();
    };
    shows(&format!("https://localhost:{https}"));
    shows("booting");
    keyboard.write_all(b"\x01h").unwrap();
    shows("turn the machine off and leave");
    keyboard.write_all(b"\x01x").unwrap();
    shows("Quantix-OS is off.");
    assert!(run.wait().unwrap().success());
}

#[test]
#[ignore = "one more boot, about 2 minutes"]
fn without_a_terminal_it_streams_says_ready_and_stops_on_sigterm() {
    let dir = tempfile::tempdir().unwrap();
    let (out, err) = (dir.path().join("out"), dir.path().join("err"));
    let [https, grpc] = [(); 2].map(|()| ports::free().unwrap().to_string());
    let mut run = Command::new(env!("CARGO_BIN_EXE_qx-run"))
        .args(["--https-port", &https, "--grpc-port", &grpc])
        .stdin(Stdio::null())
        .stdout(std::fs::File::create(&out).unwrap())
        .stderr(std::fs::File::create(&err).unwrap())
        .spawn()
        .unwrap();
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    poll("qx-run to say how to log in", minutes(6), || {
        let said = read(&err);
        Ok(
            if said.contains("log in as root with the one-time password") {
                Look::Done(())
            } else {
                Look::NotYet(said)
            },
        )
    })
    .unwrap();
    let process = rustix::process::Pid::from_child(&run);
    rustix::process::kill_process(process, rustix::process::Signal::TERM).unwrap();
    let status = poll("qx-run to stop", seconds(20), || {
        Ok(run
            .try_wait()?
            .map_or_else(|| Look::NotYet("it runs".into()), Look::Done))
    });
    assert!(status.unwrap().success());
    let said = read(&out);
    assert!(
        said.contains(&format!("https://localhost:{https}")),
        "{said}"
    );
    assert!(said.contains("this boot's password"), "{said}");
    assert!(said.contains("Quantix-OS is off."), "{said}");
}
