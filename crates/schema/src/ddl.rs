//! `CREATE TABLE` and `DROP TABLE` from the model.

use crate::{
    Dialect, Result,
    model::{Distribution, Table, tables_of},
};

/// The statement that creates the table unless one of that name exists.
///
/// `IF NOT EXISTS` compares the name only: see `sql/catalog/columns.sql` for the check that an
/// existing table has these columns.
///
/// # Errors
///
/// [`crate::Error::Identifier`] when a name does not suit the dialect.
pub fn create_table(table: &Table, dialect: Dialect) -> Result<String> {
    create(table, dialect, "CREATE TABLE IF NOT EXISTS")
}

/// The statement that creates a run-private table, which must not exist.
///
/// # Errors
///
/// As [`create_table`].
pub fn create_private_table(table: &Table, dialect: Dialect) -> Result<String> {
    create(table, dialect, dialect.create_private_table())
}

/// The statement that drops the table if it exists. References to it must be gone.
///
/// # Errors
///
/// [`crate::Error::Identifier`] when the name does not suit the dialect.
pub fn drop_table(name: &str, dialect: Dialect) -> Result<String> {
    Ok(format!("DROP TABLE IF EXISTS {}", identifier(name, dialect)?))
}

/// The statements that let changes of the permanent tables be published by logical replication (a publication `FOR ALL
/// TABLES`): without them, PostgreSQL refuses to delete rows of a table that has no primary key.
///
/// # Errors
///
/// [`crate::Error::Identifier`] when a name does not suit the dialect.
pub fn replica_identity(dialect: Dialect) -> Result<Vec<String>> {
    if !dialect.has_replica_identity() {
        return Ok(Vec::new());
    }
    let without_key = tables_of(dialect).into_iter().filter(|table| table.primary_key.is_empty());
    without_key
        .map(|table| Ok(format!("ALTER TABLE {} REPLICA IDENTITY FULL", identifier(table.name, dialect)?)))
        .collect()
}

/// A name as it stands in statements: bare when it is a plain lower-case word, quoted otherwise.
///
/// # Errors
///
/// [`crate::Error::Identifier`] when the name does not suit the dialect.
pub fn identifier(name: &str, dialect: Dialect) -> Result<String> {
    let quoted = crate::dialect::quote_identifier(dialect, name)?;
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    Ok(if plain { name.to_owned() } else { quoted })
}

fn create(table: &Table, dialect: Dialect, verb: &str) -> Result<String> {
    let name = |text: &str| identifier(text, dialect);
    let list = |texts: &[&str]| -> Result<String> {
        Ok(texts.iter().map(|text| name(text)).collect::<Result<Vec<_>>>()?.join(", "))
    };
    let mut parts = Vec::new();
    for column in table.columns {
        let null = if column.required { " NOT NULL" } else { "" };
        parts.push(format!("{} {}{null}", name(column.name)?, dialect.type_name(column.data_type)));
    }
    if dialect.declares_keys() {
        if !table.primary_key.is_empty() {
            parts.push(format!("PRIMARY KEY ({})", list(table.primary_key)?));
        }
        for column in table.unique {
            parts.push(format!("UNIQUE ({})", name(column)?));
        }
        for reference in table.references {
            parts.push(format!(
                "FOREIGN KEY ({}) REFERENCES {} ({})",
                name(reference.column)?,
                name(reference.table)?,
                name(reference.target)?
            ));
        }
    }
    let mut statement = format!("{verb} {} (\n    {}\n)", name(table.name)?, parts.join(",\n    "));
    if dialect.has_physical_layout() {
        statement.push_str(match table.distribution {
            Distribution::Auto => "\nDISTSTYLE AUTO",
            Distribution::Even => "\nDISTSTYLE EVEN",
            Distribution::All => "\nDISTSTYLE ALL",
        });
        if !table.sort_key.is_empty() {
            statement.push_str(&format!("\nSORTKEY ({})", list(table.sort_key)?));
        }
    }
    Ok(statement)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{RunTables, tables, tables_of};

    fn all(dialect: Dialect) -> String {
        tables_of(dialect).into_iter().map(|table| create_table(table, dialect).unwrap() + ";\n\n").collect()
    }

    #[test]
    fn the_duckdb_ddl_is_as_reviewed() {
        insta::assert_snapshot!(all(Dialect::DuckDb));
    }

    #[test]
    fn the_postgres_ddl_is_as_reviewed() {
        insta::assert_snapshot!(all(Dialect::Postgres));
    }

    #[test]
    fn the_redshift_ddl_is_as_reviewed() {
        insta::assert_snapshot!(all(Dialect::Redshift));
    }

    #[test]
    fn every_ddl_parses_in_its_dialect() {
        use sqlparser::{
            dialect::{DuckDbDialect, PostgreSqlDialect, RedshiftSqlDialect},
            parser::Parser,
        };
        for table in tables().into_iter().cloned().chain(RunTables::all()) {
            for dialect in Dialect::ALL {
                let sql = create_private_table(&table, dialect).unwrap();
                let parsed = match dialect {
                    Dialect::DuckDb => Parser::parse_sql(&DuckDbDialect {}, &sql),
                    Dialect::Postgres => Parser::parse_sql(&PostgreSqlDialect {}, &sql),
                    Dialect::Redshift => Parser::parse_sql(&RedshiftSqlDialect {}, &sql),
                };
                parsed.unwrap_or_else(|error| panic!("{dialect}: {error}\n{sql}"));
            }
        }
    }

    #[test]
    fn each_table_without_a_key_is_published_by_whole_rows_on_postgresql_only() {
        let expected: Vec<_> = tables()
            .into_iter()
            .filter(|table| table.primary_key.is_empty())
            .map(|table| format!("ALTER TABLE {} REPLICA IDENTITY FULL", table.name))
            .collect();
        assert!(!expected.is_empty());
        assert_eq!(replica_identity(Dialect::Postgres).unwrap(), expected);
        assert!(replica_identity(Dialect::DuckDb).unwrap().is_empty());
        assert!(replica_identity(Dialect::Redshift).unwrap().is_empty());
    }

    #[test]
    fn redshift_ddl_has_no_unbounded_text_and_no_identity() {
        for table in tables() {
            let sql = create_table(table, Dialect::Redshift).unwrap();
            for word in ["TEXT", "IDENTITY", "VARCHAR,", "NUMERIC", "INTERLEAVED", "SERIAL", "CHECK"] {
                assert!(!sql.contains(word), "{word} in\n{sql}");
            }
        }
    }
}
