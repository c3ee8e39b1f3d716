//! What the errors of the store mean where a load puts its files.

use std::fmt::Debug;

use object_store::Error as StoreError;

/// What was done with the files of a load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StageAccess {
    /// Listing them.
    List,
    /// Reading one.
    Read,
    /// Writing one.
    Write,
    /// Deleting some.
    Delete,
}

/// What an error of the store means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageFault {
    /// What is wrong, in one line.
    pub reason: String,
    /// What to do, if it is known.
    pub remedy: Option<String>,
}

/// Says what the errors of a store mean. This crate knows no store, so whoever names the place of the files
/// knows its errors too.
pub trait StageFaults: Debug + Send + Sync {
    /// What an error means that came of doing something with an object, or with those below a prefix.
    fn explain(&self, error: StoreError, access: StageAccess, url: &str) -> StageFault;
}

/// Takes the store at its word.
#[derive(Debug, Clone, Copy, Default)]
pub struct PlainStageFaults;

impl StageFaults for PlainStageFaults {
    fn explain(&self, error: StoreError, _: StageAccess, _: &str) -> StageFault {
        let mut reason = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            let cause_text = cause.to_string();
            if !reason.contains(&cause_text) {
                reason.push_str(&format!(": {cause_text}"));
            }
            source = cause.source();
        }
        StageFault { reason, remedy: None }
    }
}
