//! Updates of the host's own system.

use bytes::Bytes;
use futures_util::Stream;
use http::Method;

use super::call::Body;
use super::{Client, Error, stream_body};
use crate::rest::{UpdateStart, Updates};

impl Client {
    /// Slots and updates.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn updates(&self) -> Result<Updates, Error> {
        self.json(Method::GET, "/api/v1/updates", Body::None).await
    }

    /// Writes a bundle to the slot that does not run: `content` is what follows its first `offset` bytes,
    /// and `size` bytes long. The answer comes when all of it was read back.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn upload_update(
        &self,
        offset: u64,
        size: u64,
        content: impl Stream<Item = std::io::Result<Bytes>> + Send + 'static,
    ) -> Result<Updates, Error> {
        let header = (offset > 0).then(|| ("Upload-Offset", offset.to_string()));
        let body = stream_body(size, header, content);
        self.json(Method::PUT, "/api/v1/updates/upload", body).await
    }

    /// Ends a transfer, or takes a version that only waits out of its slot.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn discard_update(&self) -> Result<Updates, Error> {
        self.json(Method::DELETE, "/api/v1/updates/upload", Body::None)
            .await
    }

    /// Begins to write the version that runs to the other slot; `transfer` tells how it goes on.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn reinstall_update(&self) -> Result<Updates, Error> {
        self.json(Method::POST, "/api/v1/updates/reinstall", Body::None)
            .await
    }

    /// Asks the feed what it has.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn check_update(&self) -> Result<Updates, Error> {
        self.json(Method::POST, "/api/v1/updates/check", Body::None)
            .await
    }

    /// Begins to write what the feed has to the other slot; `transfer` tells how it goes on.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn fetch_update(&self) -> Result<Updates, Error> {
        self.json(Method::POST, "/api/v1/updates/fetch", Body::None)
            .await
    }

    /// Starts the version in the other slot on trial.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn apply_update(&self, wish: &UpdateStart) -> Result<Updates, Error> {
        self.json(Method::POST, "/api/v1/updates/apply", Body::json(wish)?)
            .await
    }

    /// Keeps the version on trial.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn confirm_update(&self) -> Result<Updates, Error> {
        self.json(Method::POST, "/api/v1/updates/confirm", Body::None)
            .await
    }

    /// Goes back to the version in the other slot.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn roll_back_update(&self, wish: &UpdateStart) -> Result<Updates, Error> {
        self.json(Method::POST, "/api/v1/updates/rollback", Body::json(wish)?)
            .await
    }
}
