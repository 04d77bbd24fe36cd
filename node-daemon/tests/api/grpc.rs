//! The gRPC port, with generated clients over real TLS.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};
use qx_api::grpc::v1;
use qx_api::grpc::v1::console_request::Message;
use qx_api::grpc::v1::host_service_client::HostServiceClient;
use qx_api::grpc::v1::network_service_client::NetworkServiceClient;
use qx_api::grpc::v1::update_service_client::UpdateServiceClient;
use qx_api::grpc::v1::upload_update_request::Message as Sent;
use qx_api::grpc::v1::vm_service_client::VmServiceClient;
use qx_api::rest::Role;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use crate::support::Daemon;

/// One HTTP/2 connection.
#[derive(Clone)]
pub(crate) struct Channel {
    sender: hyper::client::conn::http2::SendRequest<tonic::body::Body>,
}

type Answer = http::Response<hyper::body::Incoming>;

impl tower::Service<http::Request<tonic::body::Body>> for Channel {
    type Response = Answer;
    type Error = hyper::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Answer, hyper::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), hyper::Error>> {
        self.sender.poll_ready(context)
    }

    fn call(&mut self, mut request: http::Request<tonic::body::Body>) -> Self::Future {
        let path = request.uri().path_and_query().unwrap().as_str();
        *request.uri_mut() = format!("https://localhost{path}").parse().unwrap();
        Box::pin(self.sender.send_request(request))
    }
}

pub(crate) async fn channel(daemon: &Daemon) -> Channel {
    let stream = daemon.tls(daemon.node.grpc().port(), b"h2").await;
    let handshake =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (sender, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    Channel { sender }
}

pub(crate) fn authorized<T>(token: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request
        .metadata_mut()
        .insert("authorization", format!("Bearer {token}").parse().unwrap());
    request
}

#[tokio::test]
async fn a_network_lives_and_dies_over_grpc() {
    let daemon = Daemon::start().await;
    let token = daemon.token(Role::Admin).await;
    let mut networks = NetworkServiceClient::new(channel(&daemon).await);
    let wish = v1::CreateNetworkRequest {
        name: "trunk".into(),
        mode: v1::NetworkMode::Bridge.into(),
        bridge: Some("br0".into()),
        vlan: Some(v1::NetworkVlan {
            tags: vec![10, 20],
            trunk: true,
            native: Some(10),
        }),
        ..Default::default()
    };
    let mut wrong = wish.clone();
    wrong.vlan.as_mut().unwrap().tags[1] = 65_537;
    let refused = networks
        .create(authorized(&token, wrong))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(refused.message().contains("vlan.tags[1]"), "{refused:?}");
    let made = networks.create(authorized(&token, wish.clone())).await;
    let made = made.unwrap().into_inner();
    assert_eq!((&made.vlan, made.active), (&wish.vlan, true));
    let id = made.id;
    let update = v1::UpdateNetworkRequest {
        id: id.clone(),
        revision: Some(made.revision),
        vlan: Some(v1::NetworkVlan::default()),
        ..Default::default()
    };
    let updated = networks.update(authorized(&token, update.clone())).await;
    assert!(updated.unwrap().into_inner().pending_restart);
    let stale = networks.update(authorized(&token, update)).await;
    assert_eq!(stale.unwrap_err().code(), Code::Aborted);
    let stop = v1::StopNetworkRequest { id: id.clone() };
    let stopped = networks.stop(authorized(&token, stop)).await;
    assert!(!stopped.unwrap().into_inner().active);
    let start = v1::StartNetworkRequest { id: id.clone() };
    networks.start(authorized(&token, start)).await.unwrap();
    let get = v1::GetNetworkRequest { id: id.clone() };
    let seen = networks.get(authorized(&token, get.clone())).await;
    assert!(seen.unwrap().into_inner().active);
    let list = networks
        .list(authorized(&token, v1::ListNetworksRequest {}))
        .await;
    assert_eq!(list.unwrap().into_inner().networks[0].id, id);
    let bridges = authorized(&token, v1::ListBridgesRequest {});
    networks.list_bridges(bridges).await.unwrap();
    let delete = v1::DeleteNetworkRequest { id };
    networks.delete(authorized(&token, delete)).await.unwrap();
    let gone = networks.get(authorized(&token, get)).await;
    assert_eq!(gone.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn a_vm_is_cloned_over_grpc() {
    let daemon = Daemon::start().await;
    let token = daemon.token(Role::Operator).await;
    let source = daemon.vm("web").await.id.to_string();
    let mut vms = VmServiceClient::new(channel(&daemon).await);
    let wish = v1::CloneVmRequest {
        source: source.clone(),
        name: "web-2".into(),
        ..Default::default()
    };
    let made = vms.clone_vm(authorized(&token, wish.clone())).await;
    let made = made.unwrap().into_inner();
    assert_eq!((&*made.name, made.state()), ("web-2", v1::VmState::Off));
    assert_ne!(made.id, source);
    // Without an id it is another wish, whose name is taken.
    let taken = vms.clone_vm(authorized(&token, wish)).await.unwrap_err();
    assert_eq!(taken.code(), Code::FailedPrecondition);
}

#[tokio::test]
async fn a_vm_lives_and_dies_over_grpc() {
    let daemon = Daemon::start().await;
    let token = daemon.token(Role::Operator).await;
    let mut vms = VmServiceClient::new(channel(&daemon).await);
    let wish = v1::CreateVmRequest {
        name: "a".into(),
        disks: vec![v1::DiskCreate {
            size_bytes: Some(1 << 20),
            ..Default::default()
        }],
        nics: vec![v1::NicCreate {
            source: Some(v1::nic_create::Source::Network("default".into())),
        }],
        cloud_init: Some(v1::CloudInit {
            hostname: Some("told-by-grpc".into()),
            network: vec![v1::GuestNic {
                addresses: vec!["192.0.2.5/24".into()],
                gateways: vec!["192.0.2.1".into()],
                dns: vec!["192.0.2.53".into()],
            }],
            ..Default::default()
        }),
        ..Default::default()
    };
    let vm = vms
        .create(authorized(&token, wish))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (vm.vcpus, vm.memory_mib, vm.firmware()),
        (1, 512, v1::Firmware::Uefi)
    );
    let disc = vm.disks.iter().find(|disk| disk.cdrom).unwrap();
    let disc = std::fs::read(disc.path()).unwrap();
    let disc = String::from_utf8_lossy(&disc);
    for told in ["told-by-grpc", "192.0.2.5/24", "192.0.2.1\"", "192.0.2.53"] {
        assert!(disc.contains(told), "{told}");
    }
    let id = vm.id.clone();
    let start = authorized(&token, v1::StartVmRequest { id: id.clone() });
    assert_eq!(
        vms.start(start).await.unwrap().into_inner().state(),
        v1::VmState::Running
    );
    let list = vms
        .list(authorized(&token, v1::ListVmsRequest::default()))
        .await
        .unwrap();
    assert_eq!(list.into_inner().vms.len(), 1);
    assert_eq!(daemon.local().vms().await.unwrap()[0].id.to_string(), id);
    let update = v1::UpdateVmRequest {
        id: id.clone(),
        revision: Some(vm.revision.clone()),
        memory_mib: Some(1024),
        tags: Some(v1::Tags {
            tags: vec!["prod".into()],
        }),
        ..Default::default()
    };
    let updated = vms.update(authorized(&token, update.clone())).await;
    let updated = updated.unwrap().into_inner();
    assert_eq!((updated.memory_mib, updated.vcpus), (1024, 1));
    assert_eq!(updated.tags, ["prod"]);
    assert_eq!(updated.pending_restart, ["memory_mib"]);
    let stale = vms.update(authorized(&token, update)).await.unwrap_err();
    assert_eq!(stale.code(), Code::Aborted);
    let attach = v1::AttachNicRequest {
        vm_id: id.clone(),
        nic: Some(v1::NicCreate {
            source: Some(v1::nic_create::Source::Bridge("br0".into())),
        }),
        limits: None,
    };
    let plugged = vms.attach_nic(authorized(&token, attach)).await;
    let mac = plugged.unwrap().into_inner().nics[1].mac.clone();
    let vm_id = id.clone();
    let detach = v1::DetachNicRequest { vm_id, mac };
    let unplugged = vms.detach_nic(authorized(&token, detach)).await;
    assert_eq!(unplugged.unwrap().into_inner().nics.len(), 1);
    let grow = v1::UpdateDiskRequest {
        vm_id: id.clone(),
        target: "vda".into(),
        size_bytes: Some(2 << 20),
        limits: None,
    };
    let grown = vms.update_disk(authorized(&token, grow)).await;
    assert_eq!(grown.unwrap().into_inner().disks[0].size_bytes(), 2 << 20);
    let pause = authorized(&token, v1::PauseVmRequest { id: id.clone() });
    assert_eq!(
        vms.pause(pause).await.unwrap().into_inner().state(),
        v1::VmState::Paused
    );
    let suspend = authorized(&token, v1::SuspendVmRequest { id: id.clone() });
    assert_eq!(
        vms.suspend(suspend).await.unwrap().into_inner().state(),
        v1::VmState::Saved
    );
    let reset = authorized(&token, v1::ResetVmRequest { id: id.clone() });
    assert_eq!(
        vms.reset(reset).await.unwrap_err().code(),
        Code::FailedPrecondition
    );
    let stop = authorized(&token, v1::StopVmRequest { id: id.clone() });
    assert_eq!(
        vms.stop(stop).await.unwrap().into_inner().state(),
        v1::VmState::Off
    );
    let delete = v1::DeleteVmRequest {
        id: id.clone(),
        disks: true,
    };
    vms.delete(authorized(&token, delete)).await.unwrap();
    let gone = vms
        .get(authorized(&token, v1::GetVmRequest { id }))
        .await
        .unwrap_err();
    assert_eq!(gone.code(), Code::NotFound);
}

#[tokio::test]
async fn grpc_asks_for_a_token_and_a_role() {
    let daemon = Daemon::start().await;
    let mut vms = VmServiceClient::new(channel(&daemon).await);
    let mut host = HostServiceClient::new(channel(&daemon).await);
    let nobody = vms
        .list(Request::new(v1::ListVmsRequest::default()))
        .await
        .unwrap_err();
    assert_eq!(nobody.code(), Code::Unauthenticated);
    let wrong = host
        .get(authorized("qxt_0123", v1::GetHostRequest {}))
        .await
        .unwrap_err();
    assert_eq!(wrong.code(), Code::Unauthenticated);
    let viewer = daemon.token(Role::Viewer).await;
    let seen = host
        .get(authorized(&viewer, v1::GetHostRequest {}))
        .await
        .unwrap();
    assert_eq!(seen.into_inner().product, "Quantix-OS");
    let wish = v1::CreateVmRequest {
        name: "a".into(),
        ..Default::default()
    };
    let refused = vms.create(authorized(&viewer, wish)).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
}

#[tokio::test]
async fn grpc_names_wrong_fields() {
    let daemon = Daemon::start().await;
    let token = daemon.token(Role::Operator).await;
    let mut vms = VmServiceClient::new(channel(&daemon).await);
    let wish = v1::CreateVmRequest {
        name: "-".into(),
        ..Default::default()
    };
    let refused = vms.create(authorized(&token, wish)).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(
        refused.message().starts_with("name "),
        "{}",
        refused.message()
    );
    let get = authorized(&token, v1::GetVmRequest { id: "42".into() });
    assert!(vms.get(get).await.unwrap_err().message().starts_with("id "));
}

#[tokio::test]
async fn a_serial_console_is_a_stream_both_ways() {
    let daemon = Daemon::start().await;
    let token = daemon.token(Role::Operator).await;
    let vm = daemon.vm("a").await;
    daemon.local().start_vm(vm.id).await.unwrap();
    let mut vms = VmServiceClient::new(channel(&daemon).await);
    let (sender, requests) = tokio::sync::mpsc::channel(4);
    let say = |message| v1::ConsoleRequest {
        message: Some(message),
    };
    sender
        .send(say(Message::VmId(vm.id.to_string())))
        .await
        .unwrap();
    sender
        .send(say(Message::Input(Bytes::from_static(b"marker"))))
        .await
        .unwrap();
    let request = authorized(&token, ReceiverStream::new(requests));
    let mut output = vms.console(request).await.unwrap().into_inner();
    let mut seen = Vec::new();
    while !seen.windows(6).any(|window| window == b"marker") {
        let next = tokio::time::timeout(Duration::from_secs(20), output.message()).await;
        seen.extend_from_slice(&next.unwrap().unwrap().unwrap().output);
    }
}

#[tokio::test]
async fn health_and_reflection_need_no_token() {
    let daemon = Daemon::start().await;
    let mut health = HealthClient::new(channel(&daemon).await);
    for service in ["", "quantix.v1.VmService", "quantix.v1.HostService"] {
        let request = HealthCheckRequest {
            service: service.to_owned(),
        };
        let answer = health.check(request).await.unwrap().into_inner();
        assert_eq!(answer.status, 1, "{service} does not serve");
    }
    let mut reflection = ServerReflectionClient::new(channel(&daemon).await);
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut answers = reflection
        .server_reflection_info(tokio_stream::once(request))
        .await
        .unwrap()
        .into_inner();
    let answer = answers
        .message()
        .await
        .unwrap()
        .unwrap()
        .message_response
        .unwrap();
    let MessageResponse::ListServicesResponse(list) = answer else {
        panic!("{answer:?}")
    };
    let names: Vec<String> = list
        .service
        .into_iter()
        .map(|service| service.name)
        .collect();
    assert!(
        names.contains(&"quantix.v1.VmService".to_owned()),
        "{names:?}"
    );
}

#[tokio::test]
async fn updates_are_read_and_watched_over_grpc() {
    let daemon = Daemon::start().await;
    let viewer = daemon.token(Role::Viewer).await;
    let mut updates = UpdateServiceClient::new(channel(&daemon).await);
    let seen = updates
        .get(authorized(&viewer, v1::GetUpdatesRequest {}))
        .await
        .unwrap()
        .into_inner();
    assert!(seen.unavailable.as_ref().unwrap().contains("no slots"));
    let watch = authorized(&viewer, v1::WatchUpdatesRequest {});
    let mut watched = updates.watch(watch).await.unwrap().into_inner();
    assert_eq!(watched.message().await.unwrap(), Some(seen.clone()));
    // A change that was asked for is a reason to look, also when it was refused.
    let admin = daemon.token(Role::Admin).await;
    let confirm = authorized(&admin, v1::ConfirmUpdateRequest {});
    updates.confirm(confirm).await.unwrap_err();
    let again = tokio::time::timeout(Duration::from_secs(30), watched.message());
    assert_eq!(again.await.unwrap().unwrap(), Some(seen));
}

#[tokio::test]
async fn changes_of_the_system_need_an_admin_and_an_installed_host_over_grpc() {
    let daemon = Daemon::start().await;
    let mut updates = UpdateServiceClient::new(channel(&daemon).await);
    let admin = daemon.token(Role::Admin).await;
    let operator = daemon.token(Role::Operator).await;
    for (token, code, words) in [
        (&admin, Code::FailedPrecondition, "no slots"),
        (&operator, Code::PermissionDenied, "needs the role admin"),
    ] {
        let pieces = [Sent::Piece(Bytes::from_static(b"bundle")), Sent::Offset(3)];
        let pieces = pieces.map(|piece| v1::UploadUpdateRequest {
            message: Some(piece),
        });
        let refused = [
            updates
                .upload(authorized(token, tokio_stream::iter(pieces)))
                .await
                .unwrap_err(),
            updates
                .reinstall(authorized(token, v1::ReinstallUpdateRequest {}))
                .await
                .unwrap_err(),
            updates
                .discard(authorized(token, v1::DiscardUpdateRequest {}))
                .await
                .unwrap_err(),
            updates
                .check(authorized(token, v1::CheckUpdateRequest {}))
                .await
                .unwrap_err(),
            updates
                .fetch(authorized(token, v1::FetchUpdateRequest {}))
                .await
                .unwrap_err(),
            updates
                .apply(authorized(token, v1::ApplyUpdateRequest { restart: true }))
                .await
                .unwrap_err(),
            updates
                .confirm(authorized(token, v1::ConfirmUpdateRequest {}))
                .await
                .unwrap_err(),
            updates
                .roll_back(authorized(
                    token,
                    v1::RollBackUpdateRequest { restart: true },
                ))
                .await
                .unwrap_err(),
        ];
        for error in refused {
            assert_eq!(error.code(), code, "{error}");
            assert!(error.message().contains(words), "{error}");
        }
    }
}

#[tokio::test]
async fn a_configuration_is_backed_up_over_grpc_and_a_reset_is_confirmed_by_name() {
    use qx_api::grpc::v1::back_up_host_request::Protection;

    let daemon = Daemon::start().await;
    let token = daemon.token(Role::Admin).await;
    let mut host = HostServiceClient::new(channel(&daemon).await);
    let unsaid = v1::BackUpHostRequest { protection: None };
    let refused = host.back_up(authorized(&token, unsaid)).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let wish = v1::BackUpHostRequest {
        protection: Some(Protection::Unencrypted(true)),
    };
    let mut pieces = host
        .back_up(authorized(&token, wish))
        .await
        .unwrap()
        .into_inner();
    let mut backup = Vec::new();
    while let Some(answer) = pieces.message().await.unwrap() {
        backup.extend_from_slice(&answer.piece);
    }
    assert!(backup.starts_with(b"backup.json\0") && backup.len() % 512 == 0);

    use v1::restore_host_request::Message as Restore;
    let options = Restore::Options(v1::RestoreHostOptions::default());
    let sent = [options, Restore::Piece(backup.into())].map(|message| v1::RestoreHostRequest {
        message: Some(message),
    });
    let restore = authorized(&token, tokio_stream::iter(sent));
    let refused = host.restore(restore).await.unwrap_err();
    assert!(
        refused.message().contains("needs an installed host"),
        "{refused}"
    );

    let reset = v1::ResetHostRequest {
        scope: v1::ResetScope::Everything.into(),
        confirm: "another host".into(),
    };
    let refused = host.reset(authorized(&token, reset)).await.unwrap_err();
    assert!(refused.message().contains("name of this host"), "{refused}");

    for (action, reason) in [
        (v1::HostPowerAction::Unspecified, "is required"),
        (v1::HostPowerAction::Reboot, "does not run on a host"),
    ] {
        let power = v1::SetHostPowerRequest {
            action: action.into(),
        };
        let refused = host.set_power(authorized(&token, power)).await.unwrap_err();
        assert!(refused.message().contains(reason), "{refused}");
    }
}
