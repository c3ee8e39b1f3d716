//! `explore`.

use std::io::Write;

use anyhow::Context;
use sparkify_analytics::{
    Catalogue,
    output::{self, Format},
    statement,
};
use sparkify_etl::{Cancel, verify_tables};
use sparkify_warehouse::{Access, Warehouse};

use super::texts;
use crate::{args::ExploreArgs, config::Settings, stop::Stop};

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
                super::print(settings.format.value, &records)
            }
            None => {
                let result =
                    answer(settings, &cancel, &catalogue, warehouse.as_ref(), &arguments.names).await;
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

/// Prints the answers to the named questions, or to all.
pub(super) async fn answer(
    settings: &Settings,
    cancel: &Cancel,
    catalogue: &Catalogue,
    warehouse: &dyn Warehouse,
    names: &[String],
) -> anyhow::Result<()> {
    let format = settings.format.value;
    let names: Vec<_> = match names {
        [] => catalogue.queries().iter().map(|query| query.name.as_str()).collect(),
        names => names.iter().map(String::as_str).collect(),
    };
    let alone = names.len() == 1;
    let mut stdout = crate::output::stdout();
    let mut object = serde_json::Map::new();
    for (index, name) in names.into_iter().enumerate() {
        let answer = super::again(settings, cancel, async || Ok(catalogue.run(warehouse, name).await?));
        let answer = answer.await.with_context(|| {
            format!("the question {name} cannot be answered from {}", warehouse.location())
        })?;
        match format {
            // Several answers are one object, so that standard output is one document.
            Format::Json if !alone => {
                object.insert(name.to_owned(), output::to_json_value(&answer.records)?);
            }
            Format::Json | Format::Csv if alone => output::write(format, &answer.records, &mut stdout)?,
            _ => {
                if index > 0 {
                    writeln!(stdout)?;
                }
                let mark = if format == Format::Csv { "# " } else { "" };
                writeln!(stdout, "{mark}{name}: {}", answer.purpose)?;
                output::write(format, &answer.records, &mut stdout)?;
            }
        }
    }
    if !object.is_empty() {
        writeln!(stdout, "{}", serde_json::Value::Object(object))?;
    }
    Ok(())
}
