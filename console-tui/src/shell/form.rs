//! A form: fields with a focus, and what a form model adds to it. Pure.
//!
//! Tab, arrows and Shift-Tab move between fields; Space and the arrows change what is not text; Enter takes
//! the whole form from wherever the focus is; Escape leaves it.

use std::collections::BTreeSet;

use super::Text;
use crate::terminal::Key;

/// What is wrong with which field, in words that say what would be right.
pub type Problems<K> = Vec<(K, String)>;

/// One field of a form whose fields are named by `K`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field<K> {
    /// Its name.
    pub key: K,
    /// What stands before it.
    pub label: String,
    /// What stands in the help line while it has the focus.
    pub help: &'static str,
    /// What is entered.
    pub input: Input,
    /// Whether it is shown at all; a hidden one keeps its value.
    pub visible: bool,
    /// What is wrong with it.
    pub problem: Option<String>,
}

/// What a field takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A line of text.
    Text(Text),
    /// A line of text that is shown as stars.
    Secret(Text),
    /// One of several.
    Choice {
        /// In words.
        options: Vec<String>,
        /// Which one.
        at: usize,
    },
    /// Yes or no.
    Flag(bool),
}

impl<K> Field<K> {
    /// A field with a label and a line of help.
    pub fn new(key: K, label: impl Into<String>, help: &'static str, input: Input) -> Self {
        Self {
            key,
            label: label.into(),
            help,
            input,
            visible: true,
            problem: None,
        }
    }
}

/// What a key did to a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Used {
    /// A value may have changed.
    Edited,
    /// Nothing but the focus.
    Moved,
    /// The form is to be taken.
    Submit,
    /// The form is to be left.
    Leave,
    /// Nothing.
    Ignored,
}

/// Fields with a focus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form<K> {
    fields: Vec<Field<K>>,
    focus: usize,
}

impl<K: Copy + Eq + Ord> Form<K> {
    /// A form with the focus on its first field.
    #[must_use]
    pub const fn new(fields: Vec<Field<K>>) -> Self {
        Self { fields, focus: 0 }
    }

    /// Takes a key.
    pub fn key(&mut self, key: Key) -> Used {
        match key {
            Key::Enter => return Used::Submit,
            Key::Escape => return Used::Leave,
            Key::Tab | Key::Down => return self.step(true),
            Key::BackTab | Key::Up => return self.step(false),
            _ => {}
        }
        let Some(field) = self.fields.get_mut(self.focus) else {
            return Used::Ignored;
        };
        let edited = match &mut field.input {
            Input::Text(text) | Input::Secret(text) => text.key(key),
            Input::Choice { options, at } => turn(options.len(), at, key),
            Input::Flag(on) => {
                let toggles = matches!(key, Key::Char(' ') | Key::Left | Key::Right);
                *on ^= toggles;
                toggles
            }
        };
        if edited {
            field.problem = None;
            Used::Edited
        } else {
            Used::Ignored
        }
    }

    fn step(&mut self, forward: bool) -> Used {
        let count = self.fields.len();
        let mut at = self.focus;
        for _ in 0..count {
            at = (at + if forward { 1 } else { count - 1 }) % count;
            if self.fields.get(at).is_some_and(|field| field.visible) {
                self.focus = at;
                break;
            }
        }
        Used::Moved
    }

    /// The fields that are shown, with the number of the one that has the focus among them.
    #[must_use]
    pub fn shown(&self) -> (Vec<&Field<K>>, usize) {
        let before = self.fields.iter().take(self.focus);
        let focus = before.filter(|field| field.visible).count();
        let shown = self.fields.iter().filter(|field| field.visible);
        (shown.collect(), focus)
    }

    /// The field that has the focus.
    #[must_use]
    pub fn focused(&self) -> Option<&Field<K>> {
        self.fields.get(self.focus)
    }

    /// What was typed into a field, without blanks around it; empty for others.
    #[must_use]
    pub fn text(&self, key: K) -> String {
        match self.input(key) {
            Some(Input::Text(text)) => text.value().trim().to_owned(),
            // Blanks are part of a password.
            Some(Input::Secret(text)) => text.value(),
            _ => String::new(),
        }
    }

    /// Which option is chosen; 0 for fields of other kinds.
    #[must_use]
    pub fn choice(&self, key: K) -> usize {
        match self.input(key) {
            Some(Input::Choice { at, .. }) => *at,
            _ => 0,
        }
    }

    /// Whether a field says yes.
    #[must_use]
    pub fn flag(&self, key: K) -> bool {
        matches!(self.input(key), Some(Input::Flag(true)))
    }

    fn input(&self, key: K) -> Option<&Input> {
        let mut fields = self.fields.iter();
        fields.find(|f| f.key == key).map(|field| &field.input)
    }

    /// Replaces what is in a field.
    pub fn set(&mut self, key: K, input: Input) {
        if let Some(field) = self.fields.iter_mut().find(|f| f.key == key) {
            field.input = input;
        }
    }

    /// Shows or hides a field.
    pub fn show(&mut self, key: K, visible: bool) {
        if let Some(field) = self.fields.iter_mut().find(|f| f.key == key) {
            field.visible = visible;
        }
    }

    /// Adds a field at the end.
    pub fn push(&mut self, field: Field<K>) {
        self.fields.push(field);
    }

    /// Shows what is wrong, and gives the first such field the focus.
    pub fn complain(&mut self, problems: Problems<K>) {
        let wrong: BTreeSet<K> = problems.iter().map(|(key, _)| *key).collect();
        for field in &mut self.fields {
            field.problem = None;
        }
        for (key, reason) in problems {
            if let Some(field) = self.fields.iter_mut().find(|f| f.key == key) {
                field.problem.get_or_insert(reason);
            }
        }
        let first = self.fields.iter().position(|f| wrong.contains(&f.key));
        self.focus = first.unwrap_or(self.focus);
    }
}

/// Turns a choice by a key; says whether it did.
fn turn(count: usize, at: &mut usize, key: Key) -> bool {
    let count = count.max(1);
    match key {
        Key::Right | Key::Char(' ') => *at = (*at + 1) % count,
        Key::Left => *at = (*at + count - 1) % count,
        _ => return false,
    }
    true
}

/// A form that stands for a value.
pub trait Model {
    /// Names of its fields.
    type Key: Copy + Eq + Ord;
    /// What it stands for.
    type Value;

    /// The form.
    fn form(&self) -> &Form<Self::Key>;

    /// The form.
    fn form_mut(&mut self) -> &mut Form<Self::Key>;

    /// The value.
    ///
    /// # Errors
    /// What is wrong with each field.
    fn value(&self) -> Result<Self::Value, Problems<Self::Key>>;

    /// Shows and hides fields by what others say; after every change.
    fn revise(&mut self) {}

    /// Takes a key. A submitted form is only told to be so if its value is right; else it shows what is not.
    fn key(&mut self, key: Key) -> Used {
        let used = self.form_mut().key(key);
        match used {
            Used::Edited => self.revise(),
            Used::Submit => {
                if let Err(problems) = self.value() {
                    self.form_mut().complain(problems);
                    return Used::Moved;
                }
                self.form_mut().complain(Vec::new());
            }
            Used::Moved | Used::Leave | Used::Ignored => {}
        }
        used
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> Form<u8> {
        let text = |value: &str| Input::Text(Text::new(value, 10));
        Form::new(vec![
            Field::new(0, "Name", "", text("a")),
            Field::new(1, "On", "", Input::Flag(false)),
            Field::new(
                2,
                "Which",
                "",
                Input::Choice {
                    options: vec!["x".into(), "y".into()],
                    at: 0,
                },
            ),
        ])
    }

    #[test]
    fn the_focus_goes_round_and_passes_over_hidden_fields() {
        let mut form = form();
        form.show(1, false);
        form.key(Key::Tab);
        assert_eq!(form.focused().unwrap().key, 2);
        assert_eq!(form.shown().1, 1);
        form.key(Key::Down);
        assert_eq!(form.focused().unwrap().key, 0);
        form.key(Key::BackTab);
        assert_eq!(form.focused().unwrap().key, 2);
        assert_eq!(form.key(Key::Char(' ')), Used::Edited);
        assert_eq!(form.choice(2), 1);
        assert_eq!(form.key(Key::Right), Used::Edited);
        assert_eq!(form.choice(2), 0);
    }

    #[test]
    fn the_first_problem_of_a_field_is_shown_until_it_is_edited() {
        let mut form = form();
        form.complain(vec![(1, "one".into()), (1, "two".into())]);
        let focused = form.focused().unwrap();
        assert_eq!((focused.key, focused.problem.as_deref()), (1, Some("one")));
        assert_eq!(form.key(Key::Char(' ')), Used::Edited);
        assert!(form.flag(1) && form.focused().unwrap().problem.is_none());
    }
}
