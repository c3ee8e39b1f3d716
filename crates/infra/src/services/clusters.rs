//! Redshift, provisioned clusters.

use std::{collections::BTreeMap, time::SystemTime};

use async_trait::async_trait;
use serde::Serialize;

use super::{Answer, DatabaseCredentials, Endpoint, FinalSnapshot, Snapshot, Tags};

/// A role of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AttachedRole {
    /// Its ARN.
    pub arn: String,
    /// `in-sync`, `adding` or `removing`.
    pub status: String,
}

/// A cluster as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// Its name.
    pub id: String,
    /// Its status in AWS's words, such as `available` or `incompatible-network`.
    pub status: String,
    /// Whether it can be used, in AWS's words: `Available`, `Maintenance`, …
    pub availability: Option<String>,
    /// Where it listens, once it does.
    pub endpoint: Option<Endpoint>,
    /// The type of its nodes.
    pub node_type: String,
    /// How many.
    pub nodes: u32,
    /// The database that was made with it.
    pub database: Option<String>,
    /// Its administrator.
    pub admin_user: Option<String>,
    /// The secret with the administrator's password, if Secrets Manager keeps it.
    pub admin_secret_arn: Option<String>,
    /// Whether it has a public address.
    pub publicly_accessible: bool,
    /// Whether its storage is encrypted.
    pub encrypted: bool,
    /// Its roles.
    pub roles: Vec<AttachedRole>,
    /// The role that COPY takes by default.
    pub default_role_arn: Option<String>,
    /// The ids of its security groups.
    pub security_group_ids: Vec<String>,
    /// The subnet group.
    pub subnet_group: Option<String>,
    /// The parameter group.
    pub parameter_group: Option<String>,
    /// Whether its parameters are in force, in AWS's words: `in-sync`, `pending-reboot`, `applying`, …
    pub parameter_status: Option<String>,
    /// Its VPC.
    pub vpc_id: Option<String>,
    /// How many days automatic snapshots are kept.
    pub snapshot_retention_days: u32,
    /// The weekly maintenance window.
    pub maintenance_window: Option<String>,
    /// When it was made.
    pub created_at: Option<SystemTime>,
    /// Its tags.
    pub tags: Tags,
}

/// A cluster to make. It is encrypted, and Secrets Manager keeps the administrator's password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCluster {
    /// Its name.
    pub id: String,
    /// The type of its nodes.
    pub node_type: String,
    /// How many; 1 makes a single-node cluster.
    pub nodes: u32,
    /// The database.
    pub database: String,
    /// The administrator.
    pub admin_user: String,
    /// The port.
    pub port: u16,
    /// Whether it gets a public address.
    pub publicly_accessible: bool,
    /// Its role, which is also that of `IAM_ROLE default`.
    pub role_arn: String,
    /// Its security groups.
    pub security_group_ids: Vec<String>,
    /// Its subnet group.
    pub subnet_group: Option<String>,
    /// Its parameter group.
    pub parameter_group: Option<String>,
    /// How many days automatic snapshots are kept.
    pub snapshot_retention_days: u32,
    /// The weekly maintenance window.
    pub maintenance_window: Option<String>,
    /// Its tags.
    pub tags: Tags,
}

/// What to change of a cluster; `None` leaves it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClusterChange {
    /// Whether it has a public address.
    pub publicly_accessible: Option<bool>,
    /// Its security groups.
    pub security_group_ids: Option<Vec<String>>,
    /// How many days automatic snapshots are kept.
    pub snapshot_retention_days: Option<u32>,
    /// The weekly maintenance window.
    pub maintenance_window: Option<String>,
}

/// A subnet group as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubnetGroup {
    /// Its name.
    pub name: String,
    /// Its subnets.
    pub subnet_ids: Vec<String>,
    /// Their VPC, if known.
    pub vpc_id: Option<String>,
    /// Its tags.
    pub tags: Tags,
}

/// A parameter group as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterGroup {
    /// Its name.
    pub name: String,
    /// Its family, such as `redshift-2.0`.
    pub family: String,
    /// Its parameters and their values.
    pub parameters: BTreeMap<String, String>,
    /// Its tags.
    pub tags: Tags,
}

/// A combination that can be ordered in the region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orderable {
    /// The type of nodes.
    pub node_type: String,
    /// `single-node` or `multi-node`.
    pub cluster_type: String,
    /// The availability zones.
    pub zones: Vec<String>,
}

/// Provisioned clusters and what hangs on them.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait Clusters: std::fmt::Debug + Send + Sync {
    /// The cluster.
    async fn cluster(&self, id: &str) -> Answer<Option<Cluster>>;
    /// Begins to make a cluster.
    async fn create_cluster(&self, cluster: &NewCluster) -> Answer<()>;
    /// Begins to change a cluster.
    async fn modify_cluster(&self, id: &str, change: &ClusterChange) -> Answer<()>;
    /// Begins to attach and detach roles, and sets the default role.
    async fn modify_roles(&self, id: &str, add: &[String], remove: &[String], default: &str) -> Answer<()>;
    /// Begins to delete a cluster, with a final snapshot or without.
    async fn delete_cluster(&self, id: &str, snapshot: Option<FinalSnapshot>) -> Answer<()>;
    /// Begins to pause a cluster.
    async fn pause_cluster(&self, id: &str) -> Answer<()>;
    /// Begins to resume a cluster.
    async fn resume_cluster(&self, id: &str) -> Answer<()>;

    /// The subnet group.
    async fn subnet_group(&self, name: &str) -> Answer<Option<SubnetGroup>>;
    /// Makes a subnet group.
    async fn create_subnet_group(&self, group: &SubnetGroup) -> Answer<()>;
    /// Sets the subnets of a subnet group.
    async fn set_subnets(&self, name: &str, subnet_ids: &[String]) -> Answer<()>;
    /// Deletes a subnet group.
    async fn delete_subnet_group(&self, name: &str) -> Answer<()>;

    /// The parameter group.
    async fn parameter_group(&self, name: &str) -> Answer<Option<ParameterGroup>>;
    /// Makes a parameter group, without parameters.
    async fn create_parameter_group(&self, name: &str, family: &str, tags: &Tags) -> Answer<()>;
    /// Sets parameters.
    async fn set_parameters(&self, name: &str, parameters: &BTreeMap<String, String>) -> Answer<()>;
    /// Deletes a parameter group.
    async fn delete_parameter_group(&self, name: &str) -> Answer<()>;

    /// What can be ordered of a type of nodes.
    async fn orderable(&self, node_type: &str) -> Answer<Vec<Orderable>>;
    /// The manual snapshots of a cluster, also of one that is gone.
    async fn snapshots(&self, cluster_id: &str) -> Answer<Vec<Snapshot>>;
    /// Sets tags on a resource, and leaves others as they are.
    async fn tag_resource(&self, arn: &str, tags: &Tags) -> Answer<()>;
    /// The ARNs of all Redshift resources with this tag, snapshots among them.
    async fn tagged(&self, key: &str, value: &str) -> Answer<Vec<String>>;

    /// Credentials of a user of the database; it must exist, and has all of its rights.
    async fn user_credentials(&self, id: &str, user: &str, database: &str) -> Answer<DatabaseCredentials>;
    /// Credentials of the user that stands for the caller's IAM identity; it has the rights of PUBLIC only.
    async fn caller_credentials(&self, id: &str, database: &str) -> Answer<DatabaseCredentials>;
}
