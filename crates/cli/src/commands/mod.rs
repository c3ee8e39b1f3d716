//! The commands: each reads its settings, opens what they name, and calls a library.

mod check;
mod completions;
mod config;
mod create_tables;
mod explore;
mod load;
mod sql;

use anyhow::Context;
use sparkify_analytics::output::Format;
use sparkify_schema::sql::SqlLibrary;
use sparkify_warehouse::{
    Access, RecordSet,
    duckdb::{DuckDbOptions, DuckDbWarehouse},
};

use crate::{
    args::{Cli, Command},
    config::{Settings, WarehouseUrl},
    logging,
};

/// Runs the command.
pub(crate) async fn run(cli: Cli) -> anyhow::Result<()> {
    if let Command::Completions { shell } = cli.command {
        return completions::run(shell);
    }
    let directory = std::env::current_dir().context("the current directory cannot be found out")?;
    let settings = Settings::read(&cli.global, &|name| std::env::var(name).ok(), &directory)?;
    logging::begin(&settings);
    match cli.command {
        Command::Run(arguments) => load::run(&settings, &arguments).await,
        Command::Etl(arguments) => load::etl(&settings, &arguments).await,
        Command::CreateTables(arguments) => create_tables::run(&settings, &arguments).await,
        Command::Check => check::run(&settings).await,
        Command::Explore(arguments) => explore::run(&settings, &arguments).await,
        Command::Sql(arguments) => sql::run(&settings, &arguments),
        Command::Config(_) => config::show(&settings),
        Command::Completions { .. } => Ok(()),
    }
}

/// Opens the database of the settings.
async fn open(settings: &Settings, access: Access) -> anyhow::Result<DuckDbWarehouse> {
    let path = match &settings.warehouse.value {
        WarehouseUrl::DuckDbFile(path) => Some(path.clone()),
        WarehouseUrl::DuckDbMemory => None,
    };
    let access = if path.is_some() { access } else { Access::ReadWrite };
    let options = DuckDbOptions {
        path,
        access,
        memory_limit: settings.memory_limit.value.clone(),
        threads: settings.threads.value,
        wait: settings.wait.value,
    };
    // Opening may wait for another process.
    Ok(tokio::task::spawn_blocking(move || DuckDbWarehouse::open(&options)).await??)
}

/// The SQL of the settings.
fn library(settings: &Settings) -> anyhow::Result<SqlLibrary> {
    Ok(match &settings.sql_dir {
        Some(directory) => SqlLibrary::with_overrides(&directory.value)?,
        None => SqlLibrary::embedded()?,
    })
}

/// Rows of text as a result.
fn print_rows(format: Format, header: &[&str], rows: &[Vec<String>]) -> anyhow::Result<()> {
    print(format, &RecordSet::of_texts(header, rows)?)
}

fn print(format: Format, records: &RecordSet) -> anyhow::Result<()> {
    sparkify_analytics::output::write(format, records, &mut std::io::stdout().lock())?;
    Ok(())
}
