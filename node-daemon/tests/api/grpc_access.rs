//! Users, API tokens and the audit log over gRPC.

use qx_api::grpc::v1;
use qx_api::grpc::v1::audit_service_client::AuditServiceClient;
use qx_api::grpc::v1::token_service_client::TokenServiceClient;
use qx_api::grpc::v1::user_service_client::UserServiceClient;
use qx_api::rest::Role;
use tonic::Code;

use crate::grpc::{authorized, channel};
use crate::support::Daemon;

const SECRET: &str = "correct horse";

#[tokio::test]
async fn a_user_is_made_changed_and_removed_over_grpc() {
    let daemon = Daemon::start().await;
    let admin = daemon.token(Role::Admin).await;
    let mut users = UserServiceClient::new(channel(&daemon).await);
    let wish = |name: &str, role: v1::Role| v1::CreateUserRequest {
        name: name.into(),
        password: SECRET.into(),
        role: role.into(),
    };
    for (wish, field) in [
        (wish("../x", v1::Role::Viewer), "name"),
        (wish("otto", v1::Role::Unspecified), "role"),
    ] {
        let refused = users.create(authorized(&admin, wish)).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert!(refused.message().starts_with(field), "{refused}");
    }
    for name in ["otto", "vera"] {
        let made = users.create(authorized(&admin, wish(name, v1::Role::Viewer)));
        assert_eq!(made.await.unwrap().into_inner().name, name);
    }
    let again = users.create(authorized(&admin, wish("Otto", v1::Role::Viewer)));
    assert_eq!(again.await.unwrap_err().code(), Code::FailedPrecondition);

    let page = |page_token: String| v1::ListUsersRequest {
        page_size: Some(1),
        page_token,
    };
    let first = users.list(authorized(&admin, page(String::new()))).await;
    let first = first.unwrap().into_inner();
    let second = users.list(authorized(&admin, page(first.next_page_token)));
    let second = second.await.unwrap().into_inner();
    let names = [&first.users[0].name, &second.users[0].name];
    assert_eq!(
        (names, second.next_page_token.as_str()),
        ([&"otto".into(), &"vera".into()], "")
    );

    let change = v1::UpdateUserRequest {
        name: "otto".into(),
        revision: Some(first.users[0].revision.clone()),
        role: Some(v1::Role::Operator.into()),
        ..Default::default()
    };
    let changed = users.update(authorized(&admin, change.clone())).await;
    assert_eq!(changed.unwrap().into_inner().role(), v1::Role::Operator);
    let stale = users.update(authorized(&admin, change)).await;
    assert_eq!(stale.unwrap_err().code(), Code::Aborted);
    assert_eq!(daemon.try_login("otto", SECRET).await.status, 200);
    let get = || v1::GetUserRequest {
        name: "otto".into(),
    };
    let seen = users.get(authorized(&admin, get())).await.unwrap();
    assert!(seen.into_inner().last_login_at.is_some());
    let delete = v1::DeleteUserRequest {
        name: "otto".into(),
    };
    users.delete(authorized(&admin, delete)).await.unwrap();
    let gone = users.get(authorized(&admin, get())).await.unwrap_err();
    assert_eq!(gone.code(), Code::NotFound);
    assert_eq!(daemon.try_login("otto", SECRET).await.status, 401);
}

#[tokio::test]
async fn a_token_is_made_with_an_end_listed_and_revoked_over_grpc() {
    let daemon = Daemon::start().await;
    let operator = daemon.token(Role::Operator).await;
    let mut tokens = TokenServiceClient::new(channel(&daemon).await);
    let wish = |role: v1::Role, expires_in_s| v1::CreateTokenRequest {
        name: "ci".into(),
        role: role.into(),
        expires_in_s,
    };
    let above = tokens.create(authorized(&operator, wish(v1::Role::Admin, None)));
    let refused = above.await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(refused.message().contains("your own role"), "{refused}");
    let made = tokens.create(authorized(&operator, wish(v1::Role::Viewer, Some(60))));
    let made = made.await.unwrap().into_inner();
    let token = made.token.unwrap();
    assert_eq!(
        (token.owner.as_str(), token.created_by.as_str()),
        ("root", "token:Operator")
    );
    assert!(token.expires_at.is_some());
    daemon.remote(&made.secret).vms().await.unwrap();
    // It ends in a minute, and so must what it makes.
    let longer = tokens.create(authorized(&made.secret, wish(v1::Role::Viewer, None)));
    let refused = longer.await.unwrap_err();
    assert!(refused.message().contains("expires_in_s"), "{refused}");
    let list = v1::ListTokensRequest::default();
    let seen = tokens.list(authorized(&operator, list)).await.unwrap();
    assert_eq!(seen.into_inner().tokens.len(), 2);
    let delete = v1::DeleteTokenRequest { id: token.id };
    tokens.delete(authorized(&operator, delete)).await.unwrap();
    assert!(daemon.remote(&made.secret).vms().await.is_err());
}

#[tokio::test]
async fn the_audit_log_is_read_in_pages_over_grpc() {
    let daemon = Daemon::start().await;
    let admin = daemon.token(Role::Admin).await;
    daemon.token(Role::Viewer).await;
    let mut audit = AuditServiceClient::new(channel(&daemon).await);
    let page = |page_token: String| v1::ListAuditEntriesRequest {
        page_size: Some(1),
        page_token,
    };
    let first = audit.list(authorized(&admin, page(String::new()))).await;
    let first = first.unwrap().into_inner();
    assert_eq!(first.entries[0].target, "create Viewer as viewer");
    assert_eq!(first.entries[0].outcome, "ok");
    let second = audit.list(authorized(&admin, page(first.next_page_token)));
    let second = second.await.unwrap().into_inner();
    assert_eq!(second.entries[0].target, "create Admin as admin");
    assert_eq!(second.next_page_token, "");
    let wrong = audit.list(authorized(&admin, page("x".into()))).await;
    assert_eq!(wrong.unwrap_err().code(), Code::InvalidArgument);
}
