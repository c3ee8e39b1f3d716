//! What restricts a statement to the rows that a run has touched.
//!
//! A load checks the keys that it added, changed or took out; everything else was checked by earlier loads.
//! `docs/ARCHITECTURE.md` says why that finds whatever the load could have broken. With `touched` false, a
//! statement is about whole tables.

use minijinja::{Environment, Error, State, Value};

use super::render::fault;

/// How the touched rows of a table are found.
struct Touched {
    table: &'static str,
    /// The run's table with the touched keys.
    keys: &'static str,
    /// Columns of the table, each with the column of the keys that it equals.
    columns: &'static [(&'static str, &'static str)],
    /// A column of the table with the parameter that bounds it: what an engine can prune by without a join.
    range: Option<(&'static str, &'static str)>,
}

const fn touched(
    table: &'static str,
    keys: &'static str,
    columns: &'static [(&'static str, &'static str)],
    range: Option<(&'static str, &'static str)>,
) -> Touched {
    Touched { table, keys, columns, range }
}

static TOUCHED: [Touched; 7] = [
    touched(
        "staging_events",
        "sparkify_run_touched_events",
        &[("session_id", "session_id"), ("item_in_session", "item_in_session")],
        Some(("session_id", "sessions")),
    ),
    touched(
        "songplays",
        "sparkify_run_touched_events",
        &[("songplay_id", "songplay_id")],
        Some(("songplay_id", "plays")),
    ),
    touched("users", "sparkify_run_touched_users", &[("user_id", "user_id")], None),
    touched("users_source", "sparkify_run_touched_users", &[("user_id", "user_id")], None),
    touched("songs", "sparkify_run_touched_songs", &[("song_id", "song_id")], None),
    touched("artists", "sparkify_run_touched_artists", &[("artist_id", "artist_id")], None),
    touched("time", "sparkify_run_touched_time", &[("time_id", "time_id")], Some(("time_id", "times"))),
];

pub(super) fn add_functions(environment: &mut Environment<'_>) {
    environment.add_function("and_between", |column: &str, range: Value| between(column, &range));
    environment.add_function("where_touched", |state: &State<'_, '_>, table: &str, alias: &str| {
        Ok::<_, Error>(
            condition(state, table, alias)?.map(|text| format!("WHERE {text}")).unwrap_or_default(),
        )
    });
    environment.add_function(
        "and_touched",
        |state: &State<'_, '_>, table: &str, alias: &str, or: Option<String>| {
            let condition = condition(state, table, alias)?;
            Ok::<_, Error>(match (condition, or.filter(|or| !or.is_empty())) {
                (None, _) => String::new(),
                (Some(text), None) => format!("\n  AND {text}"),
                (Some(text), Some(or)) => format!("\n  AND (({text})\n    OR {or})"),
            })
        },
    );
    // Whether a value is a touched key of a table, if the run may have changed what it refers to.
    environment.add_function("refers", |table: &str, value: &str, may_change: bool| {
        if !may_change {
            return Ok(String::new());
        }
        let touched = known(table)?;
        let key = if table == "time" { "start_time" } else { touched.columns[0].1 };
        Ok::<_, Error>(format!("{value} IN (SELECT {key} FROM {})", touched.keys))
    });
}

fn known(table: &str) -> Result<&'static Touched, Error> {
    TOUCHED
        .iter()
        .find(|touched| touched.table == table)
        .ok_or_else(|| fault(format!("the touched rows of {table} are not known")))
}

/// The condition that holds for touched rows; `None` where all rows are meant.
fn condition(state: &State<'_, '_>, table: &str, alias: &str) -> Result<Option<String>, Error> {
    if !state.lookup("touched").is_some_and(|touched| touched.is_true()) {
        return Ok(None);
    }
    let touched = known(table)?;
    let equal = |(column, key): &(&str, &str)| format!("r.{key} = {alias}.{column}");
    let keys = touched.columns.iter().map(equal).collect::<Vec<_>>().join(" AND ");
    let mut text = format!("EXISTS (SELECT 1 FROM {} r WHERE {keys})", touched.keys);
    if let Some((column, range)) = touched.range {
        text += &between(&format!("{alias}.{column}"), &state.lookup(range).unwrap_or_default())?;
    }
    Ok(Some(text))
}

/// ` AND column BETWEEN low AND high`; nothing without a range.
fn between(column: &str, range: &Value) -> Result<String, Error> {
    if !range.is_true() {
        return Ok(String::new());
    }
    Ok(format!(" AND {column} BETWEEN {} AND {}", range.get_attr("low")?, range.get_attr("high")?))
}
