//! What is going on, for those who watch it.

use std::time::Duration;

use crate::plan::{Action, ResourceKind};

/// Something that happened during an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// Work on a resource begins.
    Started {
        /// Its kind.
        resource: ResourceKind,
        /// Its name.
        name: String,
        /// What is done, such as `create`, `delete`, `wait`.
        what: &'static str,
    },
    /// What a resource is waiting for. Sent at each look, also when nothing changed.
    Waiting {
        /// Its kind.
        resource: ResourceKind,
        /// Its name.
        name: String,
        /// Its state, such as `creating`.
        state: String,
        /// Since the beginning of the wait.
        elapsed: Duration,
    },
    /// What a resource was waiting for has come.
    Reached {
        /// Its kind.
        resource: ResourceKind,
        /// Its name.
        name: String,
        /// What was waited for, such as `ready`.
        awaited: &'static str,
        /// Since the beginning of the wait.
        elapsed: Duration,
    },
    /// A request is repeated after a pause.
    Retrying {
        /// Its kind.
        resource: ResourceKind,
        /// Its name.
        name: String,
        /// Why the request failed.
        reason: String,
        /// How long the pause is.
        pause: Duration,
        /// How much time is left until the deadline.
        left: Duration,
    },
    /// Work on a resource has ended well.
    Finished {
        /// Its kind.
        resource: ResourceKind,
        /// Its name.
        name: String,
        /// What was done.
        what: &'static str,
        /// How long it took.
        elapsed: Duration,
    },
    /// Something to be known.
    Note(String),
}

impl Event {
    pub(crate) const fn verb(action: Action) -> &'static str {
        match action {
            Action::Create => "create",
            Action::Keep => "keep",
            Action::Change => "change",
            Action::Conflict => "conflict",
        }
    }
}

/// Watches an operation. It must return at once.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
pub trait Observer: std::fmt::Debug + Send + Sync {
    /// Something happened.
    fn event(&self, event: &Event);
}

/// Nobody watches.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn event(&self, event: &Event) {
        tracing::debug!(?event);
    }
}
