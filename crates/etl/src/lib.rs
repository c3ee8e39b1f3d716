//! From JSON files to the star schema.
//!
//! [`load`] lists a [`source`], finds out from the ledger which files are new or changed, reads them in
//! parallel into Arrow record batches, and publishes staging, star and ledger in one transaction, after
//! the quality checks have passed. It can be killed at any moment and run again; loading the same files
//! in any order gives the same tables. `docs/ARCHITECTURE.md` states the contract in full.
//!
//! # Example
//!
//! ```
//! use std::sync::Arc;
//! use sparkify_etl::{Cancel, LoadOptions, Progress, create_tables, load, source::LocalDirectory};
//! use sparkify_schema::sql::SqlLibrary;
//! use sparkify_warehouse::duckdb::{DuckDbOptions, DuckDbWarehouse};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let directory = tempfile::tempdir()?;
//! std::fs::create_dir(directory.path().join("log_data"))?;
//! std::fs::write(
//!     directory.path().join("log_data/events.json"),
//!     r#"{"page":"NextSong","level":"free","userId":"8","sessionId":139,"itemInSession":1,"ts":1541106132796}"#,
//! )?;
//!
//! let warehouse = DuckDbWarehouse::open(&DuckDbOptions::in_memory())?;
//! let library = SqlLibrary::embedded()?;
//! create_tables(&warehouse, &library).await?;
//! let source = Arc::new(LocalDirectory::new(directory.path()));
//! let progress = Arc::new(Progress::default());
//! let report = load(&warehouse, source, &library, &LoadOptions::default(), &progress, &Cancel::default()).await?;
//! assert_eq!(report.records.staged, 1);
//! assert_eq!(report.tables["songplays"], 1);
//! # Ok(())
//! # }
//! ```

mod error;
mod ledger;
mod load;
pub mod plan;
mod progress;
pub mod quality;
mod reader;
pub mod record;
mod report;
pub mod source;
mod tables;
mod threads;

pub use error::{Error, Result, SourceError, SourceProblem};
pub use load::{LoadOptions, MatchRule, Pack, Retries, load};
pub use plan::{LoadKind, ScriptOptions, ScriptPart, placeholders, script};
pub use progress::{Cancel, Progress};
pub use report::{FileCounts, RecordCounts, RunReport, Step};
pub use sparkify_warehouse::script::{RedshiftScript, ScriptConnection};
pub use tables::{create_tables, creation, owned_rows, recreate_tables, verify_tables};
