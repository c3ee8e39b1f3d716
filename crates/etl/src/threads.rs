//! Blocking work on all cores.

use std::{
    num::NonZero,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::task::JoinSet;

use crate::{Cancel, Error, Result};

/// Set when there is no use in going on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Over(Arc<AtomicBool>);

impl Over {
    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Sets it when nobody waits any more.
struct SetAtEnd(Over);

impl Drop for SetAtEnd {
    fn drop(&mut self) {
        self.0.set();
    }
}

/// Runs the work on as many threads as there are cores, and returns what came of each.
///
/// The first error ends it. A wish to stop ends it at once: a thread that is inside a read which does not answer is
/// left behind, and ends with the process at the latest.
pub(crate) async fn on_all_cores<T: Send + 'static>(
    cancel: &Cancel,
    work: impl Fn(&Over) -> Result<T> + Send + Sync + 'static,
) -> Result<Vec<T>> {
    let (work, end) = (Arc::new(work), SetAtEnd(Over::default()));
    let mut threads = JoinSet::new();
    for _ in 0..std::thread::available_parallelism().map_or(1, NonZero::get) {
        let (work, over) = (Arc::clone(&work), end.0.clone());
        threads.spawn_blocking(move || work(&over));
    }
    drop(work);
    let all = async {
        let mut done = Vec::new();
        while let Some(ended) = threads.join_next().await {
            done.push(ended.map_err(|error| Error::Internal(error.to_string()))??);
        }
        Ok(done)
    };
    tokio::select! {
        // First: what is stopped may fail for that reason.
        biased;
        () = cancel.cancelled() => Err(Error::Cancelled),
        done = all => done,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Barrier, mpsc};

    use super::*;

    fn cores() -> usize {
        std::thread::available_parallelism().unwrap().get()
    }

    #[tokio::test]
    async fn every_core_works_at_the_same_time() {
        let all = Barrier::new(cores());
        let work = move |_: &Over| {
            // Returns only if all are there.
            all.wait();
            Ok(1)
        };
        assert_eq!(on_all_cores(&Cancel::default(), work).await.unwrap(), vec![1; cores()]);
    }

    #[tokio::test]
    async fn a_wish_to_stop_is_heard_although_the_work_does_not_answer() {
        let (answer, wait) = mpsc::channel::<()>();
        let (wait, cancel) = (std::sync::Mutex::new(wait), Cancel::default());
        let (begun, wish) = (cancel.clone(), cancel.clone());
        let work = move |_: &Over| {
            begun.cancel();
            // Until the sender is gone, which is after the assertion.
            let _ = wait.lock().unwrap().recv();
            Ok(())
        };
        assert!(matches!(on_all_cores(&wish, work).await, Err(Error::Cancelled)));
        drop(answer);
    }

    #[tokio::test]
    async fn an_error_or_a_panic_of_one_thread_ends_the_others() {
        for panics in [false, true] {
            let first = AtomicBool::new(true);
            let (ended, ends) = mpsc::channel();
            let work = move |over: &Over| {
                if first.swap(false, Ordering::SeqCst) {
                    assert!(!panics, "on purpose");
                    return Err(Error::Internal("the first".to_owned()));
                }
                while !over.is_set() {
                    std::thread::yield_now();
                }
                ended.send(()).unwrap();
                Ok(())
            };
            let error = on_all_cores(&Cancel::default(), work).await.unwrap_err();
            assert!(matches!(&error, Error::Internal(text) if panics || text == "the first"), "{error}");
            // Each that had begun tells its end; of one that had not, the work goes, and the sender with it.
            for _ in 1..cores() {
                if ends.recv().is_err() {
                    break;
                }
            }
        }
    }
}
