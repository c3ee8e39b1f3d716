//! The vocabulary of the model.

/// The type of a column, the same on every engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataType {
    /// UTF-8 text of at most so many **bytes** (Redshift counts bytes).
    Varchar {
        /// The limit in bytes.
        max_bytes: u32,
    },
    /// 32-bit integer.
    Integer,
    /// 64-bit integer.
    BigInt,
    /// 64-bit float.
    Double,
    /// Date and time in UTC, without a zone, at least millisecond resolution.
    Timestamp,
}

/// The values a number may have, both ends included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Range {
    /// Any value of the type.
    Any,
    /// Whole numbers.
    Whole(i64, i64),
    /// Real numbers.
    Real(f64, f64),
}

/// A column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Column {
    /// The name, snake_case.
    pub name: &'static str,
    /// The type.
    pub data_type: DataType,
    /// Whether a row must have a value (`NOT NULL`; in staging also: a record without it is refused).
    pub required: bool,
    /// The key in the source JSON object; empty outside staging.
    pub source_key: &'static str,
    /// The values a number may have.
    pub range: Range,
    /// What the column means.
    pub description: &'static str,
}

impl Column {
    const fn new(name: &'static str, data_type: DataType, description: &'static str) -> Self {
        Self { name, data_type, required: false, source_key: "", range: Range::Any, description }
    }

    /// A text column of at most `max_bytes` bytes.
    #[must_use]
    pub const fn varchar(name: &'static str, max_bytes: u32, description: &'static str) -> Self {
        Self::new(name, DataType::Varchar { max_bytes }, description)
    }

    /// A 32-bit integer column.
    #[must_use]
    pub const fn integer(name: &'static str, description: &'static str) -> Self {
        Self::new(name, DataType::Integer, description)
    }

    /// A 64-bit integer column.
    #[must_use]
    pub const fn bigint(name: &'static str, description: &'static str) -> Self {
        Self::new(name, DataType::BigInt, description)
    }

    /// A 64-bit float column.
    #[must_use]
    pub const fn double(name: &'static str, description: &'static str) -> Self {
        Self::new(name, DataType::Double, description)
    }

    /// A timestamp column.
    #[must_use]
    pub const fn timestamp(name: &'static str, description: &'static str) -> Self {
        Self::new(name, DataType::Timestamp, description)
    }

    /// The values that a number of the column may have: its range, and what its type holds. Every engine, and
    /// whoever reads records for one, goes by this.
    #[must_use]
    pub const fn limits(&self) -> Range {
        match (self.data_type, self.range) {
            (DataType::Integer, Range::Any) => Range::Whole(i32::MIN as i64, i32::MAX as i64),
            (DataType::BigInt | DataType::Timestamp, Range::Any) => Range::Whole(i64::MIN, i64::MAX),
            // Neither infinite nor no number at all.
            (DataType::Double, Range::Any) => Range::Real(f64::MIN, f64::MAX),
            (_, range) => range,
        }
    }

    /// The same column, required.
    #[must_use]
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// The same column, read from that key of the source object.
    #[must_use]
    pub const fn from_key(mut self, key: &'static str) -> Self {
        self.source_key = key;
        self
    }

    /// The same column, limited to whole numbers from `low` to `high`.
    #[must_use]
    pub const fn whole(mut self, low: i64, high: i64) -> Self {
        self.range = Range::Whole(low, high);
        self
    }

    /// The same column, limited to real numbers from `low` to `high`.
    #[must_use]
    pub const fn real(mut self, low: f64, high: f64) -> Self {
        self.range = Range::Real(low, high);
        self
    }
}

/// How Redshift spreads the rows over its slices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Distribution {
    /// Redshift decides and adapts.
    Auto,
    /// Round robin.
    Even,
    /// A copy on each node: small dimensions that every query joins.
    All,
}

/// A foreign key of one column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reference {
    /// The referring column.
    pub column: &'static str,
    /// The table referred to.
    pub table: &'static str,
    /// The key column referred to.
    pub target: &'static str,
}

/// A table.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// The name.
    pub name: &'static str,
    /// What one row stands for.
    pub grain: &'static str,
    /// The columns in order.
    pub columns: &'static [Column],
    /// The columns of the primary key; may be empty.
    pub primary_key: &'static [&'static str],
    /// Columns that are unique each for itself.
    pub unique: &'static [&'static str],
    /// Foreign keys.
    pub references: &'static [Reference],
    /// Redshift's distribution.
    pub distribution: Distribution,
    /// Redshift's sort key; may be empty.
    pub sort_key: &'static [&'static str],
}

impl Table {
    /// The column of that name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&'static Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// A table of the same columns under another name, without keys and references: what a run loads
    /// into before it publishes.
    #[must_use]
    pub fn private_copy(&self, name: &'static str) -> Self {
        Self {
            name,
            primary_key: &[],
            unique: &[],
            references: &[],
            distribution: Distribution::Even,
            sort_key: &[],
            ..self.clone()
        }
    }
}
