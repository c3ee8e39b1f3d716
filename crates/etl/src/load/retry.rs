//! A load that lost its connection, or that another transaction was in the way of, begins anew.
//!
//! Nothing of a failed attempt is kept, so each attempt is a load like any other. The one case that needs
//! care is a commit without an answer: it may have taken place. The next attempt holds the lock of the run,
//! so whatever became of the commit is decided by then, and the ledger has its run or has it not.

use std::time::Duration;

use crate::{Cancel, Error, RunReport};

/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// How often a pause looks whether the user wants to stop.
const POLL: Duration = Duration::from_millis(50);

/// How often and after which pause a load begins anew, when its connection was lost or another transaction
/// was in the way. Nothing else is tried again, above all no refused login.
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
        use sparkify_warehouse::Error as EngineError;
        match error {
            Error::Warehouse { source: EngineError::Unreachable { .. }, .. } => self.reached,
            // The session that was lost may hold its lock for a while.
            Error::Warehouse { source: EngineError::LoadUnderWay { .. }, .. } => attempt > 1,
            Error::Warehouse { source, .. } => source.is_retryable(),
            _ => false,
        }
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
