//! The log-in, the power menu and what holds for every screen.

use std::time::Duration;

use qx_console::action::Action;
use qx_console::state::Event;
use qx_console::terminal::Key;
use qx_host::power::PowerAction;

use crate::script::Script;

#[test]
fn power_is_reached_by_f_key_and_letter_and_only_with_the_password() {
    for key in [Key::F(12), Key::Char('p'), Key::Char('P')] {
        let mut script = Script::new();
        assert!(script.key(key).is_none());
        script.log_in("correct horse", true);
        assert!(script.key(Key::Char('r')).is_none());
        assert!(script.key(Key::Enter) == Some(Action::Power(PowerAction::Reboot)));
        // Nothing more can be asked for while init works.
        assert!(script.key(Key::Enter).is_none() && script.key(Key::Escape).is_none());
        assert_eq!(script.state.screen(), Some("leaving"));
    }
}

#[test]
fn no_key_on_the_idle_screen_does_anything_else() {
    let mut script = Script::new();
    let keys = (' '..='~').filter(|c| !"pPcC".contains(*c)).map(Key::Char);
    for key in keys
        .chain([1, 3, 4, 5, 6, 7, 8, 9, 10, 11].map(Key::F))
        .chain([Key::Enter, Key::Escape, Key::Tab])
    {
        assert!(script.key(key).is_none());
        assert_eq!(script.state.screen(), None);
    }
}

#[test]
fn a_wrong_password_slows_down_but_never_locks_out() {
    let mut script = Script::new();
    script.key(Key::F(12));
    for wait in [1, 2, 4, 8, 10, 10, 10] {
        script.log_in("wrong horse", false);
        script.keys("x");
        script.now += Duration::from_secs(wait - 1) + Duration::from_millis(900);
        assert!(
            script.key(Key::Enter).is_none(),
            "sent before {wait} s were over"
        );
        script.key(Key::Backspace);
        script.passes(1);
    }
    script.log_in("correct horse", true);
    assert_eq!(script.state.screen(), Some("power"));
}

#[test]
fn leaving_the_dialogue_does_not_reset_the_wait() {
    let mut script = Script::new();
    script.key(Key::F(12));
    for _ in 0..4 {
        script.log_in("wrong horse", false);
        script.passes(10);
    }
    script.log_in("wrong horse", false);
    script.key(Key::Escape);
    script.key(Key::F(12));
    script.keys("x");
    assert!(
        script.key(Key::Enter).is_none(),
        "a new dialogue forgot the wait"
    );
}

#[test]
fn an_unused_dialogue_closes_and_logs_out() {
    let mut script = Script::new();
    script.key(Key::F(12));
    script.passes(59);
    assert_eq!(script.state.screen(), Some("log in"));
    script.passes(1);
    assert_eq!(script.state.screen(), None);
    script.key(Key::F(12));
    script.log_in("correct horse", true);
    script.passes(60);
    assert_eq!(script.state.screen(), None);
}

#[test]
fn a_late_answer_does_not_open_a_menu_that_was_left() {
    let mut script = Script::new();
    script.key(Key::F(12));
    script.keys("correct horse");
    script.key(Key::Enter);
    script.key(Key::Escape);
    script.state.update(Event::Checked(Ok(true)), script.now);
    assert_eq!(script.state.screen(), None);
}

#[test]
fn an_answer_meant_for_an_earlier_dialogue_does_not_count_for_the_next() {
    let mut script = Script::new();
    script.key(Key::F(12));
    script.keys("correct horse");
    script.key(Key::Enter);
    script.key(Key::Escape);
    script.key(Key::F(12));
    script.state.update(Event::Checked(Ok(true)), script.now);
    assert_eq!(script.state.screen(), Some("log in"));
}

#[test]
fn a_megabyte_of_pasted_text_is_cut() {
    let mut script = Script::new();
    script.key(Key::F(12));
    for _ in 0..1_000_000 {
        script.key(Key::Char('x'));
    }
    assert!(script.key(Key::Enter) == Some(Action::Check("x".repeat(256).into())));
}

#[test]
fn control_l_repaints_and_control_c_ends_from_anywhere() {
    let mut script = Script::new();
    assert!(script.key(Key::Ctrl('l')) == Some(Action::Repaint));
    script.key(Key::F(12));
    assert!(script.key(Key::Ctrl('l')) == Some(Action::Repaint));
    assert!(script.key(Key::Ctrl('c')) == Some(Action::Quit));
}
