//! The content of tables as text, for comparisons.

use std::{collections::BTreeMap, path::Path};

use sparkify_schema::model::data_tables;
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

/// All staging and star tables of any engine, every column of every row.
pub async fn dump_of(warehouse: &dyn Warehouse) -> Dump {
    dump_of_columns(warehouse, |_| true).await
}

/// The same without the surrogate keys.
pub async fn dump_of_without_ids(warehouse: &dyn Warehouse) -> Dump {
    dump_of_columns(warehouse, |column| column != "id").await
}

async fn dump_of_columns(warehouse: &dyn Warehouse, wanted: fn(&str) -> bool) -> Dump {
    let mut dump = Dump::new();
    for (table, sql) in statements(wanted) {
        dump.insert(table, sorted(rows_of(warehouse, &sql).await));
    }
    dump
}

/// The rows of a query on any engine, each value as text.
pub async fn rows_of(warehouse: &dyn Warehouse, sql: &str) -> Vec<Vec<String>> {
    rows(&warehouse.query(sql).await.unwrap_or_else(|error| panic!("{error}\n{sql}")))
}

/// The rows of a query on a DuckDB file, each value as text.
#[must_use]
pub fn query(database: &Path, sql: &str) -> Vec<Vec<String>> {
    let records = open_and_query(database, &[sql.to_owned()]).remove(0);
    rows(&records)
}

fn dump_columns(database: &Path, wanted: fn(&str) -> bool) -> Dump {
    let (tables, statements): (Vec<_>, Vec<_>) = statements(wanted).into_iter().unzip();
    let results = open_and_query(database, &statements);
    tables.into_iter().zip(&results).map(|(table, records)| (table, sorted(rows(records)))).collect()
}

/// Each table with the query for its columns.
fn statements(wanted: fn(&str) -> bool) -> Vec<(&'static str, String)> {
    let tables = data_tables().into_iter();
    let statement = |table: &sparkify_schema::model::Table| {
        let columns: Vec<_> =
            table.columns.iter().map(|column| column.name).filter(|name| wanted(name)).collect();
        (table.name, format!("SELECT {} FROM {}", columns.join(", "), table.name))
    };
    tables.map(statement).collect()
}

fn sorted(rows: Vec<Vec<String>>) -> Vec<String> {
    let mut rows: Vec<_> = rows.into_iter().map(|row| row.join("\u{1f}")).collect();
    rows.sort_unstable();
    rows
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
