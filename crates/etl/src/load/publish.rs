//! The publish transaction: from the run's tables to staging, star and ledger.

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering},
};

use sparkify_schema::{
    Dialect,
    model::{load_errors, loaded_files, tables},
    sql::{Condition, context, transform_steps},
    statements,
};
use sparkify_warehouse::{BatchSource, Fill, LoadSession};

use super::{
    Readers, Run, conflicts,
    records::{Batches, Rows},
};
use crate::{
    Error, RecordCounts, Result, RunReport, error::During, ledger::Difference, record::Reject,
    source::SourceFile,
};

/// Runs the transforms.
pub(super) struct Publisher<'a, 'run> {
    run: &'a Run<'run>,
    readers: &'a Readers,
    session: &'a mut dyn LoadSession,
    /// The table that has this run's events: the run's own, or staging once it has taken its place.
    batch_events: &'static str,
    batch_songs: &'static str,
}

impl<'a, 'run> Publisher<'a, 'run> {
    pub(super) fn new(run: &'a Run<'run>, readers: &'a Readers, session: &'a mut dyn LoadSession) -> Self {
        Self { run, readers, session, batch_events: "batch_events", batch_songs: "batch_songs" }
    }

    pub(super) async fn run(
        mut self,
        difference: &Difference,
        rule_changed: bool,
        counts: &mut RecordCounts,
    ) -> Result<()> {
        let mut repeated_events = 0;
        let mut repeated_songs = 0;
        let had_plays = self.count("songplays").await? > 0;
        let mut removed = 0;
        let mut songs = 0;
        for step in transform_steps() {
            let needed = match step.condition {
                Condition::Always => true,
                Condition::ChangedFiles => !difference.changed.is_empty(),
                Condition::RepeatedEvents => repeated_events > 0,
                Condition::RepeatedSongs => repeated_songs > 0,
                Condition::Rematch => had_plays && (rule_changed || songs > 0 || counts.replaced > 0),
            };
            if !needed {
                continue;
            }
            if self.run.cancel.is_cancelled() {
                return Err(Error::Cancelled);
            }
            match step.name {
                "conflicting_events" => {
                    let sql = self.render(step.name, rule_changed)?;
                    removed += conflicts::resolve(self.run, self.readers, self.session, &sql).await?;
                    continue;
                }
                "stage_events" => {
                    counts.staged += self.count("batch_events").await?;
                    if self.adopt("staging_events", "batch_events").await? {
                        self.batch_events = "staging_events";
                        continue;
                    }
                }
                "stage_songs" => {
                    songs = self.count("batch_songs").await?;
                    counts.staged += songs;
                    if self.adopt("staging_songs", "batch_songs").await? {
                        self.batch_songs = "staging_songs";
                        continue;
                    }
                }
                _ => {}
            }
            let sql = self.render(step.name, rule_changed)?;
            let begin = std::time::Instant::now();
            let rows = self.session.execute(&sql).await.during(format!("transform {}", step.name))?;
            tracing::debug!(step = step.name, rows, elapsed = ?begin.elapsed());
            match step.name {
                "find_repeated_events" => repeated_events = rows,
                "find_repeated_songs" => repeated_songs = rows,
                "delete_repeated_events" | "delete_repeated_songs" => removed += rows,
                "add_kept_events" | "add_kept_songs" => removed -= rows,
                "find_replaced_events" | "find_replaced_songs" => counts.replaced += rows,
                _ => {}
            }
        }
        counts.duplicate = removed;
        self.reconcile(counts)
    }

    /// Nothing vanishes: each record that was read is staged, set aside, or a duplicate.
    fn reconcile(&self, counts: &mut RecordCounts) -> Result<()> {
        counts.read = self.readers.records();
        counts.rejected = self.run.rejects.count();
        if counts.read == counts.staged + counts.rejected + counts.duplicate {
            return Ok(());
        }
        Err(Error::Unreconciled(format!(
            "{} records were read, and {} staged + {} set aside + {} duplicates are {}",
            counts.read,
            counts.staged,
            counts.rejected,
            counts.duplicate,
            counts.staged + counts.rejected + counts.duplicate
        )))
    }

    /// Lets the batch take the place of an empty staging table, where the engine gains by it.
    async fn adopt(&mut self, staging: &'static str, batch: &'static str) -> Result<bool> {
        if !self.run.dialect.adopts_batch_as_staging() || self.count(staging).await? > 0 {
            return Ok(false);
        }
        for sql in statements::adopt_batch(staging, batch) {
            self.session.execute(&sql).await.during("putting the batch in the place of staging")?;
        }
        Ok(true)
    }

    fn render(&self, name: &str, rematch_all: bool) -> Result<String> {
        let parameters = context! {
            batch_events => self.batch_events,
            batch_songs => self.batch_songs,
            match_rule => self.run.options.match_rule.name(),
            rematch_all,
        };
        Ok(self.run.library.render(name, self.run.dialect, parameters)?)
    }

    async fn count(&mut self, table: &str) -> Result<u64> {
        count(self.session, table).await
    }
}

async fn count(session: &mut dyn LoadSession, table: &str) -> Result<u64> {
    let records = session.query(&statements::count_rows(table)).await.during(format!("counting {table}"))?;
    Ok(records.integer(0, 0).and_then(|count| u64::try_from(count).ok()).unwrap_or_default())
}

/// The match rule of the last run that published.
pub(super) async fn last_match_rule(session: &mut dyn LoadSession) -> Result<Option<String>> {
    let records = session.query(&statements::last_match_rule()).await.during("reading the ledger")?;
    Ok(records.text(0, 0))
}

/// Whether the ledger has a run, which means that it was published.
pub(super) async fn was_published(
    session: &mut dyn LoadSession,
    dialect: Dialect,
    run_id: &str,
) -> Result<bool> {
    let sql = statements::count_runs(dialect, run_id)?;
    let records = session.query(&sql).await.during("reading the ledger")?;
    Ok(records.integer(0, 0).is_some_and(|runs| runs > 0))
}

/// Fills in the rows of each table and the match rate.
pub(super) async fn count_tables(session: &mut dyn LoadSession, report: &mut RunReport) -> Result<()> {
    for table in tables() {
        let rows = count(session, table.name).await?;
        report.tables.insert(table.name.to_owned(), i64::try_from(rows).unwrap_or(i64::MAX));
    }
    let matched = session.query(&statements::count_matched_songplays()).await.during("counting matches")?;
    report.matched_songplays = matched.integer(0, 0).unwrap_or_default();
    let plays = report.tables.get("songplays").copied().unwrap_or_default();
    report.match_rate = (plays > 0).then(|| report.matched_songplays as f64 / plays as f64);
    Ok(())
}

/// Notes the new times of files whose content is as it was.
pub(super) async fn update_times(
    session: &mut dyn LoadSession,
    dialect: Dialect,
    files: &[SourceFile],
) -> Result<()> {
    for file in files {
        let Some(modified_ns) = file.modified_ns else { continue };
        let sql = statements::note_file_time(dialect, &file.path, modified_ns)?;
        session.execute(&sql).await.during("writing the ledger")?;
    }
    Ok(())
}

/// Puts aside what the ledger will say of the files and of the records that were set aside, in tables of the
/// run's own: what is to be uploaded for that is uploaded before the transaction that others wait for.
pub(super) async fn put_ledger_aside(
    run: &Run<'_>,
    session: &mut dyn LoadSession,
    readers: &Readers,
) -> Result<()> {
    let mut tables: Vec<(String, Arc<dyn BatchSource>)> = Vec::new();
    let mut files = Rows::new(loaded_files());
    for (file, outcome) in readers.outcomes() {
        let hash = outcome
            .content_hash
            .get()
            .ok_or_else(|| Error::Unreconciled(format!("{} was not read to its end", file.path)))?;
        files
            .text(&file.path)
            .text(file.kind.name())
            .integer(Some(integer(file.size)))
            .integer(file.modified_ns)
            .text(hash)
            .integer(Some(integer(outcome.records.load(Ordering::Relaxed))))
            .integer(Some(integer(outcome.rejected.load(Ordering::Relaxed))))
            .text(&run.id);
    }
    if readers.outcomes().next().is_some() {
        tables.push(("batch_loaded_files".to_owned(), Arc::new(files.finish()?)));
    }
    let rejects = run.rejects.sorted();
    if !rejects.is_empty() {
        tables.push(("batch_load_errors".to_owned(), Arc::new(errors(run, &rejects)?)));
    }
    if !tables.is_empty() {
        let fill = Fill { tables, ..Fill::default() };
        session.fill(fill).await.during("preparing the ledger")?;
    }
    Ok(())
}

/// The same for records that are set aside only now, while the run publishes.
pub(super) async fn put_rejects_aside(
    run: &Run<'_>,
    session: &mut dyn LoadSession,
    readers: &Readers,
    rejects: &[Reject],
) -> Result<()> {
    session
        .append("batch_load_errors", Arc::new(errors(run, rejects)?))
        .await
        .during("preparing the ledger")?;
    let paths: BTreeSet<_> = rejects.iter().map(|reject| reject.path.as_str()).collect();
    for (file, outcome) in readers.outcomes().filter(|(file, _)| paths.contains(file.path.as_str())) {
        let rejected = outcome.rejected.load(Ordering::Relaxed);
        let sql = statements::note_rejected(run.dialect, &file.path, rejected)?;
        session.execute(&sql).await.during("preparing the ledger")?;
    }
    Ok(())
}

/// Rows of `load_errors`.
fn errors(run: &Run<'_>, rejects: &[Reject]) -> Result<Batches> {
    let mut rows = Rows::new(load_errors());
    for reject in rejects {
        rows.text(&run.id)
            .text(&reject.path)
            .integer(Some(integer(reject.line)))
            .integer(Some(integer(reject.column)))
            .optional_text(reject.field.as_deref())
            .text(&reject.reason.to_string())
            .text(&reject.value);
    }
    rows.finish()
}

fn integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Writes what was loaded and what was set aside.
pub(super) async fn write_ledger(
    run: &Run<'_>,
    session: &mut dyn LoadSession,
    difference: &Difference,
    report: &RunReport,
) -> Result<()> {
    update_times(session, run.dialect, &difference.touched).await?;
    for file in &difference.changed {
        let sql = statements::forget_file(run.dialect, &file.path)?;
        session.execute(&sql).await.during("writing the ledger")?;
    }
    session.execute(&statements::add_to_ledger(loaded_files())).await.during("writing the ledger")?;
    if run.rejects.count() > 0 {
        session.execute(&statements::add_to_ledger(load_errors())).await.during("writing load_errors")?;
    }
    let parameters = context! {
        run_id => &run.id,
        source => &report.source,
        match_rule => run.options.match_rule.name(),
        files_loaded => report.files.loaded,
        records_read => report.records.read,
        records_staged => report.records.staged,
        records_rejected => report.records.rejected,
        records_duplicate => report.records.duplicate,
        tool_version => env!("CARGO_PKG_VERSION"),
    };
    let sql = run.library.render("insert_load_run", run.dialect, parameters)?;
    session.execute(&sql).await.during("writing the ledger")?;
    Ok(())
}
