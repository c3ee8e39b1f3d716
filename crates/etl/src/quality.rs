//! The quality checks: each is a query in `sql/quality/` that counts violations.

use serde::Serialize;
use sparkify_schema::{
    Dialect,
    sql::{Folder, SqlLibrary, context},
};
use sparkify_warehouse::{LoadSession, RecordSet, Warehouse};

use crate::{Result, error::During};

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

/// Runs every check on the published tables.
///
/// # Errors
///
/// [`crate::Error::Warehouse`] when a check cannot run, for instance since a table is missing.
pub async fn check(warehouse: &dyn Warehouse, library: &SqlLibrary) -> Result<Vec<CheckResult>> {
    let mut results = Vec::new();
    for check in checks(library, warehouse.dialect())? {
        let records = warehouse.query(&check.sql).await.during(format!("quality check {}", check.name))?;
        results.push(check.result(&records)?);
    }
    Ok(results)
}

/// Runs every check on what a load is about to publish.
pub(crate) async fn check_session(
    session: &mut dyn LoadSession,
    library: &SqlLibrary,
    dialect: Dialect,
) -> Result<Vec<CheckResult>> {
    let mut results = Vec::new();
    for check in checks(library, dialect)? {
        let records = session.query(&check.sql).await.during(format!("quality check {}", check.name))?;
        results.push(check.result(&records)?);
    }
    Ok(results)
}

struct Check {
    name: String,
    rule: String,
    sql: String,
}

impl Check {
    fn result(self, records: &RecordSet) -> Result<CheckResult> {
        let violations = records.integer(0, 0).ok_or_else(|| {
            crate::Error::Internal(format!("the quality check {} does not return one number", self.name))
        })?;
        Ok(CheckResult { name: self.name, rule: self.rule, violations })
    }
}

fn checks(library: &SqlLibrary, dialect: Dialect) -> Result<Vec<Check>> {
    library
        .folder(Folder::Quality)
        .into_iter()
        .map(|file| {
            let sql = library.render(&file.name, dialect, context! {})?;
            Ok(Check { name: file.name.clone(), rule: file.purpose.clone(), sql })
        })
        .collect()
}
