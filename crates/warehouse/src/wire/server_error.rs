//! The server's SQLSTATE codes, and what goes wrong below them, to our errors.

use std::{error::Error as _, io};

use tokio_postgres::{
    Error as PgError,
    error::{DbError, SqlState},
};

use crate::{Error, INTERRUPTS, LockHolder};

/// What was being done when an error came.
#[derive(Debug, Clone, Copy)]
pub(crate) enum During<'a> {
    /// Connecting and logging in.
    Connecting,
    /// A statement; with whether it was interrupted on request.
    Statement { sql: &'a str, interrupted: bool },
}

/// An error of the client library that is not understood yet, or one of ours.
pub(crate) enum Failure {
    Client(PgError),
    Ours(Error),
}

impl From<PgError> for Failure {
    fn from(error: PgError) -> Self {
        Self::Client(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Ours(error)
    }
}

/// The error for what the client library reports.
pub(crate) fn classify(location: &str, during: During<'_>, error: &PgError) -> Error {
    if let Some(server) = error.as_db_error() {
        return by_state(location, during, server.code().code(), &message(server));
    }
    let location = location.to_owned();
    if let Some(tls) = in_chain::<rustls::Error>(error) {
        return tls_error(location, tls);
    }
    let reason = chain(error);
    if reason.contains("TLS") {
        return Error::Tls {
            location,
            reason,
            remedy: "switch ssl on at the server, or say sslmode=disable on a network that you trust"
                .to_owned(),
        };
    }
    if reason.contains("password missing") {
        return Error::Login { location, reason: "it asks for a password, and there is none".to_owned() };
    }
    if let During::Statement { interrupted: true, .. } = during {
        return Error::Interrupted;
    }
    let lost = error.is_closed() || in_chain::<io::Error>(error).is_some();
    match during {
        // A password of an unsupported kind and the like.
        During::Connecting if !lost => Error::Login { location, reason },
        During::Connecting => Error::Unreachable { location, reason },
        During::Statement { .. } if lost => Error::ConnectionLost { location, reason },
        During::Statement { sql, .. } => Error::Statement { reason, sql: sql.to_owned() },
    }
}

/// Tells the user that a statement which was interrupted has ended, if this is the server's word for it.
pub(crate) fn confirm_end(error: &PgError) {
    if error.code() == Some(&SqlState::QUERY_CANCELED) {
        tracing::info!(target: INTERRUPTS, "the server confirms that the statement has ended");
    }
}

/// The error for an SQLSTATE.
fn by_state(location: &str, during: During<'_>, state: &str, reason: &str) -> Error {
    let (location, reason) = (location.to_owned(), reason.to_owned());
    match state {
        "25006" => Error::ReadOnly,
        "3D000" | "57P04" => Error::NoDatabase { location, reason },
        "42501" => Error::NoPrivilege { location, reason },
        "53100" => Error::ServerDiskFull { location, reason },
        "53200" => Error::ServerOutOfMemory { location, reason },
        "53300" => Error::TooManyConnections { location, reason },
        "57014" => match during {
            During::Statement { interrupted: false, .. } if reason.contains("timeout") => {
                Error::StatementTimeout { location, reason }
            }
            _ => Error::Interrupted,
        },
        "57P01" | "57P02" | "57P03" | "57P05" => Error::ServerShutdown { location, reason },
        "40001" | "40P01" => Error::Conflict { location, reason },
        "55P03" => Error::LockTimeout { location, reason },
        "55000" if reason.contains("replica identity") => Error::Setup {
            location,
            reason,
            remedy: "let the publication have whole rows of that table: ALTER TABLE … REPLICA IDENTITY FULL"
                .to_owned(),
        },
        "3F000" => Error::Setup {
            location,
            reason,
            remedy: "create the schema (CREATE SCHEMA …), or set a search_path to one that exists".to_owned(),
        },
        _ if state.starts_with("28") => Error::Login { location, reason },
        _ if state.starts_with("08") => match during {
            During::Connecting => Error::Unreachable { location, reason },
            During::Statement { .. } => Error::ConnectionLost { location, reason },
        },
        _ => match during {
            During::Connecting => Error::UnsuitableServer { location, reason },
            During::Statement { sql, .. } => Error::Statement { reason, sql: sql.to_owned() },
        },
    }
}

/// Everything the server says, on one line each.
pub(crate) fn message(error: &DbError) -> String {
    let mut text = error.message().to_owned();
    for part in [error.detail(), error.hint(), error.where_()].into_iter().flatten() {
        text.push('\n');
        text.push_str(part);
    }
    text
}

pub(crate) fn tls_error(location: String, error: &rustls::Error) -> Error {
    use rustls::CertificateError as Certificate;
    let (reason, remedy) = match error {
        rustls::Error::InvalidCertificate(Certificate::Expired | Certificate::ExpiredContext { .. }) => (
            format!("the server's certificate has expired ({error})"),
            "renew it on the server, and check the clock of this machine",
        ),
        rustls::Error::InvalidCertificate(
            Certificate::NotValidForName | Certificate::NotValidForNameContext { .. },
        ) => (
            format!("the server's certificate is for another host ({error})"),
            "use the name that the certificate has (with hostaddr for a tunnel), or sslmode=verify-ca if you trust \
             every server of that authority",
        ),
        rustls::Error::InvalidCertificate(Certificate::Other(other)) if is_of_an_authority(other) => (
            "the server's certificate is self-signed, and is not in the file that sslrootcert names"
                .to_owned(),
            "bring the server's certificate (its ssl_cert_file) here by a way that you trust, and name it with \
             sslrootcert (or PGSSLROOTCERT)",
        ),
        rustls::Error::InvalidCertificate(_) => (
            format!("the server's certificate is not trusted ({error})"),
            "name the file with the certificate of the server's authority with sslrootcert (or PGSSLROOTCERT)",
        ),
        _ => (error.to_string(), "check the server's ssl settings; TLS 1.2 or newer is needed"),
    };
    Error::Tls { location, reason, remedy: remedy.to_owned() }
}

/// Whether a certificate was refused for being that of an authority, as those that `openssl req -x509` makes.
fn is_of_an_authority(error: &rustls::OtherError) -> bool {
    error.0.to_string().contains("CaUsedAsEndEntity")
}

/// The messages of an error and its sources.
fn chain(error: &PgError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

/// The first error of a type among an error's sources. An I/O error hides the one it was made from.
pub(crate) fn in_chain<E: std::error::Error + 'static>(error: &dyn std::error::Error) -> Option<&E> {
    let mut source = error.source();
    while let Some(error) = source {
        let hidden = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
            .and_then(|hidden| hidden.downcast_ref::<E>());
        if let Some(found) = hidden.or_else(|| error.downcast_ref::<E>()) {
            return Some(found);
        }
        source = error.source();
    }
    None
}

/// Whether nothing listened, or the connection broke before anything was decided: worth another attempt.
pub(crate) fn is_refused(error: &PgError) -> bool {
    error.as_db_error().is_none()
        && in_chain::<rustls::Error>(error).is_none()
        && in_chain::<io::Error>(error).is_some_and(is_broken)
}

/// Whether a socket broke or never came to be.
pub(crate) fn is_broken(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionRefused, ConnectionReset, UnexpectedEof};
    matches!(
        error.kind(),
        ConnectionRefused | ConnectionReset | ConnectionAborted | BrokenPipe | UnexpectedEof
    )
}

/// The error of a commit. That it failed is only the server's to say: without an answer it is open whether it took
/// place, also if somebody asked for its end meanwhile.
pub(crate) fn commit_failed(
    location: &str,
    sql: &str,
    (failure, interrupted): (Failure, bool),
    classify: fn(&str, During<'_>, &PgError) -> Error,
) -> Error {
    let error = match failure {
        Failure::Ours(error) => return error,
        Failure::Client(error) => error,
    };
    let answered = error.as_db_error().is_some();
    if interrupted {
        confirm_end(&error);
    }
    let during = During::Statement { sql, interrupted: interrupted && answered };
    let reason = match classify(location, during, &error) {
        Error::ConnectionLost { reason, .. } | Error::ServerShutdown { reason, .. } => reason,
        error if answered => return error,
        error => error.to_string(),
    };
    Error::ConnectionLost {
        location: location.to_owned(),
        reason: format!(
            "{reason}; whether the last step, the commit, took place is not known: the next run finds out"
        ),
    }
}

/// A load of another process.
pub(crate) fn load_under_way(location: &str, holder: Option<(i32, Option<String>)>) -> Error {
    let holder = holder.and_then(|(pid, program)| {
        let program = program.filter(|program| !program.is_empty());
        Some(LockHolder { pid: u32::try_from(pid).ok()?, program })
    });
    Error::LoadUnderWay { location: location.to_owned(), holder }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATEMENT: During<'_> = During::Statement { sql: "SELECT 1", interrupted: false };

    fn of(state: &str, reason: &str) -> Error {
        by_state("postgres://u@h:1/d", STATEMENT, state, reason)
    }

    #[test]
    fn each_state_has_its_error() {
        assert!(matches!(of("28P01", ""), Error::Login { .. }));
        assert!(matches!(of("28000", ""), Error::Login { .. }));
        assert!(matches!(of("3D000", ""), Error::NoDatabase { .. }));
        assert!(matches!(of("42501", ""), Error::NoPrivilege { .. }));
        assert!(matches!(of("53100", ""), Error::ServerDiskFull { .. }));
        assert!(matches!(of("53200", ""), Error::ServerOutOfMemory { .. }));
        assert!(matches!(of("53300", ""), Error::TooManyConnections { .. }));
        assert!(matches!(
            of("57014", "canceling statement due to statement timeout"),
            Error::StatementTimeout { .. }
        ));
        assert!(matches!(of("57014", "canceling statement due to user request"), Error::Interrupted));
        assert!(matches!(of("57P01", ""), Error::ServerShutdown { .. }));
        assert!(matches!(of("40001", ""), Error::Conflict { .. }));
        assert!(matches!(of("40P01", ""), Error::Conflict { .. }));
        assert!(matches!(of("55P03", ""), Error::LockTimeout { .. }));
        assert!(matches!(of("08006", ""), Error::ConnectionLost { .. }));
        assert!(matches!(of("25006", ""), Error::ReadOnly));
        assert!(matches!(of("42P01", ""), Error::Statement { .. }));
    }

    #[test]
    fn only_a_lost_connection_and_a_conflict_are_worth_another_attempt() {
        let retryable = ["40001", "40P01", "08006", "08003", "57P01", "57P02", "57P03"];
        for state in [
            "28P01", "3D000", "42501", "53100", "53200", "53300", "55P03", "57014", "57P04", "42601",
            "42P01", "23505",
        ] {
            assert!(!of(state, "").is_retryable(), "{state}");
        }
        for state in retryable {
            assert!(of(state, "").is_retryable(), "{state}");
        }
    }

    #[test]
    fn every_error_of_a_server_says_what_to_do() {
        for state in [
            "28P01", "3D000", "42501", "53100", "53200", "53300", "55P03", "57P01", "40001", "08006", "25006",
        ] {
            let error = of(state, "reason");
            assert!(error.hint().is_some_and(|hint| !hint.is_empty()), "{error}");
        }
    }
}
