//! Writers of one process, one after the other.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::{Mutex, OwnedMutexGuard};

/// How long the server may take to notice that a load of this process was dropped.
const GRACE: Duration = Duration::from_secs(5);

/// The turn among the writers of this process: one at a time. The server's lock is for other processes.
pub(crate) struct Turn {
    /// Until when the lock may still be held by a writer of this process that was dropped.
    grace: OwnedMutexGuard<Option<Instant>>,
    /// The server's lock has been given back.
    ended: bool,
}

impl Turn {
    pub(crate) async fn wait_for(turns: &Arc<Mutex<Option<Instant>>>) -> Self {
        Self { grace: Arc::clone(turns).lock_owned().await, ended: false }
    }

    /// When to stop waiting for the lock.
    pub(crate) fn deadline(&mut self, wait: Duration) -> Instant {
        let now = Instant::now();
        self.grace.take().unwrap_or(now).max(now + wait)
    }

    /// The server's lock has been given back.
    pub(crate) const fn end(&mut self) {
        self.ended = true;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.ended {
            *self.grace = Some(Instant::now() + GRACE);
        }
    }
}
