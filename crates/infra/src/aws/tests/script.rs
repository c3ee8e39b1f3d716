//! An HTTP client that answers from a script and keeps what it was asked.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_smithy_runtime_api::{
    client::{
        http::{
            HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
            SharedHttpConnector,
        },
        orchestrator::{HttpRequest, HttpResponse},
        result::ConnectorError,
        runtime_components::RuntimeComponents,
    },
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body_util::Full;
use percent_encoding::percent_decode_str;

use crate::{Services, services::KnownAddress};

/// An answer.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// A status, headers and a body.
    Http(u16, Vec<(&'static str, String)>, String),
    /// The connection breaks.
    Broken,
}

impl Reply {
    pub(crate) fn ok(body: impl Into<String>) -> Self {
        Self::Http(200, Vec::new(), body.into())
    }

    /// An error of the protocol that Redshift, IAM and STS speak.
    pub(crate) fn error(status: u16, code: &str, message: &str) -> Self {
        Self::Http(
            status,
            vec![("x-amzn-requestid", "request-1".to_owned())],
            format!(
                "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
                 <RequestId>request-1</RequestId></ErrorResponse>"
            ),
        )
    }

    /// An error of EC2.
    pub(crate) fn ec2_error(code: &str, message: &str) -> Self {
        let body = format!(
            "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>\
             <RequestID>request-1</RequestID></Response>"
        );
        Self::Http(400, Vec::new(), body)
    }

    /// An error of the protocol that Serverless and Secrets Manager speak.
    pub(crate) fn json_error(code: &str, message: &str) -> Self {
        Self::Http(400, Vec::new(), format!(r#"{{"__type":"{code}","message":"{message}"}}"#))
    }
}

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// The operation, or for S3 the method and path.
    pub(crate) operation: String,
    /// The body, decoded.
    pub(crate) body: String,
}

#[derive(Debug, Default)]
struct State {
    replies: BTreeMap<String, VecDeque<Reply>>,
    asked: Vec<Asked>,
}

/// Answers by operation, in order; the last answer stays.
#[derive(Clone, Default)]
pub(crate) struct Script {
    state: Arc<Mutex<State>>,
    endpoint: Option<String>,
}

/// The SDK prints its HTTP client in traces, and the answers are none of the trace's business.
impl std::fmt::Debug for Script {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Script")
    }
}

impl Script {
    pub(crate) fn new() -> Self {
        Self::default().on(
            "GetCallerIdentity",
            [Reply::ok(
                "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/engineer</Arn>\
                 <UserId>A</UserId><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>",
            )],
        )
    }

    /// As if a local double were behind an endpoint of its own.
    pub(crate) fn at_endpoint(mut self) -> Self {
        self.endpoint = Some("http://127.0.0.1:5000".to_owned());
        self
    }

    pub(crate) fn on(self, operation: &str, replies: impl IntoIterator<Item = Reply>) -> Self {
        self.state.lock().unwrap().replies.insert(operation.to_owned(), replies.into_iter().collect());
        self
    }

    pub(crate) fn asked(&self, operation: &str) -> Vec<Asked> {
        self.state
            .lock()
            .unwrap()
            .asked
            .iter()
            .filter(|asked| asked.operation == operation)
            .cloned()
            .collect()
    }

    pub(crate) fn operations(&self) -> Vec<String> {
        self.state.lock().unwrap().asked.iter().map(|asked| asked.operation.clone()).collect()
    }

    pub(crate) fn sdk(&self) -> SdkConfig {
        let keys = Credentials::new(
            "AKIDEXAMPLE",
            "secret-key-hunter3",
            Some("session-token-hunter4".into()),
            None,
            "test",
        );
        let mut config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-west-2"))
            .credentials_provider(SharedCredentialsProvider::new(keys))
            .retry_config(
                RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(1)),
            )
            .http_client(SharedHttpClient::new(self.clone()));
        if let Some(endpoint) = &self.endpoint {
            config = config.endpoint_url(endpoint);
        }
        config.build()
    }

    pub(crate) fn services(&self) -> Services {
        let address = Arc::new(KnownAddress("203.0.113.7".parse().unwrap()));
        Services::with_sdk(&self.sdk(), address).unwrap()
    }
}

impl HttpClient for Script {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Script {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let body = String::from_utf8_lossy(request.body().bytes().unwrap_or_default()).into_owned();
        let operation = operation_of(&request, &body);
        let body = percent_decode_str(&body.replace('+', " ")).decode_utf8_lossy().into_owned();
        let mut state = self.state.lock().unwrap();
        state.asked.push(Asked { operation: operation.clone(), body });
        let replies = state.replies.get_mut(&operation);
        let reply = match replies {
            Some(replies) if replies.len() > 1 => replies.pop_front(),
            Some(replies) => replies.front().cloned(),
            None => None,
        };
        let Some(reply) = reply else { panic!("the script has no answer to {operation}") };
        HttpConnectorFuture::ready(match reply {
            Reply::Broken => Err(ConnectorError::io("connection reset by peer".into())),
            Reply::Http(status, headers, body) => {
                let mut response = HttpResponse::new(StatusCode::try_from(status).unwrap(), streamed(body));
                for (name, value) in headers {
                    response.headers_mut().insert(name, value);
                }
                Ok(response)
            }
        })
    }
}

/// A body that comes bit by bit, as from a connection. The SDK's trace prints one that lies in memory, before it
/// knows whether that is a secret.
fn streamed(body: String) -> SdkBody {
    SdkBody::from_body_1_x(Full::new(Bytes::from(body)))
}

fn operation_of(request: &HttpRequest, body: &str) -> String {
    if let Some(target) = request.headers().get("x-amz-target") {
        return target.rsplit('.').next().unwrap_or_default().to_owned();
    }
    let action = body.split('&').find_map(|pair| pair.strip_prefix("Action="));
    action.map_or_else(
        || {
            let path = request.uri().split_once("://").map_or("", |(_, rest)| rest);
            format!("{} {}", request.method(), path)
        },
        str::to_owned,
    )
}
