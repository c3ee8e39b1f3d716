//! How far a run is, and the wish to stop it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::Error;

/// Counters that a run updates and others may read, and a flag to stop it.
#[derive(Debug, Default)]
pub struct Progress {
    events: AtomicU64,
    files: AtomicU64,
    done_permille: AtomicU64,
    cancelled: AtomicBool,
}

impl Progress {
    /// Events written so far.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.events.load(Ordering::Relaxed)
    }

    /// Files finished so far.
    #[must_use]
    pub fn files(&self) -> u64 {
        self.files.load(Ordering::Relaxed)
    }

    /// How much of the time that the log covers is written, in thousandths.
    #[must_use]
    pub fn permille(&self) -> u64 {
        self.done_permille.load(Ordering::Relaxed)
    }

    /// Makes the run end soon with [`Error::Cancelled`], leaving nothing behind.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.cancelled.load(Ordering::Relaxed) { Err(Error::Cancelled) } else { Ok(()) }
    }

    pub(crate) fn add_events(&self, events: u64) {
        self.events.fetch_add(events, Ordering::Relaxed);
    }

    pub(crate) fn add_file(&self) {
        self.files.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn set_permille(&self, permille: u64) {
        self.done_permille.store(permille, Ordering::Relaxed);
    }
}
