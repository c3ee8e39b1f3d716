//! How a deployment is.

use serde::Serialize;

use crate::{
    cost::CostEstimate,
    outputs::Outputs,
    plan::{Step, Surplus},
};

/// The state of a deployment, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum State {
    /// There is nothing.
    Absent,
    /// Some resources are there, but no warehouse.
    Incomplete,
    /// It is being made, changed or maintained.
    Pending,
    /// It can be used.
    Ready,
    /// The cluster is paused.
    Paused,
    /// It is being deleted.
    Deleting,
    /// It is in a state that does not pass by itself.
    Stuck,
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Absent => "absent",
            Self::Incomplete => "incomplete",
            Self::Pending => "pending",
            Self::Ready => "ready",
            Self::Paused => "paused",
            Self::Deleting => "deleting",
            Self::Stuck => "stuck",
        })
    }
}

/// How a deployment is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Status {
    /// In a word.
    pub state: State,
    /// In AWS's words, with what is waited for.
    pub detail: String,
    /// What to do, if it does not pass by itself.
    pub remedy: Option<String>,
    /// Where it is; `None` without a warehouse.
    pub outputs: Option<Outputs>,
    /// `ra3.large × 1`, or the base capacity.
    pub size: Option<String>,
    /// When it was made, in RFC 3339.
    pub created_at: Option<String>,
    /// Its age in seconds.
    pub age_seconds: Option<u64>,
    /// What it costs.
    pub cost: CostEstimate,
    /// What its compute has cost so far at most, in US dollars. Of a cluster that is its age times its price, as if
    /// it had never been paused; of Serverless its usage limit for each period that has begun, if the limit stops
    /// queries. `None` if a price is not known or nothing limits it.
    pub accrued_usd_at_most: Option<f64>,
    /// The resources that are not as configured.
    pub drift: Vec<Step>,
    /// What carries the tag of the deployment and the configuration does not ask for.
    pub surplus: Vec<Surplus>,
    /// What else is to be known.
    pub notes: Vec<String>,
}
