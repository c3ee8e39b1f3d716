//! `check`.

use sparkify_etl::quality;
use sparkify_warehouse::Access;

use crate::{config::Settings, exit::ChecksFailed};

pub(super) async fn run(settings: &Settings) -> anyhow::Result<()> {
    let library = super::library(settings)?;
    let warehouse = super::open(settings, Access::ReadOnly).await?;
    sparkify_etl::verify_tables(&warehouse, &library).await?;
    let results = quality::check(&warehouse, &library).await?;
    let rows: Vec<_> = results
        .iter()
        .map(|check| {
            let verdict = if check.holds() { "ok" } else { "FAILED" };
            vec![check.name.clone(), verdict.to_owned(), check.violations.to_string(), check.rule.clone()]
        })
        .collect();
    super::print_rows(settings.format.value, &["check", "result", "violations", "rule"], &rows)?;
    match results.iter().filter(|check| !check.holds()).count() {
        0 => Ok(()),
        failed => Err(ChecksFailed(failed).into()),
    }
}
