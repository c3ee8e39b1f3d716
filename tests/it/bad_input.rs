//! Data that cannot be loaded: it is said what, where and why, and nothing changes; or it is set aside.

mod conflicts;
mod records;
mod set_aside;
mod source;

use std::path::Path;

use serde_json::Value;
use sparkify_testkit::{Cli, DataSet, Dump, Event, Finished, Song, dump, query};

use crate::cli;

/// Everything that a run may change.
#[derive(Debug, PartialEq)]
struct State {
    tables: Dump,
    ledger: Vec<Vec<Vec<String>>>,
}

/// A database into which good data has been loaded.
struct Loaded {
    cli: Cli,
    data: DataSet,
}

impl Loaded {
    /// The good data, not loaded yet.
    fn new() -> Self {
        let cli = cli();
        let data = DataSet::new();
        data.write_events(
            "2018/11/2018-11-01-events.json",
            &[Event::play(1, 0).user(8), Event::play(1, 1).user(8)],
        );
        data.write_events("2018/11/2018-11-02-events.json", &[Event::play(2, 0).user(9)]);
        data.write_songs("A/A/A/TRA.json", &[Song::new("SO1", "AR1")]);
        Self { cli, data }
    }

    fn load(self) -> Self {
        let report = self.cli.load(&self.data.path());
        assert_eq!(report["records"]["staged"], 4);
        self
    }

    fn run(&self, more: &[&str]) -> Finished {
        run(&self.cli, &self.data, more)
    }

    fn state(&self) -> State {
        state(&self.cli)
    }

    /// Another working directory with a copy of the database.
    fn copy(&self) -> Cli {
        let copy = cli();
        std::fs::copy(self.cli.database(), copy.database()).expect("a copied database");
        copy
    }
}

fn state(cli: &Cli) -> State {
    let database = cli.database();
    let ledger = [
        "SELECT * FROM loaded_files ORDER BY ALL",
        "SELECT * FROM load_runs ORDER BY ALL",
        "SELECT * FROM load_errors ORDER BY ALL",
        "SELECT table_name FROM information_schema.tables ORDER BY ALL",
    ];
    State { tables: dump(&database), ledger: ledger.map(|sql| query(&database, sql)).into() }
}

fn run(cli: &Cli, data: &DataSet, more: &[&str]) -> Finished {
    let path = data.path();
    let source = ["run", "--format", "json", "--source", path.to_str().expect("a UTF-8 path")];
    cli.run(source.iter().chain(more))
}

/// The error as the only thing on standard output.
#[track_caller]
fn error(finished: &Finished, code: i32) -> Value {
    let json = finished.clone().with_code(code).json();
    let keys: Vec<_> = json.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["error"]);
    assert_eq!(json["error"]["exit_code"], code);
    json["error"].clone()
}

/// The remedy must be there and say something.
#[track_caller]
fn assert_helps(stderr: &str, error: &Value, remedy: &str) {
    let hint = error["hint"].as_str().unwrap_or_default();
    assert!(hint.contains(remedy), "no {remedy:?} in the hint {hint:?}");
    assert!(stderr.contains(&format!("hint: {hint}\n")), "no hint in\n{stderr}");
    let message = error["message"].as_str().unwrap_or_default();
    assert!(stderr.contains(&format!("error: {message}\n")), "no {message:?} in\n{stderr}");
}

/// A bad record as it must be reported.
#[derive(Debug, Clone, PartialEq)]
struct Bad {
    line: u64,
    column: u64,
    field: Option<&'static str>,
    /// A part of the reason.
    reason: &'static str,
    /// A part of the remedy.
    remedy: &'static str,
    /// A part of the value shown.
    value: &'static str,
}

/// A file with bad records.
#[derive(Debug, Clone)]
struct Case {
    name: &'static str,
    file: &'static str,
    bytes: Vec<u8>,
    /// By line.
    bad: Vec<Bad>,
    good: u64,
}

impl Case {
    /// Checks the report of a run that failed because of this file.
    #[track_caller]
    fn assert_reported(&self, finished: &Finished, path: &Path) {
        let (name, path) = (self.name, path.display().to_string());
        let error = error(finished, 3);
        let (noun, count) = (if self.bad.len() == 1 { "record" } else { "records" }, self.bad.len());
        let message = error["message"].as_str().expect("a message");
        assert!(message.starts_with(&format!("{count} bad {noun}")), "{name}: {message}");
        assert!(message.ends_with("nothing was loaded"), "{name}: {message}");
        assert_helps(&finished.stderr, &error, &format!("--max-errors {count}"));
        let records = error["records"].as_array().expect("an array");
        assert_eq!(records.len(), count, "{name}: {records:#?}");
        for (bad, record) in self.bad.iter().zip(records) {
            let text = |key: &str| record[key].as_str().unwrap_or_default().to_owned();
            assert_eq!(text("path"), path, "{name}");
            assert_eq!(
                (&record["line"], &record["column"]),
                (&bad.line.into(), &bad.column.into()),
                "{name}"
            );
            assert_eq!(record["field"].as_str(), bad.field, "{name}");
            for (key, part) in [("reason", bad.reason), ("remedy", bad.remedy), ("value", bad.value)] {
                assert!(text(key).contains(part), "{name}: no {part:?} in the {key} {:?}", text(key));
            }
            let field = bad.field.map_or_else(String::new, |field| format!("    field:  {field}\n"));
            let card = format!(
                "  {path}, line {}, column {}\n{field}    reason: {}\n    value:  {}\n    remedy: {}\n",
                bad.line,
                bad.column,
                text("reason"),
                text("value"),
                text("remedy")
            );
            assert!(finished.stderr.contains(&card), "{name}: no\n{card}in\n{}", finished.stderr);
        }
        assert!(
            !finished.stderr.contains(|c: char| c.is_control() && c != '\n'),
            "{name}: {:?}",
            finished.stderr
        );
    }
}
