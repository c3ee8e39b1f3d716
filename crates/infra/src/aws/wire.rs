//! From the SDKs' errors to ours: the one place that knows AWS's codes.

use std::error::Error as StdError;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::services::{Answer, ErrorKind, ServiceError};

/// What is known about the other side.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wire {
    /// Whether it is not AWS itself but a local double, which answers what it does not know with a page of HTML.
    pub(super) double: bool,
}

/// A result of an SDK.
pub(super) type SdkResult<T, E> = Result<T, SdkError<E, HttpResponse>>;

impl Wire {
    /// Translates a result.
    pub(super) fn answer<T, E>(self, operation: &'static str, result: SdkResult<T, E>) -> Answer<T>
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        result.map_err(|error| self.error(operation, &error))
    }

    /// Translates a result of a read: what is not there is `None`.
    pub(super) fn found<T, E>(self, operation: &'static str, result: SdkResult<T, E>) -> Answer<Option<T>>
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        match self.answer(operation, result) {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Translates a result of a deletion: what is not there is fine.
    pub(super) fn gone<T, E>(self, operation: &'static str, result: SdkResult<T, E>) -> Answer<()>
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        self.found(operation, result).map(|_| ())
    }

    fn error<E>(self, operation: &'static str, error: &SdkError<E, HttpResponse>) -> ServiceError
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        let (code, message) = match error {
            SdkError::ServiceError(context) => (context.err().code(), context.err().message()),
            _ => (None, None),
        };
        let response = error.raw_response();
        let status = response.map(|response| response.status().as_u16());
        let kind = match error {
            SdkError::ServiceError(_) => {
                self.classify(code, message.unwrap_or_default(), status.unwrap_or(500))
            }
            SdkError::ResponseError(_) if self.double => ErrorKind::Unsupported,
            SdkError::ConstructionFailure(_) => ErrorKind::Invalid,
            _ if has_credentials_error(error) && has_expired(error) => ErrorKind::CredentialsExpired,
            _ if has_credentials_error(error) => ErrorKind::Credentials,
            _ => ErrorKind::Unavailable,
        };
        let message = message.map_or_else(|| reason(error, kind, status), one_line);
        let request_id = response.and_then(|response| {
            let headers = response.headers();
            headers.get("x-amzn-requestid").or_else(|| headers.get("x-amz-request-id")).map(str::to_owned)
        });
        ServiceError { kind, operation, code: code.map(str::to_owned), message, request_id }
    }

    /// What a code means. The message decides only where AWS uses one code for several things.
    pub(super) fn classify(self, code: Option<&str>, message: &str, status: u16) -> ErrorKind {
        let Some(code) = code else {
            return match status {
                401 | 403 => ErrorKind::AccessDenied,
                404 if self.double => ErrorKind::Unsupported,
                404 => ErrorKind::NotFound,
                429 => ErrorKind::Throttled,
                501 => ErrorKind::Unsupported,
                // A double's page about a fault that is really an operation that it lacks.
                500 if self.double => ErrorKind::Unsupported,
                500.. => ErrorKind::Unavailable,
                _ => ErrorKind::Other,
            };
        };
        if is_about_a_new_role(message) {
            return ErrorKind::RoleNotReady;
        }
        match code {
            "Throttling"
            | "ThrottlingException"
            | "RequestLimitExceeded"
            | "TooManyRequestsException"
            | "SlowDown"
            | "RequestThrottled"
            | "ThrottledException"
            | "PriorRequestNotComplete"
            | "ConcurrentModification"
            | "DependentServiceRequestThrottling"
            | "DependentServiceRequestThrottlingFault" => ErrorKind::Throttled,
            "AccessDenied"
            | "AccessDeniedException"
            | "UnauthorizedOperation"
            | "UnauthorizedAccess"
            | "DependentServiceAccessDenied"
            | "DependentServiceAccessDeniedFault"
            | "Forbidden" => ErrorKind::AccessDenied,
            "InvalidClientTokenId"
            | "UnrecognizedClientException"
            | "SignatureDoesNotMatch"
            | "InvalidAccessKeyId"
            | "MissingAuthenticationToken"
            | "MissingAuthenticationTokenException"
            | "IncompleteSignature"
            | "InvalidSignatureException"
            | "AuthFailure" => ErrorKind::Credentials,
            "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" => ErrorKind::CredentialsExpired,
            "InsufficientClusterCapacity" | "InsufficientCapacityException" => ErrorKind::Capacity,
            "InvalidGroup.Duplicate" | "InvalidPermission.Duplicate" | "BucketAlreadyExists" => {
                ErrorKind::AlreadyExists
            }
            "ConflictException" if message.contains("already exists") => ErrorKind::AlreadyExists,
            "ConflictException" => ErrorKind::InvalidState,
            "DependencyViolation" | "DeleteConflict" | "ResourceInUse" => ErrorKind::InUse,
            "NoSuchEntity" | "NoSuchBucket" | "NoSuchKey" | "ResourceNotFoundException" => {
                ErrorKind::NotFound
            }
            "ServiceUnavailable"
            | "ServiceUnavailableException"
            | "InternalFailure"
            | "InternalError"
            | "InternalServerException"
            | "RequestTimeout"
            | "RequestTimeoutException"
            | "Unavailable"
            | "DependentServiceUnavailable"
            | "DependentServiceUnavailableFault" => ErrorKind::Unavailable,
            "NotImplemented" | "InvalidAction" | "UnknownOperationException" => ErrorKind::Unsupported,
            // It is about subnets and routes, and does not pass.
            "InvalidVPCNetworkStateFault" => ErrorKind::Invalid,
            _ if code.contains("AlreadyExists") => ErrorKind::AlreadyExists,
            _ if code.contains("NotFound") => ErrorKind::NotFound,
            _ if code.contains("QuotaExceeded") || code.contains("LimitExceeded") => ErrorKind::Quota,
            _ if code.starts_with("Invalid") && code.contains("State") => ErrorKind::InvalidState,
            _ if code.starts_with("Invalid")
                || code.starts_with("Validation")
                || code.starts_with("Malformed") =>
            {
                ErrorKind::Invalid
            }
            _ if status >= 500 => ErrorKind::Unavailable,
            _ => ErrorKind::Other,
        }
    }
}

/// Redshift says in several ways that it cannot assume a role yet, with codes that it uses for much else.
fn is_about_a_new_role(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    let about_a_role = message.contains("iam role") || message.contains(":role/");
    let reasons = [
        "not authorized to assume",
        "cannot be assumed",
        "unable to assume",
        "is not valid",
        "does not exist",
        "not associated to cluster",
    ];
    about_a_role && !message.contains("to perform:") && reasons.iter().any(|reason| message.contains(reason))
}

/// What happened, where AWS did not say it.
fn reason<E: StdError + 'static>(
    error: &SdkError<E, HttpResponse>,
    kind: ErrorKind,
    status: Option<u16>,
) -> String {
    match (kind, status) {
        (ErrorKind::Credentials | ErrorKind::CredentialsExpired, _) => {
            format!("there are no usable credentials: {}", one_line(&last_source(error).to_string()))
        }
        (ErrorKind::Unsupported, Some(status)) => {
            format!("the endpoint does not know the operation (HTTP {status})")
        }
        (_, Some(status)) => format!("an answer without a reason (HTTP {status})"),
        (_, None) => one_line(&last_source(error).to_string()),
    }
}

fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn StdError + 'static)| (*error).source())
}

fn last_source<E: StdError + 'static>(error: &SdkError<E, HttpResponse>) -> &(dyn StdError + 'static) {
    chain(error).last().unwrap_or(error)
}

fn has_credentials_error<E: StdError + 'static>(error: &SdkError<E, HttpResponse>) -> bool {
    chain(error).any(|cause| {
        cause.downcast_ref::<CredentialsError>().is_some()
            || cause.to_string().contains("no providers in chain")
    })
}

/// Whether the reason is a login, such as that of SSO, that is over.
fn has_expired<E: StdError + 'static>(error: &SdkError<E, HttpResponse>) -> bool {
    chain(error).any(|cause| cause.to_string().contains("expired"))
}

/// Messages of services may have several lines, and be long.
fn one_line(message: &str) -> String {
    const MOST: usize = 600;
    let line = message.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= MOST { line } else { line.chars().take(MOST).chain("…".chars()).collect() }
}
