//! `run` and `etl`.

use std::{io::Write, path::PathBuf, sync::Arc};

use anyhow::Context;
use sparkify_analytics::{Catalogue, output::Format};
#[cfg(feature = "s3")]
use sparkify_etl::source::S3Source;
use sparkify_etl::{
    Cancel, LoadOptions, Progress, RunReport, create_tables,
    source::{LocalDirectory, Source},
};
use sparkify_eventsim::Sample;
use sparkify_schema::{sql::SqlLibrary, statements};
use sparkify_warehouse::Warehouse;

use super::{explore, integers, texts};
use crate::{
    args::LoadArgs,
    config::{Settings, SourcePlaces},
    exit::{Committed, Stopped, UsageError},
    logging,
    progress::ProgressDisplay,
    stop::Stop,
};

/// The directory that gets the sample.
const SAMPLE: &str = "sparkify-sample";

/// `etl`.
pub(super) async fn etl(settings: &Settings, arguments: &LoadArgs) -> anyhow::Result<()> {
    let Some(source) = SourcePlaces::of(settings)? else {
        return Err(UsageError::with_hint(
            "there is no source: no --source was given, and there is no directory `data` here with log_data/ \
             or song_data/ in it",
            "name the directory that has log_data/ and song_data/ in it with --source DIR",
        )
        .into());
    };
    let warehouse = super::open_to_load(settings, true).await?;
    let library = super::library(settings)?;
    let report =
        load(settings, arguments, &library, warehouse.as_ref(), source, &mut Stop::listen()?).await?;
    let shown = async {
        warehouse.close().await?;
        match settings.format.value {
            Format::Json => print_line(&serde_json::to_string(&report)?),
            Format::Table => {
                print_summary(&report)?;
                writeln!(crate::output::stdout())?;
                print_tables(settings, &report)
            }
            Format::Csv => print_tables(settings, &report),
        }
    };
    after_commit(&report, shown.await)
}

/// `run`.
pub(super) async fn run(settings: &Settings, arguments: &LoadArgs) -> anyhow::Result<()> {
    let library = super::library(settings)?;
    let catalogue = Catalogue::new(&library)?;
    let source = SourcePlaces::of(settings)?;
    let warehouse = super::open_to_load(settings, false).await?;
    let mut stop = Stop::listen()?;
    let cancel = Cancel::default();
    let prepare = super::again(settings, &cancel, async || {
        create_tables(warehouse.as_ref(), &library).await?;
        match &source {
            Some(source) => Ok(source.clone()),
            None => sample(settings, warehouse.as_ref()).await.map(SourcePlaces::below),
        }
    });
    let source = stop.during(warehouse.as_ref(), &cancel, prepare).await?;
    let report = load(settings, arguments, &library, warehouse.as_ref(), source, &mut stop).await?;
    let shown = show(settings, &catalogue, warehouse.as_ref(), &report, &mut stop).await;
    after_commit(&report, shown)
}

/// The report of a run, and the answers to all questions.
async fn show(
    settings: &Settings,
    catalogue: &Catalogue,
    warehouse: &dyn Warehouse,
    report: &RunReport,
    stop: &mut Stop,
) -> anyhow::Result<()> {
    let cancel = Cancel::default();
    match settings.format.value {
        Format::Json => {
            let answers = super::again(settings, &cancel, async || answers(catalogue, warehouse).await);
            let answers = stop.during(warehouse, &cancel, answers).await?;
            warehouse.close().await?;
            let report = serde_json::to_string(report)?;
            print_line(&format!("{},\"analytics\":{answers}}}", report.strip_suffix('}').unwrap_or(&report)))
        }
        Format::Table => {
            // The first of the answers says how many rows the tables have.
            print_summary(report)?;
            writeln!(crate::output::stdout())?;
            let work =
                explore::answer(settings, settings.format.value.into(), &cancel, catalogue, warehouse, &[]);
            stop.during(warehouse, &cancel, work).await?;
            Ok(warehouse.close().await?)
        }
        Format::Csv => {
            warehouse.close().await?;
            print_tables(settings, report)
        }
    }
}

/// Says that the load is there although what came after it failed.
fn after_commit(report: &RunReport, shown: anyhow::Result<()>) -> anyhow::Result<()> {
    shown.map_err(|error| {
        if report.files.loaded == 0 {
            return error;
        }
        let committed = Committed { run_id: report.run_id.clone() };
        if crate::output::is_unread(&error) {
            // Whoever closed it may not have read so far. Nothing can be done if standard error is closed too.
            let _ = writeln!(std::io::stderr(), "{committed}");
        }
        error.context(committed)
    })
}

async fn answers(catalogue: &Catalogue, warehouse: &dyn Warehouse) -> anyhow::Result<String> {
    let mut documents = Vec::new();
    for query in catalogue.queries() {
        let answer = catalogue.run(warehouse, &query.name).await?;
        documents.push((query.name.clone(), sparkify_analytics::output::to_json(&answer.records)?));
    }
    explore::object(&documents)
}

/// The sample, made unless it is there. It is for those who have no data: a forgotten --source must not
/// mix it with data that is there.
async fn sample(settings: &Settings, warehouse: &dyn Warehouse) -> anyhow::Result<PathBuf> {
    let sql = statements::count_files_outside(warehouse.dialect(), SAMPLE)?;
    let others = warehouse.query(&sql).await?.integer(0, 0).context("the loaded files cannot be counted")?;
    if others > 0 {
        let location = warehouse.location();
        return Err(UsageError::with_hint(
            format!("no source was given, and {location} holds other data than the sample"),
            "name the directory that has log_data/ and song_data/ in it with --source DIR; to try the sample, \
             name another database with --warehouse duckdb:FILE",
        )
        .into());
    }
    let directory = PathBuf::from(SAMPLE);
    match Sample::default().write(&directory) {
        Ok(written) => logging::notice(
            settings,
            &format!(
                "no source was given, so a sample was made in {SAMPLE}: {} events and {} songs",
                written.events, written.songs
            ),
        )?,
        // The sample is written in one piece, so what is there is whole.
        Err(sparkify_eventsim::Error::Exists { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(directory)
}

/// The source at those places. In S3 that may mean to log in.
#[cfg_attr(not(feature = "s3"), allow(clippy::unused_async, unused_variables))]
async fn open(settings: &Settings, places: SourcePlaces) -> sparkify_etl::Result<Arc<dyn Source>> {
    Ok(match places {
        SourcePlaces::Local(places) => Arc::new(LocalDirectory::from_places(places)),
        #[cfg(feature = "s3")]
        SourcePlaces::S3(places) => Arc::new(S3Source::connect(places, &settings.s3()).await?),
    })
}

async fn load(
    settings: &Settings,
    arguments: &LoadArgs,
    library: &SqlLibrary,
    warehouse: &dyn Warehouse,
    source: SourcePlaces,
    stop: &mut Stop,
) -> anyhow::Result<RunReport> {
    let options = LoadOptions {
        match_rule: settings.match_rule.value,
        max_errors: settings.max_errors.value,
        verify_content: arguments.verify_content,
        pack: settings.pack.value,
        retries: super::retries(settings),
    };
    let (progress, cancel) = (Arc::new(Progress::default()), Cancel::default());
    let display = ProgressDisplay::begin(settings, &progress);
    // Boxed: what it takes to log in at AWS is large.
    let work = Box::pin(async {
        let source = tokio::select! {
            source = open(settings, source) => source?,
            () = cancel.cancelled() => return Err(sparkify_etl::Error::Cancelled),
        };
        tracing::info!(source = %source.location(), warehouse = %warehouse.location(), "loading");
        sparkify_etl::load(warehouse, source, library, &options, &progress, &cancel).await
    });
    let result = stop.during(warehouse, &cancel, work).await;
    drop(display);
    match result {
        Ok(report) => {
            let (files, records) = (report.files.loaded, report.records.staged);
            tracing::info!(run_id = %report.run_id, files, records, elapsed_ms = report.elapsed_ms, "loaded");
            if report.records.rejected > 0 {
                tracing::warn!(
                    "{} set aside; the table load_errors has what and why",
                    counted(report.records.rejected, "bad record")
                );
            }
            Ok(report)
        }
        Err(sparkify_etl::Error::Cancelled) => Err(Stopped.into()),
        Err(error) => Err(error.into()),
    }
}

fn print_line(text: &str) -> anyhow::Result<()> {
    let mut stdout = crate::output::stdout();
    writeln!(stdout, "{text}")?;
    Ok(stdout.flush()?)
}

/// What was loaded, in a few lines.
fn print_summary(report: &RunReport) -> anyhow::Result<()> {
    let (files, records) = (&report.files, &report.records);
    let (source, warehouse) = (&report.source, &report.warehouse);
    let mut stdout = crate::output::stdout();
    if files.loaded == 0 {
        writeln!(
            stdout,
            "nothing new: {warehouse} already has all {} of {source}",
            counted(files.found, "file")
        )?;
    } else {
        let seconds = report.elapsed_ms as f64 / 1000.0;
        let found = counted(files.found, "file");
        write!(
            stdout,
            "loaded   {} of {found} from {source} into {warehouse} in {seconds:.1} s",
            files.loaded
        )?;
        match (files.skipped, files.changed) {
            (0, 0) => writeln!(stdout)?,
            (skipped, 0) => writeln!(stdout, "; {skipped} had been loaded before")?,
            (skipped, changed) => {
                writeln!(stdout, "; {skipped} had been loaded before, and {changed} had changed since")?;
            }
        }
        write!(
            stdout,
            "records  {} read = {} staged + {} set aside + {}",
            records.read,
            records.staged,
            records.rejected,
            counted(records.duplicate, "duplicate")
        )?;
        match records.replaced {
            0 => writeln!(stdout)?,
            replaced => writeln!(stdout, "; {replaced} of earlier runs replaced")?,
        }
    }
    if let (Some(plays), Some(rate)) = (report.tables.get("songplays"), report.match_rate) {
        writeln!(
            stdout,
            "matched  {} of {plays} plays ({:.2} %) by the rule {}",
            report.matched_songplays,
            rate * 100.0,
            report.match_rule.name()
        )?;
    }
    if !report.checks.is_empty() {
        writeln!(stdout, "checks   all {} hold", report.checks.len())?;
    }
    if records.rejected > 0 {
        writeln!(
            stdout,
            "warning  {} set aside; `sparkify-cli explore --query \"SELECT * FROM load_errors\"` shows what and why",
            counted(records.rejected, "bad record")
        )?;
    }
    Ok(())
}

/// The rows of each table.
fn print_tables(settings: &Settings, report: &RunReport) -> anyhow::Result<()> {
    super::print_columns(
        settings.format.value,
        vec![("table", texts(report.tables.keys())), ("rows", integers(report.tables.values().copied()))],
    )
}

/// A number with its noun.
fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}
