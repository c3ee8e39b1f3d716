//! The expressions that differ between dialects.

use super::Dialect;

impl Dialect {
    /// A `TIMESTAMP` (UTC) with exact milliseconds from epoch milliseconds.
    ///
    /// PostgreSQL and Redshift multiply an interval: `ts / 1000` would drop the milliseconds. DuckDB
    /// has a function of its own, since its intervals cannot be multiplied by a number that large.
    #[must_use]
    pub fn timestamp_from_epoch_ms(self, milliseconds: &str) -> String {
        match self {
            Self::DuckDb => format!("EPOCH_MS({milliseconds})"),
            Self::Postgres | Self::Redshift => {
                format!("(TIMESTAMP 'epoch' + {milliseconds} * INTERVAL '0.001 second')")
            }
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

    /// The name of the schema that unqualified names resolve to.
    #[must_use]
    pub const fn current_schema(self) -> &'static str {
        match self {
            Self::DuckDb | Self::Postgres => "current_schema()",
            Self::Redshift => "'public'",
        }
    }
}
