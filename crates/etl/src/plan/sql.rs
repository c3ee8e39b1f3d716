//! The SQL of the steps that send more than one statement, and what it depends on.

use serde::Serialize;
use sparkify_schema::{
    Dialect, ddl,
    model::{RUN_PREFIX, RunTables, Table, indexes_of},
    sql::{Serde, Value},
    statements,
};

use super::{Action, Fact, Facts, steps::RUN_TABLES};
use crate::Result;

/// The lowest and the highest value of a column that a run touches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Bounds {
    pub(crate) low: String,
    pub(crate) high: String,
}

impl Bounds {
    pub(crate) fn new(low: i64, high: i64) -> Self {
        Self { low: low.to_string(), high: high.to_string() }
    }
}

/// What the ledger says of a table after a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct RowCount {
    pub(crate) table: String,
    pub(crate) added: String,
    pub(crate) removed: String,
    pub(crate) rows: String,
}

/// What the ledger says of a run.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct RunRecord {
    pub(crate) run_id: String,
    pub(crate) source: String,
    pub(crate) match_rule: String,
    pub(crate) files_loaded: String,
    pub(crate) records_read: String,
    pub(crate) records_staged: String,
    pub(crate) records_rejected: String,
    pub(crate) records_duplicate: String,
    pub(crate) matched_songplays: String,
    pub(crate) tool_version: String,
    pub(crate) row_counts: Vec<RowCount>,
}

/// The parameters of every statement of a load.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Parameters {
    /// The table that has the run's events: its own, or staging once that has taken its place.
    pub(crate) events: &'static str,
    /// The same for songs.
    pub(crate) songs: &'static str,
    /// Whether all plays are matched anew.
    pub(crate) rematch_all: bool,
    pub(crate) changed_events: bool,
    pub(crate) changed_songs: bool,
    /// Whether song records come or go.
    pub(crate) touches_songs: bool,
    /// Whether staging and the star were empty.
    pub(crate) first: bool,
    /// Whether checks look at the touched rows only.
    pub(crate) touched: bool,
    /// Bounds of the sessions of touched events.
    pub(crate) sessions: Option<Bounds>,
    /// Bounds of the keys of touched plays.
    pub(crate) plays: Option<Bounds>,
    /// Bounds of the times of touched events, epoch milliseconds.
    pub(crate) times: Option<Bounds>,
    #[serde(flatten)]
    pub(crate) run: RunRecord,
}

impl Parameters {
    pub(crate) fn new(run: RunRecord, facts: &Facts) -> Self {
        let (first, rematch_all) = (facts.has(Fact::FirstLoad), facts.has(Fact::RuleChanged));
        Self {
            events: "sparkify_run_events",
            songs: "sparkify_run_songs",
            rematch_all,
            changed_events: facts.has(Fact::ChangedEventFiles),
            changed_songs: facts.has(Fact::ChangedSongFiles),
            touches_songs: facts.has(Fact::SongFiles),
            first,
            touched: !first && !rematch_all,
            sessions: None,
            plays: None,
            times: None,
            run,
        }
    }

    /// For statements about whole tables, outside of a load.
    pub(crate) fn of_whole_tables() -> Self {
        Self { touched: false, ..Self::new(RunRecord::default(), &Facts::default()) }
    }

    pub(crate) fn value(&self) -> Value {
        Value::from(Serde(self))
    }
}

/// The tables that a run with these facts needs for itself.
pub(crate) fn run_tables(needed: impl Fn(super::Condition) -> bool) -> Vec<Table> {
    let tables = RunTables::all().into_iter();
    tables
        .filter(|table| RUN_TABLES.iter().any(|(name, when)| *name == table.name && needed(*when)))
        .collect()
}

impl super::Step {
    /// The statements that create the run's tables: what an earlier load has left goes, and what is made is listed, all
    /// or none.
    pub(crate) fn create_run_tables(
        tables: &[Table],
        left: &[String],
        dialect: Dialect,
        run_id: &str,
    ) -> Result<Vec<String>> {
        let mut sql = Vec::new();
        for name in left.iter().filter(|name| name.starts_with(RUN_PREFIX)) {
            sql.push(ddl::drop_table(name, dialect)?);
        }
        if !left.is_empty() {
            sql.push(statements::disown_run_tables());
        }
        for table in tables {
            sql.push(ddl::create_private_table(table, dialect)?);
        }
        let names: Vec<_> = tables.iter().map(|table| table.name).collect();
        sql.push(statements::own_tables(dialect, &names, Some(run_id))?);
        Ok(sql)
    }

    /// The statements that drop the run's tables, and take them off the list.
    pub(crate) fn drop_run_tables<'a>(
        names: impl IntoIterator<Item = &'a str>,
        dialect: Dialect,
    ) -> Result<Vec<String>> {
        let names = names.into_iter().map(|name| ddl::drop_table(name, dialect));
        let mut sql: Vec<_> = names.collect::<Result<_, _>>()?;
        sql.push(statements::disown_run_tables());
        Ok(sql)
    }
}

/// The statements that drop or create the indexes.
pub(crate) fn indexes(action: Action, dialect: Dialect) -> Result<Vec<String>> {
    let sql = indexes_of(dialect).iter().map(|index| match action {
        Action::DropIndexes => index.drop(dialect),
        _ => index.create(dialect),
    });
    Ok(sql.collect::<Result<_, _>>()?)
}

/// A query for some rows only.
pub(crate) fn limited(sql: &str, rows: u64) -> String {
    statements::first_rows(sql, rows)
}
