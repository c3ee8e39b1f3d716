//! The Sparkify star schema as data, and every piece of SQL text the project sends.
//!
//! This crate does no I/O apart from reading an override directory for SQL files when it is asked
//! to. It holds:
//!
//! - [`model`]: tables, columns, types, keys, references and physical hints ([`model::star`] lists them);
//! - [`dialect`]: the three SQL dialects, their few differences as hooks, and the one quoter for
//!   identifiers and literals;
//! - [`ddl`]: `CREATE TABLE` and `DROP TABLE` per dialect;
//! - [`sql`]: the files of the top-level `sql/` folder, one text for all dialects, and their rendering;
//! - [`statements`]: the statements that are a line each.
//!
//! # Example
//!
//! ```
//! use sparkify_schema::{Dialect, ddl, model::star};
//!
//! let users = ddl::create_table(star::users(), Dialect::Redshift)?;
//! assert!(users.starts_with("CREATE TABLE IF NOT EXISTS users ("));
//! assert!(users.contains("DISTSTYLE ALL"));
//! # Ok::<(), sparkify_schema::Error>(())
//! ```

pub mod ddl;
pub mod dialect;
mod error;
pub mod model;
pub mod sql;
pub mod statements;

pub use dialect::Dialect;
pub use error::{Error, Result};
