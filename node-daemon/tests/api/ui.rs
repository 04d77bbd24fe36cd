//! The web UI's files.

use crate::support::{Daemon, ask};

async fn daemon() -> Daemon {
    let daemon = Daemon::start().await;
    let ui = daemon.files.path().join("ui");
    std::fs::create_dir_all(ui.join("assets")).unwrap();
    for (name, content) in [
        ("index.html", "<!doctype html><title>Quantix-OS</title>"),
        ("assets/app-1a2b.js", "plain"),
        ("assets/app-1a2b.js.br", "brotli"),
        ("assets/app-1a2b.js.gz", "gzip"),
        (".secret", "hidden"),
    ] {
        std::fs::write(ui.join(name), content).unwrap();
    }
    daemon
}

#[tokio::test]
async fn files_come_compressed_if_the_browser_likes_that() {
    let daemon = daemon().await;
    for (accepted, encoding, content) in [
        ("gzip, deflate, br", "br", "brotli"),
        ("gzip", "gzip", "gzip"),
        ("br;q=0, gzip;q=0.5", "gzip", "gzip"),
        ("identity", "", "plain"),
    ] {
        let request = ask("GET", "/assets/app-1a2b.js").with("accept-encoding", accepted);
        let answer = daemon.send(request).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-encoding"), encoding);
        assert_eq!(answer.body, content);
        assert_eq!(
            answer.header("content-type"),
            "text/javascript; charset=utf-8"
        );
        assert!(answer.header("cache-control").contains("immutable"));
        assert_eq!(answer.header("vary"), "accept-encoding");
    }
}

#[tokio::test]
async fn the_start_page_is_always_fresh_and_serves_every_path_of_the_app() {
    let daemon = daemon().await;
    let first = daemon.send(ask("GET", "/")).await;
    assert_eq!(
        (first.status, first.header("cache-control")),
        (200, "no-cache")
    );
    let tag = first.header("etag").to_owned();
    let again = daemon
        .send(ask("GET", "/").with("if-none-match", &tag))
        .await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    let page = daemon
        .send(ask("GET", "/vms/42/console").with("accept", "text/html,*/*"))
        .await;
    assert_eq!(page.body, first.body);
    let missing = daemon
        .send(ask("GET", "/assets/gone.js").with("accept", "*/*"))
        .await;
    assert_eq!(missing.status, 404);
    missing.problem();
    let head = daemon.send(ask("HEAD", "/")).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
}

#[tokio::test]
async fn nothing_else_of_the_disk_is_served() {
    let daemon = daemon().await;
    std::fs::write(daemon.files.path().join("outside"), "secret").unwrap();
    for path in [
        "/../outside",
        "/assets/../../outside",
        "/%2e%2e/outside",
        "/..%2foutside",
        "/.secret",
        "/assets",
        "/assets/",
        "//etc/passwd",
    ] {
        let answer = daemon.send(ask("GET", path)).await;
        assert_eq!(answer.status, 404, "{path}: {answer:?}");
    }
}

#[tokio::test]
async fn a_host_without_a_web_ui_says_so() {
    let daemon = Daemon::start().await;
    let answer = daemon
        .send(ask("GET", "/").with("accept", "text/html"))
        .await;
    assert_eq!(answer.status, 404);
    answer.problem();
}
