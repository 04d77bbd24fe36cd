//! The network test: a line for each step, as it is done.

use qx_host::network_test::Line as Step;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::Reply;
use crate::action::{Action, Outcome};
use crate::shell::{BODY, STRONG, WARNING, page, paragraph, put};
use crate::terminal::Key;

/// Columns of the names of the steps.
const NAME: usize = 16;
/// Where what was found begins.
const FOUND: u16 = 24;

/// The page.
#[derive(Debug, Default)]
pub struct NetworkTest {
    steps: Vec<Step>,
    over: bool,
}

impl NetworkTest {
    pub(crate) fn key(&mut self, key: Key) -> Reply {
        match key {
            Key::Escape => Reply::Close,
            Key::F(5) | Key::Char('r' | 'R') if self.over => {
                *self = Self::default();
                Reply::Act(Action::TestNetwork)
            }
            _ => Reply::Stay,
        }
    }

    pub(crate) fn outcome(&mut self, outcome: Outcome) -> Result<Reply, Outcome> {
        match outcome {
            Outcome::Tested(Some(step)) => self.steps.push(step),
            Outcome::Tested(None) => self.over = true,
            other => return Err(other),
        }
        Ok(Reply::Stay)
    }

    pub(crate) fn draw(&self, frame: &mut Frame<'_>) {
        let keys = if self.over {
            "<Esc> Back  <F5/R> Test again"
        } else {
            "<Esc> Back"
        };
        let area = page(frame, "Network test", keys);
        let mut row = 0;
        for step in &self.steps {
            let (mark, text, style) = match &step.outcome {
                Ok(text) => ("OK", text, BODY),
                Err(text) => ("FAILED", text, WARNING),
            };
            let head = format!("{:<NAME$}{mark}", step.what);
            put(frame, area, row, Line::styled(head, style));
            let found = Rect {
                x: area.x + FOUND.min(area.width),
                width: area.width.saturating_sub(FOUND),
                ..area
            };
            row = paragraph(frame, found, row, text, style).max(row + 1);
        }
        let failed = self.steps.iter().filter(|step| step.outcome.is_err());
        let text = match (self.over, failed.count()) {
            (false, _) => "Testing ...",
            (true, 0) => "Everything works.",
            (true, _) => {
                "Something does not work. The first line that failed is the one to look at."
            }
        };
        put(frame, area, row + 1, Line::styled(text, STRONG));
    }
}
