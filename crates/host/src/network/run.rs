//! Running a plan: few programs, each with many lines, because every program costs the boot milliseconds.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::in_force::{InForce, Ipv4Method, text_of};
use super::plan::{Plan, Setting, plan};
use super::state::State;
use super::{BRIDGE, choose_ports, dhcp, management_interface};
use crate::command::{self, Finished};
use crate::config::{InterfaceSelector, Management, Status};
use crate::durable;
use crate::nics::{self, Nic};

pub(super) const IP: &str = "/usr/bin/ip";
pub(super) const BRIDGE_TOOL: &str = "/usr/sbin/bridge";
/// They only talk to the kernel.
const DEADLINE: Duration = Duration::from_secs(20);
const RESOLVER: &str = "etc/resolv.conf";
/// The first line of a file that `overlay/usr/lib/quantix/dhcp-event` wrote.
const BY_DHCP: &str = "# From DHCP.";

/// Where things are; on the product `/`, `/run/quantix`, `/proc` and `/sys`.
#[derive(Debug, Clone)]
pub struct Places {
    /// The root that `etc/resolv.conf` is written under.
    pub root: PathBuf,
    /// The run directory.
    pub run: PathBuf,
    /// procfs.
    pub proc: PathBuf,
    /// sysfs, for the cards.
    pub sys: PathBuf,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            root: PathBuf::from("/"),
            run: PathBuf::from("/run/quantix"),
            proc: PathBuf::from("/proc"),
            sys: PathBuf::from("/sys"),
        }
    }
}

/// Brings the network in line with `management` and records what is in force. Whatever fails becomes a problem
/// and does not stop the rest: half a network may be enough to repair it. Addresses that DHCP or routers give come
/// later.
///
/// # Errors
/// When the run directory can't be written to.
pub fn bring_up(places: &Places, management: &Management) -> io::Result<InForce> {
    let former = InForce::read(&places.run);
    let open = former.as_ref().is_some_and(|former| former.open);
    change(places, management, former, open, true)
}

/// The same, and lets every VLAN pass from now on: VMs choose theirs. For the end of a boot, as it takes a moment.
///
/// # Errors
/// See [`bring_up`].
pub fn open_vlans(places: &Places, management: &Management) -> io::Result<InForce> {
    change(places, management, InForce::read(&places.run), true, false)
}

fn change(
    places: &Places,
    management: &Management,
    former: Option<InForce>,
    open: bool,
    ask: bool,
) -> io::Result<InForce> {
    let (dhcp, stale) = former.map_or((None, Vec::new()), |former| (former.dhcp, former.problems));
    let cards = find_cards(management, &places.sys);
    let (ports, mut problems) = choose_ports(management, &cards);
    let state = State::read(&places.proc).unwrap_or_else(|error| {
        problems.push(format!(
            "what the network is like cannot be found out: {error}"
        ));
        State::default()
    });
    let state = State {
        dhcp,
        open,
        ..state
    };
    let plan = plan(management, &ports, &cards, &state);
    let mut in_force = InForce {
        interface: management_interface(management),
        ipv4: Ipv4Method::from(&management.ipv4),
        dhcp: plan.dhcp.clone(),
        open,
        text: text_of(management.clone()),
        problems,
    };
    // Before anything is done: a run that is cut off leaves a client that the next one has to know of.
    in_force.write(&places.run)?;
    in_force
        .problems
        .extend(carry_out(places, management, &plan, &state, ask));
    in_force.write(&places.run)?;
    tell(&places.run, &stale, &in_force.problems)?;
    Ok(in_force)
}

/// The status of the configuration has the problems of its network, those of this run instead of former ones.
fn tell(run: &Path, stale: &[String], problems: &[String]) -> io::Result<()> {
    let Some(mut status) = Status::read(run) else {
        return Ok(());
    };
    let before = status.problems.clone();
    status.problems.retain(|problem| !stale.contains(problem));
    status.problems.extend_from_slice(problems);
    if status.problems == before {
        return Ok(());
    }
    status.write(run)
}

/// Looks for links, which takes time, only where the choice depends on it. The card that the bridge has already comes
/// first: with a link it stays.
fn find_cards(management: &Management, sys: &Path) -> Vec<Nic> {
    let mut cards = nics::discover(sys);
    if management.interfaces.contains(&InterfaceSelector::Auto) && cards.len() > 1 {
        cards = nics::discover_with_link(sys);
        let brif = sys.join("class/net").join(BRIDGE).join("brif");
        cards.sort_by_key(|card| !brif.join(card.name.as_str()).exists());
    }
    cards
}

/// A DHCP client that runs already asks again if it shall, or if there was anything to do.
fn carry_out(
    places: &Places,
    management: &Management,
    plan: &Plan,
    state: &State,
    ask: bool,
) -> Vec<String> {
    let mut problems = Vec::new();
    if let Some(interface) = &plan.stop_dhcp {
        problems.extend(dhcp::stop(interface).err());
    }
    problems.extend(ip_batch(&plan.make));
    for setting in &plan.settings {
        problems.extend(switch(&places.proc, setting).err());
    }
    problems.extend(ip_batch(&plan.set));
    problems.extend(batch(BRIDGE_TOOL, &plan.vlans));
    problems.extend(name_servers(&places.root, &management.dns, plan.dhcp.is_some()).err());
    if let Some(interface) = &plan.dhcp {
        let changed = !plan.make.is_empty() || !plan.set.is_empty();
        let asked = if state.dhcp.as_ref() != Some(interface) {
            dhcp::start(interface)
        } else if ask || changed {
            dhcp::ask_again(interface)
        } else {
            Ok(())
        };
        problems.extend(asked.err());
    }
    problems
}

/// A kernel without IPv6 has none to switch.
fn switch(proc: &Path, setting: &Setting) -> Result<(), String> {
    let Setting {
        interface,
        name,
        value,
    } = setting;
    let dir = proc.join("sys/net/ipv6/conf");
    if !dir.exists() {
        return Ok(());
    }
    fs::write(dir.join(interface).join(name), value.to_string())
        .map_err(|error| format!("{name} of {interface} cannot be set to {value}: {error}"))
}

/// Fixed name servers are written; without any, those of before make room for those of DHCP.
fn name_servers(root: &Path, servers: &[IpAddr], dhcp: bool) -> Result<(), String> {
    let path = root.join(RESOLVER);
    let wrong = |error: io::Error| format!("cannot write {}: {error}", path.display());
    let now = fs::read_to_string(&path).unwrap_or_default();
    if servers.is_empty() {
        if now.is_empty() || (dhcp && now.lines().next() == Some(BY_DHCP)) {
            return Ok(());
        }
        return fs::remove_file(&path).map_err(wrong);
    }
    let lines: Vec<String> = servers
        .iter()
        .map(|server| format!("nameserver {server}\n"))
        .collect();
    let wanted = lines.concat();
    if now == wanted {
        return Ok(());
    }
    durable::replace(&path, wanted.as_bytes(), 0o644).map_err(wrong)
}

/// Runs lines of `ip`; returns those that failed, with what was said.
pub(crate) fn ip_batch(lines: &[String]) -> Vec<String> {
    batch(IP, lines)
}

fn batch(program: &str, lines: &[String]) -> Vec<String> {
    if lines.is_empty() {
        return Vec::new();
    }
    let done = input(lines)
        .map_err(|error| error.to_string())
        .and_then(|input| {
            // -force: a line that fails does not stop the others.
            let arguments = ["-force", "-batch", "-"].map(OsStr::new);
            command::run_on(program, &arguments, input, DEADLINE).map_err(|error| error.to_string())
        });
    match done {
        Ok(done) if done.status.success() => Vec::new(),
        Ok(done) => failures(program, lines, &done),
        Err(error) => vec![format!("the network is not set up: {error}")],
    }
}

/// A pipe takes 64 KiB without a reader; a plan is far shorter.
fn input(lines: &[String]) -> io::Result<Stdio> {
    let (reader, mut writer) = io::pipe()?;
    writer.write_all((lines.join("\n") + "\n").as_bytes())?;
    Ok(Stdio::from(reader))
}

/// After what is wrong with a line, iproute2 says `Command failed -:LINE`.
fn failures(program: &str, lines: &[String], done: &Finished) -> Vec<String> {
    let tool = program.rsplit('/').next().unwrap_or(program);
    let mut problems = Vec::new();
    let mut said: Vec<&str> = Vec::new();
    for text in done.stderr.lines() {
        let Some(number) = text.strip_prefix("Command failed -:") else {
            said.push(text.trim());
            continue;
        };
        let number: Option<usize> = number.trim().parse().ok();
        let line = number.and_then(|number| lines.get(number.checked_sub(1)?));
        let line = line.map_or("?", String::as_str);
        problems.push(format!("\"{tool} {line}\" failed: {}", said.join(" ")));
        said.clear();
    }
    if problems.is_empty() {
        let said = &done.stderr;
        problems.push(format!("{tool} failed ({}): {said}", done.status));
    }
    problems
}

/// What a tool of iproute2 says in JSON.
pub(super) fn query<T: DeserializeOwned>(
    program: &str,
    arguments: &[&str],
) -> Result<Vec<T>, String> {
    let words: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
    let done = command::run(program, &words, DEADLINE).map_err(|error| error.to_string())?;
    if !done.status.success() {
        return Err(format!(
            "{program} failed ({}): {}",
            done.status, done.stderr
        ));
    }
    if done.stdout.is_empty() {
        return Ok(Vec::new());
    }
    serde_json::from_str(&done.stdout)
        .map_err(|error| format!("{program} {}: {error}", arguments.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_fails_is_told_with_its_reason_and_the_others_are_run() {
        let lines = [
            "link show dev lo",
            "link set dev nope up",
            "link show dev lo",
        ];
        let failed = ip_batch(&lines.map(str::to_owned));
        assert_eq!(
            failed,
            ["\"ip link set dev nope up\" failed: Cannot find device \"nope\""]
        );
        assert_eq!(ip_batch(&[]), Vec::<String>::new());
    }

    #[test]
    fn the_card_that_the_bridge_has_stays_while_it_has_a_link() {
        let sys = tempfile::tempdir().unwrap();
        let net = sys.path().join("class/net");
        let link = |name: &str, carrier: &str| {
            fs::write(net.join(name).join("carrier"), carrier).unwrap();
        };
        for (index, name) in ["ens3", "ens4"].into_iter().enumerate() {
            fs::create_dir_all(net.join(name).join("device")).unwrap();
            fs::write(net.join(name).join("ifindex"), index.to_string()).unwrap();
            link(name, "1");
        }
        let chosen = || {
            let management = Management::default();
            let cards = find_cards(&management, sys.path());
            choose_ports(&management, &cards).0[0].name.to_string()
        };
        assert_eq!(chosen(), "ens3");
        fs::create_dir_all(net.join("br0/brif/ens4")).unwrap();
        assert_eq!(chosen(), "ens4");
        link("ens4", "0");
        assert_eq!(chosen(), "ens3");
    }

    #[test]
    fn fixed_name_servers_come_and_go_and_those_of_dhcp_are_left_alone() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("etc")).unwrap();
        let file = root.path().join(RESOLVER);
        let by_dhcp = "# From DHCP.\nnameserver 10.0.2.3\n";
        fs::write(&file, by_dhcp).unwrap();
        name_servers(root.path(), &[], true).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), by_dhcp);
        let servers = ["192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap()];
        name_servers(root.path(), &servers, true).unwrap();
        let fixed = "nameserver 192.0.2.1\nnameserver 2001:db8::1\n";
        assert_eq!(fs::read_to_string(&file).unwrap(), fixed);
        name_servers(root.path(), &[], true).unwrap();
        assert!(!file.exists());
        fs::write(&file, by_dhcp).unwrap();
        name_servers(root.path(), &[], false).unwrap();
        assert!(!file.exists());
        name_servers(root.path(), &[], false).unwrap();
    }
}
