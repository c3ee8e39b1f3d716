//! A connection that breaks at any statement of a load: without further attempts the load fails with a
//! clear error and nothing is half done, and the next load makes everything good; with them it succeeds.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use serde_json::json;
use sparkify_etl::{
    Cancel, Error, LoadOptions, Retries, RunReport, create_tables, load, source::LocalDirectory,
};
use sparkify_schema::{
    Dialect, ddl,
    model::{BatchTables, tables},
    sql::{SqlLibrary, context, transform_steps},
};
use sparkify_testkit::{Cut, DataSet, Event, PostgresDatabase, PostgresServer, Song, WireProxy, dump_of};
use sparkify_warehouse::{
    Error as EngineError, Warehouse,
    duckdb::{DuckDbOptions, DuckDbWarehouse},
    postgres::PostgresWarehouse,
};

use super::options;

/// Databases that are worked on at once.
const WORKERS: usize = 4;
/// Bad records in the data, all of which are set aside.
const MAX_ERRORS: u64 = 4;
/// When the files of the first delivery were written, epoch seconds.
const FIRST_TIME: u64 = 1_541_106_132;

/// The data as it is loaded first.
fn first_delivery() -> DataSet {
    let data = DataSet::new();
    let plays: Vec<_> = (0..6).map(|item| Event::play(1, item).user(item % 3 + 1)).collect();
    data.write_events("first.json", &plays);
    data.write_events("changing.json", &[Event::play(2, 0).user(1), Event::play(2, 1).user(9)]);
    data.write_events("touched.json", &[Event::play(3, 0)]);
    data.write_songs("first.json", &[Song::new("SO1", "AR1"), Song::new("SO2", "AR2").title("Other")]);
    data.write_songs("changing.json", &[Song::new("SO3", "AR3"), Song::new("SO4", "AR4").title("Gone")]);
    for name in
        ["log_data/first", "log_data/changing", "log_data/touched", "song_data/first", "song_data/changing"]
    {
        set_time(&data, name, FIRST_TIME);
    }
    data
}

/// Changes the data so that a load has to do everything that a load can do.
fn second_delivery(data: &DataSet) {
    // One event differs, one comes back, one is new.
    let changed = [Event::play(2, 0).user(2).level("paid"), Event::play(2, 1).user(9), Event::play(2, 2)];
    data.write_events("changing.json", &changed);
    data.write_songs("changing.json", &[Song::new("SO3", "AR5").title("Late"), Song::new("SO4", "AR4")]);
    // Delivered before, delivered twice, contradicting each other, and new.
    let mut events = vec![
        Event::play(1, 0).user(1),
        Event::play(4, 0).user(4).song("Late"),
        Event::play(4, 0).user(4).song("Late"),
        Event::play(5, 0).level("free"),
        Event::play(5, 0).level("paid"),
    ];
    events.extend(
        (1..200).map(|item| {
            Event::play(6, item).user(item % 7 + 1).page(["NextSong", "Home"][item as usize % 2])
        }),
    );
    data.write_events("second.json", &events);
    data.write("log_data/broken.json", "{\"broken\"\n");
    let songs = [
        Song::new("SO1", "AR1"),
        Song::new("SO6", "AR1").title("New").at(1.5, 2.5),
        Song::new("SO6", "AR1").title("New").at(1.5, 2.5),
        Song::new("SO7", "AR2").title("Other").set("artist_location", json!("Somewhere")),
    ];
    data.write_songs("second.json", &songs);
    for name in [
        "log_data/second",
        "log_data/broken",
        "log_data/changing",
        "log_data/touched",
        "song_data/second",
        "song_data/changing",
    ] {
        set_time(data, name, FIRST_TIME + 1);
    }
}

/// A time long ago, so that the ledger trusts it.
fn set_time(data: &DataSet, name: &str, seconds: u64) {
    let path = data.path().join(format!("{name}.json"));
    let file = std::fs::File::options().append(true).open(path).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
}

async fn load_into(warehouse: &dyn Warehouse, data: PathBuf, retries: Retries) -> Result<RunReport, Error> {
    let library = SqlLibrary::embedded().unwrap();
    let source = Arc::new(LocalDirectory::new(data));
    let options = LoadOptions { max_errors: MAX_ERRORS, retries, ..LoadOptions::default() };
    load(warehouse, source, &library, &options, &Arc::default(), &Cancel::default()).await
}

/// Opens the database by way of the proxy and loads.
async fn load_by(url: &str, data: PathBuf, retries: Retries) -> Result<RunReport, Error> {
    let mut options = options(url);
    options.wait = Duration::from_secs(20);
    let open = PostgresWarehouse::open(&options).await;
    let warehouse =
        open.map_err(|source| Error::Warehouse { action: "opening the database".to_owned(), source })?;
    load_into(&warehouse, data, retries).await
}

type State = BTreeMap<&'static str, Vec<String>>;

/// Everything that a load leaves, except for what differs from run to run.
async fn state(warehouse: &dyn Warehouse) -> State {
    let mut state = dump_of(warehouse).await;
    for (name, sql) in [
        ("loaded_files", "SELECT path, modified_ns, content_hash, records, rejected FROM loaded_files"),
        ("load_errors", "SELECT path, line_number, reason FROM load_errors"),
        ("load_runs", "SELECT run_number, records_read, records_staged FROM load_runs"),
    ] {
        let records = warehouse.query(sql).await.unwrap();
        let columns = records.schema().fields().len();
        let text = |row, column| records.text(row, column).unwrap_or_default();
        let row = |row| (0..columns).map(|column| text(row, column)).collect::<Vec<_>>().join(" ");
        let mut rows: Vec<_> = (0..records.row_count()).map(row).collect();
        rows.sort_unstable();
        state.insert(name, rows);
    }
    state
}

/// A database in which the first delivery was loaded, and to which it can be set back.
struct Worker {
    database: PostgresDatabase,
    direct: PostgresWarehouse,
    proxy: WireProxy,
}

/// What is the same for all workers.
struct Plan {
    data: DataSet,
    before: State,
    after: State,
    report: RunReport,
    statements: Vec<String>,
    row_messages: usize,
}

impl Worker {
    /// Loads the first delivery.
    async fn new(data: &DataSet) -> Self {
        let server = PostgresServer::shared();
        let (database, proxy) = (server.create_database(), WireProxy::start(server));
        let socket = format!("host={}", server.socket_directory().display());
        let direct = PostgresWarehouse::open(&options(&database.url_with("", &socket))).await.unwrap();
        create_tables(&direct, &SqlLibrary::embedded().unwrap()).await.unwrap();
        load_into(&direct, data.path(), Retries::none()).await.unwrap();
        let mut save = vec!["CREATE SCHEMA saved".to_owned()];
        save.extend(
            tables().iter().map(|table| format!("CREATE TABLE saved.{0} AS SELECT * FROM {0}", table.name)),
        );
        direct.transact(save).await.unwrap();
        Self { database, direct, proxy }
    }

    /// A cut load may leave its own tables; they stay for the next load to deal with.
    async fn set_back(&self) {
        let (tables, mut statements) = (tables(), Vec::new());
        statements.extend(tables.iter().rev().map(|table| format!("DELETE FROM {}", table.name)));
        statements.extend(
            tables.iter().map(|table| format!("INSERT INTO {0} SELECT * FROM saved.{0}", table.name)),
        );
        self.direct.transact(statements).await.unwrap();
    }

    fn url(&self) -> String {
        self.proxy.url(&self.database)
    }

    /// A load that is cut there fails unless everything is published already, and can be repeated.
    async fn fail_at(&self, plan: &Plan, cut: Cut) {
        self.set_back().await;
        self.proxy.begin(Some(cut));
        let result = load_by(&self.url(), plan.data.path(), Retries::none()).await;
        let at = self.place(cut);
        assert!(self.proxy.was_cut(), "{at}: the load was not cut");
        let published = match &result {
            Ok(_) => true,
            Err(error) => {
                let Error::Warehouse { action, source } = error else { panic!("{at}: {error:?}") };
                assert!(matches!(source, EngineError::ConnectionLost { .. }), "{at}: {error:?}");
                assert!(error.hint().unwrap().contains("run again"), "{at}: {error:?}");
                let unknown = source.to_string().contains("not known");
                assert_eq!(action == "publishing", unknown, "{at}: {error:?}");
                unknown && matches!(cut, Cut::After(_))
            }
        };
        let expected = if published { &plan.after } else { &plan.before };
        self.assert_state(expected, &at).await;
        let again = load_by(&self.database_url(), plan.data.path(), Retries::none()).await;
        let again = again.unwrap_or_else(|error| panic!("{at}: {error:?}"));
        assert_eq!(again.files.loaded > 0, !published, "{at}");
        self.assert_state(&plan.after, &at).await;
    }

    async fn assert_state(&self, expected: &State, at: &str) {
        for (table, rows) in state(&self.direct).await {
            assert_eq!(rows, expected[table], "{at}: {table}");
        }
    }

    /// A load that is cut there begins anew, succeeds, and reports what it did.
    async fn recover_at(&self, plan: &Plan, cut: Cut) {
        self.set_back().await;
        self.proxy.begin(Some(cut));
        let retries = Retries { count: 1, first_pause: Duration::from_millis(1) };
        let mut options = options(&self.url());
        options.wait = Duration::from_secs(20);
        let result = match PostgresWarehouse::open(&options).await {
            Ok(warehouse) => load_into(&warehouse, plan.data.path(), retries).await,
            // Opening is no part of the load.
            Err(EngineError::ConnectionLost { .. }) if self.proxy.statements().len() <= 2 => return,
            Err(error) => panic!("{error:?}"),
        };
        let at = self.place(cut);
        assert!(self.proxy.was_cut(), "{at}: the load was not cut");
        let report = result.unwrap_or_else(|error| panic!("{at}: {error:?}"));
        assert_eq!((report.files, report.records), (plan.report.files, plan.report.records), "{at}");
        assert_eq!(
            (&report.tables, report.checks.len()),
            (&plan.report.tables, plan.report.checks.len()),
            "{at}"
        );
        self.assert_state(&plan.after, &at).await;
    }

    fn database_url(&self) -> String {
        let socket = PostgresServer::shared().socket_directory().display();
        self.database.url_with("", &format!("host={socket}"))
    }

    /// Where it was cut, for messages.
    fn place(&self, cut: Cut) -> String {
        let statements = self.proxy.statements();
        match cut {
            Cut::Before(number) | Cut::After(number) => {
                format!("{cut:?} {}", statements.get(number).map_or("(the end)", String::as_str))
            }
            Cut::WithinRows(_) => format!("{cut:?}"),
        }
    }
}

/// Prepares the databases, and loads the second delivery without a cut.
async fn prepare() -> (Plan, Vec<Worker>) {
    let data = first_delivery();
    let duckdb = DuckDbWarehouse::open(&DuckDbOptions::in_memory()).unwrap();
    create_tables(&duckdb, &SqlLibrary::embedded().unwrap()).await.unwrap();
    load_into(&duckdb, data.path(), Retries::none()).await.unwrap();
    let mut workers = Vec::new();
    for _ in 0..WORKERS {
        workers.push(Worker::new(&data).await);
    }
    let worker = &workers[0];
    let before = state(&worker.direct).await;
    assert_eq!(before, state(&duckdb).await);

    second_delivery(&data);
    load_into(&duckdb, data.path(), Retries::none()).await.unwrap();
    worker.proxy.begin(None);
    let report = load_by(&worker.url(), data.path(), Retries::none()).await.unwrap();
    let (statements, row_messages) = (worker.proxy.statements(), worker.proxy.row_messages());
    let after = state(&worker.direct).await;
    assert_eq!(after, state(&duckdb).await);
    assert_eq!(report.records.rejected, 2, "{report:?}");
    assert!(report.records.duplicate > 1 && report.records.replaced > 1, "{report:?}");
    (Plan { data, before, after, report, statements, row_messages }, workers)
}

/// Every statement that a load can have is among these.
fn assert_complete(statements: &[String]) {
    let library = SqlLibrary::embedded().unwrap();
    let parameters = || {
        context! { batch_events => "batch_events", batch_songs => "batch_songs", match_rule => "exact", rematch_all => false }
    };
    for step in transform_steps() {
        let sql = library.render(step.name, Dialect::Postgres, parameters()).unwrap();
        assert!(statements.iter().any(|statement| statement.starts_with(&sql)), "{} was not run", step.name);
    }
    for table in BatchTables::all() {
        let drop = ddl::drop_table(table.name, Dialect::Postgres).unwrap();
        assert!(statements.iter().filter(|statement| **statement == drop).count() >= 2, "{drop}");
    }
    for beginning in [
        "COPY batch_events",
        "COPY batch_changed_songs",
        "COPY loaded_files",
        "COPY load_errors",
        "UPDATE loaded_files",
        "DELETE FROM loaded_files",
        "INSERT INTO load_runs",
        "SELECT pg_try_advisory_lock",
        "SELECT pg_advisory_unlock",
    ] {
        assert!(
            statements.iter().any(|statement| statement.starts_with(beginning)),
            "{beginning} was not run"
        );
    }
}

/// Before each statement, after each, and within each message with rows.
fn every_moment(plan: &Plan) -> Vec<Cut> {
    let statements = 0..plan.statements.len();
    let mut cuts: Vec<_> = statements.flat_map(|number| [Cut::Before(number), Cut::After(number)]).collect();
    cuts.extend((0..plan.row_messages).map(Cut::WithinRows));
    cuts
}

/// Each statement once, before or after it in turn; a commit both before and after it.
fn every_statement(plan: &Plan) -> Vec<Cut> {
    let mut cuts = every_moment(plan);
    cuts.retain(|cut| match *cut {
        Cut::Before(number) => number % 2 == 0 || plan.statements[number] == "COMMIT",
        Cut::After(number) => number % 2 == 1 || plan.statements[number] == "COMMIT",
        Cut::WithinRows(_) => true,
    });
    cuts
}

/// Does something at each of these moments of a load, on several databases at once.
async fn at_each<F>(moments: fn(&Plan) -> Vec<Cut>, work: impl Fn(Arc<Worker>, Arc<Plan>, Cut) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let (plan, workers) = prepare().await;
    assert_complete(&plan.statements);
    assert!(plan.statements.len() > 150 && plan.row_messages > 15, "{}", plan.statements.len());
    let (cuts, plan, next) = (moments(&plan), Arc::new(plan), AtomicUsize::new(0));
    let (work, plan, cuts, next) = (&work, &plan, &cuts, &next);
    let running = workers.into_iter().map(Arc::new).map(|worker| async move {
        while let Some(cut) = cuts.get(next.fetch_add(1, Ordering::SeqCst)) {
            let done = tokio::spawn(work(Arc::clone(&worker), Arc::clone(plan), *cut)).await;
            done.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
        }
    });
    futures_util::future::join_all(running).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_is_cut_at_any_statement_fails_with_nothing_half_done_and_can_be_repeated() {
    at_each(every_moment, |worker, plan, cut| async move { worker.fail_at(&plan, cut).await }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_is_cut_at_any_statement_succeeds_when_it_may_begin_anew() {
    at_each(every_statement, |worker, plan, cut| async move { worker.recover_at(&plan, cut).await }).await;
}
