//! A load that lost its connection, or that another transaction was in the way of, begins anew.
//!
//! Nothing of a failed attempt is kept, so each attempt is a load like any other. The one case that needs
//! care is a commit without an answer: it may have taken place. The next attempt holds the lock of the run,
//! so whatever became of the commit is decided by then, and the ledger has its run or has it not.

use std::time::Duration;

use sparkify_warehouse::Error as EngineError;

use crate::{Cancel, Error, RunReport};

/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// How often a pause looks whether the user wants to stop.
const POLL: Duration = Duration::from_millis(50);

/// How often and after which pause a load, or other work on a warehouse, is done again when its connection was lost or
/// another transaction was in the way. Nothing else is tried again, above all no refused login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retries {
    /// Further attempts after the first; 0 for none.
    pub count: u32,
    /// The pause before the second attempt; each further one is twice as long, up to a minute. A part of
    /// it, at most a half, is left out by chance, so that loads that failed together do not come again
    /// together.
    pub first_pause: Duration,
}

impl Default for Retries {
    fn default() -> Self {
        Self { count: 3, first_pause: Duration::from_secs(1) }
    }
}

impl Retries {
    /// No further attempt.
    #[must_use]
    pub const fn none() -> Self {
        Self { count: 0, first_pause: Duration::ZERO }
    }

    /// The pause after that attempt. `chance` is any number.
    pub(super) fn pause(self, attempt: u32, chance: u32) -> Duration {
        let doubled = 1_u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
        let whole = self.first_pause.saturating_mul(doubled).min(LONGEST_PAUSE);
        whole - whole.mul_f64(0.5 * f64::from(chance) / f64::from(u32::MAX))
    }

    /// Does work on a warehouse that answered before, again while its connection is lost or another transaction is
    /// in the way. The work must be such that doing it twice is doing it once.
    ///
    /// `engine_error` finds the error of the warehouse in that of the work.
    ///
    /// # Errors
    ///
    /// The last error of the work.
    pub async fn again<T, E: std::fmt::Display>(
        self,
        cancel: &Cancel,
        engine_error: impl Fn(&E) -> Option<&EngineError>,
        mut work: impl AsyncFnMut() -> Result<T, E>,
    ) -> Result<T, E> {
        let mut attempt = 1;
        loop {
            let error = match work().await {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            let worth_another = engine_error(&error).is_some_and(|error| may_pass(error, true, attempt));
            if attempt > self.count || cancel.is_cancelled() || !worth_another {
                return Err(error);
            }
            let pause = self.pause(attempt, uuid::Uuid::now_v7().as_u128() as u32);
            let reason = engine_error(&error).map(ToString::to_string).unwrap_or_default();
            tracing::warn!(
                attempt,
                reason,
                "{error}; the next attempt is in {:.1} s ({} of {})",
                pause.as_secs_f64(),
                attempt + 1,
                self.count + 1,
            );
            wait(pause, cancel).await;
            if cancel.is_cancelled() {
                return Err(error);
            }
            attempt += 1;
        }
    }
}

/// Whether the error of that attempt may be gone at the next one. `reached`: the engine has answered at least once.
const fn may_pass(error: &EngineError, reached: bool, attempt: u32) -> bool {
    match error {
        EngineError::Unreachable { .. } => reached,
        // The session that was lost may hold its lock for a while.
        EngineError::LoadUnderWay { .. } => attempt > 1,
        error => error.is_retryable(),
    }
}

/// What the attempts so far leave to the next one.
#[derive(Default)]
pub(super) struct Earlier {
    /// The last attempt whose commit got no answer, until it is known what became of it.
    pub(super) unconfirmed: Option<Unconfirmed>,
    /// Whether the engine has answered at least once: then one that cannot be reached was lost.
    pub(super) reached: bool,
}

/// An attempt that may have been published.
pub(super) struct Unconfirmed {
    /// Its report, good if it was.
    pub(super) report: RunReport,
    /// Its error, once there is a further attempt.
    pub(super) error: Option<Error>,
}

impl Earlier {
    /// Whether the load may succeed if it begins anew.
    pub(super) fn is_worth_another_attempt(&self, error: &Error, attempt: u32) -> bool {
        matches!(error, Error::Warehouse { source, .. } if may_pass(source, self.reached, attempt))
    }

    /// Keeps the error of the attempt that may have been published.
    pub(super) fn note(&mut self, error: Error) {
        if let Some(unconfirmed) = &mut self.unconfirmed {
            unconfirmed.error.get_or_insert(error);
        }
    }

    /// The error of the load, when there is no further attempt after that many.
    pub(super) fn give_up(self, error: Error, attempts: u32, cancel: &Cancel) -> Error {
        match self.unconfirmed {
            // The load may have been published, and only the error of its commit says so.
            Some(unconfirmed) => unconfirmed.error.unwrap_or(error),
            // Whatever failed then failed because of it.
            None if cancel.is_cancelled() => Error::Cancelled,
            None if attempts > 1 => Error::GaveUp { attempts, source: Box::new(error) },
            None => error,
        }
    }
}

/// Waits, but no longer when the user wants to stop.
pub(super) async fn wait(pause: Duration, cancel: &Cancel) {
    let end = tokio::time::Instant::now() + pause;
    while !cancel.is_cancelled() {
        let left = end.saturating_duration_since(tokio::time::Instant::now());
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left.min(POLL)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Failing = fn() -> EngineError;

    fn itself(error: &EngineError) -> Option<&EngineError> {
        Some(error)
    }

    fn lost() -> EngineError {
        EngineError::ConnectionLost { location: "x".to_owned(), reason: "reset".to_owned() }
    }

    /// Does work that fails with these errors first; returns its result and how often it was done.
    async fn again(count: u32, errors: &[Failing], cancel: &Cancel) -> (Result<u32, EngineError>, u32) {
        let mut attempts = 0;
        let retries = Retries { count, first_pause: Duration::from_secs(8) };
        let work = async || {
            attempts += 1;
            errors.get(attempts as usize - 1).map_or(Ok(7), |error| Err(error()))
        };
        let result = retries.again(cancel, itself, work).await;
        (result, attempts)
    }

    #[tokio::test(start_paused = true)]
    async fn work_is_done_again_while_the_connection_is_lost_and_not_more_often_than_allowed() {
        let unreachable =
            || EngineError::Unreachable { location: "x".to_owned(), reason: "refused".to_owned() };
        let begin = tokio::time::Instant::now();
        let (result, attempts) = again(3, &[lost as Failing, unreachable, lost], &Cancel::default()).await;
        assert_eq!((result.unwrap(), attempts), (7, 4));
        let pauses = begin.elapsed();
        assert!(Duration::from_secs(28) <= pauses && pauses <= Duration::from_secs(57), "{pauses:?}");
        let (result, attempts) = again(2, &[lost as Failing; 3], &Cancel::default()).await;
        assert!(matches!(result, Err(EngineError::ConnectionLost { .. })));
        assert_eq!(attempts, 3);
        assert_eq!(again(0, &[lost as Failing], &Cancel::default()).await.1, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn other_errors_and_a_wish_to_stop_end_the_work_at_once() {
        for error in [
            || EngineError::Login { location: "x".to_owned(), reason: "no".to_owned() },
            || EngineError::Statement { reason: "no".to_owned(), sql: String::new() },
        ] {
            assert_eq!(again(9, &[error as Failing], &Cancel::default()).await.1, 1);
        }
        let cancel = Cancel::default();
        cancel.cancel();
        assert_eq!(again(9, &[lost as Failing], &cancel).await.1, 1);
    }

    #[test]
    fn pauses_double_up_to_a_minute_and_at_most_half_of_each_is_left_out() {
        let retries = Retries { count: 99, first_pause: Duration::from_secs(1) };
        for (attempt, seconds) in [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (33, 60), (u32::MAX, 60)] {
            let whole = Duration::from_secs(seconds);
            assert_eq!(retries.pause(attempt, 0), whole, "{attempt}");
            assert_eq!(retries.pause(attempt, u32::MAX), whole / 2, "{attempt}");
            let some = retries.pause(attempt, u32::MAX / 3);
            assert!(whole / 2 < some && some < whole, "{attempt}");
        }
    }
}
