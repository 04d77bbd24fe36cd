//! What a browser may be tricked into, and must not get away with.

use qx_api::rest::{Role, Session};

use crate::support::{Daemon, PASSWORD, ask};

#[tokio::test]
async fn a_session_begins_with_a_strict_cookie_and_ends_with_log_out() {
    let daemon = Daemon::start().await;
    let answer = daemon.try_login("root", PASSWORD).await;
    assert_eq!(answer.status, 200);
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("__Host-qx_session="), "{cookie}");
    for attribute in ["; Secure", "; HttpOnly", "; SameSite=Strict", "; Path=/"] {
        assert!(
            cookie.contains(attribute),
            "{attribute} is missing in {cookie}"
        );
    }
    assert!(!cookie.contains("Domain"));
    let login: Session = answer.json();
    assert_eq!((login.username.as_str(), login.role), ("root", Role::Admin));

    let browser = daemon.login().await;
    let whoami = ask("GET", "/api/v1/session").with("cookie", &browser.cookie);
    let session: Session = daemon.send(whoami).await.json();
    assert_eq!(session.csrf_token.as_deref(), Some(browser.csrf.as_str()));

    let leave = ask("DELETE", "/api/v1/session").with("cookie", &browser.cookie);
    assert_eq!(
        daemon
            .send(leave.with("x-csrf-token", &browser.csrf))
            .await
            .status,
        204
    );
    let whoami = ask("GET", "/api/v1/session").with("cookie", &browser.cookie);
    assert_eq!(daemon.send(whoami).await.status, 401);
}

#[tokio::test]
async fn a_cookie_alone_changes_nothing() {
    let daemon = Daemon::start().await;
    let browser = daemon.login().await;
    let other = daemon.login().await;
    let create = || {
        ask("POST", "/api/v1/vms")
            .with("cookie", &browser.cookie)
            .json(r#"{"name":"a"}"#)
    };
    assert_eq!(daemon.send(create()).await.status, 403);
    for wrong in ["", "0", other.csrf.as_str()] {
        assert_eq!(
            daemon
                .send(create().with("x-csrf-token", wrong))
                .await
                .status,
            403,
            "{wrong}"
        );
    }
    assert!(daemon.local().vms().await.unwrap().is_empty());
    assert_eq!(
        daemon
            .send(create().with("x-csrf-token", &browser.csrf))
            .await
            .status,
        201
    );
}

#[tokio::test]
async fn a_page_of_another_site_changes_nothing_even_with_everything_right() {
    let daemon = Daemon::start().await;
    let browser = daemon.login().await;
    let own = daemon.url();
    let create = |origin| {
        ask("POST", "/api/v1/vms")
            .with("cookie", &browser.cookie)
            .with("x-csrf-token", &browser.csrf)
            .with("origin", origin)
            .json(r#"{"name":"a"}"#)
    };
    let sly = format!("{own}.evil.example");
    for origin in ["https://evil.example", "null", "", "http://localhost", &sly] {
        assert_eq!(daemon.send(create(origin)).await.status, 403, "{origin}");
    }
    assert!(daemon.local().vms().await.unwrap().is_empty());
    assert_eq!(daemon.send(create(&own)).await.status, 201);
}

#[tokio::test]
async fn another_sites_page_cant_log_in_for_somebody() {
    let daemon = Daemon::start().await;
    let body = format!(r#"{{"username":"root","password":"{PASSWORD}"}}"#);
    let request = ask("POST", "/api/v1/session")
        .with("origin", "https://evil.example")
        .json(body);
    assert_eq!(daemon.send(request).await.status, 403);
}

#[tokio::test]
async fn guessing_passwords_is_slow_and_never_locks_the_host_itself_out() {
    let daemon = Daemon::start().await;
    for _ in 0..5 {
        let answer = daemon.try_login("root", "wrong").await;
        assert_eq!(answer.status, 401);
        assert!(
            answer
                .problem()
                .detail
                .contains("user name or password is wrong")
        );
    }
    let answer = daemon.try_login("root", PASSWORD).await;
    assert_eq!(
        answer.status, 429,
        "the right password was accepted while locked"
    );
    let wait: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=13).contains(&wait), "{wait}");
    answer.problem();
    let body = format!(r#"{{"username":"root","password":"{PASSWORD}"}}"#);
    let local = daemon
        .send_local(ask("POST", "/api/v1/session").json(body))
        .await;
    assert_eq!(local.status, 200);
    assert!(daemon.local().vms().await.is_ok());
}

#[tokio::test]
async fn an_unknown_user_is_told_the_same_as_one_with_a_wrong_password() {
    let daemon = Daemon::start().await;
    let unknown = daemon.try_login("alice", PASSWORD).await;
    let wrong = daemon.try_login("root", "x").await;
    assert_eq!((unknown.status, wrong.status), (401, 401));
    assert_eq!(unknown.problem().detail, wrong.problem().detail);
}

#[tokio::test]
async fn a_host_whose_passwords_cant_be_checked_says_so() {
    let daemon = Daemon::start().await;
    std::fs::remove_file(daemon.files.path().join("shadow")).unwrap();
    let answer = daemon.try_login("root", PASSWORD).await;
    assert_eq!(answer.status, 503);
    assert!(
        !answer.problem().detail.contains("shadow"),
        "told where passwords are"
    );
}

#[tokio::test]
async fn every_answer_carries_the_headers_that_keep_browsers_safe() {
    let daemon = Daemon::start().await;
    for path in [
        "/healthz",
        "/",
        "/api/v1/vms",
        "/api/v1/openapi.json",
        "/nothing",
    ] {
        let answer = daemon.send(ask("GET", path)).await;
        let policy = answer.header("content-security-policy");
        let scripts = policy
            .split(';')
            .find(|part| part.trim().starts_with("script-src"))
            .unwrap();
        assert_eq!(scripts.trim(), "script-src 'self'");
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(answer.header("x-request-id").len(), 32, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "", "{path}");
    }
}
