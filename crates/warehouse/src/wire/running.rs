//! What is running on a server, and how to end it.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use futures_util::future::BoxFuture;

/// Asks a server to end what a connection is running.
pub(crate) type Canceller = Arc<dyn Fn(Arc<Fate>) -> BoxFuture<'static, ()> + Send + Sync>;

/// What became of something that was running.
#[derive(Debug, Default)]
pub(crate) struct Fate {
    interrupted: AtomicBool,
    ended: AtomicBool,
    #[cfg(feature = "redshift")]
    insisted: AtomicBool,
}

impl Fate {
    /// Whether somebody asked for its end.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Acquire)
    }

    /// Waits for its end for some time; whether it came.
    #[cfg(feature = "redshift")]
    pub(crate) async fn ends_within(&self, patience: std::time::Duration) -> bool {
        let deadline = tokio::time::Instant::now() + patience;
        while !self.ended.load(Ordering::Acquire) {
            if tokio::time::Instant::now() >= deadline {
                return false;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        true
    }

    /// Whether the caller is the first to insist on its end.
    #[cfg(feature = "redshift")]
    pub(crate) fn insist(&self) -> bool {
        !self.insisted.swap(true, Ordering::AcqRel)
    }
}

/// How to end each statement, where it can be ended, and what became of it.
type Statements = HashMap<u64, (Option<Canceller>, Arc<Fate>)>;

/// The statements that are running, and how to ask the server to end them.
pub(crate) struct Running {
    runtime: tokio::runtime::Handle,
    next: AtomicU64,
    statements: Mutex<Statements>,
}

impl Running {
    pub(crate) fn new() -> Self {
        Self {
            runtime: tokio::runtime::Handle::current(),
            next: AtomicU64::new(0),
            statements: Mutex::default(),
        }
    }

    /// Notes something that can be interrupted, until the entry is dropped.
    pub(crate) fn enter(self: &Arc<Self>, canceller: Option<Canceller>) -> Entry {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let fate = Arc::new(Fate::default());
        self.lock().insert(number, (canceller, Arc::clone(&fate)));
        Entry { running: Arc::clone(self), number, fate }
    }

    /// Marks everything that runs as interrupted and asks the server to end it.
    pub(crate) fn interrupt(&self) {
        for (canceller, fate) in self.lock().values() {
            fate.interrupted.store(true, Ordering::Release);
            if let Some(canceller) = canceller {
                self.cancel(canceller, Arc::clone(fate));
            }
        }
    }

    pub(crate) fn cancel(&self, canceller: &Canceller, fate: Arc<Fate>) {
        self.runtime.spawn(canceller(fate));
    }

    fn lock(&self) -> MutexGuard<'_, Statements> {
        self.statements.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Something that is running.
pub(crate) struct Entry {
    running: Arc<Running>,
    number: u64,
    fate: Arc<Fate>,
}

impl Entry {
    pub(crate) fn is_interrupted(&self) -> bool {
        self.fate.is_interrupted()
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.fate.ended.store(true, Ordering::Release);
        self.running.lock().remove(&self.number);
    }
}
