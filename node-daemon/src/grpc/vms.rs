//! VMs over gRPC.

use std::pin::Pin;
use std::sync::Arc;

use futures_util::Stream;
use qx_api::grpc::convert::uuid;
use qx_api::grpc::v1;
use qx_api::grpc::v1::console_request::Message;
use qx_api::grpc::v1::vm_service_server::VmService;
use qx_api::rest;
use qx_engine::{Error, SerialConsole, Validity};
use qx_model::vm::{self as model, PowerAction, VmId};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};
use uuid::Uuid;

use super::{caller, devices, failed, page_size, refused};
use crate::app::App;
use crate::callers::Caller;
use crate::problem::Failure;

/// Answers `quantix.v1.VmService`.
pub(super) struct VmApi {
    pub(super) app: App,
}

pub(super) fn answer(vm: Arc<model::Vm>) -> Response<v1::Vm> {
    Response::new(rest::Vm::from(Arc::unwrap_or_clone(vm)).into())
}

pub(super) fn vm_id(field: &str, text: &str) -> Result<VmId, Status> {
    uuid(field, text).map(VmId).map_err(refused)
}

impl VmApi {
    async fn power(
        &self,
        caller: Caller,
        id: &str,
        action: PowerAction,
    ) -> Result<Response<v1::Vm>, Status> {
        let id = vm_id("id", id)?;
        let vms = &self.app.engine.vms;
        let vm = vms.power(&caller.identity.actor, id, action).await;
        vm.map(answer).map_err(failed)
    }
}

#[tonic::async_trait]
impl VmService for VmApi {
    async fn create(
        &self,
        request: Request<v1::CreateVmRequest>,
    ) -> Result<Response<v1::Vm>, Status> {
        let actor = caller(&request)?.identity.actor;
        let wish = rest::VmCreate::try_from(request.into_inner()).map_err(refused)?;
        let spec = wish
            .into_spec(Uuid::new_v4())
            .map_err(|e| failed(Error::Invalid(e)))?;
        self.app
            .engine
            .vms
            .create(&actor, spec)
            .await
            .map(answer)
            .map_err(failed)
    }

    async fn clone_vm(
        &self,
        request: Request<v1::CloneVmRequest>,
    ) -> Result<Response<v1::Vm>, Status> {
        let actor = caller(&request)?.identity.actor;
        let wish = request.into_inner();
        let source = vm_id("source", &wish.source)?;
        let wish = rest::VmClone::try_from(wish).map_err(refused)?;
        let wish = wish
            .into_wish(Uuid::new_v4())
            .map_err(|e| failed(Error::Invalid(e)))?;
        let vms = &self.app.engine.vms;
        let started = vms.begin_clone(&actor, source, wish).await;
        let cloned = started.map_err(failed)?.outcome().await;
        cloned.map(answer).map_err(failed)
    }

    async fn list(
        &self,
        request: Request<v1::ListVmsRequest>,
    ) -> Result<Response<v1::ListVmsResponse>, Status> {
        let actor = caller(&request)?.identity.actor;
        let wish = request.into_inner();
        let limit = page_size(wish.page_size)?;
        let after = match wish.page_token.as_str() {
            "" => None,
            token => Some(uuid("page_token", token).map(VmId).map_err(refused)?),
        };
        let page = self
            .app
            .engine
            .vms
            .list(&actor, after, limit)
            .await
            .map_err(failed)?;
        Ok(Response::new(v1::ListVmsResponse {
            vms: page
                .items
                .into_iter()
                .map(|vm| answer(vm).into_inner())
                .collect(),
            next_page_token: page.next.map(|id| id.to_string()).unwrap_or_default(),
        }))
    }

    async fn get(&self, request: Request<v1::GetVmRequest>) -> Result<Response<v1::Vm>, Status> {
        let actor = caller(&request)?.identity.actor;
        let id = vm_id("id", &request.get_ref().id)?;
        self.app
            .engine
            .vms
            .get(&actor, id)
            .await
            .map(answer)
            .map_err(failed)
    }

    async fn update(
        &self,
        request: Request<v1::UpdateVmRequest>,
    ) -> Result<Response<v1::Vm>, Status> {
        let actor = caller(&request)?.identity.actor;
        let mut wish = request.into_inner();
        let id = vm_id("id", &wish.id)?;
        let revision = wish.revision.take().map(|revision| vec![revision]);
        let edit = rest::VmPatch::from(wish).into_edit();
        let edit = edit.map_err(|fields| failed(Error::Invalid(fields)))?;
        let edited = self.app.engine.vms.edit(&actor, id, revision, edit).await;
        edited.map(answer).map_err(failed)
    }

    async fn attach_disk(
        &self,
        request: Request<v1::AttachDiskRequest>,
    ) -> Result<Response<v1::Vm>, Status> {
        devices::attach_disk(&self.app, request).await
    }

    async fn update_disk(
        &self,
        request: Request<v1::UpdateDiskRequest>,
    ) -> Result<Response<v1::Vm>, Status> {
        devices::update_disk(&self.app, request).await
    }

    async fn detach_disk(
        &self,
        request: Request<v1::DetachDiskRequest>,
    ) -> Result<Response<v1::Vm>, Status> {
        devices::detach_disk(&self.app, request).await
    }

    async fn attach_nic(
        &self,
        request: Request<v1::AttachNicRequest>,
    ) -> Result<Response<v1::Vm>, Status> {
        devices::attach_nic(&self.app, request).await
    }

    async fn update_nic(
        &self,
        request: Request<v1::UpdateNicRequest>,
    ) -> Result<Response<v1::Vm>, Status> {
        devices::update_nic(&self.app, request).await
    }

    async fn detach_nic(
        &self,
        request: Request<v1::DetachNicRequest>,
    ) -> Result<Response<v1::Vm>, Status> {
        devices::detach_nic(&self.app, request).await
    }

    async fn set_cdrom(
        &self,
        request: Request<v1::SetCdromRequest>,
    ) -> Result<Response<v1::Vm>, Status> {
        devices::set_cdrom(&self.app, request).await
    }

    async fn start(
        &self,
        request: Request<v1::StartVmRequest>,
    ) -> Result<Response<v1::Vm>, Status> {
        self.power(caller(&request)?, &request.get_ref().id, PowerAction::Start)
            .await
    }

    async fn shutdown(
        &self,
        request: Request<v1::ShutdownVmRequest>,
    ) -> Result<Response<v1::Vm>, Status> {
        self.power(
            caller(&request)?,
            &request.get_ref().id,
            PowerAction::Shutdown,
        )
        .await
    }

    async fn stop(&self, request: Request<v1::StopVmRequest>) -> Result<Response<v1::Vm>, Status> {
        self.power(caller(&request)?, &request.get_ref().id, PowerAction::Stop)
            .await
    }

    async fn reboot(
        &self,
        request: Request<v1::RebootVmRequest>,
    ) -> Result<Response<v1::Vm>, Status> {
        self.power(
            caller(&request)?,
            &request.get_ref().id,
            PowerAction::Reboot,
        )
        .await
    }

    async fn reset(
        &self,
        request: Request<v1::ResetVmRequest>,
    ) -> Result<Response<v1::Vm>, Status> {
        self.power(caller(&request)?, &request.get_ref().id, PowerAction::Reset)
            .await
    }

    async fn pause(
        &self,
        request: Request<v1::PauseVmRequest>,
    ) -> Result<Response<v1::Vm>, Status> {
        self.power(caller(&request)?, &request.get_ref().id, PowerAction::Pause)
            .await
    }

    async fn resume(
        &self,
        request: Request<v1::ResumeVmRequest>,
    ) -> Result<Response<v1::Vm>, Status> {
        self.power(
            caller(&request)?,
            &request.get_ref().id,
            PowerAction::Resume,
        )
        .await
    }

    async fn suspend(
        &self,
        request: Request<v1::SuspendVmRequest>,
    ) -> Result<Response<v1::Vm>, Status> {
        self.power(
            caller(&request)?,
            &request.get_ref().id,
            PowerAction::Suspend,
        )
        .await
    }

    async fn delete(
        &self,
        request: Request<v1::DeleteVmRequest>,
    ) -> Result<Response<v1::DeleteVmResponse>, Status> {
        let actor = caller(&request)?.identity.actor;
        let wish = request.into_inner();
        let id = vm_id("id", &wish.id)?;
        self.app
            .engine
            .vms
            .delete(&actor, id, wish.disks)
            .await
            .map_err(failed)?;
        Ok(Response::new(v1::DeleteVmResponse {}))
    }

    type ConsoleStream =
        Pin<Box<dyn Stream<Item = Result<v1::ConsoleResponse, Status>> + Send + 'static>>;

    async fn console(
        &self,
        request: Request<Streaming<v1::ConsoleRequest>>,
    ) -> Result<Response<Self::ConsoleStream>, Status> {
        let identity = caller(&request)?.identity;
        let mut input = request.into_inner();
        let first = input.message().await?.and_then(|request| request.message);
        let Some(Message::VmId(id)) = first else {
            return Err(Failure::field("vm_id", "must be in the first request").into());
        };
        let id = uuid("vm_id", &id).map(VmId).map_err(refused)?;
        let console = self
            .app
            .engine
            .vms
            .open_serial(&identity.actor, id)
            .await
            .map_err(failed)?;
        let (sender, output) = mpsc::channel(4);
        tokio::spawn(pump(
            self.app.clone(),
            identity.validity,
            console,
            input,
            sender,
        ));
        Ok(Response::new(Box::pin(ReceiverStream::new(output))))
    }
}

async fn pump(
    app: App,
    mut validity: Validity,
    mut console: SerialConsole,
    mut input: Streaming<v1::ConsoleRequest>,
    sender: mpsc::Sender<Result<v1::ConsoleResponse, Status>>,
) {
    // A caller that says no more may still watch.
    let mut speaks = true;
    loop {
        tokio::select! {
            output = console.output.recv() => {
                let Some(output) = output else { return };
                if sender.send(Ok(v1::ConsoleResponse { output })).await.is_err() {
                    return;
                }
            }
            request = input.message(), if speaks => match request {
                Ok(Some(v1::ConsoleRequest { message: Some(Message::Input(bytes)) })) => {
                    if console.input.send(bytes).await.is_err() {
                        return;
                    }
                }
                Ok(Some(_)) => {
                    let wrong = Failure::field("message", "must be input after the first request");
                    // The caller may be gone.
                    let _ = sender.send(Err(wrong.into())).await;
                    return;
                }
                Ok(None) => speaks = false,
                Err(_) => return,
            },
            () = sender.closed() => return,
            () = validity.ended() => return,
            () = app.closing() => return,
        }
    }
}
