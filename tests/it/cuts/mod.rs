//! A connection that breaks at any statement of a load: without further attempts the load fails with a
//! clear error and nothing is half done, and the next load makes everything good; with them it succeeds.

mod deliveries;
mod postgres;
mod redshift;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use sparkify_etl::{
    Cancel, Error, LoadOptions, Retries, RunReport, ScriptOptions, ScriptPart, create_tables, script,
};
use sparkify_schema::{
    Dialect, ddl,
    model::{RunTables, tables},
    sql::SqlLibrary,
};
use sparkify_testkit::{Cut, DataSet, dump_of};
use sparkify_warehouse::{Error as EngineError, Warehouse};

use self::deliveries::{first_delivery, second_delivery};
use crate::local_loads::{load_with, prepared_duckdb};

/// Databases that are worked on at once.
const TARGETS: usize = 4;
/// Bad records in the data, all of which are set aside.
const MAX_ERRORS: u64 = 4;
async fn load_into(warehouse: &dyn Warehouse, data: PathBuf, retries: Retries) -> Result<RunReport, Error> {
    let options = LoadOptions { max_errors: MAX_ERRORS, retries, ..LoadOptions::default() };
    load_with(warehouse, &data, &options, &Cancel::default()).await
}

/// Statements that a load sends to each engine, besides those of the model.
const BEGINNINGS: [&str; 10] = [
    "COPY sparkify_run_events",
    "COPY sparkify_run_changed_songs",
    "COPY sparkify_run_loaded_files",
    "COPY sparkify_run_load_errors",
    "UPDATE sparkify_run_loaded_files",
    "UPDATE loaded_files",
    "INSERT INTO loaded_files",
    "INSERT INTO load_errors",
    "DELETE FROM loaded_files",
    "INSERT INTO load_runs",
];

type State = BTreeMap<&'static str, Vec<String>>;

/// Everything that a load leaves, except for what differs from run to run.
async fn state(warehouse: &dyn Warehouse) -> State {
    let mut state = dump_of(warehouse).await;
    for (name, sql) in [
        ("loaded_files", "SELECT path, modified_ns, content_hash, records, rejected FROM loaded_files"),
        ("load_errors", "SELECT path, line_number, reason FROM load_errors"),
        ("load_runs", "SELECT run_number, records_read, records_staged, matched_songplays FROM load_runs"),
        (
            "load_counts",
            "SELECT r.run_number, c.table_name, c.rows_added, c.rows_removed, c.row_count \
             FROM load_counts c JOIN load_runs r ON r.run_id = c.run_id",
        ),
        ("users_source", "SELECT user_id, ts, session_id, item_in_session FROM users_source"),
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

/// A database in which the first delivery was loaded, to which it can be set back, and whose connections
/// can be cut.
#[async_trait]
trait Target: Send + Sync + Sized + 'static {
    /// The SQL that it speaks.
    const DIALECT: Dialect;
    /// A load has more statements and messages with rows than these; with zero, it has none.
    const LEAST: (usize, usize);
    /// Statements that a load sends to this engine, besides those to every one.
    const BEGINNINGS: &'static [&'static str];

    /// Makes the tables and loads the first delivery.
    async fn new(data: &DataSet) -> Self;
    /// Sets the tables of the model back. A cut load may leave its own tables; they stay for the next load
    /// to deal with.
    async fn set_back(&self);
    /// Begins to count statements anew, and cuts one connection at that moment; `None` cuts none.
    fn begin(&self, cut: Option<Cut>);
    /// The statements since then.
    fn statements(&self) -> Vec<String>;
    /// Whether a connection was cut since then.
    fn was_cut(&self) -> bool;
    /// How many messages with rows there were since then.
    fn row_messages(&self) -> usize;
    /// Opens the database, with connections that may be cut.
    async fn open(&self) -> Result<Arc<dyn Warehouse>, EngineError>;
    /// Looks at the database past what cuts; nothing of it counts.
    async fn look(&self) -> Arc<dyn Warehouse>;
    /// Nothing is left of any load beside the tables.
    fn assert_nothing_is_left(&self) {}
}

/// Keeps a copy of each table in the schema `saved`.
fn save() -> Vec<String> {
    let mut statements = vec!["CREATE SCHEMA saved".to_owned()];
    let copy = |name| format!("CREATE TABLE saved.{name} AS SELECT * FROM {name}");
    statements.extend(tables().iter().map(|table| copy(table.name)));
    statements
}

/// Fills each table from its copy.
fn restore() -> Vec<String> {
    let tables = tables();
    let mut statements: Vec<_> =
        tables.iter().rev().map(|table| format!("DELETE FROM {}", table.name)).collect();
    let copy = |name| format!("INSERT INTO {name} SELECT * FROM saved.{name}");
    statements.extend(tables.iter().map(|table| copy(table.name)));
    statements
}

/// What is the same for all databases.
struct Plan {
    data: DataSet,
    before: State,
    after: State,
    report: RunReport,
    statements: Vec<String>,
    row_messages: usize,
    /// How many of the statements open the database.
    opening: usize,
}

async fn open_and_load(target: &impl Target, data: PathBuf) -> Result<RunReport, Error> {
    let open = target.open().await;
    let warehouse =
        open.map_err(|source| Error::Warehouse { action: "opening the database".to_owned(), source })?;
    load_into(warehouse.as_ref(), data, Retries::none()).await
}

/// A load that is cut there fails unless everything is published already, and can be repeated.
async fn fail_at<T: Target>(target: &T, plan: &Plan, cut: Cut) {
    target.set_back().await;
    target.begin(Some(cut));
    let result = open_and_load(target, plan.data.path()).await;
    let at = place(target, cut);
    assert!(target.was_cut(), "{at}: the load was not cut");
    target.begin(None);
    let published = match &result {
        Ok(_) => true,
        Err(error) => {
            let Error::Warehouse { action, source } = error else { panic!("{at}: {error:?}") };
            // Without the connection that holds its lock, a load on Redshift gives way to others.
            let conflict = T::DIALECT == Dialect::Redshift && matches!(source, EngineError::Conflict { .. });
            assert!(conflict || matches!(source, EngineError::ConnectionLost { .. }), "{at}: {error:?}");
            assert!(source.is_retryable(), "{at}: {error:?}");
            assert!(error.hint().unwrap().contains("run again"), "{at}: {error:?}");
            let unknown = source.to_string().contains("not known");
            assert_eq!(action == "publishing" && !conflict, unknown, "{at}: {error:?}");
            unknown && matches!(cut, Cut::After(_))
        }
    };
    let expected = if published { &plan.after } else { &plan.before };
    assert_state(target, expected, &at).await;
    let again = open_and_load(target, plan.data.path()).await;
    let again = again.unwrap_or_else(|error| panic!("{at}: {error:?}"));
    assert_eq!(again.files.loaded > 0, !published, "{at}");
    assert_state(target, &plan.after, &at).await;
    target.assert_nothing_is_left();
}

/// A load that is cut there begins anew, succeeds, and reports what it did.
async fn recover_at(target: &impl Target, plan: &Plan, cut: Cut) {
    target.set_back().await;
    target.begin(Some(cut));
    let retries = Retries { count: 1, first_pause: Duration::from_millis(1) };
    let result = match target.open().await {
        Ok(warehouse) => load_into(warehouse.as_ref(), plan.data.path(), retries).await,
        // Opening is no part of the load.
        Err(EngineError::ConnectionLost { .. }) if target.statements().len() <= plan.opening => return,
        Err(error) => panic!("{error:?}"),
    };
    let at = place(target, cut);
    assert!(target.was_cut(), "{at}: the load was not cut");
    target.begin(None);
    let report = result.unwrap_or_else(|error| panic!("{at}: {error:?}"));
    assert_eq!((report.files, report.records), (plan.report.files, plan.report.records), "{at}");
    assert_eq!(
        (&report.tables, report.checks.len()),
        (&plan.report.tables, plan.report.checks.len()),
        "{at}"
    );
    assert_state(target, &plan.after, &at).await;
    target.assert_nothing_is_left();
}

async fn assert_state(target: &impl Target, expected: &State, at: &str) {
    for (table, rows) in state(target.look().await.as_ref()).await {
        assert_eq!(rows, expected[table], "{at}: {table}");
    }
}

/// Where it was cut, for messages.
fn place(target: &impl Target, cut: Cut) -> String {
    let statements = target.statements();
    match cut {
        Cut::Before(number) | Cut::After(number) | Cut::AfterCancel(number) => {
            format!("{cut:?} {}", statements.get(number).map_or("(the end)", String::as_str))
        }
        Cut::WithinRows(_) => format!("{cut:?}"),
    }
}

/// Prepares the databases, and loads the second delivery without a cut.
async fn prepare<T: Target>() -> (Plan, Vec<T>) {
    let data = first_delivery();
    let duckdb = prepared_duckdb().await;
    load_into(&duckdb, data.path(), Retries::none()).await.unwrap();
    let mut targets = Vec::new();
    for _ in 0..TARGETS {
        targets.push(T::new(&data).await);
    }
    let target = &targets[0];
    let before = state(target.look().await.as_ref()).await;
    assert_eq!(before, state(&duckdb).await);

    second_delivery(&data);
    load_into(&duckdb, data.path(), Retries::none()).await.unwrap();
    target.begin(None);
    target.open().await.unwrap();
    let opening = target.statements().len();
    target.begin(None);
    let report = open_and_load(target, data.path()).await.unwrap();
    let (statements, row_messages) = (target.statements(), target.row_messages());
    let after = state(target.look().await.as_ref()).await;
    assert_eq!(after, state(&duckdb).await);
    assert_eq!(report.records.rejected, 2, "{report:?}");
    assert!(report.records.duplicate > 1 && report.records.replaced > 1, "{report:?}");
    (Plan { data, before, after, report, statements, row_messages, opening }, targets)
}

/// Every statement of the plan is among these, by the first line of its SQL.
fn assert_complete<T: Target>(statements: &[String]) {
    let parts = script(&SqlLibrary::embedded().unwrap(), T::DIALECT, &ScriptOptions::default()).unwrap();
    for part in parts {
        let ScriptPart::Statement { sql, comment, by_engine: false, .. } = part else { continue };
        let first = sql.lines().next().unwrap();
        let never = [
            "create-tables",
            "in the first load",
            "files of a source were copied",
            "while an earlier attempt",
        ];
        if first.contains('<') || never.iter().any(|never| comment.contains(never)) {
            continue;
        }
        assert!(
            statements.iter().any(|statement| statement.starts_with(first)),
            "{comment} was not run: {first}"
        );
    }
    for table in RunTables::all() {
        let drop = ddl::drop_table(table.name, T::DIALECT).unwrap();
        assert!(statements.contains(&drop), "{drop}");
    }
    for beginning in BEGINNINGS.iter().chain(T::BEGINNINGS) {
        assert!(
            statements.iter().any(|statement| statement.starts_with(*beginning)),
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
        Cut::AfterCancel(_) | Cut::WithinRows(_) => true,
    });
    cuts
}

/// Does something at each of these moments of a load, on several databases at once.
async fn at_each<T: Target, F>(moments: fn(&Plan) -> Vec<Cut>, work: impl Fn(Arc<T>, Arc<Plan>, Cut) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let (plan, targets) = prepare::<T>().await;
    assert_complete::<T>(&plan.statements);
    let (statements, row_messages) = T::LEAST;
    assert!(plan.statements.len() > statements, "{}", plan.statements.len());
    assert!(plan.row_messages > row_messages || row_messages == 0, "{}", plan.row_messages);
    let (cuts, plan, next) = (moments(&plan), Arc::new(plan), AtomicUsize::new(0));
    let (work, plan, cuts, next) = (&work, &plan, &cuts, &next);
    let running = targets.into_iter().map(Arc::new).map(|target| async move {
        while let Some(cut) = cuts.get(next.fetch_add(1, Ordering::SeqCst)) {
            let done = tokio::spawn(work(Arc::clone(&target), Arc::clone(plan), *cut)).await;
            done.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
        }
    });
    futures_util::future::join_all(running).await;
}
