//! The services by means of the AWS SDKs.

use crate::{error::Result, services::Services};

/// How to reach AWS. What is not set comes from the environment and the profile, as with all AWS tools:
/// `AWS_PROFILE`, `AWS_REGION`, `AWS_ENDPOINT_URL`, SSO, …
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConnectOptions {
    /// The region.
    pub region: Option<String>,
    /// The profile.
    pub profile: Option<String>,
    /// Another endpoint for all services, such as that of a local double.
    pub endpoint: Option<String>,
    /// The address of an HTTPS service that answers with the caller's address and nothing else.
    pub address_service: Option<String>,
}

impl Services {
    /// Connects to AWS. No request is made but those that get credentials. There is no prober yet: whoever can
    /// speak to the database sets `prober`.
    ///
    /// # Errors
    ///
    /// When no region is known.
    pub async fn connect(options: &ConnectOptions) -> Result<Self> {
        let _ = options;
        todo!()
    }
}
