//! `check`.

use sparkify_etl::{
    Cancel,
    quality::{self, CheckResult},
};
use sparkify_warehouse::Access;

use super::{integers, texts};
use crate::{config::Settings, exit::ChecksFailed, stop::Stop};

pub(super) async fn run(settings: &Settings) -> anyhow::Result<()> {
    let library = super::library(settings)?;
    let warehouse = super::open_existing(settings, Access::ReadOnly).await?;
    let cancel = Cancel::default();
    let work = super::again(settings, &cancel, async || {
        sparkify_etl::verify_tables(warehouse.as_ref(), &library).await?;
        Ok(quality::check(warehouse.as_ref(), &library).await?)
    });
    let results = Stop::listen()?.during(warehouse.as_ref(), &cancel, work).await?;
    let verdict = |check: &CheckResult| if check.holds() { "ok" } else { "FAILED" };
    super::print_columns(
        settings.format.value,
        vec![
            ("check", texts(results.iter().map(|check| &check.name))),
            ("result", texts(results.iter().map(verdict))),
            ("violations", integers(results.iter().map(|check| check.violations))),
            ("rule", texts(results.iter().map(|check| &check.rule))),
        ],
    )?;
    let failed: Vec<_> = results.into_iter().filter(|check| !check.holds()).map(|check| check.name).collect();
    if failed.is_empty() { Ok(()) } else { Err(ChecksFailed(failed).into()) }
}
