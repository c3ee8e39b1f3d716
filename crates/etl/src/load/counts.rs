//! The rows of each table, kept in the ledger so that no load has to count them.

use std::collections::BTreeMap;

use sparkify_schema::model::counted_tables;
use sparkify_warehouse::RecordSet;

use crate::{Error, Result, RunReport, plan::RowCount};

/// What a run does to a table.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    before: u64,
    added: u64,
    removed: u64,
}

impl Count {
    const fn now(self) -> u64 {
        (self.before + self.added).saturating_sub(self.removed)
    }
}

/// The rows of all tables.
#[derive(Debug, Default)]
pub(super) struct TableCounts {
    tables: BTreeMap<String, Count>,
    last_rule: Option<String>,
    /// Plays that have a song.
    pub(super) matched: i64,
}

impl TableCounts {
    /// What the ledger says of the last run that was published: its answer to `last_run`.
    pub(super) fn of_last_run(found: &RecordSet) -> Result<Self> {
        let mut counts = Self { last_rule: found.text(0, 1), ..Self::default() };
        let unreadable = || Error::Internal("the ledger's row counts cannot be read".to_owned());
        for row in 0..found.row_count() {
            counts.matched = found.integer(row, 2).ok_or_else(unreadable)?;
            let table = found.text(row, 3).ok_or_else(unreadable)?;
            let rows =
                found.integer(row, 4).and_then(|rows| u64::try_from(rows).ok()).ok_or_else(unreadable)?;
            counts.tables.insert(table, Count { before: rows, ..Count::default() });
        }
        Ok(counts)
    }

    /// The match rule of that run.
    pub(super) fn last_rule(&self) -> Option<&str> {
        self.last_rule.as_deref()
    }

    /// Whether no table had rows: nothing was ever loaded.
    pub(super) fn all_empty(&self) -> bool {
        self.tables.values().all(|count| count.before == 0)
    }

    /// The rows of a table, as far as the run has come.
    pub(super) fn rows(&self, table: &str) -> u64 {
        self.tables.get(table).map(|count| count.now()).unwrap_or_default()
    }

    /// Notes what a statement did to a table.
    pub(super) fn note(&mut self, table: &str, added: u64, removed: u64) {
        let count = self.tables.entry(table.to_owned()).or_default();
        count.added += added;
        count.removed += removed;
    }

    /// What the ledger will say.
    pub(super) fn rows_of_ledger(&self) -> Vec<RowCount> {
        let rows = counted_tables().into_iter().map(|table| {
            let count = self.tables.get(table.name).copied().unwrap_or_default();
            RowCount {
                table: table.name.to_owned(),
                added: count.added.to_string(),
                removed: count.removed.to_string(),
                rows: count.now().to_string(),
            }
        });
        rows.collect()
    }

    /// Fills in the rows of each table and the match rate.
    pub(super) fn report(&self, report: &mut RunReport) {
        for table in counted_tables() {
            let rows = i64::try_from(self.rows(table.name)).unwrap_or(i64::MAX);
            report.tables.insert(table.name.to_owned(), rows);
        }
        report.matched_songplays = self.matched;
        let plays = self.rows("songplays");
        report.match_rate = (plays > 0).then(|| self.matched as f64 / plays as f64);
    }
}
