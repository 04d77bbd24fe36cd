//! gRPC: the same use cases as REST, for machines. Callers send an API token with each call; health and
//! reflection are open.

mod access;
mod devices;
mod events;
mod guests;
mod host;
mod host_config;
mod host_network;
mod metrics;
mod networks;
mod snapshots;
mod storage;
mod tasks;
mod updates;
mod vms;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use qx_api::grpc::DESCRIPTORS;
use qx_api::grpc::v1::audit_service_server::AuditServiceServer;
use qx_api::grpc::v1::event_service_server::EventServiceServer;
use qx_api::grpc::v1::guest_service_server::GuestServiceServer;
use qx_api::grpc::v1::host_config_service_server::HostConfigServiceServer;
use qx_api::grpc::v1::host_network_service_server::HostNetworkServiceServer;
use qx_api::grpc::v1::host_service_server::HostServiceServer;
use qx_api::grpc::v1::metrics_service_server::MetricsServiceServer;
use qx_api::grpc::v1::network_service_server::NetworkServiceServer;
use qx_api::grpc::v1::pool_service_server::PoolServiceServer;
use qx_api::grpc::v1::snapshot_service_server::SnapshotServiceServer;
use qx_api::grpc::v1::task_service_server::TaskServiceServer;
use qx_api::grpc::v1::token_service_server::TokenServiceServer;
use qx_api::grpc::v1::update_service_server::UpdateServiceServer;
use qx_api::grpc::v1::user_service_server::UserServiceServer;
use qx_api::grpc::v1::vm_service_server::VmServiceServer;
use qx_api::grpc::v1::volume_service_server::VolumeServiceServer;
use qx_api::{rest, rpcs};
use tonic::Status;
use tonic::service::Routes;

use crate::app::App;
use crate::callers::{Caller, Peer, identify};
use crate::problem::Failure;
use crate::requests;

/// Everything that the gRPC port serves.
pub(crate) fn router(app: &App) -> anyhow::Result<Router> {
    let (reporter, health) = tonic_health::server::health_reporter();
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let access = access::AccessApi { app: app.clone() };
    let routes = Routes::new(HostServiceServer::new(host::HostApi { app: app.clone() }))
        .add_service(UpdateServiceServer::new(updates::UpdateApi {
            app: app.clone(),
        }))
        .add_service(NetworkServiceServer::new(networks::NetworkApi {
            app: app.clone(),
        }))
        .add_service(HostConfigServiceServer::new(host_config::HostConfigApi {
            app: app.clone(),
        }))
        .add_service(HostNetworkServiceServer::new(
            host_network::HostNetworkApi { app: app.clone() },
        ))
        .add_service(PoolServiceServer::new(storage::StorageApi {
            app: app.clone(),
        }))
        .add_service(VolumeServiceServer::new(storage::StorageApi {
            app: app.clone(),
        }))
        .add_service(TaskServiceServer::new(tasks::TaskApi { app: app.clone() }))
        .add_service(GuestServiceServer::new(guests::GuestApi {
            app: app.clone(),
        }))
        .add_service(SnapshotServiceServer::new(snapshots::SnapshotApi {
            app: app.clone(),
        }))
        .add_service(VmServiceServer::new(vms::VmApi { app: app.clone() }))
        .add_service(MetricsServiceServer::new(metrics::MetricsApi {
            app: app.clone(),
        }))
        .add_service(UserServiceServer::new(access.clone()))
        .add_service(TokenServiceServer::new(access.clone()))
        .add_service(AuditServiceServer::new(access))
        .add_service(EventServiceServer::new(events::EventApi {
            app: app.clone(),
        }))
        .add_service(health)
        .add_service(reflection().build_v1()?)
        // What clients in other languages still ask for, Python's own among them.
        .add_service(reflection().build_v1alpha()?);
    tokio::spawn(async move {
        reporter
            .set_serving::<HostServiceServer<host::HostApi>>()
            .await;
        reporter
            .set_serving::<UpdateServiceServer<updates::UpdateApi>>()
            .await;
        reporter
            .set_serving::<NetworkServiceServer<networks::NetworkApi>>()
            .await;
        reporter
            .set_serving::<HostConfigServiceServer<host_config::HostConfigApi>>()
            .await;
        reporter
            .set_serving::<HostNetworkServiceServer<host_network::HostNetworkApi>>()
            .await;
        reporter
            .set_serving::<PoolServiceServer<storage::StorageApi>>()
            .await;
        reporter
            .set_serving::<VolumeServiceServer<storage::StorageApi>>()
            .await;
        reporter
            .set_serving::<TaskServiceServer<tasks::TaskApi>>()
            .await;
        reporter
            .set_serving::<GuestServiceServer<guests::GuestApi>>()
            .await;
        reporter
            .set_serving::<SnapshotServiceServer<snapshots::SnapshotApi>>()
            .await;
        reporter.set_serving::<VmServiceServer<vms::VmApi>>().await;
        reporter
            .set_serving::<MetricsServiceServer<metrics::MetricsApi>>()
            .await;
        reporter
            .set_serving::<UserServiceServer<access::AccessApi>>()
            .await;
        reporter
            .set_serving::<TokenServiceServer<access::AccessApi>>()
            .await;
        reporter
            .set_serving::<AuditServiceServer<access::AccessApi>>()
            .await;
        reporter
            .set_serving::<EventServiceServer<events::EventApi>>()
            .await;
    });
    Ok(routes
        .prepare()
        .into_axum_router()
        .layer(from_fn_with_state(app.clone(), guard))
        .layer(from_fn(requests::around)))
}

/// Who calls, and whether their role allows it: before a message is looked at. The engine authorises again when
/// it acts.
async fn guard(State(app): State<App>, peer: Peer, mut request: Request, next: Next) -> Response {
    if request.uri().path().starts_with("/quantix.") {
        match admit(&app, peer, &request) {
            Ok(caller) => request.extensions_mut().insert(caller),
            Err(refused) => return refused.into_http(),
        };
    }
    next.run(request).await
}

fn admit(app: &App, peer: Peer, request: &Request) -> Result<Caller, Status> {
    let caller = identify(app, peer, request.headers())?;
    // A cookie is for browsers, and there is no CSRF token here.
    if caller.cookie.is_some() {
        return Err(Failure::unauthorized().into());
    }
    let path = request.uri().path();
    let Some(operation) = rpcs::operation(path) else {
        return Err(Status::unimplemented(format!("there is no method {path}")));
    };
    let audit = &app.engine.audit;
    let permitted = audit.permit(&caller.identity.actor, operation, path);
    permitted.map_err(failed)?;
    Ok(caller)
}

/// Who calls.
fn caller<T>(request: &tonic::Request<T>) -> Result<Caller, Status> {
    let caller = request.extensions().get::<Caller>().cloned();
    caller.ok_or_else(|| Status::unauthenticated(Failure::unauthorized().detail))
}

impl From<Failure> for Status {
    fn from(failure: Failure) -> Self {
        use axum::http::StatusCode as Http;
        let code = match failure.status {
            Http::UNAUTHORIZED => tonic::Code::Unauthenticated,
            Http::FORBIDDEN => tonic::Code::PermissionDenied,
            Http::NOT_FOUND => tonic::Code::NotFound,
            Http::PRECONDITION_FAILED => tonic::Code::Aborted,
            Http::CONFLICT => tonic::Code::FailedPrecondition,
            Http::UNPROCESSABLE_ENTITY => tonic::Code::InvalidArgument,
            Http::INSUFFICIENT_STORAGE | Http::TOO_MANY_REQUESTS => tonic::Code::ResourceExhausted,
            Http::SERVICE_UNAVAILABLE => tonic::Code::Unavailable,
            _ => tonic::Code::Internal,
        };
        failure.log();
        let mut message = failure.detail;
        if failure.errors.len() > 1 {
            for error in &failure.errors {
                message.push_str(&format!("\n{}: {}", error.field, error.reason));
            }
        }
        Self::new(code, message)
    }
}

/// A field that is wrong.
fn refused(problem: rest::FieldProblem) -> Status {
    Failure::fields(vec![problem]).into()
}

/// How many a page of a list has.
fn page_size(asked: Option<u32>) -> Result<usize, Status> {
    match asked {
        None => Ok(100),
        Some(size @ 1..=1000) => Ok(size as usize),
        Some(_) => Err(Failure::field("page_size", "must be 1 to 1000").into()),
    }
}

/// The status of a failed use case.
fn failed(error: impl Into<Failure>) -> Status {
    error.into().into()
}
