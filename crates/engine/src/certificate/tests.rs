//! What is served, and what is refused, with certificates that the tests make.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, SignatureAlgorithm,
};
use time::{Duration, OffsetDateTime};

use super::*;

const P256: &SignatureAlgorithm = &rcgen::PKCS_ECDSA_P256_SHA256;

fn parameters(name: &str) -> CertificateParams {
    let mut parameters = CertificateParams::new(vec![name.to_owned()]).unwrap();
    parameters.distinguished_name.push(DnType::CommonName, name);
    let now = OffsetDateTime::now_utc();
    parameters.not_before = now - Duration::days(1);
    parameters.not_after = now + Duration::days(90);
    parameters
}

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut parameters = parameters(name);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(parameters, KeyPair::generate_for(P256).unwrap()).unwrap()
}

/// A certificate of `authority`, with its key and those that lead to it.
fn issued(
    authority: &CertifiedIssuer<'static, KeyPair>,
    parameters: &CertificateParams,
    algorithm: &'static SignatureAlgorithm,
) -> PemPair {
    let key = KeyPair::generate_for(algorithm).unwrap();
    let own = parameters.signed_by(&key, authority).unwrap();
    PemPair {
        key: key.serialize_pem(),
        chain: format!("{}{}", own.pem(), authority.pem()),
    }
}

fn refused(pem: &PemPair) -> Vec<(String, String)> {
    let broken = check::given(pem, Timestamp::now()).unwrap_err();
    let texts = broken.into_iter().map(|error| (error.field, error.reason));
    texts.collect()
}

#[test]
fn one_that_an_authority_issued_is_taken_and_described() {
    let pem = issued(&authority("Company CA"), &parameters("qx1.example"), P256);
    check::given(&pem, Timestamp::now()).unwrap();
    // Issued a moment ago, by a clock that is ahead of the host's.
    let mut fresh = parameters("qx1.example");
    fresh.not_before = OffsetDateTime::now_utc() + Duration::hours(1);
    let fresh = issued(&authority("Company CA"), &fresh, P256);
    check::given(&fresh, Timestamp::now()).unwrap();
    let found = Pair::parse(&pem).unwrap().certificate;
    assert_eq!(found.issuer, "CN=Company CA");
    assert_eq!(found.names, ["qx1.example"]);
    assert_eq!((found.key.as_str(), found.chain), ("ECDSA P-256", 2));
    assert!(!found.self_signed && found.not_after > Timestamp::now());
}

#[test]
fn what_the_host_makes_is_good_for_its_name_and_addresses() {
    let names = Names {
        hostname: "qx1".to_owned(),
        addresses: vec!["192.0.2.7".parse().unwrap(), "2001:db8::7".parse().unwrap()],
    };
    let pem = made::pem(&names).unwrap();
    check::given(&pem, Timestamp::now()).unwrap();
    let found = Pair::parse(&pem).unwrap().certificate;
    let expected = [
        "localhost",
        "qx1",
        "127.0.0.1",
        "::1",
        "192.0.2.7",
        "2001:db8::7",
    ];
    assert_eq!(found.names, expected);
    assert!(found.self_signed && found.subject.contains("CN=qx1"));
    let other = Pair::parse(&made::pem(&names).unwrap()).unwrap();
    assert_ne!(other.certificate.fingerprint, found.fingerprint);
}

#[test]
fn what_browsers_would_refuse_is_refused_with_the_reason() {
    let authority = authority("Company CA");
    let issued = |change: fn(&mut CertificateParams)| {
        let mut parameters = parameters("qx1");
        change(&mut parameters);
        self::issued(&authority, &parameters, P256)
    };
    let expired = issued(|p| p.not_after = OffsetDateTime::now_utc() - Duration::hours(1));
    let early = issued(|p| p.not_before = OffsetDateTime::now_utc() + Duration::days(2));
    let nameless = issued(|p| p.subject_alt_names.clear());
    let client = issued(|p| p.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth]);
    for (pem, reason) in [
        (&expired, "has expired: certificate 1"),
        (&early, "is not good yet: certificate 1"),
        (&nameless, "names no host"),
        (&client, "lacks serverAuth"),
    ] {
        let broken = refused(pem);
        assert_eq!(broken.len(), 1, "{broken:?}");
        assert_eq!(broken[0].0, "certificate");
        assert!(broken[0].1.contains(reason), "{broken:?}");
    }
    let mut other = issued(|_| {});
    let own = other.chain.len() - authority.pem().len();
    other.chain.truncate(own);
    other.chain.push_str(&self::authority("Other CA").pem());
    let broken = refused(&other);
    assert!(broken[0].1.contains("is not in order"), "{broken:?}");
}

#[test]
fn a_key_that_can_not_be_used_is_named() {
    let authority = authority("Company CA");
    let good = issued(&authority, &parameters("qx1"), P256);
    let with_key = |key: &str| PemPair {
        key: key.to_owned(),
        chain: good.chain.clone(),
    };
    let foreign = KeyPair::generate_for(P256).unwrap().serialize_pem();
    let sealed =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMII=\n-----END ENCRYPTED PRIVATE KEY-----\n";
    for (pem, reason) in [
        (with_key(&foreign), "is not the key of the certificate"),
        (with_key(""), "must begin with"),
        (with_key(sealed), "is encrypted"),
        (with_key(&good.chain), "must begin with"),
        (
            issued(&authority, &parameters("qx1"), &rcgen::PKCS_ED25519),
            "browsers do not accept",
        ),
        (
            issued(
                &authority,
                &parameters("qx1"),
                &rcgen::PKCS_ECDSA_P521_SHA512,
            ),
            "browsers do not accept",
        ),
    ] {
        let broken = refused(&pem);
        assert_eq!(broken.len(), 1, "{broken:?}");
        assert_eq!(broken[0].0, "key");
        assert!(broken[0].1.contains(reason), "{broken:?}");
    }
}

#[test]
fn what_is_no_certificate_is_told() {
    let authority = authority("Company CA");
    let good = issued(&authority, &parameters("qx1"), P256);
    let garbage = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let half = good.chain.replacen("-----END", "-----AND", 1);
    for (chain, reason) in [
        (String::new(), "must begin with"),
        (good.key.clone(), "is a private key"),
        (garbage.to_owned(), "broken certificate 1"),
        (half, "PEM"),
        (good.chain.repeat(6), "has 12 certificates"),
        ("x".repeat(129 << 10), "at most 128 KiB"),
    ] {
        let pem = PemPair {
            key: good.key.clone(),
            chain,
        };
        let broken = refused(&pem);
        assert_eq!(broken[0].0, "certificate");
        assert!(broken[0].1.contains(reason), "{broken:?}");
    }
    let both = PemPair {
        key: String::new(),
        chain: String::new(),
    };
    assert_eq!(refused(&both).len(), 2);
}
