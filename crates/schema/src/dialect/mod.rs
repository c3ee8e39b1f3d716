//! The SQL dialects and their differences.
//!
//! A difference is a method here ("hook"), never an `if dialect == …` elsewhere. The hooks that SQL
//! files use are listed in `sql/README.md`.

mod hooks;
mod quote;

pub use quote::{quote_identifier, quote_literal};

use crate::{Error, model::DataType};

/// An SQL dialect that statements are rendered for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// DuckDB, the embedded default.
    DuckDb,
    /// PostgreSQL 15 or newer.
    Postgres,
    /// Amazon Redshift, provisioned or Serverless.
    Redshift,
}

impl Dialect {
    /// Every dialect.
    pub const ALL: [Self; 3] = [Self::DuckDb, Self::Postgres, Self::Redshift];

    /// The name used on the command line and in file names.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DuckDb => "duckdb",
            Self::Postgres => "postgres",
            Self::Redshift => "redshift",
        }
    }

    /// The SQL name of a column type.
    #[must_use]
    pub fn type_name(self, data_type: DataType) -> String {
        match data_type {
            // Redshift and PostgreSQL count differently (bytes and characters); the model's limit is in
            // bytes, so it is the stricter of the two, and the reader enforces it before any engine does.
            DataType::Varchar { max_bytes } => format!("VARCHAR({max_bytes})"),
            DataType::Integer => "INTEGER".to_owned(),
            DataType::BigInt => "BIGINT".to_owned(),
            DataType::Double => "DOUBLE PRECISION".to_owned(),
            DataType::Timestamp => "TIMESTAMP".to_owned(),
        }
    }

    /// Whether primary keys, unique keys and references are written into the DDL.
    ///
    /// PostgreSQL enforces them. Redshift does not, but its planner uses them, which is safe since the
    /// quality checks prove them before each publish. DuckDB would enforce them with in-memory indexes
    /// that slow the load and refuse a delete and insert of the same key in one transaction, so there
    /// the quality checks alone hold them.
    #[must_use]
    pub const fn declares_keys(self) -> bool {
        !matches!(self, Self::DuckDb)
    }

    /// Whether the tables include one for a load to lock (`load_lock`), since there are no other locks.
    #[must_use]
    pub const fn has_lock_table(self) -> bool {
        matches!(self, Self::Redshift)
    }

    /// Whether tables have indexes. DuckDB's are kept in memory and slow a load down; Redshift has none.
    #[must_use]
    pub const fn has_indexes(self) -> bool {
        matches!(self, Self::Postgres)
    }

    /// Whether logical replication wants to know how the rows of each table are told apart.
    #[must_use]
    pub const fn has_replica_identity(self) -> bool {
        matches!(self, Self::Postgres)
    }

    /// Whether physical hints (`DISTSTYLE`, `SORTKEY`) are written into the DDL.
    #[must_use]
    pub const fn has_physical_layout(self) -> bool {
        matches!(self, Self::Redshift)
    }
}

impl std::fmt::Display for Dialect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Dialect {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|dialect| dialect.name() == name)
            .ok_or_else(|| Error::UnknownDialect(name.to_owned()))
    }
}
