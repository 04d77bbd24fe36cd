//! What `qx-config apply` writes, for whole configurations, under a root of its own.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use qx_host::accounts::verify_root_password;
use qx_host::apply::{Applied, Entry, Facts, Paths, apply, plan};
use qx_host::config::{Config, Source, Status, parse};

struct Host {
    _dir: tempfile::TempDir,
    paths: Paths,
}

impl Host {
    fn new(config: Option<&str>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let paths = Paths {
            root: at("root"),
            state: at("state"),
            run: at("run"),
            sys: at("sys"),
            dev: at("dev"),
            cmdline: at("cmdline"),
        };
        for path in [
            "root/etc",
            "root/usr/share/zoneinfo/Europe",
            "state",
            "sys/class/net",
        ] {
            fs::create_dir_all(at(path)).unwrap();
        }
        fs::write(at("root/usr/share/zoneinfo/UTC"), "").unwrap();
        fs::write(at("root/usr/share/zoneinfo/Europe/Berlin"), "").unwrap();
        fs::write(
            at("root/etc/shadow"),
            "root:*:20000:0:99999:7:::\nbin:*:1::::::\n",
        )
        .unwrap();
        if let Some(config) = config {
            fs::write(at("state/config.toml"), format!("version = 1\n{config}")).unwrap();
        }
        Self { _dir: dir, paths }
    }

    fn apply(&self) -> Status {
        apply(&self.paths).unwrap()
    }

    fn path(&self, path: &str) -> PathBuf {
        self.paths.root.join(path)
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_live_boot_gets_a_one_time_password_that_opens_root() {
    let host = Host::new(None);
    let status = host.apply();
    assert_eq!(
        status,
        Status {
            source: Source::Defaults,
            generation: None,
            problems: vec![]
        }
    );
    assert_eq!(Status::read(&host.paths.run), Some(status));
    let shown = host.paths.run.join("initial-password");
    let password = fs::read_to_string(&shown).unwrap();
    assert_eq!(mode(&shown), 0o600);
    assert!(verify_root_password(&host.path("etc/shadow"), password.trim_end()).unwrap());
    assert_eq!(mode(&host.path("etc/shadow")), 0o600);
    // Again: the same password.
    host.apply();
    assert_eq!(fs::read_to_string(&shown).unwrap(), password);
    assert!(verify_root_password(&host.path("etc/shadow"), password.trim_end()).unwrap());
}

#[test]
fn the_machine_id_is_made_once_and_is_the_same_at_every_boot() {
    let host = Host::new(None);
    host.apply();
    let id = host.read("etc/machine-id");
    assert_eq!(id.trim_end().len(), 32, "{id}");
    fs::remove_file(host.path("etc/machine-id")).unwrap();
    host.apply();
    assert_eq!(host.read("etc/machine-id"), id);
}

#[test]
fn consoles_are_named_and_further_serial_lines_get_one() {
    let host = Host::new(Some("[system]\nconsole = [\"ttyS1,9600\", \"tty1\"]\n"));
    host.apply();
    assert_eq!(host.read("etc/quantix/consoles"), "ttyS1 9600\ntty1 0\n");
    assert_eq!(
        host.read("etc/inittab.d/console.tab"),
        "s1:3:respawn:/usr/lib/quantix/console ttyS1 vt220\n"
    );
    let usual = Host::new(None);
    usual.apply();
    assert_eq!(usual.read("etc/quantix/consoles"), "tty1 0\nttyS0 115200\n");
    assert!(!usual.path("etc/inittab.d/console.tab").exists());
}

#[test]
fn a_configured_password_opens_root_and_no_other_is_shown() {
    let host = Host::new(None);
    host.apply();
    fs::write(
        host.paths.state.join("config.toml"),
        "version = 1\nsystem.root_password = \"correct horse\"\n",
    )
    .unwrap();
    assert_eq!(host.apply().problems, Vec::<String>::new());
    assert!(verify_root_password(&host.path("etc/shadow"), "correct horse").unwrap());
    assert!(!host.paths.run.join("initial-password").exists());
}

#[test]
fn a_whole_configuration_is_written() {
    let host = Host::new(Some(
        "[system]\nhostname = \"qx1.example.com\"\ntimezone = \"Europe/Berlin\"\nntp = [\"192.0.2.1\", \"a.b\"]\n\
         [ssh]\nenabled = true\n",
    ));
    assert_eq!(host.apply().problems, Vec::<String>::new());
    assert_eq!(host.read("etc/hostname"), "qx1.example.com\n");
    assert!(
        host.read("etc/hosts")
            .contains("127.0.1.1 qx1.example.com qx1\n")
    );
    let zone = fs::read_link(host.path("etc/localtime")).unwrap();
    assert_eq!(zone, Path::new("/usr/share/zoneinfo/Europe/Berlin"));
    let chrony = host.read("etc/chrony/chrony.conf");
    assert!(chrony.starts_with("server 192.0.2.1 iburst\npool a.b iburst\n"));
    assert!(
        chrony.contains("\nport 0\ncmdport 0\n"),
        "chronyd must not listen: {chrony}"
    );
    assert!(Applied::read(&host.paths.run).unwrap().ssh_enabled);
}

#[test]
fn ssh_is_off_by_default_and_switching_it_off_leaves_nothing() {
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO4p9vGW8J0LfQ5b3MdoOVdoKa6Qxyr0yw8e2XWvJbUR";
    let files = [
        "etc/ssh/sshd_config.d/quantix.conf",
        "etc/nftables.d/ssh.nft",
        "root/.ssh/authorized_keys",
        "etc/runlevels/default/sshd",
    ];
    let host = Host::new(None);
    host.apply();
    assert!(
        files
            .iter()
            .all(|file| fs::symlink_metadata(host.path(file)).is_err())
    );

    let on = format!("version = 1\n[ssh]\nenabled = true\nauthorized_keys = [\"{key}\"]\n");
    fs::write(host.paths.state.join("config.toml"), on).unwrap();
    host.apply();
    assert_eq!(
        host.read(files[0]),
        "PermitRootLogin prohibit-password\nPasswordAuthentication no\n"
    );
    assert_eq!(host.read(files[1]), "tcp dport 22 accept\n");
    assert_eq!(host.read(files[2]), format!("{key}\n"));
    assert_eq!(
        (mode(&host.path(files[2])), mode(&host.path("root/.ssh"))),
        (0o600, 0o700)
    );
    assert!(fs::read_link(host.path(files[3])).is_ok());
    assert!(Applied::read(&host.paths.run).unwrap().ssh_enabled);

    fs::remove_file(host.paths.state.join("config.toml")).unwrap();
    fs::remove_dir_all(host.paths.state.join("config.d")).unwrap();
    host.apply();
    assert!(
        files
            .iter()
            .all(|file| fs::symlink_metadata(host.path(file)).is_err())
    );
}

#[test]
fn an_unknown_time_zone_and_an_unwritable_file_are_problems_not_failures() {
    let host = Host::new(Some("system.timezone = \"Mars/Olympus\"\n"));
    fs::create_dir_all(host.path("etc/hosts")).unwrap();
    let problems = host.apply().problems.join("\n");
    assert!(problems.contains("time zone Mars/Olympus is not known to this release; using UTC"));
    assert!(problems.contains("cannot write /etc/hosts"), "{problems}");
    assert_eq!(host.read("etc/hostname"), "quantix\n");
}

#[test]
fn a_malformed_configuration_still_gives_a_whole_system() {
    let host = Host::new(Some("[system]\nhostnam = \"x\"\n"));
    let status = host.apply();
    assert_eq!(status.source, Source::Defaults);
    assert!(
        status.problems[0].contains("line 3: unknown key `hostnam`"),
        "{status:?}"
    );
    assert_eq!(host.read("etc/hostname"), "quantix\n");
}

/// Number of lines of every file, and the first word of each line: the shape that values must not change.
fn shape(entries: &[Entry]) -> Vec<(String, Vec<String>)> {
    let words = |content: &str| {
        content
            .lines()
            .map(|l| l.split_whitespace().next().unwrap_or("").to_owned())
            .collect()
    };
    entries
        .iter()
        .map(|entry| match entry {
            Entry::File { path, content, .. } => ((*path).to_owned(), words(content)),
            Entry::Link { path, .. } | Entry::Absent { path } => ((*path).to_owned(), vec![]),
        })
        .collect()
}

proptest! {
    /// Incus CVE-2026-23953: a value that brought a line of its own into a generated file.
    #[test]
    fn no_accepted_value_adds_a_line_to_a_generated_file(
        hostname in "\\PC{0,12}[\n\r\t =:;#$`\"'\\\\]?\\PC{0,12}",
        zone in "\\PC{0,12}[\n\r =:;#$`/]?\\PC{0,12}",
        server in "\\PC{0,12}[\n\r =:;#$`]?\\PC{0,12}",
        comment in "\\PC{0,12}[\n\r =:;#$`]?\\PC{0,12}",
    ) {
        let facts = Facts {
            shadow: "root:*:1::::::\n".into(),
            root_hash: None,
            zone_exists: true,
            machine_id: Some("0123456789abcdef0123456789abcdef".into()),
        };
        let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO4p9vGW8J0LfQ5b3MdoOVdoKa6Qxyr0yw8e2XWvJbUR";
        let mut plain = Config::default();
        plain.ssh.enabled = true;
        plain.ssh.authorized_keys = vec![key.parse().unwrap()];
        let mut config = plain.clone();
        if let Ok(value) = hostname.parse() { config.system.hostname = value; }
        if let Ok(value) = zone.parse() { config.system.timezone = value; }
        if let Ok(value) = server.parse() { config.system.ntp = vec![value]; }
        if let Ok(value) = format!("{key} {comment}").parse() { config.ssh.authorized_keys = vec![value]; }
        let mut expected = shape(&plan(&plain, &facts));
        let mut found = shape(&plan(&config, &facts));
        for shape in [&mut expected, &mut found] {
            // The host name is the first word there, and an address makes `server` of `pool`.
            shape.retain(|(path, _)| path != "/etc/hostname");
            for (_, words) in shape.iter_mut() {
                words.iter_mut().filter(|word| *word == "server").for_each(|w| *w = "pool".into());
            }
        }
        prop_assert_eq!(found, expected);
        // And what was accepted is accepted again from the file that it is stored in.
        prop_assert_eq!(parse(&config.to_toml()).map(|parsed| parsed.config), Ok(config));
    }
}
