//! S3.

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_s3::{Client, config::Builder};

use super::wire::Wire;
use crate::services::{Answer, Buckets, Region, Stored};

#[derive(Debug)]
pub(super) struct S3Buckets {
    client: Client,
    wire: Wire,
    /// Whether all buckets are at one endpoint, whatever their region.
    one_endpoint: bool,
}

impl S3Buckets {
    pub(super) fn new(config: &SdkConfig, wire: Wire) -> Self {
        // An endpoint that somebody names has no host name for each bucket.
        let one_endpoint = config.endpoint_url().is_some();
        let config = Builder::from(config).force_path_style(one_endpoint).build();
        Self { client: Client::from_conf(config), wire, one_endpoint }
    }

    /// A client for the region that a bucket is in: S3 refuses requests that are sent elsewhere.
    async fn client_for(&self, bucket: &str) -> Answer<Client> {
        let region = self.region(bucket).await?;
        let Some(region) = region.filter(|_| !self.one_endpoint) else { return Ok(self.client.clone()) };
        let config = self.client.config().to_builder().region(aws_config::Region::new(region)).build();
        Ok(Client::from_conf(config))
    }
}

#[async_trait]
impl Buckets for S3Buckets {
    async fn region(&self, bucket: &str) -> Answer<Option<Region>> {
        // S3 names the region also in its refusal of a request that was sent to another.
        let result = self.client.head_bucket().bucket(bucket).send().await;
        let told = result.as_ref().err().and_then(|error| error.raw_response()).and_then(|response| {
            let redirected = matches!(response.status().as_u16(), 301 | 307 | 400 | 403);
            response.headers().get("x-amz-bucket-region").filter(|_| redirected).map(str::to_owned)
        });
        if told.is_some() {
            return Ok(told);
        }
        if result
            .as_ref()
            .err()
            .and_then(|error| error.raw_response())
            .is_some_and(|r| r.status().as_u16() == 404)
        {
            return Ok(None);
        }
        let found = self.wire.found("s3:ListBucket", result)?;
        Ok(found.map(|found| found.bucket_region.unwrap_or_else(|| "us-east-1".to_owned())))
    }

    async fn any_object(&self, bucket: &str, prefix: &str) -> Answer<Option<String>> {
        let client = self.client_for(bucket).await?;
        let result = client.list_objects_v2().bucket(bucket).prefix(prefix).max_keys(1).send().await;
        let found = self.wire.found("s3:ListBucket", result)?;
        Ok(found
            .and_then(|found| found.contents.unwrap_or_default().into_iter().find_map(|object| object.key)))
    }

    async fn stored(&self, bucket: &str, prefix: &str) -> Answer<Stored> {
        let client = self.client_for(bucket).await?;
        let result = client.list_objects_v2().bucket(bucket).prefix(prefix).send().await;
        let Some(found) = self.wire.found("s3:ListBucket", result)? else {
            return Ok(Stored { all: true, ..Stored::default() });
        };
        let objects = found.contents.unwrap_or_default();
        let size = |object: &aws_sdk_s3::types::Object| object.size.and_then(|size| u64::try_from(size).ok());
        Ok(Stored {
            objects: objects.len() as u64,
            bytes: objects.iter().filter_map(size).sum(),
            all: !found.is_truncated.unwrap_or_default(),
        })
    }

    async fn readable(&self, bucket: &str, key: &str) -> Answer<bool> {
        let client = self.client_for(bucket).await?;
        let result = client.head_object().bucket(bucket).key(key).send().await;
        if result
            .as_ref()
            .err()
            .and_then(|error| error.raw_response())
            .is_some_and(|r| r.status().as_u16() == 404)
        {
            return Ok(false);
        }
        Ok(self.wire.found("s3:GetObject", result)?.is_some())
    }
}
