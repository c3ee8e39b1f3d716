//! The thread that makes the requests.

use std::{future::Future, io};

use tokio::{
    runtime::{Builder, Handle},
    sync::oneshot,
    task::JoinHandle,
};

/// A thread with an async runtime of its own. It ends, with all that runs on it, when this is dropped.
///
/// A load reads on threads that block, which may be all the threads of the runtime that it was started on;
/// what feeds them cannot run there.
#[derive(Debug)]
pub(super) struct IoThread {
    handle: Handle,
    /// Dropped, it ends the thread.
    _stop: oneshot::Sender<()>,
}

impl IoThread {
    pub(super) fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        std::thread::Builder::new().name("s3".to_owned()).spawn(move || {
            // Nothing is ever sent: the sender is dropped.
            let _ = runtime.block_on(stopped);
            // Name lookups that hang are not waited for.
            runtime.shutdown_background();
        })?;
        Ok(Self { handle, _stop: stop })
    }

    /// Begins something that goes on until it is done or what is returned is dropped.
    pub(super) fn spawn<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> Task<T> {
        Task(self.handle.spawn(work))
    }

    /// Does something there, and waits for it.
    pub(super) async fn run<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> T {
        match (&mut self.spawn(work).0).await {
            Ok(result) => result,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            // The thread has ended; whoever waits is about to be dropped as well.
            Err(_) => std::future::pending().await,
        }
    }
}

/// Something under way, which is given up when this is dropped.
#[derive(Debug)]
pub(super) struct Task<T>(JoinHandle<T>);

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
