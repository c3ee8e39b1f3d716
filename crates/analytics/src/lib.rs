//! The questions that analysts ask of the star schema, and their answers in every format.
//!
//! - [`Catalogue`]: the queries of `sql/analytics/` by name, each with a title and the chart it suits;
//! - [`statement`]: the check that a statement somebody typed is a query and nothing else;
//! - [`output`]: the rows of an answer as a table for people, as JSON or as CSV.
//!
//! The crate knows no engine: it asks whatever implements [`Warehouse`](sparkify_warehouse::Warehouse).
//!
//! # Example
//!
//! ```
//! use sparkify_analytics::{Catalogue, output::{self, Format}, statement};
//! use sparkify_schema::{Dialect, ddl, model, sql::SqlLibrary};
//! use sparkify_warehouse::{Warehouse, duckdb::{DuckDbOptions, DuckDbWarehouse}};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let warehouse = DuckDbWarehouse::open(&DuckDbOptions::in_memory())?;
//! for table in model::tables() {
//!     warehouse.transact(vec![ddl::create_table(table, Dialect::DuckDb)?]).await?;
//! }
//!
//! let catalogue = Catalogue::new(&SqlLibrary::embedded()?)?;
//! let answer = catalogue.run(&warehouse, "match_rate").await?;
//! let mut text = Vec::new();
//! output::write(Format::Csv, &answer.records, &mut text)?;
//! assert_eq!(String::from_utf8(text)?, "plays,matched,match_rate_percent\n0,0,\n");
//!
//! assert!(statement::ensure_read_only("SELECT level FROM users").is_ok());
//! assert!(statement::ensure_read_only("DELETE FROM users").is_err());
//! # Ok(())
//! # }
//! ```

mod catalogue;
mod error;
pub mod output;
pub mod statement;
#[cfg(test)]
mod tests;

pub use catalogue::{Answer, Catalogue, Chart, Query};
pub use error::{Error, Result};
