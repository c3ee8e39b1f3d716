//! Logins: one that holds, or temporary ones that are asked for anew before they expire.

use std::{
    fmt::Debug,
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use tokio::sync::Mutex;

use crate::{
    Error, Result,
    wire::{Secret, Server},
};

/// A login that expires this soon is not used any more: whoever connects needs some time for it.
const EARLY: Duration = Duration::from_secs(60);
/// How long a new login may take to come; AWS may have to be asked more than once.
const PATIENCE: Duration = Duration::from_secs(60);

/// A user and a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The user, exactly as it is (`IAM:…`).
    pub user: String,
    /// The password.
    pub password: Secret,
    /// Until when connections can be made with it; those that are made stay.
    pub expires_at: Option<SystemTime>,
}

/// Why there is no login.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct LoginError {
    /// Why, without a password.
    pub reason: String,
    /// What to do.
    pub remedy: String,
}

/// Gives out logins.
///
/// It is asked when a connection is to be made and the login at hand is about to expire, or was refused.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait LoginProvider: Debug + Send + Sync {
    /// A login that holds for some minutes.
    ///
    /// # Errors
    ///
    /// When there is none.
    async fn login(&self) -> Result<Login, LoginError>;
}

/// Where the logins of connections come from.
#[derive(Debug)]
pub(super) struct Logins {
    location: Arc<str>,
    source: Source,
}

#[derive(Debug)]
enum Source {
    Fixed { user: String, password: Option<Secret> },
    Asked { provider: Arc<dyn LoginProvider>, kept: Mutex<Option<Login>> },
}

/// What to log in with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Given {
    pub(super) user: String,
    pub(super) password: Option<Secret>,
    /// Whether it is an older one, in whose place there may be a newer.
    pub(super) is_kept: bool,
}

impl Logins {
    pub(super) fn new(server: &Server, location: Arc<str>, provider: Option<Arc<dyn LoginProvider>>) -> Self {
        let source = match provider {
            Some(provider) => Source::Asked { provider, kept: Mutex::default() },
            None => Source::Fixed { user: server.user.clone(), password: server.password.clone() },
        };
        Self { location, source }
    }

    /// The login to use now.
    pub(super) async fn current(&self) -> Result<Given> {
        let (provider, kept) = match &self.source {
            Source::Fixed { user, password } => {
                return Ok(Given { user: user.clone(), password: password.clone(), is_kept: false });
            }
            Source::Asked { provider, kept } => (provider, kept),
        };
        // Held while a new one comes, so that it is asked for once by all connections.
        let mut kept = kept.lock().await;
        if let Some(login) = kept.as_ref().filter(|login| holds(login, SystemTime::now())) {
            return Ok(given(login, true));
        }
        let answer = tokio::time::timeout(PATIENCE, provider.login()).await.unwrap_or_else(|_| {
            Err(LoginError {
                reason: format!("it did not come within {} s", PATIENCE.as_secs()),
                remedy: "check the network and that AWS answers, then run again".to_owned(),
            })
        });
        let login = answer.map_err(|LoginError { reason, remedy }| Error::NoLogin {
            location: self.location.to_string(),
            reason,
            remedy,
        })?;
        tracing::debug!(expires_at = ?login.expires_at, "got a login");
        Ok(given(kept.insert(login), false))
    }

    /// Does not give this login out again: the server refuses it.
    pub(super) async fn forget(&self, refused: &Given) {
        if let Source::Asked { kept, .. } = &self.source {
            let mut kept = kept.lock().await;
            if kept.as_ref().is_some_and(|login| Some(&login.password) == refused.password.as_ref()) {
                *kept = None;
            }
        }
    }
}

fn given(login: &Login, is_kept: bool) -> Given {
    Given { user: login.user.clone(), password: Some(login.password.clone()), is_kept }
}

fn holds(login: &Login, now: SystemTime) -> bool {
    login.expires_at.is_none_or(|end| end.duration_since(now).is_ok_and(|left| left > EARLY))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::redshift::{RedshiftTarget, options::RedshiftOptions};

    fn logins(provider: Option<Arc<dyn LoginProvider>>) -> Logins {
        let url = "redshift://me:fixed@127.0.0.1/dev";
        let RedshiftTarget::Server(options) = RedshiftTarget::from_url(url, &|_| None).unwrap() else {
            panic!("{url}")
        };
        let RedshiftOptions { server, .. } = *options;
        Logins::new(&server, server.location().into(), provider)
    }

    /// Gives out numbered logins that hold for so long.
    fn numbered(lifetime: Option<Duration>) -> (Logins, Arc<AtomicU32>) {
        let asked = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&asked);
        let mut provider = MockLoginProvider::new();
        provider.expect_login().returning(move || {
            let number = count.fetch_add(1, Ordering::SeqCst) + 1;
            let expires_at = lifetime.map(|lifetime| SystemTime::now() + lifetime);
            Ok(Login {
                user: "IAM:me".to_owned(),
                password: Secret::new(format!("temporary {number}")),
                expires_at,
            })
        });
        (logins(Some(Arc::new(provider))), asked)
    }

    async fn password(logins: &Logins) -> String {
        logins.current().await.unwrap().password.unwrap().expose().to_owned()
    }

    #[tokio::test]
    async fn a_login_that_nobody_gives_out_is_that_of_the_address() {
        let logins = logins(None);
        assert_eq!(password(&logins).await, "fixed");
        logins.forget(&logins.current().await.unwrap()).await;
        assert_eq!(password(&logins).await, "fixed");
    }

    #[tokio::test]
    async fn a_temporary_login_is_used_until_shortly_before_it_expires() {
        let (lasting, asked) = numbered(Some(Duration::from_secs(900)));
        for _ in 0..3 {
            assert_eq!(password(&lasting).await, "temporary 1");
        }
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        let (ending, _) = numbered(Some(Duration::from_secs(50)));
        assert_eq!(
            (password(&ending).await, password(&ending).await),
            ("temporary 1".into(), "temporary 2".into())
        );
        let (endless, _) = numbered(None);
        assert_eq!(
            (password(&endless).await, password(&endless).await),
            ("temporary 1".into(), "temporary 1".into())
        );
    }

    #[tokio::test]
    async fn many_connections_at_once_ask_once() {
        let (logins, asked) = numbered(Some(Duration::from_secs(900)));
        futures_util::future::join_all((0..10).map(|_| logins.current())).await;
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_login_that_is_refused_is_not_given_out_again_and_a_newer_one_is_kept() {
        let (logins, _) = numbered(Some(Duration::from_secs(900)));
        let first = logins.current().await.unwrap();
        assert!(!first.is_kept && logins.current().await.unwrap().is_kept);
        logins.forget(&first).await;
        assert_eq!(password(&logins).await, "temporary 2");
        logins.forget(&first).await;
        assert_eq!(password(&logins).await, "temporary 2");
    }

    #[tokio::test]
    async fn why_there_is_no_login_is_said_with_what_to_do() {
        let mut provider = MockLoginProvider::new();
        provider.expect_login().returning(|| {
            Err(LoginError { reason: "AWS refuses".to_owned(), remedy: "ask for the permission".to_owned() })
        });
        let error = logins(Some(Arc::new(provider))).current().await.unwrap_err();
        assert_eq!(error.to_string(), "there is no login for redshift://me@127.0.0.1:5439/dev: AWS refuses");
        assert_eq!(error.hint().as_deref(), Some("ask for the permission"));
        assert!(!error.is_retryable());
    }
}
