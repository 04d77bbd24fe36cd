//! The host over gRPC.

use std::io;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, stream};
use qx_api::grpc::v1;
use qx_api::grpc::v1::back_up_host_request::Protection;
use qx_api::grpc::v1::host_service_server::HostService;
use qx_api::grpc::v1::restore_host_request::Message;
use qx_engine::certificate::Certificate;
use qx_host::pending::{RestoreOptions, Scope};
use qx_host::power::PowerAction;
use tonic::{Request, Response, Status, Streaming};

use super::{caller, failed};
use crate::app::App;
use crate::problem::Failure;
use crate::rest::{protection, read_host};
use crate::{convert, documents};

/// Bytes of one answer of a stream.
const PIECE: usize = 64 << 10;
/// An upload that brings nothing for this long has broken off.
const STALLED: Duration = Duration::from_secs(60);

/// Answers `quantix.v1.HostService`.
pub(super) struct HostApi {
    pub(super) app: App,
}

#[tonic::async_trait]
impl HostService for HostApi {
    async fn get(
        &self,
        request: Request<v1::GetHostRequest>,
    ) -> Result<Response<v1::Host>, Status> {
        let caller = caller(&request)?;
        let host = read_host(&self.app, &caller.identity.actor).await?;
        Ok(Response::new(host.into()))
    }

    type BackUpStream =
        Pin<Box<dyn Stream<Item = Result<v1::BackUpHostResponse, Status>> + Send + 'static>>;

    async fn back_up(
        &self,
        request: Request<v1::BackUpHostRequest>,
    ) -> Result<Response<Self::BackUpStream>, Status> {
        let actor = caller(&request)?.identity.actor;
        let (passphrase, unencrypted) = match request.into_inner().protection {
            Some(Protection::Passphrase(passphrase)) => (Some(passphrase), false),
            Some(Protection::Unencrypted(unencrypted)) => (None, unencrypted),
            None => (None, false),
        };
        let host = &self.app.engine.host;
        let maker = host.maker(&actor, self.app.hostname()).map_err(failed)?;
        let protection = protection(passphrase, unencrypted)?;
        let file = host
            .backup(&actor, protection, maker)
            .await
            .map_err(failed)?;
        let pieces = in_pieces(file.bytes).map(|piece| Ok(v1::BackUpHostResponse { piece }));
        Ok(Response::new(Box::pin(stream::iter(pieces))))
    }

    async fn restore(
        &self,
        request: Request<Streaming<v1::RestoreHostRequest>>,
    ) -> Result<Response<v1::RestoreHostResponse>, Status> {
        let actor = caller(&request)?.identity.actor;
        let mut input = request.into_inner();
        let first = input.message().await?.and_then(|first| first.message);
        let Some(Message::Options(wish)) = first else {
            return Err(Failure::field("options", "must be in the first request").into());
        };
        let options = RestoreOptions {
            skip_network: wish.skip_network,
            same_machine: wish.same_machine,
        };
        let host = &self.app.engine.host;
        let done = host
            .restore(&actor, pieces(input), wish.passphrase, options)
            .await
            .map_err(failed)?;
        Ok(Response::new(v1::RestoreHostResponse {
            hostname: done.hostname,
            made_by: done.made_by,
            made_at: done.made_at.to_string(),
            version: done.version,
            signed_by: done.signed_by,
            notes: done.notes,
        }))
    }

    async fn reset(
        &self,
        request: Request<v1::ResetHostRequest>,
    ) -> Result<Response<v1::ResetHostResponse>, Status> {
        let actor = caller(&request)?.identity.actor;
        let wish = request.into_inner();
        let scope = match wish.scope() {
            v1::ResetScope::Configuration => Scope::Configuration,
            v1::ResetScope::Everything => Scope::Everything,
            v1::ResetScope::Unspecified => {
                return Err(Failure::field("scope", "is required").into());
            }
        };
        let hostname = self.app.hostname();
        let host = &self.app.engine.host;
        host.reset(&actor, scope, &wish.confirm, &hostname)
            .await
            .map_err(failed)?;
        Ok(Response::new(v1::ResetHostResponse {}))
    }

    async fn set_power(
        &self,
        request: Request<v1::SetHostPowerRequest>,
    ) -> Result<Response<v1::SetHostPowerResponse>, Status> {
        let actor = caller(&request)?.identity.actor;
        let action = match request.into_inner().action() {
            v1::HostPowerAction::Reboot => PowerAction::Reboot,
            v1::HostPowerAction::Shutdown => PowerAction::Off,
            v1::HostPowerAction::Unspecified => {
                return Err(Failure::field("action", "is required").into());
            }
        };
        let host = &self.app.engine.host;
        host.power(&actor, action).await.map_err(failed)?;
        Ok(Response::new(v1::SetHostPowerResponse {}))
    }

    async fn get_log(
        &self,
        request: Request<v1::GetHostLogRequest>,
    ) -> Result<Response<v1::HostLog>, Status> {
        let actor = caller(&request)?.identity.actor;
        let asked = request.into_inner();
        let log = convert::log_of_grpc(asked.log());
        let wish = convert::log_wish(log, asked.lines, asked.contains);
        let lines = self.app.engine.logs.newest(&actor, wish).await;
        let log = convert::log_to_grpc(log).into();
        Ok(Response::new(v1::HostLog {
            log,
            lines: lines.map_err(failed)?,
        }))
    }

    type FollowLogStream =
        Pin<Box<dyn Stream<Item = Result<v1::HostLog, Status>> + Send + 'static>>;

    async fn follow_log(
        &self,
        request: Request<v1::FollowHostLogRequest>,
    ) -> Result<Response<Self::FollowLogStream>, Status> {
        let caller = caller(&request)?;
        let asked = request.into_inner();
        let log = convert::log_of_grpc(asked.log());
        let wish = convert::log_wish(log, asked.lines, asked.contains);
        let logs = &self.app.engine.logs;
        let lines = logs.follow(&caller.identity.actor, wish).await;
        let log = convert::log_to_grpc(log).into();
        let feed = (self.app.clone(), caller, lines.map_err(failed)?);
        let pieces = stream::unfold(feed, move |(app, mut caller, mut lines)| async move {
            let more = tokio::select! {
                biased;
                () = caller.identity.validity.ended() => None,
                () = app.closing() => None,
                more = lines.recv() => more,
            };
            let piece = v1::HostLog { log, lines: more? };
            Some((Ok(piece), (app, caller, lines)))
        });
        Ok(Response::new(Box::pin(pieces)))
    }

    async fn list_services(
        &self,
        request: Request<v1::ListServicesRequest>,
    ) -> Result<Response<v1::ListServicesResponse>, Status> {
        let actor = caller(&request)?.identity.actor;
        let found = self.app.engine.services.list(&actor).await;
        let services = found.map_err(failed)?.into_iter();
        Ok(Response::new(v1::ListServicesResponse {
            services: services
                .map(|service| convert::service(service).into())
                .collect(),
        }))
    }

    async fn restart_service(
        &self,
        request: Request<v1::RestartServiceRequest>,
    ) -> Result<Response<v1::Service>, Status> {
        let actor = caller(&request)?.identity.actor;
        let name = request.into_inner().name;
        let restarted = self.app.engine.services.restart(&actor, &name).await;
        let service = convert::service(restarted.map_err(failed)?);
        Ok(Response::new(service.into()))
    }

    async fn get_certificate(
        &self,
        request: Request<v1::GetCertificateRequest>,
    ) -> Result<Response<v1::Certificate>, Status> {
        let actor = caller(&request)?.identity.actor;
        certificate(self.app.engine.certificate.get(&actor))
    }

    async fn set_certificate(
        &self,
        request: Request<v1::SetCertificateRequest>,
    ) -> Result<Response<v1::Certificate>, Status> {
        let actor = caller(&request)?.identity.actor;
        let wish = request.into_inner();
        let served = &self.app.engine.certificate;
        certificate(served.replace(&actor, wish.certificate, wish.key).await)
    }

    async fn regenerate_certificate(
        &self,
        request: Request<v1::RegenerateCertificateRequest>,
    ) -> Result<Response<v1::Certificate>, Status> {
        let actor = caller(&request)?.identity.actor;
        certificate(self.app.engine.certificate.regenerate(&actor).await)
    }

    type GetSupportBundleStream =
        Pin<Box<dyn Stream<Item = Result<v1::GetSupportBundleResponse, Status>> + Send + 'static>>;

    async fn get_support_bundle(
        &self,
        request: Request<v1::GetSupportBundleRequest>,
    ) -> Result<Response<Self::GetSupportBundleStream>, Status> {
        let actor = caller(&request)?.identity.actor;
        let hostname = self.app.hostname();
        let documents = documents::all(&self.app, &actor);
        let support = &self.app.engine.support;
        let bundle = support.bundle(&actor, &hostname, documents).await;
        let pieces = in_pieces(bundle.map_err(failed)?.bytes)
            .map(|piece| Ok(v1::GetSupportBundleResponse { piece }));
        Ok(Response::new(Box::pin(stream::iter(pieces))))
    }
}

fn certificate(
    outcome: qx_engine::Result<Certificate>,
) -> Result<Response<v1::Certificate>, Status> {
    let certificate = convert::certificate(outcome.map_err(failed)?);
    Ok(Response::new(certificate.into()))
}

/// A file, as it is sent.
fn in_pieces(bytes: Vec<u8>) -> impl Iterator<Item = Bytes> + Send {
    let mut rest = Bytes::from(bytes);
    std::iter::from_fn(move || {
        let piece = rest.split_to(rest.len().min(PIECE));
        (!piece.is_empty()).then_some(piece)
    })
}

/// What the caller sends, as it arrives.
fn pieces(
    input: Streaming<v1::RestoreHostRequest>,
) -> impl Stream<Item = io::Result<Bytes>> + Send {
    stream::try_unfold(input, |mut input| async move {
        let message = tokio::time::timeout(STALLED, input.message())
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
            .map_err(io::Error::other)?;
        match message.map(|request| request.message) {
            Some(Some(Message::Piece(piece))) => Ok(Some((piece, input))),
            Some(_) => Err(io::Error::other("every request but the first has a piece")),
            None => Ok(None),
        }
    })
}
