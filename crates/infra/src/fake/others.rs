//! STS, S3, Secrets Manager.

use super::*;

#[async_trait]
impl Identity for FakeAws {
    async fn caller(&self) -> Answer<Caller> {
        self.call("sts:GetCallerIdentity", |_| {
            Ok(Caller { account: ACCOUNT.to_owned(), arn: format!("arn:aws:iam::{ACCOUNT}:user/engineer") })
        })
    }
}

#[async_trait]
impl Buckets for FakeAws {
    async fn region(&self, bucket: &str) -> Answer<Option<Region>> {
        self.call("s3:HeadBucket", |inner| Ok(inner.world.buckets.get(bucket).cloned()))
    }

    async fn any_object(&self, bucket: &str, prefix: &str) -> Answer<Option<String>> {
        self.call("s3:ListObjects", |inner| {
            Ok(inner.world.buckets.get(bucket).map(|_| format!("{prefix}2018/11/2018-11-01-events.json")))
        })
    }

    async fn stored(&self, bucket: &str, prefix: &str) -> Answer<Stored> {
        self.call("s3:ListBucket", |inner| {
            let place = format!("{bucket}/{prefix}");
            Ok(Stored { all: true, ..inner.world.stored.get(&place).copied().unwrap_or_default() })
        })
    }

    async fn readable(&self, bucket: &str, _key: &str) -> Answer<bool> {
        self.call("s3:HeadObject", |inner| Ok(inner.world.buckets.contains_key(bucket)))
    }
}

#[async_trait]
impl Secrets for FakeAws {
    async fn secrets_named(&self, prefix: &str) -> Answer<Vec<SecretEntry>> {
        self.call("secretsmanager:ListSecrets", |inner| {
            Ok(inner.world.secrets.iter().filter(|secret| secret.name.starts_with(prefix)).cloned().collect())
        })
    }
}
