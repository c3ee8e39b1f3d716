//! What is to be done.

mod compare;
mod surplus;

pub(crate) use compare::Present;
use serde::Serialize;
pub use surplus::Surplus;

use crate::{config::Kind, cost::CostEstimate, services::Region};

/// The kinds of resources, in the order in which they are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ResourceKind {
    /// The IAM role with which the warehouse reads S3.
    Role,
    /// The security group that says who may connect.
    SecurityGroup,
    /// The subnet group of a cluster.
    SubnetGroup,
    /// The parameter group of a cluster.
    ParameterGroup,
    /// The cluster.
    Cluster,
    /// The namespace of Serverless.
    Namespace,
    /// The workgroup of Serverless.
    Workgroup,
    /// The usage limit of Serverless.
    UsageLimit,
    /// A snapshot, which only teardown knows.
    Snapshot,
    /// A secret, which only teardown knows.
    Secret,
    /// Files below the staging prefix, which only teardown knows.
    StagedFiles,
}

impl std::fmt::Display for ResourceKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Role => "role",
            Self::SecurityGroup => "security group",
            Self::SubnetGroup => "subnet group",
            Self::ParameterGroup => "parameter group",
            Self::Cluster => "cluster",
            Self::Namespace => "namespace",
            Self::Workgroup => "workgroup",
            Self::UsageLimit => "usage limit",
            Self::Snapshot => "snapshot",
            Self::Secret => "secret",
            Self::StagedFiles => "staged files",
        })
    }
}

/// What is to be done with a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It is not there and will be made.
    Create,
    /// It stays as it is. If there are differences, they are not changed, and each says why.
    Keep,
    /// It is ours and will be changed.
    Change,
    /// It is there without our tag: nothing can be applied until that is resolved.
    Conflict,
}

impl std::fmt::Display for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Create => "create",
            Self::Keep => "keep",
            Self::Change => "change",
            Self::Conflict => "conflict",
        })
    }
}

/// An attribute that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The attribute.
    pub attribute: String,
    /// Its value now.
    pub current: Option<String>,
    /// Its value as configured.
    pub desired: Option<String>,
    /// Why it is not changed; `None` if it is.
    pub not_changed_because: Option<String>,
}

/// What is to be done with one resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Its kind.
    pub resource: ResourceKind,
    /// Its name.
    pub name: String,
    /// What is done.
    pub action: Action,
    /// What differs: for a resource to make, what it will be like.
    pub differences: Vec<Difference>,
    /// What else is to be known, such as that an earlier one is still being deleted.
    pub note: Option<String>,
}

/// What is to be done, in order.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// The deployment.
    pub deployment: String,
    /// The region.
    pub region: Region,
    /// The number of the account.
    pub account: String,
    /// Cluster or Serverless.
    pub kind: Kind,
    /// The resources.
    pub steps: Vec<Step>,
    /// What the deployment costs.
    pub cost: CostEstimate,
    /// What carries the tag of the deployment and the configuration does not ask for.
    pub surplus: Vec<Surplus>,
    /// What else is to be known: what could not be checked, and what is unusual about the configuration.
    pub notes: Vec<String>,
}

impl Plan {
    /// Whether applying it would do anything. This is what an exit code of 2 with `--detailed-exitcode` says.
    #[must_use]
    pub fn has_changes(&self) -> bool {
        self.steps.iter().any(|step| step.action != Action::Keep)
    }

    /// The resources that are in the way.
    #[must_use]
    pub fn conflicts(&self) -> Vec<&Step> {
        self.steps.iter().filter(|step| step.action == Action::Conflict).collect()
    }

    /// The resources that are there and not as configured.
    #[must_use]
    pub fn drift(&self) -> Vec<&Step> {
        self.steps
            .iter()
            .filter(|step| {
                matches!(step.action, Action::Keep | Action::Change) && !step.differences.is_empty()
            })
            .collect()
    }
}
