//! Templates to SQL: the functions that SQL files may call.

use std::sync::{Arc, OnceLock};

use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, Value};

use super::{Files, touched};
use crate::{
    Dialect,
    dialect::quote_literal,
    model::{Column, DataType, Range, Table, counted_tables, table},
};

/// The templates of some files for each dialect. Each template is compiled once, when it is first rendered.
#[derive(Debug)]
pub(super) struct Templates {
    files: Arc<Files>,
    environments: [OnceLock<Environment<'static>>; Dialect::ALL.len()],
}

impl Templates {
    pub(super) fn new(files: &Arc<Files>) -> Self {
        Self { files: Arc::clone(files), environments: Default::default() }
    }

    pub(super) fn render(&self, name: &str, dialect: Dialect, parameters: Value) -> Result<String, Error> {
        let text = self.environment(dialect).get_template(name)?.render(parameters)?;
        Ok(without_blank_lines(&text))
    }

    pub(super) fn environment(&self, dialect: Dialect) -> &Environment<'static> {
        self.environments[dialect as usize].get_or_init(|| {
            let mut environment = Environment::new();
            environment.set_undefined_behavior(UndefinedBehavior::Strict);
            let files = Arc::clone(&self.files);
            environment.set_loader(move |name| Ok(files.get(name).map(|file| file.text.clone())));
            add_functions(&mut environment, dialect);
            environment
        })
    }
}

/// Conditional lines leave blank ones behind; statements are read by people too. A literal keeps all its
/// lines: its quotes are even in number once it has ended.
fn without_blank_lines(text: &str) -> String {
    let mut open = false;
    let kept = text.split('\n').filter(|line| {
        let blank = !open && line.trim().is_empty();
        open ^= line.matches('\'').count() % 2 == 1;
        !blank
    });
    kept.collect::<Vec<_>>().join("\n")
}

fn add_functions(environment: &mut Environment<'_>, dialect: Dialect) {
    environment.add_function("columns", |name: &str, alias: Option<&str>| {
        each_column(name, ", ", |_, column| qualified(alias, column))
    });
    environment.add_function("compare_columns", |name: &str, alias: Option<&str>| {
        each_column(name, ", ", |data_type, column| comparable(data_type, &qualified(alias, column)))
    });
    environment.add_function("order_columns", move |name: &str, alias: Option<&str>| {
        each_column(name, ", ", |data_type, column| match data_type {
            DataType::Varchar { .. } => dialect.byte_order(&qualified(alias, column)),
            _ => qualified(alias, column),
        })
    });
    environment.add_function("same_row", |name: &str, left: &str, right: &str| {
        each_column(name, "\n        AND ", |data_type, column| {
            let [left, right] =
                [left, right].map(|alias| comparable(data_type, &qualified(Some(alias), column)));
            same(&left, &right)
        })
    });
    environment.add_function(
        "any_differs",
        move |name: &str, columns: Vec<String>, left: &str, right: &str| {
            let table = known(name)?;
            let mut parts = Vec::new();
            for column in &columns {
                let data_type = table
                    .column(column)
                    .ok_or_else(|| fault(format!("{name} has no column {column}")))?
                    .data_type;
                let [left, right] = [left, right].map(|alias| format!("{alias}.{column}"));
                let mut same = same(&left, &right);
                // Redshift's = ignores trailing blanks, so equal texts may still differ in length.
                if dialect == Dialect::Redshift && matches!(data_type, DataType::Varchar { .. }) {
                    same = format!(
                        "({same} AND COALESCE(OCTET_LENGTH({left}), 0) = COALESCE(OCTET_LENGTH({right}), 0))"
                    );
                }
                parts.push(format!("NOT {same}"));
            }
            Ok::<_, Error>(parts.join("\n    OR "))
        },
    );
    environment.add_function("any_required_missing", |name: &str, alias: &str| {
        let required = known(name)?.columns.iter().filter(|column| column.required);
        Ok::<_, Error>(
            required
                .map(|column| format!("{alias}.{} IS NULL", column.name))
                .collect::<Vec<_>>()
                .join(" OR "),
        )
    });
    environment.add_function("any_rule_broken", |name: &str| {
        let rules = known(name)?.columns.iter().flat_map(broken_rules);
        Ok::<_, Error>(rules.collect::<Vec<_>>().join("\n    OR "))
    });
    environment.add_function("text_columns", |name: &str| {
        columns_that(name, |data_type| matches!(data_type, DataType::Varchar { .. }))
    });
    environment
        .add_function("real_columns", |name: &str| columns_that(name, |kind| kind == DataType::Double));
    environment.add_function("trim", |text: &str| trim(text));
    environment.add_function("is_play", |alias: &str| {
        format!("{} = 'NextSong' AND {alias}.user_id IS NOT NULL", trim(&format!("{alias}.page")))
    });
    environment
        .add_function("timestamp", move |milliseconds: &str| dialect.timestamp_from_epoch_ms(milliseconds));
    environment.add_function("byte_order", move |text: &str| dialect.byte_order(text));
    environment.add_function("literal", move |text: &str| {
        quote_literal(dialect, text).map_err(|error| fault(error.to_string()))
    });
    environment.add_function("counted_tables", || {
        counted_tables().iter().map(|table| table.name).collect::<Vec<_>>()
    });
    touched::add_functions(environment);
    environment.add_function("columns_view", move || dialect.columns_view());
    environment.add_function("current_schema", move || dialect.current_schema());
    environment.add_function("now", move || dialect.current_timestamp());
}

pub(super) fn fault(message: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}

fn known(name: &str) -> Result<&'static Table, Error> {
    table(name).ok_or_else(|| fault(format!("there is no table {name}")))
}

fn each_column(
    name: &str,
    separator: &str,
    text: impl Fn(DataType, &str) -> String,
) -> Result<String, Error> {
    let columns = known(name)?.columns.iter();
    Ok(columns.map(|column| text(column.data_type, column.name)).collect::<Vec<_>>().join(separator))
}

fn columns_that(name: &str, has: impl Fn(DataType) -> bool) -> Result<Vec<&'static str>, Error> {
    let columns = known(name)?.columns.iter().filter(|column| has(column.data_type));
    Ok(columns.map(|column| column.name).collect())
}

/// Conditions that hold where a value breaks a rule of its column which its type does not see to: what
/// [`Column::required`] and [`Column::limits`] say, as the reader of records goes by it. The length of a text is
/// left to the type.
fn broken_rules(column: &Column) -> Vec<String> {
    let name = column.name;
    let missing = column.required.then(|| format!("{name} IS NULL"));
    let outside = match (column.range, column.limits()) {
        // A whole number is within its type. What is not finite differs from itself, one way or another.
        (Range::Any, Range::Real(..)) => Some(format!("NOT ({name} - {name} = 0)")),
        (Range::Any, _) | (_, Range::Any) => None,
        (_, Range::Whole(low, high)) => Some(format!("{name} NOT BETWEEN {low} AND {high}")),
        (_, Range::Real(low, high)) => Some(format!("{name} NOT BETWEEN {low} AND {high}")),
    };
    missing.into_iter().chain(outside).collect()
}

fn qualified(alias: Option<&str>, column: &str) -> String {
    alias.map_or_else(|| column.to_owned(), |alias| format!("{alias}.{column}"))
}

/// Redshift ignores trailing blanks when it compares; this makes the other engines do so too. The
/// blank is named, since DuckDB's one-argument form takes other kinds of space off as well.
fn trim(text: &str) -> String {
    format!("RTRIM({text}, ' ')")
}

fn comparable(data_type: DataType, text: &str) -> String {
    match data_type {
        DataType::Varchar { .. } => trim(text),
        _ => text.to_owned(),
    }
}

/// Equal, or both NULL; never NULL itself, so it can be negated. (`IS DISTINCT FROM` is not in Redshift.)
fn same(left: &str, right: &str) -> String {
    format!(
        "(({left} = {right} AND {left} IS NOT NULL AND {right} IS NOT NULL) OR ({left} IS NULL AND {right} IS NULL))"
    )
}
