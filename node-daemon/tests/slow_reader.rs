//! A reader of events that can't keep up. Alone in its program, because a reader that takes nothing for 30 seconds is
//! given up for that, which is another end: beside the other tests, events came too slowly on a busy machine.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may panic, and what is shared with others is not all used"
)]

#[path = "api/support.rs"]
mod support;
#[path = "api/websocket.rs"]
mod websocket;

use std::time::Duration;

use futures_util::StreamExt;
use qx_api::rest::{Event, EventType};
use qx_hypervisor::Hypervisor;
use qx_model::vm::VmId;
use tokio::net::TcpSocket;
use tokio_tungstenite::tungstenite::Message;

use support::{Daemon, wish};
use websocket::open_on;

#[tokio::test]
async fn a_reader_that_is_too_slow_is_told_so_and_let_go() {
    let daemon = Daemon::start().await;
    let browser = daemon.login().await;
    let headers = [
        ("cookie", browser.cookie.as_str()),
        ("origin", &daemon.url()),
    ];
    // Large events fill what the kernel takes for the reader, which is little; then more than are kept pass by,
    // well before the reader is given up for taking nothing: of many VMs at a time, and not by requests, each of which
    // is written to the disk.
    let mut vms = Vec::new();
    for number in 0..30 {
        let mut wish = wish(&format!("a{number}"));
        wish.description = "\u{1f4a4}".repeat(1024);
        vms.push(VmId(daemon.local().create_vm(&wish).await.unwrap().id));
    }
    let mut quick = daemon.local().events(None).await.unwrap();
    let narrow = TcpSocket::new_v4().unwrap();
    narrow.set_recv_buffer_size(4096).unwrap();
    let stream = narrow.connect(daemon.node.https()).await.unwrap();
    let stream = daemon.tls_on(stream, b"http/1.1").await;
    let opened = open_on(&daemon, stream, "/api/v1/events", &headers).await;
    let mut socket = opened.unwrap();
    for _ in 0..50 {
        for on in [true, false] {
            for vm in vms.iter().copied() {
                let changed = if on {
                    daemon.fake.start(vm)
                } else {
                    daemon.fake.stop(vm)
                };
                changed.unwrap();
            }
            for _ in &vms {
                while quick.next().await.unwrap().unwrap().vm_id.is_none() {}
            }
        }
    }
    // It comes only when events passed a reader by: without it the fault did not happen.
    let last = loop {
        let next = tokio::time::timeout(Duration::from_secs(20), socket.next());
        match next.await.unwrap().unwrap().unwrap() {
            Message::Text(text) => {
                let event: Event = serde_json::from_str(&text).unwrap();
                if event.kind == EventType::Resync {
                    break event;
                }
            }
            Message::Ping(_) => {}
            other => panic!("{other:?} before the resync"),
        }
    };
    let closed = loop {
        match socket.next().await.unwrap().unwrap() {
            Message::Close(frame) => break frame.unwrap(),
            Message::Ping(_) => {}
            other => panic!("{other:?} after the resync"),
        }
    };
    assert!(closed.reason.contains("too slow"), "{closed:?}");
    // From where it was, it is told to read everything again.
    let mut again = daemon.local().events(Some(last.seq)).await.unwrap();
    let event = again.next().await.unwrap().unwrap();
    assert_eq!(event.kind, EventType::Resync);
    // And who listened all the time would have missed nothing: the daemon goes on.
    daemon.local().delete_vm(vms[0].0, true).await.unwrap();
}
