//! The host's services and its certificate.

use qx_api::rest;
use qx_engine::certificate::Certificate;
use qx_host::service::{Service, State};

pub(crate) fn service((service, state): (Service, State)) -> rest::HostService {
    rest::HostService {
        name: service.name().to_owned(),
        state: match state {
            State::Running => rest::HostServiceState::Running,
            State::Starting => rest::HostServiceState::Starting,
            State::Stopping => rest::HostServiceState::Stopping,
            State::Stopped => rest::HostServiceState::Stopped,
            State::Failed => rest::HostServiceState::Failed,
        },
    }
}

pub(crate) fn certificate(certificate: Certificate) -> rest::HostCertificate {
    rest::HostCertificate {
        sha256: certificate.fingerprint,
        subject: certificate.subject,
        issuer: certificate.issuer,
        names: certificate.names,
        not_before: certificate.not_before,
        not_after: certificate.not_after,
        key: certificate.key,
        self_signed: certificate.self_signed,
        chain: u32::try_from(certificate.chain).unwrap_or(u32::MAX),
    }
}
