//! `explore`.

use std::io::Write;

use anyhow::Context;
use sparkify_analytics::{
    Catalogue,
    output::{self, Format},
    statement,
};
use sparkify_etl::{Cancel, verify_tables};
use sparkify_warehouse::{Access, RecordSet, Warehouse};

use super::texts;
use crate::{args::ExploreArgs, config::Settings, exit::UsageError, stop::Stop};

pub(super) async fn run(settings: &Settings, arguments: &ExploreArgs) -> anyhow::Result<()> {
    let library = super::library(settings)?;
    let catalogue = Catalogue::new(&library)?;
    if arguments.list {
        let queries = catalogue.queries();
        return super::print_columns(
            settings.format.value,
            vec![
                ("name", texts(queries.iter().map(|query| &query.name))),
                ("question", texts(queries.iter().map(|query| &query.purpose))),
            ],
        );
    }
    let output = Output::of(settings, arguments)?;
    // Before the database is opened: a wrong name needs no database.
    for name in &arguments.names {
        catalogue.find(name)?;
    }
    if let Some(query) = &arguments.query {
        statement::ensure_read_only(query)?;
    }
    let warehouse = super::open_existing(settings, Access::ReadOnly).await?;
    let cancel = Cancel::default();
    let work = async {
        match &arguments.query {
            Some(query) => {
                let records =
                    super::again(settings, &cancel, async || Ok(warehouse.query(query).await?)).await?;
                output.begin()?;
                output.write(&records)
            }
            None => {
                let result =
                    answer(settings, output, &cancel, &catalogue, warehouse.as_ref(), &arguments.names).await;
                if matches!(&result, Err(error) if is_refused(error)) {
                    // Most likely since there are no tables, which says more than the engine's error.
                    verify_tables(warehouse.as_ref(), &library).await?;
                }
                result
            }
        }
    };
    Stop::listen()?.during(warehouse.as_ref(), &cancel, work).await
}

/// Whether the engine refused the statement of a question.
fn is_refused(error: &anyhow::Error) -> bool {
    error
        .chain()
        .any(|cause| matches!(cause.downcast_ref(), Some(sparkify_warehouse::Error::Statement { .. })))
}

/// How answers are written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output {
    format: Format,
    for_spreadsheets: bool,
}

impl Output {
    fn of(settings: &Settings, arguments: &ExploreArgs) -> anyhow::Result<Self> {
        if !arguments.csv_safe {
            return Ok(Self::from(settings.format.value));
        }
        if settings.format.value == Format::Json {
            return Err(UsageError::with_hint(
                "--csv-safe is for CSV, and the format is json",
                "leave one of the two out",
            )
            .into());
        }
        Ok(Self { format: Format::Csv, for_spreadsheets: true })
    }

    fn begin(self) -> anyhow::Result<()> {
        let mark = if self.for_spreadsheets { output::BYTE_ORDER_MARK } else { "" };
        Ok(write!(crate::output::stdout(), "{mark}")?)
    }

    fn write(self, records: &RecordSet) -> anyhow::Result<()> {
        let mut stdout = crate::output::stdout();
        match self.for_spreadsheets {
            true => output::write_for_spreadsheets(records, &mut stdout)?,
            false => output::write(self.format, records, &mut stdout)?,
        }
        Ok(())
    }
}

impl From<Format> for Output {
    fn from(format: Format) -> Self {
        Self { format, for_spreadsheets: false }
    }
}

/// Prints the answers to the named questions, or to all.
pub(super) async fn answer(
    settings: &Settings,
    output: Output,
    cancel: &Cancel,
    catalogue: &Catalogue,
    warehouse: &dyn Warehouse,
    names: &[String],
) -> anyhow::Result<()> {
    let format = output.format;
    let names: Vec<_> = match names {
        [] => catalogue.queries().iter().map(|query| query.name.as_str()).collect(),
        names => names.iter().map(String::as_str).collect(),
    };
    let alone = names.len() == 1;
    let mut stdout = crate::output::stdout();
    output.begin()?;
    let mut objects = Vec::new();
    for (index, name) in names.into_iter().enumerate() {
        let answer = super::again(settings, cancel, async || Ok(catalogue.run(warehouse, name).await?));
        let answer = answer.await.with_context(|| {
            format!("the question {name} cannot be answered from {}", warehouse.location())
        })?;
        match format {
            // Several answers are one object, so that standard output is one document.
            Format::Json if !alone => {
                objects.push((name.to_owned(), sparkify_analytics::output::to_json(&answer.records)?));
            }
            Format::Json | Format::Csv if alone => output.write(&answer.records)?,
            _ => {
                if index > 0 {
                    writeln!(stdout)?;
                }
                let mark = if format == Format::Csv { "# " } else { "" };
                writeln!(stdout, "{mark}{name}: {}", answer.purpose)?;
                output.write(&answer.records)?;
            }
        }
    }
    if !objects.is_empty() {
        writeln!(stdout, "{}", object(&objects)?)?;
    }
    Ok(())
}

/// One object of documents by their names. Read and written again, they might lose digits.
pub(super) fn object(documents: &[(String, String)]) -> anyhow::Result<String> {
    let members =
        documents.iter().map(|(name, document)| Ok(format!("{}:{document}", serde_json::to_string(name)?)));
    Ok(format!("{{{}}}", members.collect::<anyhow::Result<Vec<_>>>()?.join(",")))
}
