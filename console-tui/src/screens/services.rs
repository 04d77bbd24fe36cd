//! Restarting services.

use qx_host::service::Service;
use ratatui::Frame;

use super::Reply;
use crate::action::{Action, Outcome};
use crate::facts::Facts;
use crate::shell::{Answered, BODY, Confirm, Kind, Menu, STRONG, page, paragraph};
use crate::terminal::Key;

const KEYS: &str = "<Enter> Restart  <Esc> Back  <Arrows> Move";

/// The page.
#[derive(Debug, Default)]
pub struct Services {
    menu: Menu,
    sure: Option<Confirm>,
    restarting: Option<Service>,
}

/// SSH is there to be restarted only where it is on.
fn offered(facts: &Facts) -> Vec<Service> {
    let all = Service::ALL.into_iter();
    all.filter(|service| *service != Service::Ssh || facts.inventory.ssh_enabled)
        .collect()
}

const fn words(service: Service) -> (&'static str, &'static str) {
    match service {
        Service::Node => (
            "Management service (qx-node)",
            "The web UI and the API are away for some seconds; VMs run on. Who uploads something goes on where it \
             was.",
        ),
        Service::Hypervisor => (
            "Hypervisor service (libvirtd)",
            "VMs run on, but can't be managed for some seconds.",
        ),
        Service::Time => (
            "Clock (chronyd)",
            "The clock is compared with its servers anew.",
        ),
        Service::Ssh => ("SSH (sshd)", "Sessions that are open stay open."),
    }
}

impl Services {
    pub(crate) fn key(&mut self, key: Key, facts: &Facts) -> Reply {
        if self.restarting.is_some() {
            return Reply::Stay;
        }
        let services = offered(facts);
        let selected = services.get(self.menu.selected(services.len())).copied();
        if let Some(sure) = &mut self.sure {
            let answered = sure.key(key);
            if answered != Answered::Open {
                self.sure = None;
            }
            return match (answered, selected) {
                (Answered::Yes, Some(service)) => {
                    self.restarting = Some(service);
                    Reply::Act(Action::Restart(service))
                }
                _ => Reply::Stay,
            };
        }
        match (key, selected) {
            (Key::Escape, _) => return Reply::Close,
            (Key::Enter, Some(service)) => {
                let text = format!("{} Restart {}?", words(service).1, service.name());
                self.sure = Some(Confirm::new("Restart", text, Kind::Asked));
            }
            (key, _) => {
                self.menu.key(key, &labels(&services));
            }
        }
        Reply::Stay
    }

    pub(crate) fn outcome(&mut self, outcome: Outcome) -> Result<Reply, Outcome> {
        match outcome {
            Outcome::Done(done) if self.restarting.take().is_some() => Ok(match done {
                Ok(text) => Reply::tell("Done", text),
                Err(reason) => Reply::tell("Not done", reason),
            }),
            other => Err(other),
        }
    }

    pub(crate) fn draw(&self, facts: &Facts, frame: &mut Frame<'_>) {
        let area = page(frame, "Restart of services", KEYS);
        let services = offered(facts);
        let labels = labels(&services);
        self.menu.draw(&labels, frame, area);
        let row = u16::try_from(labels.len() + 1).unwrap_or(0);
        match self.restarting {
            Some(service) => {
                let text = format!("Restarting {} ...", service.name());
                paragraph(frame, area, row, &text, STRONG);
            }
            None => {
                if let Some(service) = services.get(self.menu.selected(services.len())) {
                    paragraph(frame, area, row, words(*service).1, BODY);
                }
            }
        }
        if let Some(sure) = &self.sure {
            sure.draw(frame);
        }
    }
}

fn labels(services: &[Service]) -> Vec<String> {
    services.iter().map(|s| words(*s).0.to_owned()).collect()
}
