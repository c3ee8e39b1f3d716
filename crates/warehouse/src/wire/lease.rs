//! A connection out of the pool.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use deadpool::managed::{Manager, Object};

use super::running::{Canceller, Entry, Fate, Running};
use crate::Error;

/// A connection out of the pool. When it is dropped it goes back, unless a statement is under way or a
/// transaction is open: then it is closed, which makes the server undo what is not committed. It is also
/// closed once a statement was interrupted: the request to the server may arrive late, and would end
/// whatever runs then.
pub(crate) struct Lease<M: Manager> {
    object: Option<Object<M>>,
    running: Arc<Running>,
    canceller: Canceller,
    /// A statement is under way: it stays so if its future is dropped.
    busy: AtomicBool,
    /// There is something to undo.
    held: AtomicBool,
    /// A statement was interrupted.
    interrupted: AtomicBool,
}

impl<M: Manager> Lease<M> {
    pub(crate) fn new(object: Object<M>, running: Arc<Running>, canceller: Canceller) -> Self {
        Self {
            object: Some(object),
            running,
            canceller,
            busy: AtomicBool::new(false),
            held: AtomicBool::new(false),
            interrupted: AtomicBool::new(false),
        }
    }

    /// The connection itself.
    pub(crate) fn get(&self) -> Result<&M::Type, Error> {
        self.object.as_deref().ok_or(Error::Closed)
    }

    /// From now on the connection is closed when it is dropped.
    pub(crate) fn hold(&self) {
        self.held.store(true, Ordering::Release);
    }

    /// From now on the connection goes back to the pool when it is dropped.
    pub(crate) fn release(&self) {
        self.held.store(false, Ordering::Release);
    }

    /// Does something with the connection that can be interrupted, and that is ended when it is dropped.
    /// Beside an error stands whether it, or something before it on this connection, was interrupted.
    pub(crate) async fn run<T, E: From<Error>>(
        &self,
        work: impl AsyncFnOnce(&M::Type, &Entry) -> Result<T, E>,
    ) -> Result<T, (E, bool)> {
        let connection = self.get().map_err(|error| (error.into(), false))?;
        let entry = self.running.enter(Some(Arc::clone(&self.canceller)));
        self.busy.store(true, Ordering::Release);
        let guard = CancelOnDrop(Some(self));
        let result = work(connection, &entry).await;
        guard.disarm();
        self.busy.store(false, Ordering::Release);
        if entry.is_interrupted() {
            self.interrupted.store(true, Ordering::Release);
        }
        // The request may have come late, for a statement before this one.
        result.map_err(|error| (error, self.interrupted.load(Ordering::Acquire)))
    }
}

impl<M: Manager> Drop for Lease<M> {
    fn drop(&mut self) {
        let unclean =
            [&self.busy, &self.held, &self.interrupted].iter().any(|flag| flag.load(Ordering::Acquire));
        if unclean && let Some(object) = self.object.take() {
            drop(Object::take(object));
        }
    }
}

/// Ends a statement that nobody waits for any more.
struct CancelOnDrop<'a, M: Manager>(Option<&'a Lease<M>>);

impl<M: Manager> CancelOnDrop<'_, M> {
    fn disarm(mut self) {
        self.0 = None;
    }
}

impl<M: Manager> Drop for CancelOnDrop<'_, M> {
    fn drop(&mut self) {
        if let Some(lease) = self.0 {
            lease.interrupted.store(true, Ordering::Release);
            lease.running.cancel(&lease.canceller, Arc::new(Fate::default()));
        }
    }
}
