//! The escape key of an interactive console: Ctrl-A and a letter, as QEMU's own console has it.

const ESCAPE: u8 = 0x01;

/// Shown by Ctrl-A H.
pub(super) const HELP: &str = "\r\n  Ctrl-A X  turn the machine off and leave\r\n  Ctrl-A A  send Ctrl-A\r\n  Ctrl-A H  this help\r\n";

/// What typed bytes ask for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Pass these on to the machine (may be empty).
    Send(Vec<u8>),
    /// Turn the machine off.
    Leave,
    /// Show the help.
    Help,
}

/// Remembers a Ctrl-A whose letter is still to come.
#[derive(Default)]
pub(super) struct Keys {
    escaped: bool,
}

impl Keys {
    /// Takes what was typed. Bytes after a Leave or Help in one piece are dropped.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Action {
        let mut send = Vec::with_capacity(bytes.len());
        for &byte in bytes {
            if std::mem::take(&mut self.escaped) {
                match byte {
                    b'x' | b'X' => return Action::Leave,
                    b'h' | b'H' => return Action::Help,
                    b'a' | b'A' | ESCAPE => send.push(ESCAPE),
                    other => send.extend([ESCAPE, other]),
                }
            } else if byte == ESCAPE {
                self.escaped = true;
            } else {
                send.push(byte);
            }
        }
        Action::Send(send)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_escape_works_across_reads_and_can_be_sent_itself() {
        let mut keys = Keys::default();
        assert_eq!(keys.feed(b"ab\x01"), Action::Send(b"ab".into()));
        assert_eq!(keys.feed(b"ac"), Action::Send(b"\x01c".into()));
        assert_eq!(keys.feed(b"\x01h"), Action::Help);
        assert_eq!(keys.feed(b"\x01x"), Action::Leave);
    }
}
