//! Every screen at the smallest and at a large size, as text.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::time::{Duration, Instant};

use qx_console::draw::draw;
use qx_console::facts::{Daemon, Facts};
use qx_console::state::{Event, State};
use qx_console::terminal::Key;
use qx_host::boot::{Backing, BootInfo, Mode};
use qx_host::config::{Source, Status};
use qx_host::fingerprint::SshFingerprint;
use qx_host::install_status::{InstallStatus, Phase};
use qx_host::inventory::{Address, Cpu, Data, DataKind, Inventory, Memory, Origin};
use qx_host::nics::Nic;
use qx_host::update::{Outcome, UpdateRecord};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

const SMALL: (u16, u16) = (80, 24);
const LARGE: (u16, u16) = (132, 43);

fn card(carrier: Option<bool>) -> Nic {
    Nic {
        name: "ens3".parse().unwrap(),
        mac: "52:54:00:12:34:56".parse().ok(),
        carrier,
    }
}

fn address(text: &str, origin: Origin) -> Address {
    Address {
        interface: "br0".into(),
        address: text.parse().unwrap(),
        origin,
    }
}

fn live() -> Facts {
    Facts {
        boot: Some(BootInfo {
            mode: Mode::Live,
            slot: None,
            version: "0.1.0".into(),
            build_id: "00112233aabbccdd".into(),
            key_id: "8899aabbccddeeff".into(),
            source: "/dev/sr0".into(),
            copy_ms: 412,
            copy_bytes: 123_731_968,
            watchdog: Some("iTCO_wdt".into()),
            config: Backing::Ram,
            data: Backing::Ram,
            warnings: vec![],
        }),
        config: Some(Status {
            source: Source::Defaults,
            generation: None,
            problems: vec![],
        }),
        install: None,
        update: None,
        inventory: Inventory {
            hostname: "quantix".into(),
            kernel: "6.12.48+deb13-amd64".into(),
            uptime_s: 3 * 3600 + 25 * 60,
            cpu: Cpu {
                model: "Intel(R) Xeon(R) Gold 6230 CPU @ 2.10GHz".into(),
                sockets: 2,
                cores: 40,
                threads: 80,
            },
            memory: Memory {
                total_bytes: 256 << 30,
                available_bytes: 250 << 30,
            },
            data: Some(Data {
                path: "/data".into(),
                total_bytes: 128 << 30,
                free_bytes: 128 << 30,
                kind: DataKind::Ram,
            }),
            addresses: vec![
                address("10.0.2.15", Origin::Dhcp),
                address("2001:db8::5054:ff:fe12:3456", Origin::Auto),
                Address {
                    interface: "virbr0".into(),
                    address: "192.168.122.1".parse().unwrap(),
                    origin: Origin::Static,
                },
            ],
            nics: vec![card(Some(true))],
            management_interface: Some("br0".into()),
            ssh_enabled: false,
        },
        daemon: Daemon::Up {
            running: 0,
            defined: 0,
            emulated: false,
            note: None,
        },
        certificate: Some(
            "2ba46e6fb321e40b8f43a41be0073d037359caecafff44aa1393f7fb46501f39".into(),
        ),
        ssh: vec![],
        one_time_password: Some("abcd-efgh-jkmn-pq23".into()),
    }
}

fn installed() -> Facts {
    let mut facts = live();
    if let Some(boot) = &mut facts.boot {
        boot.mode = Mode::Slot;
        boot.slot = Some("A".into());
        boot.config = Backing::Partition;
        boot.data = Backing::Partition;
    }
    facts.one_time_password = None;
    facts.inventory.addresses = vec![address("192.168.7.20", Origin::Static)];
    facts.inventory.ssh_enabled = true;
    facts.inventory.data = Some(Data {
        path: "/data".into(),
        total_bytes: 4 << 40,
        free_bytes: 3 << 40,
        kind: DataKind::Disk,
    });
    facts.ssh = vec![SshFingerprint {
        algorithm: "ssh-ed25519".into(),
        fingerprint: "SHA256:vo3kHliDghXmTkldKK4deRR8QJ0p+OZ5u2W8EfSr3Zs".into(),
    }];
    facts.daemon = Daemon::Up {
        running: 12,
        defined: 17,
        emulated: false,
        note: None,
    };
    facts
}

fn everything_wrong() -> Facts {
    let mut facts = live();
    facts.daemon = Daemon::Down {
        reason: "/run/quantix/node.sock can't be reached".into(),
    };
    facts.certificate = None;
    facts.inventory.addresses.clear();
    facts.inventory.nics.clear();
    facts.inventory.data = None;
    facts.config = Some(Status {
        source: Source::Defaults,
        generation: None,
        problems: (1..=12)
            .map(|line| format!("config.toml line {line}: unknown key `k{line}` in [system]; did you mean `ntp`?"))
            .collect(),
    });
    facts
}

fn screen(state: &State, (width, height): (u16, u16)) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(state, frame)).unwrap();
    let buffer = terminal.backend().buffer();
    let rows = (0..height).map(|y| {
        let row: String = (0..width).map(|x| buffer[(x, y)].symbol()).collect();
        assert!(row.is_ascii(), "row {y} is not ASCII: {row}");
        row.trim_end().to_owned()
    });
    rows.collect::<Vec<_>>().join("\n")
}

fn check(name: &str, state: &State) {
    for size in [SMALL, LARGE] {
        insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), screen(state, size));
    }
}

fn idle(facts: Facts) -> State {
    State::new(facts, Instant::now())
}

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
        Event::PowerFailed("/sbin/reboot failed: no init".into()),
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
fn updated(slot: &str, outcome: Outcome) -> State {
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
        &updated("A", Outcome::Failed("network".into())),
    );
    check("on_trial", &updated("B", Outcome::Open));
}

#[test]
fn every_reason_of_a_failed_update_reads_differently_and_a_good_one_is_not_told() {
    let reasons = [
        "refused", "kernel", "init", "verify", "system", "daemon", "network", "services", "user",
    ];
    let screens: std::collections::HashSet<String> = reasons
        .iter()
        .map(|&reason| screen(&updated("A", Outcome::Failed(reason.into())), SMALL))
        .collect();
    assert_eq!(screens.len(), reasons.len());
    let quiet = screen(&idle(installed()), SMALL);
    assert_eq!(screen(&updated("A", Outcome::Succeeded), SMALL), quiet);
    // It waits for the next restart.
    assert_eq!(screen(&updated("A", Outcome::Open), SMALL), quiet);
}
