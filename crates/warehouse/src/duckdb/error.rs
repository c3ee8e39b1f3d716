//! DuckDB's messages to our errors: the only place that reads them.

use std::path::Path;

use ::duckdb::Error as DuckDbError;

use crate::{Error, LockHolder};

/// An error while a file is opened.
pub(super) fn opening(path: &Path, error: &DuckDbError) -> Error {
    let message = reason(error);
    let path = path.to_owned();
    if message.contains("Could not set lock on file") {
        return Error::Locked { holder: lock_holder(&message), path };
    }
    if message.contains("can only read versions between")
        || message.contains("newer version of DuckDB")
        || message.contains("storage version greater than")
    {
        return Error::OtherVersion { reason: first_line(&message), path };
    }
    if message.contains("not a valid DuckDB database file") || message.contains("Corrupt database file") {
        return Error::NotADatabase { reason: first_line(&message), path };
    }
    if message.contains("Out of Memory Error") {
        return Error::OutOfMemory { reason: first_line(&message) };
    }
    if is_disk_full(&message) {
        return Error::DiskFull { location: path.display().to_string(), reason: first_line(&message) };
    }
    Error::Open { reason: first_line(&message), path }
}

/// An error of a statement.
pub(super) fn statement(location: &str, sql: &str, error: &DuckDbError) -> Error {
    let message = reason(error);
    let reason = first_line(&message);
    if message.contains("INTERRUPT") || message.contains("Interrupted") {
        Error::Interrupted
    } else if is_disk_full(&message) {
        Error::DiskFull { location: location.to_owned(), reason }
    } else if message.contains("Failed to create directory") || message.contains("duckdb_temp_storage") {
        Error::TempDirectory { reason }
    } else if message.contains("Out of Memory Error") {
        Error::OutOfMemory { reason }
    } else if message.contains("read-only mode") {
        Error::ReadOnly
    } else {
        Error::Statement { reason: message, sql: sql.to_owned() }
    }
}

fn reason(error: &DuckDbError) -> String {
    match error {
        DuckDbError::DuckDBFailure(_, Some(message)) => message.clone(),
        DuckDbError::FromSqlConversionFailure(_, data_type, _) => {
            format!(
                "values of the type {data_type} cannot be shown; ask for them as text: CAST(… AS VARCHAR)"
            )
        }
        other => other.to_string(),
    }
}

fn first_line(message: &str) -> String {
    message.lines().next().unwrap_or_default().to_owned()
}

fn is_disk_full(message: &str) -> bool {
    ["No space left on device", "no space left", "Disk quota exceeded"]
        .iter()
        .any(|text| message.contains(text))
        || (message.contains("failed to offload data block") && message.contains("limit"))
}

/// From `Conflicting lock is held in /usr/bin/duckdb (PID 4711)`.
fn lock_holder(message: &str) -> Option<LockHolder> {
    let (before, after) = message.split_once("(PID ")?;
    let pid = after.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()?;
    let program = before.rsplit_once("held in ").map(|(_, program)| program.trim().to_owned());
    Some(LockHolder { pid, program: program.filter(|program| !program.is_empty()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(message: &str) -> DuckDbError {
        DuckDbError::DuckDBFailure(::duckdb::ffi::Error::new(1), Some(message.to_owned()))
    }

    #[test]
    fn a_file_of_another_version_is_told_from_one_that_may_not_be_opened() {
        for message in [
            "IO Error: Trying to read a database file with version number 39, but we can only read versions between 64 and \
             68.\nThe database file was created with an older version of DuckDB.",
            "Error opening \"x\": file was written with a storage version greater than the latest version supported",
        ] {
            let error = opening(Path::new("x.duckdb"), &failure(message));
            assert!(matches!(error, Error::OtherVersion { .. }), "{error:?}");
            assert!(error.hint().unwrap().contains("EXPORT DATABASE"));
        }
        let error =
            opening(Path::new("x.duckdb"), &failure("IO Error: Cannot open file \"x\": Permission denied"));
        assert!(matches!(error, Error::Open { .. }), "{error:?}");
    }

    #[test]
    fn the_holder_of_a_lock_is_read_from_the_message() {
        let message = "IO Error: Could not set lock on file \"/x.duckdb\": Conflicting lock is held in \
                       /usr/bin/python3.11 (PID 4711) by user root. See also https://…";
        let holder = lock_holder(message).unwrap();
        assert_eq!(holder, LockHolder { pid: 4711, program: Some("/usr/bin/python3.11".to_owned()) });
        assert_eq!(lock_holder("IO Error: Could not set lock on file"), None);
    }
}
