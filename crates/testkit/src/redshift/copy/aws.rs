//! What AWS lets the cluster do: its roles, and where buckets are.

use std::{collections::BTreeMap, sync::Mutex};

use crate::redshift::{error::ServerError, lock, options::RedshiftDoubleOptions};

type Result<T> = std::result::Result<T, ServerError>;

/// What AWS lets the cluster do.
#[derive(Debug)]
pub(in crate::redshift) struct Aws {
    pub(super) endpoint: Option<String>,
    pub(super) region: String,
    bucket_regions: BTreeMap<String, String>,
    roles: Mutex<Option<Vec<String>>>,
    /// Beginnings of URLs that the role may not read.
    denied: Mutex<Vec<String>>,
}

impl Aws {
    pub(in crate::redshift) fn new(options: &RedshiftDoubleOptions) -> Self {
        Self {
            endpoint: options.s3_endpoint.clone(),
            region: options.region.clone(),
            bucket_regions: options.bucket_regions.clone(),
            roles: Mutex::new(options.roles.clone()),
            denied: Mutex::default(),
        }
    }

    pub(in crate::redshift) fn set_roles(&self, roles: Option<Vec<String>>) {
        *lock(&self.roles) = roles;
    }

    pub(in crate::redshift) fn deny(&self, beginning: &str) {
        lock(&self.denied).push(beginning.to_owned());
    }

    pub(in crate::redshift) fn allow_all(&self) {
        lock(&self.denied).clear();
    }

    pub(super) fn is_denied(&self, url: &str) -> bool {
        lock(&self.denied).iter().any(|beginning| url.starts_with(beginning.as_str()))
    }

    /// The region that a bucket is known to be in.
    pub(super) fn region_of(&self, bucket: &str) -> Option<&str> {
        self.bucket_regions.get(bucket).map(String::as_str)
    }

    /// Whether the cluster may take on a role; `None` is its default role.
    pub(super) fn check_role(&self, role: Option<&str>) -> Result<()> {
        let roles = lock(&self.roles);
        match (role, roles.as_deref()) {
            (_, None) => Ok(()),
            (None, Some([])) => {
                Err(ServerError::new("42601", "There is no default IAM role associated with this cluster"))
            }
            (None, Some(_)) => Ok(()),
            (Some(role), Some(roles)) => {
                // Of a chain, the first has to be the cluster's.
                let first = role.split(',').next().unwrap_or(role);
                if roles.iter().any(|attached| attached == first) {
                    Ok(())
                } else {
                    Err(ServerError::not_authorized(role))
                }
            }
        }
    }
}

impl ServerError {
    /// A role that is not attached to the cluster, or not yet.
    #[must_use]
    pub fn not_authorized(role: &str) -> Self {
        let message = format!(
            "User arn:aws:redshift:us-west-2:123456789012:dbuser:double/loader is not authorized to assume IAM Role {role}"
        );
        Self::new("XX000", message.clone()).with_detail(detail(
            &message,
            "IAM Role",
            "xen_aws_credentials_mgr.cpp:402",
        ))
    }
}

/// The block that errors of Redshift's nodes carry.
pub(super) fn detail(error: &str, context: &str, location: &str) -> String {
    let line = "-".repeat(47);
    format!(
        "\n  {line}\n  error:  {error}\n  code:      8001\n  context:   {context}\n  query:     0\n  \
         location:  {location}\n  process:   padbmaster [pid=1]\n  {line}\n"
    )
}
