//! Certificates of authorities that are made on the spot.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, date_time_ymd,
};

/// The certificate of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerCertificate {
    /// For localhost and 127.0.0.1, now.
    Valid,
    /// The same, some years ago.
    Expired,
    /// Its own authority, for localhost by its common name only: as `openssl req -x509` makes it.
    SelfSigned,
}

/// Writes a server's certificate with its key, that of its authority, and that of another authority.
pub(crate) fn write_certificates(directory: &Path, certificate: ServerCertificate) {
    let (mut authority_pem, issuer) = authority("Authority of the tests");
    let (other_pem, _) = authority("Another authority");
    let key = KeyPair::generate().expect("a key");
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let mut parameters = CertificateParams::new(names).expect("parameters");
    parameters.distinguished_name.push(DnType::CommonName, "localhost");
    if certificate == ServerCertificate::Expired {
        parameters.not_before = date_time_ymd(2018, 11, 1);
        parameters.not_after = date_time_ymd(2018, 11, 30);
    }
    let (server_pem, key_pem) = if certificate == ServerCertificate::SelfSigned {
        let (pem, issuer) = authority("localhost");
        authority_pem.clone_from(&pem);
        (pem, issuer.key().serialize_pem())
    } else {
        (parameters.signed_by(&key, &issuer).expect("a certificate").pem(), key.serialize_pem())
    };
    for (name, text) in [
        ("authority.crt", authority_pem),
        ("other_authority.crt", other_pem),
        ("server.crt", server_pem),
        ("server.key", key_pem),
    ] {
        let path = directory.join(name);
        fs::write(&path, text).expect("a written file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("permissions");
    }
}

fn authority(name: &str) -> (String, Issuer<'static, KeyPair>) {
    let key = KeyPair::generate().expect("a key");
    let mut parameters = CertificateParams::new(Vec::new()).expect("parameters");
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let certificate = parameters.self_signed(&key).expect("a certificate");
    (certificate.pem(), Issuer::new(parameters, key))
}
