//! The HTTP client below the store.
//!
//! It is hyper with rustls, which the AWS SDK uses as well. What S3 says in an answer that is an error
//! becomes a [`Refusal`] in the chain of causes: the store above keeps only its text, and of a redirect
//! nothing at all.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{
    Method, StatusCode,
    header::{AUTHORIZATION, LOCATION},
};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector as TcpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use object_store::{
    ClientOptions,
    client::{
        HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody, HttpResponse,
        HttpResponseBody, HttpService,
    },
};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use tokio::time::{Instant, Sleep};

use crate::refusal::Refusal;

/// A file with certificates of authorities to trust besides the system's, as for the AWS tools.
const CA_BUNDLE: &str = "AWS_CA_BUNDLE";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Shorter than servers keep connections that nobody uses.
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);

/// The HTTP client, or what makes it.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    client: Client<HttpsConnector<TcpConnector>, HttpRequestBody>,
    timeout: Duration,
}

/// Something took too long.
#[derive(Debug, thiserror::Error)]
#[error("no answer within {} s", .0.as_secs_f32())]
struct TimedOut(Duration);

impl Http {
    /// # Errors
    ///
    /// What is wrong with the certificates of this machine, in words.
    pub(crate) fn new(timeout: Duration) -> Result<Self, String> {
        let mut tcp = TcpConnector::new();
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT.min(timeout)));
        tcp.set_nodelay(true);
        tcp.enforce_http(false);
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls()?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .build(connector);
        Ok(Self { client, timeout })
    }
}

fn tls() -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    for error in found.errors {
        tracing::warn!(%error, "some of the system's certificates cannot be read");
    }
    roots.add_parsable_certificates(found.certs);
    if let Some(path) = std::env::var_os(CA_BUNDLE).filter(|path| !path.is_empty()) {
        let certificates: Vec<_> = CertificateDer::pem_file_iter(&path)
            .and_then(Iterator::collect)
            .map_err(|error| format!("the file of {CA_BUNDLE} cannot be read: {error}"))?;
        roots.add_parsable_certificates(certificates);
    }
    // Named here, since another part of the process may have set another default, or none.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

impl HttpConnector for Http {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait]
impl HttpService for Http {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        // A listing is small, and whoever asks for it does not try again when it breaks off.
        let whole = request.method() == Method::GET && is_listing(request.uri().query());
        let is_head = request.method() == Method::HEAD;
        let signed = request.headers().contains_key(AUTHORIZATION);
        let late = |_| HttpError::new(HttpErrorKind::Timeout, TimedOut(self.timeout));
        let answer = tokio::time::timeout(self.timeout, self.client.request(request)).await.map_err(late)?;
        let (parts, body) = answer.map_err(client_error)?.into_parts();
        let body = HttpResponseBody::new(TimedBody::new(body, self.timeout));
        if parts.status.is_success() || parts.status == StatusCode::NOT_MODIFIED {
            let body = if whole { body.bytes().await?.into() } else { body };
            return Ok(HttpResponse::from_parts(parts, body));
        }
        let body = if is_head { Bytes::new() } else { body.bytes().await? };
        let refusal = Refusal::read(parts.status, &parts.headers, &String::from_utf8_lossy(&body), signed);
        if is_left_to_the_store(&refusal) && !parts.headers.contains_key(LOCATION) {
            return Ok(HttpResponse::from_parts(parts, body.into()));
        }
        let kind = if refusal.is_passing() { HttpErrorKind::Request } else { HttpErrorKind::Unknown };
        Err(HttpError::new(kind, refusal))
    }
}

/// Whether the store above has a meaning of its own for an answer: nothing there, or a condition that
/// does not hold.
fn is_left_to_the_store(refusal: &Refusal) -> bool {
    match refusal.status {
        StatusCode::NOT_FOUND => refusal.code != "NoSuchBucket",
        status => matches!(status, StatusCode::PRECONDITION_FAILED | StatusCode::CONFLICT),
    }
}

fn is_listing(query: Option<&str>) -> bool {
    query.is_some_and(|query| query.split('&').any(|pair| pair == "list-type=2"))
}

/// The body of an answer, of which each part must come in time.
struct TimedBody {
    body: Incoming,
    timeout: Duration,
    /// When the part that is being waited for is late.
    late: Pin<Box<Sleep>>,
    waiting: bool,
}

impl TimedBody {
    fn new(body: Incoming, timeout: Duration) -> Self {
        Self { body, timeout, late: Box::pin(tokio::time::sleep(timeout)), waiting: false }
    }
}

impl Body for TimedBody {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        let timeout = self.timeout;
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            self.waiting = false;
            return Poll::Ready(frame.map(|frame| frame.map_err(body_error)));
        }
        // The time in which nobody asked for a part does not count.
        if !std::mem::replace(&mut self.waiting, true) {
            self.late.as_mut().reset(Instant::now() + timeout);
        }
        let late = || HttpError::new(HttpErrorKind::Timeout, TimedOut(timeout));
        self.late.as_mut().poll(context).map(|()| Some(Err(late())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn client_error(error: hyper_util::client::legacy::Error) -> HttpError {
    let kind = if error.is_connect() {
        HttpErrorKind::Connect
    } else {
        // The connection was there, so the request may have arrived.
        HttpErrorKind::Interrupted
    };
    HttpError::new(kind, error)
}

fn body_error(error: hyper::Error) -> HttpError {
    HttpError::new(HttpErrorKind::Interrupted, error)
}
