//! Loads a directory into a DuckDB file and prints the report:
//! `cargo run --release -p sparkify-etl --example load_directory -- DATA FILE.duckdb`

use std::sync::Arc;

use sparkify_etl::{Cancel, LoadOptions, Progress, create_tables, load, source::LocalDirectory};
use sparkify_schema::sql::SqlLibrary;
use sparkify_warehouse::{
    Warehouse,
    duckdb::{DuckDbOptions, DuckDbWarehouse},
};

#[tokio::main]
#[allow(clippy::disallowed_methods)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(directory), Some(file)) = (arguments.next(), arguments.next()) else {
        return Err("usage: load_directory DATA FILE.duckdb".into());
    };
    let warehouse = DuckDbWarehouse::open(&DuckDbOptions::file(file))?;
    let library = SqlLibrary::embedded()?;
    create_tables(&warehouse, &library).await?;
    let source = Arc::new(LocalDirectory::new(directory));
    let (options, progress, cancel) =
        (LoadOptions::default(), Arc::new(Progress::default()), Cancel::default());
    let report = load(&warehouse, source, &library, &options, &progress, &cancel).await?;
    warehouse.close().await?;
    serde_json::to_writer_pretty(std::io::stdout(), &report)?;
    Ok(())
}
