//! The host's services, its certificate, and the support bundle.

use axum::extract::State;
use axum::response::IntoResponse;
use qx_api::rest::{HostCertificate, HostCertificatePut, HostService, HostServiceList};

use super::host_state::attachment;
use crate::app::App;
use crate::callers::Caller;
use crate::extract::{Json, ServicePath};
use crate::problem::Failure;
use crate::{convert, documents};

pub(super) async fn services(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<HostServiceList>, Failure> {
    let services = app.engine.services.list(&caller.identity.actor).await?;
    Ok(Json(HostServiceList {
        items: services.into_iter().map(convert::service).collect(),
    }))
}

pub(super) async fn restart(
    State(app): State<App>,
    caller: Caller,
    ServicePath(name): ServicePath,
) -> Result<Json<HostService>, Failure> {
    let (services, actor) = (&app.engine.services, &caller.identity.actor);
    let restarted = services.restart(actor, &name).await?;
    Ok(Json(convert::service(restarted)))
}

pub(super) async fn certificate(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<HostCertificate>, Failure> {
    let found = app.engine.certificate.get(&caller.identity.actor)?;
    Ok(Json(convert::certificate(found)))
}

pub(super) async fn put_certificate(
    State(app): State<App>,
    caller: Caller,
    Json(wish): Json<HostCertificatePut>,
) -> Result<Json<HostCertificate>, Failure> {
    let (certificate, actor) = (&app.engine.certificate, &caller.identity.actor);
    let served = certificate
        .replace(actor, wish.certificate, wish.key)
        .await?;
    Ok(Json(convert::certificate(served)))
}

pub(super) async fn regenerate_certificate(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<HostCertificate>, Failure> {
    let (certificate, actor) = (&app.engine.certificate, &caller.identity.actor);
    let served = certificate.regenerate(actor).await?;
    Ok(Json(convert::certificate(served)))
}

pub(super) async fn support_bundle(
    State(app): State<App>,
    caller: Caller,
) -> Result<impl IntoResponse, Failure> {
    let actor = &caller.identity.actor;
    let documents = documents::all(&app, actor);
    let support = &app.engine.support;
    let bundle = support.bundle(actor, &app.hostname(), documents).await?;
    Ok(attachment(&bundle.name, bundle.bytes))
}
