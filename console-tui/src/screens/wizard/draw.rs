//! The installation's pages on the screen.

use qx_host::config::Ipv4;
use qx_host::install_status::{InstallStatus, Phase};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::disk::refusal;
use super::{Page, Wizard};
use crate::facts::Facts;
use crate::forms::TimeKey;
use crate::shell::{BODY, HEAD, Model, STRONG, WARNING, page, paragraph, put};
use crate::words;

/// Rows of the review's page that are not its list.
pub(super) const REVIEW_ROWS: u16 = 7;
/// Rows of a page above its form.
const INTRODUCTION: u16 = 4;
const FORM_KEYS: &str = "<Enter> Continue  <Esc> Back  <Tab/Arrows> Move  <Space> Change";

impl Page {
    const fn title(self) -> &'static str {
        match self {
            Self::Disk => "disk",
            Self::Layout => "partitions",
            Self::Name => "host name",
            Self::Password => "password of root",
            Self::Network => "management network",
            Self::Time => "time",
            Self::Ssh => "remote shell",
            Self::Review => "review",
            Self::Install => "writing",
        }
    }
}

impl Wizard {
    pub(crate) fn draw(&self, facts: &Facts, frame: &mut Frame<'_>) {
        let (number, last) = (self.page.number() + 1, Page::ALL.len());
        let title = format!("Installation, {number} of {last}: {}", self.page.title());
        let area = page(frame, &title, self.keys());
        match self.page {
            Page::Disk => self.draw_disk(frame, area),
            Page::Review => self.draw_review(frame, area),
            Page::Install => self.draw_install(facts, frame, area),
            _ => self.draw_form(frame, area),
        }
    }

    fn keys(&self) -> &'static str {
        match (self.page, &self.ended) {
            (Page::Disk, _) => "<Enter> Choose  <Esc> Leave  <Arrows> Move  <F5/R> Look again",
            (Page::Review, _) => {
                "<Enter> Install  <Esc> Back  <F3/V> View answer file  <F4/S> Save it"
            }
            (Page::Install, None) => "Please wait. The installation can't be stopped.",
            (Page::Install, Some(Ok(status))) if status.phase == Phase::Done => {
                "<Enter/R> Restart  <S> Shut down"
            }
            (Page::Install, Some(_)) => "<Enter> Back to the review",
            _ => FORM_KEYS,
        }
    }

    fn draw_disk(&self, frame: &mut Frame<'_>, area: Rect) {
        let text = "Which disk becomes the system's? Nothing is written before the last page.";
        paragraph(frame, area, 0, text, BODY);
        let rows = area.height.saturating_sub(9);
        let list = below(area, 2, rows);
        if !self.disk.is_known() {
            put(frame, list, 0, Line::styled("Looking ...", BODY));
        }
        self.disk.menu().draw(&self.disk.items(), frame, list);
        let detail = below(area, 3 + rows, area.height);
        let mut row = 0;
        if let Some(disk) = self.disk.selected() {
            row = paragraph(frame, detail, row, &disk.summary(), STRONG);
            let (text, style) = match refusal(disk) {
                Some(reason) => (format!("It {reason}"), WARNING),
                None => (format!("On it: {}", disk.content), BODY),
            };
            row = paragraph(frame, detail, row, &text, style);
        }
        if let Some(message) = &self.disk.message {
            paragraph(frame, detail, row, message, WARNING);
        }
        if let Some(erase) = &self.disk.erase {
            erase.draw(frame);
        }
    }

    fn draw_form(&self, frame: &mut Frame<'_>, area: Rect) {
        paragraph(frame, area, 0, &self.introduction(), BODY);
        let form = below(area, INTRODUCTION, area.height);
        match self.page {
            Page::Layout => self.layout.form().draw(frame, form),
            Page::Name => self.name.form().draw(frame, form),
            Page::Password => self.password.form().draw(frame, form),
            Page::Network => self.network.form().draw(frame, form),
            Page::Time => self.time.form().draw(frame, form),
            Page::Ssh => self.ssh.form().draw(frame, form),
            Page::Disk | Page::Review | Page::Install => {}
        }
    }

    /// What stands above a form; some of it follows what is entered.
    fn introduction(&self) -> String {
        match self.page {
            Page::Layout => {
                let data = self.layout.data();
                let data = data.unwrap_or_else(|| "not known yet".to_owned());
                format!(
                    "The usual sizes are right for most. Left for VMs, images and logs: {data}."
                )
            }
            Page::Name => "The name of this host.".to_owned(),
            Page::Password => {
                let hint = self.password.hint();
                hint.unwrap_or("There is no default password: choose one.")
                    .to_owned()
            }
            Page::Network => {
                "How this host itself is reached. VMs can use the same cards.".to_owned()
            }
            Page::Time => match (self.time.form().focused(), self.time.suggestions()) {
                (Some(field), found) if field.key == TimeKey::Zone && !found.is_empty() => {
                    format!("There are: {} ...", found.join(", "))
                }
                _ => "Local time, and where the clock is set from.".to_owned(),
            },
            Page::Ssh => {
                "A shell over the network. It is not needed to manage the host, and can be turned \
                          on later."
                    .to_owned()
            }
            Page::Disk | Page::Review | Page::Install => String::new(),
        }
    }

    fn draw_review(&self, frame: &mut Frame<'_>, area: Rect) {
        let row = self.answer().map_or(0, |answer| {
            paragraph(frame, area, 0, &self.erased(&answer), WARNING)
        });
        self.review.draw(frame, below(area, row + 1, area.height));
        if let Some(sure) = &self.sure {
            sure.draw(frame);
        }
    }

    fn draw_install(&self, facts: &Facts, frame: &mut Frame<'_>, area: Rect) {
        match &self.ended {
            None => draw_progress(facts.install.as_ref(), frame, area),
            Some(Ok(status)) if status.phase == Phase::Done => {
                self.draw_done(status, facts, frame, area);
            }
            Some(Ok(status)) => {
                let row = paragraph(frame, area, 0, &status.summary, WARNING);
                draw_problems(&status.problems, frame, area, row + 1);
            }
            Some(Err(reason)) => {
                draw_problems(std::slice::from_ref(reason), frame, area, 0);
            }
        }
    }

    fn draw_done(&self, status: &InstallStatus, facts: &Facts, frame: &mut Frame<'_>, area: Rect) {
        let mut row = paragraph(frame, area, 0, &status.summary, STRONG);
        row = draw_problems(&status.problems, frame, area, row + 1);
        let text = "Take the medium out, then restart: the host starts from its disk.";
        row = paragraph(frame, area, row + 1, text, BODY);
        row = paragraph(frame, area, row + 1, "To manage it, go to", BODY);
        row = paragraph(frame, area, row, &self.url(facts), STRONG);
        let text = "Log in as root with the password that you chose. Its certificate and SSH key are made at \
                    its first start: this console then shows their fingerprints, to compare with what your \
                    browser says.";
        paragraph(frame, area, row + 1, text, BODY);
    }

    fn url(&self, facts: &Facts) -> String {
        let answer = self.answer();
        let ipv4 = answer.map(|answer| answer.file.config.management.ipv4);
        match ipv4 {
            Some(Ipv4::Static { address, .. }) => format!("https://{}:8443/", address.address()),
            _ => match words::urls(&facts.inventory).into_iter().next() {
                Some(now) => format!("{now}, unless it gets another address"),
                None => "https://ADDRESS:8443/ with the address that the console shows".to_owned(),
            },
        }
    }
}

fn draw_progress(install: Option<&InstallStatus>, frame: &mut Frame<'_>, area: Rect) {
    let summary = install.map_or("The installation begins.", |i| i.summary.as_str());
    let row = paragraph(frame, area, 0, summary, STRONG);
    if let Some(progress) = install.and_then(words::install_progress) {
        put(frame, area, row + 1, Line::styled(progress, HEAD));
    }
    let text = "Everything is read back after it was written. Do not switch the machine off: what was on the \
                disk is gone, and nothing starts from it before the end.";
    paragraph(frame, area, row + 3, text, BODY);
}

fn draw_problems(problems: &[String], frame: &mut Frame<'_>, area: Rect, row: u16) -> u16 {
    problems.iter().fold(row, |row, problem| {
        paragraph(frame, area, row, &format!("! {problem}"), WARNING)
    })
}

fn below(area: Rect, rows: u16, height: u16) -> Rect {
    let rows = rows.min(area.height);
    Rect {
        y: area.y + rows,
        height: height.min(area.height - rows),
        ..area
    }
}
