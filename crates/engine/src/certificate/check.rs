//! Whether a certificate that somebody gives is one that browsers will accept: better told now than by a host that
//! nobody can reach.

use jiff::Timestamp;
use qx_host::certificate_files::PemPair;
use qx_model::vm::FieldError;
use rustls::SignatureScheme;
use x509_parser::certificate::X509Certificate;

use super::pair::{Pair, names, parsed};

/// What browsers accept of a server (CA/Browser Forum's Baseline Requirements, section 6.1.5).
const ACCEPTED: [SignatureScheme; 3] = [
    SignatureScheme::ECDSA_NISTP256_SHA256,
    SignatureScheme::ECDSA_NISTP384_SHA384,
    SignatureScheme::RSA_PSS_SHA256,
];

/// Seconds that a host's clock may be behind that of an authority which issued a certificate just now.
const CLOCKS_DIFFER: i64 = 24 * 60 * 60;

/// All that is wrong with a pair, at its fields.
pub(super) fn given(pem: &PemPair, now: Timestamp) -> Result<(), Vec<FieldError>> {
    let pair = Pair::parse(pem)?;
    let mut broken = Vec::new();
    if pair.certified.key.choose_scheme(&ACCEPTED).is_none() {
        let reason =
            "is of a kind that browsers do not accept: take ECDSA P-256, ECDSA P-384 or RSA";
        broken.push(FieldError::new("key", reason));
    }
    let found = chain(&pair, now);
    broken.extend(
        found
            .into_iter()
            .map(|reason| FieldError::new("certificate", reason)),
    );
    if broken.is_empty() {
        Ok(())
    } else {
        Err(broken)
    }
}

fn chain(pair: &Pair, now: Timestamp) -> Vec<String> {
    let chain = &pair.certified.cert;
    let all: Result<Vec<X509Certificate<'_>>, String> =
        (0..chain.len()).map(|index| parsed(chain, index)).collect();
    let all = match all {
        Ok(all) => all,
        Err(reason) => return vec![reason],
    };
    let mut broken = Vec::new();
    for (number, certificate) in (1..).zip(&all) {
        broken.extend(time(number, certificate, now));
    }
    for (number, pair) in (1..).zip(all.windows(2)) {
        if let [one, next] = pair
            && one.issuer().as_raw() != next.subject().as_raw()
        {
            broken.push(format!(
                "is not in order: certificate {number} was issued by {}, but certificate {} is of {}. The host's \
                 own comes first, behind each comes its issuer's",
                one.issuer(),
                number + 1,
                next.subject()
            ));
        }
    }
    if let Some(own) = all.first() {
        broken.extend(use_of(own));
    }
    broken
}

fn time(number: usize, certificate: &X509Certificate<'_>, now: Timestamp) -> Option<String> {
    let validity = certificate.validity();
    let day = |seconds| {
        let time = Timestamp::from_second(seconds).unwrap_or_default();
        time.strftime("%Y-%m-%d").to_string()
    };
    let (from, until) = (
        validity.not_before.timestamp(),
        validity.not_after.timestamp(),
    );
    let now = now.as_second();
    if now > until {
        Some(format!(
            "has expired: certificate {number} was good until {}; this host's clock says {}",
            day(until),
            day(now)
        ))
    } else if now + CLOCKS_DIFFER < from {
        Some(format!(
            "is not good yet: certificate {number} is from {} on; this host's clock says {}",
            day(from),
            day(now)
        ))
    } else {
        None
    }
}

fn use_of(own: &X509Certificate<'_>) -> Vec<String> {
    let mut broken = Vec::new();
    if names(own).is_empty() {
        broken.push(
            "names no host: browsers look for its name or address in subjectAltName only"
                .to_owned(),
        );
    }
    if let Ok(Some(uses)) = own.extended_key_usage()
        && !uses.value.server_auth
        && !uses.value.any
    {
        broken.push("is not for servers: its extended key usage lacks serverAuth".to_owned());
    }
    broken
}
