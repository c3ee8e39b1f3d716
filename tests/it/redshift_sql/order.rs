//! What `sql` prints is what is sent, in that order.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use sparkify_etl::{
    Cancel, LoadOptions, Progress, ScriptConnection, ScriptPart, create_tables, load, placeholders, script,
    source::LocalDirectory,
};
use sparkify_schema::{Dialect, sql::SqlLibrary, statements};
use sparkify_testkit::{DataSet, Event, PostgresServer, Song};
use sparkify_warehouse::{
    BatchSource, LoadSession, RecordSet, Result, Warehouse,
    duckdb::{DuckDbOptions, DuckDbWarehouse},
    postgres::{PostgresOptions, PostgresWarehouse},
};

use crate::redshift::Stand;

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

/// A statement of the script, without its values.
struct Scripted {
    connection: ScriptConnection,
    comment: String,
    shape: String,
}

fn scripted(dialect: Dialect) -> Vec<Scripted> {
    let parts = script(&SqlLibrary::embedded().unwrap(), dialect, &LoadOptions::default()).unwrap();
    let statements = parts.into_iter().filter_map(|part| match part {
        ScriptPart::Statement { comment, sql, connection } => {
            Some(Scripted { connection, comment, shape: adopted(dialect, &shape(&sql)) })
        }
        ScriptPart::Note(_) => None,
    });
    statements.collect()
}

/// Where staging was empty, the batch takes its place, and the statements behind that name staging instead.
fn adopted(dialect: Dialect, shape: &str) -> String {
    if dialect.adopts_batch_as_staging() {
        shape.replace("batch_events", "staging_events").replace("batch_songs", "staging_songs")
    } else {
        shape.to_owned()
    }
}

/// Looks for the sent statements among those of the script with these indices, one behind the other, and
/// returns where they are.
fn positions(script: &[Scripted], among: &[usize], sent: &[String]) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut from = 0;
    for sql in sent {
        let next = among[from..].iter().position(|index| script[*index].shape == *sql);
        match next {
            Some(offset) => {
                found.insert(among[from + offset]);
                from += offset + 1;
            }
            // For each of several files the same is sent.
            None => assert!(
                from > 0 && script[among[from - 1]].shape == *sql,
                "this is not in the script behind statement {from}:\n{sql}\nin {sent:#?}"
            ),
        }
    }
    found
}

/// Every statement of the script must have been sent.
fn assert_all_seen(script: &[Scripted], seen: &BTreeSet<usize>) {
    // These take a broken connection, other tables that are missing, or settings; other tests have them.
    let special = [
        "(when the connection broke",
        "(when there can be one)",
        "(when a timeout",
        "(when a query group",
        "(when the files of a source were copied",
    ];
    let missing: Vec<_> = script
        .iter()
        .enumerate()
        .filter(|(index, _)| !seen.contains(index))
        .filter(|(_, scripted)| !special.iter().any(|special| scripted.comment.contains(special)))
        .map(|(_, scripted)| format!("{}:\n{}", scripted.comment, scripted.shape))
        .collect();
    assert!(missing.is_empty(), "{} in the script were not sent: {missing:#?}", missing.len());
}

/// Data that change in steps, so that three loads need every statement.
struct Steps(DataSet);

impl Steps {
    fn first(&self) {
        let play = |item| Event::play(1, item).user(8).song("One").artist("A").length(100.5);
        self.0.write_events("one.json", &[play(1), play(2)]);
        self.0.write_events("two.json", &[Event::play(2, 1).user(9)]);
        self.0.write_songs("one.json", &[Song::new("SO1", "AR1").title("One").artist("A").duration(100.5)]);
    }

    /// A file is touched, others are changed, and songs and events come again.
    fn second(&self) {
        let play = |item| Event::play(1, item).user(8).song("One").artist("A").length(100.5);
        let two = self.0.path().join("log_data/two.json");
        let file = fs::File::options().write(true).open(two).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(1000)).unwrap();
        self.0.write_events("one.json", &[play(1), play(2), play(3)]);
        self.0.write_events("three.json", &[Event::play(2, 1).user(9), Event::play(3, 1).user(9)]);
        let again = Song::new("SO1", "AR1").title("One").artist("A").duration(100.5);
        self.0.write_songs("one.json", &[again.clone(), Song::new("SO2", "AR2").title("Two")]);
        self.0.write_songs("two.json", &[again]);
    }

    /// Two events contradict each other, and a staged one.
    fn third(&self) {
        self.0.write_events("four.json", &[Event::play(4, 1).user(9), Event::play(4, 1).user(8)]);
        self.0.write_events("five.json", &[Event::play(3, 1).user(8)]);
    }

    async fn load(&self, warehouse: &dyn Warehouse) {
        let source = Arc::new(LocalDirectory::new(self.0.path()));
        let options = LoadOptions { max_errors: 9, ..LoadOptions::default() };
        let (library, progress) = (SqlLibrary::embedded().unwrap(), Arc::new(Progress::default()));
        load(warehouse, source, &library, &options, &progress, &Cancel::default()).await.unwrap();
    }
}

/// Creates the tables and loads three times, and compares what the pipeline sends.
async fn compare(engine: Arc<dyn Warehouse>) {
    let script = scripted(engine.dialect());
    let recorder = Recorder { engine, log: Log::default() };
    let steps = Steps(DataSet::new());
    let mut seen = BTreeSet::new();
    // The catalog is asked first by create-tables, then by each load.
    let load_begins = script.iter().rposition(|scripted| scripted.shape == script[0].shape).unwrap();
    let mut note_run = |from: usize| {
        let sent = std::mem::take(&mut *recorder.log.lock().unwrap());
        let sent: Vec<_> = sent.iter().map(|shape| adopted(recorder.engine.dialect(), shape)).collect();
        let among: Vec<_> = (from..script.len()).collect();
        seen.extend(positions(&script, &among, &sent));
    };
    create_tables(&recorder, &SqlLibrary::embedded().unwrap()).await.unwrap();
    note_run(0);
    for prepare in [Steps::first, Steps::second, Steps::third] {
        prepare(&steps);
        steps.load(&recorder).await;
        note_run(load_begins);
    }
    assert_all_seen(&script, &seen);
}

#[tokio::test]
async fn duckdb_gets_what_sql_prints_for_it_in_that_order() {
    compare(Arc::new(DuckDbWarehouse::open(&DuckDbOptions::in_memory()).unwrap())).await;
}

#[tokio::test]
async fn postgres_gets_what_sql_prints_for_it_in_that_order() {
    let database = PostgresServer::shared().create_database();
    let mut options = PostgresOptions::from_url(&database.url(), &|_| None).unwrap();
    options.connections = 2;
    compare(Arc::new(PostgresWarehouse::open(&options).await.unwrap())).await;
}

/// On Redshift the whole wire is compared: what the double got, connection by connection.
#[tokio::test(flavor = "multi_thread")]
async fn redshift_gets_what_sql_prints_for_it_in_that_order() {
    let stand = Stand::new();
    let script = scripted(Dialect::Redshift);
    let steps = Steps(DataSet::new());
    let (mut seen, mut received) = (BTreeSet::new(), 0);
    let mut note_run = |creating: bool| {
        let statements = stand.redshift.statements();
        let mut sessions = BTreeMap::<i32, Vec<String>>::new();
        for statement in &statements[received..] {
            sessions.entry(statement.session).or_default().push(shape(statement.sql().unwrap()));
        }
        received = statements.len();
        for sent in sessions.values() {
            let among = sequence(&script, role(sent, creating));
            seen.extend(positions(&script, &among, sent));
        }
    };
    // Creates the tables. A warehouse of its own each time, so that a connection has one role.
    stand.prepared().await.close().await.unwrap();
    note_run(true);
    for prepare in [Steps::first, Steps::second, Steps::third] {
        prepare(&steps);
        let warehouse = stand.prepared().await;
        steps.load(warehouse.as_ref()).await;
        warehouse.close().await.unwrap();
        note_run(false);
    }
    assert_all_seen(&script, &seen);
}

/// What a connection was for.
fn role(sent: &[String], creating: bool) -> ScriptConnection {
    let has = |beginning: &str| sent.iter().any(|sql| sql.contains(beginning));
    if !creating && has("LOCK load_lock") {
        ScriptConnection::Lock
    } else if has("sys_load_history") {
        ScriptConnection::Copy
    } else {
        ScriptConnection::Load
    }
}

/// The indices of the statements of a connection, and of those that any connection may get first.
fn sequence(script: &[Scripted], role: ScriptConnection) -> Vec<usize> {
    let common = [shape(&statements::redshift::version()), columns_shape()];
    let belongs = |scripted: &Scripted| {
        [role, ScriptConnection::Each].contains(&scripted.connection) || common.contains(&scripted.shape)
    };
    (0..script.len()).filter(|index| belongs(&script[*index])).collect()
}

fn columns_shape() -> String {
    let parameters = placeholders(&LoadOptions::default());
    shape(&SqlLibrary::embedded().unwrap().render("columns", Dialect::Redshift, parameters).unwrap())
}

#[test]
fn the_shape_of_a_statement_is_what_is_the_same_for_all_values() {
    assert_eq!(shape("UPDATE t SET x2 = 17 WHERE p = 'it''s'"), "UPDATE t SET x2 = 0 WHERE p = '…'");
    assert_ne!(shape("SELECT a FROM t"), shape("SELECT b FROM t"));
}
