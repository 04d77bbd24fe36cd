//! The host's settings as they go over the wire. What follows from them is tested in the engine.

use qx_api::grpc::v1;
use qx_api::grpc::v1::host_config_service_client::HostConfigServiceClient;
use qx_api::rest::{HostConfig, HostConfigPatch, Role};
use tonic::Code;

use crate::grpc::{authorized, channel};
use crate::support::{Daemon, ask};

const PATH: &str = "/api/v1/host/config";

#[tokio::test]
async fn what_is_wrong_with_a_setting_is_said_field_by_field() {
    let daemon = Daemon::start().await;
    for (body, field) in [
        (r#"{"hostname":"a b"}"#, "hostname"),
        (r#"{"timezone":"../etc"}"#, "timezone"),
        (r#"{"timezone":"Mars/Olympus"}"#, "timezone"),
        (r#"{"ntp":["a","b c"]}"#, "ntp[1]"),
        (
            r#"{"ssh":{"authorized_keys":["nonsense"]}}"#,
            "ssh.authorized_keys[0]",
        ),
        (r#"{"ssh":{"on_for_minutes":1441}}"#, "ssh.on_for_minutes"),
        (r#"{"proxy":{"https":"socks5://a"}}"#, "proxy.https"),
        (r#"{"keymap":"de"}"#, "keymap"),
    ] {
        let answer = daemon.send_local(ask("PATCH", PATH).json(body)).await;
        assert_eq!(answer.status, 422, "{body}: {answer:?}");
        assert_eq!(answer.problem().errors[0].field, field);
    }
    let many = format!(r#"{{"ntp":[{}"a"]}}"#, r#""a","#.repeat(16));
    let answer = daemon.send_local(ask("PATCH", PATH).json(many)).await;
    assert_eq!(answer.problem().errors[0].field, "ntp");
}

#[tokio::test]
async fn a_daemon_on_a_foreign_machine_shows_settings_and_changes_none() {
    let daemon = Daemon::start().await;
    let answer = daemon.send_local(ask("GET", PATH)).await;
    let config: HostConfig = answer.json();
    assert_eq!(answer.header("etag"), format!("\"{}\"", config.revision));
    assert_eq!(
        (config.hostname.as_str(), config.ssh.on_for_s),
        ("quantix", None)
    );
    let patch = HostConfigPatch {
        hostname: Some("qx1".into()),
        ..HostConfigPatch::default()
    };
    let refused = daemon.local().patch_host_config(&patch).await.unwrap_err();
    assert!(
        refused.to_string().contains("does not run on a host"),
        "{refused}"
    );
}

#[tokio::test]
async fn the_settings_over_grpc_are_those_over_rest() {
    let daemon = Daemon::start().await;
    let token = daemon.token(Role::Admin).await;
    let mut client = HostConfigServiceClient::new(channel(&daemon).await);
    let request = authorized(&token, v1::GetHostConfigRequest {});
    let config = client.get(request).await.unwrap().into_inner();
    assert_eq!(
        config.revision,
        daemon.local().host_config().await.unwrap().revision
    );
    let wrong = v1::UpdateHostConfigRequest {
        timezone: Some("Mars/Olympus".into()),
        ..Default::default()
    };
    let refused = client.update(authorized(&token, wrong)).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
}
