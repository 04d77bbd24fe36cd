//! docs/console.md has a picture of each screen, as these tests see it. `QUANTIX_UPDATE=1` writes it anew.

use std::fs;
use std::path::Path;

/// The chapters: a title, what to know, and the pictures, each with its name among the snapshots.
const CHAPTERS: &[(&str, &str, &[&str])] = &[
    (
        "The first screen",
        "What the host is, how to reach it, and what is wrong. It needs no log-in. The first picture is a live \
         boot, the second an installed host, the third one whose management service is dead.",
        &["live", "slot", "daemon_down"],
    ),
    (
        "Installation",
        "On a live boot, `F2` or `I`. Enter goes on when a page is right, Escape goes back; nothing is lost by \
         either. [install.md](install.md) says what is written.",
        &[
            "wizard_disk",
            "wizard_erase",
            "wizard_layout",
            "wizard_name",
            "wizard_password",
            "wizard_network",
            "wizard_time",
            "wizard_ssh",
            "wizard_review",
            "wizard_progress",
            "wizard_done",
        ],
    ),
    (
        "Log-in and power",
        "`F12` or `P`. Wrong passwords make the console wait, at most ten seconds, and never lock it.",
        &["log_in", "power"],
    ),
    (
        "Customise",
        "`F2` or `C` on an installed host, `F3` or `C` on a live one, behind the log-in. What is put into force \
         is stored first. Whoever does nothing for five minutes is logged out. All of it works while the \
         management service is dead, but for updates: those are shown then, and nothing can be started.",
        &[
            "customise",
            "customise_password",
            "customise_ssh",
            "customise_time",
            "customise_network_test",
            "customise_updates",
            "customise_updates_dead",
            "customise_logs",
            "customise_log",
            "customise_services",
            "customise_shell",
            "customise_reset",
        ],
    ),
];

const HEAD: &str = "# The console\n\n\
    Made by the tests of `qx-console` from the screens that they see, at 80 columns and 24 rows: do not edit. \
    `QUANTIX_UPDATE=1 builder/enter.sh cargo test -p qx-console manual` writes it anew.\n\n\
    The console is on the screen (tty1) and on the serial line at once, each with its own log-in. It needs 80x24 \
    characters, ASCII and 16 colours. Every F-key has a letter that does the same, because remote consoles eat \
    F-keys. `Ctrl-L` draws the screen again; `Ctrl-C` starts the console anew. tty2 (Alt-F2) has a log-in to a \
    shell.\n";

fn picture(name: &str) -> String {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/console/snapshots");
    let text = fs::read_to_string(dir.join(format!("{name}_80x24.snap"))).unwrap();
    let (_, screen) = text.split_once("\n---\n").unwrap();
    let screen = screen.trim_end();
    let lines: Vec<&str> = screen.lines().map(str::trim_end).collect();
    lines.join("\n")
}

fn manual() -> String {
    let mut out = HEAD.to_owned();
    for (title, text, pictures) in CHAPTERS {
        out.push_str(&format!("\n## {title}\n\n{text}\n"));
        for name in *pictures {
            out.push_str(&format!("\n```\n{}\n```\n", picture(name)));
        }
    }
    out
}

#[test]
fn the_manual_shows_every_screen_as_it_is() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/console.md");
    let wanted = manual();
    if std::env::var_os("QUANTIX_UPDATE").is_some() {
        fs::write(&path, &wanted).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == wanted,
        "docs/console.md is not what the screens look like: run this test with QUANTIX_UPDATE=1"
    );
}
