//! How long each step of a run takes.

use std::time::Instant;

use crate::report::Step;

#[derive(Debug)]
pub(super) struct Stopwatch {
    begin: Instant,
    last: Instant,
    steps: Vec<Step>,
}

impl Stopwatch {
    pub(super) fn start() -> Self {
        let now = Instant::now();
        Self { begin: now, last: now, steps: Vec::new() }
    }

    /// Ends a step.
    pub(super) fn lap(&mut self, name: &'static str) {
        let now = Instant::now();
        self.steps.push(Step { name, elapsed_ms: milliseconds(now - self.last) });
        self.last = now;
    }

    pub(super) fn finish(self) -> (u64, Vec<Step>) {
        (milliseconds(self.begin.elapsed()), self.steps)
    }
}

fn milliseconds(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
