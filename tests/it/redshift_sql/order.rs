//! What `sql` prints is what is sent, in that order.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use sparkify_etl::{
    Cancel, LoadKind, LoadOptions, Progress, RedshiftScript, ScriptConnection, ScriptOptions, ScriptPart,
    create_tables, load, placeholders, script, source::LocalDirectory,
};
use sparkify_schema::{Dialect, sql::SqlLibrary, statements};
use sparkify_testkit::{DataSet, Event, PostgresServer, Song};
use sparkify_warehouse::{
    Capabilities, Warehouse,
    duckdb::{DuckDbOptions, DuckDbWarehouse},
    postgres::{PostgresOptions, PostgresWarehouse},
    redshift::RedshiftWarehouse,
};

use crate::{interposed::Interposed, redshift::Stand};

type Log = Arc<Mutex<Vec<String>>>;

/// Whether a text may stand for a placeholder.
type Suits = fn(&str) -> bool;

/// A part of a printed statement that stands for a value which only a load knows: how it is printed, and whether
/// a text is such a value. Everything else is printed exactly as it is sent.
const PLACEHOLDERS: [(&str, Suits); 23] = [
    ("<run>", is_uuid),
    ("<id>", is_uuid),
    ("<load>", is_uuid),
    ("<database id>", is_uuid),
    ("<table>", |text| text.split_once("-sparkify_run_").is_some_and(|(number, _)| is_number(number))),
    ("<sha256>", |text| text.len() == 64 && text.chars().all(|c| c.is_ascii_hexdigit())),
    ("<source>", |text| text.starts_with('/')),
    ("<rows added>", is_number),
    ("<rows removed>", is_number),
    ("<rows>", is_number),
    ("<files loaded>", is_number),
    ("<records read>", is_number),
    ("<records staged>", is_number),
    ("<records rejected>", is_number),
    ("<records duplicate>", is_number),
    ("<matched songplays>", is_number),
    ("<query>", is_number),
    ("<lowest session>", is_number),
    ("<highest session>", is_number),
    ("<lowest play>", is_number),
    ("<highest play>", is_number),
    ("<lowest time>", is_number),
    ("<highest time>", is_number),
];

fn is_uuid(text: &str) -> bool {
    text.len() == 36 && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_digit())
}

/// Whether a statement that was sent is the printed one, with values in the places of the placeholders.
fn is_sent(printed: &str, sent: &str) -> bool {
    let first = PLACEHOLDERS
        .iter()
        .filter_map(|(name, is_value)| Some((printed.find(name)?, name, is_value)))
        .min_by_key(|(at, ..)| *at);
    let Some((at, name, is_value)) = first else { return printed == sent };
    let Some(sent) = sent.strip_prefix(&printed[..at]) else { return false };
    let behind = &printed[at + name.len()..];
    let ends = sent.char_indices().map(|(end, _)| end).chain([sent.len()]);
    ends.into_iter().any(|end| is_value(&sent[..end]) && is_sent(behind, &sent[end..]))
}

/// A statement of the script.
struct Scripted {
    connection: ScriptConnection,
    comment: String,
    sql: String,
    by_engine: bool,
}

fn scripted(dialect: Dialect, kind: LoadKind, redshift: &RedshiftScript) -> Vec<Scripted> {
    let options = ScriptOptions { load: load_options(), kind, redshift: redshift.clone() };
    let parts = script(&SqlLibrary::embedded().unwrap(), dialect, &options).unwrap();
    let statements = parts.into_iter().filter_map(|part| match part {
        ScriptPart::Statement { comment, sql, connection, by_engine } => {
            Some(Scripted { connection, comment, sql: adopted(dialect, &sql), by_engine })
        }
        ScriptPart::Note(_) => None,
    });
    statements.collect()
}

/// Changes the data before a load.
type Prepare = fn(&Steps);

/// The loads of the test, each with what `sql` calls it.
const LOADS: [(Prepare, LoadKind); 4] = [
    (Steps::first, LoadKind::First),
    (Steps::second, LoadKind::Changing),
    (Steps::third, LoadKind::Nightly),
    (Steps::fourth, LoadKind::Nightly),
];

fn load_options() -> LoadOptions {
    LoadOptions { max_errors: 9, ..LoadOptions::default() }
}

/// Where staging was empty, the batch takes its place, and the statements behind that name staging instead.
fn adopted(dialect: Dialect, sql: &str) -> String {
    if Capabilities::of(dialect).adopts_run_tables {
        sql.replace("sparkify_run_events", "staging_events").replace("sparkify_run_songs", "staging_songs")
    } else {
        sql.to_owned()
    }
}

/// Looks for the sent statements among those of the script with these indices, one behind the other, and
/// returns where they are.
fn positions(script: &[Scripted], among: &[usize], sent: &[String]) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut from = 0;
    for sql in sent {
        let next = among[from..].iter().position(|index| is_sent(&script[*index].sql, sql));
        let offset = next.unwrap_or_else(|| {
            panic!("this is not in the script behind statement {from}:\n{sql}\nin {sent:#?}")
        });
        found.insert(among[from + offset]);
        from += offset + 1;
    }
    found
}

/// The comments of the statements that were seen in some load, by the script of its kind.
type Seen = BTreeMap<String, bool>;

fn note_seen(seen: &mut Seen, script: &[Scripted], positions: &BTreeSet<usize>, engine: bool) {
    for (index, scripted) in script.iter().enumerate() {
        if scripted.by_engine && !engine {
            continue;
        }
        *seen.entry(scripted.comment.clone()).or_default() |= positions.contains(&index);
    }
}

/// Every statement of the script must have been sent in one of the loads.
fn assert_all_seen(seen: &Seen) {
    // These take a broken connection, other tables that are missing, or settings; other tests have them.
    let special = [
        "(when the connection broke",
        "(when there can be one)",
        "(when the table is there)",
        "(when the files of a source were copied",
    ];
    let missing: Vec<_> = seen
        .iter()
        .filter(|(comment, seen)| !**seen && !special.iter().any(|special| comment.contains(special)))
        .collect();
    assert!(missing.is_empty(), "{} in the script were not sent: {missing:#?}", missing.len());
}

/// Data that change in steps, so that four loads need every statement.
struct Steps(DataSet);

impl Steps {
    fn first(&self) {
        let play = |item| Event::play(1, item).user(8).song("One").artist("A").length(100.5);
        self.0.write_events("one.json", &[play(1), play(2)]);
        self.0.write_events("two.json", &[Event::play(2, 1).user(9)]);
        self.0.write_songs("one.json", &[Song::new("SO1", "AR1").title("One").artist("A").duration(100.5)]);
        self.0.write_songs("zero.json", &[Song::new("SO0", "AR0").title("Zero")]);
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

    /// A record is set aside when it is read.
    fn fourth(&self) {
        let good = Event::play(5, 1).user(9).line();
        self.0.write("log_data/broken.json", format!("{{\"broken\"\n{good}\n"));
    }

    /// Makes all files old enough for their times to be trusted, so that no load finds another time than the one before.
    fn age(&self) {
        for folder in ["log_data", "song_data"] {
            for entry in fs::read_dir(self.0.path().join(folder)).unwrap() {
                let file = fs::File::options().write(true).open(entry.unwrap().path()).unwrap();
                let modified = file.metadata().unwrap().modified().unwrap();
                if modified.elapsed().is_ok_and(|age| age < Duration::from_secs(500)) {
                    file.set_modified(SystemTime::now() - Duration::from_secs(5000)).unwrap();
                }
            }
        }
    }

    async fn load(&self, warehouse: &dyn Warehouse) {
        self.age();
        let source = Arc::new(LocalDirectory::new(self.0.path()));
        let options = load_options();
        let (library, progress) = (SqlLibrary::embedded().unwrap(), Arc::new(Progress::default()));
        load(warehouse, source, &library, &options, &progress, &Cancel::default()).await.unwrap();
    }
}

/// Creates the tables and loads four times, and compares what the pipeline sends.
async fn compare(engine: Arc<dyn Warehouse>) {
    let dialect = engine.dialect();
    let log = Log::default();
    let noted = Arc::clone(&log);
    let recorder = Interposed::new(engine, move |sql| {
        noted.lock().unwrap().push(sql.to_owned());
        None
    });
    let steps = Steps(DataSet::new());
    let mut seen = Seen::new();
    let mut note_run = |kind: LoadKind, creating: bool| {
        let script = scripted(dialect, kind, &RedshiftScript::default());
        let sent = std::mem::take(&mut *log.lock().unwrap());
        let sent: Vec<_> = sent.iter().map(|sql| adopted(dialect, sql)).collect();
        // The catalog is asked first by create-tables, then by each load.
        let columns = |scripted: &Scripted| scripted.comment.starts_with("columns: ");
        let begin = if creating { script.iter().position(columns) } else { script.iter().rposition(columns) };
        let among: Vec<_> = (begin.unwrap()..script.len()).collect();
        note_seen(&mut seen, &script, &positions(&script, &among, &sent), false);
    };
    create_tables(&recorder, &SqlLibrary::embedded().unwrap()).await.unwrap();
    create_tables(&recorder, &SqlLibrary::embedded().unwrap()).await.unwrap();
    note_run(LoadKind::First, true);
    for (prepare, kind) in LOADS {
        prepare(&steps);
        steps.load(&recorder).await;
        note_run(kind, false);
    }
    assert_all_seen(&seen);
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
    let mut options = stand.load_options().await;
    options.server.statement_timeout = Some(Duration::from_secs(60));
    options.query_group = Some("it's etl".to_owned());
    let staging = options.staging.as_ref().unwrap();
    let known = RedshiftScript {
        database: Some(options.server.database.clone()),
        statement_timeout: options.server.statement_timeout,
        query_group: options.query_group.clone(),
        wait: options.wait,
        stage: Some(format!("s3://{}/{}", staging.bucket, staging.prefix)),
        role: Some(staging.role.to_string()),
        region: Some(staging.region.clone()),
    };
    let open = async || {
        let warehouse = RedshiftWarehouse::open(&options).await.unwrap();
        create_tables(&warehouse, &SqlLibrary::embedded().unwrap()).await.unwrap();
        warehouse
    };
    let steps = Steps(DataSet::new());
    let (mut seen, mut received) = (Seen::new(), 0);
    let mut note_run = |kind: LoadKind, creating: bool| {
        let script = scripted(Dialect::Redshift, kind, &known);
        let statements = stand.redshift.statements();
        let mut sessions = BTreeMap::<i32, Vec<String>>::new();
        for statement in &statements[received..] {
            sessions.entry(statement.session).or_default().push(statement.sql().unwrap().to_owned());
        }
        received = statements.len();
        for sent in sessions.values() {
            let among = sequence(&script, role(sent, creating));
            note_seen(&mut seen, &script, &positions(&script, &among, sent), true);
        }
    };
    // Creates the tables. A warehouse of its own each time, so that a connection has one role.
    open().await.close().await.unwrap();
    note_run(LoadKind::First, true);
    for (prepare, kind) in LOADS {
        prepare(&steps);
        let warehouse = open().await;
        steps.load(&warehouse).await;
        warehouse.close().await.unwrap();
        note_run(kind, false);
    }
    assert_all_seen(&seen);
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
    let common = [statements::redshift::version(), rendered("columns"), rendered("owned_tables")];
    let belongs = |scripted: &Scripted| {
        [role, ScriptConnection::Each].contains(&scripted.connection) || common.contains(&scripted.sql)
    };
    (0..script.len()).filter(|index| belongs(&script[*index])).collect()
}

fn rendered(name: &str) -> String {
    let parameters = placeholders(&ScriptOptions::default());
    SqlLibrary::embedded().unwrap().render(name, Dialect::Redshift, parameters).unwrap()
}

#[test]
fn a_statement_is_the_printed_one_if_all_but_the_placeholders_is_the_same() {
    let printed = "INSERT INTO load_runs SELECT '<run>', '<source>', <records read>";
    let run = "01a23178-5073-7383-8db0-8e523e7bc624";
    assert!(is_sent(printed, &format!("INSERT INTO load_runs SELECT '{run}', '/data/it''s', 7")));
    for other in [
        format!("INSERT INTO load_runs SELECT '{run}', 'data', 7"),
        format!("INSERT INTO load_runs SELECT '{run}', '/data', 7 "),
        printed.replace("<run>", "x").replace("<source>", "/data").replace("<records read>", "7"),
        printed.to_owned(),
    ] {
        assert!(!is_sent(printed, &other), "{other}");
    }
    assert!(!is_sent("SET statement_timeout TO 0", "SET statement_timeout TO 2000"));
}
