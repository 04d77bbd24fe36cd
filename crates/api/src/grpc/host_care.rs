//! The host's services and its certificate, between gRPC and REST.

use super::v1;
use crate::rest;

impl From<rest::HostServiceState> for v1::ServiceState {
    fn from(state: rest::HostServiceState) -> Self {
        match state {
            rest::HostServiceState::Running => Self::Running,
            rest::HostServiceState::Starting => Self::Starting,
            rest::HostServiceState::Stopping => Self::Stopping,
            rest::HostServiceState::Stopped => Self::Stopped,
            rest::HostServiceState::Failed => Self::Failed,
        }
    }
}

impl From<rest::HostService> for v1::Service {
    fn from(service: rest::HostService) -> Self {
        Self {
            name: service.name,
            state: v1::ServiceState::from(service.state).into(),
        }
    }
}

impl From<rest::HostCertificate> for v1::Certificate {
    fn from(certificate: rest::HostCertificate) -> Self {
        Self {
            sha256: certificate.sha256,
            subject: certificate.subject,
            issuer: certificate.issuer,
            names: certificate.names,
            not_before: certificate.not_before.to_string(),
            not_after: certificate.not_after.to_string(),
            key: certificate.key,
            self_signed: certificate.self_signed,
            chain: certificate.chain,
        }
    }
}
