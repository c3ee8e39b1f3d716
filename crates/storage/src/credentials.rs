//! Credentials: from the chain of the AWS SDK to the store, kept until shortly before they expire.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use async_trait::async_trait;
use aws_credential_types::provider::{
    ProvideCredentials, SharedCredentialsProvider, error::CredentialsError,
};
use object_store::{CredentialProvider, aws::AwsCredential};
use tokio::sync::Mutex;

/// Credentials that expire this soon are replaced.
const EARLY: Duration = Duration::from_secs(5 * 60);
/// Those that are so short-lived that they always expire soon are replaced at most this often.
const AGE_MIN: Duration = Duration::from_secs(30);
/// A login through a browser or a program of the user's takes time.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Why there are no credentials.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unavailable {
    #[error("none of the places where they are looked for has any")]
    None,
    #[error("the AWS SDK could not get them")]
    Failed(#[source] CredentialsError),
    #[error("they did not come within {} s", TIMEOUT.as_secs())]
    Late,
    #[error("{0} has a blank or a line break in it, or another character that none has")]
    Malformed(&'static str),
}

impl From<CredentialsError> for Unavailable {
    fn from(error: CredentialsError) -> Self {
        match error {
            CredentialsError::CredentialsNotLoaded(_) => Self::None,
            error => Self::Failed(error),
        }
    }
}

#[derive(Debug)]
struct Kept {
    credential: Arc<AwsCredential>,
    fetched: Instant,
    expires: Option<SystemTime>,
}

impl Kept {
    fn is_good(&self) -> bool {
        let left = |expires: SystemTime| expires.duration_since(SystemTime::now()).unwrap_or_default();
        match self.expires.map(left) {
            None => true,
            Some(left) if left.is_zero() => false,
            Some(left) => left > EARLY || self.fetched.elapsed() < AGE_MIN,
        }
    }
}

/// The credentials of the chain.
#[derive(Debug)]
pub(crate) struct ChainCredentials {
    provider: SharedCredentialsProvider,
    kept: Mutex<Option<Kept>>,
}

impl ChainCredentials {
    pub(crate) fn new(provider: SharedCredentialsProvider) -> Self {
        Self { provider, kept: Mutex::new(None) }
    }

    /// The credentials to use now.
    pub(crate) async fn current(&self) -> Result<Arc<AwsCredential>, Unavailable> {
        // Held while new ones come, so that they are fetched once for all requests.
        let mut kept = self.kept.lock().await;
        if let Some(kept) = kept.as_ref().filter(|kept| kept.is_good()) {
            return Ok(Arc::clone(&kept.credential));
        }
        match self.fetch().await {
            Ok(new) => {
                let credential = Arc::clone(&new.credential);
                tracing::debug!(expires = ?new.expires, "got credentials");
                *kept = Some(new);
                Ok(credential)
            }
            Err(error) => match kept
                .as_ref()
                .filter(|kept| kept.expires.is_some_and(|expires| expires > SystemTime::now()))
            {
                Some(kept) => {
                    tracing::warn!(%error, "no new credentials; those at hand are good for a few minutes more");
                    Ok(Arc::clone(&kept.credential))
                }
                None => Err(error),
            },
        }
    }

    /// Does not use the credentials again that were at hand at that time; says whether there were any.
    pub(crate) async fn forget(&self, used: Instant) {
        let mut kept = self.kept.lock().await;
        if kept.as_ref().is_some_and(|kept| kept.fetched <= used) {
            *kept = None;
        }
    }

    async fn fetch(&self) -> Result<Kept, Unavailable> {
        let credentials = tokio::time::timeout(TIMEOUT, self.provider.provide_credentials())
            .await
            .map_err(|_| Unavailable::Late)??;
        let is_wellformed = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        for (name, text) in [
            ("the access key id", Some(credentials.access_key_id())),
            ("the secret access key", Some(credentials.secret_access_key())),
            ("the session token", credentials.session_token()),
        ] {
            if !text.is_none_or(is_wellformed) {
                return Err(Unavailable::Malformed(name));
            }
        }
        let credential = AwsCredential {
            key_id: credentials.access_key_id().to_owned(),
            secret_key: credentials.secret_access_key().to_owned(),
            token: credentials.session_token().map(str::to_owned),
        };
        Ok(Kept { credential: Arc::new(credential), fetched: Instant::now(), expires: credentials.expiry() })
    }
}

#[async_trait]
impl CredentialProvider for ChainCredentials {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        self.current().await.map_err(|error| object_store::Error::Unauthenticated {
            path: String::new(),
            source: Box::new(error),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use aws_credential_types::{Credentials, provider::future};

    use super::*;

    /// Gives out numbered credentials of some lifetime; after so many it fails.
    #[derive(Debug)]
    struct Numbered {
        lifetime: Option<Duration>,
        limit: u64,
        given: Arc<AtomicU64>,
    }

    impl ProvideCredentials for Numbered {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            let number = self.given.fetch_add(1, Ordering::SeqCst);
            let expires = self.lifetime.map(|lifetime| SystemTime::now() + lifetime);
            let credentials = Credentials::new(format!("AK{number}"), "secret", None, expires, "test");
            future::ProvideCredentials::ready(if number < self.limit {
                Ok(credentials)
            } else {
                Err(CredentialsError::provider_error("the service is away"))
            })
        }
    }

    fn credentials(lifetime: Option<Duration>, limit: u64) -> (ChainCredentials, Arc<AtomicU64>) {
        let given = Arc::new(AtomicU64::new(0));
        let provider = Numbered { lifetime, limit, given: Arc::clone(&given) };
        (ChainCredentials::new(SharedCredentialsProvider::new(provider)), given)
    }

    #[tokio::test]
    async fn credentials_are_fetched_once_until_they_are_about_to_expire() {
        let (lasting, given) = credentials(None, 10);
        for _ in 0..3 {
            assert_eq!(lasting.current().await.unwrap().key_id, "AK0");
        }
        assert_eq!(given.load(Ordering::SeqCst), 1);

        let (hourly, _) = credentials(Some(Duration::from_secs(3600)), 10);
        hourly.current().await.unwrap();
        assert_eq!(hourly.current().await.unwrap().key_id, "AK0");
        let mut kept = hourly.kept.lock().await;
        kept.as_mut().unwrap().expires = Some(SystemTime::now() + Duration::from_secs(60));
        kept.as_mut().unwrap().fetched -= Duration::from_secs(3000);
        drop(kept);
        assert_eq!(hourly.current().await.unwrap().key_id, "AK1");
    }

    #[tokio::test]
    async fn credentials_that_still_work_are_used_when_new_ones_do_not_come() {
        let (credentials, _) = credentials(Some(Duration::from_secs(60)), 1);
        credentials.current().await.unwrap();
        credentials.kept.lock().await.as_mut().unwrap().fetched -= AGE_MIN * 2;
        assert_eq!(credentials.current().await.unwrap().key_id, "AK0");
        credentials.kept.lock().await.as_mut().unwrap().expires = Some(SystemTime::now());
        assert!(matches!(credentials.current().await, Err(Unavailable::Failed(_))));
    }

    #[tokio::test]
    async fn credentials_that_no_request_can_carry_are_refused_before_one_is_made() {
        for (key, secret, token) in [
            ("AKIA\n", "geheim", None),
            (" AKIA", "geheim", None),
            ("AKIA", "geheim\r\n", None),
            ("AKIA", "geheim", Some("geheim\n")),
            ("AKI\u{c4}", "geheim", None),
        ] {
            let odd = Credentials::new(key, secret, token.map(str::to_owned), None, "test");
            let credentials = ChainCredentials::new(SharedCredentialsProvider::new(odd));
            let error = credentials.current().await.unwrap_err();
            assert!(matches!(error, Unavailable::Malformed(_)), "{error:?}");
            assert!(!format!("{error} {error:?}").contains("geheim"));
        }
    }

    #[tokio::test]
    async fn many_requests_that_find_the_session_over_fetch_new_credentials_once() {
        let (credentials, given) = credentials(None, 10);
        credentials.current().await.unwrap();
        let used = Instant::now();
        credentials.forget(used).await;
        credentials.current().await.unwrap();
        // A request that was sent before the refresh and failed after it.
        credentials.forget(used).await;
        assert_eq!(credentials.current().await.unwrap().key_id, "AK1");
        assert_eq!(given.load(Ordering::SeqCst), 2);
    }
}
