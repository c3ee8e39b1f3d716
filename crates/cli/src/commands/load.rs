//! `run` and `etl`.

use std::{io::Write, path::PathBuf, sync::Arc};

use sparkify_analytics::{Catalogue, output::Format};
use sparkify_etl::{Cancel, LoadOptions, Progress, RunReport, create_tables, source::LocalDirectory};
use sparkify_eventsim::Sample;
use sparkify_warehouse::{Access, Warehouse, duckdb::DuckDbWarehouse};

use super::explore;
use crate::{args::LoadArgs, config::Settings, exit::UsageError, progress::ProgressDisplay, stop::stoppable};

/// The directory that gets the sample.
const SAMPLE: &str = "sparkify-sample";

/// `etl`.
pub(super) async fn etl(settings: &Settings, arguments: &LoadArgs) -> anyhow::Result<()> {
    let source = match &settings.source {
        Some(source) => source.value.clone(),
        None => {
            return Err(UsageError::with_hint(
                "there is no source: no --source was given, and there is no directory `data` here",
                "name the directory that has log_data/ and song_data/ in it with --source DIR",
            )
            .into());
        }
    };
    let warehouse = super::open(settings, Access::ReadWrite).await?;
    let report = load(settings, arguments, &warehouse, source, false).await?;
    warehouse.close().await?;
    match settings.format.value {
        Format::Json => print_json(&serde_json::to_value(&report)?),
        Format::Table | Format::Csv => print_summary(settings, &report),
    }
}

/// `run`.
pub(super) async fn run(settings: &Settings, arguments: &LoadArgs) -> anyhow::Result<()> {
    let source = match &settings.source {
        Some(source) => source.value.clone(),
        None => sample()?,
    };
    let catalogue = Catalogue::new(&super::library(settings)?)?;
    let warehouse = super::open(settings, Access::ReadWrite).await?;
    let report = load(settings, arguments, &warehouse, source, true).await?;
    match settings.format.value {
        Format::Json => {
            let mut object = serde_json::to_value(&report)?;
            let answers = stoppable(&warehouse, &Cancel::default(), answers(&catalogue, &warehouse)).await?;
            if let Some(object) = object.as_object_mut() {
                object.insert("analytics".to_owned(), answers);
            }
            warehouse.close().await?;
            print_json(&object)
        }
        format => {
            print_summary(settings, &report)?;
            if format == Format::Table {
                writeln!(std::io::stdout())?;
                let work = explore::answer(&catalogue, &warehouse, &[], format);
                stoppable(&warehouse, &Cancel::default(), work).await?;
            }
            warehouse.close().await?;
            Ok(())
        }
    }
}

async fn answers(catalogue: &Catalogue, warehouse: &dyn Warehouse) -> anyhow::Result<serde_json::Value> {
    let mut object = serde_json::Map::new();
    for query in catalogue.queries() {
        let answer = catalogue.run(warehouse, &query.name).await?;
        object.insert(query.name.clone(), sparkify_analytics::output::to_json_value(&answer.records)?);
    }
    Ok(serde_json::Value::Object(object))
}

/// The sample, made unless it is there.
fn sample() -> anyhow::Result<PathBuf> {
    let directory = PathBuf::from(SAMPLE);
    match Sample::default().write(&directory) {
        Ok(written) => {
            let message = format!(
                "no source was given, so a sample was made in {SAMPLE}: {} events and {} songs\n",
                written.events, written.songs
            );
            std::io::stderr().write_all(message.as_bytes())?;
        }
        // The sample is written in one piece, so what is there is whole.
        Err(sparkify_eventsim::Error::Exists { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(directory)
}

async fn load(
    settings: &Settings,
    arguments: &LoadArgs,
    warehouse: &DuckDbWarehouse,
    source: PathBuf,
    create: bool,
) -> anyhow::Result<RunReport> {
    let library = super::library(settings)?;
    let options = LoadOptions {
        match_rule: settings.match_rule.value,
        max_errors: settings.max_errors.value,
        verify_content: arguments.verify_content,
    };
    let (progress, cancel) = (Arc::new(Progress::default()), Cancel::default());
    let display = ProgressDisplay::begin(settings, &progress);
    let work = async {
        if create {
            create_tables(warehouse, &library).await?;
        }
        let source = Arc::new(LocalDirectory::new(source));
        sparkify_etl::load(warehouse, source, &library, &options, &progress, &cancel).await
    };
    let result = stoppable(warehouse, &cancel, work).await;
    drop(display);
    Ok(result?)
}

fn print_json(value: &serde_json::Value) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{value}")?;
    Ok(())
}

fn print_summary(settings: &Settings, report: &RunReport) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout();
    if settings.format.value == Format::Table {
        let (files, records) = (&report.files, &report.records);
        let plays = report.tables.get("songplays").copied().unwrap_or_default();
        writeln!(
            stdout,
            "loaded   {} of {} files from {} into {} in {:.1} s ({} were loaded before)",
            files.loaded,
            files.found,
            report.source,
            report.warehouse,
            report.elapsed_ms as f64 / 1000.0,
            files.skipped
        )?;
        writeln!(
            stdout,
            "records  {} read = {} staged + {} set aside + {} duplicates",
            records.read, records.staged, records.rejected, records.duplicate
        )?;
        writeln!(
            stdout,
            "matched  {} of {plays} plays ({:.2} %) by the rule {}",
            report.matched_songplays,
            report.match_rate.unwrap_or_default() * 100.0,
            report.match_rule.name()
        )?;
        if !report.checks.is_empty() {
            writeln!(stdout, "checks   all {} hold", report.checks.len())?;
        }
        if records.rejected > 0 {
            writeln!(
                stdout,
                "warning  {} records were set aside; see `sparkify-cli explore --query \"SELECT * FROM load_errors\"`",
                records.rejected
            )?;
        }
        writeln!(stdout)?;
    }
    let rows: Vec<_> =
        report.tables.iter().map(|(name, rows)| vec![name.clone(), rows.to_string()]).collect();
    super::print_rows(settings.format.value, &["table", "rows"], &rows)
}
