//! The logs: a list of them, and each as text that is searched and followed.

use qx_host::logs::Log;
use ratatui::Frame;
use ratatui::layout::Rect;

use super::{Reply, Screen};
use crate::action::{Action, Outcome};
use crate::shell::{Menu, Pager, WARNING, page, paragraph};
use crate::state::Context;
use crate::terminal::Key;

/// Rows of the screen that are not text: title, blank, status, keys.
const OTHER_ROWS: u16 = 4;
const KEYS: &str = "<Enter> Read  <Esc> Back  <Arrows> Move";
const READ_KEYS: &str =
    "<Esc> Back  </> Search  <N> Next  <F> Follow end  <Space/B> Page  <Arrows>";

/// The list.
#[derive(Debug, Default)]
pub struct Logs {
    menu: Menu,
}

fn labels() -> Vec<String> {
    Log::ALL.iter().map(|log| label(*log).to_owned()).collect()
}

const fn label(log: Log) -> &'static str {
    match log {
        Log::System => "System log",
        Log::Daemon => "Management service (qx-node)",
        Log::Kernel => "Kernel",
        Log::Boot => "Boot",
        Log::Install => "Installation",
    }
}

impl Logs {
    pub(crate) fn key(&mut self, key: Key) -> Reply {
        let labels = labels();
        match key {
            Key::Escape => Reply::Close,
            Key::Enter => {
                let log = Log::ALL.get(self.menu.selected(labels.len())).copied();
                log.map_or(Reply::Stay, |log| {
                    let screen = Screen::Log(LogReader::new(log));
                    Reply::Open(Box::new(screen), Some(Action::ReadLog(log, 0)))
                })
            }
            key => {
                self.menu.key(key, &labels);
                Reply::Stay
            }
        }
    }

    pub(crate) fn draw(&self, frame: &mut Frame<'_>) {
        let area = page(frame, "Logs", KEYS);
        let labels = labels();
        self.menu.draw(&labels, frame, area);
    }
}

/// One log.
#[derive(Debug)]
pub struct LogReader {
    log: Log,
    pager: Pager,
    /// How far it was read; tells whether it has grown.
    mark: u64,
    waiting: bool,
    problem: Option<String>,
}

impl LogReader {
    fn new(log: Log) -> Self {
        Self {
            log,
            pager: Pager::at_end(Vec::new()),
            mark: 0,
            waiting: true,
            problem: None,
        }
    }

    pub(crate) fn key(&mut self, key: Key, context: &Context<'_>) -> Reply {
        let page = usize::from(context.rows.saturating_sub(OTHER_ROWS)).max(1);
        if !self.pager.key(key, page) && matches!(key, Key::Escape | Key::Char('q' | 'Q')) {
            return Reply::Close;
        }
        Reply::Stay
    }

    /// Whoever follows sees what is new.
    pub(crate) fn tick(&mut self) -> Reply {
        if self.waiting || !self.pager.follows() {
            return Reply::Stay;
        }
        self.waiting = true;
        Reply::Act(Action::ReadLog(self.log, self.mark))
    }

    pub(crate) fn outcome(&mut self, outcome: Outcome) -> Result<Reply, Outcome> {
        match outcome {
            Outcome::Log(log, read) if log == self.log => {
                self.waiting = false;
                match read {
                    Ok(None) => {}
                    Ok(Some((text, mark))) => {
                        self.problem = None;
                        self.mark = mark;
                        self.pager
                            .replace(text.lines().map(str::to_owned).collect());
                    }
                    Err(reason) => self.problem = Some(reason),
                }
                Ok(Reply::Stay)
            }
            other => Err(other),
        }
    }

    pub(crate) fn draw(&self, frame: &mut Frame<'_>) {
        let area = page(frame, label(self.log), READ_KEYS);
        let mut rows = 0;
        if let Some(problem) = &self.problem {
            rows = paragraph(frame, area, 0, problem, WARNING).min(area.height);
        }
        let text = Rect {
            y: area.y + rows,
            height: area.height - rows,
            ..area
        };
        self.pager.draw(frame, text);
    }
}
