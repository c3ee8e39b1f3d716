//! What the states of AWS mean.

use crate::{
    error::{Error, Result},
    pace::Look,
    plan::ResourceKind,
    services::{AttachedRole, Cluster, Namespace, Workgroup},
};

/// What a state means for us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Readiness {
    /// It can be used and changed.
    Ready,
    /// It passes by itself.
    Pending(String),
    /// The cluster is paused.
    Paused,
    /// It is being deleted.
    Deleting(String),
    /// It does not pass by itself.
    Stuck {
        /// The state.
        state: String,
        /// What to do.
        remedy: String,
    },
}

/// How a resource has come to rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rest {
    /// It can be used and changed.
    Ready,
    /// The cluster is paused.
    Paused,
}

impl Readiness {
    /// Whether the resource has come to rest. One that somebody begins to delete does not come back, and one that
    /// is stuck does not pass: both end the wait.
    pub(crate) fn settled(self, resource: ResourceKind, name: &str) -> Result<Look<Rest>> {
        let name = name.to_owned();
        match self {
            Self::Ready => Ok(Look::Done(Rest::Ready)),
            Self::Paused => Ok(Look::Done(Rest::Paused)),
            Self::Pending(state) => Ok(Look::Pending(state)),
            Self::Stuck { state, remedy } => Err(Error::Stuck { resource, name, state, remedy }),
            Self::Deleting(state) => Err(Error::Stale {
                resource,
                name,
                change: format!("somebody deletes it (its state is {state})"),
            }),
        }
    }
}

/// A cluster is ready when its status is `available` (also `available, …`), it may be used, it has an endpoint,
/// and its roles are in sync, whichever these are ([`lacks`] asks for ours). A state that is not known counts as
/// pending: AWS adds to them.
pub(crate) fn of_cluster(cluster: &Cluster) -> Readiness {
    let status = cluster.status.as_str();
    if let Some(remedy) = stuck(status) {
        return Readiness::Stuck { state: status.to_owned(), remedy: remedy.to_owned() };
    }
    match status {
        "paused" => return Readiness::Paused,
        "deleting" | "final-snapshot" => return Readiness::Deleting(status.to_owned()),
        _ if status == "available" || status.starts_with("available,") => {}
        _ => return Readiness::Pending(status.to_owned()),
    }
    match cluster.availability.as_deref() {
        None | Some("Available") => {}
        Some("Failed") => {
            return Readiness::Stuck {
                state: format!("{status}, availability Failed"),
                remedy: "the cluster has failed: restore a snapshot, or ask AWS's support".to_owned(),
            };
        }
        Some(other) => return Readiness::Pending(format!("{status}, availability {other}")),
    }
    if cluster.endpoint.as_ref().is_none_or(|endpoint| endpoint.host.is_empty()) {
        return Readiness::Pending(format!("{status}, without an endpoint"));
    }
    unsynced(&cluster.roles).map_or(Readiness::Ready, |role| Readiness::Pending(format!("{status}, {role}")))
}

/// What keeps a warehouse from reading S3 in that role: that it is not attached, or not in force yet.
pub(crate) fn lacks(roles: &[AttachedRole], arn: &str) -> Option<String> {
    let name = arn.rsplit('/').next().unwrap_or(arn);
    match roles.iter().find(|role| role.arn == arn) {
        Some(role) if role.status == "in-sync" => None,
        Some(role) => Some(format!("role {name} {}", role.status)),
        None => Some(format!("role {name} not attached")),
    }
}

fn unsynced(roles: &[AttachedRole]) -> Option<String> {
    roles.iter().find_map(|role| lacks(std::slice::from_ref(role), &role.arn))
}

fn stuck(status: &str) -> Option<&'static str> {
    Some(match status {
        "incompatible-network" => {
            "the cluster cannot be put into its network: check that the subnets have free addresses, that the VPC \
             has DNS support, and that its routes and security groups are there; then delete it \
             (`sparkify-cli teardown`) and provision again"
        }
        "incompatible-hsm" => "the cluster cannot reach its hardware security module: check its connection",
        "incompatible-parameters" => {
            "a parameter cannot be applied: correct `parameters` in [deployment], or set them back in the console"
        }
        "incompatible-restore" => "the snapshot cannot be restored: choose another, or another node type",
        "hardware-failure" => {
            "a single node has failed and cannot be replaced: restore the newest snapshot to a new cluster, with \
             two nodes or more if that matters"
        }
        "storage-full" => {
            "the storage is full: drop tables, resize to more nodes, or take a larger node type"
        }
        _ => return None,
    })
}

pub(crate) fn of_namespace(namespace: &Namespace) -> Readiness {
    let status = namespace.status.as_str();
    match status {
        "AVAILABLE" => unsynced(&namespace.roles)
            .map_or(Readiness::Ready, |role| Readiness::Pending(format!("{status}, {role}"))),
        "DELETING" => Readiness::Deleting(status.to_owned()),
        _ => Readiness::Pending(status.to_owned()),
    }
}

pub(crate) fn of_workgroup(workgroup: &Workgroup) -> Readiness {
    let status = workgroup.status.as_str();
    match status {
        "AVAILABLE" if workgroup.endpoint.as_ref().is_none_or(|endpoint| endpoint.host.is_empty()) => {
            Readiness::Pending(format!("{status}, without an endpoint"))
        }
        "AVAILABLE" => Readiness::Ready,
        "DELETING" => Readiness::Deleting(status.to_owned()),
        _ => Readiness::Pending(status.to_owned()),
    }
}

#[cfg(test)]
#[path = "readiness_tests.rs"]
mod tests;
