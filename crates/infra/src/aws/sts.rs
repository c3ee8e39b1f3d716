//! STS.

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_sts::Client;

use super::wire::Wire;
use crate::services::{Answer, Caller, Identity};

#[derive(Debug)]
pub(super) struct StsIdentity {
    client: Client,
    wire: Wire,
}

impl StsIdentity {
    pub(super) fn new(config: &SdkConfig, wire: Wire) -> Self {
        Self { client: Client::new(config), wire }
    }
}

#[async_trait]
impl Identity for StsIdentity {
    async fn caller(&self) -> Answer<Caller> {
        let result = self.client.get_caller_identity().send().await;
        let found = self.wire.answer("sts:GetCallerIdentity", result)?;
        Ok(Caller { account: found.account.unwrap_or_default(), arn: found.arn.unwrap_or_default() })
    }
}
