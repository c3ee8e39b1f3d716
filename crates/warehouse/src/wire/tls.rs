//! Encryption: which certificates are taken for the server's.

use std::{path::Path, sync::Arc};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::CryptoProvider,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject};

use super::{Host, RootCertificates, Server, SslMode};
use crate::{Error, Result};

/// The settings of encrypted connections to the server; `None` if they are not to be encrypted.
pub(crate) fn client_config(server: &Server) -> Result<Option<ClientConfig>> {
    if server.ssl_mode == SslMode::Disable || matches!(server.host, Host::Unix(_)) {
        return Ok(None);
    }
    // Named here, since another part of the process may have set another default, or none.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let lenient = |chain| Arc::new(Lenient { provider: Arc::clone(&provider), chain });
    let verifier: Arc<dyn ServerCertVerifier> = match server.ssl_mode {
        SslMode::Disable | SslMode::Prefer | SslMode::Require => lenient(None),
        SslMode::VerifyCa => lenient(Some(chain_verifier(server, &provider)?)),
        SslMode::VerifyFull => chain_verifier(server, &provider)?,
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Internal(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(Some(config))
}

fn chain_verifier(server: &Server, provider: &Arc<CryptoProvider>) -> Result<Arc<WebPkiServerVerifier>> {
    let failed = |reason: String, remedy: &str| Error::Tls {
        location: server.location(),
        reason,
        remedy: remedy.to_owned(),
    };
    let mut roots = RootCertStore::empty();
    match &server.root_certificates {
        RootCertificates::File(path) => {
            let remedy = "sslrootcert (or PGSSLROOTCERT) must name a PEM file with the authority's certificate, \
                          or be `system`";
            for certificate in certificates(path).map_err(|reason| failed(reason, remedy))? {
                roots
                    .add(certificate)
                    .map_err(|error| failed(format!("{} cannot be used: {error}", path.display()), remedy))?;
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
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .build()
        .map_err(|error| Error::Internal(error.to_string()))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| format!("{} cannot be read: {error}", path.display()))
}

/// Checks less than all of a certificate; the server must still have its private key.
#[derive(Debug)]
struct Lenient {
    provider: Arc<CryptoProvider>,
    /// Checks the chain, if it is to be checked; never whom the certificate is for.
    chain: Option<Arc<WebPkiServerVerifier>>,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(chain) = &self.chain else { return Ok(ServerCertVerified::assertion()) };
        match chain.verify_server_cert(certificate, intermediates, name, ocsp_response, now) {
            // The name is the last thing checked: all else was in order.
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
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
