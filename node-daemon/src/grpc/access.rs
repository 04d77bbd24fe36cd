//! Users, API tokens and the audit log over gRPC.

use std::time::Duration;

use qx_api::grpc::convert::uuid;
use qx_api::grpc::v1;
use qx_api::grpc::v1::audit_service_server::AuditService;
use qx_api::grpc::v1::token_service_server::TokenService;
use qx_api::grpc::v1::user_service_server::UserService;
use qx_engine::users::{Change, User};
use qx_model::name::UserName;
use tonic::{Request, Response, Status};

use super::{caller, failed, page_size, refused};
use crate::app::App;
use crate::convert;
use crate::problem::Failure;

/// Answers `quantix.v1.UserService`, `TokenService` and `AuditService`.
#[derive(Clone)]
pub(super) struct AccessApi {
    pub(super) app: App,
}

fn answer(user: User) -> Response<v1::User> {
    Response::new(convert::user(user).into())
}

fn name(field: &str, text: String) -> Result<UserName, Status> {
    UserName::try_from(text).map_err(|error| Failure::field(field, error.to_string()).into())
}

#[tonic::async_trait]
impl UserService for AccessApi {
    async fn list(
        &self,
        request: Request<v1::ListUsersRequest>,
    ) -> Result<Response<v1::ListUsersResponse>, Status> {
        let actor = caller(&request)?.identity.actor;
        let wish = request.into_inner();
        let limit = page_size(wish.page_size)?;
        let after = match wish.page_token.as_str() {
            "" => None,
            token => Some(name("page_token", token.to_owned())?),
        };
        let users = &self.app.engine.users;
        let (page, next) = users.list(&actor, after.as_ref(), limit).map_err(failed)?;
        let users = page.into_iter().map(|user| convert::user(user).into());
        Ok(Response::new(v1::ListUsersResponse {
            users: users.collect(),
            next_page_token: next.map(|name| name.to_string()).unwrap_or_default(),
        }))
    }

    async fn get(
        &self,
        request: Request<v1::GetUserRequest>,
    ) -> Result<Response<v1::User>, Status> {
        let actor = caller(&request)?.identity.actor;
        let name = name("name", request.into_inner().name)?;
        let found = self.app.engine.users.get(&actor, &name);
        found.map(answer).map_err(failed)
    }

    async fn create(
        &self,
        request: Request<v1::CreateUserRequest>,
    ) -> Result<Response<v1::User>, Status> {
        let by = caller(&request)?.identity;
        let wish = request.into_inner();
        let role = wish.role().named().map_err(refused)?;
        let name = name("name", wish.name)?;
        let users = &self.app.engine.users;
        let made = users.create(&by, name, wish.password, role.into()).await;
        made.map(answer).map_err(failed)
    }

    async fn update(
        &self,
        request: Request<v1::UpdateUserRequest>,
    ) -> Result<Response<v1::User>, Status> {
        let by = caller(&request)?.identity;
        let wish = request.into_inner();
        let role = wish.role.map(|_| wish.role().named()).transpose();
        let change = Change {
            role: role.map_err(refused)?.map(Into::into),
            disabled: wish.disabled,
            password: wish.password,
        };
        let name = name("name", wish.name)?;
        let revision = wish.revision.map(|revision| vec![revision]);
        let users = &self.app.engine.users;
        let changed = users.update(&by, &name, revision, change).await;
        changed.map(answer).map_err(failed)
    }

    async fn delete(
        &self,
        request: Request<v1::DeleteUserRequest>,
    ) -> Result<Response<v1::DeleteUserResponse>, Status> {
        let by = caller(&request)?.identity;
        let name = name("name", request.into_inner().name)?;
        let deleted = self.app.engine.users.delete(&by, &name).await;
        deleted.map_err(failed)?;
        Ok(Response::new(v1::DeleteUserResponse {}))
    }
}

#[tonic::async_trait]
impl TokenService for AccessApi {
    async fn list(
        &self,
        request: Request<v1::ListTokensRequest>,
    ) -> Result<Response<v1::ListTokensResponse>, Status> {
        let by = caller(&request)?.identity;
        let wish = request.into_inner();
        let limit = page_size(wish.page_size)?;
        let after = match wish.page_token.as_str() {
            "" => None,
            token => Some(uuid("page_token", token).map_err(refused)?),
        };
        let tokens = &self.app.engine.tokens;
        let (page, next) = tokens.list(&by, after, limit).map_err(failed)?;
        let tokens = page.into_iter().map(|token| convert::token(token).into());
        Ok(Response::new(v1::ListTokensResponse {
            tokens: tokens.collect(),
            next_page_token: next.map(|id| id.to_string()).unwrap_or_default(),
        }))
    }

    async fn create(
        &self,
        request: Request<v1::CreateTokenRequest>,
    ) -> Result<Response<v1::CreateTokenResponse>, Status> {
        let by = caller(&request)?.identity;
        let wish = request.into_inner();
        let role = wish.role().named().map_err(refused)?;
        let lifetime = wish.expires_in_s.map(Duration::from_secs);
        let tokens = &self.app.engine.tokens;
        let made = tokens.create(&by, wish.name, role.into(), lifetime).await;
        let (token, secret) = made.map_err(failed)?;
        Ok(Response::new(v1::CreateTokenResponse {
            token: Some(convert::token(token).into()),
            secret,
        }))
    }

    async fn delete(
        &self,
        request: Request<v1::DeleteTokenRequest>,
    ) -> Result<Response<v1::DeleteTokenResponse>, Status> {
        let by = caller(&request)?.identity;
        let id = uuid("id", &request.get_ref().id).map_err(refused)?;
        let deleted = self.app.engine.tokens.delete(&by, id).await;
        deleted.map_err(failed)?;
        Ok(Response::new(v1::DeleteTokenResponse {}))
    }
}

#[tonic::async_trait]
impl AuditService for AccessApi {
    async fn list(
        &self,
        request: Request<v1::ListAuditEntriesRequest>,
    ) -> Result<Response<v1::ListAuditEntriesResponse>, Status> {
        let actor = caller(&request)?.identity.actor;
        let wish = request.into_inner();
        let limit = page_size(wish.page_size)?;
        let before = match wish.page_token.as_str() {
            "" => None,
            token => {
                let number = token.parse::<u64>();
                Some(number.map_err(|_| Failure::field("page_token", "is not one of this list"))?)
            }
        };
        let audit = &self.app.engine.audit;
        let (entries, next) = audit.list(&actor, before, limit).await.map_err(failed)?;
        let entries = entries.into_iter().map(convert::audit_entry);
        Ok(Response::new(v1::ListAuditEntriesResponse {
            entries: entries.map(Into::into).collect(),
            next_page_token: next.map(|id| id.to_string()).unwrap_or_default(),
        }))
    }
}
