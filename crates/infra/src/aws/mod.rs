//! The services by means of the AWS SDKs.

mod address;
mod checked;
#[cfg(feature = "ec2")]
mod ec2;
mod iam;
mod redshift;
mod s3;
mod secrets;
mod serverless;
mod sts;
mod wire;

use std::{sync::Arc, time::Duration};

pub use address::HttpsAddress;
use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use wire::Wire;

use crate::{
    error::{ConfigError, Result},
    services::{Network, Services, SystemClock},
};

/// The service that is asked for the caller's address unless another is named.
const ADDRESS_SERVICE: &str = "https://checkip.amazonaws.com";

/// How to reach AWS. What is not set comes from the environment and the profile, as with all AWS tools:
/// `AWS_PROFILE`, `AWS_REGION`, `AWS_ENDPOINT_URL`, SSO, …
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConnectOptions {
    /// The region.
    pub region: Option<String>,
    /// The profile.
    pub profile: Option<String>,
    /// Another endpoint for all services, such as that of a local double.
    pub endpoint: Option<String>,
    /// The address of an HTTPS service that answers with the caller's address and nothing else.
    pub address_service: Option<String>,
}

impl Services {
    /// Connects to AWS. No request is made but those that get credentials. There is no prober yet: whoever can
    /// speak to the database sets `prober`.
    ///
    /// # Errors
    ///
    /// When no region is known.
    pub async fn connect(options: &ConnectOptions) -> Result<Self> {
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http_client())
            .retry_config(
                RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(200)),
            )
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(Duration::from_secs(5))
                    .operation_attempt_timeout(Duration::from_secs(30))
                    .build(),
            );
        if let Some(region) = &options.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(profile) = &options.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(endpoint) = &options.endpoint {
            loader = loader.endpoint_url(endpoint);
        }
        let service = options.address_service.as_deref().unwrap_or(ADDRESS_SERVICE);
        let mut config = loader.load().await;
        if let Some(provider) = config.credentials_provider() {
            let checked = SharedCredentialsProvider::new(checked::Checked(provider));
            config = config.into_builder().credentials_provider(checked).build();
        }
        Self::with_sdk(&config, Arc::new(HttpsAddress::new(service)))
    }

    /// Takes an SDK configuration that is made already.
    ///
    /// # Errors
    ///
    /// When it has no region.
    pub fn with_sdk(config: &SdkConfig, address: Arc<dyn crate::services::AddressFinder>) -> Result<Self> {
        let Some(region) = config.region().map(ToString::to_string) else {
            return Err(ConfigError::new(
                "region",
                "it is not set, and neither the environment nor the profile has one",
                "set it with --region, `region` in [deployment], or AWS_REGION",
            )
            .into());
        };
        if !region.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            return Err(ConfigError::new(
                "region",
                "it has characters that no region has, such as a line break at its end",
                "write it like us-west-2, with nothing before or after it",
            )
            .into());
        }
        let wire = Wire { double: config.endpoint_url().is_some_and(is_on_this_machine) };
        Ok(Self {
            identity: Arc::new(sts::StsIdentity::new(config, wire)),
            roles: Arc::new(iam::IamRoles::new(config, wire)),
            clusters: Arc::new(redshift::RedshiftClusters::new(config, wire)),
            serverless: Arc::new(serverless::RedshiftServerless::new(config, wire)),
            network: network(config, wire),
            secrets: Arc::new(secrets::SecretsManager::new(config, wire)),
            buckets: Arc::new(s3::S3Buckets::new(config, wire)),
            address,
            prober: None,
            clock: Arc::new(SystemClock::default()),
            region,
        })
    }
}

#[cfg(feature = "ec2")]
fn network(config: &SdkConfig, wire: Wire) -> Option<Arc<dyn Network>> {
    Some(Arc::new(ec2::Ec2Network::new(config, wire)))
}

#[cfg(not(feature = "ec2"))]
const fn network(_config: &SdkConfig, _wire: Wire) -> Option<Arc<dyn Network>> {
    None
}

/// Whether an endpoint is on this machine: doubles of AWS are, and proxies and private endpoints, which answer for AWS
/// itself, are elsewhere.
fn is_on_this_machine(endpoint: &str) -> bool {
    let Some((_, rest)) = endpoint.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// One client for all services, with rustls and ring. It speaks plain HTTP to endpoints that are `http://…`.
fn http_client() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https()
}

#[cfg(test)]
mod tests;
