//! The statements that are a line each. Longer ones are files in `sql/`.
//!
//! No other crate has SQL of its own, so whoever wants to know what can be sent to an engine finds all of
//! it in this crate; a test looks for SQL elsewhere.

pub mod redshift;

use crate::{
    Dialect, Result,
    dialect::quote_literal,
    model::{Table, staging_events},
};

/// How many rows the table has.
#[must_use]
pub fn count_rows(table: &str) -> String {
    format!("SELECT COUNT(*) FROM {table}")
}

/// Every file that was loaded, as it was then: path, size, time, hash.
#[must_use]
pub fn loaded_files() -> String {
    "SELECT path, size_bytes, modified_ns, content_hash FROM loaded_files".to_owned()
}

/// The match rule of the last run that published.
#[must_use]
pub fn last_match_rule() -> String {
    "SELECT match_rule FROM load_runs ORDER BY run_number DESC LIMIT 1".to_owned()
}

/// How many runs of that id were published: one or none.
///
/// # Errors
///
/// [`crate::Error::LiteralWithNul`] for an id with a NUL.
pub fn count_runs(dialect: Dialect, run_id: &str) -> Result<String> {
    Ok(format!("SELECT COUNT(*) FROM load_runs WHERE run_id = {}", quote_literal(dialect, run_id)?))
}

/// How many plays are matched with a song.
#[must_use]
pub fn count_matched_songplays() -> String {
    "SELECT COUNT(song_id) FROM songplays".to_owned()
}

/// How many loaded files are not below a directory of that name.
///
/// # Errors
///
/// [`crate::Error::LiteralWithNul`] for a name with a NUL.
pub fn count_files_outside(dialect: Dialect, directory: &str) -> Result<String> {
    let pattern = quote_literal(dialect, &format!("%/{directory}/%"))?;
    Ok(format!("SELECT COUNT(*) FROM loaded_files WHERE path NOT LIKE {pattern}"))
}

/// Notes another time of a file whose content is as it was.
///
/// # Errors
///
/// [`crate::Error::LiteralWithNul`] for a path with a NUL.
pub fn note_file_time(dialect: Dialect, path: &str, modified_ns: i64) -> Result<String> {
    let path = quote_literal(dialect, path)?;
    Ok(format!("UPDATE loaded_files SET modified_ns = {modified_ns} WHERE path = {path}"))
}

/// Takes a file out of the ledger, before its new content is noted.
///
/// # Errors
///
/// [`crate::Error::LiteralWithNul`] for a path with a NUL.
pub fn forget_file(dialect: Dialect, path: &str) -> Result<String> {
    Ok(format!("DELETE FROM loaded_files WHERE path = {}", quote_literal(dialect, path)?))
}

/// Notes how many records of a file that is being loaded were set aside.
///
/// # Errors
///
/// [`crate::Error::LiteralWithNul`] for a path with a NUL.
pub fn note_rejected(dialect: Dialect, path: &str, rejected: u64) -> Result<String> {
    let path = quote_literal(dialect, path)?;
    Ok(format!("UPDATE batch_loaded_files SET rejected = {rejected} WHERE path = {path}"))
}

/// Adds the rows that a load has put aside for a table of the ledger.
#[must_use]
pub fn add_to_ledger(table: &Table) -> String {
    let (name, columns) = (table.name, table.columns.iter().map(|column| column.name));
    let columns = columns.collect::<Vec<_>>().join(", ");
    format!("INSERT INTO {name} ({columns})\nSELECT {columns}\nFROM batch_{name}")
}

/// The first rows of a query.
#[must_use]
pub fn first_rows(query: &str, limit: u64) -> String {
    format!("{query}\nLIMIT {limit}")
}

/// The staged events with these keys (session and position in it).
#[must_use]
pub fn staged_events(keys: &[(i64, i64)]) -> String {
    let columns: Vec<_> = staging_events().columns.iter().map(|column| column.name).collect();
    format!("SELECT {} FROM staging_events WHERE {}", columns.join(", "), event_keys(keys))
}

/// Takes the events with these keys out of the run's own.
#[must_use]
pub fn delete_batch_events(keys: &[(i64, i64)]) -> String {
    format!("DELETE FROM batch_events WHERE {}", event_keys(keys))
}

/// Lets a run's table take the place of an empty staging table; for dialects that
/// [adopt](Dialect::adopts_batch_as_staging).
#[must_use]
pub fn adopt_batch(staging: &str, batch: &str) -> [String; 2] {
    [format!("DROP TABLE {staging}"), format!("ALTER TABLE {batch} RENAME TO {staging}")]
}

fn event_keys(keys: &[(i64, i64)]) -> String {
    let conditions =
        keys.iter().map(|(session, item)| format!("(session_id = {session} AND item_in_session = {item})"));
    conditions.collect::<Vec<_>>().join(" OR ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted_for_the_dialect() {
        let path = r"/data/o'brien\1.json";
        assert_eq!(
            forget_file(Dialect::Redshift, path).unwrap(),
            r"DELETE FROM loaded_files WHERE path = '/data/o''brien\\1.json'"
        );
        assert_eq!(
            note_file_time(Dialect::DuckDb, path, 7).unwrap(),
            r"UPDATE loaded_files SET modified_ns = 7 WHERE path = '/data/o''brien\1.json'"
        );
        assert!(count_files_outside(Dialect::Postgres, "a\0b").is_err());
    }

    #[test]
    fn keys_are_pairs() {
        assert_eq!(
            delete_batch_events(&[(1, 2), (3, 4)]),
            "DELETE FROM batch_events WHERE (session_id = 1 AND item_in_session = 2) OR \
             (session_id = 3 AND item_in_session = 4)"
        );
    }
}
