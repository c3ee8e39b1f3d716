//! What a load is doing, for those who watch it.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
};

use sparkify_warehouse::{CopyProgress, Copying};
use tokio::sync::Notify;

/// The step of an engine that reads files itself.
const COPYING: &str = "copying";

/// How far a load has come. Shared between the load and whoever shows it; reading it costs nothing.
#[derive(Debug, Default)]
pub struct Progress {
    step: Mutex<&'static str>,
    attempt: AtomicU32,
    files_total: AtomicU64,
    files: AtomicU64,
    bytes_total: AtomicU64,
    bytes: AtomicU64,
    records: AtomicU64,
    /// What the engine reads itself, by table.
    copying: Mutex<BTreeMap<String, Copying>>,
    /// What is read a second time, with counts of its own.
    again: Mutex<Option<Arc<Progress>>>,
}

impl Progress {
    /// What is being done, in a word or two.
    pub fn step(&self) -> &'static str {
        *lock(&self.step)
    }

    /// Which attempt this is: 1, or more if the connection was lost.
    pub fn attempt(&self) -> u32 {
        self.attempt.load(Ordering::Relaxed)
    }

    /// Files read, and files to read: in all, or of those that are read again just now.
    pub fn files(&self) -> (u64, u64) {
        if let Some(again) = self.again() {
            return again.files();
        }
        (self.files.load(Ordering::Relaxed), self.files_total.load(Ordering::Relaxed))
    }

    /// Stored bytes read, and to read, of the same files.
    pub fn bytes(&self) -> (u64, u64) {
        if let Some(again) = self.again() {
            return again.bytes();
        }
        (self.bytes.load(Ordering::Relaxed), self.bytes_total.load(Ordering::Relaxed))
    }

    /// Records read, of the same files.
    pub fn records(&self) -> u64 {
        if let Some(again) = self.again() {
            return again.records();
        }
        self.records.load(Ordering::Relaxed)
    }

    /// How far the engine is with the files that it reads itself, all tables together; `None` unless it does so.
    #[must_use]
    pub fn copying(&self) -> Option<Copying> {
        let tables = lock(&self.copying);
        if tables.is_empty() || self.step() != COPYING {
            return None;
        }
        let mut all = Copying::default();
        for table in tables.values() {
            all.rows += table.rows;
            all.bytes += table.bytes;
            all.files += table.files;
            all.files_total += table.files_total;
        }
        all.table = tables.keys().cloned().collect::<Vec<_>>().join(", ");
        Some(all)
    }

    pub(crate) fn begin(&self, step: &'static str) {
        if std::mem::replace(&mut *lock(&self.step), step) != step {
            tracing::info!(step);
        }
    }

    fn again(&self) -> Option<Arc<Self>> {
        lock(&self.again).clone()
    }

    /// Begins a step that reads so many files and bytes again. The step before it goes on afterwards.
    pub(crate) fn begin_again(self: &Arc<Self>, step: &'static str, files: u64, bytes: u64) -> Again {
        let progress = Arc::new(Self::default());
        progress.expect(files, bytes);
        *lock(&self.again) = Some(Arc::clone(&progress));
        let before = self.step();
        self.begin(step);
        Again { of: Arc::clone(self), before, progress }
    }

    /// Begins at nothing again.
    pub(crate) fn begin_attempt(&self, attempt: u32) {
        self.attempt.store(attempt, Ordering::Relaxed);
        lock(&self.copying).clear();
        for count in [&self.files_total, &self.files, &self.bytes_total, &self.bytes, &self.records] {
            count.store(0, Ordering::Relaxed);
        }
    }

    pub(crate) fn expect(&self, files: u64, bytes: u64) {
        self.files_total.store(files, Ordering::Relaxed);
        self.bytes_total.store(bytes, Ordering::Relaxed);
    }

    pub(crate) fn add_file(&self) {
        self.files.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn add_bytes(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn add_records(&self, records: u64) {
        self.records.fetch_add(records, Ordering::Relaxed);
    }
}

/// A step that reads files again, until it is dropped.
#[derive(Debug)]
pub(crate) struct Again {
    of: Arc<Progress>,
    before: &'static str,
    pub(crate) progress: Arc<Progress>,
}

impl Drop for Again {
    fn drop(&mut self) {
        *lock(&self.of.again) = None;
        self.of.begin(self.before);
    }
}

impl CopyProgress for Progress {
    fn copying(&self, state: &Copying) {
        lock(&self.copying).insert(state.table.clone(), state.clone());
        self.begin(COPYING);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A wish to stop, shared between threads.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<Wish>);

#[derive(Debug, Default)]
struct Wish {
    uttered: AtomicBool,
    heard: Notify,
}

impl Cancel {
    /// Asks the load to stop.
    pub fn cancel(&self) {
        self.0.uttered.store(true, Ordering::SeqCst);
        self.0.heard.notify_waiters();
    }

    /// Whether it was asked to.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.uttered.load(Ordering::SeqCst)
    }

    /// Waits until it is asked to.
    pub async fn cancelled(&self) {
        let heard = self.0.heard.notified();
        tokio::pin!(heard);
        // Before the look at the wish: one that is uttered in between is heard.
        heard.as_mut().enable();
        if !self.is_cancelled() {
            heard.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_engine_reads_itself_is_summed_up_over_its_tables_while_it_does_so() {
        let progress = Progress::default();
        progress.begin("reading");
        assert_eq!(progress.copying(), None);
        let table = |table: &str, rows, files| Copying {
            table: table.to_owned(),
            rows,
            bytes: 10 * rows,
            files,
            files_total: 4,
        };
        for state in [
            table("sparkify_run_events", 5, 1),
            table("sparkify_run_songs", 1, 0),
            table("sparkify_run_events", 8, 2),
        ] {
            CopyProgress::copying(&progress, &state);
        }
        assert_eq!(progress.step(), "copying");
        let all = progress.copying().unwrap();
        assert_eq!((all.rows, all.bytes, all.files, all.files_total), (9, 90, 2, 8));
        progress.begin("transforming");
        assert_eq!(progress.copying(), None);
    }

    #[test]
    fn what_is_read_again_has_a_step_and_counts_of_its_own_and_changes_no_others() {
        let progress = Arc::new(Progress::default());
        progress.begin("transforming");
        progress.expect(7, 700);
        progress.add_file();
        progress.add_bytes(100);
        progress.add_records(10);
        let again = progress.begin_again("reading again", 2, 50);
        assert_eq!((progress.step(), progress.files(), progress.bytes()), ("reading again", (0, 2), (0, 50)));
        again.progress.add_file();
        again.progress.add_bytes(20);
        again.progress.add_records(3);
        assert_eq!((progress.files(), progress.bytes(), progress.records()), ((1, 2), (20, 50), 3));
        drop(again);
        assert_eq!((progress.step(), progress.files()), ("transforming", (1, 7)));
        assert_eq!((progress.bytes(), progress.records()), ((100, 700), 10));
    }
}
