//! Walks the steps of the plan.

use std::collections::BTreeSet;

use sparkify_schema::{model::Table, statements};
use sparkify_warehouse::{LoadSession, script::Point};

use super::{Readers, Run, conflicts, counts::TableCounts, ledger_rows, stopwatch::Stopwatch};
use crate::{
    Error, RecordCounts, Result, RunReport,
    error::During,
    ledger::{Difference, Ledger, of_kind},
    plan::{self, Action, Bounds, Effect, Fact, Facts, Parameters, RunRecord, Step, steps},
    quality,
    source::FileKind,
};

/// What a load has come to know so far.
pub(super) struct Executor<'a, 'r> {
    run: &'a Run<'r>,
    session: &'a mut dyn LoadSession,
    stopwatch: &'a mut Stopwatch,
    facts: Facts,
    difference: Difference,
    readers: Readers,
    pub(super) report: RunReport,
    counts: TableCounts,
    parameters: Parameters,
    /// The tables that the run has made for itself.
    pub(super) made: Vec<Table>,
    /// Permanent tables in which rows were added, removed or changed.
    changed: BTreeSet<&'static str>,
    /// Deliveries of what came before, less the one of each that stays.
    repeated: i64,
    matched_before: i64,
}

impl<'a, 'r> Executor<'a, 'r> {
    pub(super) fn new(
        run: &'a Run<'r>,
        session: &'a mut dyn LoadSession,
        stopwatch: &'a mut Stopwatch,
    ) -> Self {
        let facts = Facts::default();
        Self {
            parameters: Parameters::new(RunRecord::default(), &facts),
            report: run.empty_report(),
            run,
            session,
            stopwatch,
            facts,
            difference: Difference::default(),
            readers: Readers::default(),
            counts: TableCounts::default(),
            made: Vec::new(),
            changed: BTreeSet::new(),
            repeated: 0,
            matched_before: 0,
        }
    }

    /// Runs every step between the begin of the load and its commit.
    pub(super) async fn execute(&mut self) -> Result<()> {
        let begun = steps().iter().skip_while(|step| step.action != Action::Engine(Point::Begin)).skip(1);
        for step in begun {
            if step.action == Action::Engine(Point::Commit) {
                break;
            }
            if !self.facts.meet(step.when) {
                continue;
            }
            if self.run.cancel.is_cancelled() {
                return Err(Error::Cancelled);
            }
            self.step(step).await?;
        }
        self.counts.report(&mut self.report);
        Ok(())
    }

    async fn step(&mut self, step: &Step) -> Result<()> {
        match step.action {
            Action::CompareLedger => self.compare_ledger().await?,
            Action::CreateRunTables => self.create_run_tables().await?,
            Action::ReadFiles => {
                self.readers = self.run.read_files(self.session, &self.difference).await?;
            }
            Action::PrepareLedger => {
                let work =
                    ledger_rows::prepare(self.run, self.session, &self.readers, &self.difference.touched);
                work.await?;
                self.stopwatch.lap("read");
                self.run.progress.begin("transforming");
            }
            Action::Engine(Point::Publish) => self.session.publish().await.during("beginning to publish")?,
            Action::Statement(effect) => self.statement(step.name, effect).await?,
            Action::Stage { staging, run } => self.stage(step.name, staging, run).await?,
            Action::ResolveConflicts => {
                let sql = conflicts::Sql::render(self.run, &self.parameters)?;
                let set_aside = conflicts::resolve(self.run, &self.readers, self.session, &sql).await?;
                self.repeated -= i64::try_from(set_aside).unwrap_or(i64::MAX);
            }
            Action::DropIndexes | Action::CreateIndexes => {
                for sql in plan::indexes(step.action, self.run.dialect)? {
                    self.session.execute(&sql).await.during(step.name)?;
                }
            }
            Action::Check => self.check().await?,
            Action::DropRunTables => {
                let names = self.made.iter().map(|table| table.name);
                for sql in Step::drop_run_tables(names, self.run.dialect)? {
                    self.session.execute(&sql).await.during("dropping the run's tables")?;
                }
                self.stopwatch.lap("ledger");
            }
            // These are done by the attempt, which has the session.
            Action::Engine(_) | Action::VerifyTables | Action::FindPublished => {}
        }
        Ok(())
    }

    /// Lists the source under the lock of the load, so that the list does not age.
    async fn compare_ledger(&mut self) -> Result<()> {
        let run = self.run;
        run.progress.begin("listing files");
        let listing = run.unless_cancelled(run.source.list()).await??;
        self.report.files.found = listing.len() as u64;
        self.stopwatch.lap("list");
        let ledger = Ledger::read(self.session).await?;
        self.difference =
            ledger.compare(&run.source, listing, run.options.verify_content, run.cancel).await?;
        let sql = self.render("last_run")?;
        let last = self.session.query(&sql).await.during("reading the ledger")?;
        self.counts = TableCounts::of_last_run(&last)?;
        self.note_facts();
        self.stopwatch.lap("compare");
        Ok(())
    }

    fn note_facts(&mut self) {
        let Difference { new, changed, unchanged, touched } = &self.difference;
        let of = |kind| (of_kind(new, kind).len() + of_kind(changed, kind).len()) as u64;
        let changed_of = |kind| of_kind(changed, kind).len() as u64;
        let rule = self.run.options.match_rule.name();
        for (fact, count) in [
            (Fact::Files, (new.len() + changed.len()) as u64),
            (Fact::EventFiles, of(FileKind::Events)),
            (Fact::SongFiles, of(FileKind::Songs)),
            (Fact::ChangedFiles, changed.len() as u64),
            (Fact::ChangedEventFiles, changed_of(FileKind::Events)),
            (Fact::ChangedSongFiles, changed_of(FileKind::Songs)),
            (Fact::TouchedFiles, touched.len() as u64),
            (Fact::RuleChanged, self.counts.last_rule().is_some_and(|last| last != rule).into()),
            (Fact::FirstLoad, self.counts.all_empty().into()),
            (Fact::HadPlays, self.counts.rows("songplays")),
        ] {
            self.facts.set(fact, count);
        }
        self.report.files.loaded = (new.len() + changed.len()) as u64;
        self.report.files.changed = changed.len() as u64;
        self.report.files.skipped = *unchanged;
        self.parameters = Parameters::new(self.run.record(), &self.facts);
    }

    async fn create_run_tables(&mut self) -> Result<()> {
        let run = self.run;
        let left = run.tables_left(self.session).await?;
        let tables = plan::run_tables(|when| self.facts.meet(when));
        let sql = Step::create_run_tables(&tables, &left, run.dialect, &run.id)?;
        self.session.prepare(sql).await.during("creating the run's tables")?;
        self.made = tables;
        Ok(())
    }

    fn render(&self, name: &str) -> Result<String> {
        Ok(self.run.library.render(name, self.run.dialect, self.parameters.value())?)
    }

    async fn statement(&mut self, name: &'static str, effect: Effect) -> Result<()> {
        if effect == Effect::Records {
            self.complete_counts();
        }
        let sql = self.render(name)?;
        match effect {
            Effect::Measures => return self.measure(&sql).await,
            Effect::MatchedBefore => self.matched_before = self.number(&sql, name).await?,
            Effect::MatchedAfter => {
                let before = std::mem::take(&mut self.matched_before);
                let after = self.number(&sql, name).await?;
                self.counts.matched += after - before;
            }
            _ => {
                let begin = std::time::Instant::now();
                let rows = self.session.execute(&sql).await.during(format!("transform {name}"))?;
                tracing::debug!(step = name, rows, elapsed = ?begin.elapsed());
                self.count(effect, rows);
            }
        }
        Ok(())
    }

    fn count(&mut self, effect: Effect, rows: u64) {
        let signed = i64::try_from(rows).unwrap_or(i64::MAX);
        match effect {
            Effect::Prepares
            | Effect::Measures
            | Effect::MatchedBefore
            | Effect::MatchedAfter
            | Effect::Records => {}
            // These are plays of any session.
            Effect::Rematches => (self.parameters.plays, self.parameters.sessions) = (None, None),
            Effect::Finds(fact) => self.facts.set(fact, rows),
            Effect::Replaces(fact) => {
                self.facts.set(fact, rows);
                self.report.records.replaced += rows;
            }
            Effect::Repeats => self.repeated += signed,
            Effect::Keeps => self.repeated -= signed,
            Effect::Adds(table) => self.note(table, rows, 0),
            Effect::Removes(table) => self.note(table, 0, rows),
            Effect::Changes(table) => {
                if rows > 0 {
                    self.changed.insert(table);
                }
            }
        }
    }

    fn note(&mut self, table: &'static str, added: u64, removed: u64) {
        if added > 0 || removed > 0 {
            self.changed.insert(table);
        }
        self.counts.note(table, added, removed);
    }

    /// Which sessions and times the run touches.
    async fn measure(&mut self, sql: &str) -> Result<()> {
        let found = self.session.query(sql).await.during("transform measure_events")?;
        let bounds = |column: usize| Some((found.integer(0, column)?, found.integer(0, column + 1)?));
        if let Some((low, high)) = bounds(0) {
            self.parameters.sessions = Some(Bounds::new(low, high));
            let key = |session: i64, item| session.saturating_mul(ITEMS_PER_SESSION).saturating_add(item);
            let plays = Bounds::new(key(low, 0), key(high, ITEMS_PER_SESSION - 1));
            self.parameters.plays = Some(plays);
        }
        self.parameters.times = bounds(2).map(|(low, high)| Bounds::new(low, high));
        Ok(())
    }

    async fn number(&mut self, sql: &str, step: &str) -> Result<i64> {
        let found = self.session.query(sql).await.during(format!("transform {step}"))?;
        found.integer(0, 0).ok_or_else(|| Error::Internal("a count is not a number".to_owned()))
    }

    /// Adds the run's rows to staging.
    async fn stage(&mut self, name: &str, staging: &'static str, run: &'static str) -> Result<()> {
        let rows = if self.can_adopt(staging).await? {
            let rows = self.number(&statements::count_rows(run), name).await?;
            for sql in statements::adopt_run_table(staging, run) {
                self.session.execute(&sql).await.during("putting the run's table in the place of staging")?;
            }
            match staging {
                "staging_events" => self.parameters.events = staging,
                _ => self.parameters.songs = staging,
            }
            u64::try_from(rows).unwrap_or_default()
        } else {
            self.session.execute(&self.render(name)?).await.during(format!("transform {name}"))?
        };
        self.report.records.staged += rows;
        self.note(staging, rows, 0);
        Ok(())
    }

    /// Whether the run's table may take the place of staging: what cannot be read counts as rows.
    async fn can_adopt(&mut self, staging: &str) -> Result<bool> {
        if !self.run.warehouse.capabilities().adopts_run_tables || self.counts.rows(staging) > 0 {
            return Ok(false);
        }
        let found = self.session.query(&statements::any_row(staging)).await.during("looking into staging")?;
        Ok(found.row_count() == 0)
    }

    async fn check(&mut self) -> Result<()> {
        self.complete_records()?;
        self.stopwatch.lap("transform");
        self.run.progress.begin("checking");
        let run = self.run;
        self.report.checks = quality::check_session(
            self.session,
            run.library,
            run.dialect,
            &self.parameters.value(),
            &self.changed,
        )
        .await?;
        let failed: Vec<_> = self.report.checks.iter().filter(|check| !check.holds()).cloned().collect();
        if !failed.is_empty() {
            return Err(Error::Quality { failed });
        }
        self.facts.set(Fact::Rejects, run.rejects.count());
        self.stopwatch.lap("check");
        Ok(())
    }

    /// Nothing vanishes: each record that was read is staged, set aside, or a duplicate.
    fn complete_records(&mut self) -> Result<()> {
        let counts = &mut self.report.records;
        counts.read = self.readers.records();
        counts.rejected = self.run.rejects.count();
        counts.duplicate = u64::try_from(self.repeated).unwrap_or_default();
        let RecordCounts { read, staged, rejected, duplicate, .. } = *counts;
        if read == staged + rejected + duplicate {
            return Ok(());
        }
        Err(Error::Unreconciled(format!(
            "{read} records were read, and {staged} staged + {rejected} set aside + {duplicate} duplicates are {}",
            staged + rejected + duplicate
        )))
    }

    /// What the ledger will say of the run.
    fn complete_counts(&mut self) {
        self.counts.note("load_runs", 1, 0);
        let (files, records) = (&self.report.files, &self.report.records);
        let run = &mut self.parameters.run;
        run.files_loaded = files.loaded.to_string();
        run.records_read = records.read.to_string();
        run.records_staged = records.staged.to_string();
        run.records_rejected = records.rejected.to_string();
        run.records_duplicate = records.duplicate.to_string();
        run.matched_songplays = self.counts.matched.to_string();
        run.row_counts = self.counts.rows_of_ledger();
    }
}

/// The positions in a session, by which the key of a play is made.
const ITEMS_PER_SESSION: i64 = 1_048_576;
