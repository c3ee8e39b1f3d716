//! Loads of a local directory into any engine, and what they leave.

use std::{path::Path, sync::Arc};

use sparkify_etl::{
    Cancel, Error, LoadOptions, Retries, RunReport, create_tables, load, source::LocalDirectory,
};
use sparkify_schema::sql::SqlLibrary;
use sparkify_testkit::{DataSet, Dump, Event, Song, dump_of};
use sparkify_warehouse::{
    Error as EngineError, Warehouse,
    duckdb::{DuckDbOptions, DuckDbWarehouse},
};

/// Loads a directory.
pub(crate) async fn load_with(
    warehouse: &dyn Warehouse,
    data: &Path,
    options: &LoadOptions,
    cancel: &Cancel,
) -> Result<RunReport, Error> {
    let library = SqlLibrary::embedded().unwrap();
    let source = Arc::new(LocalDirectory::new(data));
    load(warehouse, source, &library, options, &Arc::default(), cancel).await
}

/// Loads a directory, anew as often as that.
pub(crate) async fn load_again(
    warehouse: &dyn Warehouse,
    data: &Path,
    retries: Retries,
) -> Result<RunReport, Error> {
    let options = LoadOptions { retries, ..LoadOptions::default() };
    load_with(warehouse, data, &options, &Cancel::default()).await
}

/// DuckDB in memory, with empty tables.
pub(crate) async fn prepared_duckdb() -> DuckDbWarehouse {
    let duckdb = DuckDbWarehouse::open(&DuckDbOptions::in_memory()).unwrap();
    create_tables(&duckdb, &SqlLibrary::embedded().unwrap()).await.unwrap();
    duckdb
}

/// What a load of the directory leaves, on any engine.
pub(crate) async fn expectation(data: &Path) -> Dump {
    let duckdb = prepared_duckdb().await;
    load_again(&duckdb, data, Retries::none()).await.unwrap();
    dump_of(&duckdb).await
}

/// The engine's error, with its hint.
pub(crate) fn engine_error(result: Result<RunReport, Error>) -> (EngineError, String) {
    let error = result.unwrap_err();
    let hint = error.hint().unwrap();
    match error {
        Error::Warehouse { source, .. } => (source, hint),
        error => panic!("{error:?}"),
    }
}

/// Data of which a first load was made, and which a second one changes rows of all tables with.
pub(crate) struct TwoLoads {
    pub(crate) data: Arc<DataSet>,
    /// What the first load has left.
    pub(crate) before: Dump,
    /// What the second one leaves.
    pub(crate) after: Dump,
}

impl TwoLoads {
    /// Makes the tables and the first load.
    pub(crate) async fn begin(warehouse: &dyn Warehouse) -> Self {
        let data = DataSet::new();
        data.write_events("1.json", &[Event::play(1, 0).user(1), Event::play(1, 1).user(2)]);
        data.write_songs("1.json", &[Song::new("SO1", "AR1").title("Another")]);
        create_tables(warehouse, &SqlLibrary::embedded().unwrap()).await.unwrap();
        let duckdb = prepared_duckdb().await;
        for engine in [warehouse, &duckdb] {
            load_again(engine, &data.path(), Retries::none()).await.unwrap();
        }
        let before = dump_of(warehouse).await;
        data.write_events("2.json", &[Event::play(2, 0).user(1).level("paid"), Event::play(2, 1).user(3)]);
        data.write_songs(
            "2.json",
            &[Song::new("SO2", "AR1").at(1.5, 2.5), Song::new("SO1", "AR1").title("Another").year(1999)],
        );
        load_again(&duckdb, &data.path(), Retries::none()).await.unwrap();
        let after = dump_of(&duckdb).await;
        Self { data: Arc::new(data), before, after }
    }
}
