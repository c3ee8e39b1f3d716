//! The quality checks: each is a query in `sql/quality/` that counts violations.

use std::collections::BTreeSet;

use serde::Serialize;
use sparkify_schema::{
    Dialect,
    sql::{Folder, SqlFile, SqlLibrary, Value},
};
use sparkify_warehouse::{LoadSession, RecordSet, Warehouse};

use crate::{Result, error::During, plan::Parameters};

/// The result of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckResult {
    /// The check's name.
    pub name: String,
    /// The rule it checks.
    pub rule: String,
    /// How often the rule is broken.
    pub violations: i64,
}

impl CheckResult {
    /// Whether the rule holds.
    #[must_use]
    pub const fn holds(&self) -> bool {
        self.violations == 0
    }
}

/// Runs every check on the published tables, whole.
///
/// # Errors
///
/// [`crate::Error::Warehouse`] when a check cannot run, for instance since a table is missing.
pub async fn check(warehouse: &dyn Warehouse, library: &SqlLibrary) -> Result<Vec<CheckResult>> {
    let mut results = Vec::new();
    for file in library.folder(Folder::Quality) {
        let sql = library.render(&file.name, warehouse.dialect(), Parameters::of_whole_tables().value())?;
        let records = warehouse.query(&sql).await.during(format!("quality check {}", file.name))?;
        results.push(result(file, &records)?);
    }
    Ok(results)
}

/// Runs the checks of what a load is about to publish: those that read a table in which it changed rows, on the rows
/// that it touched.
pub(crate) async fn check_session(
    session: &mut dyn LoadSession,
    library: &SqlLibrary,
    dialect: Dialect,
    parameters: &Value,
    changed: &BTreeSet<&str>,
) -> Result<Vec<CheckResult>> {
    let mut results = Vec::new();
    for file in library.folder(Folder::Quality).into_iter().filter(|file| !file.only_on_demand) {
        let concerns = |tables: &Vec<String>| tables.iter().any(|table| changed.contains(table.as_str()));
        if !file.tables.as_ref().is_none_or(concerns) {
            continue;
        }
        let sql = library.render(&file.name, dialect, parameters.clone())?;
        let records = session.query(&sql).await.during(format!("quality check {}", file.name))?;
        results.push(result(file, &records)?);
    }
    Ok(results)
}

fn result(file: &SqlFile, records: &RecordSet) -> Result<CheckResult> {
    let violations = records.integer(0, 0).ok_or_else(|| {
        crate::Error::Internal(format!("the quality check {} does not return one number", file.name))
    })?;
    Ok(CheckResult { name: file.name.clone(), rule: file.purpose.clone(), violations })
}
