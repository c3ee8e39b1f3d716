//! The indexes that the statements of a load need, on engines that have them.

use super::{DataType, table};
use crate::{Dialect, Result, ddl::identifier};

/// An index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Index {
    /// The name.
    pub name: &'static str,
    /// Its table.
    pub table: &'static str,
    /// Its columns. Texts of staging are compared without trailing blanks, so that is what is indexed of them.
    pub columns: &'static [&'static str],
    /// Whether rows without a value in its column are left out: no statement looks for them.
    pub values_only: bool,
}

const fn index(name: &'static str, table: &'static str, columns: &'static [&'static str]) -> Index {
    Index { name, table, columns, values_only: false }
}

const fn values(name: &'static str, table: &'static str, columns: &'static [&'static str]) -> Index {
    Index { name, table, columns, values_only: true }
}

/// Primary and unique keys have indexes of their own; these are all others, with the statements that use them.
static INDEXES: &[Index] = &[
    // Which events came before, and every check of staged events.
    index("staging_events_key", "staging_events", &["session_id", "item_in_session"]),
    // The events of users whose newest one was replaced, and whether a user has any.
    values("staging_events_user", "staging_events", &["user_id"]),
    // The plays that a song which comes later may match.
    values("staging_events_song", "staging_events", &["song", "artist"]),
    // Which songs and artists came before, and the records of those that a load touches.
    index("staging_songs_song", "staging_songs", &["song_id"]),
    index("staging_songs_artist", "staging_songs", &["artist_id"]),
    // Whether a row that may be taken out is referred to: of the load itself, and of the foreign keys.
    index("songplays_start_time", "songplays", &["start_time"]),
    index("songplays_user", "songplays", &["user_id"]),
    values("songplays_song", "songplays", &["song_id"]),
    values("songplays_artist", "songplays", &["artist_id"]),
    index("songs_artist", "songs", &["artist_id"]),
];

/// The indexes of a database of that dialect.
#[must_use]
pub fn indexes_of(dialect: Dialect) -> &'static [Index] {
    if dialect.has_indexes() { INDEXES } else { &[] }
}

impl Index {
    /// The statement that creates the index unless there is one of that name.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Identifier`] when a name does not suit the dialect.
    pub fn create(&self, dialect: Dialect) -> Result<String> {
        let columns = self.columns.iter().map(|column| self.expression(column, dialect));
        let columns = columns.collect::<Result<Vec<_>>>()?.join(", ");
        let rows = match self.columns.first() {
            Some(column) if self.values_only => {
                format!(" WHERE {} IS NOT NULL", identifier(column, dialect)?)
            }
            _ => String::new(),
        };
        let [name, table] = [self.name, self.table].map(|name| identifier(name, dialect));
        Ok(format!("CREATE INDEX IF NOT EXISTS {} ON {} ({columns}){rows}", name?, table?))
    }

    /// The statement that drops the index if it is there.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create).
    pub fn drop(&self, dialect: Dialect) -> Result<String> {
        Ok(format!("DROP INDEX IF EXISTS {}", identifier(self.name, dialect)?))
    }

    fn expression(&self, column: &str, dialect: Dialect) -> Result<String> {
        let name = identifier(column, dialect)?;
        let found = table(self.table).and_then(|table| table.column(column));
        let is_text = found.is_some_and(|column| matches!(column.data_type, DataType::Varchar { .. }));
        Ok(if is_text && self.table.starts_with("staging_") { format!("RTRIM({name}, ' ')") } else { name })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_index_is_of_columns_that_its_table_has() {
        for index in INDEXES {
            let table = table(index.table).unwrap();
            assert!(index.columns.iter().all(|column| table.column(column).is_some()), "{}", index.name);
        }
    }

    #[test]
    fn texts_of_staging_are_indexed_without_trailing_blanks() {
        let sql: Vec<_> = INDEXES.iter().map(|index| index.create(Dialect::Postgres).unwrap()).collect();
        insta::assert_snapshot!(sql.join(";\n"));
        assert!(indexes_of(Dialect::DuckDb).is_empty() && indexes_of(Dialect::Redshift).is_empty());
    }
}
