//! What of a request goes through when its maker is shut out while it runs, and what a token may make.

use std::time::Duration;

use qx_engine::users::Change;
use qx_engine::{Error, Identity};
use qx_model::access::Role;
use qx_model::name::UserName;

use crate::Bench;

const SECRET: &str = "correct horse";
const OTHER: &str = "battery staple";

fn name(text: &str) -> UserName {
    text.parse().unwrap()
}

/// Makes an administrator and logs them in.
async fn anna(bench: &Bench) -> (String, Identity) {
    // root can log in, so that she is not the last one.
    std::fs::write(bench.data.path().join("shadow"), "root:$6$a$b:1::::::\n").unwrap();
    let (users, root) = (&bench.engine.users, Identity::local_root());
    let made = users.create(&root, name("anna"), SECRET.into(), Role::Admin);
    made.await.unwrap();
    let login = bench.engine.auth.login("anna", SECRET.into(), None);
    login.await.unwrap()
}

async fn change(bench: &Bench, change: Change) {
    let (users, root) = (&bench.engine.users, Identity::local_root());
    let anna = name("anna");
    let changed = users.update(&root, &anna, None, change);
    changed.await.unwrap();
}

fn ended<T>(result: Result<T, Error>) -> bool {
    matches!(result, Err(Error::Conflict { reason, .. }) if reason.contains("has ended"))
}

#[tokio::test]
async fn a_request_whose_session_ended_meanwhile_makes_nothing_that_stays() {
    let bench = Bench::new().await;
    let (cookie, anna) = anna(&bench).await;
    let demoted = Change {
        role: Some(Role::Viewer),
        ..Change::default()
    };
    change(&bench, demoted).await;
    // It was authorised before that, as an administrator still.
    let (users, tokens) = (&bench.engine.users, &bench.engine.tokens);
    let door = users.create(&anna, name("door"), SECRET.into(), Role::Admin);
    assert!(ended(door.await));
    let raised = Change {
        role: Some(Role::Admin),
        ..Change::default()
    };
    assert!(ended(
        users.update(&anna, &name("anna"), None, raised).await
    ));
    assert!(ended(users.delete(&anna, &name("anna")).await));
    assert!(ended(
        tokens.create(&anna, "t".into(), Role::Viewer, None).await
    ));
    assert!(
        tokens
            .list(&Identity::local_root(), None, 9)
            .unwrap()
            .0
            .is_empty()
    );
    let auth = &bench.engine.auth;
    let own = auth.change_password(&anna, SECRET.into(), OTHER.into(), Some(&cookie), None);
    assert!(ended(own.await));
    auth.login("anna", SECRET.into(), None).await.unwrap();
    let left = users
        .list(&Identity::local_root().actor, None, 9)
        .unwrap()
        .0;
    assert_eq!((left.len(), left[0].role), (1, Role::Viewer));
}

#[tokio::test]
async fn an_administrators_new_password_is_not_overwritten_by_a_users_own_change() {
    let bench = Bench::new().await;
    let (cookie, anna) = anna(&bench).await;
    let reset = Change {
        password: Some(OTHER.into()),
        ..Change::default()
    };
    let auth = &bench.engine.auth;
    let own = auth.change_password(
        &anna,
        SECRET.into(),
        "my own choice".into(),
        Some(&cookie),
        None,
    );
    // Both at once: whichever comes first, the reset is what holds.
    let (own, ()) = tokio::join!(own, change(&bench, reset));
    if let Err(error) = own {
        let text = error.to_string();
        assert!(
            text.contains("ended") || text.contains("current_password"),
            "{text}"
        );
    }
    assert!(auth.by_cookie(&cookie, None).is_none());
    auth.login("anna", OTHER.into(), None).await.unwrap();
    assert!(
        auth.login("anna", "my own choice".into(), None)
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_token_makes_no_token_beyond_itself_and_sees_none_above_it() {
    let bench = Bench::new().await;
    let tokens = &bench.engine.tokens;
    let root = Identity::local_root();
    let hour = Some(Duration::from_secs(3600));
    let (weak, secret) = tokens
        .create(&root, "weak".into(), Role::Operator, hour)
        .await
        .unwrap();
    let strong = tokens.create(&root, "strong".into(), Role::Admin, None);
    let (strong, _) = strong.await.unwrap();
    let by = bench.engine.auth.by_token(&secret, None).unwrap();
    for (role, life, field) in [
        (Role::Operator, None, "expires_in_s"),
        (Role::Operator, hour, "expires_in_s"),
        (Role::Admin, Some(Duration::from_secs(60)), "role"),
    ] {
        let refused = tokens.create(&by, "child".into(), role, life).await;
        let Err(Error::Invalid(fields)) = refused else {
            panic!("a token for {role:?} and {life:?}")
        };
        assert_eq!(fields[0].field, field);
    }
    let minute = Some(Duration::from_secs(60));
    let child = tokens.create(
        &by,
        "child".into(),
        Role::Operator,
        minute.map(|life| 2 * life),
    );
    let (child, secret) = child.await.unwrap();
    assert!(child.expires_at <= weak.expires_at);
    let mut seen: Vec<String> = tokens
        .list(&by, None, 9)
        .unwrap()
        .0
        .into_iter()
        .map(|t| t.name)
        .collect();
    seen.sort();
    assert_eq!(seen, ["child", "weak"]);
    assert!(matches!(
        tokens.delete(&by, strong.id).await,
        Err(Error::NotFound { .. })
    ));
    assert_eq!(tokens.list(&root, None, 9).unwrap().0.len(), 3);
    // One that was revoked during its request leaves none behind either.
    let by = bench.engine.auth.by_token(&secret, None).unwrap();
    tokens.delete(&root, child.id).await.unwrap();
    assert!(ended(
        tokens
            .create(&by, "late".into(), Role::Viewer, minute)
            .await
    ));
    assert_eq!(tokens.list(&root, None, 9).unwrap().0.len(), 2);
}

#[tokio::test]
async fn one_user_does_not_use_up_the_tokens_of_all() {
    let bench = Bench::new().await;
    let (_, anna) = anna(&bench).await;
    let tokens = &bench.engine.tokens;
    for n in 0..100 {
        let made = tokens.create(&anna, n.to_string(), Role::Viewer, None);
        made.await.unwrap();
    }
    let more = tokens
        .create(&anna, "more".into(), Role::Viewer, None)
        .await;
    assert!(matches!(more, Err(Error::Conflict { reason, .. }) if reason.contains("of your own")));
    let root = Identity::local_root();
    tokens
        .create(&root, "of root".into(), Role::Viewer, None)
        .await
        .unwrap();
}

#[tokio::test]
async fn guesses_at_ones_own_password_count_as_failed_log_ins() {
    let bench = Bench::new().await;
    let (cookie, anna) = anna(&bench).await;
    let auth = &bench.engine.auth;
    let from = Some("192.0.2.1".parse().unwrap());
    let guess = |current: &str| {
        auth.change_password(&anna, current.into(), OTHER.into(), Some(&cookie), from)
    };
    // Debts are paid by the clock: on a slow machine more than five guesses fit.
    let mut guesses = 0;
    loop {
        guesses += 1;
        assert!(guesses < 100, "never limited");
        match guess("wrong").await {
            Err(Error::Invalid(_)) => {}
            Err(Error::TooMany { .. }) => {
                if auth.login("anna", SECRET.into(), from).await.is_err() {
                    break;
                }
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(guesses > 5);
    auth.login("anna", SECRET.into(), None).await.unwrap();
}

#[tokio::test]
async fn a_change_whose_asker_goes_away_half_way_is_whole_or_not_at_all() {
    let bench = Bench::new().await;
    let (cookie, _) = anna(&bench).await;
    let (users, root) = (&bench.engine.users, Identity::local_root());
    let anna = name("anna");
    let mut gone = 0;
    // Given up after one more step each time, until it gets through.
    for steps in 1.. {
        let disable = Change {
            disabled: Some(true),
            ..Change::default()
        };
        let mut asking = Box::pin(users.update(&root, &anna, None, disable));
        let mut done = false;
        for _ in 0..steps {
            done = futures_util::poll!(asking.as_mut()).is_ready();
            if done {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(asking);
        // Whoever asks next waits for what is still under way.
        let after = users.update(&root, &anna, None, Change::default());
        let after = after.await.unwrap();
        let there = bench.engine.auth.by_cookie(&cookie, None).is_some();
        assert_eq!(there, !after.disabled, "given up after {steps} steps");
        if after.disabled {
            gone += usize::from(!done);
            break;
        }
    }
    assert_eq!(gone, 1, "it was done before anybody went away");
}
