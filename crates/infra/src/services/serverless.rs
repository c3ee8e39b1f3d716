//! Redshift Serverless.

use std::time::SystemTime;

use async_trait::async_trait;

use super::{Answer, DatabaseCredentials, Endpoint, FinalSnapshot, Snapshot, Tags};
use crate::config::UsageLimit;

/// A namespace as it is: the data, users and roles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// Its status in AWS's words, such as `AVAILABLE`.
    pub status: String,
    /// The database that was made with it.
    pub database: Option<String>,
    /// Its administrator.
    pub admin_user: Option<String>,
    /// The secret with the administrator's password, if Secrets Manager keeps it.
    pub admin_secret_arn: Option<String>,
    /// The ARNs of its roles, with `in-sync`, `adding` or `removing` where that is known.
    pub roles: Vec<super::AttachedRole>,
    /// The role that COPY takes by default.
    pub default_role_arn: Option<String>,
    /// When it was made.
    pub created_at: Option<SystemTime>,
    /// Its tags.
    pub tags: Tags,
}

/// A namespace to make. Secrets Manager keeps the administrator's password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewNamespace {
    /// Its name.
    pub name: String,
    /// The database.
    pub database: String,
    /// The administrator.
    pub admin_user: String,
    /// Its role, which is also that of `IAM_ROLE default`.
    pub role_arn: String,
    /// Its tags.
    pub tags: Tags,
}

/// A workgroup as it is: the compute and the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workgroup {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// The namespace it is for.
    pub namespace: Option<String>,
    /// Its status in AWS's words.
    pub status: String,
    /// Where it listens, once it does.
    pub endpoint: Option<Endpoint>,
    /// The base capacity in RPUs.
    pub base_capacity: Option<u32>,
    /// The most RPUs.
    pub max_capacity: Option<u32>,
    /// Whether it has a public address.
    pub publicly_accessible: bool,
    /// The ids of its security groups.
    pub security_group_ids: Vec<String>,
    /// Its subnets.
    pub subnet_ids: Vec<String>,
    /// Its port.
    pub port: Option<u16>,
    /// Whether it takes connections with TLS only, where that is told.
    pub requires_tls: Option<bool>,
    /// When it was made.
    pub created_at: Option<SystemTime>,
    /// Its tags.
    pub tags: Tags,
}

/// A workgroup to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewWorkgroup {
    /// Its name.
    pub name: String,
    /// The namespace it is for.
    pub namespace: String,
    /// The base capacity in RPUs.
    pub base_capacity: u32,
    /// The most RPUs.
    pub max_capacity: Option<u32>,
    /// Whether it gets a public address.
    pub publicly_accessible: bool,
    /// Its security groups.
    pub security_group_ids: Vec<String>,
    /// Its subnets.
    pub subnet_ids: Vec<String>,
    /// Its port.
    pub port: u16,
    /// Its tags.
    pub tags: Tags,
}

/// What to change of a workgroup; `None` leaves it. AWS takes one change at a time, so only one is set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WorkgroupChange {
    /// The base capacity in RPUs.
    pub base_capacity: Option<u32>,
    /// The most RPUs.
    pub max_capacity: Option<u32>,
    /// Whether it has a public address.
    pub publicly_accessible: Option<bool>,
    /// Its security groups.
    pub security_group_ids: Option<Vec<String>>,
}

/// A usage limit as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExistingUsageLimit {
    /// Its id.
    pub id: String,
    /// The limit.
    pub limit: UsageLimit,
}

/// Redshift Serverless.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait Serverless: std::fmt::Debug + Send + Sync {
    /// The namespace.
    async fn namespace(&self, name: &str) -> Answer<Option<Namespace>>;
    /// Begins to make a namespace.
    async fn create_namespace(&self, namespace: &NewNamespace) -> Answer<()>;
    /// Sets the roles of a namespace and the default role.
    async fn set_roles(&self, namespace: &str, roles: &[String], default: &str) -> Answer<()>;
    /// Begins to delete a namespace, with a final snapshot or without.
    async fn delete_namespace(&self, name: &str, snapshot: Option<FinalSnapshot>) -> Answer<()>;
    /// The names of all namespaces with this tag.
    async fn namespaces_tagged(&self, key: &str, value: &str) -> Answer<Vec<String>>;

    /// The workgroup.
    async fn workgroup(&self, name: &str) -> Answer<Option<Workgroup>>;
    /// Begins to make a workgroup.
    async fn create_workgroup(&self, workgroup: &NewWorkgroup) -> Answer<()>;
    /// Begins to change a workgroup.
    async fn modify_workgroup(&self, name: &str, change: &WorkgroupChange) -> Answer<()>;
    /// Begins to delete a workgroup.
    async fn delete_workgroup(&self, name: &str) -> Answer<()>;
    /// The names of all workgroups with this tag.
    async fn workgroups_tagged(&self, key: &str, value: &str) -> Answer<Vec<String>>;

    /// The usage limits of a workgroup's compute.
    async fn usage_limits(&self, workgroup_arn: &str) -> Answer<Vec<ExistingUsageLimit>>;
    /// Makes a usage limit of a workgroup's compute.
    async fn create_usage_limit(&self, workgroup_arn: &str, limit: UsageLimit) -> Answer<()>;
    /// Sets amount and consequence of a usage limit; its period cannot be changed.
    async fn modify_usage_limit(&self, id: &str, limit: UsageLimit) -> Answer<()>;

    /// The snapshots of a namespace, also of one that is gone.
    async fn snapshots(&self, namespace: &str) -> Answer<Vec<Snapshot>>;
    /// Sets tags on a resource, and leaves others as they are.
    async fn tag_resource(&self, arn: &str, tags: &Tags) -> Answer<()>;
    /// Credentials of the user that stands for the caller's IAM identity.
    async fn credentials(&self, workgroup: &str, database: &str) -> Answer<DatabaseCredentials>;
}
