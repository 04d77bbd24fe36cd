//! Events and consoles: WebSockets and server-sent events.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use qx_api::client::EventStream;
use qx_api::rest::{ConsoleTicket, Event, EventType, Role, Vm, VmState};
use qx_hypervisor::Hypervisor;
use qx_model::vm::VmId;
use tokio::net::TcpSocket;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Browser, Daemon, ask, eventually, not_of_tasks, wish};
use crate::websocket::{Socket, open, open_on};

/// The next one that is not about a task.
async fn next_event(socket: &mut Socket) -> Event {
    let next = async {
        loop {
            if let Message::Text(text) = socket.next().await.unwrap().unwrap() {
                let event: Event = serde_json::from_str(&text).unwrap();
                if event.kind != EventType::TaskChanged {
                    return event;
                }
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), next)
        .await
        .unwrap()
}

async fn ticket(daemon: &Daemon, browser: &Browser, vm: &Vm) -> String {
    ticket_for(daemon, browser, vm, "serial").await
}

async fn ticket_for(daemon: &Daemon, browser: &Browser, vm: &Vm, kind: &str) -> String {
    let path = format!("/api/v1/vms/{}/console", vm.id);
    let origin = daemon.url();
    let request = ask("POST", &path)
        .with("cookie", &browser.cookie)
        .with("x-csrf-token", &browser.csrf)
        .with("origin", &origin)
        .json(format!(r#"{{"type":"{kind}"}}"#));
    let answer = daemon.send(request).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json::<ConsoleTicket>().ticket
}

#[tokio::test]
async fn a_change_reaches_every_subscriber_and_can_be_replayed() {
    let daemon = Daemon::start().await;
    let browser = daemon.login().await;
    let headers = [
        ("cookie", browser.cookie.as_str()),
        ("origin", &daemon.url()),
    ];
    let mut socket = open(&daemon, "/api/v1/events", &headers).await.unwrap();
    let mut sse = daemon.local().events(None).await.unwrap();
    let vm = daemon.vm("a").await;
    let event = next_event(&mut socket).await;
    assert_eq!(
        (event.kind, event.vm_id),
        (EventType::VmChanged, Some(vm.id))
    );
    assert_eq!(not_of_tasks(&mut sse).await, event);
    daemon.local().start_vm(vm.id).await.unwrap();
    let started = next_event(&mut socket).await;
    assert_eq!(started.vm.as_ref().unwrap().state, VmState::Running);
    assert!(started.seq > event.seq);
    let mut replay = daemon.local().events(Some(event.seq)).await.unwrap();
    assert_eq!(not_of_tasks(&mut replay).await, started);
    let mut ancient = daemon.local().events(Some(1)).await.unwrap();
    assert_eq!(
        ancient.next().await.unwrap().unwrap().kind,
        EventType::Resync
    );
}

#[tokio::test]
async fn a_websocket_from_another_site_is_refused() {
    let daemon = Daemon::start().await;
    let browser = daemon.login().await;
    let cookie = ("cookie", browser.cookie.as_str());
    let foreign = [cookie, ("origin", "https://evil.example")];
    assert_eq!(
        open(&daemon, "/api/v1/events", &foreign)
            .await
            .unwrap_err()
            .status,
        403
    );
    assert_eq!(
        open(&daemon, "/api/v1/events", &[cookie])
            .await
            .unwrap_err()
            .status,
        403
    );
    assert_eq!(
        open(&daemon, "/api/v1/events", &[])
            .await
            .unwrap_err()
            .status,
        401
    );
}

#[tokio::test]
async fn a_stream_ends_when_its_token_is_revoked_or_its_session_closed() {
    let daemon = Daemon::start().await;
    let token = daemon.token(Role::Viewer).await;
    let mut events = daemon.remote(&token).events(None).await.unwrap();
    let browser = daemon.login().await;
    let headers = [
        ("cookie", browser.cookie.as_str()),
        ("origin", &daemon.url()),
    ];
    let mut socket = open(&daemon, "/api/v1/events", &headers).await.unwrap();
    let id = daemon.local().tokens().await.unwrap()[0].id;
    daemon.local().delete_token(id).await.unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(20), events.next())
        .await
        .unwrap();
    assert!(matches!(ended, Ok(None) | Err(_)), "{ended:?}");
    let leave = ask("DELETE", "/api/v1/session").with("cookie", &browser.cookie);
    daemon.send(leave.with("x-csrf-token", &browser.csrf)).await;
    let closed = async {
        while let Some(Ok(message)) = socket.next().await {
            if message.is_close() {
                break;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), closed)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_console_echoes_and_its_ticket_is_good_once() {
    let daemon = Daemon::start().await;
    let vm = daemon.vm("a").await;
    daemon.local().start_vm(vm.id).await.unwrap();
    let browser = daemon.login().await;
    let ticket = ticket(&daemon, &browser, &vm).await;
    let path = format!("/api/v1/vms/{}/console?ticket={ticket}", vm.id);
    let headers = [
        ("cookie", browser.cookie.as_str()),
        ("origin", &daemon.url()),
    ];
    let mut socket = open(&daemon, &path, &headers).await.unwrap();
    socket
        .send(Message::Binary(Bytes::from_static(b"marker")))
        .await
        .unwrap();
    let mut output = Vec::new();
    eventually("the guest echoes", async || {
        if let Some(Ok(Message::Binary(bytes))) = socket.next().await {
            output.extend_from_slice(&bytes);
        }
        output
            .windows(6)
            .any(|window| window == b"marker")
            .then_some(())
    })
    .await;
    assert_eq!(
        open(&daemon, &path, &headers).await.unwrap_err().status,
        403
    );
}

/// Reads until `wanted` has come.
async fn until(socket: &mut Socket, wanted: &[u8]) {
    let mut output = Vec::new();
    let seen = |output: &[u8]| output.windows(wanted.len()).any(|part| part == wanted);
    while !seen(&output) {
        let next = tokio::time::timeout(Duration::from_secs(20), socket.next());
        match next.await.unwrap().unwrap().unwrap() {
            Message::Binary(bytes) => output.extend_from_slice(&bytes),
            other => panic!("{other:?} after {output:?}"),
        }
    }
}

#[tokio::test]
async fn a_screen_has_several_viewers_both_ways_and_ends_with_the_power() {
    let daemon = Daemon::start().await;
    let vm = daemon.vm("a").await;
    assert!(vm.vnc);
    let browser = daemon.login().await;
    let origin = daemon.url();
    let headers = [("cookie", browser.cookie.as_str()), ("origin", &origin)];
    let path = |ticket: &str| format!("/api/v1/vms/{}/console?ticket={ticket}", vm.id);
    let ticket = ticket_for(&daemon, &browser, &vm, "vnc").await;
    let off = open(&daemon, &path(&ticket), &headers).await.unwrap_err();
    assert_eq!(
        (off.status, off.detail.contains("is not running")),
        (409, true)
    );
    daemon.local().start_vm(vm.id).await.unwrap();
    let mut viewers = Vec::new();
    for _ in 0..2 {
        let ticket = ticket_for(&daemon, &browser, &vm, "vnc").await;
        let mut viewer = open(&daemon, &path(&ticket), &headers).await.unwrap();
        until(&mut viewer, b"RFB 003.008\n").await;
        viewers.push(viewer);
        // Good once, as one of the serial line is.
        let again = open(&daemon, &path(&ticket), &headers).await.unwrap_err();
        assert_eq!(again.status, 403);
    }
    for (viewer, text) in viewers.iter_mut().zip(["first", "second"]) {
        let typed = Message::Binary(Bytes::from_static(text.as_bytes()));
        viewer.send(typed).await.unwrap();
        until(viewer, text.as_bytes()).await;
    }
    daemon.local().stop_vm(vm.id).await.unwrap();
    for mut viewer in viewers {
        let closed = async { while let Some(Ok(_)) = viewer.next().await {} };
        tokio::time::timeout(Duration::from_secs(20), closed)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_viewer_of_a_screen_that_takes_nothing_holds_up_no_other() {
    let daemon = Daemon::start().await;
    let vm = daemon.vm("a").await;
    daemon.local().start_vm(vm.id).await.unwrap();
    let browser = daemon.login().await;
    let origin = daemon.url();
    let headers = [("cookie", browser.cookie.as_str()), ("origin", &origin)];
    let path = |ticket: &str| format!("/api/v1/vms/{}/console?ticket={ticket}", vm.id);
    let ticket = ticket_for(&daemon, &browser, &vm, "vnc").await;
    let mut stuck = open(&daemon, &path(&ticket), &headers).await.unwrap();
    // It takes nothing of what comes back, until nothing more can be sent.
    let piece = Message::Binary(Bytes::from(vec![b'x'; 128 << 10]));
    let mut send = async || stuck.send(piece.clone()).await.unwrap();
    while tokio::time::timeout(Duration::from_secs(1), send())
        .await
        .is_ok()
    {}
    let ticket = ticket_for(&daemon, &browser, &vm, "vnc").await;
    let mut other = open(&daemon, &path(&ticket), &headers).await.unwrap();
    other
        .send(Message::Binary(Bytes::from_static(b"alive")))
        .await
        .unwrap();
    until(&mut other, b"alive").await;
}

#[tokio::test]
async fn a_ticket_is_worth_nothing_to_anybody_else() {
    let daemon = Daemon::start().await;
    let (vm, other) = (daemon.vm("a").await, daemon.vm("b").await);
    let browser = daemon.login().await;
    let origin = daemon.url();
    let bearer = format!("Bearer {}", daemon.token(Role::Operator).await);
    let own = [
        ("cookie", browser.cookie.as_str()),
        ("origin", origin.as_str()),
    ];
    let path = |vm: &Vm, ticket: &str| format!("/api/v1/vms/{}/console?ticket={ticket}", vm.id);
    for (headers, vm_used) in [
        (
            &[("authorization", bearer.as_str()), ("origin", &origin)][..],
            &vm,
        ),
        (&[("authorization", bearer.as_str())][..], &vm),
        (&own[..], &other),
    ] {
        let ticket = ticket(&daemon, &browser, &vm).await;
        let refused = open(&daemon, &path(vm_used, &ticket), headers)
            .await
            .unwrap_err();
        assert_eq!(refused.status, 403, "{headers:?}");
        let late = open(&daemon, &path(&vm, &ticket), &own).await.unwrap_err();
        assert_eq!(late.status, 403, "a failed try did not use the ticket up");
    }
    let nothing = open(&daemon, &path(&vm, "0123"), &own).await.unwrap_err();
    assert_eq!(nothing.status, 403);
}

#[tokio::test]
async fn a_viewer_gets_neither_ticket_nor_console() {
    let daemon = Daemon::start().await;
    let vm = daemon.vm("a").await;
    let client = daemon.remote(&daemon.token(Role::Viewer).await);
    assert!(client.serial_console(vm.id).await.is_err());
    let operator = daemon.remote(&daemon.token(Role::Operator).await);
    operator.start_vm(vm.id).await.unwrap();
    let mut console = operator.serial_console(vm.id).await.unwrap();
    console.write(Bytes::from_static(b"x")).await.unwrap();
    assert!(console.read().await.unwrap().is_some());
}

#[tokio::test]
async fn stopping_the_daemon_ends_streams_and_leaves_the_work_done() {
    let daemon = Daemon::start().await;
    let mut events = daemon.local().events(None).await.unwrap();
    daemon.local().create_vm(&wish("a")).await.unwrap();
    let stopped = tokio::time::timeout(Duration::from_secs(8), daemon.node.stop()).await;
    stopped.expect("it hangs").unwrap();
    while let Ok(Some(_)) = events.next().await {}
}

/// The next event about a VM; deleting one is a task, which has events of its own.
async fn next_of_vm(events: &mut EventStream) -> Event {
    loop {
        let event = events.next().await.unwrap().unwrap();
        if event.vm_id.is_some() {
            return event;
        }
    }
}

/// Every state of a VM, once, in order, to who listens all the time.
#[tokio::test]
async fn each_change_of_state_reaches_a_subscriber_exactly_once() {
    let daemon = Daemon::start().await;
    let vm = daemon.vm("a").await;
    let mut events = daemon.local().events(None).await.unwrap();
    for _ in 0..20 {
        daemon.local().start_vm(vm.id).await.unwrap();
        daemon.local().stop_vm(vm.id).await.unwrap();
    }
    let mut last = 0;
    for round in 0..20 {
        for expected in [VmState::Running, VmState::Off] {
            let event = next_of_vm(&mut events).await;
            let state = event.vm.as_ref().map(|vm| vm.state);
            assert_eq!(state, Some(expected), "round {round}: {event:?}");
            assert!(event.seq > last);
            last = event.seq;
        }
    }
    // Nothing is left over: the next event is the next change.
    daemon.local().delete_vm(vm.id, true).await.unwrap();
    let event = next_of_vm(&mut events).await;
    assert_eq!(event.kind, EventType::VmRemoved);
}

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
                next_of_vm(&mut quick).await;
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
