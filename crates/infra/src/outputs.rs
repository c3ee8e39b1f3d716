//! What a deployment gives to those who use it.

use serde::Serialize;

use crate::{
    config::Kind,
    services::{Endpoint, Region},
};

/// Where the warehouse is and what it uses, read from AWS by tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outputs {
    /// The deployment.
    pub deployment: String,
    /// The region.
    pub region: Region,
    /// Cluster or Serverless.
    pub kind: Kind,
    /// The cluster's or workgroup's name.
    pub warehouse: String,
    /// Its state in AWS's words.
    pub state: String,
    /// Where it listens, once it does.
    pub endpoint: Option<Endpoint>,
    /// The database.
    pub database: String,
    /// Its administrator.
    pub admin_user: Option<String>,
    /// The role for COPY.
    pub role_arn: Option<String>,
    /// The secret with the administrator's password. The password itself is never read.
    pub admin_secret_arn: Option<String>,
}

/// As whom to log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Login {
    /// As the administrator, on a cluster; on Serverless it is the caller.
    #[default]
    Admin,
    /// As the user that stands for the caller's IAM identity; an administrator must have granted it something.
    Caller,
}

/// How the first connection went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum Probe {
    /// TLS was verified and `SELECT 1` answered.
    Passed,
    /// Nothing was tried.
    Skipped {
        /// Why.
        reason: String,
    },
    /// The resources are ready for AWS, but this machine cannot use the database.
    Failed {
        /// The step: `dns`, `tcp`, `tls`, `credentials` or `login`.
        step: String,
        /// What happened.
        reason: String,
        /// What to do.
        remedy: String,
        /// Whether the warehouse is therefore not ready. Only one without a public address need not be reached from
        /// here.
        fatal: bool,
    },
}
