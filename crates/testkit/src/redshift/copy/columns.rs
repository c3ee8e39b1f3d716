//! The columns that are filled, and their types.

use crate::redshift::{backend::Backend, error::ServerError, session::Session};

use super::parse::CopyStatement;

/// The type of a column, as far as loading it differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ColumnType {
    /// A whole number between bounds.
    Whole {
        name: &'static str,
        least: i64,
        most: i64,
    },
    Real,
    Double,
    Numeric {
        precision: usize,
        scale: usize,
    },
    Boolean,
    /// Text with a length in bytes; padded or not.
    Text {
        length: usize,
        padded: bool,
    },
    Date,
    Timestamp,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) data_type: ColumnType,
    pub(super) not_null: bool,
    /// As the system tables write it.
    pub(super) type_name: String,
}

impl Column {
    pub(super) fn length(&self) -> usize {
        match self.data_type {
            ColumnType::Text { length, .. } => length,
            _ => 0,
        }
    }
}

/// A table to load into.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) id: i64,
    pub(super) columns: Vec<Column>,
}

/// Looks up a table and the columns that a COPY fills.
pub(super) async fn table(
    session: &mut Session,
    statement: &CopyStatement,
) -> std::io::Result<Result<Table, ServerError>> {
    let rows = match look_up(&mut session.backend, &statement.table).await? {
        Ok(rows) => rows,
        Err(error) => return Ok(Err(error)),
    };
    Ok(chosen(rows, statement))
}

type Row = Vec<Option<String>>;

async fn look_up(backend: &mut Backend, table: &str) -> std::io::Result<Result<Vec<Row>, ServerError>> {
    let literal = table.replace('\\', "\\\\").replace('\'', "''");
    let sql = format!(
        "SELECT c.oid, a.attname, t.typname, a.atttypmod, a.attnotnull, \
             pg_catalog.has_table_privilege(c.oid, 'INSERT') \
         FROM pg_catalog.pg_class c \
         JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
         JOIN pg_catalog.pg_type t ON t.oid = a.atttypid \
         WHERE c.oid = pg_catalog.to_regclass('{literal}') AND c.relkind = 'r' \
         ORDER BY a.attnum"
    );
    backend.rows(&sql).await
}

fn chosen(rows: Vec<Row>, statement: &CopyStatement) -> Result<Table, ServerError> {
    let name = &statement.table_name;
    let missing = || ServerError::new("42P01", format!("Cannot COPY into nonexistent table {name}"));
    let text = |row: &Row, index: usize| row.get(index).cloned().flatten().unwrap_or_default();
    let first = rows.first().ok_or_else(missing)?;
    if text(first, 5) != "t" {
        return Err(ServerError::new("42501", format!("permission denied for relation {name}")));
    }
    let id = text(first, 0).parse().unwrap_or(0);
    let mut all = Vec::new();
    for row in &rows {
        let modifier = text(row, 3).parse().unwrap_or(-1);
        let type_name = text(row, 2);
        let column = Column {
            name: text(row, 1),
            data_type: data_type(&type_name, modifier).ok_or_else(|| {
                ServerError::new("0A000", format!("the double does not load columns of type {type_name}"))
            })?,
            not_null: text(row, 4) == "t",
            type_name: if type_name == "bpchar" { "char".to_owned() } else { type_name },
        };
        all.push(column);
    }
    let Some(wanted) = &statement.columns else { return Ok(Table { id, columns: all }) };
    let columns = wanted
        .iter()
        .map(|wanted| {
            let found = all.iter().find(|column| column.name == *wanted).cloned();
            found.ok_or_else(|| {
                ServerError::new(
                    "42703",
                    format!("column \"{wanted}\" of relation \"{name}\" does not exist"),
                )
            })
        })
        .collect::<Result<_, _>>()?;
    Ok(Table { id, columns })
}

fn data_type(name: &str, modifier: i32) -> Option<ColumnType> {
    let length = usize::try_from(modifier - 4).ok();
    Some(match name {
        "int2" => ColumnType::Whole { name: "Short", least: i16::MIN.into(), most: i16::MAX.into() },
        "int4" => ColumnType::Whole { name: "Integer", least: i32::MIN.into(), most: i32::MAX.into() },
        "int8" => ColumnType::Whole { name: "Long", least: i64::MIN, most: i64::MAX },
        "float4" => ColumnType::Real,
        "float8" => ColumnType::Double,
        "numeric" => {
            let modifier = length.unwrap_or(18 << 16);
            ColumnType::Numeric { precision: modifier >> 16, scale: modifier & 0x7ff }
        }
        "bool" => ColumnType::Boolean,
        "varchar" | "text" => ColumnType::Text { length: length.unwrap_or(65_535), padded: false },
        "bpchar" => ColumnType::Text { length: length.unwrap_or(256), padded: true },
        "date" => ColumnType::Date,
        "timestamp" => ColumnType::Timestamp,
        _ => return None,
    })
}
