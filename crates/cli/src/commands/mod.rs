//! The commands: each reads its settings, opens what they name, and calls a library.

mod check;
mod completions;
mod config;
mod create_tables;
#[cfg(feature = "aws")]
mod deployment;
mod explore;
mod generate;
mod load;
#[cfg(feature = "redshift")]
mod redshift;
mod sql;

use std::{path::PathBuf, sync::Arc};

use arrow_array::{ArrayRef, Int64Array, StringArray};
use sparkify_analytics::output::Format;
use sparkify_etl::{Cancel, Retries};
use sparkify_schema::sql::SqlLibrary;
#[cfg(feature = "postgres")]
use sparkify_warehouse::postgres::{PostgresOptions, PostgresWarehouse};
use sparkify_warehouse::{
    Access, RecordSet, Warehouse,
    duckdb::{DuckDbOptions, DuckDbWarehouse},
};

use crate::{
    Begun,
    args::{Cli, Command},
    config::{GenerateSettings, Settings, WarehouseUrl, environment},
    exit::UsageError,
    logging,
};

/// Runs the command.
pub(crate) async fn run(cli: Cli, begun: Begun) -> anyhow::Result<()> {
    if let Command::Completions { shell } = cli.command {
        return completions::run(shell);
    }
    let (directory, file) = begun?;
    environment::check(std::env::vars_os())?;
    let environment = |name: &str| std::env::var(name).ok();
    let settings = Settings::read(&cli.global, &environment, &file, &directory)?;
    logging::begin(&settings);
    if cli.global.warehouse.as_deref().is_some_and(WarehouseUrl::has_password) {
        tracing::warn!(
            "the password in --warehouse shows in the list of processes; leave it out there, and set PGPASSWORD or write \
             it into ~/.pgpass (mode 0600)"
        );
    }
    match cli.command {
        Command::Run(arguments) => load::run(&settings, &arguments).await,
        Command::Etl(arguments) => load::etl(&settings, &arguments).await,
        Command::CreateTables(arguments) => create_tables::run(&settings, &arguments).await,
        Command::Check => check::run(&settings).await,
        Command::Explore(arguments) => explore::run(&settings, &arguments).await,
        Command::Generate(arguments) => {
            let threads = settings.threads.value;
            let what = GenerateSettings::read(&arguments, threads, &environment, &file)?;
            generate::run(&settings, what).await
        }
        Command::Sql(arguments) => sql::run(&settings, &arguments),
        Command::Config(_) => config::show(&settings),
        command @ (Command::Provision(_)
        | Command::Status(_)
        | Command::Pause
        | Command::Resume
        | Command::Doctor
        | Command::Teardown(_)) => deployment(&settings, command).await,
        Command::Completions { .. } => Ok(()),
    }
}

#[cfg(feature = "aws")]
async fn deployment(settings: &Settings, command: Command) -> anyhow::Result<()> {
    deployment::run(settings, command).await
}

#[cfg(not(feature = "aws"))]
async fn deployment(_: &Settings, _: Command) -> anyhow::Result<()> {
    Err(UsageError::with_hint(
        "this program was built without AWS",
        "build it with `cargo build --release -p sparkify-cli --features full`",
    )
    .into())
}

/// Opens the database of the settings, which must be there.
async fn open_existing(settings: &Settings, access: Access) -> anyhow::Result<Arc<dyn Warehouse>> {
    match &settings.warehouse.value {
        WarehouseUrl::DuckDbFile(path) if !path.exists() => {
            Err(sparkify_warehouse::Error::NotFound { path: path.clone() }.into())
        }
        WarehouseUrl::DuckDbMemory => Err(UsageError::with_hint(
            "a database in memory is empty when a command begins",
            "`sparkify-cli run --warehouse duckdb::memory:` loads and answers in one go",
        )
        .into()),
        _ => open(settings, access).await,
    }
}

/// Does work on the database that may be done twice, again while the connection to it is lost.
async fn again<T>(
    settings: &Settings,
    cancel: &Cancel,
    work: impl AsyncFnMut() -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    retries(settings).again(cancel, engine_error, work).await
}

/// Connects, and again while the server says that it is starting or stopping. One that cannot be reached at all
/// is most likely another than was meant.
async fn while_it_starts<T>(
    settings: &Settings,
    work: impl AsyncFnMut() -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    retries(settings).again(&Cancel::default(), error_of_a_start, work).await
}

fn retries(settings: &Settings) -> Retries {
    Retries { count: settings.retries.value, ..Retries::default() }
}

/// The error of the engine behind another.
fn engine_error(error: &anyhow::Error) -> Option<&sparkify_warehouse::Error> {
    error.chain().find_map(|cause| cause.downcast_ref())
}

fn error_of_a_start(error: &anyhow::Error) -> Option<&sparkify_warehouse::Error> {
    engine_error(error).filter(|error| error.is_retryable())
}

/// Opens the database of the settings, also while its server is starting; a file that is not there is made when
/// it is opened for writing.
async fn open(settings: &Settings, access: Access) -> anyhow::Result<Arc<dyn Warehouse>> {
    while_it_starts(settings, async || open_once(settings, access).await).await
}

async fn open_once(settings: &Settings, access: Access) -> anyhow::Result<Arc<dyn Warehouse>> {
    match &settings.warehouse.value {
        WarehouseUrl::DuckDbFile(path) if path.is_dir() => Err(UsageError::with_hint(
            format!("{} is a directory, not a database file", path.display()),
            format!("name a file in it: --warehouse duckdb:{}", path.join("sparkify.duckdb").display()),
        )
        .into()),
        WarehouseUrl::DuckDbFile(path) => open_duckdb(settings, Some(path.clone()), access).await,
        WarehouseUrl::DuckDbMemory => open_duckdb(settings, None, Access::ReadWrite).await,
        #[cfg(feature = "postgres")]
        WarehouseUrl::Postgres(options) => {
            let options = PostgresOptions {
                access,
                wait: settings.wait.value,
                connections: settings.connections.value,
                ..options.as_ref().clone()
            };
            Ok(Arc::new(PostgresWarehouse::open(&options).await?))
        }
        #[cfg(feature = "redshift")]
        WarehouseUrl::Redshift(target) => redshift::open(settings, target, access).await,
    }
}

/// Opens the database of the settings for a load; a file must be there if `existing`. What is missing is
/// said before anything happens.
async fn open_to_load(settings: &Settings, existing: bool) -> anyhow::Result<Arc<dyn Warehouse>> {
    #[cfg(feature = "redshift")]
    if let WarehouseUrl::Redshift(target) = &settings.warehouse.value {
        return while_it_starts(settings, async || redshift::open_to_load(settings, target).await).await;
    }
    if existing {
        open_existing(settings, Access::ReadWrite).await
    } else {
        open(settings, Access::ReadWrite).await
    }
}

async fn open_duckdb(
    settings: &Settings,
    path: Option<PathBuf>,
    access: Access,
) -> anyhow::Result<Arc<dyn Warehouse>> {
    let options = DuckDbOptions {
        path,
        access,
        memory_limit: settings.memory_limit.value.clone(),
        threads: settings.threads.value,
        wait: settings.wait.value,
        temp_directory: settings.temp_dir.as_ref().map(|directory| directory.value.clone()),
    };
    // Opening may wait for another process.
    Ok(Arc::new(tokio::task::spawn_blocking(move || DuckDbWarehouse::open(&options)).await??))
}

/// The SQL of the settings.
fn library(settings: &Settings) -> anyhow::Result<SqlLibrary> {
    Ok(match &settings.sql_dir {
        Some(directory) => SqlLibrary::with_overrides(&directory.value)?,
        None => SqlLibrary::embedded()?,
    })
}

/// Prints named columns.
fn print_columns(format: Format, columns: Vec<(&str, ArrayRef)>) -> anyhow::Result<()> {
    print(format, &RecordSet::from_columns(columns)?)
}

/// A column of texts.
fn texts<T: AsRef<str>>(cells: impl IntoIterator<Item = T>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(cells))
}

/// A column of whole numbers.
fn integers(cells: impl IntoIterator<Item = i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(cells))
}

fn print(format: Format, records: &RecordSet) -> anyhow::Result<()> {
    sparkify_analytics::output::write(format, records, &mut crate::output::stdout())?;
    Ok(())
}
