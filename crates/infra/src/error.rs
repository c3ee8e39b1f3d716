//! What can go wrong with the resources of a deployment.

use crate::{plan::ResourceKind, services::ServiceError};

/// A result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A setting of the deployment that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("deployment setting {setting}: {problem}")]
pub struct ConfigError {
    /// The name of the setting, as in `sparkify.toml`.
    pub setting: &'static str,
    /// What is wrong with its value.
    pub problem: String,
    /// What to write instead.
    pub hint: String,
}

impl ConfigError {
    pub(crate) fn new(setting: &'static str, problem: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { setting, problem: problem.into(), hint: hint.into() }
    }
}

/// The error of an operation on a deployment. Whatever it is, running the operation again goes on where it
/// was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// AWS refused a request, or did not answer.
    #[error("{action} failed")]
    Service {
        /// What was being done, such as `creating the cluster sparkify-warehouse`.
        action: String,
        /// What AWS says.
        #[source]
        source: ServiceError,
    },
    /// Resources bear our names, and not our tag: somebody else's, which are not touched.
    #[error("{} not of this deployment: {}", if names.len() == 1 { "a resource with its name is" } else { "resources with its names are" }, names.join(", "))]
    Conflict {
        /// Each of them, as `kind name`.
        names: Vec<String>,
    },
    /// Between plan and apply something changed that the plan does not allow for.
    #[error("{resource} {name} has changed since the plan was made: {change}")]
    Stale {
        /// The kind of resource.
        resource: ResourceKind,
        /// Its name.
        name: String,
        /// What changed.
        change: String,
    },
    /// A resource is in a state that does not pass by itself.
    #[error("{resource} {name} is in state {state}")]
    Stuck {
        /// The kind of resource.
        resource: ResourceKind,
        /// Its name.
        name: String,
        /// The state in AWS's words.
        state: String,
        /// What to do.
        remedy: String,
    },
    /// It took longer than allowed.
    #[error("{resource} {name} was not {awaited} after {}; its last state was {state}", humantime::format_duration(std::time::Duration::from_secs(waited.as_secs())))]
    Deadline {
        /// The kind of resource.
        resource: ResourceKind,
        /// Its name.
        name: String,
        /// What was waited for.
        awaited: &'static str,
        /// For how long.
        waited: std::time::Duration,
        /// The last state seen.
        state: String,
    },
    /// The operation needs the deployment to be in another state.
    #[error("{operation} is not possible: {resource} {name} is {state}")]
    WrongState {
        /// What was wanted.
        operation: &'static str,
        /// The kind of resource.
        resource: ResourceKind,
        /// Its name.
        name: String,
        /// The state it is in.
        state: String,
        /// What to do.
        remedy: String,
    },
    /// There is no such deployment.
    #[error("there is no deployment {name:?} in region {region}")]
    NoDeployment {
        /// Its name.
        name: String,
        /// Where it was looked for.
        region: String,
    },
    /// Nobody decided whether to take a final snapshot.
    #[error("it is not decided whether to take a final snapshot of {name}")]
    SnapshotUndecided {
        /// The cluster or namespace.
        name: String,
    },
    /// The address of the caller is not known.
    #[error("the address of this machine, as seen from outside, could not be found: {reason}")]
    Address {
        /// Why.
        reason: String,
    },
    /// This build lacks the part for it.
    #[error("this build cannot manage security groups and subnets")]
    NoNetwork,
}

impl Error {
    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Config(error) => error.hint.clone(),
            Self::Service { source, .. } => return source.hint(),
            Self::Conflict { .. } => {
                "resources without the tag of this deployment are never changed or deleted; give the deployment \
                 another name (`name` in [deployment]), or remove them yourself if nobody needs them"
                    .to_owned()
            }
            Self::Stale { .. } => "somebody else may be at work on it; make a new plan, then decide".to_owned(),
            Self::Stuck { remedy, .. } | Self::WrongState { remedy, .. } => remedy.clone(),
            Self::Deadline { .. } => {
                "what is done stays; run the same command again to go on waiting, and look at the events of the \
                 resource in the AWS console if it does not move"
                    .to_owned()
            }
            Self::NoDeployment { .. } => {
                "check the name and the region, or make it with `sparkify-cli provision`".to_owned()
            }
            Self::SnapshotUndecided { .. } => {
                "a final snapshot costs storage until it is deleted; without one the data is gone: decide with \
                 --final-snapshot or --skip-final-snapshot"
                    .to_owned()
            }
            Self::Address { .. } => {
                "say which addresses may connect with --allow-cidr ADDRESS/32 (or `allow_cidr` in [deployment])"
                    .to_owned()
            }
            Self::NoNetwork => {
                "use the full build, or name existing ones with `security_group_ids` and `subnet_ids` in [deployment]"
                    .to_owned()
            }
        })
    }

    /// What AWS says, if it was AWS.
    #[must_use]
    pub const fn service(&self) -> Option<&ServiceError> {
        match self {
            Self::Service { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// Names the action that an error of AWS interrupted.
pub(crate) trait During<T> {
    fn during(self, action: impl Into<String>) -> Result<T>;
}

impl<T> During<T> for Result<T, ServiceError> {
    fn during(self, action: impl Into<String>) -> Result<T> {
        self.map_err(|source| Error::Service { action: action.into(), source })
    }
}
