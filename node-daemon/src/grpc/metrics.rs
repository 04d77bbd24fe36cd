//! Figures over gRPC.

use std::pin::Pin;
use std::sync::Arc;

use futures_util::Stream;
use qx_api::grpc::convert::uuid;
use qx_api::grpc::v1;
use qx_api::grpc::v1::metrics_service_server::MetricsService;
use qx_api::rest;
use qx_engine::metrics::Sample;
use qx_model::vm::VmId;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tonic::{Request, Response, Status};

use super::{caller, failed, refused};
use crate::app::App;
use crate::callers::Caller;
use crate::convert;

/// Answers `quantix.v1.MetricsService`.
pub(super) struct MetricsApi {
    pub(super) app: App,
}

#[tonic::async_trait]
impl MetricsService for MetricsApi {
    async fn get_series(
        &self,
        request: Request<v1::GetSeriesRequest>,
    ) -> Result<Response<v1::MetricsSeries>, Status> {
        let actor = caller(&request)?.identity.actor;
        let wish = request.into_inner();
        let metrics = &self.app.engine.metrics;
        let series = match wish.vm_id {
            None => metrics.of_host(&actor, wish.range_s, wish.step_s).await,
            Some(id) => {
                let id = uuid("vm_id", &id).map_err(refused)?;
                let (range, step) = (wish.range_s, wish.step_s);
                metrics.of_vm(&actor, VmId(id), range, step).await
            }
        };
        let series = series.map_err(failed)?;
        Ok(Response::new(v1::MetricsSeries {
            start_s: series.start.as_second(),
            step_s: series.step_s,
            points: series
                .points
                .iter()
                .map(|point| values(convert::values(point)))
                .collect(),
        }))
    }

    type FollowStream =
        Pin<Box<dyn Stream<Item = Result<v1::MetricsSample, Status>> + Send + 'static>>;

    async fn follow(
        &self,
        request: Request<v1::FollowMetricsRequest>,
    ) -> Result<Response<Self::FollowStream>, Status> {
        let caller = caller(&request)?;
        let live = self.app.engine.metrics.live(&caller.identity.actor);
        let feed = (self.app.clone(), caller, live.map_err(failed)?);
        let samples = futures_util::stream::unfold(feed, async |(app, mut caller, mut live)| {
            let sample = next(&app, &mut caller, &mut live).await?;
            Some((Ok(sample_of(&sample)), (app, caller, live)))
        });
        Ok(Response::new(Box::pin(samples)))
    }
}

async fn next(
    app: &App,
    caller: &mut Caller,
    live: &mut Receiver<Arc<Sample>>,
) -> Option<Arc<Sample>> {
    loop {
        let received = tokio::select! {
            biased;
            () = caller.identity.validity.ended() => return None,
            () = app.closing() => return None,
            received = live.recv() => received,
        };
        match received {
            Ok(sample) => return Some(sample),
            // What was missed is not true any more anyway.
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return None,
        }
    }
}

fn sample_of(sample: &Sample) -> v1::MetricsSample {
    v1::MetricsSample {
        time_ms: sample.time.as_millisecond(),
        host: Some(values(convert::values(&sample.host))),
        vms: sample
            .vms
            .iter()
            .map(|(id, of_vm)| v1::VmMetrics {
                id: id.to_string(),
                values: Some(values(convert::values(of_vm))),
            })
            .collect(),
    }
}

fn values(values: rest::MetricsValues) -> v1::MetricsValues {
    v1::MetricsValues {
        cpu_cores: values.cpu_cores,
        memory_bytes: values.memory_bytes,
        disk_read_bytes_per_s: values.disk_read_bytes_per_s,
        disk_write_bytes_per_s: values.disk_write_bytes_per_s,
        disk_reads_per_s: values.disk_reads_per_s,
        disk_writes_per_s: values.disk_writes_per_s,
        net_rx_bytes_per_s: values.net_rx_bytes_per_s,
        net_tx_bytes_per_s: values.net_tx_bytes_per_s,
    }
}
