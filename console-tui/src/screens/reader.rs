//! A page of text to read: an answer file, a log.

use ratatui::Frame;

use super::Reply;
use crate::shell::{Pager, page};
use crate::state::Context;
use crate::terminal::Key;

/// Rows of the screen that are not text: title, blank, status, keys.
const OTHER_ROWS: u16 = 4;
const KEYS: &str = "<Esc> Back  <Space/B> Page  </> Search  <N> Next  <F> Follow end  <Arrows>";

/// The page.
#[derive(Debug)]
pub struct Reader {
    title: String,
    pager: Pager,
}

impl Reader {
    /// A text from its start.
    pub(crate) fn new(title: impl Into<String>, text: &str) -> Self {
        Self {
            title: title.into(),
            pager: Pager::new(text.lines().map(str::to_owned).collect()),
        }
    }

    pub(crate) fn key(&mut self, key: Key, context: &Context<'_>) -> Reply {
        let page = usize::from(context.rows.saturating_sub(OTHER_ROWS)).max(1);
        if !self.pager.key(key, page) && matches!(key, Key::Escape | Key::Char('q' | 'Q')) {
            return Reply::Close;
        }
        Reply::Stay
    }

    pub(crate) fn draw(&self, frame: &mut Frame<'_>) {
        let area = page(frame, &self.title, KEYS);
        self.pager.draw(frame, area);
    }
}
