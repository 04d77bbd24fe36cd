//! Services, the certificate and the support bundle, as machines and browsers ask for them.

use qx_api::grpc::v1;
use qx_api::grpc::v1::host_service_client::HostServiceClient;
use qx_api::rest::{HostCertificatePut, Role};
use rcgen::{CertificateParams, KeyPair};

use crate::grpc::{authorized, channel};
use crate::support::{Daemon, ask};

/// A certificate for this test's daemon, and its key.
fn made() -> HostCertificatePut {
    let key = KeyPair::generate().unwrap();
    let parameters = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    HostCertificatePut {
        certificate: parameters.self_signed(&key).unwrap().pem(),
        key: key.serialize_pem(),
    }
}

#[tokio::test]
async fn whoever_connects_after_it_was_given_sees_the_new_certificate() {
    let daemon = Daemon::start().await;
    let token = daemon.token(Role::Admin).await;
    let before = daemon.remote(&token);
    let first = before.host_certificate().await.unwrap();
    assert_eq!(first.sha256, daemon.node.fingerprint());
    assert!(first.self_signed && first.names.iter().any(|name| name == "localhost"));

    let given = before.put_host_certificate(&made()).await.unwrap();
    assert_ne!(given.sha256, first.sha256);
    // It is pinned to what was served before.
    let error = before.host_certificate().await.unwrap_err().to_string();
    assert!(error.contains("certificate"), "{error}");
    let after = daemon.remote(&token);
    assert_eq!(after.host_certificate().await.unwrap(), given);
    assert_eq!(after.host().await.unwrap().certificate_sha256, given.sha256);
    let pem = std::fs::read_to_string(daemon.files.path().join("state/tls/cert.pem"));
    assert!(pem.unwrap().starts_with("-----BEGIN CERTIFICATE-----"));

    let own = after.regenerate_host_certificate().await.unwrap();
    assert_ne!(own.sha256, given.sha256);
    let again = daemon.remote(&token);
    assert_eq!(again.host_certificate().await.unwrap(), own);
}

#[tokio::test]
async fn a_certificate_that_is_none_is_refused_at_its_fields() {
    let daemon = Daemon::start().await;
    let first = daemon.node.fingerprint();
    let other = made();
    let body = serde_json::json!({ "certificate": other.certificate, "key": made().key });
    for (body, fields) in [
        (
            r#"{"certificate":"","key":""}"#.to_owned(),
            &["certificate", "key"][..],
        ),
        (body.to_string(), &["key"][..]),
        (r#"{"certificate":""}"#.to_owned(), &["key"][..]),
    ] {
        let request = ask("PUT", "/api/v1/host/certificate").json(body);
        let answer = daemon.send_local(request).await;
        assert_eq!(answer.status, 422, "{answer:?}");
        let errors = answer.problem().errors;
        let found: Vec<&str> = errors.iter().map(|error| &*error.field).collect();
        assert_eq!(found, fields, "{errors:?}");
    }
    assert_eq!(daemon.node.fingerprint(), first);
}

#[tokio::test]
async fn a_machine_without_openrc_says_so_and_its_daemon_is_not_ended() {
    let daemon = Daemon::start().await;
    let answer = daemon
        .send_local(ask("POST", "/api/v1/host/services/none/restart"))
        .await;
    assert_eq!(answer.status, 404, "{answer:?}");
    let answer = daemon
        .send_local(ask("POST", "/api/v1/host/services/qx-node/restart"))
        .await;
    assert_eq!(answer.status, 409, "{answer:?}");
    assert!(answer.problem().detail.contains("not run on a host"));
}

#[tokio::test]
async fn a_support_bundle_is_a_file_that_tells_of_the_host() {
    let daemon = Daemon::start().await;
    daemon.vm("web1").await;
    let answer = daemon
        .send_local(ask("GET", "/api/v1/host/support-bundle"))
        .await;
    assert_eq!(answer.status, 200);
    let name = answer.header("content-disposition");
    assert!(
        name.contains("-support-") && name.ends_with(".tar.gz\""),
        "{name}"
    );
    // gzip (RFC 1952).
    assert!(answer.body.starts_with(&[0x1f, 0x8b]));
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(&answer.body[..]));
    let mut vms = String::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        if entry.path().unwrap().ends_with("api/vms.json") {
            std::io::Read::read_to_string(&mut entry, &mut vms).unwrap();
        }
    }
    assert!(vms.contains("\"web1\""), "{vms}");
}

#[tokio::test]
async fn grpc_has_the_same() {
    let daemon = Daemon::start().await;
    let token = daemon.token(Role::Admin).await;
    let mut host = HostServiceClient::new(channel(&daemon).await);
    let request = authorized(&token, v1::GetCertificateRequest {});
    let found = host.get_certificate(request).await.unwrap().into_inner();
    assert_eq!(found.sha256, daemon.node.fingerprint());
    let wish = made();
    let request = v1::SetCertificateRequest {
        certificate: wish.certificate,
        key: wish.key,
    };
    let set = host.set_certificate(authorized(&token, request)).await;
    let set = set.unwrap().into_inner();
    assert_eq!(set.sha256, daemon.node.fingerprint());
    assert_eq!(set.names, ["localhost"]);
    let request = authorized(&token, v1::RegenerateCertificateRequest {});
    let own = host.regenerate_certificate(request).await.unwrap();
    assert_ne!(own.into_inner().sha256, set.sha256);

    let name = "none".to_owned();
    let request = authorized(&token, v1::RestartServiceRequest { name });
    let refused = host.restart_service(request).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::NotFound);

    let request = authorized(&token, v1::GetSupportBundleRequest {});
    let mut pieces = host.get_support_bundle(request).await.unwrap().into_inner();
    let first = pieces.message().await.unwrap().unwrap();
    assert!(first.piece.starts_with(&[0x1f, 0x8b]));
}
