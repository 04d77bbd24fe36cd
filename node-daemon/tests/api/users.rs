//! Users beside root: what they may do, and that it ends when it must.

use qx_api::rest::{Role, TokenCreate, User, UserCreate, UserPatch};

use crate::support::{Answer, Browser, Daemon, PASSWORD, ask};

const SECRET: &str = "correct horse";

pub(crate) async fn made(daemon: &Daemon, name: &str, role: Role) -> User {
    let wish = UserCreate {
        name: name.into(),
        password: SECRET.into(),
        role,
    };
    daemon.local().create_user(&wish).await.unwrap()
}

pub(crate) async fn login(daemon: &Daemon, name: &str) -> Browser {
    let answer = daemon.try_login(name, SECRET).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let cookie = answer.header("set-cookie").split(';').next().unwrap();
    Browser {
        cookie: cookie.to_owned(),
        csrf: answer.json::<qx_api::rest::Session>().csrf_token.unwrap(),
    }
}

async fn as_browser(
    daemon: &Daemon,
    browser: &Browser,
    method: &str,
    path: &str,
    body: &str,
) -> Answer {
    let request = ask(method, path)
        .with("cookie", &browser.cookie)
        .with("x-csrf-token", &browser.csrf);
    daemon.send(request.json(body.to_owned())).await
}

async fn is_in(daemon: &Daemon, browser: &Browser) -> bool {
    let asked = ask("GET", "/api/v1/session").with("cookie", &browser.cookie);
    daemon.send(asked).await.status == 200
}

fn patch(body: serde_json::Value) -> UserPatch {
    serde_json::from_value(body).unwrap()
}

#[tokio::test]
async fn a_user_logs_in_with_their_role_and_outlives_a_restart() {
    let daemon = Daemon::start().await;
    made(&daemon, "vera", Role::Viewer).await;
    let vera = login(&daemon, "vera").await;
    let read = as_browser(&daemon, &vera, "GET", "/api/v1/vms", "").await;
    assert_eq!(read.status, 200);
    let write = as_browser(&daemon, &vera, "POST", "/api/v1/vms", r#"{"name":"a"}"#).await;
    assert_eq!(write.status, 403);
    let users = as_browser(&daemon, &vera, "GET", "/api/v1/users", "").await;
    assert_eq!(users.status, 403);
    let wrong = daemon.try_login("vera", PASSWORD).await;
    let nobody = daemon.try_login("nobody", SECRET).await;
    assert_eq!((wrong.status, nobody.status), (401, 401));
    assert_eq!(wrong.problem().detail, nobody.problem().detail);
    let (node, files) = (daemon.node, daemon.files);
    node.stop().await.unwrap();
    for file in ["data/quantix.db", "data/quantix.db-wal"] {
        let content = std::fs::read(files.path().join(file)).unwrap_or_default();
        let secret = SECRET.as_bytes();
        assert!(!content.windows(secret.len()).any(|part| part == secret));
    }
    let daemon = Daemon::again(files).await;
    login(&daemon, "vera").await;
    let found = daemon.local().users().await.unwrap();
    assert!(
        found[0].last_login_at.is_some() && found.len() == 1,
        "{found:?}"
    );
}

#[tokio::test]
async fn sessions_streams_and_tokens_end_with_what_a_user_may_do() {
    let daemon = Daemon::start().await;
    made(&daemon, "otto", Role::Operator).await;
    let otto = login(&daemon, "otto").await;
    let wish = r#"{"name":"ci","role":"operator"}"#;
    let token = as_browser(&daemon, &otto, "POST", "/api/v1/tokens", wish).await;
    let token = token.json::<qx_api::rest::TokenSecret>().token;
    let client = daemon.remote(&token);
    client.create_vm(&crate::support::wish("a")).await.unwrap();
    let mut events = client.events(None).await.unwrap();

    let viewer = patch(serde_json::json!({ "role": "viewer" }));
    daemon.local().change_user("otto", &viewer).await.unwrap();
    assert!(!is_in(&daemon, &otto).await, "the session lives on");
    let ended = tokio::time::timeout(std::time::Duration::from_secs(20), events.next());
    assert!(matches!(ended.await.unwrap(), Ok(None) | Err(_)));
    // The token never does more than its owner.
    assert!(client.vms().await.is_ok());
    assert!(client.create_vm(&crate::support::wish("b")).await.is_err());

    let otto = login(&daemon, "otto").await;
    let off = patch(serde_json::json!({ "disabled": true }));
    daemon.local().change_user("otto", &off).await.unwrap();
    assert!(!is_in(&daemon, &otto).await);
    assert!(client.vms().await.is_err(), "a disabled user's token works");
    assert_eq!(daemon.try_login("otto", SECRET).await.status, 401);

    let on = patch(serde_json::json!({ "disabled": false }));
    daemon.local().change_user("otto", &on).await.unwrap();
    assert!(client.vms().await.is_ok());
    daemon.local().delete_user("otto").await.unwrap();
    assert!(client.vms().await.is_err());
    assert!(daemon.local().tokens().await.unwrap().is_empty());
    // A later user of that name gets none of it.
    made(&daemon, "otto", Role::Admin).await;
    assert!(client.vms().await.is_err());
}

#[tokio::test]
async fn a_token_is_not_above_its_maker_and_others_tokens_are_not_seen() {
    let daemon = Daemon::start().await;
    for (name, role) in [("vera", Role::Viewer), ("otto", Role::Operator)] {
        made(&daemon, name, role).await;
    }
    let (vera, otto) = (login(&daemon, "vera").await, login(&daemon, "otto").await);
    let above = r#"{"name":"t","role":"operator"}"#;
    let refused = as_browser(&daemon, &vera, "POST", "/api/v1/tokens", above).await;
    assert_eq!(refused.status, 422);
    assert_eq!(refused.problem().errors[0].field, "role");
    let made = as_browser(&daemon, &otto, "POST", "/api/v1/tokens", above).await;
    let id = made.json::<qx_api::rest::TokenSecret>().id;
    let seen = as_browser(&daemon, &vera, "GET", "/api/v1/tokens", "").await;
    assert!(seen.json::<qx_api::rest::TokenPage>().items.is_empty());
    let path = format!("/api/v1/tokens/{id}");
    assert_eq!(
        as_browser(&daemon, &vera, "DELETE", &path, "").await.status,
        404
    );
    assert_eq!(daemon.local().tokens().await.unwrap()[0].owner, "otto");
    // A token makes tokens of the same account.
    let secret = made.json::<qx_api::rest::TokenSecret>().token;
    let wish = TokenCreate {
        name: "second".into(),
        role: Role::Operator,
        expires_in_s: None,
    };
    daemon.remote(&secret).create_token(&wish).await.unwrap();
    let owners = daemon.local().tokens().await.unwrap();
    assert!(owners.iter().all(|token| token.owner == "otto") && owners.len() == 2);
    // Nobody else's token has this name, whatever it is for.
    assert_eq!(owners[1].created_by, "otto/token:t");
    let entry = &daemon.local().audit(1).await.unwrap().items[0];
    assert_eq!(entry.actor, "otto/token:t");
    assert_eq!(
        as_browser(&daemon, &otto, "DELETE", &path, "").await.status,
        204
    );
}

#[tokio::test]
async fn the_last_way_in_stays_open_and_nobody_shuts_themselves_out() {
    let daemon = Daemon::start().await;
    made(&daemon, "anna", Role::Admin).await;
    let anna = login(&daemon, "anna").await;
    let path = "/api/v1/users/anna";
    for (method, body) in [
        ("DELETE", ""),
        ("PATCH", r#"{"disabled":true}"#),
        ("PATCH", r#"{"role":"viewer"}"#),
    ] {
        let own = as_browser(&daemon, &anna, method, path, body).await;
        assert_eq!(own.status, 409, "{method} {body}");
    }
    // Locked: only anna can log in from elsewhere now. root on the host itself still works.
    std::fs::write(daemon.files.path().join("shadow"), "root:!:1::::::\n").unwrap();
    assert_eq!(daemon.try_login("root", PASSWORD).await.status, 401);
    let refused = daemon
        .local()
        .delete_user("anna")
        .await
        .unwrap_err()
        .to_string();
    assert!(refused.contains("last administrator"), "{refused}");
    made(&daemon, "emil", Role::Admin).await;
    daemon.local().delete_user("anna").await.unwrap();
}

#[tokio::test]
async fn ones_own_password_is_changed_with_the_old_one_and_ends_other_sessions() {
    let daemon = Daemon::start().await;
    made(&daemon, "vera", Role::Viewer).await;
    let (here, elsewhere) = (login(&daemon, "vera").await, login(&daemon, "vera").await);
    let path = "/api/v1/session/password";
    let mut events = daemon.local().events(None).await.unwrap();
    let wrong = r#"{"current_password":"no","new_password":"battery staple"}"#;
    let answer = as_browser(&daemon, &here, "POST", path, wrong).await;
    assert_eq!(
        (answer.status, &*answer.problem().errors[0].field),
        (422, "current_password")
    );
    let short = format!(r#"{{"current_password":"{SECRET}","new_password":"short"}}"#);
    let answer = as_browser(&daemon, &here, "POST", path, &short).await;
    assert_eq!(
        (answer.status, &*answer.problem().errors[0].field),
        (422, "new_password")
    );
    let good = format!(r#"{{"current_password":"{SECRET}","new_password":"battery staple"}}"#);
    let answer = as_browser(&daemon, &here, "POST", path, &good).await;
    assert_eq!(answer.status, 204, "{answer:?}");
    let event = events.next().await.unwrap().unwrap();
    assert_eq!(event.kind, qx_api::rest::EventType::AccessChanged);
    assert!(is_in(&daemon, &here).await && !is_in(&daemon, &elsewhere).await);
    assert_eq!(daemon.try_login("vera", SECRET).await.status, 401);
    assert_eq!(daemon.try_login("vera", "battery staple").await.status, 200);
    let root = daemon.login().await;
    let answer = as_browser(&daemon, &root, "POST", path, &good).await;
    assert_eq!(answer.status, 409);
}

#[tokio::test]
async fn users_come_in_pages_with_tags_and_bad_ones_are_refused_by_name() {
    let daemon = Daemon::start().await;
    for name in ["a", "b", "c"] {
        made(&daemon, name, Role::Viewer).await;
    }
    let mut path = "/api/v1/users?limit=2".to_owned();
    let mut names = Vec::new();
    loop {
        let page: qx_api::rest::UserPage = daemon.send_local(ask("GET", &path)).await.json();
        assert!(page.items.len() <= 2);
        names.extend(page.items.into_iter().map(|user| user.name));
        let Some(next) = page.next else { break };
        path = format!("/api/v1/users?limit=2&cursor={next}");
    }
    assert_eq!(names, ["a", "b", "c"]);
    let read = daemon.send_local(ask("GET", "/api/v1/users/a")).await;
    let tag = read.header("etag").to_owned();
    let change = |tag: String, body: &'static str| {
        let daemon = &daemon;
        async move {
            let request = ask("PATCH", "/api/v1/users/a").with("if-match", &tag);
            daemon.send_local(request.json(body)).await.status
        }
    };
    assert_eq!(change(tag.clone(), r#"{"role":"operator"}"#).await, 200);
    assert_eq!(change(tag, r#"{"role":"viewer"}"#).await, 412);
    for (body, status, field) in [
        (
            r#"{"name":"A","password":"12345678","role":"viewer"}"#,
            409,
            "",
        ),
        (
            r#"{"name":"Root","password":"12345678","role":"viewer"}"#,
            409,
            "",
        ),
        (
            r#"{"name":"../x","password":"12345678","role":"viewer"}"#,
            422,
            "name",
        ),
        (
            r#"{"name":"d","password":"1234567","role":"viewer"}"#,
            422,
            "password",
        ),
        (
            r#"{"name":"d","password":"12345678","role":"owner"}"#,
            422,
            "role",
        ),
        (
            r#"{"name":"d","password":"12345678","role":"viewer","uid":0}"#,
            422,
            "uid",
        ),
    ] {
        let answer = daemon
            .send_local(ask("POST", "/api/v1/users").json(body))
            .await;
        assert_eq!(answer.status, status, "{body}");
        let problem = answer.problem();
        let named = problem.errors.first().map_or("", |error| &error.field);
        assert_eq!(named, field, "{body}");
    }
    let entries = daemon.local().audit(100).await.unwrap().items;
    let changes: Vec<&str> = entries.iter().map(|entry| entry.target.as_str()).collect();
    assert!(changes.contains(&"change a, role operator"), "{changes:?}");
    assert!(
        entries
            .iter()
            .all(|entry| !entry.target.contains("12345678"))
    );
}
