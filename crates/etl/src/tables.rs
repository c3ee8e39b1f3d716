//! Creates, drops and compares the permanent tables.

use std::collections::BTreeMap;

use sparkify_schema::{
    Dialect, ddl,
    model::{Table, tables_of},
    sql::{SqlLibrary, context},
};
use sparkify_warehouse::{RecordSet, Warehouse};

use crate::{Error, Result, error::During};

/// Creates the tables that are missing and checks that the others are as the model says.
///
/// # Errors
///
/// [`Error::Drift`] when a table of that name has other columns.
pub async fn create_tables(warehouse: &dyn Warehouse, library: &SqlLibrary) -> Result<()> {
    let existing = existing_columns(warehouse, library).await?;
    fail_on(differences(&existing, warehouse.dialect()))?;
    if tables_of(warehouse.dialect()).iter().all(|table| existing.contains_key(table.name)) {
        return Ok(());
    }
    warehouse.transact(creation(warehouse.dialect())?).await.during("creating the tables")
}

/// Drops all tables with their rows and creates them anew, in one transaction.
///
/// # Errors
///
/// [`Error::Warehouse`]; nothing has changed then.
pub async fn recreate_tables(warehouse: &dyn Warehouse) -> Result<()> {
    let dialect = warehouse.dialect();
    let mut statements = removal(dialect)?;
    statements.extend(creation(dialect)?);
    warehouse.transact(statements).await.during("dropping and creating the tables")
}

/// Checks that all tables are there as the model says.
///
/// # Errors
///
/// [`Error::MissingTables`], or [`Error::Drift`] with every difference.
pub async fn verify_tables(warehouse: &dyn Warehouse, library: &SqlLibrary) -> Result<()> {
    let existing = existing_columns(warehouse, library).await?;
    let names: Vec<_> = tables_of(warehouse.dialect())
        .iter()
        .map(|table| table.name.to_owned())
        .filter(|name| !existing.contains_key(name))
        .collect();
    if !names.is_empty() {
        return Err(Error::MissingTables { names });
    }
    fail_on(differences(&existing, warehouse.dialect()))
}

/// The statements that create all tables.
///
/// # Errors
///
/// [`Error::Sql`] when a name does not suit the dialect.
pub fn creation(dialect: Dialect) -> Result<Vec<String>> {
    let mut statements: Vec<_> = tables_of(dialect)
        .into_iter()
        .map(|table| ddl::create_table(table, dialect))
        .collect::<Result<_, _>>()?;
    statements.extend(ddl::replica_identity(dialect)?);
    Ok(statements)
}

/// The statements that drop all tables, those that refer to others first.
///
/// # Errors
///
/// [`Error::Sql`] when a name does not suit the dialect.
pub fn removal(dialect: Dialect) -> Result<Vec<String>> {
    Ok(tables_of(dialect)
        .into_iter()
        .rev()
        .map(|table| ddl::drop_table(table.name, dialect))
        .collect::<Result<_, _>>()?)
}

type Columns = BTreeMap<String, Vec<(String, String)>>;

async fn existing_columns(warehouse: &dyn Warehouse, library: &SqlLibrary) -> Result<Columns> {
    let sql = library.render("columns", warehouse.dialect(), context! {})?;
    let records = warehouse.query(&sql).await.during("reading the catalog of the database")?;
    Ok(group(&records))
}

fn group(records: &RecordSet) -> Columns {
    let mut columns = Columns::new();
    for row in 0..records.row_count() {
        let text = |column| records.text(row, column).unwrap_or_default();
        columns.entry(text(0)).or_default().push((text(1), text(2)));
    }
    columns
}

fn differences(existing: &Columns, dialect: Dialect) -> Vec<String> {
    tables_of(dialect)
        .into_iter()
        .filter_map(|table| difference(table, existing.get(table.name)?, dialect))
        .collect()
}

fn difference(table: &Table, existing: &[(String, String)], dialect: Dialect) -> Option<String> {
    let expected: Vec<_> =
        table.columns.iter().map(|column| (column.name, dialect.catalog_type(column.data_type))).collect();
    for (index, (name, data_type)) in expected.iter().enumerate() {
        match existing.get(index) {
            Some((found, _)) if found != name => {
                return Some(format!("column {} of {} is {found}, not {name}", index + 1, table.name));
            }
            Some((_, found)) if !found.to_lowercase().starts_with(data_type) => {
                return Some(format!("{}.{name} is {found}, not {data_type}", table.name));
            }
            Some(_) => {}
            None => return Some(format!("{} has no column {name}", table.name)),
        }
    }
    existing
        .get(expected.len())
        .map(|(name, _)| format!("{} has a column {name} that the model has not", table.name))
}

fn fail_on(differences: Vec<String>) -> Result<()> {
    if differences.is_empty() { Ok(()) } else { Err(Error::Drift { differences }) }
}
