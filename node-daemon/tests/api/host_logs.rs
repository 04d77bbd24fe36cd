//! The host's logs, of the past and as they are written.

use std::fs::OpenOptions;
use std::io::Write;
use std::time::Duration;

use qx_api::client::Messages;
use qx_api::grpc::v1;
use qx_api::grpc::v1::host_service_client::HostServiceClient;
use qx_api::rest::{HostLog, HostLogName, Role};

use crate::grpc::{authorized, channel};
use crate::support::{Daemon, ask};

fn say(daemon: &Daemon, text: &str) {
    let directory = daemon.files.path().join("data/log");
    std::fs::create_dir_all(&directory).unwrap();
    let mut options = OpenOptions::new();
    let file = options
        .create(true)
        .append(true)
        .open(directory.join("messages"));
    file.unwrap().write_all(text.as_bytes()).unwrap();
}

async fn next(pieces: &mut Messages<HostLog>) -> Vec<String> {
    let next = tokio::time::timeout(Duration::from_secs(20), pieces.next());
    next.await.unwrap().unwrap().unwrap().lines
}

#[tokio::test]
async fn the_newest_lines_are_read_and_those_that_come_are_followed() {
    let daemon = Daemon::start().await;
    let client = daemon.remote(&daemon.token(Role::Admin).await);
    let none = client.host_log(HostLogName::System, 10, "").await.unwrap();
    assert_eq!((none.log, none.lines.len()), (HostLogName::System, 0));

    say(&daemon, "one\ntwo & 50%\nqx1 qx-node: three\n");
    let newest = client.host_log(HostLogName::System, 2, "").await.unwrap();
    assert_eq!(newest.lines, ["two & 50%", "qx1 qx-node: three"]);
    let chosen = client.host_log(HostLogName::System, 9, "& 50%").await;
    assert_eq!(chosen.unwrap().lines, ["two & 50%"]);
    let of_daemon = client.host_log(HostLogName::Daemon, 9, "").await.unwrap();
    assert_eq!(of_daemon.lines, ["qx1 qx-node: three"]);

    let followed = client.follow_host_log(HostLogName::System, 1, "t").await;
    let mut followed = followed.unwrap();
    assert_eq!(next(&mut followed).await, ["qx1 qx-node: three"]);
    say(&daemon, "none\n<script>\n");
    assert_eq!(next(&mut followed).await, ["<script>"]);
}

#[tokio::test]
async fn grpc_has_the_same() {
    let daemon = Daemon::start().await;
    let token = daemon.token(Role::Admin).await;
    say(&daemon, "one\n");
    let mut host = HostServiceClient::new(channel(&daemon).await);
    let newest = host.get_log(authorized(&token, v1::GetHostLogRequest::default()));
    let newest = newest.await.unwrap().into_inner();
    assert_eq!(newest.log(), v1::HostLogName::System);
    assert_eq!(newest.lines, ["one"]);
    let asked = v1::FollowHostLogRequest {
        log: v1::HostLogName::System.into(),
        lines: Some(1),
        contains: String::new(),
    };
    let followed = host.follow_log(authorized(&token, asked)).await;
    let mut followed = followed.unwrap().into_inner();
    assert_eq!(followed.message().await.unwrap().unwrap().lines, ["one"]);
    say(&daemon, "two\n");
    assert_eq!(followed.message().await.unwrap().unwrap().lines, ["two"]);
}

#[tokio::test]
async fn what_is_asked_for_is_checked_and_only_an_admin_may_read() {
    let daemon = Daemon::start().await;
    for (query, field) in [
        ("log=../../etc/shadow", "log"),
        ("lines=0", "lines"),
        ("lines=10001", "lines"),
        ("path=/etc/shadow", "path"),
    ] {
        for end in ["", "/follow"] {
            let path = format!("/api/v1/host/logs{end}?{query}");
            let answer = daemon.send_local(ask("GET", &path)).await;
            assert_eq!(answer.status, 422, "{path}: {answer:?}");
            assert_eq!(answer.problem().errors[0].field, field, "{path}");
        }
    }
    let operator = daemon.remote(&daemon.token(Role::Operator).await);
    let refused = operator.host_log(HostLogName::System, 1, "").await;
    assert!(refused.unwrap_err().to_string().contains("role"));
}

#[tokio::test]
async fn no_more_than_sixteen_are_followed_and_one_that_is_closed_makes_room() {
    let daemon = Daemon::start().await;
    let client = daemon.local();
    let follow = async || client.follow_host_log(HostLogName::System, 1, "").await;
    let mut followed = Vec::new();
    for _ in 0..16 {
        followed.push(follow().await.unwrap());
    }
    let Err(refused) = follow().await else {
        panic!("a seventeenth is followed")
    };
    assert!(refused.to_string().contains("16 logs"), "{refused}");
    drop(followed.pop());
    crate::support::eventually("there is room again", async || follow().await.ok()).await;
}
