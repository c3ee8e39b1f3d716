//! What `sql` prints is what is sent, in that order.

use std::{
    collections::BTreeSet,
    fs,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use sparkify_etl::{
    Cancel, LoadOptions, MatchRule, Progress, ScriptPart, create_tables, load, script, source::LocalDirectory,
};
use sparkify_schema::{Dialect, sql::SqlLibrary, statements};
use sparkify_testkit::{DataSet, Event, PostgresServer, Song};
use sparkify_warehouse::{
    BatchSource, LoadSession, RecordSet, Result, Warehouse,
    duckdb::{DuckDbOptions, DuckDbWarehouse},
    postgres::{PostgresOptions, PostgresWarehouse},
};

type Log = Arc<Mutex<Vec<String>>>;

/// An engine that notes what it is asked to do.
#[derive(Debug)]
struct Recorder {
    engine: Arc<dyn Warehouse>,
    log: Log,
}

struct RecordedSession {
    session: Box<dyn LoadSession>,
    log: Log,
}

fn note(log: &Log, sql: &str) {
    log.lock().unwrap().push(shape(sql));
}

fn note_transaction(log: &Log, statements: &[String]) {
    note(log, "BEGIN");
    statements.iter().for_each(|sql| note(log, sql));
    note(log, "COMMIT");
}

#[async_trait]
impl Warehouse for Recorder {
    fn dialect(&self) -> Dialect {
        self.engine.dialect()
    }

    fn location(&self) -> String {
        self.engine.location()
    }

    async fn query(&self, sql: &str) -> Result<RecordSet> {
        note(&self.log, sql);
        self.engine.query(sql).await
    }

    async fn transact(&self, statements: Vec<String>) -> Result<()> {
        note_transaction(&self.log, &statements);
        self.engine.transact(statements).await
    }

    async fn begin_load(&self) -> Result<Box<dyn LoadSession>> {
        let session = self.engine.begin_load().await?;
        Ok(Box::new(RecordedSession { session, log: Arc::clone(&self.log) }))
    }

    fn interrupt(&self) {
        self.engine.interrupt();
    }

    async fn close(&self) -> Result<()> {
        self.engine.close().await
    }
}

#[async_trait]
impl LoadSession for RecordedSession {
    async fn execute(&mut self, sql: &str) -> Result<u64> {
        note(&self.log, sql);
        self.session.execute(sql).await
    }

    async fn query(&mut self, sql: &str) -> Result<RecordSet> {
        note(&self.log, sql);
        self.session.query(sql).await
    }

    async fn append(&mut self, table: &str, source: Arc<dyn BatchSource>) -> Result<u64> {
        self.session.append(table, source).await
    }

    async fn prepare(&mut self, statements: Vec<String>) -> Result<()> {
        note_transaction(&self.log, &statements);
        self.session.prepare(statements).await
    }

    async fn publish(&mut self) -> Result<()> {
        note(&self.log, "BEGIN");
        self.session.publish().await
    }

    async fn commit(self: Box<Self>) -> Result<()> {
        note(&self.log, "COMMIT");
        self.session.commit().await
    }

    async fn abort(self: Box<Self>, cleanup: Vec<String>) -> Result<()> {
        self.session.abort(cleanup).await
    }
}

/// A statement without its values, which a script has placeholders for: literals and numbers that stand
/// alone, and lists of keys.
fn shape(sql: &str) -> String {
    let mut shape = String::new();
    let mut rest = sql;
    while let Some(c) = rest.chars().next() {
        let before = shape.chars().last().unwrap_or(' ');
        let length = if c == '\'' {
            shape.push_str("'…'");
            literal(rest)
        } else if c.is_ascii_digit() && !before.is_alphanumeric() && before != '_' {
            shape.push('0');
            rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())
        } else {
            shape.push(c);
            c.len_utf8()
        };
        rest = &rest[length..];
    }
    let key = "(session_id = 0 AND item_in_session = 0)";
    while shape.contains(&format!("{key} OR {key}")) {
        shape = shape.replace(&format!("{key} OR {key}"), key);
    }
    shape
}

/// The length of the literal at the start.
fn literal(text: &str) -> usize {
    let mut end = 1;
    loop {
        end += text[end..].find('\'').unwrap() + 1;
        if !text[end..].starts_with('\'') {
            return end;
        }
        end += 1;
    }
}

fn scripted(dialect: Dialect, match_rule: MatchRule) -> Vec<String> {
    let options = LoadOptions { match_rule, ..LoadOptions::default() };
    let parts = script(&SqlLibrary::embedded().unwrap(), dialect, &options).unwrap();
    let statements = parts.into_iter().filter_map(|part| match part {
        ScriptPart::Statement { sql, .. } => Some(shape(&sql)),
        ScriptPart::Note(_) => None,
    });
    statements.collect()
}

/// Looks for the sent statements in the script, one behind the other, and returns where they are.
fn positions(script: &[String], sent: &[String]) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut from = 0;
    for sql in sent {
        // For each of several files the same is sent.
        let again = from > 0 && script[from - 1] == *sql;
        match script[from..].iter().position(|known| known == sql) {
            Some(offset) => {
                from += offset + 1;
                found.insert(from - 1);
            }
            None => assert!(again, "this is not in the script behind statement {from}:\n{sql}"),
        }
    }
    found
}

struct Runs {
    recorder: Recorder,
    data: DataSet,
    script: Vec<String>,
    /// The statements of the script that were sent.
    seen: BTreeSet<usize>,
}

impl Runs {
    fn new(engine: Arc<dyn Warehouse>) -> Self {
        let script = scripted(engine.dialect(), MatchRule::Exact);
        let recorder = Recorder { engine, log: Log::default() };
        Self { recorder, data: DataSet::new(), script, seen: BTreeSet::new() }
    }

    async fn create_tables(&mut self) {
        create_tables(&self.recorder, &SqlLibrary::embedded().unwrap()).await.unwrap();
        self.compare();
    }

    async fn load(&mut self, max_errors: u64) {
        let source = Arc::new(LocalDirectory::new(self.data.path()));
        let options = LoadOptions { max_errors, ..LoadOptions::default() };
        let (library, progress) = (SqlLibrary::embedded().unwrap(), Arc::new(Progress::default()));
        load(&self.recorder, source, &library, &options, &progress, &Cancel::default()).await.unwrap();
        self.compare();
    }

    fn compare(&mut self) {
        let sent = std::mem::take(&mut *self.recorder.log.lock().unwrap());
        // The catalog is asked by create-tables and by each load.
        let load = self.script.iter().rposition(|sql| *sql == self.script[0]).unwrap();
        let start = if sent.iter().any(|sql| sql.starts_with("CREATE TABLE IF")) { 0 } else { load };
        let positions = positions(&self.script[start..], &sent);
        self.seen.extend(positions.into_iter().map(|position| position + start));
    }

    /// Runs that need every statement at least once.
    async fn all(mut self) {
        self.create_tables().await;
        let play = |item| Event::play(1, item).user(8).song("One").artist("A").length(100.5);
        self.data.write_events("one.json", &[play(1), play(2)]);
        self.data.write_events("two.json", &[Event::play(2, 1).user(9)]);
        self.data
            .write_songs("one.json", &[Song::new("SO1", "AR1").title("One").artist("A").duration(100.5)]);
        self.load(0).await;

        // A file is touched, others are changed, and songs and events come again.
        let two = self.data.path().join("log_data/two.json");
        let file = fs::File::options().write(true).open(two).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(1000)).unwrap();
        self.data.write_events("one.json", &[play(1), play(2), play(3)]);
        self.data.write_events("three.json", &[Event::play(2, 1).user(9), Event::play(3, 1).user(9)]);
        let again = Song::new("SO1", "AR1").title("One").artist("A").duration(100.5);
        self.data.write_songs("one.json", &[again.clone(), Song::new("SO2", "AR2").title("Two")]);
        self.data.write_songs("two.json", &[again]);
        self.load(0).await;

        // Two events contradict each other, and a staged one.
        self.data.write_events("four.json", &[Event::play(4, 1).user(9), Event::play(4, 1).user(8)]);
        self.data.write_events("five.json", &[Event::play(3, 1).user(8)]);
        self.load(9).await;

        let missing: Vec<_> = (0..self.script.len())
            .filter(|position| !self.seen.contains(position))
            .map(|position| &self.script[position])
            // It takes a broken connection; `tests/it/postgres/` has a test of it.
            .filter(|sql| **sql != shape(&statements::count_runs(Dialect::Postgres, "run").unwrap()))
            .collect();
        assert!(missing.is_empty(), "{} is in the script and was not sent: {missing:#?}", missing.len());
    }
}

#[tokio::test]
async fn duckdb_gets_what_sql_prints_for_it_in_that_order() {
    Runs::new(Arc::new(DuckDbWarehouse::open(&DuckDbOptions::in_memory()).unwrap())).all().await;
}

#[tokio::test]
async fn postgres_gets_what_sql_prints_for_it_in_that_order() {
    let database = PostgresServer::shared().create_database();
    let mut options = PostgresOptions::from_url(&database.url(), &|_| None).unwrap();
    options.connections = 2;
    Runs::new(Arc::new(PostgresWarehouse::open(&options).await.unwrap())).all().await;
}

#[test]
fn the_shape_of_a_statement_is_what_is_the_same_for_all_values() {
    assert_eq!(shape("UPDATE t SET x2 = 17 WHERE p = 'it''s'"), "UPDATE t SET x2 = 0 WHERE p = '…'");
    assert_ne!(shape("SELECT a FROM t"), shape("SELECT b FROM t"));
}
