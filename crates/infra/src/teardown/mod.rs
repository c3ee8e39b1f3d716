//! Taking everything away.

mod plan;
mod proof;
mod remove;

pub(crate) use proof::kind_of;
use serde::Serialize;

use crate::{
    plan::ResourceKind,
    services::{FinalSnapshot, Region},
};

/// The decision about a final snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SnapshotDecision {
    /// Nobody has decided yet; it cannot be carried out.
    Undecided,
    /// The data goes.
    Skip,
    /// A snapshot is taken first.
    Take(FinalSnapshot),
    /// There is nothing to take one of.
    NotNeeded,
}

/// What becomes of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Removal {
    /// It carries our tag and is deleted.
    Delete,
    /// It is being deleted already, and is waited for.
    Wait,
    /// It bears our name without our tag, and stays.
    Foreign,
}

impl std::fmt::Display for Removal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Delete => "delete",
            Self::Wait => "wait",
            Self::Foreign => "foreign",
        })
    }
}

/// What becomes of one resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RemovalStep {
    /// Its kind.
    pub resource: ResourceKind,
    /// Its name.
    pub name: String,
    /// What becomes of it.
    pub removal: Removal,
    /// Its state in AWS's words, where it has one.
    pub state: Option<String>,
}

/// Something that stays, on purpose or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Remnant {
    /// Its kind.
    pub resource: ResourceKind,
    /// Its name or ARN.
    pub name: String,
    /// How it was found, and what it means.
    pub note: String,
}

/// What will be taken away, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TeardownPlan {
    /// The deployment.
    pub deployment: String,
    /// The region.
    pub region: Region,
    /// The number of the account.
    pub account: String,
    /// The resources, in the order of their deletion.
    pub steps: Vec<RemovalStep>,
    /// The decision about a final snapshot.
    pub snapshot: SnapshotDecision,
    /// What stays and goes on costing: earlier snapshots.
    pub costing: Vec<Remnant>,
    /// What else is to be known.
    pub notes: Vec<String>,
}

impl TeardownPlan {
    /// Whether there is anything to delete.
    #[must_use]
    pub fn has_changes(&self) -> bool {
        self.steps.iter().any(|step| step.removal != Removal::Foreign)
    }
}

/// What was taken away, and what is left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TeardownReport {
    /// What is gone.
    pub deleted: Vec<RemovalStep>,
    /// What carries our tag or name and is still there: this is what exit code 4 is for. Resources of others
    /// with our names are not among them.
    pub left: Vec<Remnant>,
    /// What stays on purpose and goes on costing: snapshots.
    pub costing: Vec<Remnant>,
    /// What could not be listed, and is therefore not proved to be gone.
    pub unproven: Vec<String>,
    /// What else is to be known.
    pub notes: Vec<String>,
}

impl TeardownReport {
    /// Whether it is proved that nothing is left.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.left.is_empty() && self.unproven.is_empty()
    }
}
