//! The customise menu and what lies behind it.

use qx_api::rest;
use qx_console::action::{Action, Change, Configured, Outcome, UpdateAsk, UpdateView};
use qx_console::facts::Daemon;
use qx_console::screens::Subject;
use qx_console::state::Event;
use qx_console::terminal::Key;
use qx_host::config::{Config, Source, Status};
use qx_host::logs::Log;
use qx_host::network_test::Line;
use qx_host::pending::Scope;
use qx_host::power::PowerAction;
use qx_host::service::Service;

use crate::fixtures::{everything_wrong, installed, live};
use crate::script::{Script, check};

const ENTER: &str = "\r";
const DOWN: &str = "\x1b[B";
const TAB: &str = "\t";
const CLEAR: &str = "\x15";

/// A person in the menu.
fn opened() -> Script {
    at(installed())
}

fn at(facts: qx_console::facts::Facts) -> Script {
    let mut script = Script::at(facts);
    assert!(script.key(Key::Char('c')).is_none());
    assert!(script.log_in("correct horse", true).is_none());
    assert_eq!(script.state.screen(), Some("customise"));
    script
}

/// Opens the item of the menu that begins with these words.
fn open(script: &mut Script, label: &str) -> Vec<Action> {
    script.replay("\x1b[H");
    for _ in 0..20 {
        let shown = crate::script::screen(&script.state, (80, 24));
        // The right side names the selected item.
        let selected = shown.lines().nth(2).and_then(|line| line.get(34..));
        if selected.is_some_and(|text| text.starts_with(label)) {
            return script.replay(ENTER);
        }
        script.replay(DOWN);
    }
    panic!("no item {label}");
}

fn edit(script: &mut Script, label: &str, subject: Subject, config: Config) {
    assert_eq!(open(script, label), [Action::ReadConfig(subject)]);
    let zones = vec!["Europe/Berlin".into(), "UTC".into()];
    script.outcome(Outcome::Config(
        subject,
        Box::new(Configured { config, zones }),
    ));
    assert_eq!(script.state.screen(), Some("edit"));
}

#[test]
fn the_menu_asks_for_the_password_by_f_key_and_by_letter() {
    for key in [Key::F(2), Key::Char('c'), Key::Char('C')] {
        let mut script = Script::new();
        assert!(script.key(key).is_none());
        assert_eq!(script.state.screen(), Some("log in"));
        script.log_in("wrong horse", false);
        assert_eq!(script.state.screen(), Some("log in"));
    }
    let mut script = Script::at(live());
    script.key(Key::F(3));
    assert_eq!(script.state.screen(), Some("log in"));
}

#[test]
fn the_menu_and_its_pages() {
    let mut script = opened();
    check("customise", &script.state);
    edit(
        &mut script,
        "Password",
        Subject::Password,
        Config::default(),
    );
    script.replay(["short", TAB, "short", ENTER].concat());
    check("customise_password", &script.state);
    script.replay("\x1b");
    script.shows("What was entered on this page is lost.");
    script.replay(ENTER);
    let mut config = Config::default();
    config.ssh.enabled = true;
    edit(&mut script, "SSH", Subject::Ssh, config);
    check("customise_ssh", &script.state);
    script.replay("\x1b");
    edit(&mut script, "Time", Subject::Time, Config::default());
    script.replay([CLEAR, "Mars", ENTER].concat());
    check("customise_time", &script.state);
    script.replay("\x1b");
    script.replay(ENTER);
    open(&mut script, "Restart of services");
    script.replay([DOWN, ENTER].concat());
    check("customise_services", &script.state);
    script.replay("\x1b");
    script.replay("\x1b");
    open(&mut script, "Logs");
    check("customise_logs", &script.state);
    script.replay("\x1b");
    open(&mut script, "Emergency shell");
    check("customise_shell", &script.state);
}

#[test]
fn a_new_password_is_asked_for_twice_and_told_when_it_counts() {
    let mut script = opened();
    edit(
        &mut script,
        "Password",
        Subject::Password,
        Config::default(),
    );
    let actions = script.replay(["correct horse 9", TAB, "correct horse 9", ENTER].concat());
    let password = String::from("correct horse 9").into();
    assert_eq!(
        actions,
        [Action::Change(Box::new(Change::Password(password)))]
    );
    // Nothing more can be asked for until it is answered.
    assert!(script.replay("\r\x1b").is_empty());
    script.shows("Putting it into force");
    let reason = "nothing was changed: the configuration cannot be stored";
    script.outcome(Outcome::Done(Err(reason.into())));
    script.shows(reason);
    script.replay(ENTER);
    assert_eq!(
        script.state.screen(),
        Some("edit"),
        "what was entered is lost"
    );
    assert_eq!(script.replay(ENTER).len(), 1);
    script.outcome(Outcome::Done(Ok("The password is changed.".into())));
    script.shows("The password is changed.");
    script.replay(ENTER);
    assert_eq!(script.state.screen(), Some("customise"));
}

#[test]
fn ssh_is_turned_on_with_the_keys_that_were_there() {
    let mut script = opened();
    let mut config = Config::default();
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO4p9vGW8J0LfQ5b3MdoOVdoKa6Qxyr0yw8e2XWvJbUR x";
    config.ssh.authorized_keys = vec![key.parse().unwrap()];
    let mut wanted = config.ssh.clone();
    wanted.enabled = true;
    edit(&mut script, "SSH", Subject::Ssh, config);
    let actions = script.replay(" \r");
    assert_eq!(actions, [Action::Change(Box::new(Change::Ssh(wanted)))]);
}

#[test]
fn a_form_that_was_not_touched_closes_without_a_question() {
    let mut script = opened();
    edit(&mut script, "Time", Subject::Time, Config::default());
    script.replay("\x1b");
    assert_eq!(script.state.screen(), Some("customise"));
}

#[test]
fn the_network_test_shows_each_step_as_it_is_done() {
    let mut script = opened();
    assert_eq!(open(&mut script, "Network test"), [Action::TestNetwork]);
    let step = |what, outcome: Result<&str, &str>| {
        Outcome::Tested(Some(Line {
            what,
            outcome: outcome.map(str::to_owned).map_err(str::to_owned),
        }))
    };
    script.outcome(step("Link", Ok("ens3")));
    script.shows("Testing ...");
    script.outcome(step("Address", Ok("192.168.7.20")));
    let silent = "192.168.7.1 does not answer: is it the right address and VLAN?";
    script.outcome(step("Gateway", Err(silent)));
    script.outcome(step("Name server", Ok("192.168.7.53 answers")));
    script.outcome(step(
        "Name lookup",
        Err("pool.ntp.org: no answer within 12 s"),
    ));
    script.outcome(step("Time", Err("pool.ntp.org: no answer within 3 s")));
    assert!(
        script.replay("r").is_empty(),
        "it began anew before it was over"
    );
    script.outcome(Outcome::Tested(None));
    check("customise_network_test", &script.state);
    assert_eq!(script.replay("r"), [Action::TestNetwork]);
}

#[test]
fn a_log_is_followed_searched_and_left() {
    let mut script = opened();
    open(&mut script, "Logs");
    assert_eq!(script.replay(ENTER), [Action::ReadLog(Log::System, 0)]);
    let lines: String = (0..100)
        .map(|n| format!("Nov 24 19:00:{n:02} qx7 qx-node: line {n}\n"))
        .collect();
    script.outcome(Outcome::Log(Log::System, Ok(Some((lines.clone(), 7)))));
    check("customise_log", &script.state);
    let ticked = script.state.update(Event::Tick, script.now);
    assert_eq!(ticked, Some(Action::ReadLog(Log::System, 7)));
    // One look at a time.
    assert!(script.state.update(Event::Tick, script.now).is_none());
    script.outcome(Outcome::Log(
        Log::System,
        Ok(Some((format!("{lines}the newest\n"), 8))),
    ));
    script.shows("the newest");
    script.replay("/LINE 42\r");
    script.shows("line 42");
    assert!(
        script.state.update(Event::Tick, script.now).is_none(),
        "a reader is disturbed"
    );
    script.outcome(Outcome::Log(Log::System, Err("Input/output error".into())));
    script.shows("Input/output error");
    script.replay("\x1b");
    assert_eq!(script.state.screen(), Some("logs"));
}

#[test]
fn a_service_is_restarted_after_a_question_and_says_how_it_went() {
    let mut script = opened();
    open(&mut script, "Restart of services");
    assert!(script.replay(ENTER).is_empty());
    assert_eq!(script.replay(ENTER), [Action::Restart(Service::Node)]);
    assert!(script.replay("\r\r").is_empty());
    let reason = "qx-node does not start (exit status: 1): crashed";
    script.outcome(Outcome::Done(Err(reason.into())));
    script.shows(reason);
}

#[test]
fn the_shell_is_opened_after_a_question() {
    let mut script = opened();
    assert!(open(&mut script, "Emergency shell").is_empty());
    assert_eq!(script.replay(ENTER), [Action::Shell]);
    assert_eq!(script.state.screen(), Some("customise"));
    script.outcome(Outcome::Done(Err("there is no shell: gone".into())));
    script.shows("there is no shell");
}

fn slot(name: rest::SlotName, running: bool) -> rest::Slot {
    rest::Slot {
        name,
        state: rest::SlotState::Good,
        running,
        confirmed: running,
        tries_left: None,
        version: Some(if running { "0.2.0" } else { "0.1.0" }.into()),
        build_id: None,
        failure: None,
    }
}

fn updates() -> rest::Updates {
    rest::Updates {
        unavailable: None,
        slots: vec![
            slot(rest::SlotName::A, false),
            slot(rest::SlotName::B, true),
        ],
        transfer: None,
        last: None,
        feed: None,
    }
}

#[test]
fn updates_go_back_and_are_written_anew_after_a_question() {
    let mut script = opened();
    let status = Action::Updates(UpdateAsk::Status);
    assert_eq!(open(&mut script, "Updates"), [status]);
    script.outcome(Outcome::Updates(Ok(UpdateView::Daemon(
        Box::new(updates()),
    ))));
    check("customise_updates", &script.state);
    assert!(script.replay("b").is_empty());
    assert!(script.replay("\x1b").is_empty());
    assert!(script.replay("a").is_empty(), "there is nothing to apply");
    script.replay("w");
    assert_eq!(
        script.replay(ENTER),
        [Action::Updates(UpdateAsk::Reinstall)]
    );
    assert!(script.replay("b\r").is_empty(), "two at once");
    let mut writing = updates();
    writing.transfer = Some(rest::Transfer {
        source: rest::TransferSource::Reinstall,
        state: rest::TransferState::Verifying,
        version: Some("0.2.0".into()),
        received_bytes: 10,
        total_bytes: Some(20),
        percent: 50,
        problem: None,
        task_id: Default::default(),
    });
    script.outcome(Outcome::Updates(Ok(UpdateView::Daemon(Box::new(
        writing.clone(),
    )))));
    script.shows("Writing 0.2.0: 50 %");
    let looked = script.state.update(Event::Tick, script.now);
    assert_eq!(looked, Some(Action::Updates(UpdateAsk::Status)));
    if let Some(transfer) = &mut writing.transfer {
        transfer.state = rest::TransferState::Done;
    }
    script.outcome(Outcome::Updates(Ok(UpdateView::Daemon(Box::new(writing)))));
    script.replay("a");
    assert_eq!(script.replay(ENTER), [Action::Updates(UpdateAsk::Apply)]);
}

#[test]
fn with_a_dead_daemon_slots_are_shown_as_the_disk_has_them_and_nothing_is_offered() {
    let mut script = opened();
    open(&mut script, "Updates");
    script.outcome(Outcome::Updates(Ok(UpdateView::Disk {
        reason: "/run/quantix/node.sock can't be reached".into(),
        lines: vec![
            "Slot A: 0.1.0".into(),
            "Slot B: 0.2.0, running, confirmed".into(),
        ],
    })));
    check("customise_updates_dead", &script.state);
    assert!(script.replay("abw\r").is_empty());
    script.replay("\x1b");
    open(&mut script, "Updates");
    script.outcome(Outcome::Updates(Err(
        "the boot environment cannot be read".into()
    )));
    script.shows("the boot environment cannot be read");
}

#[test]
fn with_everything_broken_the_repairs_are_still_there() {
    let mut facts = everything_wrong();
    facts.boot = installed().boot;
    let mut script = at(facts);
    script.shows("The configuration file has faults");
    let labels = [
        "Password",
        "Network test",
        "SSH",
        "Time",
        "Logs",
        "Restart of services",
        "Emergency shell",
    ];
    for label in labels {
        let asked = open(&mut script, label);
        if let [Action::ReadConfig(subject)] = asked[..] {
            let config = Config::default();
            let configured = Configured {
                config,
                zones: vec![],
            };
            script.outcome(Outcome::Config(subject, Box::new(configured)));
        }
        script.replay("\x1b");
        assert_eq!(script.state.screen(), Some("customise"), "{label}");
    }
}

#[test]
fn each_trouble_has_its_own_words_and_a_live_host_no_slots() {
    let mut script = at(live());
    script.shows("runs from its medium");
    let shown = crate::script::screen(&script.state, (80, 24));
    assert!(!shown.contains("Updates"));
    let mut facts = installed();
    facts.daemon = Daemon::Down {
        reason: "no answer within 3 s".into(),
    };
    facts.config = Some(Status {
        source: Source::Current,
        generation: Some(1),
        problems: vec![],
    });
    script = at(facts);
    open(&mut script, "Updates");
    script.replay("\x1b");
    script.shows("slots are shown as the disk has them");
}

#[test]
fn an_unused_menu_logs_out_from_every_depth() {
    let mut script = opened();
    edit(&mut script, "SSH", Subject::Ssh, Config::default());
    script.passes(299);
    assert_eq!(script.state.screen(), Some("edit"));
    script.passes(1);
    assert_eq!(script.state.screen(), None);
    script.key(Key::F(2));
    assert_eq!(script.state.screen(), Some("log in"));
}

#[test]
fn an_answer_that_comes_too_late_opens_nothing() {
    let mut script = opened();
    assert_eq!(open(&mut script, "SSH"), [Action::ReadConfig(Subject::Ssh)]);
    script.replay("\x1b");
    let configured = Configured {
        config: Config::default(),
        zones: vec![],
    };
    script.outcome(Outcome::Config(Subject::Ssh, Box::new(configured)));
    assert_eq!(script.state.screen(), None);
}

#[test]
fn a_factory_reset_wants_its_word_and_restarts_the_host() {
    for (label, scope) in [
        ("Factory reset, VMs stay", Scope::Configuration),
        ("Factory reset of everything", Scope::Everything),
    ] {
        let mut script = opened();
        assert!(open(&mut script, label).is_empty());
        assert!(script.replay("\r\r").is_empty(), "without the word");
        assert!(script.replay("res\r").is_empty(), "with half of it");
        assert_eq!(script.replay("et\r"), [Action::Reset(scope)]);
        script.outcome(Outcome::Reset(Err("a version is on trial".into())));
        script.shows("a version is on trial");
        script.replay(ENTER);
        assert_eq!(script.state.screen(), Some("customise"));
        let restart = script.outcome(Outcome::Reset(Ok(())));
        assert_eq!(restart, Some(Action::Power(PowerAction::Reboot)));
    }
    let mut script = opened();
    open(&mut script, "Factory reset of everything");
    check("customise_reset", &script.state);
}
