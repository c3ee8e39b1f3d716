//! What a load did.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{load::MatchRule, quality::CheckResult};

/// The report of a run. Its JSON form is stable: fields may be added, none is renamed or removed.
#[derive(Debug, Clone, Serialize)]
pub struct RunReport {
    /// The run, sortable by time (UUID version 7).
    pub run_id: String,
    /// Where the files came from.
    pub source: String,
    /// Where they went.
    pub warehouse: String,
    /// How plays were matched with songs.
    pub match_rule: MatchRule,
    /// Files.
    pub files: FileCounts,
    /// Records of the loaded files.
    pub records: RecordCounts,
    /// Rows of each table after the run.
    pub tables: BTreeMap<String, i64>,
    /// Plays that have a song.
    pub matched_songplays: i64,
    /// Their part of all plays, 0 to 1; null when there are no plays.
    pub match_rate: Option<f64>,
    /// The quality checks; empty when nothing was loaded.
    pub checks: Vec<CheckResult>,
    /// How often the load was tried: 1, or more if the connection was lost or another transaction was in
    /// the way.
    pub attempts: u32,
    /// Milliseconds from begin to end, all attempts together.
    pub elapsed_ms: u64,
    /// Milliseconds of each step of the attempt that published.
    pub steps_ms: Vec<Step>,
}

/// How long a step took.
#[derive(Debug, Clone, Serialize)]
pub struct Step {
    /// The step.
    pub name: &'static str,
    /// Milliseconds.
    pub elapsed_ms: u64,
}

/// Files of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct FileCounts {
    /// Data files in the source.
    pub found: u64,
    /// Files loaded by this run: new ones and changed ones.
    pub loaded: u64,
    /// Those of them that had been loaded before and have changed since.
    pub changed: u64,
    /// Files that had been loaded before and have not changed.
    pub skipped: u64,
}

/// Records of a run: `read = staged + rejected + duplicate`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct RecordCounts {
    /// Records in the loaded files.
    pub read: u64,
    /// Records that are in staging since.
    pub staged: u64,
    /// Records set aside in `load_errors`.
    pub rejected: u64,
    /// Records that were there already, or came twice.
    pub duplicate: u64,
    /// Staged records of earlier runs that a changed file delivered anew.
    pub replaced: u64,
}
