//! A serial line as plain lines for a log: text that scrolls is passed on without its escape sequences; a
//! program that draws a full screen is written down as the lines that changed, once they hold still.

use crate::serial::{SCREEN, Stripper};

/// See the module.
pub(super) struct Transcript {
    terminal: vt100::Parser,
    stripper: Stripper,
    written: Vec<String>,
    changed: bool,
}

impl Default for Transcript {
    fn default() -> Self {
        let (rows, columns) = SCREEN;
        Self {
            terminal: vt100::Parser::new(rows, columns, 0),
            stripper: Stripper::default(),
            written: Vec::new(),
            changed: false,
        }
    }
}

impl Transcript {
    /// Takes what came and returns what can be written down at once.
    pub(super) fn take(&mut self, bytes: &[u8]) -> String {
        let drawn = self.draws();
        self.terminal.process(bytes);
        let mut text = String::new();
        self.stripper.strip(bytes, &mut text);
        if drawn || self.draws() {
            self.changed = true;
            return String::new();
        }
        text
    }

    /// The lines of the screen that changed since the last call, if a full-screen program runs.
    pub(super) fn settle(&mut self) -> String {
        if !std::mem::take(&mut self.changed) {
            return String::new();
        }
        let screen = self.terminal.screen().contents();
        let lines: Vec<String> = screen
            .lines()
            .map(|line| line.trim_end().to_owned())
            .collect();
        let mut text = String::new();
        for line in lines
            .iter()
            .filter(|line| !line.is_empty() && !self.written.contains(line))
        {
            text.push_str(line);
            text.push('\n');
        }
        self.written = lines;
        text
    }

    fn draws(&self) -> bool {
        let screen = self.terminal.screen();
        screen.alternate_screen() || screen.hide_cursor()
    }
}

/// The one-time password on a console's screen: four groups of four lower-case letters and digits.
pub fn one_time_password(screen: &str) -> Option<String> {
    screen
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
        .find(|word| {
            let groups: Vec<&str> = word.split('-').collect();
            let fits = |group: &&str| {
                group.len() == 4
                    && group
                        .bytes()
                        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
            };
            groups.len() == 4 && groups.iter().all(fits)
        })
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_passes_and_screens_are_written_down_once_they_settle() {
        let mut transcript = Transcript::default();
        assert_eq!(transcript.take(b"\x1b[1mhello\x1b[0m\r\n"), "hello\n");
        assert_eq!(
            transcript.take(b"\x1b[?1049h\x1b[2J\x1b[3;5HQuantix-OS"),
            ""
        );
        assert_eq!(transcript.settle(), "    Quantix-OS\n");
        assert_eq!(transcript.settle(), "");
        transcript.take(b"\x1b[4;5Huptime 1");
        assert_eq!(transcript.settle(), "    uptime 1\n");
    }

    #[test]
    fn finds_the_one_time_password_among_other_words() {
        let screen = "| build 0123-4567 | password: ab3d-efgh-jk2m-n4pq |";
        assert_eq!(
            one_time_password(screen).as_deref(),
            Some("ab3d-efgh-jk2m-n4pq")
        );
        assert_eq!(
            one_time_password("550e8400-e29b-41d4-a716-446655440000"),
            None
        );
    }
}
