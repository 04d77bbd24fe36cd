//! Guests over gRPC.

use qx_api::grpc::convert::uuid;
use qx_api::grpc::v1;
use qx_api::grpc::v1::guest_service_server::GuestService;
use qx_api::rest;
use qx_engine::Vms;
use qx_engine::tasks::Started;
use qx_model::access::Actor;
use qx_model::guest::{ExecSpec, PasswordSpec};
use qx_model::vm::VmId;
use tonic::{Request, Response, Status};

use super::{caller, failed};
use crate::app::App;
use crate::convert;
use crate::problem::Failure;
use crate::rest::guest::nanoseconds;

/// Answers `quantix.v1.GuestService`.
pub(super) struct GuestApi {
    pub(super) app: App,
}

type Answer<T> = Result<Response<T>, Status>;

impl GuestApi {
    /// Who asks, and about which VM.
    fn about<T>(&self, request: &Request<T>, vm: &str) -> Result<(Actor, &Vms, VmId), Status> {
        let actor = caller(request)?.identity.actor;
        let refused = |problem: rest::FieldProblem| Status::from(Failure::fields(vec![problem]));
        let id = uuid("vm", vm).map(VmId).map_err(refused)?;
        Ok((actor, &self.app.engine.vms, id))
    }
}

fn begun(started: Started<()>) -> Response<v1::Task> {
    Response::new(convert::task(started.task, None).into())
}

#[tonic::async_trait]
impl GuestService for GuestApi {
    async fn ping(&self, request: Request<v1::PingGuestRequest>) -> Answer<v1::PingGuestResponse> {
        let (actor, vms, id) = self.about(&request, &request.get_ref().vm)?;
        vms.ping_guest(&actor, id).await.map_err(failed)?;
        Ok(Response::new(v1::PingGuestResponse {}))
    }

    async fn get(&self, request: Request<v1::GetGuestRequest>) -> Answer<v1::Guest> {
        let (actor, vms, id) = self.about(&request, &request.get_ref().vm)?;
        let guest = vms.guest(&actor, id).await.map_err(failed)?;
        Ok(Response::new(rest::GuestInfo::from(guest).into()))
    }

    async fn list_addresses(
        &self,
        request: Request<v1::ListGuestAddressesRequest>,
    ) -> Answer<v1::ListGuestAddressesResponse> {
        let (actor, vms, id) = self.about(&request, &request.get_ref().vm)?;
        let found = vms.guest_interfaces(&actor, id).await.map_err(failed)?;
        let found = found.into_iter().map(rest::GuestInterface::from);
        Ok(Response::new(v1::ListGuestAddressesResponse {
            interfaces: found.map(Into::into).collect(),
        }))
    }

    async fn list_filesystems(
        &self,
        request: Request<v1::ListGuestFilesystemsRequest>,
    ) -> Answer<v1::ListGuestFilesystemsResponse> {
        let (actor, vms, id) = self.about(&request, &request.get_ref().vm)?;
        let found = vms.guest_filesystems(&actor, id).await.map_err(failed)?;
        let found = found.into_iter().map(rest::GuestFilesystem::from);
        Ok(Response::new(v1::ListGuestFilesystemsResponse {
            filesystems: found.map(Into::into).collect(),
        }))
    }

    async fn exec(&self, request: Request<v1::GuestExecRequest>) -> Answer<v1::GuestExecResponse> {
        let (actor, vms, id) = self.about(&request, &request.get_ref().vm)?;
        let wish = request.into_inner();
        let spec = ExecSpec {
            path: wish.path,
            args: wish.args,
            env: wish.env,
            input: wish.input.into(),
        };
        let pid = vms.exec_in_guest(&actor, id, spec).await.map_err(failed)?;
        Ok(Response::new(v1::GuestExecResponse { pid }))
    }

    async fn get_exec(
        &self,
        request: Request<v1::GetGuestExecRequest>,
    ) -> Answer<v1::GuestExecStatus> {
        let wish = request.get_ref();
        let (actor, vms, id) = self.about(&request, &wish.vm)?;
        let status = vms.exec_status(&actor, id, wish.pid).await;
        let status = rest::GuestExecStatus::from(status.map_err(failed)?);
        Ok(Response::new(status.into()))
    }

    async fn read_file(
        &self,
        request: Request<v1::ReadGuestFileRequest>,
    ) -> Answer<v1::ReadGuestFileResponse> {
        let (actor, vms, id) = self.about(&request, &request.get_ref().vm)?;
        let wish = request.into_inner();
        let length = wish
            .length
            .map(|length| usize::try_from(length).unwrap_or(usize::MAX));
        let piece = vms.read_guest_file(&actor, id, wish.path, wish.offset, length);
        let piece = piece.await.map_err(failed)?;
        Ok(Response::new(v1::ReadGuestFileResponse {
            data: piece.data.into(),
            eof: piece.eof,
        }))
    }

    async fn write_file(
        &self,
        request: Request<v1::WriteGuestFileRequest>,
    ) -> Answer<v1::WriteGuestFileResponse> {
        let (actor, vms, id) = self.about(&request, &request.get_ref().vm)?;
        let wish = request.into_inner();
        vms.write_guest_file(&actor, id, wish.path, wish.data.into(), wish.append)
            .await
            .map_err(failed)?;
        Ok(Response::new(v1::WriteGuestFileResponse {}))
    }

    async fn freeze(&self, request: Request<v1::FreezeGuestRequest>) -> Answer<v1::FrozenGuest> {
        let (actor, vms, id) = self.about(&request, &request.get_ref().vm)?;
        let points = request.into_inner().mount_points;
        let filesystems = vms.freeze_guest(&actor, id, points).await.map_err(failed)?;
        Ok(Response::new(v1::FrozenGuest { filesystems }))
    }

    async fn thaw(&self, request: Request<v1::ThawGuestRequest>) -> Answer<v1::FrozenGuest> {
        let (actor, vms, id) = self.about(&request, &request.get_ref().vm)?;
        let filesystems = vms.thaw_guest(&actor, id).await.map_err(failed)?;
        Ok(Response::new(v1::FrozenGuest { filesystems }))
    }

    async fn trim(&self, request: Request<v1::TrimGuestRequest>) -> Answer<v1::Task> {
        let (actor, vms, id) = self.about(&request, &request.get_ref().vm)?;
        let started = vms.begin_trim_guest(&actor, id).await;
        started.map(begun).map_err(failed)
    }

    async fn set_password(
        &self,
        request: Request<v1::SetGuestPasswordRequest>,
    ) -> Answer<v1::SetGuestPasswordResponse> {
        let (actor, vms, id) = self.about(&request, &request.get_ref().vm)?;
        let wish = request.into_inner();
        let spec = PasswordSpec {
            username: wish.username,
            password: wish.password,
            crypted: wish.crypted,
        };
        vms.set_guest_password(&actor, id, spec)
            .await
            .map_err(failed)?;
        Ok(Response::new(v1::SetGuestPasswordResponse {}))
    }

    async fn set_time(
        &self,
        request: Request<v1::SetGuestTimeRequest>,
    ) -> Answer<v1::SetGuestTimeResponse> {
        let (actor, vms, id) = self.about(&request, &request.get_ref().vm)?;
        let wrong = |_| Failure::field("time", "must be a time of RFC 3339");
        let time = request.get_ref().time.as_ref();
        let time = time.map(|time| time.parse()).transpose().map_err(wrong)?;
        vms.set_guest_time(&actor, id, nanoseconds(time)?)
            .await
            .map_err(failed)?;
        Ok(Response::new(v1::SetGuestTimeResponse {}))
    }

    async fn shutdown(&self, request: Request<v1::ShutdownGuestRequest>) -> Answer<v1::Task> {
        let (actor, vms, id) = self.about(&request, &request.get_ref().vm)?;
        let started = vms.begin_guest_power(&actor, id, false).await;
        started.map(begun).map_err(failed)
    }

    async fn reboot(&self, request: Request<v1::RebootGuestRequest>) -> Answer<v1::Task> {
        let (actor, vms, id) = self.about(&request, &request.get_ref().vm)?;
        let started = vms.begin_guest_power(&actor, id, true).await;
        started.map(begun).map_err(failed)
    }
}
