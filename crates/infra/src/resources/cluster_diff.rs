//! What differs of a cluster, and what of it can be changed while it runs.

use std::collections::BTreeSet;

use super::{Differences, conflict};
use crate::{
    deployment::Deployment,
    plan::{ResourceKind, Step},
    readiness::{self, Readiness},
    services::{Cluster, ClusterChange, ParameterGroup},
    surroundings::Surroundings,
};

const KIND: ResourceKind = ResourceKind::Cluster;

const RESIZE: &str = "a resize takes the cluster out of use for a while and changes its price: do it yourself (aws \
                      redshift resize-cluster), or correct the configuration";
const FIXED: &str = "it is fixed when a cluster is made: make a new deployment, or correct the configuration";

pub(super) const PASSWORD: &str = "administrator's password";
const MANAGE_PASSWORD: &str = "a new password would lock out who knows the old one: do it yourself (aws redshift \
                               modify-cluster --manage-master-password)";

/// What is to be done with an existing cluster.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ClusterWork {
    /// Attributes to modify.
    pub(crate) change: ClusterChange,
    /// Whether our role must be attached or made the default.
    pub(crate) roles: bool,
    /// Whether tags are missing.
    pub(crate) tags: bool,
}

impl Deployment {
    /// What is to be done with the cluster; `parameters` is the group that it uses, if that could be read.
    pub(crate) fn cluster_step(
        &self,
        around: &Surroundings,
        groups: &[String],
        current: Option<&Cluster>,
        parameters: Option<&ParameterGroup>,
    ) -> Step {
        let name = around.names.cluster.as_str();
        let Some(cluster) = current else {
            return self.new_cluster(groups).into_creation(KIND, name, None);
        };
        if !self.owns(&cluster.tags) {
            return conflict(KIND, name);
        }
        let mut differences = Differences::default();
        self.changeable(around, groups, cluster, &mut differences);
        self.fixed(around, cluster, &mut differences);
        self.unsafe_parts(cluster, parameters, &mut differences);
        match readiness::of_cluster(cluster) {
            Readiness::Deleting(_) => {
                let note = "an earlier one of this name is still being deleted; it is waited for".to_owned();
                self.new_cluster(groups).into_creation(KIND, name, Some(note))
            }
            Readiness::Paused => {
                let why = "a paused cluster cannot be changed: resume it first (`sparkify-cli resume`)";
                with_note(differences.postponed(why).into_step(KIND, name), "it is paused")
            }
            Readiness::Stuck { state, remedy } => {
                with_note(differences.into_step(KIND, name), &format!("it is in state {state}: {remedy}"))
            }
            Readiness::Pending(state) => with_note(
                differences.into_step(KIND, name),
                &format!("it is not ready yet ({state}); it is waited for"),
            ),
            Readiness::Ready => differences.into_step(KIND, name),
        }
    }

    fn new_cluster(&self, groups: &[String]) -> Differences {
        let config = &self.config;
        let mut differences = Differences::default();
        differences.of_new("node type", &config.node_type);
        differences.of_new("nodes", config.nodes);
        differences.of_new("database", &config.database);
        differences.of_new("administrator", &config.admin_user);
        differences.of_new(PASSWORD, "kept by Secrets Manager");
        differences.of_new("port", config.port);
        differences.of_new("encrypted", true);
        differences.of_new("publicly accessible", config.publicly_accessible);
        differences.of_new("security groups", groups.join(", "));
        if let Some(group) = self.wanted_subnet_group() {
            differences.of_new("subnet group", group);
        }
        if let Some(group) = self.wanted_parameter_group() {
            differences.of_new("parameter group", group);
        }
        differences
            .of_new("automatic snapshots", format!("kept for {} days", config.snapshot_retention_days));
        differences
    }

    /// The subnet group to name, ours or a given one.
    pub(crate) fn wanted_subnet_group(&self) -> Option<String> {
        let own = || (!self.config.subnet_ids.is_empty()).then(|| self.config.names().subnet_group);
        self.config.subnet_group.clone().or_else(own)
    }

    /// The parameter group to name, if one is needed.
    pub(crate) fn wanted_parameter_group(&self) -> Option<String> {
        (!self.config.parameters.is_empty()).then(|| self.config.names().parameter_group)
    }

    fn changeable(&self, around: &Surroundings, groups: &[String], cluster: &Cluster, out: &mut Differences) {
        let config = &self.config;
        if cluster.publicly_accessible != config.publicly_accessible {
            out.changed("publicly accessible", cluster.publicly_accessible, config.publicly_accessible);
        }
        if regrouped(cluster, groups) {
            out.changed("security groups", cluster.security_group_ids.join(", "), groups.join(", "));
        }
        if cluster.snapshot_retention_days != config.snapshot_retention_days {
            out.changed(
                "days of automatic snapshots",
                cluster.snapshot_retention_days,
                config.snapshot_retention_days,
            );
        }
        if let Some(window) = &config.maintenance_window {
            let current = cluster.maintenance_window.as_deref().unwrap_or("none");
            if current != window {
                out.changed("maintenance window", current, window);
            }
        }
        let wanted = around.role_arn();
        if !cluster.roles.iter().any(|role| role.arn == wanted) {
            out.push("role", None, Some(wanted.clone()), None);
        }
        // Where the default role is not told, it makes no difference: COPY always names its role.
        if let Some(current) = cluster.default_role_arn.as_ref().filter(|current| **current != wanted) {
            out.changed("default role", current, &wanted);
        }
        out.tags(&cluster.tags, &around.tags);
    }

    fn fixed(&self, around: &Surroundings, cluster: &Cluster, out: &mut Differences) {
        let config = &self.config;
        if cluster.node_type != config.node_type {
            out.shown("node type", &cluster.node_type, &config.node_type, RESIZE);
        }
        if cluster.nodes != config.nodes {
            out.shown("nodes", cluster.nodes, config.nodes, RESIZE);
        }
        if let Some(current) = cluster.database.as_ref().filter(|current| **current != config.database) {
            out.shown("database", current, &config.database, FIXED);
        }
        if let Some(current) = cluster.admin_user.as_ref().filter(|current| **current != config.admin_user) {
            out.shown("administrator", current, &config.admin_user, FIXED);
        }
        if let Some(port) =
            cluster.endpoint.as_ref().map(|endpoint| endpoint.port).filter(|port| *port != config.port)
        {
            let why = "another port ends all connections: do it yourself, or correct the configuration";
            out.shown("port", port, config.port, why);
        }
        if !cluster.encrypted {
            let why = "encrypting moves all data and takes hours: do it yourself (aws redshift modify-cluster --encrypted)";
            out.shown("encrypted", false, true, why);
        }
        if let Some(wanted) = self.wanted_subnet_group() {
            let current = cluster.subnet_group.as_deref().unwrap_or("none");
            if current != wanted {
                out.shown("subnet group", current, wanted, FIXED);
            }
        }
        if let Some(wanted) = self.wanted_parameter_group() {
            let current = cluster.parameter_group.as_deref().unwrap_or("none");
            if current != wanted {
                let why = "another parameter group takes a reboot: do it yourself when it suits";
                out.shown("parameter group", current, wanted, why);
            }
        }
        let ours = around.role_arn();
        for role in cluster.roles.iter().filter(|role| role.arn != ours) {
            let why = "somebody attached it, maybe for other data: detach it yourself if nobody needs it";
            out.push("further role", Some(role.arn.clone()), None, Some(why.to_owned()));
        }
    }

    /// What is less safe than with a cluster that this program makes, or not in force yet.
    fn unsafe_parts(&self, cluster: &Cluster, parameters: Option<&ParameterGroup>, out: &mut Differences) {
        if cluster.admin_secret_arn.is_none() {
            out.shown(PASSWORD, "kept by nobody we know of", "kept by Secrets Manager", MANAGE_PASSWORD);
        }
        // Our own group has a step of its own, which sets it right.
        let foreign = parameters.filter(|group| Some(&group.name) != self.wanted_parameter_group().as_ref());
        if let Some(group) = foreign
            && group.parameters.get("require_ssl").is_some_and(|value| value != "true")
        {
            let why = format!(
                "the parameter group {} is not of this configuration; this program uses TLS in any case, others may \
                 not: set require_ssl there yourself, and reboot the cluster",
                group.name
            );
            out.shown("TLS required", false, true, &why);
        }
        if let Some(status) = cluster.parameter_status.as_deref().filter(|status| *status == "pending-reboot")
        {
            let why = "changed parameters take effect with a reboot, which ends all connections: do it yourself when \
                       it suits (aws redshift reboot-cluster)";
            out.shown("parameters", status, "in-sync", why);
        }
    }

    /// The requests that bring the changeable attributes in line.
    pub(crate) fn cluster_work(
        &self,
        around: &Surroundings,
        groups: &[String],
        cluster: &Cluster,
    ) -> ClusterWork {
        let config = &self.config;
        let differs = |differs: bool| differs.then_some(());
        let wanted = around.role_arn();
        let window = config
            .maintenance_window
            .clone()
            .filter(|window| cluster.maintenance_window.as_ref() != Some(window));
        ClusterWork {
            change: ClusterChange {
                publicly_accessible: differs(cluster.publicly_accessible != config.publicly_accessible)
                    .map(|()| config.publicly_accessible),
                security_group_ids: differs(regrouped(cluster, groups)).map(|()| groups.to_vec()),
                snapshot_retention_days: differs(
                    cluster.snapshot_retention_days != config.snapshot_retention_days,
                )
                .map(|()| config.snapshot_retention_days),
                maintenance_window: window,
            },
            roles: !cluster.roles.iter().any(|role| role.arn == wanted)
                || cluster.default_role_arn.as_ref().is_some_and(|current| *current != wanted),
            tags: around.tags.iter().any(|(key, value)| cluster.tags.get(key) != Some(value)),
        }
    }
}

/// Whether the cluster has other security groups than wanted. If none are given, what is wanted is not known.
fn regrouped(cluster: &Cluster, groups: &[String]) -> bool {
    !groups.is_empty() && as_set(&cluster.security_group_ids) != as_set(groups)
}

fn as_set(ids: &[String]) -> BTreeSet<&str> {
    ids.iter().map(String::as_str).collect()
}

fn with_note(mut step: Step, note: &str) -> Step {
    step.note = Some(note.to_owned());
    step
}
