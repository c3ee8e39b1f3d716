//! What Redshift says, to our errors. Its texts are more to be relied on than its codes.

use std::{error::Error as _, io};

use tokio_postgres::Error as PgError;

use crate::{
    Error,
    wire::{During, classify as by_code, message, tls_error},
};

/// The error for what the client library reports.
pub(super) fn classify(location: &str, during: During<'_>, error: &PgError) -> Error {
    if let Some(server) = error.as_db_error()
        && let Some(error) = by_text(location, &message(server))
    {
        return error;
    }
    match (by_code(location, during, error), during) {
        // Redshift words a timeout like a request of the user; it was not ours.
        (Error::Interrupted, During::Statement { interrupted: false, .. }) => Error::StatementTimeout {
            location: location.to_owned(),
            reason: error.as_db_error().map_or_else(|| error.to_string(), message),
        },
        (error, _) => error,
    }
}

/// The error of a text that is known.
fn by_text(location: &str, reason: &str) -> Option<Error> {
    let (location, reason) = (location.to_owned(), reason.to_owned());
    let says = |text: &str| reason.to_lowercase().contains(text);
    // A table that was replaced after the transaction's snapshot: the next attempt sees the new one.
    if says("serializable isolation violation") || (says("1018") && says("relation does not exist")) {
        return Some(Error::Conflict { location, reason });
    }
    if says("disk full") {
        return Some(Error::ServerDiskFull { location, reason });
    }
    if says("connection limit") {
        return Some(Error::TooManyConnections { location, reason });
    }
    None
}

/// The error of a socket that could not be connected or encrypted.
pub(super) fn socket_failed(location: &str, error: &io::Error) -> Error {
    let location = location.to_owned();
    let inner = error.get_ref();
    if let Some(tls) = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return tls_error(location, tls);
    }
    let mut reason = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        reason.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    Error::Unreachable { location, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_redshift_says_of_other_transactions_is_worth_another_attempt() {
        for text in [
            "1023\nSerializable isolation violation on table - 100254, transactions forming the cycle are: 1, 2",
            "Serializable isolation violation on table in Redshift",
            "1018\nRelation does not exist.",
        ] {
            assert!(by_text("redshift://x", text).is_some_and(|error| error.is_retryable()), "{text}");
        }
        assert!(by_text("redshift://x", "relation \"songs\" does not exist").is_none());
    }

    #[test]
    fn a_full_disk_and_too_many_connections_are_known_by_their_texts() {
        assert!(matches!(by_text("x", "Disk Full"), Some(Error::ServerDiskFull { .. })));
        let text = "connection limit \"500\" exceeded for non-bootstrap users";
        assert!(matches!(by_text("x", text), Some(Error::TooManyConnections { .. })));
    }

    #[test]
    fn a_socket_that_fails_says_why() {
        let error = socket_failed("redshift://x", &io::Error::from(io::ErrorKind::ConnectionRefused));
        assert!(
            matches!(&error, Error::Unreachable { reason, .. } if reason.contains("refused")),
            "{error:?}"
        );
        let tls = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let error = socket_failed("redshift://x", &io::Error::new(io::ErrorKind::InvalidData, tls));
        assert!(matches!(&error, Error::Tls { reason, .. } if reason.contains("not trusted")), "{error:?}");
    }
}
