//! Who may do what over gRPC and WebSockets, method by method; and that every open stream ends at once when its
//! user may do less.

use std::time::Duration;

use bytes::{BufMut, BytesMut};
use futures_util::StreamExt;
use qx_api::endpoints::{self, ALL, Access, Output};
use qx_api::grpc::v1;
use qx_api::grpc::v1::console_request::Message;
use qx_api::grpc::v1::event_service_client::EventServiceClient;
use qx_api::grpc::v1::metrics_service_client::MetricsServiceClient;
use qx_api::grpc::v1::update_service_client::UpdateServiceClient;
use qx_api::grpc::v1::vm_service_client::VmServiceClient;
use qx_api::rest::{ConsoleTicket, Role, UserPatch, Vm};
use qx_api::rpcs;
use qx_model::access as model;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;

use crate::grpc::{Channel, authorized, channel};
use crate::support::{Daemon, ask};
use crate::users::{login, made};
use crate::websocket::{Socket, open};

const ROLES: [Role; 3] = [Role::Viewer, Role::Operator, Role::Admin];
const PATIENCE: Duration = Duration::from_secs(20);

/// What the daemon says to a message that nothing can read; nobody gets far enough for it to do anything.
async fn garbled(channel: &mut Channel, path: &str, token: Option<&str>) -> Code {
    let mut frame = BytesMut::new();
    frame.put_u8(0);
    frame.put_u32(3);
    frame.put_slice(&[0xff; 3]);
    let body = http_body_util::Full::new(frame.freeze());
    let mut request = http::Request::post(path)
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let request = request.body(tonic::body::Body::new(body)).unwrap();
    let answer = tower::Service::call(channel, request).await.unwrap();
    let status = answer.headers().get("grpc-status");
    let status = status.unwrap_or_else(|| panic!("{path} took a message that nothing can read"));
    Code::from_bytes(status.as_bytes())
}

#[tokio::test]
async fn each_role_may_call_over_grpc_exactly_what_the_table_says_before_its_message_is_read() {
    let daemon = Daemon::start().await;
    let mut channel = channel(&daemon).await;
    let mut refused = Vec::new();
    for role in ROLES {
        let token = daemon.token(role).await;
        for rpc in rpcs::ALL {
            let code = garbled(&mut channel, rpc.path, Some(&token)).await;
            if model::Role::from(role) >= rpc.operation.required_role() {
                let looked_at = matches!(code, Code::Internal | Code::InvalidArgument);
                assert!(looked_at, "{} answered {role:?} with {code:?}", rpc.path);
            } else {
                assert_eq!(code, Code::PermissionDenied, "{} for {role:?}", rpc.path);
                refused.push(rpc.path);
            }
        }
    }
    assert!(
        refused.len() >= 40,
        "the matrix is not what it was: {refused:?}"
    );
    for rpc in rpcs::ALL {
        for token in [None, Some("qxt_0123")] {
            let code = garbled(&mut channel, rpc.path, token).await;
            assert_eq!(code, Code::Unauthenticated, "{}", rpc.path);
        }
    }
    // What was refused is in the record, with who and what.
    let entries = daemon.local().audit(1000).await.unwrap().items;
    let recorded: Vec<&str> = entries
        .iter()
        .rev()
        .filter(|entry| entry.outcome.contains("needs the role"))
        .inspect(|entry| assert!(entry.actor.starts_with("token:") && entry.origin == "127.0.0.1"))
        .map(|entry| entry.target.as_str())
        .collect();
    assert_eq!(recorded, refused);
}

#[tokio::test]
async fn a_method_that_is_not_in_the_table_is_refused_whatever_the_role() {
    let daemon = Daemon::start().await;
    let mut channel = channel(&daemon).await;
    let admin = daemon.token(Role::Admin).await;
    for path in [
        "/quantix.v1.VmService/Nothing",
        "/quantix.v2.VmService/List",
    ] {
        let code = garbled(&mut channel, path, Some(&admin)).await;
        assert_eq!(code, Code::Unimplemented, "{path}");
    }
}

/// A ticket for the console of `vm`, got by `token`.
async fn ticket(daemon: &Daemon, vm: &Vm, token: &str) -> String {
    let (path, bearer) = (
        format!("/api/v1/vms/{}/console", vm.id),
        format!("Bearer {token}"),
    );
    let request = ask("POST", &path).with("authorization", &bearer);
    let answer = daemon.send(request.json(r#"{"type":"serial"}"#)).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json::<ConsoleTicket>().ticket
}

#[tokio::test]
async fn each_role_opens_exactly_the_websockets_that_the_table_says() {
    let daemon = Daemon::start().await;
    let vm = daemon.vm("a").await;
    daemon.local().start_vm(vm.id).await.unwrap();
    let operator = daemon.token(Role::Operator).await;
    let (mut opened, mut refused) = (0, 0);
    for role in ROLES {
        let token = daemon.token(role).await;
        let bearer = format!("Bearer {token}");
        for endpoint in ALL {
            let (Output::Events(_) | Output::WebSocket) = endpoint.output else {
                continue;
            };
            let operation = endpoint.operation().unwrap();
            let allowed = model::Role::from(role) >= operation.required_role();
            let mut path = endpoint.path.replace("{id}", &vm.id.to_string());
            if let Access::Ticket(_) = endpoint.access {
                // Who gets none of their own brings somebody else's.
                let holder = if allowed { &token } else { &operator };
                path.push_str(&format!("?ticket={}", ticket(&daemon, &vm, holder).await));
            }
            match open(&daemon, &path, &[("authorization", &bearer)]).await {
                Ok(_) if allowed => opened += 1,
                Err(problem) if !allowed && problem.status == 403 => refused += 1,
                other => panic!("{} and {role:?}: {:?}", endpoint.id, other.map(drop)),
            }
            let nobody = open(&daemon, &path, &[]).await.map(drop);
            assert_eq!(nobody.unwrap_err().status, 401, "{}", endpoint.id);
        }
    }
    assert!(
        opened >= 8 && refused >= 1,
        "{opened} opened, {refused} refused"
    );
}

async fn ends<T>(what: &str, next: impl AsyncFnMut() -> Option<T>) {
    let mut next = next;
    let over = async { while next().await.is_some() {} };
    let over = tokio::time::timeout(PATIENCE, over).await;
    assert!(over.is_ok(), "{what} goes on");
}

async fn socket_ends(what: &str, mut socket: Socket) {
    ends(what, async || {
        let message = socket.next().await?.ok()?;
        (!message.is_close()).then_some(())
    })
    .await;
}

/// Opens every kind of stream as `name`, shuts them out with `change`, and waits for all to end.
async fn all_streams_end(daemon: &Daemon, vm: &Vm, name: &str, change: impl AsyncFnOnce()) {
    made(daemon, name, Role::Operator).await;
    let browser = login(daemon, name).await;
    let origin = daemon.url();
    let headers = [("cookie", browser.cookie.as_str()), ("origin", &origin)];
    let body = r#"{"name":"ci","role":"operator"}"#;
    let request = ask("POST", "/api/v1/tokens")
        .with("cookie", &browser.cookie)
        .with("x-csrf-token", &browser.csrf);
    let token = daemon.send(request.json(body)).await;
    let token = token.json::<qx_api::rest::TokenSecret>().token;
    let bearer = format!("Bearer {token}");

    let of_session = open(daemon, "/api/v1/events", &headers).await.unwrap();
    let figures = open(daemon, endpoints::METRICS_LIVE.path, &headers)
        .await
        .unwrap();
    let console = ticket(daemon, vm, &token).await;
    let path = format!("/api/v1/vms/{}/console?ticket={console}", vm.id);
    let console = open(daemon, &path, &[("authorization", &bearer)])
        .await
        .unwrap();
    let mut sse = daemon.remote(&token).events(None).await.unwrap();

    let channel = channel(daemon).await;
    let events = authorized(&token, v1::FollowEventsRequest::default());
    let events = EventServiceClient::new(channel.clone())
        .follow(events)
        .await;
    let mut events = events.unwrap().into_inner();
    let live = authorized(&token, v1::FollowMetricsRequest {});
    let live = MetricsServiceClient::new(channel.clone())
        .follow(live)
        .await;
    let mut live = live.unwrap().into_inner();
    let watch = authorized(&token, v1::WatchUpdatesRequest {});
    let watch = UpdateServiceClient::new(channel.clone()).watch(watch).await;
    let mut watch = watch.unwrap().into_inner();
    let (sender, requests) = tokio::sync::mpsc::channel(1);
    let first = v1::ConsoleRequest {
        message: Some(Message::VmId(vm.id.to_string())),
    };
    sender.send(first).await.unwrap();
    let serial = authorized(&token, ReceiverStream::new(requests));
    let serial = VmServiceClient::new(channel).console(serial).await;
    let mut serial = serial.unwrap().into_inner();

    change().await;
    socket_ends("a WebSocket of events", of_session).await;
    socket_ends("a WebSocket of figures", figures).await;
    socket_ends("a WebSocket of a console", console).await;
    ends("a stream of events", async || sse.next().await.ok()?).await;
    ends("gRPC of events", async || events.message().await.ok()?).await;
    ends("gRPC of figures", async || live.message().await.ok()?).await;
    ends("gRPC of updates", async || watch.message().await.ok()?).await;
    ends("gRPC of a console", async || serial.message().await.ok()?).await;
    drop(sender);
}

#[tokio::test]
async fn every_stream_of_a_user_ends_when_they_are_disabled_demoted_or_removed() {
    let daemon = Daemon::start().await;
    let vm = daemon.vm("a").await;
    daemon.local().start_vm(vm.id).await.unwrap();
    let local = daemon.local();
    let patch = |body: &str| serde_json::from_str::<UserPatch>(body).unwrap();
    all_streams_end(&daemon, &vm, "disabled", async || {
        let off = patch(r#"{"disabled":true}"#);
        local.change_user("disabled", &off).await.unwrap();
    })
    .await;
    all_streams_end(&daemon, &vm, "demoted", async || {
        let viewer = patch(r#"{"role":"viewer"}"#);
        local.change_user("demoted", &viewer).await.unwrap();
    })
    .await;
    all_streams_end(&daemon, &vm, "removed", async || {
        local.delete_user("removed").await.unwrap();
    })
    .await;
}

/// The next event about a VM; deleting one is a task, which has events of its own.
async fn next_of_vm(events: &mut tonic::Streaming<v1::Event>) -> v1::Event {
    loop {
        let event = events.message().await.unwrap().unwrap();
        if event.vm_id.is_some() {
            return event;
        }
    }
}

#[tokio::test]
async fn a_viewer_follows_events_over_grpc_and_goes_on_where_they_were() {
    let daemon = Daemon::start().await;
    let viewer = daemon.token(Role::Viewer).await;
    let mut service = EventServiceClient::new(channel(&daemon).await);
    let now = authorized(&viewer, v1::FollowEventsRequest::default());
    let mut events = service.follow(now).await.unwrap().into_inner();
    let vm = daemon.vm("a").await;
    let made = next_of_vm(&mut events).await;
    assert_eq!(
        (made.r#type.as_str(), made.vm_id),
        ("vm.changed", Some(vm.id.to_string()))
    );
    assert_eq!(made.vm.unwrap().name, "a");
    daemon.local().delete_vm(vm.id, true).await.unwrap();
    let gone = next_of_vm(&mut events).await;
    assert_eq!(gone.r#type, "vm.removed");
    assert!(gone.seq > made.seq);
    let since = |seq| authorized(&viewer, v1::FollowEventsRequest { since: Some(seq) });
    let mut again = service.follow(since(made.seq)).await.unwrap().into_inner();
    assert_eq!(next_of_vm(&mut again).await, gone);
    let mut ancient = service.follow(since(1)).await.unwrap().into_inner();
    assert_eq!(ancient.message().await.unwrap().unwrap().r#type, "resync");
}
