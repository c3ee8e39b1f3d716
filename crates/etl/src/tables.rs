//! Creates, drops and compares the permanent tables.

use std::collections::{BTreeMap, BTreeSet};

use sparkify_schema::{
    Dialect, ddl,
    model::{RUN_PREFIX, Table, indexes_of, owned_tables, tables_of},
    sql::{SqlLibrary, context},
    statements,
};
use sparkify_warehouse::{RecordSet, Warehouse};

use crate::{Error, Result, error::During};

/// Creates the tables that are missing and checks that the others are as the model says.
///
/// # Errors
///
/// [`Error::ForeignTables`] when there is a table of that name that this program has not made; [`Error::Drift`] when
/// one that it has made has other columns.
pub async fn create_tables(warehouse: &dyn Warehouse, library: &SqlLibrary) -> Result<()> {
    let found = Found::read(warehouse, library).await?;
    found.fail_on_foreign_tables()?;
    fail_on(found.differences())?;
    if found.missing().is_empty() {
        return Ok(());
    }
    warehouse.transact(creation(warehouse.dialect())?).await.during("creating the tables")
}

/// Drops all tables that this program has made, with their rows, and creates them anew, in one transaction.
///
/// # Errors
///
/// [`Error::ForeignTables`] when there is a table of such a name that it has not made, or [`Error::Warehouse`]; nothing
/// has changed then.
pub async fn recreate_tables(warehouse: &dyn Warehouse, library: &SqlLibrary) -> Result<()> {
    let found = Found::read(warehouse, library).await?;
    found.fail_on_foreign_tables()?;
    let dialect = warehouse.dialect();
    let mut statements = Vec::new();
    for name in found.in_order_of_removal() {
        statements.push(ddl::drop_table(&name, dialect)?);
    }
    statements.extend(creation(dialect)?);
    warehouse.transact(statements).await.during("dropping and creating the tables")
}

/// The tables that [`recreate_tables`] would drop, each with its rows.
///
/// # Errors
///
/// As [`recreate_tables`].
pub async fn owned_rows(warehouse: &dyn Warehouse, library: &SqlLibrary) -> Result<Vec<(String, i64)>> {
    let found = Found::read(warehouse, library).await?;
    found.fail_on_foreign_tables()?;
    let mut rows = Vec::new();
    for name in found.in_order_of_removal() {
        let sql = statements::count_rows(&ddl::identifier(&name, warehouse.dialect())?);
        let count = warehouse.query(&sql).await.during(format!("counting {name}"))?.integer(0, 0);
        rows.push((name, count.ok_or_else(|| Error::Internal("a count is not a number".to_owned()))?));
    }
    Ok(rows)
}

/// Checks that all tables are there as the model says, and that no other table has the name of one that a load makes.
///
/// # Errors
///
/// [`Error::MissingTables`], [`Error::ForeignTables`], or [`Error::Drift`] with every difference.
pub async fn verify_tables(warehouse: &dyn Warehouse, library: &SqlLibrary) -> Result<()> {
    let found = Found::read(warehouse, library).await?;
    found.fail_on_foreign_tables()?;
    let names = found.missing();
    if !names.is_empty() {
        return Err(Error::MissingTables { names });
    }
    fail_on(found.differences())
}

/// The statements that create all tables and indexes, and list them as made by this program.
///
/// # Errors
///
/// [`Error::Sql`] when a name does not suit the dialect.
pub fn creation(dialect: Dialect) -> Result<Vec<String>> {
    let tables = tables_of(dialect);
    let create = tables.iter().map(|table| ddl::create_table(table, dialect));
    let mut sql = create.collect::<Result<Vec<_>, _>>()?;
    for index in indexes_of(dialect) {
        sql.push(index.create(dialect)?);
    }
    sql.extend(ddl::replica_identity(dialect)?);
    let names: Vec<_> = tables.iter().map(|table| table.name).collect();
    sql.push(statements::own_tables(dialect, &names, None)?);
    Ok(sql)
}

/// The tables of a list of [`owned_tables`] that a load has made for itself, without those of the load that asks.
pub(crate) fn left_by_loads(owned: &RecordSet) -> Vec<String> {
    let rows = 0..owned.row_count();
    rows.filter(|row| owned.text(*row, 1).is_some()).filter_map(|row| owned.text(row, 0)).collect()
}

type Columns = BTreeMap<String, Vec<(String, String)>>;

/// What is in the database.
struct Found {
    dialect: Dialect,
    columns: Columns,
    /// What this program has made.
    owned: BTreeSet<String>,
}

impl Found {
    async fn read(warehouse: &dyn Warehouse, library: &SqlLibrary) -> Result<Self> {
        let dialect = warehouse.dialect();
        let ask = async |name| -> Result<RecordSet> {
            let sql = library.render(name, dialect, context! {})?;
            warehouse.query(&sql).await.during("reading the catalog of the database")
        };
        let columns = group(&ask("columns").await?);
        let mut owned = BTreeSet::new();
        let list = owned_tables();
        // Another table of that name lists nothing.
        if columns.get(list.name).is_some_and(|found| difference(list, found, dialect).is_none()) {
            let found = ask("owned_tables").await?;
            owned.extend((0..found.row_count()).filter_map(|row| found.text(row, 0)));
            owned.insert(list.name.to_owned());
        }
        Ok(Self { dialect, columns, owned })
    }

    fn missing(&self) -> Vec<String> {
        let names = tables_of(self.dialect).into_iter().map(|table| table.name.to_owned());
        names.filter(|name| !self.columns.contains_key(name)).collect()
    }

    /// Tables with names that this program uses and that it has not made.
    fn fail_on_foreign_tables(&self) -> Result<()> {
        let tables = tables_of(self.dialect);
        let used = |name: &String| {
            name.starts_with(RUN_PREFIX) || tables.iter().any(|table| table.name == name.as_str())
        };
        let names: Vec<_> =
            self.columns.keys().filter(|name| used(name) && !self.owned.contains(*name)).cloned().collect();
        if names.is_empty() { Ok(()) } else { Err(Error::ForeignTables { names }) }
    }

    fn differences(&self) -> Vec<String> {
        let tables = tables_of(self.dialect).into_iter();
        tables.filter_map(|table| difference(table, self.columns.get(table.name)?, self.dialect)).collect()
    }

    /// The tables that this program has made, those that refer to others first.
    fn in_order_of_removal(&self) -> Vec<String> {
        let tables = tables_of(self.dialect);
        let position = |name: &String| tables.iter().position(|table| table.name == name.as_str());
        let mut names: Vec<_> =
            self.owned.iter().filter(|name| self.columns.contains_key(*name)).cloned().collect();
        names.sort_by_key(|name| std::cmp::Reverse(position(name)));
        names
    }
}

fn group(records: &RecordSet) -> Columns {
    let mut columns = Columns::new();
    for row in 0..records.row_count() {
        let text = |column| records.text(row, column).unwrap_or_default();
        columns.entry(text(0)).or_default().push((text(1), text(2)));
    }
    columns
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
