//! The load: from a listing to a published state.

mod conflicts;
mod counts;
mod deliveries;
mod direct;
mod executor;
mod inspect;
mod ledger_rows;
mod records;
mod refused;
mod reread;
mod retry;
mod stopwatch;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde::Serialize;
use sparkify_schema::{
    Dialect,
    model::Table,
    sql::{SqlLibrary, context},
    statements,
};
use sparkify_warehouse::{Fill, LoadSession, Warehouse};

pub(crate) use self::{
    conflicts::KEYS_SHOWN,
    inspect::{ROWS_SHOWN, TEXTS_SEEN},
};
use self::{
    direct::CopiedFiles,
    executor::Executor,
    retry::{Earlier, Unconfirmed},
    stopwatch::Stopwatch,
};
pub use self::{direct::Pack, retry::Retries};
use crate::{
    Cancel, Error, FileCounts, Progress, RecordCounts, Result, RunReport,
    error::During,
    ledger::{Difference, of_kind},
    plan::{RunRecord, Step},
    reader::{FileOutcome, RecordReader, RejectLog, Stop},
    record::RecordShape,
    source::{FileKind, Source, SourceFile},
    tables::{left_by_loads, verify_tables},
};

/// How long a read of the source may take to end once the load is to stop.
const PATIENCE: Duration = Duration::from_millis(500);

/// How a play is matched with a song of the catalogue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MatchRule {
    /// Title, artist name and duration are equal.
    #[default]
    Exact,
    /// Title and artist name are equal.
    TitleArtist,
}

impl MatchRule {
    /// The name used on the command line, in SQL files and in the ledger.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::TitleArtist => "title-artist",
        }
    }
}

/// How to load.
#[derive(Debug, Clone, Default)]
pub struct LoadOptions {
    /// How plays are matched with songs.
    pub match_rule: MatchRule,
    /// How many bad records may be set aside before the load fails.
    pub max_errors: u64,
    /// Hash every file, also those whose size and time are as they were.
    pub verify_content: bool,
    /// What to do about a lost connection.
    pub retries: Retries,
    /// Whether the engine reads files itself.
    pub pack: Pack,
}

/// What stays the same during a load.
struct Run<'a> {
    id: String,
    warehouse: &'a dyn Warehouse,
    dialect: Dialect,
    source: Arc<dyn Source>,
    library: &'a SqlLibrary,
    options: &'a LoadOptions,
    progress: &'a Arc<Progress>,
    cancel: &'a Cancel,
    rejects: Arc<RejectLog>,
    /// Whether the engine has refused records of files that it read itself.
    refused_by_engine: AtomicBool,
}

/// A table of the run and the files that go into it.
#[derive(Clone)]
struct FileSet {
    table: &'static str,
    shape: Arc<RecordShape>,
    files: Arc<[SourceFile]>,
}

impl FileSet {
    fn has(&self, url: &str) -> bool {
        self.files.iter().any(|file| file.path == url)
    }
}

/// The files of a run, and what came of each.
#[derive(Default)]
struct Readers {
    read: Vec<Arc<RecordReader>>,
    copied: Vec<CopiedFiles>,
}

impl Readers {
    fn outcomes(&self) -> impl Iterator<Item = (&SourceFile, &FileOutcome)> {
        let copied = self.copied.iter().flat_map(|set| set.files.iter().zip(&set.outcomes));
        self.read.iter().flat_map(|reader| reader.outcomes()).chain(copied)
    }

    /// The records in all of the files.
    fn records(&self) -> u64 {
        self.outcomes().map(|(_, outcome)| outcome.records.load(Ordering::Relaxed)).sum()
    }

    /// The sets of files, each with the shape of its records.
    fn sets(&self) -> impl Iterator<Item = (Arc<RecordShape>, Arc<[SourceFile]>)> {
        let read = self.read.iter().map(|reader| (Arc::clone(reader.shape()), Arc::clone(reader.files())));
        let copied = self.copied.iter().map(|set| (Arc::clone(&set.shape), Arc::clone(&set.files)));
        read.chain(copied)
    }

    /// Counts a record of that file as set aside.
    fn note_reject(&self, path: &str) {
        for (_, outcome) in self.outcomes().filter(|(file, _)| file.path == path) {
            outcome.rejected.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Loads what is new or changed in the source and publishes it.
///
/// # Errors
///
/// See [`Error`]; whatever it is, the permanent tables are as they were before. (One exception: a commit
/// whose answer was lost may have taken place if no further attempt could find out; the error says so.)
pub async fn load(
    warehouse: &dyn Warehouse,
    source: Arc<dyn Source>,
    library: &SqlLibrary,
    options: &LoadOptions,
    progress: &Arc<Progress>,
    cancel: &Cancel,
) -> Result<RunReport> {
    let begin = Stopwatch::start();
    let packed = LoadOptions { pack: Pack::Always, ..options.clone() };
    let mut options = options;
    let mut earlier = Earlier::default();
    let mut attempt = 1;
    loop {
        let id = uuid::Uuid::now_v7();
        progress.begin_attempt(attempt);
        let run = Run {
            id: id.to_string(),
            warehouse,
            dialect: warehouse.dialect(),
            source: Arc::clone(&source),
            library,
            options,
            progress,
            cancel,
            rejects: Arc::new(RejectLog::new(options.max_errors)),
            refused_by_engine: AtomicBool::new(false),
        };
        match run.load(&mut earlier).await {
            Ok(mut report) => {
                report.attempts = attempt;
                (report.elapsed_ms, _) = begin.finish();
                return Ok(report);
            }
            // It may refuse what our reader takes, and says less about what neither takes.
            Err(error)
                if options.pack == Pack::Auto
                    && run.refused_by_engine.load(Ordering::Relaxed)
                    && !cancel.is_cancelled() =>
            {
                tracing::warn!(
                    "{error}, as the engine says, which has read the files itself; they are read here instead"
                );
                options = &packed;
            }
            Err(error)
                if attempt <= options.retries.count
                    && !cancel.is_cancelled()
                    && earlier.is_worth_another_attempt(&error, attempt) =>
            {
                let pause = options.retries.pause(attempt, id.as_u128() as u32);
                let reason = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
                tracing::warn!(
                    attempt,
                    reason,
                    "{error}; the load begins anew in {:.1} s (attempt {} of {})",
                    pause.as_secs_f64(),
                    attempt + 1,
                    options.retries.count + 1,
                );
                earlier.note(error);
                progress.begin("waiting to begin anew");
                retry::wait(pause, cancel).await;
                if cancel.is_cancelled() {
                    return Err(earlier.give_up(Error::Cancelled, attempt, cancel));
                }
                attempt += 1;
            }
            Err(error) => return Err(earlier.give_up(error, attempt, cancel)),
        }
    }
}

impl Run<'_> {
    /// One attempt.
    async fn load(&self, earlier: &mut Earlier) -> Result<RunReport> {
        let mut stopwatch = Stopwatch::start();
        verify_tables(self.warehouse, self.library).await?;
        earlier.reached = true;
        let mut session = self.warehouse.begin_load().await.during("beginning the load")?;
        let published = match self.published_earlier(session.as_mut(), earlier).await {
            Ok(published) => published,
            Err(error) => return Err(self.abort(session, error, &[]).await),
        };
        if let Some(report) = published {
            if let Err(error) = session.commit().await {
                tracing::debug!(%error, "a session with nothing to commit could not be ended");
            }
            self.progress.begin("done");
            return Ok(report);
        }
        let mut executor = Executor::new(self, session.as_mut(), &mut stopwatch);
        let done = executor.execute().await;
        let (mut report, made) = (executor.report, executor.made);
        if let Err(error) = done {
            return Err(self.abort(session, error, &made).await);
        }
        self.progress.begin("publishing");
        let committed = session.commit().await;
        stopwatch.lap("commit");
        (report.elapsed_ms, report.steps_ms) = stopwatch.finish();
        if committed.as_ref().is_err_and(sparkify_warehouse::Error::is_retryable) {
            earlier.unconfirmed = Some(Unconfirmed { report: report.clone(), error: None });
        }
        committed.during("publishing")?;
        self.progress.begin("done");
        Ok(report)
    }

    /// Undoes what was done, and returns the error that led here: it is the one to tell.
    async fn abort(&self, session: Box<dyn LoadSession>, error: Error, made: &[Table]) -> Error {
        let cleanup = if made.is_empty() {
            Ok(Vec::new())
        } else {
            Step::drop_run_tables(made.iter().map(|table| table.name), self.dialect)
        };
        let aborted = match cleanup {
            Ok(cleanup) => session.abort(cleanup).await.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = aborted {
            tracing::warn!(
                error,
                "the tables private to this run could not be dropped; the next run does so"
            );
        }
        error
    }

    /// The report of an earlier attempt whose commit got no answer, if it took place after all.
    async fn published_earlier(
        &self,
        session: &mut dyn LoadSession,
        earlier: &mut Earlier,
    ) -> Result<Option<RunReport>> {
        let Some(unconfirmed) = &earlier.unconfirmed else { return Ok(None) };
        let sql = statements::count_runs(self.dialect, &unconfirmed.report.run_id)?;
        let records = session.query(&sql).await.during("reading the ledger")?;
        let runs = records
            .integer(0, 0)
            .ok_or_else(|| Error::Internal("the number of runs in the ledger cannot be read".to_owned()))?;
        Ok(earlier.unconfirmed.take().filter(|_| runs > 0).map(|unconfirmed| unconfirmed.report))
    }

    fn empty_report(&self) -> RunReport {
        RunReport {
            run_id: self.id.clone(),
            source: self.source.location(),
            warehouse: self.warehouse.location(),
            match_rule: self.options.match_rule,
            files: FileCounts::default(),
            records: RecordCounts::default(),
            tables: std::collections::BTreeMap::new(),
            matched_songplays: 0,
            match_rate: None,
            checks: Vec::new(),
            attempts: 1,
            elapsed_ms: 0,
            steps_ms: Vec::new(),
        }
    }

    /// The tables that an earlier load has left behind.
    async fn tables_left(&self, session: &mut dyn LoadSession) -> Result<Vec<String>> {
        let sql = self.library.render("owned_tables", self.dialect, context! {})?;
        Ok(left_by_loads(&session.query(&sql).await.during("looking for tables of earlier loads")?))
    }

    /// What the ledger says of the run, without its counts.
    fn record(&self) -> RunRecord {
        RunRecord {
            run_id: self.id.clone(),
            source: self.source.location(),
            match_rule: self.options.match_rule.name().to_owned(),
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            ..RunRecord::default()
        }
    }

    /// Reads all files into the run's tables, and fails if there are too many bad records.
    async fn read_files(&self, session: &mut dyn LoadSession, difference: &Difference) -> Result<Readers> {
        self.progress.begin("reading");
        let to_load: Vec<_> = difference.files_to_load().collect();
        self.progress.expect(to_load.len() as u64, to_load.iter().map(|file| file.size).sum());
        let json_paths = self.unless_cancelled(self.source.json_paths()).await??;
        let events = Arc::new(RecordShape::events(json_paths.as_ref()));
        let songs = Arc::new(RecordShape::songs());
        let mut readers = Readers::default();
        let mut fill = Fill { progress: Some(Arc::clone(self.progress) as _), ..Fill::default() };
        let (mut sets, mut left_to_engine) = (Vec::new(), Vec::new());
        for (table, files, kind, shape) in [
            ("sparkify_run_songs", &difference.new, FileKind::Songs, &songs),
            ("sparkify_run_events", &difference.new, FileKind::Events, &events),
            ("sparkify_run_changed_songs", &difference.changed, FileKind::Songs, &songs),
            ("sparkify_run_changed_events", &difference.changed, FileKind::Events, &events),
        ] {
            let files = of_kind(files, kind);
            if files.is_empty() {
                continue;
            }
            let set = FileSet { table, shape: Arc::clone(shape), files };
            if self.reads_itself(session.reads_objects(), &set).await? {
                fill.objects.push(self.object_load(table, shape, &set.files)?);
                left_to_engine.push(set.clone());
            } else {
                let reader = self.reader(Arc::clone(shape), Arc::clone(&set.files));
                fill.tables.push((table.to_owned(), Arc::clone(&reader) as _));
                readers.read.push(reader);
            }
            sets.push(set);
        }
        let filled = tokio::select! {
            filled = session.fill(fill) => filled,
            () = self.no_answer(&readers.read) => return Err(Error::Cancelled),
        };
        let refused = !left_to_engine.is_empty()
            && matches!(filled, Err(sparkify_warehouse::Error::RecordsRefused { .. }));
        self.refused_by_engine.store(refused, Ordering::Relaxed);
        let filled = match filled {
            Ok(filled) => filled,
            Err(error) => return Err(self.not_written(error, &sets).await),
        };
        inspect::still_as_listed(self, &left_to_engine, &filled.objects).await?;
        for (set, loaded) in left_to_engine.into_iter().zip(&filled.objects) {
            readers.copied.push(self.copied(session, set, loaded).await?);
        }
        if self.rejects.count() > self.rejects.allowed() {
            return Err(self.bad_records(false));
        }
        Ok(readers)
    }

    /// Waits for something that does not ask about the wish to stop itself.
    async fn unless_cancelled<T>(&self, work: impl Future<Output = T>) -> Result<T> {
        tokio::select! {
            result = work => Ok(result),
            () = self.cancel.cancelled() => Err(Error::Cancelled),
        }
    }

    /// Returns when the load is to stop and the source does not answer, so that the engine cannot end.
    async fn no_answer(&self, readers: &[Arc<RecordReader>]) {
        self.cancel.cancelled().await;
        loop {
            tokio::time::sleep(PATIENCE).await;
            if readers.iter().any(|reader| reader.is_reading()) {
                return tracing::warn!("the source does not answer; what reads it is left behind");
            }
        }
    }

    fn reader(&self, shape: Arc<RecordShape>, files: Arc<[SourceFile]>) -> Arc<RecordReader> {
        Arc::new(RecordReader::new(
            self.source.as_ref(),
            shape,
            files,
            Arc::clone(&self.rejects),
            Arc::clone(self.progress),
            self.cancel.clone(),
        ))
    }

    /// The error of an append as the error of the load.
    async fn not_written(&self, error: sparkify_warehouse::Error, sets: &[FileSet]) -> Error {
        match error {
            sparkify_warehouse::Error::Source(source) => match source.downcast::<Stop>() {
                Ok(stop) => self.stopped(*stop),
                Err(source) => Error::Internal(source.to_string()),
            },
            sparkify_warehouse::Error::RecordsRefused { table, rejects, more } => {
                let rejects = self.refused(sets, &table, rejects).await;
                let count = rejects.len() as u64;
                Error::BadRecords { rejects, count, more, allowed: self.rejects.allowed() }
            }
            error => Error::from_warehouse("writing the records", error),
        }
    }

    fn stopped(&self, stop: Stop) -> Error {
        match stop {
            Stop::TooManyRejects => self.bad_records(true),
            stop => stop.into(),
        }
    }

    fn bad_records(&self, more: bool) -> Error {
        let rejects = self.rejects.sorted();
        Error::BadRecords { count: rejects.len() as u64, rejects, more, allowed: self.rejects.allowed() }
    }
}

#[cfg(test)]
mod tests;
