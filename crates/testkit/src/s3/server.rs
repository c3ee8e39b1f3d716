//! The HTTP server: from a request to an answer.

use std::{io, net::SocketAddr, sync::Arc, thread::JoinHandle};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::{
    Method, Response, StatusCode,
    body::Incoming,
    header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderName, HeaderValue},
    http::request::Parts,
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{net::TcpListener, sync::oneshot};

use super::{
    LoggedRequest, Shared, auth,
    body::{End, ReplyBody},
    error::{S3Error, S3Result},
    fault::{Effect, Fault},
    listing, lock, multipart, objects,
    request::{Operation, Request},
    state::Object,
};

/// An answer that is no error.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: Vec<(HeaderName, String)>,
    pub(super) body: Bytes,
    /// The length that a HEAD states without sending it.
    pub(super) stated_length: Option<usize>,
}

impl Reply {
    pub(super) fn empty(status: StatusCode) -> Self {
        Self { status, headers: Vec::new(), body: Bytes::new(), stated_length: None }
    }

    pub(super) fn xml(document: String) -> Self {
        Self { body: document.into(), ..Self::empty(StatusCode::OK) }
            .with(CONTENT_TYPE, "application/xml".to_owned())
    }

    pub(super) fn with(mut self, name: HeaderName, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}

/// Starts the server on a thread of its own; returns its two addresses.
pub(super) fn spawn(
    shared: Arc<Shared>,
    stopped: oneshot::Receiver<()>,
) -> (SocketAddr, SocketAddr, JoinHandle<()>) {
    let listen = || {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a socket that does not block");
        let address = listener.local_addr().expect("an address");
        (listener, address)
    };
    let ((clients, address), (services, service_address)) = (listen(), listen());
    let thread = std::thread::Builder::new()
        .name("s3-double".to_owned())
        .spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("an async runtime");
            runtime.block_on(async {
                tokio::select! {
                    () = serve(clients, Arc::clone(&shared), false) => {}
                    () = serve(services, Arc::clone(&shared), true) => {}
                    _ = stopped => {}
                }
            });
        })
        .expect("a thread");
    (address, service_address, thread)
}

async fn serve(listener: std::net::TcpListener, shared: Arc<Shared>, trusted: bool) {
    let listener = TcpListener::from_std(listener).expect("a listening socket");
    loop {
        // A client that is gone before it was accepted is no reason to end.
        let Ok((stream, _)) = listener.accept().await else { continue };
        let _ = stream.set_nodelay(true);
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(Arc::clone(&shared), request, trusted));
            // How a connection ends is the client's matter, or that of a fault.
            let _ = http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

/// Answers a request; an error closes the connection.
async fn answer(
    shared: Arc<Shared>,
    request: hyper::Request<Incoming>,
    trusted: bool,
) -> io::Result<Response<ReplyBody>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    if !shared.options.latency.is_zero() {
        tokio::time::sleep(shared.options.latency).await;
    }
    let (result, effect) = match Request::read(&parts) {
        Ok(request) => {
            let request = Request { body, ..request };
            note(&shared, &request);
            let effect = Fault::take(&mut lock(&shared.faults), &request);
            if matches!(effect, Some(Effect::CutConnection)) {
                lock(&shared.requests).errors += 1;
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            if let Some(Effect::Delay(time)) = effect {
                tokio::time::sleep(time).await;
            }
            (handle(&shared, &request, effect.as_ref(), trusted), effect)
        }
        Err(error) => (Err(error), None),
    };
    Ok(respond(&shared, &parts, result, effect.as_ref()))
}

fn note(shared: &Shared, request: &Request) {
    *lock(&shared.requests).by_operation.entry(request.operation).or_default() += 1;
    lock(&shared.log).push(LoggedRequest {
        operation: request.operation,
        bucket: request.bucket.clone(),
        key: request.subject().to_owned(),
        range: request.header("range").map(str::to_owned),
        access_key: request.access_key().map(str::to_owned),
    });
}

fn handle(shared: &Shared, request: &Request, effect: Option<&Effect>, trusted: bool) -> S3Result<Reply> {
    let mut state = lock(&shared.state);
    match effect {
        Some(Effect::SlowDown) => return Err(S3Error::slow_down()),
        Some(Effect::InternalError) => return Err(S3Error::internal_error()),
        Some(Effect::AccessDenied) => return Err(S3Error::access_denied()),
        Some(Effect::NoSuchBucket) => return Err(S3Error::no_such_bucket(&request.bucket)),
        Some(Effect::ExpiredToken) => return Err(S3Error::expired_token()),
        Some(Effect::PermanentRedirect(right)) => {
            return Err(S3Error::permanent_redirect(&request.bucket, right));
        }
        Some(Effect::AuthorizationHeaderMalformed(right)) => {
            return Err(S3Error::authorization_header_malformed(&shared.options.region, right));
        }
        Some(Effect::Replace(bytes)) => {
            let objects = &mut state.bucket(&request.bucket)?.objects;
            objects.insert(request.key.clone(), Object::new(bytes.clone()));
        }
        Some(Effect::Delete) => {
            state.bucket(&request.bucket)?.objects.remove(&request.key);
        }
        _ => {}
    }
    auth::check(request, &state, trusted, &shared.options.region)?;
    match request.operation {
        Operation::ListBuckets => Ok(listing::buckets(&state)),
        Operation::CreateBucket => objects::create_bucket(&mut state, request, &shared.options.region),
        Operation::DeleteBucket => objects::delete_bucket(&mut state, request),
        Operation::HeadBucket => objects::head_bucket(&mut state, request),
        Operation::GetBucketLocation => objects::bucket_location(&mut state, request),
        Operation::List => listing::objects(&mut state, request, shared.options.page_size),
        Operation::Get | Operation::Head => objects::get(&mut state, request),
        Operation::Put => objects::put(&mut state, request),
        Operation::Copy => objects::copy(&mut state, request),
        Operation::Delete => objects::delete(&mut state, request),
        Operation::DeleteMany => objects::delete_many(&mut state, request),
        Operation::CreateUpload => multipart::create(&mut state, request),
        Operation::UploadPart => multipart::part(&mut state, request),
        Operation::CompleteUpload => multipart::complete(&mut state, request),
        Operation::AbortUpload => multipart::abort(&mut state, request),
        Operation::Other => {
            let message = "A header or parameter you provided implies functionality that is not implemented.";
            Err(S3Error::new(StatusCode::NOT_IMPLEMENTED, "NotImplemented", message))
        }
    }
}

fn respond(
    shared: &Shared,
    parts: &Parts,
    result: S3Result<Reply>,
    effect: Option<&Effect>,
) -> Response<ReplyBody> {
    let mut requests = lock(&shared.requests);
    let request_id = format!("{:016X}", requests.total());
    let reply = result.unwrap_or_else(|error| {
        requests.errors += 1;
        let mut reply = Reply { status: error.status, ..Reply::xml(error.body(&request_id)) };
        if let Some(region) = error.bucket_region {
            reply.headers.push((HeaderName::from_static("x-amz-bucket-region"), region));
        }
        reply
    });
    let is_head = parts.method == Method::HEAD;
    let length = reply.stated_length.unwrap_or(reply.body.len());
    let body = match effect {
        _ if is_head => ReplyBody::whole(Bytes::new()),
        Some(Effect::CutBody(after)) => ReplyBody::broken(&reply.body, *after, End::Cut),
        Some(Effect::Stall(after)) => ReplyBody::broken(&reply.body, *after, End::Stalled),
        _ => ReplyBody::whole(reply.body.clone()),
    };
    if !is_head {
        requests.bytes_sent += reply.body.len() as u64;
    }
    let mut response = Response::new(body);
    *response.status_mut() = reply.status;
    let headers = response.headers_mut();
    for (name, value) in reply.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    if matches!(effect, Some(Effect::WrongETag)) && headers.contains_key(ETAG) {
        headers.insert(ETAG, HeaderValue::from_static("\"00000000000000000000000000000000\""));
    }
    headers.insert(HeaderName::from_static("x-amz-request-id"), value_of(&request_id));
    if reply.status != StatusCode::NO_CONTENT && reply.status != StatusCode::NOT_MODIFIED {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    response
}

fn value_of(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}
