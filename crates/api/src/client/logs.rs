//! The host's logs.

use http::Method;
use percent_encoding::NON_ALPHANUMERIC;

use super::call::Body;
use super::events::Messages;
use super::{Client, Error};
use crate::rest::{HostLog, HostLogName};

impl Client {
    /// The newest `lines` lines of a log that contain a text; an empty one is in each.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn host_log(
        &self,
        log: HostLogName,
        lines: u32,
        contains: &str,
    ) -> Result<HostLog, Error> {
        let path = format!("/api/v1/host/logs?{}", query(log, lines, contains));
        self.json(Method::GET, &path, Body::None).await
    }

    /// Those, and then the lines that are added.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn follow_host_log(
        &self,
        log: HostLogName,
        lines: u32,
        contains: &str,
    ) -> Result<Messages<HostLog>, Error> {
        let query = query(log, lines, contains);
        self.messages(&format!("/api/v1/host/logs/follow?{query}"))
            .await
    }
}

fn query(log: HostLogName, lines: u32, contains: &str) -> String {
    let contains = percent_encoding::utf8_percent_encode(contains, NON_ALPHANUMERIC);
    format!("log={}&lines={lines}&contains={contains}", log.as_str())
}
