//! What the API tells of this host, as files of the support bundle.

use axum::http::StatusCode;
use qx_api::rest;
use qx_host::support::Part;
use qx_model::access::Actor;
use serde::Serialize;

use crate::app::App;
use crate::convert;
use crate::problem::Failure;
use crate::rest::{read_host, updates};

/// Most that is taken of a list.
const MOST: usize = 1000;

/// All of them; in the place of one that can't be had is the reason.
pub(crate) async fn all(app: &App, actor: &Actor) -> Vec<Part> {
    let engine = &app.engine;
    vec![
        part("host", read_host(app, actor).await),
        part("updates", updates::read(app, actor).await),
        part(
            "config",
            engine
                .host_config
                .get(actor)
                .await
                .map(convert::host_config),
        ),
        part(
            "network",
            engine
                .host_network
                .get(actor)
                .await
                .map(convert::host_network),
        ),
        part(
            "certificate",
            engine.certificate.get(actor).map(convert::certificate),
        ),
        part(
            "services",
            listed(engine.services.list(actor).await, convert::service),
        ),
        part(
            "vms",
            engine.vms.list(actor, None, MOST).await.map(|page| {
                let vms = page.items.into_iter().map(|vm| (*vm).clone().into());
                vms.collect::<Vec<rest::Vm>>()
            }),
        ),
        part(
            "networks",
            listed(engine.networks.list(actor).await, convert::network),
        ),
        part(
            "bridges",
            listed(engine.networks.bridges(actor).await, convert::bridge),
        ),
        part(
            "pools",
            listed(engine.pools.list(actor).await, convert::pool),
        ),
        part(
            "images",
            listed(engine.images.list(actor).await, rest::Image::from),
        ),
        part(
            "tasks",
            engine.tasks.list(actor, None, MOST).await.map(|page| {
                let tasks = page.items.into_iter();
                tasks
                    .map(|task| convert::task(task, None))
                    .collect::<Vec<_>>()
            }),
        ),
        part(
            "audit",
            engine
                .audit
                .list(actor, None, MOST)
                .await
                .map(|(entries, _)| {
                    let entries = entries.into_iter().map(convert::audit_entry);
                    entries.collect::<Vec<_>>()
                }),
        ),
    ]
}

fn listed<T, U>(
    found: qx_engine::Result<Vec<T>>,
    wire: impl FnMut(T) -> U,
) -> qx_engine::Result<Vec<U>> {
    found.map(|items| items.into_iter().map(wire).collect())
}

fn part<E: Into<Failure>>(name: &str, document: Result<impl Serialize, E>) -> Part {
    let text = document.map_err(Into::into).and_then(|document| {
        serde_json::to_string_pretty(&document)
            .map_err(|error| Failure::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
    });
    Part {
        path: format!("api/{name}.json"),
        text: text
            .unwrap_or_else(|failure: Failure| format!("not to be had: {}\n", failure.detail)),
    }
}
