//! From settings to a store.

use std::sync::Arc;

use aws_config::{
    BehaviorVersion, Region, SdkConfig, environment::EnvironmentVariableRegionProvider,
    meta::region::ProvideRegion, profile::ProfileFileRegionProvider,
};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use http::{Method, StatusCode};
use object_store::{
    BackoffConfig, ObjectStore, RetryConfig,
    aws::AmazonS3Builder,
    client::{HttpConnector, HttpRequestBody, HttpService},
};

use crate::{
    Error, Result, S3Options, S3Url, credentials::ChainCredentials, http::Http, refusal::Refusal,
    store::RefreshingStore,
};

/// The region when nothing names one. If the bucket is elsewhere, S3 says where.
const LAST_REGION: &str = "us-east-1";
/// Where an address for S3 may be set, the more special first.
const ENDPOINT_VARIABLES: [&str; 2] = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"];
const PROFILE_VARIABLE: &str = "AWS_PROFILE";
/// The first pause before another try; later ones are longer, and none is exact.
const FIRST_PAUSE: std::time::Duration = std::time::Duration::from_millis(50);
const LONGEST_PAUSE: std::time::Duration = std::time::Duration::from_secs(10);
/// How often S3 is asked where a bucket is. What else it may say is only a better guess.
const LOCATING_ATTEMPTS: u32 = 3;
/// Where S3 says which region a bucket is in, in answers of every kind.
const BUCKET_REGION: &str = "x-amz-bucket-region";

/// The region that requests are made to: of the options, the environment or the profile, in that order.
pub async fn region(options: &S3Options) -> Option<String> {
    if let Some(region) = &options.region {
        return Some(region.clone());
    }
    if let Some(region) = EnvironmentVariableRegionProvider::new().region().await {
        return Some(region.to_string());
    }
    let mut profile = ProfileFileRegionProvider::builder();
    if let Some(name) = &options.profile {
        profile = profile.profile_name(name);
    }
    profile.build().region().await.map(|region| region.to_string())
}

/// The region that a bucket is in. S3 tells it to everybody, whatever region is asked and whatever the caller
/// may do there; `None` if it was not told, as by a server that is not S3, or one that does not answer.
///
/// # Errors
///
/// When there is no such bucket, or the endpoint or the certificates of this machine cannot be used.
pub async fn bucket_region(options: &S3Options, bucket: &str) -> Result<Option<String>> {
    let region = region_or_last(options).await;
    let endpoint = match endpoint(options, None) {
        Some(endpoint) => Some(endpoint),
        None => endpoint_of(sdk_config(options, &region).await.endpoint_url()),
    };
    let url = S3Url::of_bucket(bucket);
    let settings = |reason: String| Error::settings(reason, &url);
    check_region(&region).map_err(settings)?;
    if let Some(endpoint) = &endpoint {
        check_endpoint(endpoint).map_err(settings)?;
    }
    let address = match endpoint {
        Some(endpoint) if options.path_style == Some(false) => with_bucket(&endpoint, bucket),
        Some(endpoint) => format!("{endpoint}/{bucket}"),
        None => format!("https://s3.{region}.amazonaws.com/{bucket}"),
    };
    let http = Http::new(options.timeout).map_err(settings)?;
    let mut pause = FIRST_PAUSE;
    for attempt in 1..=LOCATING_ATTEMPTS {
        let request = http::Request::builder()
            .method(Method::HEAD)
            .uri(&address)
            .body(HttpRequestBody::empty())
            .map_err(|error| settings(error.to_string()))?;
        let error = match http.call(request).await {
            Ok(answer) if answer.status() == StatusCode::NOT_FOUND => {
                return Err(Error::no_such_bucket(&url));
            }
            Ok(answer) => {
                let told = answer.headers().get(BUCKET_REGION).and_then(|region| region.to_str().ok());
                return Ok(told.map(str::to_owned));
            }
            Err(error) => error,
        };
        // A refusal and a redirect name the region as well.
        let refusal = std::error::Error::source(&error).and_then(|cause| cause.downcast_ref::<Refusal>());
        if let Some(refusal) = refusal
            && (refusal.region.is_some() || !refusal.is_passing())
        {
            return Ok(refusal.region.clone());
        }
        tracing::debug!(%error, bucket, attempt, "S3 does not say which region the bucket is in");
        if attempt < LOCATING_ATTEMPTS {
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
    }
    Ok(None)
}

/// A store for the objects of a bucket, with the credentials that the AWS tools would use. They are looked
/// for at once; S3 is not asked yet.
///
/// # Errors
///
/// When there are no credentials, or the endpoint or the certificates of this machine cannot be used.
pub async fn connect(options: &S3Options, bucket: &str) -> Result<Arc<dyn ObjectStore>> {
    let region = region_or_last(options).await;
    let config = sdk_config(options, &region).await;
    let provider = config.credentials_provider().filter(|_| !options.anonymous);
    build(options, bucket, &region, config.endpoint_url(), provider).await
}

/// The same with credentials from elsewhere. The profile of the options has no meaning then.
///
/// # Errors
///
/// As [`connect`].
pub async fn connect_with(
    options: &S3Options,
    bucket: &str,
    provider: SharedCredentialsProvider,
) -> Result<Arc<dyn ObjectStore>> {
    let region = region_or_last(options).await;
    build(options, bucket, &region, None, Some(provider)).await
}

async fn region_or_last(options: &S3Options) -> String {
    region(options).await.unwrap_or_else(|| LAST_REGION.to_owned())
}

async fn build(
    options: &S3Options,
    bucket: &str,
    region: &str,
    configured_endpoint: Option<&str>,
    provider: Option<SharedCredentialsProvider>,
) -> Result<Arc<dyn ObjectStore>> {
    let url = S3Url::parse(&format!("s3://{bucket}"))
        .map_err(|error| Error::settings(format!("{error}; {}", error.hint()), &S3Url::of_bucket(bucket)))?;
    let settings = |reason: String| Error::settings(reason, &url);
    check_region(region).map_err(settings)?;
    let endpoint = endpoint(options, configured_endpoint);
    if let Some(endpoint) = &endpoint {
        check_endpoint(endpoint).map_err(settings)?;
    }
    let http = Http::new(options.timeout).map_err(settings)?;
    let mut builder = builder(options, bucket, region, endpoint, http);
    let credentials = provider.map(|provider| Arc::new(ChainCredentials::new(provider)));
    if let Some(credentials) = &credentials {
        let profile = options.profile.clone().or_else(|| variable(PROFILE_VARIABLE));
        let missing = |error| Error::no_credentials(&error, profile.as_deref(), &url);
        credentials.current().await.map_err(missing)?;
        builder = builder.with_credentials(Arc::clone(credentials) as _);
    }
    let store = builder.build().map_err(|error| Error::settings(error.to_string(), &url))?;
    Ok(Arc::new(RefreshingStore::new(store, credentials)))
}

/// A store as the options say, still without credentials.
fn builder(
    options: &S3Options,
    bucket: &str,
    region: &str,
    endpoint: Option<String>,
    http: impl HttpConnector,
) -> AmazonS3Builder {
    // A dot in the name of a bucket would be one too many for the certificate of S3.
    let path_style = options.path_style.unwrap_or(endpoint.is_some() || bucket.contains('.'));
    tracing::debug!(bucket, region, ?endpoint, path_style, anonymous = options.anonymous, "connecting to S3");
    let builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_region(region)
        .with_virtual_hosted_style_request(!path_style)
        .with_skip_signature(options.anonymous)
        .with_http_connector(http)
        .with_retry(RetryConfig {
            backoff: BackoffConfig { init_backoff: FIRST_PAUSE, max_backoff: LONGEST_PAUSE, base: 2.0 },
            max_retries: options.retries,
            ..RetryConfig::default()
        });
    match endpoint {
        None => builder,
        Some(endpoint) if path_style => builder.with_endpoint(endpoint),
        // The store takes a host for this style with the bucket in it.
        Some(endpoint) => builder.with_endpoint(with_bucket(&endpoint, bucket)),
    }
}

async fn sdk_config(options: &S3Options, region: &str) -> SdkConfig {
    let client =
        aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(client)
        .region(Region::new(region.to_owned()));
    if let Some(profile) = &options.profile {
        loader = loader.profile_name(profile);
    }
    if options.anonymous {
        loader = loader.no_credentials();
    }
    loader.load().await
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

fn endpoint(options: &S3Options, configured: Option<&str>) -> Option<String> {
    options
        .endpoint
        .clone()
        .or_else(|| ENDPOINT_VARIABLES.iter().find_map(|name| variable(name)))
        .or_else(|| configured.map(str::to_owned))
        .and_then(|endpoint| endpoint_of(Some(&endpoint)))
}

fn endpoint_of(text: Option<&str>) -> Option<String> {
    text.map(|endpoint| endpoint.trim_end_matches('/').to_owned())
}

/// A region becomes a part of host names and headers.
fn check_region(region: &str) -> Result<(), String> {
    if !region.is_empty() && region.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        return Ok(());
    }
    Err("the region must be like us-west-2, with nothing before or after it".to_owned())
}

fn check_endpoint(endpoint: &str) -> Result<(), String> {
    let uri: Result<http::Uri, _> = endpoint.parse();
    match uri {
        Ok(uri) if matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some() => Ok(()),
        // Not quoted: it may have a password in it.
        _ => Err("the endpoint must be like https://HOST or http://HOST:PORT".to_owned()),
    }
}

fn with_bucket(endpoint: &str, bucket: &str) -> String {
    endpoint.replacen("://", &format!("://{bucket}."), 1)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;
    use object_store::{
        ClientOptions, ObjectStoreExt,
        client::{HttpClient, HttpError, HttpRequest, HttpResponse},
        path::Path,
    };

    use super::*;

    /// Notes where requests go, and answers that there is nothing.
    #[derive(Debug, Clone, Default)]
    struct Recorder(Arc<Mutex<Vec<String>>>);

    impl HttpConnector for Recorder {
        fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
            Ok(HttpClient::new(self.clone()))
        }
    }

    #[async_trait]
    impl HttpService for Recorder {
        async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
            self.0.lock().unwrap().push(request.uri().to_string());
            let answer = http::Response::builder().status(StatusCode::NOT_FOUND);
            Ok(answer.body(String::new().into()).unwrap())
        }
    }

    async fn asked(path_style: Option<bool>, endpoint: Option<&str>, bucket: &str) -> String {
        let options = S3Options { path_style, anonymous: true, ..S3Options::default() };
        let recorder = Recorder::default();
        let endpoint = endpoint.map(str::to_owned);
        let store = builder(&options, bucket, "eu-central-1", endpoint, recorder.clone()).build().unwrap();
        store.get(&Path::from("a/1.json")).await.unwrap_err();
        let asked = recorder.0.lock().unwrap();
        asked[0].clone()
    }

    #[tokio::test]
    async fn the_bucket_stands_in_the_path_or_in_the_host_as_asked_for() {
        let own = Some("https://s3.example.com:9000");
        for (path_style, endpoint, bucket, expected) in [
            (None, None, "music", "https://music.s3.eu-central-1.amazonaws.com/a/1.json"),
            (Some(true), None, "music", "https://s3.eu-central-1.amazonaws.com/music/a/1.json"),
            (None, None, "my.music", "https://s3.eu-central-1.amazonaws.com/my.music/a/1.json"),
            (None, own, "music", "https://s3.example.com:9000/music/a/1.json"),
            (Some(true), own, "music", "https://s3.example.com:9000/music/a/1.json"),
            (Some(false), own, "music", "https://music.s3.example.com:9000/a/1.json"),
        ] {
            assert_eq!(asked(path_style, endpoint, bucket).await, expected, "{path_style:?} {endpoint:?}");
        }
    }

    #[test]
    fn a_region_has_letters_digits_and_hyphens_only() {
        for region in ["us-west-2", "eu-isoe-west-1", "auto"] {
            assert!(check_region(region).is_ok(), "{region}");
        }
        for region in ["", "us-west-2\n", "\rus-west-2", " us-west-2", "us west", "us-west-2/", "ü"] {
            assert!(check_region(region).is_err(), "{region:?}");
        }
    }

    #[test]
    fn an_endpoint_has_a_scheme_and_a_host() {
        for endpoint in ["http://127.0.0.1:9000", "https://s3.example.com"] {
            assert!(check_endpoint(endpoint).is_ok(), "{endpoint}");
        }
        for endpoint in ["s3.example.com", "ftp://host", "http://", "127.0.0.1:9000", "not an address"] {
            assert!(check_endpoint(endpoint).is_err(), "{endpoint}");
        }
        assert_eq!(with_bucket("https://s3.example.com", "music"), "https://music.s3.example.com");
    }
}
