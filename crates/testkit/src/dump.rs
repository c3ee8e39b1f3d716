//! The content of tables as text, for comparisons.

use std::{collections::BTreeMap, path::Path};

use sparkify_schema::model::{Layer, tables};
use sparkify_warehouse::{
    RecordSet, Warehouse,
    duckdb::{DuckDbOptions, DuckDbWarehouse},
};

/// Table name to its rows, sorted.
pub type Dump = BTreeMap<&'static str, Vec<String>>;

/// All staging and star tables of a DuckDB file, every column of every row.
#[must_use]
pub fn dump(database: &Path) -> Dump {
    dump_columns(database, |_| true)
}

/// The same without the surrogate keys, which depend on the order of arrival.
#[must_use]
pub fn dump_without_ids(database: &Path) -> Dump {
    dump_columns(database, |column| column != "id")
}

/// The rows of a query on a DuckDB file, each value as text.
#[must_use]
pub fn query(database: &Path, sql: &str) -> Vec<Vec<String>> {
    let records = open_and_query(database, &[sql.to_owned()]).remove(0);
    rows(&records)
}

fn dump_columns(database: &Path, wanted: impl Fn(&str) -> bool) -> Dump {
    let tables: Vec<_> = tables().into_iter().filter(|table| table.layer != Layer::Ledger).collect();
    let statements: Vec<_> = tables
        .iter()
        .map(|table| {
            let columns: Vec<_> =
                table.columns.iter().map(|column| column.name).filter(|name| wanted(name)).collect();
            format!("SELECT {} FROM {}", columns.join(", "), table.name)
        })
        .collect();
    let results = open_and_query(database, &statements);
    tables
        .iter()
        .zip(&results)
        .map(|(table, records)| {
            let mut rows: Vec<_> = rows(records).into_iter().map(|row| row.join("\u{1f}")).collect();
            rows.sort_unstable();
            (table.name, rows)
        })
        .collect()
}

fn rows(records: &RecordSet) -> Vec<Vec<String>> {
    let columns = records.schema().fields().len();
    let value = |row, column| records.text(row, column).unwrap_or_else(|| "NULL".to_owned());
    (0..records.row_count()).map(|row| (0..columns).map(|column| value(row, column)).collect()).collect()
}

fn open_and_query(database: &Path, statements: &[String]) -> Vec<RecordSet> {
    let options = DuckDbOptions::file(database).read_only();
    let warehouse = DuckDbWarehouse::open(&options).unwrap_or_else(|error| panic!("{error}"));
    // A test may be inside an async runtime already, so this gets a thread of its own.
    std::thread::scope(|scope| {
        let work = || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            statements
                .iter()
                .map(|sql| {
                    runtime.block_on(warehouse.query(sql)).unwrap_or_else(|error| panic!("{error}\n{sql}"))
                })
                .collect()
        };
        scope.spawn(work).join().expect("query results")
    })
}
