//! The expressions that differ between dialects.

use super::Dialect;
use crate::model::DataType;

impl Dialect {
    /// A `TIMESTAMP` (UTC) with exact milliseconds from epoch milliseconds.
    ///
    /// PostgreSQL and Redshift multiply an interval, which goes through floating point: by whole seconds,
    /// and by the rest on its own, both stay exact up to the year 9999 (the milliseconds at once only up
    /// to 2255). The cast changes nothing; it says that whole numbers are meant to be divided. DuckDB has a function of its own, since its intervals cannot be multiplied by a number
    /// that large.
    #[must_use]
    pub fn timestamp_from_epoch_ms(self, milliseconds: &str) -> String {
        match self {
            Self::DuckDb => format!("EPOCH_MS({milliseconds})"),
            Self::Postgres | Self::Redshift => format!(
                "(TIMESTAMP 'epoch' + CAST({milliseconds} / 1000 AS BIGINT) * INTERVAL '1 second' \
                 + {milliseconds} % 1000 * INTERVAL '0.001 second')"
            ),
        }
    }

    /// A text expression whose comparisons and order go by bytes, as they do on DuckDB and Redshift.
    /// PostgreSQL would use the database's collation.
    #[must_use]
    pub fn byte_order(self, text: &str) -> String {
        match self {
            Self::DuckDb | Self::Redshift => text.to_owned(),
            Self::Postgres => format!("{text} COLLATE \"C\""),
        }
    }

    /// The current time as a `TIMESTAMP` in UTC. Redshift knows `now()` on the leader node only.
    #[must_use]
    pub const fn current_timestamp(self) -> &'static str {
        match self {
            Self::DuckDb | Self::Postgres => "(CURRENT_TIMESTAMP AT TIME ZONE 'UTC')",
            Self::Redshift => "GETDATE()",
        }
    }

    /// The view with one row for each column of each table that the user can see.
    #[must_use]
    pub const fn columns_view(self) -> &'static str {
        match self {
            Self::DuckDb | Self::Postgres => "information_schema.columns",
            Self::Redshift => "svv_columns",
        }
    }

    /// The name of a column type in [`columns_view`](Self::columns_view), in lower case; a length may follow it.
    #[must_use]
    pub const fn catalog_type(self, data_type: DataType) -> &'static str {
        match (self, data_type) {
            (Self::DuckDb, DataType::Varchar { .. }) => "varchar",
            (Self::Postgres | Self::Redshift, DataType::Varchar { .. }) => "character varying",
            (_, DataType::Integer) => "integer",
            (_, DataType::BigInt) => "bigint",
            (Self::DuckDb, DataType::Double) => "double",
            (Self::Postgres | Self::Redshift, DataType::Double) => "double precision",
            (_, DataType::Timestamp) => "timestamp",
        }
    }

    /// How the creation of a table begins that only one run uses. PostgreSQL need not write its rows to the
    /// log as well: after a crash of the server the table is empty, and the run that used it is over.
    #[must_use]
    pub const fn create_private_table(self) -> &'static str {
        match self {
            Self::DuckDb | Self::Redshift => "CREATE TABLE",
            Self::Postgres => "CREATE UNLOGGED TABLE",
        }
    }

    /// The name of the schema that unqualified names resolve to.
    #[must_use]
    pub const fn current_schema(self) -> &'static str {
        match self {
            Self::DuckDb | Self::Postgres => "current_schema()",
            Self::Redshift => "'public'",
        }
    }
}
