//! Ctrl-C: the load stops at the next block or the running statement is interrupted, and what was begun
//! is undone. A second Ctrl-C ends the process at once, which is safe too, only less tidy.

use std::{future::Future, time::Duration};

use sparkify_etl::Cancel;
use sparkify_warehouse::Warehouse;

/// How often the engine is interrupted until the work has ended: an interrupt that comes between two
/// statements has no effect.
const INTERVAL: Duration = Duration::from_millis(50);

/// Does the work, and stops it when the user wishes.
pub(crate) async fn stoppable<T>(
    warehouse: &dyn Warehouse,
    cancel: &Cancel,
    work: impl Future<Output = T>,
) -> T {
    tokio::pin!(work);
    tokio::select! {
        result = &mut work => return result,
        () = signal() => {}
    }
    tracing::warn!("stopping; press Ctrl-C again to stop at once");
    cancel.cancel();
    let second = signal();
    tokio::pin!(second);
    loop {
        warehouse.interrupt();
        tokio::select! {
            result = &mut work => return result,
            () = &mut second => std::process::exit(130),
            () = tokio::time::sleep(INTERVAL) => {}
        }
    }
}

/// Waits for Ctrl-C or a request to terminate.
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut stream) => {
                stream.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! { () = terminated => {}, () = interrupted => {} }
}
