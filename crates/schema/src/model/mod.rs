//! Tables, columns, types, keys, references and physical hints as data.

mod indexes;
mod ledger;
mod run;
mod staging;
pub mod star;
mod types;

pub use indexes::{Index, indexes_of};
pub use ledger::{load_counts, load_errors, load_lock, load_runs, loaded_files, owned_tables};
pub use run::{RUN_PREFIX, RunTables};
pub use staging::{staging_events, staging_songs};
pub use types::{Column, DataType, Distribution, Range, Reference, Table};

use crate::Dialect;

/// Every permanent table in an order in which each reference points backwards: create them in this
/// order, drop them in the opposite one.
#[must_use]
pub fn tables() -> Vec<&'static Table> {
    [vec![owned_tables(), load_counts()], counted_tables(), vec![star::users_source()]].concat()
}

/// The tables whose rows the ledger counts and a report tells.
#[must_use]
pub fn counted_tables() -> Vec<&'static Table> {
    [vec![loaded_files(), load_runs(), load_errors()], data_tables()].concat()
}

/// Staging and the star.
#[must_use]
pub fn data_tables() -> Vec<&'static Table> {
    vec![
        staging_events(),
        staging_songs(),
        star::users(),
        star::artists(),
        star::songs(),
        star::time(),
        star::songplays(),
    ]
}

/// Every permanent table of a database of that dialect, in the same order: those of [`tables`], and what
/// only this dialect needs.
#[must_use]
pub fn tables_of(dialect: Dialect) -> Vec<&'static Table> {
    let lock = dialect.has_lock_table().then(load_lock);
    lock.into_iter().chain(tables()).collect()
}

/// The permanent table of that name.
#[must_use]
pub fn table(name: &str) -> Option<&'static Table> {
    tables().into_iter().chain([load_lock()]).find(|table| table.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_point_to_earlier_tables_and_existing_unique_columns() {
        let tables = tables();
        for (position, table) in tables.iter().enumerate() {
            for reference in table.references {
                assert!(table.column(reference.column).is_some());
                let target =
                    tables[..position].iter().find(|t| t.name == reference.table).expect("earlier table");
                assert!(
                    target.primary_key == [reference.target] || target.unique.contains(&reference.target),
                    "{}.{} is no key",
                    reference.table,
                    reference.target
                );
            }
        }
    }

    #[test]
    fn keys_and_sort_keys_are_columns_of_their_table() {
        for table in tables() {
            for key in table.primary_key.iter().chain(table.unique).chain(table.sort_key) {
                assert!(table.column(key).is_some(), "{}.{key}", table.name);
            }
            assert_eq!(
                table.columns.first().map(|column| column.name),
                table.primary_key.first().copied().or(Some(table.columns[0].name))
            );
        }
    }

    #[test]
    fn the_limits_of_a_number_are_within_what_its_type_holds() {
        for column in tables().into_iter().flat_map(|table| table.columns) {
            match (column.data_type, column.limits()) {
                (DataType::Varchar { .. }, limits) => assert_eq!(limits, Range::Any, "{}", column.name),
                (DataType::Integer, Range::Whole(low, high)) => {
                    assert!(low < high && i32::try_from(low).is_ok() && i32::try_from(high).is_ok());
                }
                (DataType::BigInt | DataType::Timestamp, Range::Whole(low, high)) => assert!(low < high),
                (DataType::Double, Range::Real(low, high)) => assert!(low < high && high.is_finite()),
                (data_type, limits) => panic!("{}: {data_type:?}, {limits:?}", column.name),
            }
        }
    }

    #[test]
    fn staging_mirrors_the_source_in_its_order() {
        let names: Vec<_> = staging_events().columns.iter().map(|column| column.name).collect();
        assert_eq!(
            names.join(", "),
            "artist, auth, first_name, gender, item_in_session, last_name, length, level, location, method, \
             page, registration, session_id, song, status, ts, user_agent, user_id"
        );
        let names: Vec<_> = staging_songs().columns.iter().map(|column| column.name).collect();
        assert_eq!(
            names.join(", "),
            "num_songs, artist_id, artist_latitude, artist_longitude, artist_location, artist_name, song_id, \
             title, duration, year"
        );
    }
}
