//! `sql`: what would run.

use std::io::Write;

use sparkify_etl::creation;
use sparkify_schema::{
    Dialect, ddl,
    model::{BatchTables, table, tables},
    sql::{Condition, Folder, SqlLibrary, Value, context, transform_steps},
};

use super::texts;
use crate::{args::SqlArgs, config::Settings, exit::UsageError};

pub(super) fn run(settings: &Settings, arguments: &SqlArgs) -> anyhow::Result<()> {
    let dialect: Dialect = arguments.dialect.parse()?;
    let library = super::library(settings)?;
    if arguments.list {
        return list(settings, &library);
    }
    let mut text = String::new();
    if arguments.names.is_empty() {
        everything(settings, &library, dialect, &mut text)?;
    }
    for name in &arguments.names {
        match table(name) {
            Some(table) => add(
                &mut text,
                &format!("table {name}: one row for {}", table.grain),
                &ddl::create_table(table, dialect)?,
            ),
            None if library.file(name).is_err() => return Err(unknown(name).into()),
            None => add_statement(settings, &library, dialect, name, "", &mut text)?,
        }
    }
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(())
}

/// The list of names is too long for an error.
fn unknown(name: &str) -> UsageError {
    UsageError::with_hint(
        format!("there is no table or statement named {name:?}"),
        "`sparkify-cli sql --list` lists the names",
    )
}

fn list(settings: &Settings, library: &SqlLibrary) -> anyhow::Result<()> {
    let mut rows: Vec<_> = tables()
        .into_iter()
        .map(|table| ("table", table.name, format!("one row for {}", table.grain)))
        .collect();
    for folder in [Folder::Transform, Folder::Quality, Folder::Analytics, Folder::Catalog] {
        rows.extend(
            library
                .folder(folder)
                .into_iter()
                .map(|file| (folder.name(), file.name.as_str(), file.purpose.clone())),
        );
    }
    super::print_columns(
        settings.format.value,
        vec![
            ("kind", texts(rows.iter().map(|(kind, _, _)| kind))),
            ("name", texts(rows.iter().map(|(_, name, _)| name))),
            ("purpose", texts(rows.iter().map(|(_, _, purpose)| purpose))),
        ],
    )
}

/// All that `create-tables` and a load run, in order.
fn everything(
    settings: &Settings,
    library: &SqlLibrary,
    dialect: Dialect,
    text: &mut String,
) -> anyhow::Result<()> {
    for statement in creation(dialect)? {
        add(text, "create-tables", &statement);
    }
    for table in BatchTables::all() {
        add(text, "private to the load", &ddl::drop_table(table.name, dialect)?);
        add(text, "private to the load", &ddl::create_private_table(&table, dialect)?);
    }
    text.push_str("-- here the files are read into batch_events and batch_songs,\n");
    text.push_str("-- and files that changed since they were loaded into batch_changed_events and batch_changed_songs\n\n");
    add(text, "from here on nothing is visible to others before the end", "BEGIN");
    for step in transform_steps() {
        let when = match step.condition {
            Condition::Always => "",
            Condition::ChangedFiles => " (when a file has changed since it was loaded)",
            Condition::RepeatedEvents => " (when an event came before)",
            Condition::RepeatedSongs => " (when a song came before)",
            Condition::Rematch => " (when earlier plays may match otherwise now)",
        };
        add_statement(settings, library, dialect, step.name, when, text)?;
    }
    for check in library.folder(Folder::Quality) {
        add_statement(settings, library, dialect, &check.name, " (0 if it holds)", text)?;
    }
    text.push_str("-- here loaded_files, load_errors and load_runs are written\n\n");
    for table in BatchTables::all() {
        add(text, "private to the load", &ddl::drop_table(table.name, dialect)?);
    }
    add(text, "all of it becomes visible at once", "COMMIT");
    Ok(())
}

fn add_statement(
    settings: &Settings,
    library: &SqlLibrary,
    dialect: Dialect,
    name: &str,
    when: &str,
    text: &mut String,
) -> anyhow::Result<()> {
    let statement = library.render(name, dialect, parameters(settings))?;
    add(text, &format!("{name}: {}{when}", library.file(name)?.purpose), &statement);
    Ok(())
}

fn parameters(settings: &Settings) -> Value {
    context! {
        batch_events => "batch_events",
        batch_songs => "batch_songs",
        match_rule => settings.match_rule.value.name(),
        rematch_all => false,
    }
}

fn add(text: &mut String, comment: &str, statement: &str) {
    text.push_str(&format!("-- {comment}\n{statement};\n\n"));
}
