//! IAM.

use async_trait::async_trait;

use super::{Answer, Tags};

/// A role as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// Who may assume it, as JSON.
    pub trust: String,
    /// Its inline policies by name, as JSON.
    pub policies: std::collections::BTreeMap<String, String>,
    /// The ARNs of the managed policies that are attached to it.
    pub attached: Vec<String>,
    /// Its tags.
    pub tags: Tags,
}

/// A role to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRole {
    /// Its name.
    pub name: String,
    /// Its path.
    pub path: String,
    /// What it is for.
    pub description: String,
    /// Who may assume it, as JSON.
    pub trust: String,
    /// Its tags.
    pub tags: Tags,
}

/// Roles and their policies.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait Roles: std::fmt::Debug + Send + Sync {
    /// The role with everything about it.
    async fn role(&self, name: &str) -> Answer<Option<Role>>;
    /// Makes a role without policies, and returns its ARN.
    async fn create_role(&self, role: &NewRole) -> Answer<String>;
    /// Sets who may assume the role.
    async fn set_trust(&self, role: &str, trust: &str) -> Answer<()>;
    /// Sets an inline policy.
    async fn put_policy(&self, role: &str, policy: &str, document: &str) -> Answer<()>;
    /// Deletes an inline policy.
    async fn delete_policy(&self, role: &str, policy: &str) -> Answer<()>;
    /// Detaches a managed policy.
    async fn detach_policy(&self, role: &str, policy_arn: &str) -> Answer<()>;
    /// Sets tags, and leaves others as they are.
    async fn tag_role(&self, role: &str, tags: &Tags) -> Answer<()>;
    /// Deletes a role that has no policies any more.
    async fn delete_role(&self, role: &str) -> Answer<()>;
    /// The names of the roles below a path.
    async fn roles_below(&self, path: &str) -> Answer<Vec<String>>;
}
