//! A certificate that the host makes for itself, signed by its own key: trusted by fingerprint.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use qx_host::certificate_files::PemPair;
use rcgen::{
    CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose, SanType,
};
use time::{Date, Month, OffsetDateTime, Time};

use super::Names;
use crate::error::{Error, Result};

/// A new key (ECDSA P-256) and its certificate.
pub(super) fn pem(names: &Names) -> Result<PemPair> {
    let failed = |error| Error::internal("making a TLS certificate", error);
    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).map_err(failed)?;
    let parameters = parameters(names).map_err(failed)?;
    let certificate = parameters.self_signed(&key).map_err(failed)?;
    Ok(PemPair {
        key: key.serialize_pem(),
        chain: certificate.pem(),
    })
}

fn parameters(names: &Names) -> std::result::Result<CertificateParams, rcgen::Error> {
    let hostname = names.hostname.as_str();
    let mut dns = vec!["localhost".to_owned()];
    if !hostname.is_empty() && hostname != "localhost" && hostname.is_ascii() {
        dns.push(hostname.to_owned());
    }
    let mut parameters = CertificateParams::new(dns)?;
    let local = [
        IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::LOCALHOST),
    ];
    for address in local.iter().chain(&names.addresses) {
        let name = SanType::IpAddress(*address);
        if !parameters.subject_alt_names.contains(&name) {
            parameters.subject_alt_names.push(name);
        }
    }
    let name = &mut parameters.distinguished_name;
    name.push(DnType::CommonName, hostname);
    name.push(DnType::OrganizationName, "Quantix-OS");
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    // Fixed dates: at first boot the clock may be wrong by decades.
    parameters.not_before = midnight(2020);
    parameters.not_after = midnight(2049);
    Ok(parameters)
}

fn midnight(year: i32) -> OffsetDateTime {
    let date = Date::from_calendar_date(year, Month::January, 1).unwrap_or(Date::MAX);
    OffsetDateTime::new_utc(date, Time::MIDNIGHT)
}
