//! What AWS may answer instead of what was asked for.

/// The kinds of refusals and failures, by what to do about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// It is not there (or not visible yet).
    NotFound,
    /// It is already there.
    AlreadyExists,
    /// Too many requests.
    Throttled,
    /// No answer, or a fault of the service.
    Unavailable,
    /// The caller may not do this.
    AccessDenied,
    /// There are no credentials, or they are not valid.
    Credentials,
    /// The credentials have run out.
    CredentialsExpired,
    /// A quota of the account is used up.
    Quota,
    /// AWS has no free nodes of this type at the moment.
    Capacity,
    /// Another operation on the resource is going on, or its state does not allow this one.
    InvalidState,
    /// Something still uses the resource.
    InUse,
    /// A role just made is not known everywhere yet.
    RoleNotReady,
    /// A value was refused.
    Invalid,
    /// The service does not know the operation. Local doubles answer so.
    Unsupported,
    /// Anything else.
    Other,
}

/// A refusal or failure of AWS.
///
/// Its text names the operation and what AWS said, never a value of the request.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{operation}: {}{}", message, code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default())]
pub struct ServiceError {
    /// What to do about it, in general.
    pub kind: ErrorKind,
    /// The operation as IAM calls it, such as `redshift:CreateCluster`.
    pub operation: &'static str,
    /// AWS's code.
    pub code: Option<String>,
    /// AWS's message.
    pub message: String,
    /// The number of the request, for AWS's support.
    pub request_id: Option<String>,
}

impl ServiceError {
    /// An error without code and number.
    #[must_use]
    pub fn new(kind: ErrorKind, operation: &'static str, message: impl Into<String>) -> Self {
        Self { kind, operation, code: None, message: message.into(), request_id: None }
    }

    /// Whether the same request may succeed a little later, whatever it is about.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self.kind, ErrorKind::Throttled | ErrorKind::Unavailable)
    }

    /// The permission that the caller lacks, as far as it can be told: what the message names, else the
    /// operation.
    #[must_use]
    pub fn missing_action(&self) -> Option<&str> {
        if self.kind != ErrorKind::AccessDenied {
            return None;
        }
        let named =
            self.message.split_once("to perform: ").and_then(|(_, rest)| rest.split_whitespace().next());
        Some(named.map_or(self.operation, |action| action.trim_end_matches(['.', ','])))
    }

    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self.kind {
            ErrorKind::AccessDenied => format!(
                "the caller lacks the permission {}; docs/aws-permissions.json has all that this program needs",
                self.missing_action().unwrap_or(self.operation)
            ),
            ErrorKind::Credentials => {
                "log in (aws sso login), or set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; \
                 `aws sts get-caller-identity` shows whether they are valid"
                    .to_owned()
            }
            ErrorKind::CredentialsExpired => {
                "the credentials have run out: log in again (aws sso login), then run the same command".to_owned()
            }
            ErrorKind::Quota => {
                "a quota of the account is used up: delete what is no longer needed, or ask for more under Service \
                 Quotas; fewer nodes or `kind = \"serverless\"` may also do"
                    .to_owned()
            }
            ErrorKind::Capacity => {
                "AWS has no free nodes of this type there now: take another `node_type`, or subnets in another \
                 availability zone (`subnet_ids`), or `kind = \"serverless\"`, or try again later"
                    .to_owned()
            }
            ErrorKind::Throttled => "too many requests at once: try again in a minute".to_owned(),
            ErrorKind::Unavailable => {
                "check the network and https://health.aws.amazon.com; run the same command again to go on".to_owned()
            }
            ErrorKind::InvalidState => {
                "another operation on it is going on: wait until it has ended (`sparkify-cli status`), then run the \
                 same command again"
                    .to_owned()
            }
            ErrorKind::InUse => {
                "something still uses it: AWS releases network interfaces some minutes after a cluster is gone; run \
                 the same command again"
                    .to_owned()
            }
            ErrorKind::RoleNotReady => {
                "a new role takes up to some minutes until all of AWS knows it: run the same command again".to_owned()
            }
            ErrorKind::Unsupported => "the service at this endpoint does not have the operation".to_owned(),
            ErrorKind::NotFound | ErrorKind::AlreadyExists | ErrorKind::Invalid | ErrorKind::Other => return None,
        })
    }
}
