//! `sql`: what would run.

use std::io::Write;

use sparkify_etl::{LoadOptions, RedshiftScript, ScriptOptions, ScriptPart, placeholders, script};
use sparkify_schema::{
    Dialect, ddl,
    model::{table, tables_of},
    sql::{Folder, SqlLibrary},
};

use sparkify_warehouse::Capabilities;
#[cfg(feature = "redshift")]
use sparkify_warehouse::redshift::RedshiftTarget;

use super::texts;
#[cfg(feature = "redshift")]
use crate::config::WarehouseUrl;
use crate::{
    args::SqlArgs,
    config::{Setting, Settings},
    exit::UsageError,
};

pub(super) fn run(settings: &Settings, arguments: &SqlArgs) -> anyhow::Result<()> {
    let dialect: Dialect = arguments.dialect.parse()?;
    let library = super::library(settings)?;
    if arguments.list {
        return list(settings, &library, dialect);
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
            None if !is_for(library.file(name)?.folder, dialect) => {
                return Err(UsageError::with_hint(
                    format!("{name} is for {} only", Dialect::Redshift),
                    format!("add --dialect {}", Dialect::Redshift),
                )
                .into());
            }
            None => add_statement(settings, &library, dialect, name, &mut text)?,
        }
    }
    crate::output::stdout().write_all(text.as_bytes())?;
    Ok(())
}

/// The list of names is too long for an error.
fn unknown(name: &str) -> UsageError {
    UsageError::with_hint(
        format!("there is no table or statement named {name:?}"),
        "`sparkify-cli sql --list` lists the names",
    )
}

/// Whether statements of the folder are sent in that dialect.
const fn is_for(folder: Folder, dialect: Dialect) -> bool {
    !matches!(folder, Folder::Load) || Capabilities::of(dialect).copies_from_objects
}

fn list(settings: &Settings, library: &SqlLibrary, dialect: Dialect) -> anyhow::Result<()> {
    let mut rows: Vec<_> = tables_of(dialect)
        .into_iter()
        .map(|table| ("table", table.name, format!("one row for {}", table.grain)))
        .collect();
    let folders =
        Folder::ALL.into_iter().filter(|folder| *folder != Folder::Parts && is_for(*folder, dialect));
    for folder in folders {
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
    for part in script(library, dialect, &options(settings))? {
        match part {
            ScriptPart::Statement { comment, sql, connection, .. } => {
                let place = connection.name().map(|name| format!("{name}: ")).unwrap_or_default();
                add(text, &format!("{place}{comment}"), &sql);
            }
            ScriptPart::Note(note) => text.push_str(&format!("-- {}\n\n", note.replace('\n', "\n-- "))),
        }
    }
    Ok(())
}

fn add_statement(
    settings: &Settings,
    library: &SqlLibrary,
    dialect: Dialect,
    name: &str,
    text: &mut String,
) -> anyhow::Result<()> {
    let statement = library.render(name, dialect, placeholders(&options(settings)))?;
    add(text, &format!("{name}: {}", library.file(name)?.purpose), &statement);
    Ok(())
}

fn options(settings: &Settings) -> ScriptOptions {
    let load = LoadOptions {
        match_rule: settings.match_rule.value,
        max_errors: settings.max_errors.value,
        ..LoadOptions::default()
    };
    ScriptOptions { load, redshift: redshift(settings), ..ScriptOptions::default() }
}

/// What the settings say of a load into Redshift. A deployment knows more, and would have to be asked.
fn redshift(settings: &Settings) -> RedshiftScript {
    let value = |setting: &Option<Setting<String>>| setting.as_ref().map(|setting| setting.value.clone());
    let mut found = RedshiftScript {
        wait: settings.wait.value,
        stage: value(&settings.stage),
        role: value(&settings.iam_role),
        region: [&settings.stage_region, &settings.s3_region, &settings.deployment.region]
            .into_iter()
            .find_map(value),
        ..RedshiftScript::default()
    };
    if found.stage.is_some() && found.region.is_none() {
        found.region = ["AWS_REGION", "AWS_DEFAULT_REGION"].iter().find_map(|name| std::env::var(name).ok());
    }
    #[cfg(feature = "redshift")]
    if let WarehouseUrl::Redshift(target) = &settings.warehouse.value
        && let RedshiftTarget::Server(options) = target.as_ref()
    {
        found.database = Some(options.server.database.clone());
        found.statement_timeout = options.server.statement_timeout;
        found.query_group.clone_from(&options.query_group);
    }
    found
}

fn add(text: &mut String, comment: &str, statement: &str) {
    text.push_str(&format!("-- {comment}\n{statement};\n\n"));
}
