//! The menu behind `F2` on an installed host. An item is there only while it works; the right side says what it
//! does and how things are.

use qx_host::boot::Mode;
use qx_host::pending::Scope;
use qx_host::power::PowerAction;
use ratatui::Frame;
use ratatui::layout::Rect;

use super::edit::{Edit, Subject};
use super::{Logs, NetworkTest, Reader, Reply, Screen, Services, Updates};
use crate::action::{Action, Outcome, UpdateAsk};
use crate::facts::{Daemon, Facts};
use crate::shell::{Answered, BODY, Confirm, Kind, Menu, STRONG, WARNING, page, paragraph};
use crate::terminal::Key;

const KEYS: &str = "<Enter> Open  <Esc> Log out  <Arrows, first letter> Move";
/// What has to be typed before a reset.
const RESET: &str = "reset";
/// Columns of the list.
const LIST: u16 = 32;

/// What the menu offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Item {
    Password,
    NetworkTest,
    Ssh,
    Time,
    Updates,
    Logs,
    Support,
    Services,
    Shell,
    ResetSettings,
    ResetAll,
}

impl Item {
    const ALL: [Self; 11] = [
        Self::Password,
        Self::NetworkTest,
        Self::Ssh,
        Self::Time,
        Self::Updates,
        Self::Logs,
        Self::Support,
        Self::Services,
        Self::Shell,
        Self::ResetSettings,
        Self::ResetAll,
    ];

    /// What there is now: slots and a reset are an installed system's.
    fn offered(facts: &Facts) -> Vec<Self> {
        let boot = facts.boot.as_ref();
        let slots = boot.is_some_and(|boot| boot.mode == Mode::Slot);
        let all = Self::ALL.into_iter();
        let installed = [Self::Updates, Self::ResetSettings, Self::ResetAll];
        all.filter(|item| slots || !installed.contains(item))
            .collect()
    }

    const fn label(self) -> &'static str {
        match self {
            Self::Password => "Password of root",
            Self::NetworkTest => "Network test",
            Self::Ssh => "SSH",
            Self::Time => "Time",
            Self::Updates => "Updates",
            Self::Logs => "Logs",
            Self::Support => "Information for support",
            Self::Services => "Restart of services",
            Self::Shell => "Emergency shell",
            Self::ResetSettings => "Factory reset, VMs stay",
            Self::ResetAll => "Factory reset of everything",
        }
    }

    const fn help(self) -> &'static str {
        match self {
            Self::Password => {
                "Changes root's password: at once for this console, the web UI and SSH. Sessions that are open \
                 stay open."
            }
            Self::NetworkTest => {
                "Tests link, address, gateway, name servers, looking up a name, and the time. Changes nothing."
            }
            Self::Ssh => "Turns remote shells on or off, and says whose keys open them.",
            Self::Time => "Time zone and time servers.",
            Self::Updates => {
                "The two slots with their versions, how the last update ended; back to the other version, or \
                 this version written anew."
            }
            Self::Logs => "Reads the logs of this host, with search; follows them as they grow.",
            Self::Support => {
                "Serial number, versions, fingerprints and addresses: what somebody who helps will ask for."
            }
            Self::Services => {
                "Restarts the management service, libvirt, the clock or SSH. VMs that run go on."
            }
            Self::Shell => {
                "A shell of root on this terminal, until it is left with exit. It is noted in the log."
            }
            Self::ResetSettings => {
                "Removes settings, keys, certificates and API tokens. VMs and images stay. The host restarts."
            }
            Self::ResetAll => {
                "Removes settings, keys, certificates, API tokens and everything on the data partition: VMs, \
                 their disks, images, logs. The host restarts."
            }
        }
    }

    /// How things are now, if the console knows.
    fn present(self, facts: &Facts) -> Option<String> {
        match self {
            Self::Ssh if facts.inventory.ssh_enabled => Some("SSH is on.".to_owned()),
            Self::Ssh => Some("SSH is off.".to_owned()),
            Self::NetworkTest => {
                let addresses = facts.inventory.addresses.iter();
                let own: Vec<String> = addresses
                    .filter(|a| Some(&a.interface) == facts.inventory.management_interface.as_ref())
                    .map(|a| a.address.to_string())
                    .collect();
                Some(if own.is_empty() {
                    "This host has no address.".to_owned()
                } else {
                    format!("This host's addresses: {}.", own.join(", "))
                })
            }
            Self::Updates => {
                let boot = facts.boot.as_ref()?;
                let slot = boot.slot.as_deref().unwrap_or("unknown");
                Some(format!("Version {} runs from slot {slot}.", boot.version))
            }
            _ => None,
        }
    }
}

/// The menu.
#[derive(Debug, Default)]
pub struct Customise {
    menu: Menu,
    /// A form waits for the configuration.
    waiting: bool,
    /// Asks before something is done.
    sure: Option<(Confirm, Item)>,
}

impl Customise {
    pub(crate) fn key(&mut self, key: Key, facts: &Facts) -> Reply {
        if let Some((dialogue, item)) = &mut self.sure {
            let (answered, item) = (dialogue.key(key), *item);
            if answered != Answered::Open {
                self.sure = None;
            }
            return match (answered, item) {
                (Answered::Yes, Item::ResetSettings) => {
                    Reply::Act(Action::Reset(Scope::Configuration))
                }
                (Answered::Yes, Item::ResetAll) => Reply::Act(Action::Reset(Scope::Everything)),
                (Answered::Yes, _) => Reply::Act(Action::Shell),
                _ => Reply::Stay,
            };
        }
        let items = Item::offered(facts);
        let labels: Vec<String> = items.iter().map(|item| item.label().to_owned()).collect();
        match key {
            Key::Escape => Reply::Close,
            Key::Enter => {
                let item = items.get(self.menu.selected(items.len()));
                item.map_or(Reply::Stay, |item| self.open(*item))
            }
            key => {
                self.menu.key(key, &labels);
                Reply::Stay
            }
        }
    }

    fn open(&mut self, item: Item) -> Reply {
        let subject = match item {
            Item::Password => Subject::Password,
            Item::Ssh => Subject::Ssh,
            Item::Time => Subject::Time,
            Item::NetworkTest => {
                let screen = Screen::NetworkTest(NetworkTest::default());
                return Reply::Open(Box::new(screen), Some(Action::TestNetwork));
            }
            Item::Updates => {
                let screen = Screen::Updates(Updates::default());
                let action = Action::Updates(UpdateAsk::Status);
                return Reply::Open(Box::new(screen), Some(action));
            }
            Item::Logs => return Reply::Open(Box::new(Screen::Logs(Logs::default())), None),
            Item::Services => {
                return Reply::Open(Box::new(Screen::Services(Services::default())), None);
            }
            Item::Support => return Reply::Act(Action::Support),
            Item::Shell => {
                let text = "Nothing that is done in the shell is checked, and most of it is gone after a \
                            restart. Leave it with exit. Open it?";
                let dialogue = Confirm::new("Emergency shell", text, Kind::Asked);
                self.sure = Some((dialogue, item));
                return Reply::Stay;
            }
            Item::ResetSettings | Item::ResetAll => {
                let text = format!(
                    "{} This can't be undone. To allow it, type: {RESET}",
                    item.help()
                );
                let kind = Kind::Typed(RESET.to_owned());
                self.sure = Some((Confirm::new("Factory reset", text, kind), item));
                return Reply::Stay;
            }
        };
        self.waiting = true;
        Reply::Act(Action::ReadConfig(subject))
    }

    pub(crate) fn outcome(&mut self, outcome: Outcome) -> Result<Reply, Outcome> {
        match outcome {
            Outcome::Config(subject, configured) if self.waiting => {
                self.waiting = false;
                let edit = Screen::Edit(Box::new(Edit::new(subject, *configured)));
                Ok(Reply::Open(Box::new(edit), None))
            }
            Outcome::Read(title, Ok(text)) => {
                let reader = Screen::Reader(Reader::new(title, &text));
                Ok(Reply::Open(Box::new(reader), None))
            }
            Outcome::Read(_, Err(reason)) | Outcome::Done(Err(reason)) => {
                Ok(Reply::tell("Not done", reason))
            }
            Outcome::Done(Ok(_)) => Ok(Reply::Stay),
            Outcome::Reset(Ok(())) => Ok(Reply::Leave(PowerAction::Reboot)),
            Outcome::Reset(Err(reason)) => Ok(Reply::tell("Not done", reason)),
            other => Err(other),
        }
    }

    pub(crate) fn draw(&self, facts: &Facts, frame: &mut Frame<'_>) {
        let area = page(frame, "Customise this host", KEYS);
        let items = Item::offered(facts);
        let labels: Vec<String> = items.iter().map(|item| item.label().to_owned()).collect();
        let list = Rect {
            width: LIST.min(area.width),
            ..area
        };
        self.menu.draw(&labels, frame, list);
        let right = Rect {
            x: area.x + list.width,
            width: area.width - list.width,
            ..area
        };
        if let Some(item) = items.get(self.menu.selected(items.len())) {
            let mut row = paragraph(frame, right, 0, item.label(), STRONG);
            row = paragraph(frame, right, row + 1, item.help(), BODY);
            if let Some(present) = item.present(facts) {
                row = paragraph(frame, right, row + 1, &present, BODY);
            }
            if let Some(trouble) = trouble(*item, facts) {
                paragraph(frame, right, row + 1, &trouble, WARNING);
            }
        }
        if let Some((dialogue, _)) = &self.sure {
            dialogue.draw(frame);
        }
    }
}

/// What is broken and matters to an item.
fn trouble(item: Item, facts: &Facts) -> Option<String> {
    if facts.is_live() && matches!(item, Item::Password | Item::Ssh | Item::Time) {
        return Some(
            "This system runs from its medium: settings are lost at its restart.".to_owned(),
        );
    }
    let edits = matches!(item, Item::Password | Item::Ssh | Item::Time);
    let config = facts.config.as_ref();
    if edits && config.is_some_and(|config| !config.problems.is_empty()) {
        return Some(
            "The configuration file has faults, shown on the first screen. What is changed here is changed in \
             the newest configuration that was good, and replaces the file."
                .to_owned(),
        );
    }
    let down = matches!(facts.daemon, Daemon::Down { .. });
    (down && item == Item::Updates).then(|| {
        "The management service does not answer: slots are shown as the disk has them, and nothing can be \
         changed here. Restart the service first."
            .to_owned()
    })
}
