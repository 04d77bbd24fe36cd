//! What every condition of a host looks like on the idle screen and its dialogues, at the smallest size and at a
//! large one.

use std::time::{Duration, Instant};

use qx_console::action::Outcome;
use qx_console::facts::Daemon;
use qx_console::state::{Event, State};
use qx_console::terminal::Key;
use qx_host::config::{Source, Status};
use qx_host::fingerprint::SshFingerprint;
use qx_host::install_status::{InstallStatus, Phase};
use qx_host::update::{Outcome as UpdateOutcome, UpdateRecord};

use crate::fixtures::{card, everything_wrong, installed, live};
use crate::script::{SMALL, check, idle, screen};

#[test]
fn live_with_a_one_time_password() {
    check("live", &idle(live()));
}

#[test]
fn installed_on_a_slot_with_ssh_and_vms() {
    check("slot", &idle(installed()));
}

#[test]
fn a_dead_daemon_is_said_plainly_and_the_rest_still_shown() {
    let mut facts = installed();
    facts.daemon = Daemon::Down {
        reason: "no answer within 3 s".into(),
    };
    check("daemon_down", &idle(facts));
}

#[test]
fn a_daemon_that_has_not_come_up_yet_is_not_called_dead() {
    let mut facts = live();
    facts.inventory.uptime_s = 12;
    facts.inventory.addresses.clear();
    facts.daemon = Daemon::Down {
        reason: "no answer within 3 s".into(),
    };
    check("starting", &idle(facts));
}

#[test]
fn a_hypervisor_that_does_not_answer_is_no_dead_management_service() {
    let mut facts = installed();
    facts.daemon = Daemon::NoHypervisor {
        reason: "the hypervisor at qemu:///system does not answer: Connection refused; running VMs go on; \
                 look at the libvirtd service if this lasts"
            .into(),
    };
    check("hypervisor_down", &idle(facts.clone()));
    facts.inventory.uptime_s = 12;
    let starting = screen(&idle(facts), (80, 24));
    assert!(
        starting.contains("the hypervisor is starting"),
        "{starting}"
    );
    assert!(!starting.contains("can't be managed"), "{starting}");
}

#[test]
fn a_bad_configuration_names_line_and_key() {
    let mut facts = installed();
    facts.config = Some(Status {
        source: Source::Generation,
        generation: Some(7),
        problems: vec![
            "config.toml line 3: unknown key `hostnam` in [system]; did you mean `hostname`?"
                .into(),
            "using generation 7 of the configuration instead".into(),
        ],
    });
    check("config_problem", &idle(facts));
}

#[test]
fn without_a_network_card_it_says_so() {
    let mut facts = live();
    facts.inventory.addresses.clear();
    facts.inventory.nics.clear();
    check("no_nic", &idle(facts));
}

#[test]
fn without_a_cable_it_says_so() {
    let mut facts = live();
    facts.inventory.addresses.clear();
    facts.inventory.nics = vec![card(Some(false)), card(None)];
    check("no_link", &idle(facts));
}

#[test]
fn a_card_that_is_not_switched_on_yet_has_no_bad_cable() {
    let mut facts = live();
    facts.inventory.addresses.clear();
    facts.inventory.nics = vec![card(None)];
    check("no_address_yet", &idle(facts));
}

#[test]
fn emulation_is_said_in_plain_words() {
    let mut facts = live();
    facts.daemon = Daemon::Up {
        running: 1,
        defined: 1,
        emulated: true,
        note: None,
    };
    check("emulated", &idle(facts));
}

#[test]
fn more_notices_than_fit_are_counted() {
    check("everything_wrong", &idle(everything_wrong()));
}

#[test]
fn dialogues() {
    let now = Instant::now();
    let mut state = State::new(installed(), now);
    state.update(Event::Key(Key::F(12)), now);
    for character in "secret".chars() {
        state.update(Event::Key(Key::Char(character)), now);
    }
    check("log_in", &state);
    state.update(Event::Key(Key::Enter), now);
    state.update(Event::Checked(Ok(false)), now);
    check("wrong_password", &state);
    let later = now + Duration::from_secs(20);
    state.update(Event::Key(Key::Enter), later);
    state.update(Event::Checked(Ok(true)), later);
    check("power", &state);
    state.update(Event::Key(Key::Char('r')), later);
    state.update(Event::Key(Key::Enter), later);
    check("restarting", &state);
    state.update(
        Event::Outcome(Outcome::PowerFailed("/sbin/reboot failed: no init".into())),
        later,
    );
    check("power_failed", &state);
}

#[test]
fn hostile_text_and_every_size_stay_inside_the_screen() {
    let mut facts = everything_wrong();
    let hostile = "\u{1b}[2J\u{202e}\u{4e2d}\n".repeat(100);
    facts.inventory.hostname.clone_from(&hostile);
    facts.inventory.cpu.model.clone_from(&hostile);
    facts.certificate = Some(hostile.clone());
    facts.one_time_password = Some(hostile.clone());
    facts.ssh = vec![SshFingerprint {
        algorithm: hostile.clone(),
        fingerprint: hostile.clone(),
    }];
    facts.daemon = Daemon::Up {
        running: 9,
        defined: 9,
        emulated: true,
        note: Some(hostile),
    };
    let mut state = idle(facts);
    for width in (1..=240).step_by(17) {
        for height in (1..=67).step_by(3) {
            screen(&state, (width, height));
        }
    }
    state.update(Event::Key(Key::F(12)), Instant::now());
    for (width, height) in [(1, 1), (40, 10), (41, 11), (80, 24), (240, 67)] {
        screen(&state, (width, height));
    }
}

fn installing(phase: Phase, summary: &str, problems: &[&str]) -> State {
    let mut facts = live();
    facts.install = Some(InstallStatus {
        phase,
        summary: summary.into(),
        percent: Some(42),
        bytes_per_second: Some(118_400_000),
        problems: problems.iter().map(|&problem| problem.to_owned()).collect(),
    });
    idle(facts)
}

#[test]
fn an_installation_shows_its_progress() {
    let summary = "Installing on /dev/sda (Samsung SSD 870, 931 GiB): writing slot A";
    check("installing", &installing(Phase::Running, summary, &[]));
}

#[test]
fn a_refused_answer_file_is_explained() {
    let summary = "Nothing was installed and no disk was changed.";
    let problems = [
        "quantix.toml line 3: unknown key `dsk` in [install]; did you mean `disk`?",
        "quantix.toml line 9: `timezone` must be a time zone's name, for instance \"UTC\" or \"Europe/Berlin\"",
    ];
    check(
        "install_failed",
        &installing(Phase::Failed, summary, &problems),
    );
}

#[test]
fn a_finished_installation_says_what_comes_next() {
    let summary = "Quantix-OS is installed on /dev/sda. The machine restarts in 10 seconds.";
    check("installed", &installing(Phase::Done, summary, &[]));
}

/// A host after an update to slot B, running `slot`.
fn updated(slot: &str, outcome: UpdateOutcome) -> State {
    let mut facts = installed();
    if let Some(boot) = &mut facts.boot {
        boot.slot = Some(slot.into());
    }
    facts.update = Some(UpdateRecord {
        slot: "B".into(),
        version: "0.2.0".into(),
        build_id: "ffeeddccbbaa9988".into(),
        from_version: "0.1.0".into(),
        started_at: 1_800_000_000,
        required: vec![],
        outcome,
    });
    idle(facts)
}

#[test]
fn a_failed_update_says_why_and_a_trial_that_it_is_one() {
    check(
        "update_failed",
        &updated("A", UpdateOutcome::Failed("network".into())),
    );
    check("on_trial", &updated("B", UpdateOutcome::Open));
}

#[test]
fn every_reason_of_a_failed_update_reads_differently_and_a_good_one_is_not_told() {
    let reasons = [
        "refused", "kernel", "init", "verify", "system", "daemon", "network", "services", "user",
    ];
    let screens: std::collections::HashSet<String> = reasons
        .iter()
        .map(|&reason| screen(&updated("A", UpdateOutcome::Failed(reason.into())), SMALL))
        .collect();
    assert_eq!(screens.len(), reasons.len());
    let quiet = screen(&idle(installed()), SMALL);
    assert_eq!(
        screen(&updated("A", UpdateOutcome::Succeeded), SMALL),
        quiet
    );
    // It waits for the next restart.
    assert_eq!(screen(&updated("A", UpdateOutcome::Open), SMALL), quiet);
}
