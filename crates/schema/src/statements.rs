//! The statements that are a line each. Longer ones are files in `sql/`.
//!
//! No other crate has SQL of its own, so whoever wants to know what can be sent to an engine finds all of
//! it in this crate; a test looks for SQL elsewhere.

pub mod postgres;
pub mod redshift;

use crate::{Dialect, Result, dialect::quote_literal, model::owned_tables};

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

/// How many runs of that id were published: one or none.
///
/// # Errors
///
/// [`crate::Error::LiteralWithNul`] for an id with a NUL.
pub fn count_runs(dialect: Dialect, run_id: &str) -> Result<String> {
    Ok(format!("SELECT COUNT(*) FROM load_runs WHERE run_id = {}", quote_literal(dialect, run_id)?))
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

/// The first rows of a query.
#[must_use]
pub fn first_rows(query: &str, limit: u64) -> String {
    format!("{query}\nLIMIT {limit}")
}

/// Whether the table has a row: one or none are returned.
#[must_use]
pub fn any_row(table: &str) -> String {
    format!("SELECT 1 FROM {table} LIMIT 1")
}

/// Lists tables as made by this program, unless they are listed already. With a run, they are private to it.
///
/// # Errors
///
/// [`crate::Error::LiteralWithNul`] for a name with a NUL.
pub fn own_tables(dialect: Dialect, names: &[&str], run_id: Option<&str>) -> Result<String> {
    let run =
        run_id.map_or_else(|| Ok("CAST(NULL AS VARCHAR(64))".to_owned()), |id| quote_literal(dialect, id))?;
    let mut rows = Vec::new();
    for name in names {
        rows.push(format!("SELECT {} AS table_name", quote_literal(dialect, name)?));
    }
    let (owned, rows) = (owned_tables().name, rows.join(" UNION ALL "));
    Ok(format!(
        "INSERT INTO {owned} (table_name, run_id)\nSELECT t.table_name, {run}\nFROM ({rows}) t\n\
         LEFT JOIN {owned} known ON known.table_name = t.table_name\nWHERE known.table_name IS NULL"
    ))
}

/// Takes the tables of loads off the list of tables that this program has made.
#[must_use]
pub fn disown_run_tables() -> String {
    format!("DELETE FROM {} WHERE run_id IS NOT NULL", owned_tables().name)
}

/// Lets a run's table take the place of an empty staging table, on engines that gain by it.
#[must_use]
pub fn adopt_run_table(staging: &str, run: &str) -> [String; 2] {
    [format!("DROP TABLE {staging}"), format!("ALTER TABLE {run} RENAME TO {staging}")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted_for_the_dialect() {
        let odd = r"o'brien\1";
        let own = own_tables(Dialect::Redshift, &[odd], Some(odd)).unwrap();
        assert!(own.contains(r"SELECT 'o''brien\\1' AS table_name"), "{own}");
        assert!(own.contains(r"SELECT t.table_name, 'o''brien\\1'"), "{own}");
        assert!(count_runs(Dialect::DuckDb, odd).unwrap().ends_with(r"'o''brien\1'"));
        assert!(count_files_outside(Dialect::Postgres, "a\0b").is_err());
    }
}
