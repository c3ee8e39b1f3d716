//! What can go wrong with S3, and what to do about it.

use std::error::Error as StdError;

use http::StatusCode;
use object_store::client::{HttpError, HttpErrorKind};

use crate::{credentials::Unavailable, refusal::Refusal, url::S3Url};

/// A result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A cause of any kind.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// What is done with an object or a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Listing what is below a prefix.
    List,
    /// Reading an object or its properties.
    Read,
    /// Writing an object.
    Write,
    /// Deleting an object.
    Delete,
}

impl Action {
    /// The permission that it takes.
    #[must_use]
    pub const fn permission(self) -> &'static str {
        match self {
            Self::List => "s3:ListBucket",
            Self::Read => "s3:GetObject",
            Self::Write => "s3:PutObject",
            Self::Delete => "s3:DeleteObject",
        }
    }

    const fn verb(self) -> &'static str {
        match self {
            Self::List => "listed",
            Self::Read => "read",
            Self::Write => "written",
            Self::Delete => "deleted",
        }
    }

    /// The resource, as policies name it, that the permission is for.
    fn resource(self, url: &S3Url) -> String {
        match (self, url.key()) {
            (Self::List, _) => format!("arn:aws:s3:::{}", url.bucket()),
            (_, "") => format!("arn:aws:s3:::{}/*", url.bucket()),
            (_, key) => format!("arn:aws:s3:::{}/{key}", url.bucket()),
        }
    }
}

/// The kinds of errors.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The caller may not do that.
    AccessDenied,
    /// There is no such bucket.
    NoSuchBucket,
    /// There is no such object.
    NotFound,
    /// The bucket is in another region.
    WrongRegion {
        /// The region that it is in, if S3 tells it.
        right: Option<String>,
    },
    /// No credentials were found, or they could not be got.
    NoCredentials,
    /// The session is over.
    ExpiredCredentials,
    /// S3 does not know the credentials, or the secret is wrong.
    InvalidCredentials,
    /// The clock of this machine is wrong.
    Clock,
    /// A condition of the request does not hold: the object is there already, or is another one by now.
    Precondition,
    /// The object is in an archive, from which it must be restored first.
    Archived,
    /// S3 is too busy or has an error of its own, also after several tries.
    Unavailable,
    /// No connection comes about, or it breaks again and again.
    Unreachable,
    /// The settings cannot be used.
    Settings,
    /// Anything else.
    Other,
}

/// An error of S3, or on the way there.
#[derive(Debug, thiserror::Error)]
#[error("{url}: {}", self.problem())]
pub struct Error {
    kind: ErrorKind,
    action: Action,
    url: S3Url,
    /// Whether the request was signed.
    signed: bool,
    /// Whether it is about the place where a load puts files for an engine to read.
    is_stage: bool,
    #[source]
    source: Option<BoxError>,
}

/// Causes in one line.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Cause(String);

impl Error {
    /// What an error of the store means: what was done with what, and why it failed.
    #[must_use]
    pub fn of(error: object_store::Error, action: Action, url: &S3Url) -> Self {
        let facts = Facts::of(&error);
        let kind = facts.kind(&error);
        let signed = facts.refusal.is_none_or(|refusal| refusal.signed);
        // The store's words above the cause say nothing that is not said here.
        let source: Option<BoxError> = match (facts.refusal, facts.beginning) {
            (Some(refusal), _) => Some(Box::new(refusal.clone())),
            (None, Some(beginning)) => Some(Box::new(Cause(chain(beginning)))),
            (None, None) => match kind {
                ErrorKind::NotFound | ErrorKind::Precondition => None,
                _ => Some(Box::new(error)),
            },
        };
        Self { kind, action, url: url.clone(), signed, is_stage: false, source }
    }

    /// The same about a place where files are put for an engine to read: other settings name it, and it takes
    /// more permissions than a source.
    #[must_use]
    pub fn of_stage(mut self) -> Self {
        self.is_stage = true;
        self
    }

    fn without_request(kind: ErrorKind, url: &S3Url, source: Option<BoxError>) -> Self {
        Self { kind, action: Action::List, url: url.clone(), signed: true, is_stage: false, source }
    }

    /// There is no such bucket, as S3 says without a word more.
    pub(crate) fn no_such_bucket(url: &S3Url) -> Self {
        Self::without_request(ErrorKind::NoSuchBucket, url, None)
    }

    /// There are no credentials.
    pub(crate) fn no_credentials(error: &Unavailable, profile: Option<&str>, url: &S3Url) -> Self {
        let cause = match (error, profile) {
            (Unavailable::None, None) => None,
            (Unavailable::None, Some(profile)) => {
                Some(format!("the profile {profile} is not there, or has none"))
            }
            (error, _) => Some(chain(error)),
        };
        let kind = match &cause {
            // A login, such as that of SSO, that is over.
            Some(cause) if cause.contains("expired") => ErrorKind::ExpiredCredentials,
            _ => ErrorKind::NoCredentials,
        };
        let source: Option<BoxError> = cause.map(|cause| Box::new(Cause(cause)) as _);
        Self::without_request(kind, url, source)
    }

    /// The settings cannot be used, for a reason in words.
    pub(crate) fn settings(reason: impl Into<String>, url: &S3Url) -> Self {
        let source: Option<BoxError> = Some(Box::new(Cause(reason.into())));
        Self::without_request(ErrorKind::Settings, url, source)
    }

    /// The kind of the error.
    #[must_use]
    pub const fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// What was wanted.
    #[must_use]
    pub const fn action(&self) -> Action {
        self.action
    }

    /// Of what it was wanted.
    #[must_use]
    pub const fn url(&self) -> &S3Url {
        &self.url
    }

    /// What is wrong, without the address.
    #[must_use]
    pub fn problem(&self) -> String {
        let (bucket, verb) = (self.url.bucket(), self.action.verb());
        match &self.kind {
            ErrorKind::AccessDenied => format!("access denied: it may not be {verb}"),
            ErrorKind::NoSuchBucket => format!("there is no bucket {bucket}"),
            ErrorKind::NotFound => "there is no such object".to_owned(),
            ErrorKind::WrongRegion { right: Some(right) } => {
                format!("the bucket {bucket} is in the region {right}, and another one was asked for it")
            }
            ErrorKind::WrongRegion { right: None } => {
                format!("the bucket {bucket} is in another region than the one that was asked for it")
            }
            ErrorKind::NoCredentials => "there are no AWS credentials to reach it with".to_owned(),
            ErrorKind::ExpiredCredentials => "the AWS credentials have expired".to_owned(),
            ErrorKind::InvalidCredentials => "S3 does not accept the AWS credentials".to_owned(),
            ErrorKind::Clock => "S3 refuses because the clock of this machine is wrong".to_owned(),
            ErrorKind::Precondition => "it is another object by now".to_owned(),
            ErrorKind::Archived => "it is archived: its storage class has to be restored first".to_owned(),
            ErrorKind::Unavailable => {
                format!("S3 is too busy: it could not be {verb}, also after several tries")
            }
            ErrorKind::Unreachable => {
                format!("S3 cannot be reached: it could not be {verb}, also after several tries")
            }
            ErrorKind::Settings => "it cannot be reached with these settings".to_owned(),
            ErrorKind::Other => format!("it could not be {verb}"),
        }
    }

    /// The cause, for an error that says the rest itself.
    #[must_use]
    pub fn into_source(self) -> Option<BoxError> {
        self.source
    }

    /// Whether it is the key that an object is encrypted with that may not be used.
    fn names_a_key(&self) -> bool {
        let refusal = self.source.as_ref().and_then(|source| source.downcast_ref::<Refusal>());
        refusal.is_some_and(|refusal| refusal.message.contains("kms:"))
    }

    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let bucket = self.url.bucket();
        let (permission, resource) = (self.action.permission(), self.action.resource(&self.url));
        let region_flag = if self.is_stage { "--stage-region" } else { "--s3-region" };
        Some(match &self.kind {
            ErrorKind::AccessDenied if self.names_a_key() && self.action == Action::Write => {
                "objects there are encrypted with a key of KMS: give the caller the permissions kms:GenerateDataKey and \
                 kms:Decrypt on that key as well"
                    .to_owned()
            }
            ErrorKind::AccessDenied if self.names_a_key() => "the object is encrypted with a key of KMS: give the caller \
                                                              the permission kms:Decrypt on that key as well"
                .to_owned(),
            ErrorKind::AccessDenied if self.is_stage => format!(
                "a load puts, reads, lists and deletes files there: give the caller s3:PutObject, s3:GetObject and \
                 s3:DeleteObject on arn:aws:s3:::{bucket}/*, and s3:ListBucket on arn:aws:s3:::{bucket} (in a policy of the \
                 role or user, and of the bucket if it is another account's); `aws sts get-caller-identity` shows who \
                 the caller is"
            ),
            ErrorKind::AccessDenied if self.signed => format!(
                "give the caller the permission {permission} on {resource} (in a policy of the role or user, and of \
                 the bucket if it is another account's); `aws sts get-caller-identity` shows who the caller is"
            ),
            ErrorKind::AccessDenied => format!(
                "not everybody has {permission} on {resource}: leave out --s3-anonymous to use your AWS credentials"
            ),
            ErrorKind::NoSuchBucket if self.is_stage => "check the name of the bucket in --stage, or make it; one that is \
                                                         not on AWS needs its server's address with --s3-endpoint"
                .to_owned(),
            ErrorKind::NoSuchBucket => "check the name of the bucket; one that is not on AWS needs its server's \
                                        address with --s3-endpoint"
                .to_owned(),
            ErrorKind::NotFound => "check the key: it is case-sensitive".to_owned(),
            ErrorKind::WrongRegion { right: Some(right) } if self.is_stage => {
                format!("name the region with --stage-region {right}")
            }
            ErrorKind::WrongRegion { right: Some(right) } => {
                format!("name the region with --s3-region {right}, or set AWS_REGION={right}")
            }
            ErrorKind::WrongRegion { right: None } => format!(
                "name the region with {region_flag}; `aws s3api get-bucket-location --bucket {bucket}` tells it"
            ),
            ErrorKind::NoCredentials if self.is_stage => "log in (`aws sso login`, `aws configure`), choose a profile with \
                                                          AWS_PROFILE, or set AWS_ACCESS_KEY_ID and \
                                                          AWS_SECRET_ACCESS_KEY"
                .to_owned(),
            ErrorKind::NoCredentials => {
                "log in (`aws sso login`, `aws configure`), choose a profile with AWS_PROFILE, or set \
                 AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; a public bucket is read without any by --s3-anonymous"
                    .to_owned()
            }
            ErrorKind::ExpiredCredentials => "get new ones (`aws sso login`, or a new AWS_SESSION_TOKEN with its \
                                              keys), then run again"
                .to_owned(),
            ErrorKind::InvalidCredentials => "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and \
                                              AWS_SESSION_TOKEN, or the profile: they must belong together"
                .to_owned(),
            ErrorKind::Clock => "set the clock (S3 allows for 15 minutes), then run again".to_owned(),
            ErrorKind::Precondition => "run again when nobody writes there".to_owned(),
            ErrorKind::Archived => "restore it (`aws s3api restore-object`), or leave it out".to_owned(),
            ErrorKind::Unavailable => "run again later; what was loaded before is not read again".to_owned(),
            ErrorKind::Unreachable => format!(
                "check the network, the region ({region_flag}) and the address of the server (--s3-endpoint, \
                 AWS_ENDPOINT_URL; --s3-path-style says whether the bucket stands in its path or in its name)"
            ),
            ErrorKind::Settings | ErrorKind::Other => return None,
        })
    }
}

/// What the chain of causes of an error has in it.
struct Facts<'a> {
    refusal: Option<&'a Refusal>,
    transport: Option<HttpErrorKind>,
    unavailable: bool,
    /// Where the chain begins to say something.
    beginning: Option<&'a (dyn StdError + 'static)>,
}

impl<'a> Facts<'a> {
    fn of(error: &'a object_store::Error) -> Self {
        let mut facts = Self { refusal: None, transport: None, unavailable: false, beginning: None };
        let mut next: Option<&(dyn StdError + 'static)> = Some(error);
        while let Some(cause) = next {
            next = cause.source();
            if let Some(refusal) = cause.downcast_ref() {
                facts.refusal = Some(refusal);
            } else if let Some(http) = cause.downcast_ref::<HttpError>() {
                facts.transport = Some(http.kind());
                facts.beginning = next;
            } else if cause.is::<Unavailable>() {
                facts.unavailable = true;
                facts.beginning = Some(cause);
            }
        }
        facts
    }

    fn kind(&self, error: &object_store::Error) -> ErrorKind {
        if let Some(refusal) = self.refusal {
            return kind_of(refusal);
        }
        match error {
            _ if self.unavailable => ErrorKind::NoCredentials,
            _ if self.transport.is_some() => ErrorKind::Unreachable,
            object_store::Error::NotFound { .. } => ErrorKind::NotFound,
            object_store::Error::Precondition { .. } | object_store::Error::AlreadyExists { .. } => {
                ErrorKind::Precondition
            }
            // What a resumed read found, wrapped by the store.
            object_store::Error::Generic { source, .. } => {
                source.downcast_ref().map_or(ErrorKind::Other, |inner| self.kind(inner))
            }
            _ => ErrorKind::Other,
        }
    }
}

/// The one place that knows the names of S3's errors.
fn kind_of(refusal: &Refusal) -> ErrorKind {
    match refusal.code.as_str() {
        _ if refusal.is_expired() => ErrorKind::ExpiredCredentials,
        "NoSuchBucket" => ErrorKind::NoSuchBucket,
        "PermanentRedirect"
        | "TemporaryRedirect"
        | "AuthorizationHeaderMalformed"
        | "IllegalLocationConstraintException" => ErrorKind::WrongRegion { right: refusal.region.clone() },
        "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "InvalidToken" | "UnrecognizedClientException" => {
            ErrorKind::InvalidCredentials
        }
        "RequestTimeTooSkewed" => ErrorKind::Clock,
        "InvalidObjectState" => ErrorKind::Archived,
        _ => match refusal.status {
            StatusCode::MOVED_PERMANENTLY | StatusCode::TEMPORARY_REDIRECT => {
                ErrorKind::WrongRegion { right: refusal.region.clone() }
            }
            // A HEAD has no body to say more.
            StatusCode::BAD_REQUEST if refusal.code == "400" && refusal.region.is_some() => {
                ErrorKind::WrongRegion { right: refusal.region.clone() }
            }
            StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => ErrorKind::AccessDenied,
            _ if refusal.is_passing() => ErrorKind::Unavailable,
            _ => ErrorKind::Other,
        },
    }
}

/// Whether the session that signed a request is over.
pub(crate) fn is_expired(error: &object_store::Error) -> bool {
    Facts::of(error).refusal.is_some_and(Refusal::is_expired)
}

/// Whether no answer came, or not all of it.
pub(crate) fn is_broken(error: &object_store::Error) -> bool {
    let facts = Facts::of(error);
    facts.refusal.is_none() && facts.transport.is_some()
}

/// An error with its causes in one line; what a cause repeats is said once.
fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let said = cause.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests;
