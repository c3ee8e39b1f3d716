//! What an engine can do, as data.

/// What tells one engine from another for a load. SQL text is not among it: that is the dialect's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// An empty staging table may be replaced by the run's own table, renamed: that saves writing the rows twice, and
    /// costs nothing where tables have no grants and no dependent views.
    pub adopts_run_tables: bool,
    /// Rows in bulk come from objects in S3, which the engine reads itself.
    pub copies_from_objects: bool,
}

impl Capabilities {
    /// What the engine of a dialect can do.
    #[must_use]
    pub const fn of(dialect: sparkify_schema::Dialect) -> Self {
        use sparkify_schema::Dialect;
        Self {
            adopts_run_tables: matches!(dialect, Dialect::DuckDb),
            copies_from_objects: matches!(dialect, Dialect::Redshift),
        }
    }
}
