//! STS.

use async_trait::async_trait;
use serde::Serialize;

use super::Answer;

/// Whose credentials these are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Caller {
    /// The number of the account.
    pub account: String,
    /// The user or role.
    pub arn: String,
}

impl Caller {
    /// The partition of AWS, such as `aws`, `aws-cn` or `aws-us-gov`.
    #[must_use]
    pub fn partition(&self) -> &str {
        self.arn.split(':').nth(1).filter(|partition| !partition.is_empty()).unwrap_or("aws")
    }
}

/// Who we are.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait Identity: std::fmt::Debug + Send + Sync {
    /// Whose credentials these are. It needs no permission.
    async fn caller(&self) -> Answer<Caller>;
}
