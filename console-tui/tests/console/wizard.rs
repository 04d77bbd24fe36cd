//! The installation, from the idle screen to the restart.

use qx_console::action::{Action, Answer, Found, Outcome};
use qx_console::terminal::Key;
use qx_host::config::{DiskChoice, parse_answer};
use qx_host::disks::Content;
use qx_host::install_status::{InstallStatus, Phase};
use qx_host::power::PowerAction;

use crate::fixtures::{disk, disks, installed, live};
use crate::script::{Script, check};

const ENTER: &str = "\r";
const DOWN: &str = "\x1b[B";
const TAB: &str = "\t";
const CLEAR: &str = "\x15";

fn found() -> Outcome {
    Outcome::Looked(Ok(Found {
        disks: disks(),
        zones: vec!["Europe/Berlin".into(), "Europe/Paris".into(), "UTC".into()],
    }))
}

/// The first page of an installation.
fn opened() -> Script {
    let mut script = Script::at(live());
    assert_eq!(script.key(Key::F(2)), Some(Action::Look));
    assert!(script.outcome(found()).is_none());
    script
}

/// What a person types from the first page to the review, on the disk that holds data.
fn answers() -> String {
    [
        DOWN,
        ENTER,
        "sdb",
        ENTER, // disk
        ENTER, // layout
        CLEAR,
        "qx7",
        ENTER, // name
        "correct horse 42",
        TAB,
        "correct horse 42",
        ENTER, // password
        TAB,
        TAB,
        " ",
        TAB,
        "10.0.2.15/24",
        TAB,
        "10.0.2.2",
        ENTER, // network
        CLEAR,
        "europe/berlin",
        ENTER, // time
        " ",
        ENTER, // SSH
    ]
    .concat()
}

fn reviewed() -> Script {
    let mut script = opened();
    assert!(script.replay(answers()).is_empty());
    script.shows("8 of 9: review");
    script
}

fn installing() -> (Script, Answer) {
    let mut script = reviewed();
    let mut actions = script.replay("\r\r");
    let Some(Action::Install(answer)) = actions.pop() else {
        panic!("not installing: {actions:?}");
    };
    (script, *answer)
}

fn status(phase: Phase, summary: &str, problems: &[&str]) -> InstallStatus {
    InstallStatus {
        phase,
        summary: summary.into(),
        percent: Some(42),
        bytes_per_second: Some(118_400_000),
        problems: problems.iter().map(|&problem| problem.to_owned()).collect(),
    }
}

#[test]
fn every_page() {
    let mut script = opened();
    check("wizard_disk", &script.state);
    script.replay([DOWN, ENTER].concat());
    check("wizard_erase", &script.state);
    let mut script = opened();
    script.replay([ENTER, TAB, CLEAR, "2"].concat());
    script.replay(ENTER);
    check("wizard_layout", &script.state);
    script.replay([CLEAR, "400", ENTER].concat());
    check("wizard_name", &script.state);
    script.replay([ENTER, "correct horse", TAB, "correct house", ENTER].concat());
    check("wizard_password", &script.state);
    script.replay([CLEAR, "correct horse", ENTER].concat());
    script.replay([TAB, TAB, " ", TAB, "10.0.2.15/24", TAB, "10.0.3.2", ENTER].concat());
    check("wizard_network", &script.state);
    script.replay([CLEAR, ENTER, CLEAR, "Europ"].concat());
    check("wizard_time", &script.state);
    script.replay([CLEAR, "UTC", ENTER, " ", TAB, "ssh-rsa nonsense", ENTER].concat());
    check("wizard_ssh", &script.state);
    let mut script = reviewed();
    check("wizard_review", &script.state);
    script.replay(ENTER);
    check("wizard_sure", &script.state);
}

#[test]
fn progress_success_and_failure() {
    let (mut script, _) = installing();
    let mut facts = live();
    let words = "Installing on /dev/sdb: writing slot A";
    facts.install = Some(status(Phase::Running, words, &[]));
    script.state.facts = facts;
    check("wizard_progress", &script.state);
    let done = status(Phase::Done, "Quantix-OS is installed on /dev/sdb.", &[]);
    script.outcome(Outcome::Installed(Ok(done)));
    check("wizard_done", &script.state);
    let (mut script, _) = installing();
    let words = "The installation failed. What was on the disk before is gone.";
    let problems = ["cannot write to /dev/sdb2: Input/output error"];
    script.outcome(Outcome::Installed(Ok(status(
        Phase::Failed,
        words,
        &problems,
    ))));
    check("wizard_failed", &script.state);
}

#[test]
fn it_builds_the_answer_file_that_was_answered() {
    let (_, answer) = installing();
    let install = answer.file.install.as_ref().unwrap();
    assert_eq!(install.disk, DiskChoice::Serial("S5Y1SDB".into()));
    assert!(install.wipe && install.system_mib.is_none());
    let config = &answer.file.config;
    assert_eq!(config.system.hostname.as_str(), "qx7");
    assert_eq!(config.system.timezone.as_str(), "Europe/Berlin");
    assert!(config.ssh.enabled);
    assert_eq!(answer.password.reveal(), "correct horse 42");
    assert!(!format!("{answer:?}").contains("correct horse"));
    assert_eq!(parse_answer(&answer.file.to_toml()).unwrap(), answer.file);
}

#[test]
fn nothing_is_lost_by_going_back_and_by_leaving() {
    let mut script = reviewed();
    for _ in 0..8 {
        script.key(Key::Escape);
    }
    assert_eq!(script.state.screen(), None);
    assert_eq!(script.key(Key::Char('i')), Some(Action::Look));
    script.outcome(found());
    assert!(script.replay(ENTER.repeat(7)).is_empty());
    script.shows("8 of 9: review");
    script.shows("Host name       qx7");
    script.shows("10.0.2.15/24, gateway 10.0.2.2");
}

#[test]
fn a_disk_with_data_is_taken_only_by_its_name() {
    let mut script = opened();
    script.replay([DOWN, ENTER, "sda", ENTER].concat());
    script.shows("not sdb");
    script.key(Key::Escape);
    script.shows("1 of 9: disk");
    script.replay([ENTER, "sdb", ENTER].concat());
    script.shows("2 of 9: partitions");
}

#[test]
fn the_medium_and_a_broken_disk_are_refused() {
    let mut script = opened();
    script.replay([DOWN, DOWN, ENTER].concat());
    script.shows("is what this system was started from: it can't be installed on.");
    script.replay([DOWN, ENTER].concat());
    script.shows("can't be read: I/O error: it can't be installed on.");
    script.shows("1 of 9: disk");
}

#[test]
fn a_disk_that_changed_meanwhile_has_to_be_chosen_again() {
    let mut script = reviewed();
    for _ in 0..7 {
        script.key(Key::Escape);
    }
    assert_eq!(script.key(Key::Char('r')), Some(Action::Look));
    let mut changed = disks();
    changed[1].content = Content::Data("XFS \"other\"".into());
    script.outcome(Outcome::Looked(Ok(Found {
        disks: changed,
        zones: vec![],
    })));
    script.replay(ENTER);
    script.shows("type the disk's name");
}

#[test]
fn a_machine_without_disks_or_whose_disks_cannot_be_seen_says_so() {
    let mut script = Script::at(live());
    script.key(Key::Char('I'));
    script.shows("Looking ...");
    script.outcome(Outcome::Looked(Ok(Found {
        disks: vec![],
        zones: vec![],
    })));
    script.shows("shows no disk that could hold the system");
    script.replay("\r\r\r");
    script.shows("1 of 9: disk");
    script.outcome(Outcome::Looked(Err("cannot read /proc/swaps".into())));
    script.shows("cannot read /proc/swaps");
    let small = qx_host::disks::Disk {
        size_bytes: 1 << 30,
        ..disk("sda")
    };
    script.outcome(Outcome::Looked(Ok(Found {
        disks: vec![small],
        zones: vec![],
    })));
    script.replay(ENTER);
    script.shows("is too small");
}

#[test]
fn one_enter_too_many_does_not_install() {
    let mut script = reviewed();
    assert!(script.replay(ENTER).is_empty());
    script.key(Key::Escape);
    script.shows("8 of 9: review");
    // A refused installation leaves everything as it was.
    let (mut script, first) = installing();
    assert!(script.replay("\x1b").is_empty() && script.replay("r").is_empty());
    script.outcome(Outcome::Installed(Err(
        "an installation is under way already".into(),
    )));
    script.shows("under way already");
    script.replay(ENTER);
    let again = script.replay("\r\r");
    assert!(again == [Action::Install(Box::new(first))]);
}

#[test]
fn the_answer_file_can_be_read_and_saved() {
    let mut script = reviewed();
    let actions = script.replay("v");
    assert!(matches!(actions[..], [Action::ShowAnswer(_)]));
    script.outcome(Outcome::Read("quantix.toml", Ok("version = 1".into())));
    script.shows("version = 1");
    script.key(Key::Escape);
    assert!(matches!(script.replay("s")[..], [Action::SaveAnswer(_)]));
    script.outcome(Outcome::Done(Err("no volume labelled QX-SEED".into())));
    script.shows("no volume labelled QX-SEED");
    script.replay(ENTER);
    script.shows("8 of 9: review");
}

#[test]
fn a_finished_installation_restarts_or_switches_off() {
    let done = || Outcome::Installed(Ok(status(Phase::Done, "Installed.", &[])));
    let (mut script, _) = installing();
    script.outcome(done());
    assert!(script.replay(ENTER) == [Action::Power(PowerAction::Reboot)]);
    let (mut script, _) = installing();
    script.outcome(done());
    assert!(script.replay("s") == [Action::Power(PowerAction::Off)]);
    assert_eq!(script.state.screen(), Some("leaving"));
}

#[test]
fn an_installation_is_offered_on_a_live_host_alone_and_never_beside_another() {
    let mut script = Script::at(installed());
    assert!(script.key(Key::Char('i')).is_none());
    assert_eq!(script.state.screen(), None);
    for (phase, offered) in [
        (Phase::Running, false),
        (Phase::Done, false),
        (Phase::Failed, true),
    ] {
        let mut facts = live();
        facts.install = Some(status(phase, "x", &[]));
        let opened = Script::at(facts).key(Key::F(2)).is_some();
        assert_eq!(opened, offered, "{phase:?}");
    }
}

#[test]
fn a_live_host_with_a_password_of_its_own_asks_for_it() {
    let mut facts = live();
    facts.one_time_password = None;
    let mut script = Script::at(facts);
    assert!(script.key(Key::F(2)).is_none());
    assert_eq!(script.state.screen(), Some("log in"));
    assert_eq!(script.log_in("correct horse", true), Some(Action::Look));
    assert_eq!(script.state.screen(), Some("wizard"));
}

#[test]
fn an_unused_page_closes_but_a_running_installation_does_not() {
    let mut script = opened();
    script.passes(299);
    assert_eq!(script.state.screen(), Some("wizard"));
    script.passes(1);
    assert_eq!(script.state.screen(), None);
    let (mut script, _) = installing();
    script.passes(10_000);
    assert_eq!(script.state.screen(), Some("wizard"));
}
