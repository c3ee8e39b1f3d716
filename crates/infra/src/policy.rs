//! The two policies of the role, and the one that a caller needs.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::config::{DEPLOYMENT_TAG, DeploymentConfig, Kind, ROLE_PATH};

/// A prefix or an object in a bucket.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct S3Place {
    /// The bucket.
    pub(crate) bucket: String,
    /// The prefix, which is empty or ends with a slash, or the key.
    pub(crate) key: String,
}

impl S3Place {
    /// Reads `s3://bucket/key`; the error says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let rest = text.strip_prefix("s3://").ok_or("does not begin with s3://")?;
        let (bucket, key) = rest.split_once('/').ok_or("has no slash after the bucket")?;
        let fine = (3..=63).contains(&bucket.len())
            && bucket.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.');
        if !fine {
            return Err("has no valid bucket");
        }
        // They would be wildcards and variables in a policy, and so allow more than is meant.
        if key.contains(['*', '?', '$', '"', '\\']) || key.chars().any(char::is_control) {
            return Err("has characters that mean something else in a policy");
        }
        if key.starts_with('/') || key.contains("//") {
            return Err("has an empty part in its key");
        }
        Ok(Self { bucket: bucket.to_owned(), key: key.to_owned() })
    }

    /// Whether it stands for everything below it.
    pub(crate) fn is_prefix(&self) -> bool {
        self.key.is_empty() || self.key.ends_with('/')
    }

    /// Whether one of them holds the other.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        let holds = |outer: &Self, inner: &Self| outer.is_prefix() && inner.key.starts_with(&outer.key);
        self.bucket == other.bucket && (holds(self, other) || holds(other, self))
    }

    /// The key as a pattern of a policy.
    fn pattern(&self) -> String {
        if self.is_prefix() { format!("{}*", self.key) } else { self.key.clone() }
    }

    fn arn(&self, partition: &str) -> String {
        format!("arn:{partition}:s3:::{}/{}", self.bucket, self.pattern())
    }
}

impl std::fmt::Display for S3Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.key)
    }
}

/// Everything that the warehouse may read. Invalid places are not there: settings are checked first.
pub(crate) fn readable(config: &DeploymentConfig) -> BTreeSet<S3Place> {
    let texts = config.read.iter().chain(&config.jsonpaths).chain(&config.staging);
    texts.filter_map(|text| S3Place::parse(text).ok()).collect()
}

/// Who may assume the role: Redshift, and Serverless if that is what is used.
#[must_use]
pub fn trust(kind: Kind) -> Value {
    let services = match kind {
        Kind::Cluster => json!(["redshift.amazonaws.com"]),
        Kind::Serverless => json!(["redshift.amazonaws.com", "redshift-serverless.amazonaws.com"]),
    };
    json!({
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": services}, "Action": "sts:AssumeRole"}
        ]
    })
}

/// What the role may do: read the configured prefixes and objects, list just these prefixes, and, where that is
/// configured, write below the staging prefix.
#[must_use]
pub fn data_access(config: &DeploymentConfig, partition: &str) -> Value {
    let places = readable(config);
    let mut buckets: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for place in &places {
        buckets.entry(&place.bucket).or_default().insert(place.pattern());
    }
    let bucket_arn = |bucket: &str| format!("arn:{partition}:s3:::{bucket}");
    let mut statements = vec![json!({
        "Sid": "ReadObjects",
        "Effect": "Allow",
        "Action": "s3:GetObject",
        "Resource": places.iter().map(|place| place.arn(partition)).collect::<Vec<_>>(),
    })];
    for (number, (bucket, patterns)) in buckets.iter().enumerate() {
        statements.push(json!({
            "Sid": format!("ListBucket{number}"),
            "Effect": "Allow",
            "Action": "s3:ListBucket",
            "Resource": bucket_arn(bucket),
            "Condition": {"StringLike": {"s3:prefix": patterns}},
        }));
    }
    statements.push(json!({
        "Sid": "LocateBuckets",
        "Effect": "Allow",
        "Action": "s3:GetBucketLocation",
        "Resource": buckets.keys().map(|bucket| bucket_arn(bucket)).collect::<Vec<_>>(),
    }));
    let staging = config.staging.as_deref().filter(|_| config.staging_write);
    if let Some(staging) = staging.and_then(|text| S3Place::parse(text).ok()) {
        statements.push(json!({
            "Sid": "WriteStaging",
            "Effect": "Allow",
            "Action": ["s3:AbortMultipartUpload", "s3:PutObject"],
            "Resource": staging.arn(partition),
        }));
    }
    json!({"Version": "2012-10-17", "Statement": statements})
}

/// Whether two policies say the same: the order of keys does not matter, nor whether a single value stands in a
/// list.
pub(crate) fn same(one: &str, other: &Value) -> bool {
    serde_json::from_str::<Value>(one).is_ok_and(|one| normal(&one) == normal(other))
}

fn normal(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            Value::Object(map.iter().map(|(key, value)| (key.clone(), normal(value))).collect())
        }
        Value::Array(values) if values.len() == 1 && !values[0].is_object() => normal(&values[0]),
        Value::Array(values) => {
            let mut values: Vec<_> = values.iter().map(normal).collect();
            if values.iter().all(Value::is_string) {
                values.sort_by(|one, other| one.as_str().cmp(&other.as_str()));
            }
            Value::Array(values)
        }
        other => other.clone(),
    }
}

/// The least that a caller must be allowed for all operations on all deployments of an account. It is what
/// `docs/aws-permissions.json` holds, with `ACCOUNT`, `REGION` and `STAGE_BUCKET` (the bucket of `--stage`) to be
/// replaced.
#[must_use]
pub fn caller(partition: &str, account: &str, region: &str, stage_bucket: &str) -> Value {
    let arn = |service: &str, rest: &str| format!("arn:{partition}:{service}:{region}:{account}:{rest}");
    let redshift = |rest: &str| arn("redshift", rest);
    let serverless = |rest: &str| arn("redshift-serverless", rest);
    let role = format!("arn:{partition}:iam::{account}:role{ROLE_PATH}sparkify-*");
    let service_role = "role/aws-service-role/redshift.amazonaws.com/AWSServiceRoleForRedshift";
    json!({
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Look",
                "Effect": "Allow",
                "Action": [
                    "ec2:DescribeSecurityGroups",
                    "ec2:DescribeSubnets",
                    "ec2:DescribeVpcs",
                    "iam:ListRoles",
                    "redshift-serverless:GetNamespace",
                    "redshift-serverless:GetWorkgroup",
                    "redshift-serverless:ListNamespaces",
                    "redshift-serverless:ListSnapshots",
                    "redshift-serverless:ListTagsForResource",
                    "redshift-serverless:ListUsageLimits",
                    "redshift-serverless:ListWorkgroups",
                    "redshift:DescribeClusterParameterGroups",
                    "redshift:DescribeClusterParameters",
                    "redshift:DescribeClusterSnapshots",
                    "redshift:DescribeClusterSubnetGroups",
                    "redshift:DescribeClusters",
                    "redshift:DescribeOrderableClusterOptions",
                    "redshift:DescribeTags",
                    "secretsmanager:GetRandomPassword",
                    "secretsmanager:ListSecrets"
                ],
                "Resource": "*"
            },
            {
                "Sid": "RedshiftLooksAtTheNetwork",
                "Effect": "Allow",
                "Action": [
                    "ec2:DescribeAccountAttributes",
                    "ec2:DescribeAddresses",
                    "ec2:DescribeAvailabilityZones",
                    "ec2:DescribeInternetGateways"
                ],
                "Resource": "*"
            },
            {
                "Sid": "Role",
                "Effect": "Allow",
                "Action": [
                    "iam:CreateRole",
                    "iam:DeleteRole",
                    "iam:DeleteRolePolicy",
                    "iam:DetachRolePolicy",
                    "iam:GetRole",
                    "iam:GetRolePolicy",
                    "iam:ListAttachedRolePolicies",
                    "iam:ListRolePolicies",
                    "iam:PutRolePolicy",
                    "iam:TagRole",
                    "iam:UpdateAssumeRolePolicy"
                ],
                "Resource": role
            },
            {
                "Sid": "PassRole",
                "Effect": "Allow",
                "Action": "iam:PassRole",
                "Resource": role,
                "Condition": {
                    "StringEquals": {
                        "iam:PassedToService": ["redshift.amazonaws.com", "redshift-serverless.amazonaws.com"]
                    }
                }
            },
            {
                "Sid": "FirstClusterOfTheAccount",
                "Effect": "Allow",
                "Action": "iam:CreateServiceLinkedRole",
                "Resource": format!("arn:{partition}:iam::{account}:{service_role}"),
                "Condition": {"StringEquals": {"iam:AWSServiceName": "redshift.amazonaws.com"}}
            },
            {
                "Sid": "MakeSecurityGroup",
                "Effect": "Allow",
                "Action": ["ec2:CreateSecurityGroup", "ec2:CreateTags"],
                "Resource": [arn("ec2", "security-group/*"), arn("ec2", "vpc/*")]
            },
            {
                "Sid": "OwnSecurityGroup",
                "Effect": "Allow",
                "Action": [
                    "ec2:AuthorizeSecurityGroupIngress",
                    "ec2:DeleteSecurityGroup",
                    "ec2:RevokeSecurityGroupIngress"
                ],
                "Resource": arn("ec2", "security-group/*"),
                "Condition": {"StringLike": {format!("aws:ResourceTag/{DEPLOYMENT_TAG}"): "*"}}
            },
            {
                "Sid": "Cluster",
                "Effect": "Allow",
                "Action": [
                    "redshift:CreateCluster",
                    "redshift:CreateClusterParameterGroup",
                    "redshift:CreateClusterSnapshot",
                    "redshift:CreateClusterSubnetGroup",
                    "redshift:CreateTags",
                    "redshift:DeleteCluster",
                    "redshift:DeleteClusterParameterGroup",
                    "redshift:DeleteClusterSubnetGroup",
                    "redshift:GetClusterCredentials",
                    "redshift:GetClusterCredentialsWithIAM",
                    "redshift:ModifyCluster",
                    "redshift:ModifyClusterIamRoles",
                    "redshift:ModifyClusterParameterGroup",
                    "redshift:ModifyClusterSubnetGroup",
                    "redshift:PauseCluster",
                    "redshift:ResumeCluster"
                ],
                "Resource": [
                    redshift("cluster:sparkify-*"),
                    redshift("dbname:sparkify-*/*"),
                    redshift("dbuser:sparkify-*/*"),
                    redshift("parametergroup:sparkify-*"),
                    redshift("snapshot:sparkify-*/*"),
                    redshift("subnetgroup:sparkify-*")
                ]
            },
            {
                "Sid": "Serverless",
                "Effect": "Allow",
                "Action": [
                    "redshift-serverless:CreateNamespace",
                    "redshift-serverless:CreateSnapshot",
                    "redshift-serverless:CreateUsageLimit",
                    "redshift-serverless:CreateWorkgroup",
                    "redshift-serverless:DeleteNamespace",
                    "redshift-serverless:DeleteWorkgroup",
                    "redshift-serverless:GetCredentials",
                    "redshift-serverless:TagResource",
                    "redshift-serverless:UpdateNamespace",
                    "redshift-serverless:UpdateUsageLimit",
                    "redshift-serverless:UpdateWorkgroup"
                ],
                "Resource": [serverless("namespace/*"), serverless("usagelimit/*"), serverless("workgroup/*")]
            },
            {
                "Sid": "ManagedPassword",
                "Effect": "Allow",
                "Action": [
                    "secretsmanager:CreateSecret",
                    "secretsmanager:DeleteSecret",
                    "secretsmanager:DescribeSecret",
                    "secretsmanager:RotateSecret",
                    "secretsmanager:TagResource",
                    "secretsmanager:UpdateSecret"
                ],
                "Resource": arn("secretsmanager", "secret:redshift!sparkify-*")
            },
            {
                "Sid": "DoctorLooksAtBuckets",
                "Effect": "Allow",
                "Action": ["s3:GetObject", "s3:ListBucket"],
                "Resource": format!("arn:{partition}:s3:::*")
            },
            {
                "Sid": "LoadsStageFiles",
                "Effect": "Allow",
                "Action": ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
                "Resource": format!("arn:{partition}:s3:::{stage_bucket}/*")
            },
            {
                "Sid": "LoadsListTheStage",
                "Effect": "Allow",
                "Action": "s3:ListBucket",
                "Resource": format!("arn:{partition}:s3:::{stage_bucket}")
            }
        ]
    })
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
