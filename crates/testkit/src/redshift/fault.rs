//! What may go wrong on purpose.

use std::{fmt, time::Duration};

use super::error::ServerError;

/// Which statement a fault hits.
pub enum When {
    /// The n-th statement from now on, of all sessions, counted from 1.
    Nth(u64),
    /// A statement that satisfies this.
    Matches(Box<dyn Fn(&str) -> bool + Send>),
}

impl fmt::Debug for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nth(number) => write!(f, "Nth({number})"),
            Self::Matches(_) => f.write_str("Matches(…)"),
        }
    }
}

/// What happens to the statement.
#[derive(Debug, Clone)]
pub enum Action {
    /// The connection is closed; the statement does not run.
    CloseBefore,
    /// The statement runs; then the connection is closed without an answer.
    CloseAfter,
    /// The statement runs to its end; then, once somebody asks for its end, the connection is closed without an
    /// answer.
    CloseAfterCancel,
    /// The statement does not run; this is the answer.
    Fail(ServerError),
    /// The statement runs; yet this is the answer. What it did stays, unless it was in a transaction.
    FailAfter(ServerError),
    /// The statement does not run; the answer is that of two transactions that get in each other's way.
    SerializationViolation,
    /// The statement runs this much later. It may be cancelled until then.
    Delay(Duration),
}

/// A fault: it happens the next time its condition holds, or the next few times.
#[derive(Debug)]
pub struct Fault {
    pub(super) when: When,
    pub(super) action: Action,
    pub(super) times: u32,
    /// Statements seen since it was injected.
    pub(super) seen: u64,
}

impl Fault {
    /// A fault that happens once.
    #[must_use]
    pub const fn new(when: When, action: Action) -> Self {
        Self { when, action, times: 1, seen: 0 }
    }

    /// At the n-th statement from now on, counted from 1.
    #[must_use]
    pub const fn at(number: u64, action: Action) -> Self {
        Self::new(When::Nth(number), action)
    }

    /// At the next statement that begins with this, without regard to case.
    #[must_use]
    pub fn before_any(beginning: &str, action: Action) -> Self {
        let beginning = beginning.to_lowercase();
        let matches = move |sql: &str| sql.trim_start().to_lowercase().starts_with(&beginning);
        Self::new(When::Matches(Box::new(matches)), action)
    }

    /// At the next statement with this in it, without regard to case.
    #[must_use]
    pub fn containing(part: &str, action: Action) -> Self {
        let part = part.to_lowercase();
        Self::new(When::Matches(Box::new(move |sql: &str| sql.to_lowercase().contains(&part))), action)
    }

    /// The same, several times.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times, ..self }
    }
}

/// The faults that are still to happen.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<Fault>);

impl Faults {
    pub(super) fn add(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// What happens to this statement.
    pub(super) fn hit(&mut self, sql: &str) -> Option<Action> {
        let mut hit = None;
        for fault in &mut self.0 {
            fault.seen += 1;
            let holds = match &fault.when {
                When::Nth(number) => fault.seen >= *number,
                When::Matches(predicate) => predicate(sql),
            };
            if holds && hit.is_none() && fault.times > 0 {
                fault.times -= 1;
                hit = Some(fault.action.clone());
            }
        }
        self.0.retain(|fault| fault.times > 0);
        hit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_happens_at_its_statement_and_only_so_often() {
        let mut faults = Faults::default();
        faults.add(Fault::at(2, Action::CloseBefore));
        faults.add(Fault::before_any("commit", Action::CloseAfter).times(2));
        assert!(faults.hit("SELECT 1").is_none());
        assert!(matches!(faults.hit("SELECT 1"), Some(Action::CloseBefore)));
        assert!(matches!(faults.hit(" Commit"), Some(Action::CloseAfter)));
        assert!(matches!(faults.hit("COMMIT"), Some(Action::CloseAfter)));
        assert!(faults.hit("COMMIT").is_none());
    }
}
