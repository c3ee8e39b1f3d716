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

/// How long the service may take, unless another time is set.
const LIMIT: Duration = Duration::from_secs(5);

/// Asks a service that answers with the address of whoever asks, and nothing else.
#[derive(Debug, Clone)]
pub struct HttpsAddress {
    http: SharedHttpConnector,
    url: String,
    limit: Duration,
}

impl HttpsAddress {
    /// Will ask the service at `url`. Nothing is sent before that.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        let connector = Connector::builder().tls_provider(Provider::Rustls(CryptoMode::Ring)).build();
        Self { http: SharedHttpConnector::new(connector), url: url.into(), limit: LIMIT }
    }

    /// Gives the service that long, instead of five seconds.
    #[must_use]
    pub const fn with_limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
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
        let body = body.map_err(|error| format!("{url} broke off in its answer: {error}"))?;
        Ok(String::from_utf8_lossy(&body.into_bytes()).trim().to_owned())
    }
}

#[async_trait]
impl AddressFinder for HttpsAddress {
    async fn address(&self) -> Result<IpAddr, String> {
        let (url, limit) = (&self.url, self.limit);
        let answer = tokio::time::timeout(limit, self.ask()).await;
        let late = || format!("{url} did not answer within {}", humantime::format_duration(limit));
        let answer = answer.map_err(|_| late())??;
        let address: IpAddr =
            answer.parse().map_err(|_| format!("{url} answered with something that is no address"))?;
        match address.to_canonical() {
            // Warehouses are reached over IPv4, so a rule for this address would let nobody in.
            IpAddr::V6(address) => Err(format!(
                "{url} was asked over IPv6 and answered with {address}, and a warehouse is reached over IPv4"
            )),
            address => Ok(address),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    /// A service on this machine that answers every request so; without an answer it is silent.
    async fn service(answer: Option<&'static str>) -> String {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut request = [0; 1024];
                    let _ = stream.read(&mut request).await;
                    match answer {
                        Some(answer) => stream.write_all(answer.as_bytes()).await.unwrap(),
                        None => std::future::pending().await,
                    }
                });
            }
        });
        url
    }

    async fn asked(answer: Option<&'static str>) -> Result<IpAddr, String> {
        let url = service(answer).await;
        // One that answers has all the time that a busy machine takes.
        let limit = if answer.is_some() { Duration::from_secs(30) } else { Duration::from_millis(500) };
        HttpsAddress::new(url).with_limit(limit).address().await
    }

    const OK: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";

    #[tokio::test]
    async fn the_answer_is_the_address_and_nothing_else() {
        let told = asked(Some("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n203.0.113.7\n")).await;
        assert_eq!(told, Ok("203.0.113.7".parse().unwrap()));
        let mapped = asked(Some("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n::ffff:203.0.113.7\n")).await;
        assert_eq!(mapped, Ok("203.0.113.7".parse().unwrap()), "IPv4 in the clothes of IPv6");
    }

    #[tokio::test]
    async fn anything_else_says_what_was_answered() {
        for (answer, expected) in [
            ("HTTP/1.1 500 Oh\r\nConnection: close\r\n\r\n203.0.113.7", "answers with HTTP 500"),
            ("HTTP/1.1 302 Found\r\nConnection: close\r\nLocation: /in\r\n\r\n", "answers with HTTP 302"),
            ("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n<html>log in</html>", "that is no address"),
            (OK, "that is no address"),
            ("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n203.0.113.7 203.0.113.8", "that is no address"),
            ("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n2001:db8::1\n", "reached over IPv4"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n203", "broke off"),
            ("SSH-2.0-nobody\r\n", "does not answer"),
        ] {
            let reason = asked(Some(answer)).await.unwrap_err();
            assert!(reason.contains(expected), "{answer:?}: {reason}");
            assert!(reason.starts_with("http://127.0.0.1:"), "{reason}");
        }
    }

    #[tokio::test]
    async fn a_service_that_is_silent_or_not_there_is_given_up() {
        let reason = asked(None).await.unwrap_err();
        assert!(reason.contains("did not answer within 500ms"), "{reason}");
        let nobody = TcpListener::bind(("127.0.0.1", 0)).await.unwrap().local_addr().unwrap();
        let reason = HttpsAddress::new(format!("http://{nobody}")).address().await.unwrap_err();
        assert!(reason.contains("does not answer"), "{reason}");
        let reason = HttpsAddress::new("no address at all").address().await.unwrap_err();
        assert!(reason.contains("no address of a service"), "{reason}");
        assert_eq!(HttpsAddress::new("https://checkip.amazonaws.com").limit, Duration::from_secs(5));
    }
}
