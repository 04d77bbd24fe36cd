//! What may be changed of whom. Pure.

use qx_model::access::Role;

use super::User;
use crate::error::{Error, Result};

/// What is to become of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outcome {
    /// `None`: no longer there.
    pub(super) role: Option<Role>,
    pub(super) disabled: bool,
}

impl Outcome {
    pub(super) const GONE: Self = Self {
        role: None,
        disabled: false,
    };

    fn is_admin(self) -> bool {
        self.role == Some(Role::Admin) && !self.disabled
    }
}

/// Whether `user` may become so. `by` is the account of who asks, `others` are all other users, `root` tells
/// whether root can log in.
pub(super) fn check<'a>(
    user: &User,
    outcome: Outcome,
    by: &str,
    mut others: impl Iterator<Item = &'a User>,
    root: bool,
) -> Result<()> {
    let now = Outcome {
        role: Some(user.role),
        disabled: user.disabled,
    };
    let loses = outcome.disabled && !now.disabled || outcome.role < now.role;
    if loses && by == user.name.as_str() {
        return Err(Error::Conflict {
            reason: "nobody takes their own account or role away".into(),
            hint: "another administrator, or root, can".into(),
        });
    }
    let left = outcome.is_admin()
        || root
        || others.any(|other| other.role == Role::Admin && !other.disabled);
    if now.is_admin() && !left {
        return Err(Error::Conflict {
            reason: format!(
                "{} is the last administrator who can log in: root has no password",
                user.name
            ),
            hint: "make another administrator first".into(),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn user(name: &str, role: Role, disabled: bool) -> User {
        User {
            name: name.parse().unwrap(),
            role,
            disabled,
            created_by: "root".into(),
            created_at: Timestamp::UNIX_EPOCH,
            password_changed_at: Timestamp::UNIX_EPOCH,
            last_login_at: None,
            revision: 1,
        }
    }

    const fn to(role: Role, disabled: bool) -> Outcome {
        Outcome {
            role: Some(role),
            disabled,
        }
    }

    #[test]
    fn the_last_administrator_stays_one_while_root_can_t_log_in() {
        let last = user("a", Role::Admin, false);
        let others = [
            user("b", Role::Operator, false),
            user("c", Role::Admin, true),
        ];
        let bad = [
            Outcome::GONE,
            to(Role::Operator, false),
            to(Role::Admin, true),
        ];
        for outcome in bad {
            assert!(check(&last, outcome, "root", others.iter(), false).is_err());
            assert!(check(&last, outcome, "root", others.iter(), true).is_ok());
            let admin = user("d", Role::Admin, false);
            let others = others.iter().chain([&admin]);
            assert!(check(&last, outcome, "root", others, false).is_ok());
        }
        let kept = to(Role::Admin, false);
        assert!(check(&last, kept, "root", others.iter(), false).is_ok());
        let disabled = user("c", Role::Admin, true);
        assert!(check(&disabled, Outcome::GONE, "root", others.iter(), false).is_ok());
    }

    #[test]
    fn nobody_takes_their_own_role_away_but_may_keep_it() {
        let own = user("a", Role::Admin, false);
        for outcome in [
            Outcome::GONE,
            to(Role::Viewer, false),
            to(Role::Admin, true),
        ] {
            assert!(check(&own, outcome, "a", [].iter(), true).is_err());
        }
        assert!(check(&own, to(Role::Admin, false), "a", [].iter(), true).is_ok());
    }
}
