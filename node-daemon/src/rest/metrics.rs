//! Figures of the host and of VMs: the past, the present, and counters for Prometheus.

use std::sync::Arc;

use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use qx_api::rest;
use qx_engine::metrics::Sample;
use serde::Deserialize;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::stream::{self, Source, Step};
use crate::app::App;
use crate::callers::Caller;
use crate::convert;
use crate::extract::{Id, Json, Query};
use crate::problem::Failure;
use crate::prometheus;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SeriesQuery {
    range_s: Option<u64>,
    step_s: Option<u64>,
}

pub(super) async fn of_host(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<SeriesQuery>,
) -> Result<Json<rest::MetricsSeries>, Failure> {
    let metrics = &app.engine.metrics;
    let actor = &caller.identity.actor;
    let series = metrics.of_host(actor, query.range_s, query.step_s).await?;
    Ok(Json(convert::series(&series)))
}

pub(super) async fn of_vm(
    State(app): State<App>,
    caller: Caller,
    id: Id,
    Query(query): Query<SeriesQuery>,
) -> Result<Json<rest::MetricsSeries>, Failure> {
    let metrics = &app.engine.metrics;
    let actor = &caller.identity.actor;
    let series = metrics
        .of_vm(actor, id.vm(), query.range_s, query.step_s)
        .await?;
    Ok(Json(convert::series(&series)))
}

pub(super) async fn follow(
    State(app): State<App>,
    caller: Caller,
    websocket: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Failure> {
    let live = app.engine.metrics.live(&caller.identity.actor)?;
    let validity = caller.identity.validity;
    Ok(stream::answer(app, validity, Seconds(live), websocket))
}

/// One second after the other. Who misses some has missed nothing that is still true.
struct Seconds(Receiver<Arc<Sample>>);

impl Source for Seconds {
    type Item = rest::MetricsSample;

    async fn next(&mut self) -> Step<rest::MetricsSample> {
        loop {
            match self.0.recv().await {
                Ok(sample) => return Step::Item(convert::sample(&sample)),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return Step::End,
            }
        }
    }

    fn id(_: &rest::MetricsSample) -> Option<String> {
        None
    }
}

pub(super) async fn scrape(
    State(app): State<App>,
    caller: Caller,
) -> Result<impl IntoResponse, Failure> {
    let counters = app.engine.metrics.counters(&caller.identity.actor)?;
    let text = prometheus::text(&counters, env!("CARGO_PKG_VERSION"));
    Ok(([(CONTENT_TYPE, prometheus::CONTENT_TYPE)], text))
}
