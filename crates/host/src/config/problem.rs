//! What is wrong with a configuration, in words that a person can act on.

use std::fmt;

/// One fault of a configuration file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Problem {
    /// 1-based line; 0 when the fault is in no line (something is missing).
    pub line: usize,
    /// What is wrong and what would be right; names the key.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}: ", self.line)?;
        }
        f.write_str(&self.message)
    }
}
