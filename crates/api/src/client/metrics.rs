//! Figures of the host and of VMs.

use http::Method;
use uuid::Uuid;

use super::call::Body;
use super::events::Messages;
use super::{Client, Error};
use crate::rest::{MetricsSample, MetricsSeries};

impl Client {
    /// The last `range_s` seconds of a VM, or of the host, in points of `step_s` seconds.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn metrics(
        &self,
        vm: Option<Uuid>,
        range_s: u64,
        step_s: Option<u64>,
    ) -> Result<MetricsSeries, Error> {
        let place = vm.map_or_else(|| "host".to_owned(), |id| format!("vms/{id}"));
        let step = step_s.map_or_else(String::new, |step| format!("&step_s={step}"));
        let path = format!("/api/v1/{place}/metrics?range_s={range_s}{step}");
        self.json(Method::GET, &path, Body::None).await
    }

    /// Each second's figures, from now on.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn live_metrics(&self) -> Result<Messages<MetricsSample>, Error> {
        self.messages("/api/v1/metrics").await
    }
}
