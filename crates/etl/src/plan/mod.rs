//! The plan of a load: its steps as data.
//!
//! There is one list, [`steps`]. The executor ([`crate::load`]) walks it; [`script`] prints it. An engine contributes
//! what it sends of its own accord at the [`Point`]s of the list.

mod facts;
mod script;
mod sql;
mod steps;

pub(crate) use self::{
    facts::{Fact, Facts},
    sql::{Bounds, Parameters, RowCount, RunRecord, indexes, limited, run_tables},
};
pub use self::{
    script::{LoadKind, ScriptOptions, ScriptPart, placeholders, script},
    steps::steps,
};
pub use sparkify_warehouse::script::Point;

/// A step of a load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The name; of a [`Action::Statement`] that of the file in `sql/`.
    pub name: &'static str,
    /// When it is needed; it would change nothing otherwise.
    pub when: Condition,
    /// What is done.
    pub action: Action,
}

/// When a step is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// In each load.
    Always,
    /// When one of these holds.
    If(&'static [Fact]),
    /// When one of these holds, and the tables were empty.
    FirstWith(&'static [Fact]),
    /// When one of these holds, and the tables had rows before.
    Later(&'static [Fact]),
    /// When plays were there before, and songs came or went, or the match rule is another one.
    Rematch,
    /// As [`Rematch`](Self::Rematch), by the same match rule: only some plays can be concerned.
    RematchSome,
}

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// What the engine does of its own accord.
    Engine(Point),
    /// Compares the tables of the database with the model.
    VerifyTables,
    /// Looks whether an earlier attempt was published after all.
    FindPublished,
    /// Lists the source, and compares it with the ledger.
    CompareLedger,
    /// Creates the tables that the load keeps to itself.
    CreateRunTables,
    /// Reads the files into them.
    ReadFiles,
    /// Puts what the ledger will say of the files into them.
    PrepareLedger,
    /// Sends a statement.
    Statement(Effect),
    /// Adds the run's rows to a staging table; an engine that gains by it lets the run's table take its place while it
    /// is empty.
    Stage {
        /// The staging table.
        staging: &'static str,
        /// The run's table.
        run: &'static str,
    },
    /// Sets events aside that contradict each other.
    ResolveConflicts,
    /// Drops the indexes, where there are any: the tables are filled faster without them.
    DropIndexes,
    /// Creates them anew.
    CreateIndexes,
    /// Runs the quality checks.
    Check,
    /// Drops the tables that the load kept to itself.
    DropRunTables,
}

/// What a statement does to the counts of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It writes run-private tables.
    Prepares,
    /// Its result says which sessions and times the run touches.
    Measures,
    /// Its rows are a fact of the run.
    Finds(Fact),
    /// Its rows are staged records of earlier runs that are delivered anew.
    Replaces(Fact),
    /// Its rows are deliveries of what came before.
    Repeats,
    /// Its rows are the one delivery each of these that stays.
    Keeps,
    /// It adds rows to a permanent table.
    Adds(&'static str),
    /// It takes rows out of a permanent table.
    Removes(&'static str),
    /// It changes rows of a permanent table.
    Changes(&'static str),
    /// Its result is the number of matched plays before the run, among those that it touches.
    MatchedBefore,
    /// The same after the run.
    MatchedAfter,
    /// Its rows are earlier plays that are matched anew.
    Rematches,
    /// It writes the run into the ledger, so that the counts are complete.
    Records,
}
