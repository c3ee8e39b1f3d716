//! What we need of AWS, in our own words: one trait a service. Each is object-safe; [`crate::aws`] implements
//! them with the SDKs, and the feature `mock` makes mocks of them.
//!
//! *Contract of all of them.* A read of something that is not there is `None` or an empty list, never an error.
//! A deletion of something that is not there is fine. Creation of what is already there fails with
//! [`ErrorKind::AlreadyExists`]. Answers may be stale for some seconds after a change: callers poll.

mod clusters;
mod error;
mod identity;
mod local;
mod network;
mod roles;
mod serverless;
mod storage;

use std::{collections::BTreeMap, sync::Arc, time::SystemTime};

pub use clusters::*;
pub use error::{ErrorKind, ServiceError};
pub use identity::*;
pub use local::*;
pub use network::*;
pub use roles::*;
use serde::Serialize;
pub use serverless::*;
pub use storage::*;

use crate::Secret;

/// A result of a service.
pub type Answer<T> = Result<T, ServiceError>;

/// The name of a region, such as `us-west-2`.
pub type Region = String;

/// The tags of a resource.
pub type Tags = BTreeMap<String, String>;

/// Where the database listens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Endpoint {
    /// The host name.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// Credentials of the database that hold for some minutes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseCredentials {
    /// The name to log in with, exactly as it is (`IAM:…`).
    pub user: String,
    /// The password.
    pub password: Secret,
    /// When they end.
    pub expires_at: Option<SystemTime>,
}

/// A snapshot that was taken by hand or by us; it costs storage until it is deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Snapshot {
    /// Its name.
    pub name: String,
    /// Its state in AWS's words.
    pub status: String,
    /// Its size in bytes, if known.
    pub size_bytes: Option<u64>,
    /// How many days it is kept; `None` is until somebody deletes it.
    pub retention_days: Option<u32>,
    /// Its tags.
    pub tags: Tags,
}

/// Whether to take a final snapshot, and which.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FinalSnapshot {
    /// Its name.
    pub name: String,
    /// How many days it is kept; -1 is for ever.
    pub retention_days: i32,
}

/// Everything that the operations on a deployment need from outside.
#[derive(Debug, Clone)]
pub struct Services {
    /// The region that all of it is about.
    pub region: Region,
    /// Who we are (STS).
    pub identity: Arc<dyn Identity>,
    /// Roles (IAM).
    pub roles: Arc<dyn Roles>,
    /// Provisioned clusters (Redshift).
    pub clusters: Arc<dyn Clusters>,
    /// Redshift Serverless.
    pub serverless: Arc<dyn Serverless>,
    /// Security groups and subnets (EC2); `None` in a build without the feature `ec2`.
    pub network: Option<Arc<dyn Network>>,
    /// Secrets Manager.
    pub secrets: Arc<dyn Secrets>,
    /// S3.
    pub buckets: Arc<dyn Buckets>,
    /// Finds the address of this machine as others see it.
    pub address: Arc<dyn AddressFinder>,
    /// Tries the endpoint of the database. Without one nothing is tried.
    pub prober: Option<Arc<dyn Prober>>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}
