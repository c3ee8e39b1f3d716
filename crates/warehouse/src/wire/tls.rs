//! Encryption: which certificates are taken for the server's.

use std::{path::Path, sync::Arc};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::CryptoProvider,
    server::ParsedCertificate,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject};
use x509_cert::{Certificate, der::Decode};

use super::{Host, RootCertificates, Server, SslMode};
use crate::{Error, Result};

/// The settings of encrypted connections to the server; `None` if they are not to be encrypted.
pub(crate) fn client_config(server: &Server) -> Result<Option<ClientConfig>> {
    if server.ssl_mode == SslMode::Disable || matches!(server.host, Host::Unix(_)) {
        return Ok(None);
    }
    // Named here, since another part of the process may have set another default, or none.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let trust = match (server.ssl_mode, &server.root_certificates) {
        (SslMode::Disable | SslMode::Prefer, _) | (SslMode::Require, RootCertificates::System) => None,
        (SslMode::Require, RootCertificates::File(_)) | (SslMode::VerifyCa, _) => {
            Some(Trust::new(server, &provider, false)?)
        }
        (SslMode::VerifyFull, _) => Some(Trust::new(server, &provider, true)?),
    };
    let verifier = Verifier { provider: Arc::clone(&provider), trust };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Internal(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(Some(config))
}

/// Whom to trust.
#[derive(Debug)]
struct Trust {
    chain: Arc<WebPkiServerVerifier>,
    /// The certificates of the file. A server may show one of them as its own, as a self-signed one is.
    named: Vec<CertificateDer<'static>>,
    /// Whether the certificate must be for the host.
    for_host: bool,
}

impl Trust {
    fn new(server: &Server, provider: &Arc<CryptoProvider>, for_host: bool) -> Result<Self> {
        let failed = |reason: String, remedy: &str| Error::Tls {
            location: server.location(),
            reason,
            remedy: remedy.to_owned(),
        };
        let (mut roots, mut named) = (RootCertStore::empty(), Vec::new());
        match &server.root_certificates {
            RootCertificates::File(path) => {
                let remedy = "sslrootcert (or PGSSLROOTCERT) must name a PEM file with the authority's certificate, \
                              or be `system`";
                named = certificates(path).map_err(|reason| failed(reason, remedy))?;
                for certificate in &named {
                    roots.add(certificate.clone()).map_err(|error| {
                        failed(format!("{} cannot be used: {error}", path.display()), remedy)
                    })?;
                }
                if roots.is_empty() {
                    return Err(failed(format!("{} has no certificate in it", path.display()), remedy));
                }
            }
            RootCertificates::System => {
                let found = rustls_native_certs::load_native_certs();
                for error in found.errors {
                    tracing::warn!(%error, "some of the system's certificates cannot be read");
                }
                roots.add_parsable_certificates(found.certs);
                if roots.is_empty() {
                    return Err(failed(
                        "this machine has no certificates of authorities".to_owned(),
                        "install them (Debian: ca-certificates), or name a file with sslrootcert",
                    ));
                }
            }
        }
        let chain = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
            .build()
            .map_err(|error| Error::Internal(error.to_string()))?;
        Ok(Self { chain, named, for_host })
    }
}

/// Verifies a certificate that is itself one of the trusted: its time, and the host that it is for if there is
/// one. Nobody else can show it, since that takes its private key.
fn verify_named(
    certificate: &CertificateDer<'_>,
    host: Option<&ServerName<'_>>,
    now: UnixTime,
) -> Result<(), rustls::Error> {
    let parsed = Certificate::from_der(certificate).map_err(|_| CertificateError::BadEncoding)?;
    let validity = parsed.tbs_certificate.validity;
    if now.as_secs() < validity.not_before.to_unix_duration().as_secs() {
        return Err(CertificateError::NotValidYet.into());
    }
    if now.as_secs() > validity.not_after.to_unix_duration().as_secs() {
        return Err(CertificateError::Expired.into());
    }
    let Some(host) = host else { return Ok(()) };
    match verify_server_name(&ParsedCertificate::try_from(certificate)?, host) {
        Err(_) if is_common_name(&parsed, &host.to_str()) => Ok(()),
        result => result,
    }
}

/// Whether a certificate without alternative names, as `openssl req -x509` makes them, is for the host.
fn is_common_name(certificate: &Certificate, host: &str) -> bool {
    const ALTERNATIVE_NAMES: &str = "2.5.29.17";
    const COMMON_NAME: &str = "2.5.4.3";
    let certificate = &certificate.tbs_certificate;
    let mut extensions = certificate.extensions.iter().flatten();
    if extensions.any(|extension| extension.extn_id.to_string() == ALTERNATIVE_NAMES) {
        return false;
    }
    let mut parts = certificate.subject.0.iter().flat_map(|part| part.0.iter());
    parts.any(|part| {
        part.oid.to_string() == COMMON_NAME && part.value.value().eq_ignore_ascii_case(host.as_bytes())
    })
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| format!("{} cannot be read: {error}", path.display()))
}

/// Checks as much of a certificate as was asked for; in any case the server must have its private key.
#[derive(Debug)]
struct Verifier {
    provider: Arc<CryptoProvider>,
    /// With none, nothing else is checked.
    trust: Option<Trust>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(trust) = &self.trust else { return Ok(ServerCertVerified::assertion()) };
        if trust.named.iter().any(|named| named.as_ref() == certificate.as_ref()) {
            verify_named(certificate, trust.for_host.then_some(name), now)?;
            return Ok(ServerCertVerified::assertion());
        }
        match trust.chain.verify_server_cert(certificate, intermediates, name, ocsp_response, now) {
            // The name is the last thing checked: all else was in order.
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !trust.for_host => Ok(ServerCertVerified::assertion()),
            result => result,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, date_time_ymd};

    use super::*;

    /// A self-signed certificate for November 2018.
    fn self_signed(common_name: &str, names: &[&str]) -> CertificateDer<'static> {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut parameters = CertificateParams::new(names).unwrap();
        parameters.distinguished_name.push(DnType::CommonName, common_name);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.not_before = date_time_ymd(2018, 11, 1);
        parameters.not_after = date_time_ymd(2018, 11, 30);
        parameters.self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone()
    }

    fn on(day: u64) -> UnixTime {
        UnixTime::since_unix_epoch(Duration::from_secs(1_541_030_400 + (day - 1) * 86_400 + 3600))
    }

    #[test]
    fn a_certificate_that_is_trusted_itself_must_be_for_the_host_and_the_day() {
        let host = |name: &'static str| ServerName::try_from(name).unwrap();
        let common = self_signed("db.example.com", &[]);
        let alternative = self_signed("db.example.com", &["db.example.org", "10.0.0.7"]);
        for (certificate, name, day, expected) in [
            (&common, Some("db.example.com"), 15, true),
            (&common, Some("DB.Example.com"), 15, true),
            (&common, Some("other.example.com"), 15, false),
            (&common, Some("db.example.com"), 40, false),
            (&common, None, 15, true),
            (&common, None, 40, false),
            (&common, None, 0, false),
            (&alternative, Some("db.example.org"), 15, true),
            (&alternative, Some("10.0.0.7"), 15, true),
            (&alternative, Some("10.0.0.8"), 15, false),
            // The common name counts only where there is no other.
            (&alternative, Some("db.example.com"), 15, false),
        ] {
            let now = if day == 0 { UnixTime::since_unix_epoch(Duration::from_secs(1)) } else { on(day) };
            let result = verify_named(certificate, name.map(host).as_ref(), now);
            assert_eq!(result.is_ok(), expected, "{name:?} {day}: {result:?}");
        }
    }

    #[test]
    fn a_self_signed_certificate_that_is_not_trusted_is_told_from_one_of_an_unknown_authority() {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(self_signed("another", &[])).unwrap();
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let error =
            verifier.verify_server_cert(&self_signed("localhost", &[]), &[], &name, &[], on(15)).unwrap_err();
        let error = super::super::server_error::tls_error("postgres://x".to_owned(), &error);
        assert!(error.to_string().contains("self-signed"), "{error}");
        assert!(error.hint().unwrap().contains("ssl_cert_file"));
    }
}
