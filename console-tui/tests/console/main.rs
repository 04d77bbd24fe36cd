//! The console without a terminal: pictures of every screen, flows of keys, models of forms.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod customise;
mod fixtures;
mod flows;
mod forms;
mod manual;
mod screens;
mod script;
mod wizard;
