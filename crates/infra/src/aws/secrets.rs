//! Secrets Manager.

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_secretsmanager::{
    Client,
    types::{Filter, FilterNameStringType},
};

use super::wire::Wire;
use crate::services::{Answer, SecretEntry, Secrets};

#[derive(Debug)]
pub(super) struct SecretsManager {
    client: Client,
    wire: Wire,
}

impl SecretsManager {
    pub(super) fn new(config: &SdkConfig, wire: Wire) -> Self {
        Self { client: Client::new(config), wire }
    }
}

#[async_trait]
impl Secrets for SecretsManager {
    async fn secrets_named(&self, prefix: &str) -> Answer<Vec<SecretEntry>> {
        let filter = Filter::builder().key(FilterNameStringType::Name).values(prefix).build();
        let mut pages = self.client.list_secrets().filters(filter).into_paginator().send();
        let mut secrets = Vec::new();
        while let Some(page) = pages.next().await {
            let page = self.wire.answer("secretsmanager:ListSecrets", page)?;
            secrets.extend(page.secret_list.unwrap_or_default().into_iter().map(|secret| SecretEntry {
                name: secret.name.unwrap_or_default(),
                arn: secret.arn.unwrap_or_default(),
                owner: secret.owning_service,
                deleted: secret.deleted_date.is_some(),
            }));
        }
        // The filter ignores case and matches the beginnings of words too.
        secrets.retain(|secret| secret.name.starts_with(prefix));
        Ok(secrets)
    }
}
