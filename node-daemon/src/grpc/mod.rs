//! gRPC: the same use cases as REST, for machines. Callers send an API token with each call; health and
//! reflection are open.

mod devices;
mod host;
mod metrics;
mod networks;
mod updates;
mod vms;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use qx_api::grpc::DESCRIPTORS;
use qx_api::grpc::v1::host_service_server::HostServiceServer;
use qx_api::grpc::v1::metrics_service_server::MetricsServiceServer;
use qx_api::grpc::v1::network_service_server::NetworkServiceServer;
use qx_api::grpc::v1::update_service_server::UpdateServiceServer;
use qx_api::grpc::v1::vm_service_server::VmServiceServer;
use tonic::Status;
use tonic::service::Routes;

use crate::app::App;
use crate::callers::{Caller, Peer, identify};
use crate::problem::Failure;
use crate::requests;

/// Everything that the gRPC port serves.
pub(crate) fn router(app: &App) -> anyhow::Result<Router> {
    let (reporter, health) = tonic_health::server::health_reporter();
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()?;
    let routes = Routes::new(HostServiceServer::new(host::HostApi { app: app.clone() }))
        .add_service(UpdateServiceServer::new(updates::UpdateApi {
            app: app.clone(),
        }))
        .add_service(NetworkServiceServer::new(networks::NetworkApi {
            app: app.clone(),
        }))
        .add_service(VmServiceServer::new(vms::VmApi { app: app.clone() }))
        .add_service(MetricsServiceServer::new(metrics::MetricsApi {
            app: app.clone(),
        }))
        .add_service(health)
        .add_service(reflection);
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
        reporter.set_serving::<VmServiceServer<vms::VmApi>>().await;
        reporter
            .set_serving::<MetricsServiceServer<metrics::MetricsApi>>()
            .await;
    });
    Ok(routes
        .prepare()
        .into_axum_router()
        .layer(from_fn_with_state(app.clone(), authenticate))
        .layer(from_fn(requests::around)))
}

async fn authenticate(
    State(app): State<App>,
    peer: Peer,
    mut request: Request,
    next: Next,
) -> Response {
    if request.uri().path().starts_with("/quantix.") {
        match identify(&app, peer, request.headers()) {
            // A cookie is for browsers, and there is no CSRF token here.
            Ok(caller) if caller.cookie.is_none() => {
                request.extensions_mut().insert(caller);
            }
            _ => return Status::unauthenticated(Failure::unauthorized().detail).into_http(),
        }
    }
    next.run(request).await
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

/// The status of a failed use case.
fn failed(error: impl Into<Failure>) -> Status {
    error.into().into()
}
