//! The seam between the pipeline and the engine that holds the star schema.
//!
//! [`Warehouse`] is what the pipeline and the analytics need of an engine: queries that return Arrow
//! record batches, statements in one transaction, and a [`LoadSession`] for a run that appends in bulk
//! and publishes all or nothing. Backends implement it; [`duckdb`] is the embedded default, and the
//! features `postgres` and `redshift` add servers. With the feature `mock`, `MockWarehouse` and `MockLoadSession` are
//! there for tests.
//!
//! # Example
//!
//! ```
//! # #[cfg(feature = "duckdb")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), sparkify_warehouse::Error> {
//! use sparkify_warehouse::{Warehouse, duckdb::{DuckDbOptions, DuckDbWarehouse}};
//!
//! let warehouse = DuckDbWarehouse::open(&DuckDbOptions::in_memory())?;
//! let rows = warehouse.query("SELECT 40 + 2 AS answer").await?;
//! assert_eq!(rows.integer(0, 0), Some(42));
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "duckdb"))]
//! # fn main() {}
//! ```

mod capabilities;
#[cfg(feature = "duckdb")]
pub mod duckdb;
mod error;
mod fill;
mod objects;
#[cfg(feature = "postgres")]
pub mod postgres;
mod records;
#[cfg(feature = "redshift")]
pub mod redshift;
mod reject;
pub mod script;
mod seam;
mod value;
#[cfg(feature = "wire")]
mod wire;

/// The target of what the log says about statements that were interrupted: worth a word to who did so, however
/// little is logged.
pub const INTERRUPTS: &str = "sparkify::interrupts";

pub use capabilities::Capabilities;
pub use error::{Error, LockHolder, Result};
pub use fill::{CopyProgress, Copying, Fill, Filled};
pub use objects::{
    LoadedObject, LoadedObjects, ObjectCompression, ObjectLine, ObjectLines, ObjectLoad, ObjectReading,
    SourceObject, line_of,
};
pub use records::RecordSet;
pub use reject::{RECORD_BYTES_MAX, Reason, Refusal, Reject};
pub use seam::{Access, BatchSource, BoxError, LoadSession, Warehouse};
#[cfg(any(test, feature = "mock"))]
pub use seam::{MockBatchSource, MockLoadSession, MockWarehouse};
pub use value::{Value, Values};
