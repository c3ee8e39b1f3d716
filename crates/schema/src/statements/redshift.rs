//! What the Redshift backend says on its own behalf: about sessions, the lock of a load, and COPY.

use crate::{Dialect, Result, dialect::quote_literal, model::load_lock};

/// The shortest time to wait for the lock of a load, in milliseconds: a server needs some to answer at all, and
/// cannot be asked just to try.
const LOCK_PATIENCE_MIN: u128 = 2000;

/// A statement of a sequence, and what it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// What it is for.
    pub purpose: &'static str,
    /// Its text.
    pub sql: String,
}

fn sent(purpose: &'static str, sql: impl Into<String>) -> Sent {
    Sent { purpose, sql: sql.into() }
}

/// What each session begins with: names without a schema mean the schema in which the tables are looked up (one that is
/// named after the user would come first otherwise, and get the tables), times are in UTC, dates look like `2018-11-30`,
/// numbers have all their digits (15 of them are the default, and come back as other numbers), and what the user has set.
///
/// # Errors
///
/// [`crate::Error::LiteralWithNul`] for a query group with a NUL.
pub fn open_session(timeout_ms: Option<u128>, query_group: Option<&str>) -> Result<Vec<Sent>> {
    let schema = Dialect::Redshift.current_schema().trim_matches('\'');
    let mut all = vec![
        sent("where the tables are", format!("SET search_path TO {schema}")),
        sent("what times mean", "SET timezone TO 'UTC'"),
        sent("how dates look", "SET datestyle TO 'ISO'"),
        sent("all digits of numbers", "SET extra_float_digits TO 2"),
    ];
    all.extend(
        timeout_ms.map(|timeout| sent("how long a statement may take", set_statement_timeout(timeout))),
    );
    if let Some(group) = query_group {
        all.push(sent("the query group", set_query_group(group)?));
    }
    Ok(all)
}

/// What takes the lock of a load, in a transaction that holds it: waiting so long, with the usual time for statements
/// afterwards.
#[must_use]
pub fn take_lock(patience_ms: u128, timeout_ms: u128) -> [Sent; 4] {
    [
        sent("as long as another load may be waited for", set_lock_patience(patience_ms)),
        sent("held until the end of the load", begin()),
        sent("keeps other loads away", lock_load()),
        sent("as usual", set_statement_timeout(timeout_ms)),
    ]
}

/// How long a statement of the session may take; 0 for any time.
#[must_use]
pub fn set_statement_timeout(milliseconds: u128) -> String {
    format!("SET statement_timeout TO {milliseconds}")
}

/// How long to wait for the lock of a load, which is a statement that takes as long.
#[must_use]
pub fn set_lock_patience(milliseconds: u128) -> String {
    set_statement_timeout(milliseconds.max(LOCK_PATIENCE_MIN))
}

/// The query group of the session, for workload management.
///
/// # Errors
///
/// [`crate::Error::LiteralWithNul`] for a name with a NUL.
pub fn set_query_group(name: &str) -> Result<String> {
    Ok(format!("SET query_group TO {}", quote_literal(Dialect::Redshift, name)?))
}

/// What the server is.
#[must_use]
pub fn version() -> String {
    "SELECT version()".to_owned()
}

/// The server's process of this session, which the system views know as `session_id`.
#[must_use]
pub fn session_id() -> String {
    "SELECT pg_backend_pid()".to_owned()
}

/// Whether the session answers.
#[must_use]
pub fn ping() -> String {
    "SELECT 1".to_owned()
}

/// Ends what another session is running.
#[must_use]
pub fn cancel(session_id: i64) -> String {
    format!("SELECT pg_cancel_backend({session_id})")
}

/// What has become of the last statement of a session.
#[must_use]
pub fn last_status(session_id: i64) -> String {
    format!(
        "SELECT status FROM sys_query_history WHERE session_id = {session_id} ORDER BY start_time DESC LIMIT 1"
    )
}

/// Begins a transaction.
#[must_use]
pub fn begin() -> String {
    "BEGIN".to_owned()
}

/// Begins a transaction that cannot write.
#[must_use]
pub fn begin_read_only() -> String {
    "BEGIN READ ONLY".to_owned()
}

/// Ends a transaction, and keeps what it did.
#[must_use]
pub fn commit() -> String {
    "COMMIT".to_owned()
}

/// Ends a transaction, and undoes what it did.
#[must_use]
pub fn rollback() -> String {
    "ROLLBACK".to_owned()
}

/// Keeps other loads away until the end of the transaction.
#[must_use]
pub fn lock_load() -> String {
    format!("LOCK {}", load_lock().name)
}

/// Whether the table that is locked is there.
#[must_use]
pub fn count_lock_columns() -> String {
    let (schema, table) = (Dialect::Redshift.current_schema(), load_lock().name);
    format!("SELECT COUNT(*) FROM svv_columns WHERE table_schema = {schema} AND table_name = '{table}'")
}

/// The name of the database for what loads keep outside of it.
#[must_use]
pub fn database_id() -> String {
    format!("SELECT id FROM {}", load_lock().name)
}

/// Gives the database its name.
///
/// # Errors
///
/// [`crate::Error::LiteralWithNul`] for a name with a NUL.
pub fn name_database(id: &str) -> Result<String> {
    Ok(format!("INSERT INTO {} (id) VALUES ({})", load_lock().name, quote_literal(Dialect::Redshift, id)?))
}

/// The identity of the warehouse, which no other has: one that is restored from a snapshot gets a new one.
#[must_use]
pub fn namespace() -> String {
    "SELECT current_namespace".to_owned()
}

/// The number of the last load that was published.
#[must_use]
pub fn last_load() -> String {
    "SELECT COALESCE(MAX(run_number), 0) AS last_load FROM load_runs".to_owned()
}

/// How the transactions of a database are isolated from each other.
///
/// # Errors
///
/// [`crate::Error::LiteralWithNul`] for a name with a NUL.
pub fn isolation_level(database: &str) -> Result<String> {
    let database = quote_literal(Dialect::Redshift, database)?;
    Ok(format!(
        "SELECT BTRIM(isolation_level) AS isolation_level FROM stv_db_isolation_level WHERE BTRIM(db_name) = {database}"
    ))
}

/// How many slices the cluster has.
#[must_use]
pub fn count_slices() -> String {
    "SELECT COUNT(*) FROM stv_slices".to_owned()
}

/// The time by the server's clock.
#[must_use]
pub fn server_time() -> String {
    "SELECT GETDATE()".to_owned()
}

/// The number of the session's last COPY, and the rows that it loaded.
#[must_use]
pub fn last_copy() -> String {
    "SELECT pg_last_copy_id(), pg_last_copy_count()".to_owned()
}

/// The columns of a table, as the description of a result without rows. The name is quoted already.
#[must_use]
pub fn describe_table(table: &str) -> String {
    format!("SELECT * FROM {table} LIMIT 0")
}

/// Tells the planner about the rows of a table, by the columns that queries filter and join by; by all of them
/// while no query has. The name is quoted already.
#[must_use]
pub fn analyze(table: &str) -> String {
    format!("ANALYZE {table} PREDICATE COLUMNS")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted_for_redshift() {
        assert_eq!(set_query_group(r"it's \x").unwrap(), r"SET query_group TO 'it''s \\x'");
        assert!(name_database("a\0b").is_err());
    }

    #[test]
    fn names_mean_the_schema_that_tables_are_looked_up_in() {
        assert_eq!(open_session(None, None).unwrap()[0].sql, "SET search_path TO public");
        assert!(count_lock_columns().contains("table_schema = 'public'"));
    }

    #[test]
    fn a_lock_is_waited_for_at_least_as_long_as_a_server_needs_to_answer() {
        assert_eq!(set_lock_patience(0), "SET statement_timeout TO 2000");
        assert_eq!(set_lock_patience(60_000), "SET statement_timeout TO 60000");
    }
}
