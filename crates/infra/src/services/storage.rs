//! S3 and Secrets Manager.

use async_trait::async_trait;
use serde::Serialize;

use super::{Answer, Region};

/// How much lies below a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Stored {
    /// The number of objects.
    pub objects: u64,
    /// Their size.
    pub bytes: u64,
    /// Whether these are all: no more than the first thousand are looked at.
    pub all: bool,
}

/// Buckets and what can be seen in them.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait Buckets: std::fmt::Debug + Send + Sync {
    /// The region of a bucket, or `None` if there is no such bucket.
    async fn region(&self, bucket: &str) -> Answer<Option<Region>>;
    /// The key of some object below a prefix, or `None` if there is none.
    async fn any_object(&self, bucket: &str, prefix: &str) -> Answer<Option<String>>;
    /// How much lies below a prefix; nothing if there is no such bucket.
    async fn stored(&self, bucket: &str, prefix: &str) -> Answer<Stored>;
    /// Whether an object is there and can be read.
    async fn readable(&self, bucket: &str, key: &str) -> Answer<bool>;
}

/// A secret of Secrets Manager, without its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SecretEntry {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// The service that manages it, such as `redshift`.
    pub owner: Option<String>,
    /// Whether it is already marked for deletion.
    pub deleted: bool,
}

/// The list of secrets. Their values are never read.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait Secrets: std::fmt::Debug + Send + Sync {
    /// The secrets whose name begins so.
    async fn secrets_named(&self, prefix: &str) -> Answer<Vec<SecretEntry>>;
}
