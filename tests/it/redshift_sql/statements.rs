//! The statements.

use std::{collections::HashSet, time::Duration};

use sparkify_etl::{
    LoadOptions, MatchRule, RedshiftScript, ScriptConnection, ScriptOptions, ScriptPart, creation,
    placeholders, script,
};
use sparkify_schema::{
    Dialect, ddl,
    model::{RunTables, tables_of},
    sql::{Folder, SqlLibrary, Value, context},
    statements,
};
use sparkify_warehouse::Capabilities;

/// A statement, and which one it is.
#[derive(Debug, Clone)]
pub(super) struct Named {
    pub(super) name: String,
    pub(super) sql: String,
}

/// A text with everything that quoting has to see to.
const ODD: &str = "/data/o'brien \\ \"x\"\n\n{{ y }} ?$1 -- é";

fn named(name: impl Into<String>, sql: impl Into<String>) -> Named {
    Named { name: name.into(), sql: sql.into() }
}

/// Every statement, each text once.
pub(super) fn all() -> Vec<Named> {
    let mut statements = definitions();
    statements.extend(files());
    statements.extend(lines());
    statements.extend(backend_lines());
    for (index, sql) in load_in_order().into_iter().enumerate() {
        statements.push(named(format!("statement {index} of a load"), sql));
    }
    let mut seen = HashSet::new();
    statements.retain(|named| seen.insert(named.sql.clone()));
    statements
}

/// What `sql --dialect redshift` prints.
pub(super) fn load_in_order() -> Vec<String> {
    scripted().into_iter().map(|(_, sql)| sql).collect()
}

/// What it prints for one of the connections.
pub(super) fn load_on(connection: ScriptConnection) -> Vec<String> {
    scripted().into_iter().filter(|(place, _)| *place == connection).map(|(_, sql)| sql).collect()
}

fn scripted() -> Vec<(ScriptConnection, String)> {
    let library = SqlLibrary::embedded().unwrap();
    let options = ScriptOptions {
        redshift: RedshiftScript {
            statement_timeout: Some(Duration::from_secs(60)),
            query_group: Some(ODD.to_owned()),
            ..RedshiftScript::default()
        },
        ..ScriptOptions::default()
    };
    let parts = script(&library, Dialect::Redshift, &options).unwrap();
    let statements = parts.into_iter().filter_map(|part| match part {
        ScriptPart::Statement { connection, sql, .. } => Some((connection, filled_in(&sql))),
        ScriptPart::Note(_) => None,
    });
    statements.collect()
}

/// Placeholders of numbers.
const NUMBERS: [&str; 17] = [
    "<files loaded>",
    "<matched songplays>",
    "<rows added>",
    "<rows removed>",
    "<rows>",
    "<lowest session>",
    "<highest session>",
    "<lowest play>",
    "<highest play>",
    "<lowest time>",
    "<highest time>",
    "<records read>",
    "<records staged>",
    "<records rejected>",
    "<records duplicate>",
    "<query>",
    "<session>",
];

/// Placeholders are no values that the rules would take.
fn filled_in(sql: &str) -> String {
    let mut sql =
        sql.replace("<role>", "arn:aws:iam::123456789012:role/sparkify").replace("<region>", "us-west-2");
    for number in NUMBERS {
        sql = sql.replace(number, "0");
    }
    sql
}

fn definitions() -> Vec<Named> {
    let mut statements = Vec::new();
    for sql in creation(Dialect::Redshift).unwrap() {
        statements.push(named("create-tables", sql));
    }
    for table in tables_of(Dialect::Redshift) {
        statements.push(named("drop", ddl::drop_table(table.name, Dialect::Redshift).unwrap()));
    }
    for table in RunTables::all() {
        let create = ddl::create_private_table(&table, Dialect::Redshift).unwrap();
        statements.push(named(format!("create {}", table.name), create));
        statements.push(named(
            format!("drop {}", table.name),
            ddl::drop_table(table.name, Dialect::Redshift).unwrap(),
        ));
    }
    statements
}

/// The parameters of a load in every combination that changes a statement.
fn parameters() -> Vec<Value> {
    let mut parameters = Vec::new();
    for match_rule in [MatchRule::Exact, MatchRule::TitleArtist] {
        let load = LoadOptions { match_rule, ..LoadOptions::default() };
        let known = placeholders(&ScriptOptions { load, ..ScriptOptions::default() });
        let text = context! {
            region => "us-west-2", since => "2018-11-30 12:00:00", source => ODD, run_id => ODD, ..known
        };
        for changed in [false, true] {
            for (role, compression) in
                [("arn:aws:iam::123456789012:role/sparkify", "GZIP"), ("default", "ZSTD"), ("default", "")]
            {
                parameters.push(context! {
                    changed_events => changed, changed_songs => changed, touches_songs => changed, role,
                    compression, ..text.clone()
                });
            }
        }
        // A first load, and one by another rule.
        let whole = context! { touched => false, sessions => (), plays => (), times => (), ..text };
        let (events, songs) = ("staging_events", "staging_songs");
        parameters.push(context! { first => true, events, songs, ..whole.clone() });
        parameters.push(context! { rematch_all => true, ..whole });
    }
    // A COPY by its number, and one whose number is not known.
    for query_id in [0, 101] {
        parameters.push(context! { query_id, ..parameters[0].clone() });
    }
    parameters
}

/// The files of `sql/`.
fn files() -> Vec<Named> {
    let library = SqlLibrary::embedded().unwrap();
    let mut statements = Vec::new();
    for folder in Folder::ALL.into_iter().filter(|folder| *folder != Folder::Parts) {
        for file in library.folder(folder) {
            for parameters in parameters() {
                let sql = filled_in(&library.render(&file.name, Dialect::Redshift, parameters).unwrap());
                statements.push(named(&file.name, sql));
            }
        }
    }
    statements
}

/// The statements of a line. Another test demands that each function is here.
fn lines() -> Vec<Named> {
    let library = SqlLibrary::embedded().unwrap();
    let keys = library.render("conflicting_keys", Dialect::Redshift, parameters().remove(0)).unwrap();
    let own = |run| statements::own_tables(Dialect::Redshift, &["users", "songs"], run).unwrap();
    vec![
        named("count_rows", statements::count_rows("songplays")),
        named("loaded_files", statements::loaded_files()),
        named("count_runs", statements::count_runs(Dialect::Redshift, ODD).unwrap()),
        named("count_files_outside", statements::count_files_outside(Dialect::Redshift, ODD).unwrap()),
        named("first_rows", statements::first_rows(&keys, 20)),
        named("any_row", statements::any_row("staging_events")),
        named("own_tables", own(None)),
        named("own_tables", own(Some(ODD))),
        named("disown_run_tables", statements::disown_run_tables()),
    ]
}

/// The statements of a line that the backend sends on its own behalf; each function is here as well.
fn backend_lines() -> Vec<Named> {
    use statements::redshift;
    let opening = redshift::open_session(Some(60_000), Some(ODD)).unwrap();
    let lock = redshift::take_lock(0, 60_000);
    let sequences = opening.into_iter().map(|sent| named("open_session", sent.sql));
    let sequences = sequences.chain(lock.into_iter().map(|sent| named("take_lock", sent.sql)));
    let lines = vec![
        named("namespace", redshift::namespace()),
        named("set_statement_timeout", redshift::set_statement_timeout(60_000)),
        named("set_lock_patience", redshift::set_lock_patience(0)),
        named("set_query_group", redshift::set_query_group(ODD).unwrap()),
        named("version", redshift::version()),
        named("session_id", redshift::session_id()),
        named("ping", redshift::ping()),
        named("cancel", redshift::cancel(17)),
        named("last_status", redshift::last_status(17)),
        named("begin", redshift::begin()),
        named("begin_read_only", redshift::begin_read_only()),
        named("commit", redshift::commit()),
        named("rollback", redshift::rollback()),
        named("lock_load", redshift::lock_load()),
        named("count_lock_columns", redshift::count_lock_columns()),
        named("database_id", redshift::database_id()),
        named("name_database", redshift::name_database(ODD).unwrap()),
        named("last_load", redshift::last_load()),
        named("isolation_level", redshift::isolation_level(ODD).unwrap()),
        named("count_slices", redshift::count_slices()),
        named("server_time", redshift::server_time()),
        named("last_copy", redshift::last_copy()),
        named("describe_table", redshift::describe_table("sparkify_run_events")),
        named("analyze", redshift::analyze("songplays")),
    ];
    lines.into_iter().chain(sequences).collect()
}

/// Functions of `statements` for other dialects only.
const NOT_FOR_REDSHIFT: [&str; 1] = ["adopt_run_table"];

#[test]
fn each_function_that_makes_a_statement_is_among_them() {
    let general = include_str!("../../../crates/schema/src/statements.rs");
    let backend = include_str!("../../../crates/schema/src/statements/redshift.rs");
    for (source, known, others) in
        [(general, lines(), &NOT_FOR_REDSHIFT[..]), (backend, backend_lines(), &[])]
    {
        let names: HashSet<_> = known.into_iter().map(|named| named.name).collect();
        let mut functions = 0;
        for line in source.lines() {
            let Some(rest) = line.strip_prefix("pub fn ") else { continue };
            let function = &rest[..rest.find(['(', '<']).unwrap()];
            assert!(names.contains(function) || others.contains(&function), "{function}");
            functions += 1;
        }
        assert_eq!(functions, names.len() + others.len());
    }
    assert!(!Capabilities::of(Dialect::Redshift).adopts_run_tables);
}
