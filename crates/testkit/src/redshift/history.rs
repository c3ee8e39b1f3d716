//! The system tables about queries and loads.
//!
//! They are kept in memory, and written to the database when a statement looks at them, so that other
//! statements cost nothing more.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};

use super::{backend::Backend, copy::Progress, error::ServerError, lock, sql::SCHEMA};

/// A statement, as `sys_query_history` shows it.
#[derive(Debug)]
struct Query {
    transaction_id: i64,
    session_id: i32,
    text: String,
    query_type: &'static str,
    started_us: i64,
    ended_us: Option<i64>,
    error: Option<ServerError>,
    returned_rows: u64,
    load: Option<Arc<Progress>>,
}

#[derive(Debug, Default)]
struct Queries {
    all: BTreeMap<i64, Query>,
    /// Not yet in the database as they are.
    changed: BTreeSet<i64>,
}

impl Query {
    /// Whether the system views tell all of it, and it changes no more.
    fn is_told(&self, lag_us: i64) -> bool {
        self.ended_us.is_some_and(|ended_us| self.load.is_none() || now_us() - ended_us > lag_us)
    }
}

/// All queries of all sessions.
#[derive(Debug)]
pub(super) struct History {
    queries: Mutex<Queries>,
    next_id: AtomicI64,
    database: String,
    /// How late the system views about loads are.
    lag_us: i64,
}

impl History {
    pub(super) fn new(database: String, lag: Duration) -> Self {
        let lag_us = i64::try_from(lag.as_micros()).unwrap_or(i64::MAX / 2);
        Self { queries: Mutex::default(), next_id: AtomicI64::new(101), database, lag_us }
    }

    /// A number for a query or transaction.
    pub(super) fn next_id(&self) -> i64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn begin(&self, session_id: i32, transaction_id: i64, sql: &str) -> i64 {
        let id = self.next_id();
        let query = Query {
            transaction_id,
            session_id,
            text: sql.to_owned(),
            query_type: query_type(sql),
            started_us: now_us(),
            ended_us: None,
            error: None,
            returned_rows: 0,
            load: None,
        };
        let mut queries = lock(&self.queries);
        queries.all.insert(id, query);
        queries.changed.insert(id);
        id
    }

    pub(super) fn loads(&self, id: i64, load: Arc<Progress>) {
        if let Some(query) = lock(&self.queries).all.get_mut(&id) {
            query.load = Some(load);
        }
    }

    pub(super) fn end(&self, id: i64, returned_rows: u64, error: Option<&ServerError>) {
        let mut queries = lock(&self.queries);
        if let Some(query) = queries.all.get_mut(&id) {
            query.ended_us = Some(now_us());
            query.returned_rows = returned_rows;
            query.error = error.cloned();
            queries.changed.insert(id);
        }
    }

    /// Writes what has changed to the database.
    pub(super) async fn write(&self, writer: &mut Backend) -> io::Result<()> {
        let Some(sql) = self.changes() else { return Ok(()) };
        writer.run(&sql).await?.map_err(|error| io::Error::other(error.message))
    }

    fn changes(&self) -> Option<String> {
        let mut queries = lock(&self.queries);
        let changed = std::mem::take(&mut queries.changed);
        if changed.is_empty() {
            return None;
        }
        let mut rows = Rows::default();
        for id in &changed {
            let Some(query) = queries.all.get(id) else { continue };
            rows.add(*id, query, self);
        }
        // Those that are running will have changed by the next time.
        let running: Vec<_> = changed
            .iter()
            .filter(|id| queries.all.get(id).is_some_and(|query| !query.is_told(self.lag_us)))
            .copied()
            .collect();
        queries.changed.extend(running);
        Some(rows.statement(&changed))
    }
}

/// The rows of the system tables, as JSON.
#[derive(Debug, Default)]
struct Rows {
    queries: Vec<Value>,
    loads: Vec<Value>,
    files: Vec<Value>,
    errors: Vec<Value>,
}

impl Rows {
    fn add(&mut self, id: i64, query: &Query, history: &History) {
        let status = match (&query.error, query.ended_us) {
            (_, None) => "running",
            (None, Some(_)) => "success",
            (Some(error), _) if error.code == "57014" => "canceled",
            (Some(_), _) => "failed",
        };
        self.queries.push(json!({
            "query_id": id,
            "transaction_id": query.transaction_id,
            "session_id": query.session_id,
            "database_name": history.database,
            "query_type": query.query_type,
            "status": status,
            "start_us": query.started_us,
            "end_us": query.ended_us,
            "error_message": query.error.as_ref().map_or("", |error| error.message.as_str()),
            "returned_rows": query.returned_rows,
            "query_text": query.text,
        }));
        let Some(load) = &query.load else { return };
        let age_us = query.ended_us.map(|ended_us| now_us() - ended_us);
        let is_late = age_us.is_some_and(|age_us| age_us < history.lag_us / 2);
        let status = match (&query.error, age_us) {
            (_, None) => "running",
            _ if is_late => "running",
            (None, Some(_)) => "completed",
            (Some(_), Some(_)) => "aborted",
        };
        let common = json!({
            "query_id": id,
            "transaction_id": query.transaction_id,
            "session_id": query.session_id,
            "database_name": history.database,
            "start_us": query.started_us,
            "end_us": query.ended_us,
        });
        self.loads.push(merged(&common, load.summary(status)));
        let files = load.files();
        let shown = match age_us {
            Some(age_us) if age_us < history.lag_us => {
                let share = i128::from(age_us) * files.len() as i128 / i128::from(history.lag_us);
                usize::try_from(share).unwrap_or_default()
            }
            _ => files.len(),
        };
        self.files.extend(files.into_iter().take(shown).map(|file| merged(&common, file)));
        if !is_late {
            self.errors.extend(load.errors().into_iter().map(|error| merged(&common, error)));
        }
    }

    fn statement(&self, ids: &BTreeSet<i64>) -> String {
        let ids: Vec<_> = ids.iter().map(i64::to_string).collect();
        let ids = ids.join(", ");
        let mut sql = String::new();
        for (table, rows) in [
            ("query_history", &self.queries),
            ("load_history", &self.loads),
            ("load_detail", &self.files),
            ("load_error_detail", &self.errors),
        ] {
            let table = format!("{SCHEMA}.{table}");
            let rows = Value::Array(rows.clone()).to_string();
            sql.push_str(&format!(
                "DELETE FROM {table} WHERE query_id IN ({ids});\n\
                 INSERT INTO {table} SELECT * FROM json_populate_recordset(NULL::{table}, $json${rows}$json$);\n"
            ));
        }
        sql
    }
}

fn merged(common: &Value, own: Value) -> Value {
    let mut all = common.clone();
    if let (Value::Object(all), Value::Object(own)) = (&mut all, own) {
        all.extend(own);
    }
    all
}

/// Microseconds since 1970.
pub(super) fn now_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

fn query_type(sql: &str) -> &'static str {
    let word: String =
        sql.trim_start().chars().take_while(char::is_ascii_alphabetic).collect::<String>().to_uppercase();
    match word.as_str() {
        "SELECT" | "WITH" => "SELECT",
        "INSERT" => "INSERT",
        "UPDATE" => "UPDATE",
        "DELETE" => "DELETE",
        "MERGE" => "MERGE",
        "COPY" => "COPY",
        "CREATE" | "ALTER" | "DROP" | "TRUNCATE" => "DDL",
        _ => "UTILITY",
    }
}
