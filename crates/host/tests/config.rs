//! What the configuration file accepts, refuses, and says about it.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use base64::Engine as _;
use proptest::prelude::*;
use qx_host::config::{
    Automatic, Bond, BondMode, Config, Day, InterfaceSelector, Ipv4, Ipv6, MOST_ARGUMENT_BYTES,
    Management, Proxy, Ssh, System, TimeOfDay, Updates, VlanId, Window, kernel_arguments, parse,
    parse_answer,
};

fn problems(text: &str) -> Vec<String> {
    parse(text)
        .expect_err("must be refused")
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn the_example_of_the_manual_is_read() {
    let text = r#"
        version = 1
        [system]
        hostname = "qx1.example.com"
        timezone = "Europe/Berlin"
        ntp = ["192.0.2.1", "time.example.com"]
        [ssh]
        enabled = true
        [network.management]
        interfaces = ["52:54:00:12:34:56", "ens4"]
        bond = { mode = "802.3ad" }
        vlan = 20
        ipv4 = { method = "static", address = "10.0.2.15/24", gateway = "10.0.2.2" }
        ipv6 = { method = "none" }
        dns = ["10.0.2.3", "2001:db8::53"]
    "#;
    let config = parse(text).unwrap().config;
    assert_eq!(config.system.hostname.as_str(), "qx1.example.com");
    assert_eq!(config.management.bond.mode, BondMode::Lacp);
    assert_eq!(config.management.vlan.map(VlanId::get), Some(20));
    assert!(config.ssh.enabled);
    assert_eq!(config.management.dns.len(), 2);
}

#[test]
fn a_feed_a_proxy_and_authorities_are_read_and_empty_texts_are_none() {
    let pem = format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        "MIIB".repeat(30)
    );
    let text = format!(
        "version = 1\n[updates]\nfeed = \"https://updates.example.org/quantix\"\nchannel = \"testing\"\n\
         [proxy]\nhttps = \"http://proxy:3128\"\nca_certificates = [\"\"\"\n{pem}\"\"\"]\n"
    );
    let config = parse(&text).unwrap().config;
    let feed = config.updates.feed.unwrap();
    assert_eq!(
        feed.file("index.json"),
        "https://updates.example.org/quantix/index.json"
    );
    assert_eq!(config.updates.channel.as_str(), "testing");
    assert_eq!(config.proxy.https.unwrap().as_str(), "http://proxy:3128");
    assert_eq!(config.proxy.ca_certificates.len(), 1);
    let text = "version = 1\n[updates]\nfeed = \"\"\n[proxy]\nhttps = \"\"\n";
    assert_eq!(parse(text).unwrap().config, Config::default());
    let found = problems(
        "version = 1\n[updates]\nfeed = \"http://a/\"\n[proxy]\nca_certificates = [\"x\"]\n",
    );
    assert!(
        found[0].starts_with("line 3: `updates.feed` must be an https:// URL"),
        "{found:?}"
    );
    assert!(
        found[1].starts_with("line 5: an entry of `proxy.ca_certificates` must be one certificate"),
        "{found:?}"
    );
}

#[test]
fn a_maintenance_window_is_read_and_every_fault_of_it_is_named() {
    let read = |updates: &str| parse(&format!("version = 1\n[updates]\n{updates}\n"));
    let feed = "feed = \"https://a.example\"\nautomatic = \"apply\"\n";
    let good = "window = { days = [\"sun\", \"sat\", \"sun\"], start = \"02:00\", minutes = 120 }";
    let window = read(&format!("{feed}{good}"))
        .unwrap()
        .config
        .updates
        .window
        .unwrap();
    assert_eq!(window.days, [Day::Sat, Day::Sun]);
    assert_eq!(
        (window.start.to_string().as_str(), window.minutes),
        ("02:00", 120)
    );
    for (updates, says) in [
        (feed.to_owned(), "which needs a `window`"),
        ("automatic = \"fetch\"".to_owned(), "needs a `feed`"),
        (
            "automatic = \"on\"".to_owned(),
            "must be \"off\", \"fetch\" or \"apply\"",
        ),
        (good.replace("sun", "sunday"), "must be a day"),
        (good.replace("02:00", "2:00"), "must be a time from"),
        (good.replace("02:00", "24:00"), "must be a time from"),
        (good.replace("120", "14"), "must be 15 to 1440"),
        (good.replace("120", "1441"), "must be 15 to 1440"),
        (
            "window = { start = \"02:00\", minutes = 60 }".to_owned(),
            "`updates.window.days` is missing",
        ),
        (
            "window = { days = [], start = \"02:00\", minutes = 60 }".to_owned(),
            "must name a day",
        ),
    ] {
        let found = read(&updates).unwrap_err();
        assert!(
            found
                .iter()
                .any(|problem| problem.to_string().contains(says)),
            "{updates}: {found:?}"
        );
    }
}

#[test]
fn the_smallest_file_is_all_defaults() {
    assert_eq!(parse("version = 1\n").unwrap().config, Config::default());
}

#[test]
fn an_unknown_key_names_its_line_and_the_nearest_right_one() {
    let found = problems("version = 1\n[system]\nhostnam = \"a\"\n");
    assert_eq!(
        found,
        ["line 3: unknown key `hostnam` in [system]; did you mean `hostname`?"]
    );
    let found = problems("version = 1\n[sssh]\n[network.managment]\nxyzzy = 1\n");
    assert_eq!(found[0], "line 2: unknown key `sssh`; did you mean `ssh`?");
    assert_eq!(
        found[1],
        "line 3: unknown key `managment` in [network]; did you mean `management`?"
    );
    let found = problems("version = 1\n[ssh]\nqqq = 1\n");
    assert_eq!(
        found,
        ["line 3: unknown key `qqq` in [ssh]; known keys: enabled, authorized_keys"]
    );
}

#[test]
fn every_fault_is_named_at_once_in_the_order_of_the_file() {
    let text = "version = 1\n[system]\nhostname = 7\ntimezone = \"../etc\"\nntp = [\"a b\", 3]\n\
                [ssh]\nenabled = \"yes\"\n[network.management]\nvlan = 4095\n\
                ipv4 = { method = \"static\", address = \"10.0.0.1/24\", gateway = \"10.0.1.1\" }\n";
    let found = problems(text);
    let lines: Vec<&str> = found.iter().map(|p| p.split(':').next().unwrap()).collect();
    assert_eq!(
        lines,
        [
            "line 3", "line 4", "line 5", "line 5", "line 7", "line 9", "line 10"
        ]
    );
    assert!(
        found[6].contains("`network.management.ipv4.gateway` is not in the network of 10.0.0.1/24")
    );
}

#[test]
fn text_that_is_not_toml_names_the_line() {
    let found = problems("version = 1\n[system\nhostname = \"a\"\n");
    assert!(found[0].starts_with("line 2: not TOML"), "{found:?}");
    assert!(problems("version = 1\nversion = 1\n")[0].starts_with("line 2"));
}

#[test]
fn the_version_must_be_there_and_known() {
    assert!(problems("")[0].contains("`version` is missing: write `version = 1` on top"));
    let found = problems("version = 2\n");
    assert_eq!(
        found,
        ["line 1: `version` is 2; this release reads version 1"]
    );
}

#[test]
fn contradictions_are_refused() {
    for (text, says) in [
        ("[network.management]\ninterfaces = []", "must name a card"),
        (
            "[network.management]\ninterfaces = [\"auto\", \"ens3\"]",
            "\"auto\" alone",
        ),
        (
            "[network.management]\ninterfaces = [\"ens3\", \"ens3\"]",
            "twice",
        ),
        (
            "[network.management]\nbond = { mode = \"802.3ad\" }",
            "two or more",
        ),
        (
            "[network.management]\nipv4 = { address = \"10.0.0.1/8\" }",
            "`network.management.ipv4.method` is missing",
        ),
        (
            "[network.management]\nipv4 = { method = \"static\" }",
            "address` is missing",
        ),
        (
            "[network.management]\nipv4 = { method = \"dhcp\", gateway = \"10.0.0.1\" }",
            "has no meaning",
        ),
        (
            "[network.management]\nipv4 = { method = \"auto\" }",
            "must be \"dhcp\"",
        ),
        (
            "[network.management]\nipv6 = { method = \"dhcp\" }",
            "must be \"auto\"",
        ),
        (
            "[system]\nroot_password = \"long enough\"\nroot_password_hash = \"$6$s$x\"",
            "exclude each other",
        ),
        ("[system]\nroot_password = \"short\"", "8 to 256 characters"),
        ("[system]\nconsole = []", "must name a terminal"),
        (
            "[system]\nconsole = [\"ttyS0\", \"ttyS0,9600\"]",
            "names a terminal twice",
        ),
    ] {
        let found = problems(&format!("version = 1\n{text}\n"));
        assert!(
            found.iter().any(|problem| problem.contains(says)),
            "{text}: {found:?}"
        );
    }
}

#[test]
fn a_refused_password_is_not_repeated() {
    let found = problems("version = 1\n[system]\nroot_password = \"geheim\"\n").concat();
    assert!(!found.contains("geheim"), "{found}");
    let parsed = parse("version = 1\n[system]\nroot_password = \"streng geheim\"\n").unwrap();
    let shown = format!("{parsed:?}");
    assert!(
        !shown.contains("geheim") && !shown.contains("$y$"),
        "{shown}"
    );
}

#[test]
fn a_line_break_in_any_text_is_refused() {
    for (key, value) in [
        ("system.hostname", "qx\\nnameserver"),
        ("system.timezone", "UTC\\n"),
        ("system.root_password_hash", "$6$saltsalt$x\\nroot2:"),
        ("system.root_password_hash", "$6$salt:salt$x"),
        ("system.root_password", "long enough\\n"),
        ("network.management.ipv4.method", "static\\n"),
    ] {
        let found = problems(&format!("version = 1\n{key} = \"{value}\"\n"));
        assert!(!found.is_empty(), "{key}");
    }
    for (key, value) in [
        ("system.ntp", "pool.ntp.org\\ncmdallow all"),
        ("system.ntp", "pool.ntp.org iburst"),
        ("system.kernel_args", "nomodeset\\nqx_end=1"),
        ("system.kernel_args", "nomodeset quiet"),
        ("system.console", "tty1\\n"),
        ("ssh.authorized_keys", "ssh-ed25519 AAAA x\\nssh-rsa AAAA"),
        ("ssh.authorized_keys", "command=\\\"sh\\\" ssh-ed25519 AAAA"),
        ("network.management.interfaces", "ens3\\n    up reboot"),
        ("network.management.interfaces", "$(reboot)"),
        ("network.management.dns", "1.1.1.1\\nnameserver 6.6.6.6"),
    ] {
        let found = problems(&format!("version = 1\n{key} = [\"{value}\"]\n"));
        assert!(!found.is_empty(), "{key}");
    }
}

#[test]
fn consoles_and_kernel_arguments_become_one_text_for_the_boot_loader() {
    let arguments = |text: &str| {
        let config = parse(&format!("version = 1\n[system]\n{text}\n"));
        kernel_arguments(&config.unwrap().config).unwrap()
    };
    assert_eq!(arguments(""), "console=tty1 console=ttyS0,115200");
    assert_eq!(
        arguments(
            "console = [\"ttyS1,57600\"]\nkernel_args = [\"nomodeset\", \"pci=noaer,nocrs\"]"
        ),
        "console=ttyS1,57600 nomodeset pci=noaer,nocrs"
    );
}

#[test]
fn kernel_arguments_that_cannot_be_kept_are_refused_by_name() {
    let room = MOST_ARGUMENT_BYTES - "console=tty1 ".len();
    let with = |length: usize| {
        let argument = "x".repeat(length);
        format!("version = 1\n[system]\nconsole = [\"tty1\"]\nkernel_args = [\"{argument}\"]\n")
    };
    let fits = parse(&with(room)).unwrap().config;
    assert_eq!(kernel_arguments(&fits).unwrap().len(), MOST_ARGUMENT_BYTES);
    assert_eq!(
        problems(&with(room + 1)),
        [
            "line 4: `system.kernel_args` and `system.console` together make 161 bytes of kernel arguments; the \
              boot loader has room for 160: leave some out"
        ]
    );
    let mut config = fits;
    config.system.console.push("ttyS0".parse().unwrap());
    assert_eq!(
        kernel_arguments(&config).unwrap_err().to_string(),
        "`system.kernel_args` and `system.console` together make 181 bytes of kernel arguments; the boot loader \
         has room for 160: leave some out"
    );
    for (entry, says) in [
        (
            "a b",
            "an entry of `system.kernel_args` must be one kernel argument",
        ),
        ("a;reboot", "must be one kernel argument"),
        ("$x", "must be one kernel argument"),
        ("", "must be one kernel argument"),
        ("console=ttyS1", "name it in `system.console` instead"),
        ("quantix.slot=B", "is set by the boot loader"),
        ("quantix.partuuid=x", "is set by the boot loader"),
        ("quantix.try=0", "is set by the boot loader"),
    ] {
        let found = problems(&format!(
            "version = 1\n[system]\nkernel_args = [\"{entry}\"]\n"
        ));
        assert!(found[0].starts_with("line 3: "), "{found:?}");
        assert!(found[0].contains(says), "{entry}: {found:?}");
    }
    for console in [
        "tty0",
        "ttyS4",
        "ttyS0,1200",
        "ttyS0,",
        "tty1,9600",
        "ttyS0,115200n8",
    ] {
        let found = problems(&format!(
            "version = 1\n[system]\nconsole = [\"{console}\"]\n"
        ));
        assert!(
            found[0].starts_with("line 3: an entry of `system.console` must be \"tty1\", or"),
            "{console}: {found:?}"
        );
    }
}

#[test]
fn a_file_of_absurd_size_is_refused_at_once() {
    let found = problems(&format!("version = 1\n#{}", "x".repeat(2 << 20)));
    assert!(found[0].contains("at most"), "{found:?}");
}

const KEYS: [&str; 2] = [
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO4p9vGW8J0LfQ5b3MdoOVdoKa6Qxyr0yw8e2XWvJbUR",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO4p9vGW8J0LfQ5b3MdoOVdoKa6Qxyr0yw8e2XWvJbUR admin at \"home\"",
];
const HASH: &str = "$y$j9T$saltsaltsaltsalt$VnU4pN6WzZTHef2UI1V5FowldPXscAxGG2sWw7pQgY8";

fn ipv4() -> impl Strategy<Value = Ipv4> {
    let fixed = (1u32..0x7f00_0000, 1u8..=32, any::<bool>()).prop_map(|(bits, prefix, routed)| {
        let address = Ipv4Addr::from_bits(bits);
        let gateway = (routed && prefix < 32).then(|| Ipv4Addr::from_bits(bits ^ 1));
        Ipv4::Static {
            address: format!("{address}/{prefix}").parse().unwrap(),
            gateway,
        }
    });
    prop_oneof![Just(Ipv4::Dhcp), Just(Ipv4::None), fixed]
}

fn ipv6() -> impl Strategy<Value = Ipv6> {
    let fixed = (any::<u64>(), 1u8..=128, any::<bool>()).prop_map(|(low, prefix, routed)| {
        let address = Ipv6Addr::from_bits((0x2001_0db8u128 << 96) | u128::from(low));
        let gateway = routed.then(|| "fe80::1".parse().unwrap());
        Ipv6::Static {
            address: format!("{address}/{prefix}").parse().unwrap(),
            gateway,
        }
    });
    prop_oneof![Just(Ipv6::Auto), Just(Ipv6::None), fixed]
}

fn interfaces() -> impl Strategy<Value = Vec<InterfaceSelector>> {
    let named = proptest::collection::btree_set("en[a-z0-9]{1,10}", 1..4);
    let named = named.prop_map(|names| {
        names
            .iter()
            .map(|name| InterfaceSelector::Name(name.parse().unwrap()))
            .collect()
    });
    let by_mac = any::<[u8; 6]>().prop_map(|b| {
        let text = b.map(|byte| format!("{byte:02x}")).join(":");
        vec![InterfaceSelector::Mac(text.parse().unwrap())]
    });
    prop_oneof![Just(vec![InterfaceSelector::Auto]), named, by_mac]
}

prop_compose! {
    fn management()(
        interfaces in interfaces(),
        mode in proptest::sample::select(BondMode::ALL.to_vec()),
        vlan in proptest::option::of(1u16..=4094),
        ipv4 in ipv4(),
        ipv6 in ipv6(),
        dns in proptest::collection::vec(any::<IpAddr>(), 0..=3),
    ) -> Management {
        let bond = if interfaces.len() > 1 { Bond { mode } } else { Bond::default() };
        let vlan = vlan.map(|id| VlanId::try_from(id).unwrap());
        Management { interfaces, bond, vlan, ipv4, ipv6, dns }
    }
}

prop_compose! {
    fn window()(
        days in proptest::sample::subsequence(Day::ALL.to_vec(), 1..=7),
        hour in 0i8..24,
        minute in 0i8..60,
        minutes in 15u16..=1440,
    ) -> Window {
        Window { days, start: TimeOfDay { hour, minute }, minutes }
    }
}

prop_compose! {
    fn updates()(
        feed in proptest::option::of("https://[a-z]{1,10}\\.example(:[1-9][0-9]{0,3})?(/[a-z0-9._-]{1,8}x){0,2}/?"),
        channel in "[a-z0-9-]{1,32}",
        automatic in proptest::sample::select(Automatic::ALL.to_vec()),
        window in proptest::option::of(window()),
    ) -> Updates {
        let automatic = match (&feed, &window) {
            (None, _) => Automatic::Off,
            (Some(_), None) if automatic == Automatic::Apply => Automatic::Fetch,
            _ => automatic,
        };
        Updates {
            feed: feed.map(|feed| feed.parse().unwrap()),
            channel: channel.parse().unwrap(),
            automatic,
            window,
        }
    }
}

prop_compose! {
    fn proxy()(
        https in proptest::option::of("http://[a-z]{1,10}\\.example(:[1-9][0-9]{0,3})?"),
        certificates in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 64..300), 0..3),
    ) -> Proxy {
        let pem = |der: &Vec<u8>| {
            let der: Vec<u8> = [0x30].iter().chain(der).copied().collect();
            let body = base64::engine::general_purpose::STANDARD.encode(der);
            format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----").parse().unwrap()
        };
        Proxy {
            https: https.map(|proxy| proxy.parse().unwrap()),
            ca_certificates: certificates.iter().map(pem).collect(),
        }
    }
}

prop_compose! {
    fn config()(
        management in management(),
        updates in updates(),
        proxy in proxy(),
        hostname in "[a-z0-9]{1,20}(\\.[a-z][a-z0-9-]{0,10}[a-z]){0,2}",
        timezone in "[A-Z][a-z]{1,10}(/[A-Z][A-Za-z_]{1,10}){0,2}",
        with_hash in any::<bool>(),
        ntp in proptest::collection::vec("[a-z]{1,10}\\.example", 0..4),
        enabled in any::<bool>(),
        keys in proptest::sample::subsequence(KEYS.to_vec(), 0..=2),
        console in proptest::sample::subsequence(vec!["ttyS1,9600", "tty1", "ttyS0", "ttyS3"], 1..=4),
        kernel_args in proptest::collection::vec("[a-z_]{1,8}(=[A-Za-z0-9,./:@+-]{1,10})?", 0..3),
    ) -> Config {
        Config {
            system: System {
                hostname: hostname.parse().unwrap(),
                timezone: timezone.parse().unwrap(),
                root_password_hash: with_hash.then(|| HASH.parse().unwrap()),
                ntp: ntp.iter().map(|name| name.parse().unwrap()).collect(),
                console: console.iter().map(|name| name.parse().unwrap()).collect(),
                kernel_args: kernel_args.iter().map(|text| text.parse().unwrap()).collect(),
            },
            ssh: Ssh {
                enabled,
                authorized_keys: keys.iter().map(|key| key.parse().unwrap()).collect(),
            },
            management,
            updates,
            proxy,
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(config in config()) {
        let text = config.to_toml();
        let read = parse(&text).map(|parsed| parsed.config);
        prop_assert_eq!(read, Ok(config), "{}", text);
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,200}") {
        let _ = parse(&text);
        let _ = parse(&format!("version = 1\n[system]\nhostname = {text}\n"));
        let _ = parse_answer(&format!("version = 1\n[install]\ndisk = {text}\n"));
    }

    #[test]
    fn a_torn_file_is_read_or_refused_but_never_half_understood(config in config(), cut in 0usize..600) {
        let text = config.to_toml();
        let torn = text.get(..cut.min(text.len())).unwrap_or(&text);
        if let Err(problems) = parse(torn) {
            prop_assert!(!problems.is_empty());
        }
    }
}
