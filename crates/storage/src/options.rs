//! How S3 is reached.

use std::time::Duration;

/// How S3 is reached. What is left open is found as the AWS tools find it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Options {
    /// The region of the bucket. Otherwise `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile, and last
    /// `us-east-1`.
    pub region: Option<String>,
    /// The address of an S3-compatible server. Otherwise `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`, the
    /// profile, and last S3 itself.
    pub endpoint: Option<String>,
    /// Whether the bucket stands in the path of a request, not in the host name. Otherwise it does so for an
    /// endpoint of one's own, and for buckets with a dot in the name.
    pub path_style: Option<bool>,
    /// Whether requests are not signed, as for public buckets.
    pub anonymous: bool,
    /// The profile of `~/.aws/config`. Otherwise `AWS_PROFILE`, and last `default`.
    pub profile: Option<String>,
    /// How often a request is tried again.
    pub retries: usize,
    /// How long an answer, or the next part of it, may take.
    pub timeout: Duration,
}

impl Default for S3Options {
    fn default() -> Self {
        Self {
            region: None,
            endpoint: None,
            path_style: None,
            anonymous: false,
            profile: None,
            retries: 8,
            timeout: Duration::from_secs(30),
        }
    }
}
