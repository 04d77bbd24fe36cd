//! Reads a TOML document key by key and collects every fault with its line instead of stopping at the
//! first. Knows the shape of TOML, not which keys there are.

use std::fmt::Display;
use std::ops::Range;
use std::str::FromStr;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::Problem;

/// Everything that reading one document accumulates.
pub(super) struct Reader<'t> {
    text: &'t str,
    pub(super) problems: Vec<Problem>,
}

/// One table of the document; keys that nobody asked for are faults when it is finished.
pub(super) struct Section<'r, 't, 'd> {
    reader: &'r mut Reader<'t>,
    table: &'d DeTable<'t>,
    path: String,
    known: Vec<&'static str>,
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            problems: Vec::new(),
        }
    }

    /// Notes a fault at a byte offset.
    pub(super) fn fault(&mut self, offset: usize, message: String) {
        let line = line_of(self.text, offset);
        self.problems.push(Problem { line, message });
    }

    pub(super) fn section<'r, 'd>(
        &'r mut self,
        table: &'d DeTable<'t>,
        path: &str,
    ) -> Section<'r, 't, 'd> {
        Section {
            reader: self,
            table,
            path: path.to_owned(),
            known: Vec::new(),
        }
    }
}

/// 1-based line of a byte offset.
pub(super) fn line_of(text: &str, offset: usize) -> usize {
    let end = offset.min(text.len());
    1 + text.as_bytes()[..end]
        .iter()
        .filter(|byte| **byte == b'\n')
        .count()
}

impl<'t, 'd> Section<'_, 't, 'd> {
    /// The raw value of a key, and from now on the key counts as known.
    fn value(&mut self, key: &'static str) -> Option<&'d Spanned<DeValue<'t>>> {
        self.known.push(key);
        self.table.get(key)
    }

    /// Whether the document has the key at all.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// The key's name with the tables it lies in.
    pub(super) fn full_name(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    /// Notes a fault of a key's value, at its line.
    pub(super) fn fault(&mut self, key: &'static str, reason: impl Display) {
        let offset = self.table.get(key).map_or(0, |value| value.span().start);
        let name = self.full_name(key);
        self.reader.fault(offset, format!("`{name}` {reason}"));
    }

    /// Notes that a key which is known elsewhere does not belong here, if it is there.
    pub(super) fn refuse(&mut self, key: &'static str, reason: &str) {
        if self.has(key) {
            self.known.push(key);
            self.fault(key, reason);
        }
    }

    /// Notes that a key is missing, at the line of the table's own start if there is one.
    pub(super) fn missing(&mut self, key: &'static str, reason: &str) {
        let name = self.full_name(key);
        let message = format!("`{name}` is missing: {reason}");
        match self.table.iter().map(|(key, _)| key.span().start).min() {
            Some(offset) => self.reader.fault(offset, message),
            None => self.reader.problems.push(Problem { line: 0, message }),
        }
    }

    /// Text that must parse as `T`.
    pub(super) fn parsed<T>(&mut self, key: &'static str) -> Option<T>
    where
        T: FromStr,
        T::Err: Display,
    {
        let value = self.value(key)?;
        let Some(text) = value.get_ref().as_str() else {
            self.fault(key, "must be text in quotes");
            return None;
        };
        text.parse().map_err(|reason| self.fault(key, reason)).ok()
    }

    /// Text as it stands.
    pub(super) fn text(&mut self, key: &'static str) -> Option<&'d str> {
        let value = self.value(key)?;
        let text = value.get_ref().as_str();
        if text.is_none() {
            self.fault(key, "must be text in quotes");
        }
        text
    }

    /// A list of texts that must each parse as `T`, at most `most` of them.
    pub(super) fn list<T>(&mut self, key: &'static str, most: usize) -> Option<Vec<T>>
    where
        T: FromStr,
        T::Err: Display,
    {
        let value = self.value(key)?;
        let Some(array) = value.get_ref().as_array() else {
            self.fault(key, "must be a list of texts in [ ]");
            return None;
        };
        if array.len() > most {
            self.fault(key, format!("must have at most {most} entries"));
            return None;
        }
        let mut items = Vec::with_capacity(array.len());
        for entry in array.iter() {
            match entry.get_ref().as_str().map(str::parse::<T>) {
                Some(Ok(item)) => items.push(item),
                Some(Err(reason)) => self.entry_fault(key, entry, &reason.to_string()),
                None => self.entry_fault(key, entry, "must be text in quotes"),
            }
        }
        (items.len() == array.len()).then_some(items)
    }

    fn entry_fault(&mut self, key: &str, entry: &Spanned<DeValue<'_>>, reason: &str) {
        let name = self.full_name(key);
        self.reader
            .fault(entry.span().start, format!("an entry of `{name}` {reason}"));
    }

    /// `true` or `false`.
    pub(super) fn flag(&mut self, key: &'static str) -> Option<bool> {
        let value = self.value(key)?;
        let flag = value.get_ref().as_bool();
        if flag.is_none() {
            self.fault(key, "must be true or false");
        }
        flag
    }

    /// A whole number that fits `T`.
    pub(super) fn number<T: TryFrom<i64>>(&mut self, key: &'static str) -> Option<T> {
        let value = self.value(key)?;
        let number = value
            .get_ref()
            .as_integer()
            .and_then(|digits| i64::from_str_radix(digits.as_str(), digits.radix()).ok())
            .and_then(|number| T::try_from(number).ok());
        if number.is_none() {
            self.fault(key, "must be a whole number in its range");
        }
        number
    }

    /// Reads a nested table with `read`; `None` when it is absent or not a table.
    pub(super) fn table<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Section<'_, 't, 'd>) -> T,
    ) -> Option<T> {
        let value = self.value(key)?;
        let Some(table) = value.get_ref().as_table() else {
            self.fault(key, "must be a table");
            return None;
        };
        let path = self.full_name(key);
        let mut section = self.reader.section(table, &path);
        let result = read(&mut section);
        section.finish();
        Some(result)
    }

    /// Where `key = value` stands in the text.
    pub(super) fn span(&self, key: &str) -> Option<Range<usize>> {
        let (name, value) = self.table.get_key_value(key)?;
        Some(name.span().start..value.span().end)
    }

    /// Turns every key that nobody asked for into a fault that names the nearest right one.
    pub(super) fn finish(self) {
        for (key, _) in self.table.iter() {
            let name = key.get_ref().as_ref();
            if self.known.contains(&name) {
                continue;
            }
            let place = if self.path.is_empty() {
                String::new()
            } else {
                format!(" in [{}]", self.path)
            };
            let hint = nearest(name, &self.known);
            let shown: String = name.chars().take(40).flat_map(char::escape_debug).collect();
            let message = format!("unknown key `{shown}`{place}{hint}");
            self.reader.fault(key.span().start, message);
        }
    }
}

fn nearest(name: &str, known: &[&'static str]) -> String {
    let scored = known
        .iter()
        .map(|key| (strsim::jaro_winkler(name, key), *key));
    match scored.max_by(|a, b| a.0.total_cmp(&b.0)) {
        Some((score, key)) if score > 0.75 => format!("; did you mean `{key}`?"),
        _ => format!("; known keys: {}", known.join(", ")),
    }
}
