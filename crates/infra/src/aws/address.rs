//! The address of this machine as the outside sees it.

use std::{net::IpAddr, time::Duration};

use async_trait::async_trait;
use aws_smithy_http_client::{
    Connector,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector, SharedHttpConnector},
    orchestrator::HttpRequest,
};
use aws_smithy_types::{body::SdkBody, byte_stream::ByteStream};

use crate::services::AddressFinder;

/// How long the service may take.
const LIMIT: Duration = Duration::from_secs(5);

/// Asks a service that answers with the address of whoever asks, and nothing else.
#[derive(Debug, Clone)]
pub struct HttpsAddress {
    http: SharedHttpConnector,
    url: String,
}

impl HttpsAddress {
    /// Will ask the service at `url`. Nothing is sent before that.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        let connector = Connector::builder().tls_provider(Provider::Rustls(CryptoMode::Ring)).build();
        Self { http: SharedHttpConnector::new(connector), url: url.into() }
    }

    async fn ask(&self) -> Result<String, String> {
        let url = &self.url;
        let mut request = HttpRequest::new(SdkBody::empty());
        request
            .set_uri(url.as_str())
            .map_err(|error| format!("{url} is no address of a service: {error}"))?;
        let response =
            self.http.call(request).await.map_err(|error| format!("{url} does not answer: {error}"))?;
        let status = response.status().as_u16();
        if status != 200 {
            return Err(format!("{url} answers with HTTP {status}"));
        }
        let body = ByteStream::new(response.into_body()).collect().await;
        let body = body.map_err(|error| format!("the answer of {url} broke off: {error}"))?;
        Ok(String::from_utf8_lossy(&body.into_bytes()).trim().to_owned())
    }
}

#[async_trait]
impl AddressFinder for HttpsAddress {
    async fn address(&self) -> Result<IpAddr, String> {
        let url = &self.url;
        let answer = tokio::time::timeout(LIMIT, self.ask()).await;
        let answer = answer.map_err(|_| format!("{url} did not answer within {} s", LIMIT.as_secs()))??;
        answer.parse().map_err(|_| format!("{url} answered with something that is no address"))
    }
}
