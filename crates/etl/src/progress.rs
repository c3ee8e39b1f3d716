//! What a load is doing, for those who watch it.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
};

use tokio::sync::Notify;

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
}

impl Progress {
    /// What is being done, in a word or two.
    pub fn step(&self) -> &'static str {
        *self.step.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Which attempt this is: 1, or more if the connection was lost.
    pub fn attempt(&self) -> u32 {
        self.attempt.load(Ordering::Relaxed)
    }

    /// Files read, and files to read.
    pub fn files(&self) -> (u64, u64) {
        (self.files.load(Ordering::Relaxed), self.files_total.load(Ordering::Relaxed))
    }

    /// Stored bytes read, and to read.
    pub fn bytes(&self) -> (u64, u64) {
        (self.bytes.load(Ordering::Relaxed), self.bytes_total.load(Ordering::Relaxed))
    }

    /// Records read.
    pub fn records(&self) -> u64 {
        self.records.load(Ordering::Relaxed)
    }

    pub(crate) fn begin(&self, step: &'static str) {
        *self.step.lock().unwrap_or_else(PoisonError::into_inner) = step;
        tracing::info!(step);
    }

    /// Begins at nothing again.
    pub(crate) fn begin_attempt(&self, attempt: u32) {
        self.attempt.store(attempt, Ordering::Relaxed);
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
