//! `create-tables`.

use std::io::{IsTerminal, Write};

use sparkify_etl::{Cancel, create_tables, owned_rows, recreate_tables};
use sparkify_schema::model::tables;
use sparkify_warehouse::Access;

use super::texts;
use crate::{args::CreateTablesArgs, config::Settings, exit::UsageError, stop::Stop};

pub(super) async fn run(settings: &Settings, arguments: &CreateTablesArgs) -> anyhow::Result<()> {
    let library = super::library(settings)?;
    let warehouse = super::open(settings, Access::ReadWrite).await?;
    let cancel = Cancel::default();
    let work = async {
        if arguments.drop {
            confirm(settings, &owned_rows(warehouse.as_ref(), &library).await?)?;
            // Once only: a second time could drop what somebody has loaded since the first.
            Ok(recreate_tables(warehouse.as_ref(), &library).await?)
        } else {
            super::again(settings, &cancel, async || Ok(create_tables(warehouse.as_ref(), &library).await?))
                .await
        }
    };
    Stop::listen()?.during(warehouse.as_ref(), &cancel, work).await?;
    let location = warehouse.location();
    warehouse.close().await?;
    tracing::info!("the tables are in {location}");
    let tables = tables();
    super::print_columns(
        settings.format.value,
        vec![
            ("table", texts(tables.iter().map(|table| table.name))),
            ("one row for", texts(tables.iter().map(|table| table.grain))),
        ],
    )
}

/// Asks before rows are deleted.
fn confirm(settings: &Settings, tables: &[(String, i64)]) -> anyhow::Result<()> {
    if settings.yes || tables.is_empty() {
        return Ok(());
    }
    let warehouse = &settings.warehouse.shown;
    let with_rows: Vec<_> = tables.iter().map(|(name, rows)| format!("{name} ({rows} rows)")).collect();
    let list = with_rows.join(", ");
    if !std::io::stdin().is_terminal() {
        return Err(UsageError::with_hint(
            format!("--drop would delete these tables of {warehouse}: {list}; and there is nobody to ask"),
            "add --yes to confirm",
        )
        .into());
    }
    let mut stderr = std::io::stderr();
    write!(stderr, "These tables of {warehouse} would be deleted: {list}.\nDelete them? [y/N] ")?;
    stderr.flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    if matches!(answer.trim().to_lowercase().as_str(), "y" | "yes") {
        return Ok(());
    }
    anyhow::bail!("nothing was deleted")
}
