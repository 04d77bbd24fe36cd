//! Calls about storage pools and volumes.

use bytes::Bytes;
use futures_util::{Stream, TryStreamExt};
use http::Method;
use http::header::CONTENT_LENGTH;
use http_body_util::BodyDataStream;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use uuid::Uuid;

use super::call::Body;
use super::{Client, Error, stream_body};
use crate::rest::{
    Pool, PoolCreate, PoolDisk, PoolDiskPage, PoolFormat, PoolPage, PoolPatch, Task, Volume,
    VolumeCreate, VolumePage, VolumePatch,
};

fn volume_path(pool: Uuid, name: &str) -> String {
    let name = utf8_percent_encode(name, NON_ALPHANUMERIC);
    format!("/api/v1/pools/{pool}/volumes/{name}")
}

impl Client {
    /// All storage pools.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn pools(&self) -> Result<Vec<Pool>, Error> {
        let page: PoolPage = self.json(Method::GET, "/api/v1/pools", Body::None).await?;
        Ok(page.items)
    }

    /// One pool.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn pool(&self, id: Uuid) -> Result<Pool, Error> {
        self.json(Method::GET, &format!("/api/v1/pools/{id}"), Body::None)
            .await
    }

    /// Makes a pool.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn create_pool(&self, wish: &PoolCreate) -> Result<Pool, Error> {
        self.json(Method::POST, "/api/v1/pools", Body::json(wish)?)
            .await
    }

    /// The host's disks.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn pool_disks(&self) -> Result<Vec<PoolDisk>, Error> {
        let page: PoolDiskPage = self
            .json(Method::GET, "/api/v1/pools/disks", Body::None)
            .await?;
        Ok(page.items)
    }

    /// Begins to format a disk and make a pool of it.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn begin_format_pool(&self, wish: &PoolFormat) -> Result<Task, Error> {
        let body = Body::json(wish)?.with("Prefer", "respond-async".to_owned());
        self.json(Method::POST, "/api/v1/pools/format", body).await
    }

    /// Changes a pool.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn patch_pool(&self, id: Uuid, patch: &PoolPatch) -> Result<Pool, Error> {
        let path = format!("/api/v1/pools/{id}");
        self.json(Method::PATCH, &path, Body::json(patch)?).await
    }

    /// Forgets a pool; what is in it stays.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn delete_pool(&self, id: Uuid) -> Result<(), Error> {
        self.empty(Method::DELETE, &format!("/api/v1/pools/{id}"))
            .await
    }

    /// Makes a pool active.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn start_pool(&self, id: Uuid) -> Result<Pool, Error> {
        let path = format!("/api/v1/pools/{id}/start");
        self.json(Method::POST, &path, Body::None).await
    }

    /// Ends the use of a pool.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn stop_pool(&self, id: Uuid) -> Result<Pool, Error> {
        let path = format!("/api/v1/pools/{id}/stop");
        self.json(Method::POST, &path, Body::None).await
    }

    /// Looks at what is in a pool again.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn refresh_pool(&self, id: Uuid) -> Result<Pool, Error> {
        let path = format!("/api/v1/pools/{id}/refresh");
        self.json(Method::POST, &path, Body::None).await
    }

    /// The volumes of a pool.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn volumes(&self, pool: Uuid) -> Result<Vec<Volume>, Error> {
        let path = format!("/api/v1/pools/{pool}/volumes");
        let page: VolumePage = self.json(Method::GET, &path, Body::None).await?;
        Ok(page.items)
    }

    /// One volume.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn volume(&self, pool: Uuid, name: &str) -> Result<Volume, Error> {
        self.json(Method::GET, &volume_path(pool, name), Body::None)
            .await
    }

    /// Makes a volume.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn create_volume(&self, pool: Uuid, wish: &VolumeCreate) -> Result<Volume, Error> {
        let path = format!("/api/v1/pools/{pool}/volumes");
        self.json(Method::POST, &path, Body::json(wish)?).await
    }

    /// Begins to make a volume.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn begin_create_volume(
        &self,
        pool: Uuid,
        wish: &VolumeCreate,
    ) -> Result<Task, Error> {
        let path = format!("/api/v1/pools/{pool}/volumes");
        let body = Body::json(wish)?.with("Prefer", "respond-async".to_owned());
        self.json(Method::POST, &path, body).await
    }

    /// Makes a volume larger or smaller.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn patch_volume(
        &self,
        pool: Uuid,
        name: &str,
        patch: &VolumePatch,
    ) -> Result<Volume, Error> {
        self.json(Method::PATCH, &volume_path(pool, name), Body::json(patch)?)
            .await
    }

    /// Removes a volume.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn delete_volume(&self, pool: Uuid, name: &str) -> Result<(), Error> {
        self.empty(Method::DELETE, &volume_path(pool, name)).await
    }

    /// Makes a volume of `content`, `size` bytes; `format` is `qcow2` or `raw`.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn upload_volume(
        &self,
        (pool, name): (Uuid, &str),
        format: Option<&str>,
        (size, sha256): (u64, Option<&str>),
        content: impl Stream<Item = std::io::Result<Bytes>> + Send + 'static,
    ) -> Result<Volume, Error> {
        let header = sha256.map(|sha256| ("X-Checksum-SHA256", sha256.to_owned()));
        let mut path = format!("{}/content", volume_path(pool, name));
        if let Some(format) = format {
            path.push_str(&format!("?format={format}"));
        }
        self.json(Method::PUT, &path, stream_body(size, header, content))
            .await
    }

    /// A volume's bytes as they come, and how many there are.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn download_volume(
        &self,
        pool: Uuid,
        name: &str,
    ) -> Result<
        (
            u64,
            impl Stream<Item = std::io::Result<Bytes>> + Send + use<>,
        ),
        Error,
    > {
        let path = format!("{}/content", volume_path(pool, name));
        let response = self.send(Method::GET, &path, "*/*", Body::None).await?;
        let response = self.checked(response).await?;
        let length = response.headers().get(CONTENT_LENGTH);
        let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
        let content = BodyDataStream::new(response.into_body()).map_err(std::io::Error::other);
        Ok((length.unwrap_or_default(), content))
    }
}
