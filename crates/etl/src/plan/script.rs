//! What `create-tables` and a load send to an engine, as text and in order.
//!
//! For people who want to read it or have it reviewed before anything runs. Values that are known only then
//! have placeholders such as `<run>`. A test holds the script to what loads really send.

use sparkify_schema::{
    Dialect,
    model::{RunTables, Table, counted_tables},
    sql::{Folder, SqlLibrary, Value, context},
    statements,
};
use sparkify_warehouse::{
    Capabilities,
    script::{Point, RedshiftScript, ScriptConnection, column_list, contributed, copy_placeholders},
};

pub use sparkify_warehouse::script::ScriptPart;

use super::{Action, Bounds, Effect, Fact, Facts, Parameters, RowCount, RunRecord, Step, sql, steps};
use crate::{
    LoadOptions, Result,
    load::{KEYS_SHOWN, ROWS_SHOWN, TEXTS_SEEN},
    tables,
};

/// Which load is shown: its steps, and what some statements look like, depend on it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LoadKind {
    /// Into empty tables.
    First,
    /// New files with events, on top of what is there.
    Nightly,
    /// Files of all kinds, some of which have changed since they were loaded.
    #[default]
    Changing,
}

impl LoadKind {
    fn facts(self) -> Facts {
        use Fact::*;
        let known: &[Fact] = match self {
            Self::First => &[Files, EventFiles, SongFiles, FirstLoad],
            Self::Nightly => &[Files, EventFiles, HadPlays],
            Self::Changing => &[
                Files,
                EventFiles,
                SongFiles,
                ChangedFiles,
                ChangedEventFiles,
                ChangedSongFiles,
                TouchedFiles,
                HadPlays,
                ReplacedEvents,
                ReplacedSongs,
            ],
        };
        let found = [Unconfirmed, Rejects, RepeatedEvents, RepeatedSongs, ConflictingEvents];
        let mut facts = Facts::default();
        for fact in known.iter().copied().chain(found) {
            facts.set(fact, 1);
        }
        facts
    }
}

/// What the statements depend on.
#[derive(Debug, Clone, Default)]
pub struct ScriptOptions {
    /// How the load is done.
    pub load: LoadOptions,
    /// Which load it is.
    pub kind: LoadKind,
    /// What is known of a load into Redshift.
    pub redshift: RedshiftScript,
}

/// The statements of `create-tables` and of a load.
///
/// # Errors
///
/// [`crate::Error::Sql`] when a statement cannot be rendered.
pub fn script(library: &SqlLibrary, dialect: Dialect, options: &ScriptOptions) -> Result<Vec<ScriptPart>> {
    let (capabilities, facts) = (Capabilities::of(dialect), options.kind.facts());
    let parameters = placeholders(options);
    let mut script = Script { library, dialect, capabilities, options, facts, parameters, parts: Vec::new() };
    script.engine(Point::Connect)?;
    script.create_tables()?;
    for step in steps().iter().filter(|step| step.action != Action::Engine(Point::Connect)) {
        if script.facts.meet(step.when) {
            script.step(step)?;
        }
    }
    Ok(script.parts)
}

/// Parameters for every statement of the library: what a load would have, and placeholders such as `<run>` for
/// what is known only in a load.
#[must_use]
pub fn placeholders(options: &ScriptOptions) -> Value {
    let bounds =
        |what: &str| Some(Bounds { low: format!("<lowest {what}>"), high: format!("<highest {what}>") });
    let text = |text: &str| text.to_owned();
    let row_counts = counted_tables().into_iter().map(|table| RowCount {
        table: table.name.to_owned(),
        added: text("<rows added>"),
        removed: text("<rows removed>"),
        rows: text("<rows>"),
    });
    let record = RunRecord {
        run_id: text("<run>"),
        source: text("<source>"),
        match_rule: options.load.match_rule.name().to_owned(),
        files_loaded: text("<files loaded>"),
        records_read: text("<records read>"),
        records_staged: text("<records staged>"),
        records_rejected: text("<records rejected>"),
        records_duplicate: text("<records duplicate>"),
        matched_songplays: text("<matched songplays>"),
        tool_version: text(env!("CARGO_PKG_VERSION")),
        row_counts: row_counts.collect(),
    };
    let parameters = Parameters {
        sessions: bounds("session"),
        plays: bounds("play"),
        times: bounds("time"),
        ..Parameters::new(record, &options.kind.facts())
    };
    let copied = context! {
        table => "sparkify_run_events",
        model => "staging_events",
        column_list => column_list("sparkify_run_events"),
    };
    context! { ..copied, ..copy_placeholders(&options.redshift), ..parameters.value() }
}

struct Script<'a> {
    library: &'a SqlLibrary,
    dialect: Dialect,
    capabilities: Capabilities,
    options: &'a ScriptOptions,
    facts: Facts,
    parameters: Value,
    parts: Vec<ScriptPart>,
}

impl Script<'_> {
    fn add(&mut self, comment: impl Into<String>, sql: impl Into<String>) {
        self.parts.push(ScriptPart::Statement {
            comment: comment.into(),
            sql: sql.into(),
            connection: ScriptConnection::Load,
            by_engine: false,
        });
    }

    fn note(&mut self, note: &str) {
        self.parts.push(ScriptPart::Note(note.to_owned()));
    }

    fn engine(&mut self, point: Point) -> Result<()> {
        self.parts.extend(contributed(self.library, self.dialect, point, &self.options.redshift)?);
        Ok(())
    }

    /// A file of the library.
    fn file(&mut self, name: &str, when: &str) -> Result<()> {
        let sql = self.render(name)?;
        self.add(format!("{name}: {}{when}", self.library.file(name)?.purpose), sql);
        Ok(())
    }

    fn render(&self, name: &str) -> Result<String> {
        Ok(self.library.render(name, self.dialect, self.parameters.clone())?)
    }

    fn create_tables(&mut self) -> Result<()> {
        self.file("columns", ", for create-tables")?;
        self.file("owned_tables", ", for create-tables (when the table is there)")?;
        self.engine(Point::BeginCreating)?;
        for statement in tables::creation(self.dialect)? {
            self.add("create-tables, unless all of them are there", statement);
        }
        self.engine(Point::EndCreating)
    }

    fn step(&mut self, step: &Step) -> Result<()> {
        let when = step.when.comment();
        match step.action {
            Action::Engine(point) => self.engine(point)?,
            Action::VerifyTables => {
                self.file("columns", ", for a load")?;
                self.file("owned_tables", ", for a load")?;
            }
            Action::FindPublished => {
                let sql = statements::count_runs(self.dialect, "<run>")?;
                self.add(format!("whether the run is published{when}"), sql);
            }
            Action::CompareLedger => {
                self.note("here the source is listed");
                self.add("the files that were loaded before", statements::loaded_files());
                self.file("last_run", "")?;
            }
            Action::CreateRunTables => self.create_run_tables()?,
            Action::ReadFiles => self.read_files()?,
            Action::PrepareLedger => self.prepare_ledger()?,
            Action::Statement(effect) => {
                self.file(step.name, &when)?;
                if effect == Effect::Rematches {
                    // As in a load: these are plays of any session.
                    self.parameters = context! { plays => (), sessions => (), ..self.parameters.clone() };
                }
            }
            Action::Stage { staging, run } => {
                if self.capabilities.adopts_run_tables {
                    self.add(
                        format!("whether {staging} is empty (when the ledger says so)"),
                        statements::any_row(staging),
                    );
                    self.add(
                        format!("for the report (when {staging} is empty)"),
                        statements::count_rows(run),
                    );
                    for sql in statements::adopt_run_table(staging, run) {
                        let comment = format!(
                            "in the place of the next statement (when staging is empty; {staging} is then {run})"
                        );
                        self.add(comment, sql);
                    }
                }
                self.file(step.name, &when)?;
            }
            Action::ResolveConflicts => self.resolve_conflicts(&when)?,
            Action::DropIndexes | Action::CreateIndexes => {
                for sql in sql::indexes(step.action, self.dialect)? {
                    self.add(format!("{}{when}", step.name), sql);
                }
            }
            Action::Check => {
                for check in self.library.folder(Folder::Quality).iter().filter(|check| !check.only_on_demand)
                {
                    let tables = check.tables.as_ref().map(|tables| tables.join(" or "));
                    let when =
                        tables.map(|tables| format!(" (when the run changed {tables})")).unwrap_or_default();
                    let name = check.name.clone();
                    self.file(&name, &format!("; 0 if it holds{when}"))?;
                }
            }
            Action::DropRunTables => {
                let tables = self.run_tables();
                for sql in Step::drop_run_tables(tables.iter().map(|table| table.name), self.dialect)? {
                    self.add(format!("private to the load{when}"), sql);
                }
            }
        }
        Ok(())
    }

    fn create_run_tables(&mut self) -> Result<()> {
        self.file("owned_tables", ", for what an earlier load has left")?;
        self.engine(Point::BeginPreparing)?;
        self.note("here the tables that an earlier load has left are dropped");
        for sql in Step::create_run_tables(&self.run_tables(), &[], self.dialect, "<run>")? {
            self.add("private to the load", sql);
        }
        self.engine(Point::EndPreparing)
    }

    /// The tables that records are read into.
    fn record_tables(&self) -> Vec<(&'static str, &'static str)> {
        let made = self.run_tables();
        RunTables::RECORDS
            .into_iter()
            .filter(|(name, _)| made.iter().any(|table| table.name == *name))
            .collect()
    }

    fn run_tables(&self) -> Vec<Table> {
        sql::run_tables(|when| self.facts.meet(when))
    }

    fn read_files(&mut self) -> Result<()> {
        self.note(
            "here the files are read into sparkify_run_songs and sparkify_run_events, and those that changed\n\
             since they were loaded into sparkify_run_changed_songs and sparkify_run_changed_events",
        );
        if self.capabilities.copies_from_objects {
            self.note(
                "they are packed into files in S3, which are copied, two tables at a time;\n\
                 large files that are in S3 already are copied as they are (copy_objects)",
            );
        }
        for (table, _) in self.record_tables() {
            self.engine(Point::Fill(table))?;
        }
        if self.capabilities.copies_from_objects {
            self.inspect()?;
        }
        Ok(())
    }

    /// What COPY has taken is held against the rules of the model.
    fn inspect(&mut self) -> Result<()> {
        let when = " (when the files of a source were copied as they are)";
        for (table, model) in self.record_tables() {
            let parameters = context! { table, model, ..self.parameters.clone() };
            let sql = self.library.render("plain_zeros", self.dialect, parameters)?;
            self.add(format!("plain_zeros: {}{when}", self.library.file("plain_zeros")?.purpose), sql);
            for (name, rows) in [("broken_rules", ROWS_SHOWN), ("json_texts", TEXTS_SEEN)] {
                let parameters = context! { table, model, ..self.parameters.clone() };
                let sql = self.library.render(name, self.dialect, parameters)?;
                let purpose = &self.library.file(name)?.purpose;
                self.add(format!("{name}: {purpose}{when}"), sql::limited(&sql, rows));
            }
        }
        Ok(())
    }

    fn prepare_ledger(&mut self) -> Result<()> {
        self.note(
            "here what the ledger will say of the files is written to sparkify_run_loaded_files and\n\
             sparkify_run_file_times, and of the records that were set aside to sparkify_run_load_errors",
        );
        let made = self.run_tables();
        for name in ["sparkify_run_loaded_files", "sparkify_run_load_errors", "sparkify_run_file_times"] {
            if made.iter().any(|table| table.name == name) {
                self.engine(Point::Fill(name))?;
            }
        }
        Ok(())
    }

    /// Two different events with one key.
    fn resolve_conflicts(&mut self, when: &str) -> Result<()> {
        let keys = sql::limited(
            &self.render("conflicting_keys")?,
            self.options.load.max_errors.saturating_add(KEYS_SHOWN),
        );
        self.add(format!("conflicting_keys: the keys{when}"), keys);
        self.file("staged_conflicts", when)?;
        self.note("here the files are read again, to find the records");
        self.file("delete_conflicting_events", when)?;
        self.note("here the first delivery of each is written to sparkify_run_kept_events");
        self.engine(Point::FillPublishing("sparkify_run_kept_events"))?;
        self.note("here those that are set aside are written to sparkify_run_load_errors");
        self.engine(Point::FillPublishing("sparkify_run_load_errors"))?;
        self.file("count_rejected", when)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Condition;

    #[test]
    fn every_statement_of_the_plan_is_a_file_and_every_file_of_a_load_is_in_the_plan() {
        let library = SqlLibrary::embedded().unwrap();
        let mut names: Vec<_> = steps()
            .iter()
            .filter(|step| matches!(step.action, Action::Statement(_) | Action::Stage { .. }))
            .map(|step| step.name)
            .collect();
        names.extend([
            "conflicting_keys",
            "staged_conflicts",
            "delete_conflicting_events",
            "count_rejected",
            "last_run",
        ]);
        for folder in [Folder::Transform, Folder::Ledger] {
            for file in library.folder(folder) {
                assert!(names.contains(&file.name.as_str()), "{} is in no step", file.name);
            }
        }
        for name in names {
            assert!(library.file(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn every_run_table_has_a_condition() {
        assert_eq!(sql::run_tables(|_| true).len(), RunTables::all().len());
    }

    #[test]
    fn a_statement_that_finds_a_fact_comes_before_the_steps_that_need_it() {
        let found = |fact: Fact| {
            steps().iter().position(|step| {
                [Effect::Finds(fact), Effect::Replaces(fact)].map(Action::Statement).contains(&step.action)
            })
        };
        for (index, step) in steps().iter().enumerate() {
            let (Condition::If(facts) | Condition::FirstWith(facts) | Condition::Later(facts)) = step.when
            else {
                continue;
            };
            for position in facts.iter().filter_map(|fact| found(*fact)) {
                assert!(position < index, "{}", step.name);
            }
        }
    }
}
