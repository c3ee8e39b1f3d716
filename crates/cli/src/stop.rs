//! Ctrl-C: the load stops at the next block or the running statement is interrupted, and what was begun
//! is undone. A second Ctrl-C ends the process at once, which is safe too, only less tidy.

use std::{future::Future, time::Duration};

use anyhow::Context;
use sparkify_etl::Cancel;
use sparkify_warehouse::Warehouse;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// When the engine is interrupted again, since an interrupt that comes between two statements has no
/// effect. Each time it takes twice as long, so that the statements that undo what was begun have time.
const INTERVAL: Duration = Duration::from_millis(20);

/// Ctrl-C and requests to terminate. One that comes between two pieces of work stops the second.
#[derive(Debug)]
pub(crate) struct Stop {
    interrupted: Signal,
    terminated: Signal,
}

impl Stop {
    /// From here on a signal no longer ends the process by itself.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("signals cannot be listened for");
        Ok(Self {
            interrupted: listen(SignalKind::interrupt())?,
            terminated: listen(SignalKind::terminate())?,
        })
    }

    /// Does the work, and stops it when the user wishes.
    pub(crate) async fn during<T>(
        &mut self,
        warehouse: &dyn Warehouse,
        cancel: &Cancel,
        work: impl Future<Output = T>,
    ) -> T {
        tokio::pin!(work);
        tokio::select! {
            result = &mut work => return result,
            () = self.requested() => {}
        }
        tracing::warn!("stopping; press Ctrl-C again to stop at once");
        cancel.cancel();
        let mut interval = INTERVAL;
        loop {
            warehouse.interrupt();
            tokio::select! {
                result = &mut work => return result,
                () = self.requested() => std::process::exit(130),
                () = tokio::time::sleep(interval) => interval *= 2,
            }
        }
    }

    /// Does the work, or drops it where it is when the user wishes. For work that can be dropped anywhere and
    /// begun again.
    #[cfg(feature = "aws")]
    pub(crate) async fn unless_requested<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            result = work => Some(result),
            () = self.requested() => None,
        }
    }

    /// Does the work, and calls `cancel` when the user wishes to stop it.
    pub(crate) async fn cancelling<T>(&mut self, cancel: impl Fn(), work: impl Future<Output = T>) -> T {
        tokio::pin!(work);
        tokio::select! {
            result = &mut work => return result,
            () = self.requested() => {}
        }
        tracing::warn!("stopping; press Ctrl-C again to stop at once");
        cancel();
        tokio::select! {
            result = &mut work => result,
            () = self.requested() => std::process::exit(130),
        }
    }

    /// Waits until the user wishes to stop.
    pub(crate) async fn requested(&mut self) {
        tokio::select! {
            _ = self.interrupted.recv() => {}
            _ = self.terminated.recv() => {}
        }
    }
}
