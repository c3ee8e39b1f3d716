//! What is wanted: the section `[deployment]` of `sparkify.toml`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::services::Region;

/// How the warehouse is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A provisioned Redshift cluster, paid by the hour as long as it is there and not paused.
    #[default]
    Cluster,
    /// Redshift Serverless, paid by the second while queries run.
    Serverless,
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Cluster => "cluster",
            Self::Serverless => "serverless",
        })
    }
}

/// Whether a final snapshot is taken when the warehouse is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinalSnapshotPolicy {
    /// The user decides each time.
    #[default]
    Ask,
    /// Always.
    Take,
    /// Never.
    Skip,
}

/// What Serverless does when the usage limit is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BreachAction {
    /// Queries are refused until the period ends.
    #[default]
    Deactivate,
    /// A metric is set, from which an alarm can be made.
    EmitMetric,
    /// It is noted in a system table.
    Log,
}

/// The period of a usage limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// A day.
    Daily,
    /// A week.
    Weekly,
    /// A month.
    #[default]
    Monthly,
}

/// How much compute Serverless may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsageLimit {
    /// RPU-hours in the period.
    pub rpu_hours: u32,
    /// The period.
    #[serde(default)]
    pub period: Period,
    /// What happens when they are used up.
    #[serde(default)]
    pub on_breach: BreachAction,
}

/// The configuration of a deployment. What is left out has its default.
///
/// ```
/// # use sparkify_infra::{DeploymentConfig, Kind};
/// let config: DeploymentConfig = toml::from_str(r#"
///     name = "nightly"
///     region = "us-west-2"
///     node_type = "ra3.xlplus"
///     nodes = 2
///     allow_cidr = ["203.0.113.7/32"]
/// "#)?;
/// assert_eq!(config.kind, Kind::Cluster);
/// config.validate()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DeploymentConfig {
    /// The name, from which the names of the resources are made (`sparkify-<name>…`), and the value of their
    /// tag `sparkify:deployment`.
    pub name: String,
    /// The region. If it is not set, that of the AWS profile or environment.
    pub region: Option<String>,
    /// Cluster or Serverless.
    pub kind: Kind,
    /// The type of the cluster's nodes.
    pub node_type: String,
    /// The number of nodes; 1 is a single-node cluster.
    pub nodes: u32,
    /// The database.
    pub database: String,
    /// The administrator of the database. The password is made and kept by Secrets Manager.
    pub admin_user: String,
    /// The port.
    pub port: u16,
    /// Serverless: the base capacity in Redshift processing units (RPU).
    pub base_capacity: u32,
    /// Serverless: the most RPUs.
    pub max_capacity: Option<u32>,
    /// Serverless: how much may be used in a period.
    pub usage_limit: Option<UsageLimit>,
    /// Whether the endpoint gets a public address.
    pub publicly_accessible: bool,
    /// The addresses that may connect. If none is given, the address of the machine that provisions.
    pub allow_cidr: Vec<String>,
    /// Allows `allow_cidr` to hold the whole internet.
    pub allow_anywhere: bool,
    /// What COPY may read: `s3://bucket/prefix/` or, for one object, `s3://bucket/key`.
    pub read: Vec<String>,
    /// The JSONPaths file of the event data.
    pub jsonpaths: Option<String>,
    /// Where files are staged for COPY: `s3://bucket/prefix/`.
    pub staging: Option<String>,
    /// Whether the role of the warehouse may write below `staging` too (UNLOAD), not only read.
    pub staging_write: bool,
    /// An existing subnet group to use.
    pub subnet_group: Option<String>,
    /// The subnets to use; a subnet group is made of them. Without them and without a group, those of the
    /// default VPC.
    pub subnet_ids: Vec<String>,
    /// Existing security groups to use instead of one of our own.
    pub security_group_ids: Vec<String>,
    /// Parameters that differ from the defaults; a parameter group is made for them.
    pub parameters: BTreeMap<String, String>,
    /// How many days automatic snapshots are kept.
    pub snapshot_retention_days: u32,
    /// The weekly maintenance window in UTC, `ddd:hh:mm-ddd:hh:mm`.
    pub maintenance_window: Option<String>,
    /// Whether teardown takes a final snapshot.
    pub final_snapshot: FinalSnapshotPolicy,
    /// How many days the final snapshot is kept; -1 is for ever.
    pub final_snapshot_retention_days: i32,
    /// More tags for every resource.
    pub tags: BTreeMap<String, String>,
}

impl Default for DeploymentConfig {
    fn default() -> Self {
        Self {
            name: "warehouse".to_owned(),
            region: None,
            kind: Kind::default(),
            node_type: "ra3.large".to_owned(),
            nodes: 1,
            database: "sparkify".to_owned(),
            admin_user: "sparkify_admin".to_owned(),
            port: 5439,
            base_capacity: 4,
            max_capacity: None,
            usage_limit: Some(UsageLimit {
                rpu_hours: 100,
                period: Period::Monthly,
                on_breach: BreachAction::Deactivate,
            }),
            publicly_accessible: false,
            allow_cidr: Vec::new(),
            allow_anywhere: false,
            read: vec!["s3://udacity-dend/log_data/".to_owned(), "s3://udacity-dend/song_data/".to_owned()],
            jsonpaths: Some("s3://udacity-dend/log_json_path.json".to_owned()),
            staging: None,
            staging_write: false,
            subnet_group: None,
            subnet_ids: Vec::new(),
            security_group_ids: Vec::new(),
            parameters: BTreeMap::new(),
            snapshot_retention_days: 1,
            maintenance_window: None,
            final_snapshot: FinalSnapshotPolicy::default(),
            final_snapshot_retention_days: 7,
            tags: BTreeMap::new(),
        }
    }
}

impl DeploymentConfig {
    /// The defaults under another name.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Checks all settings, without asking AWS.
    ///
    /// # Errors
    ///
    /// The first setting that cannot be used.
    pub fn validate(&self) -> Result<(), crate::ConfigError> {
        crate::validate::validate(self)
    }

    /// The names of the resources.
    #[must_use]
    pub fn names(&self) -> Names {
        Names::of(&self.name, self.region.as_deref())
    }

    /// The tags that every resource gets: ours and the further ones.
    #[must_use]
    pub fn all_tags(&self) -> BTreeMap<String, String> {
        let mut tags = self.tags.clone();
        tags.insert(DEPLOYMENT_TAG.to_owned(), self.name.clone());
        tags
    }

    /// The region of the settings, or the given one of the session.
    pub(crate) fn region_or(&self, session: &Region) -> Region {
        self.region.clone().unwrap_or_else(|| session.clone())
    }
}

/// The tag that says which deployment a resource is of. Resources without it are never changed or deleted.
pub const DEPLOYMENT_TAG: &str = "sparkify:deployment";

/// The path of our roles, so that a caller's permissions can be limited to them.
pub const ROLE_PATH: &str = "/sparkify/";

/// The name of the one inline policy of the role.
pub const ROLE_POLICY: &str = "sparkify-data-access";

/// The names of the resources of a deployment: `sparkify-<name>`, for the role with the region after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// The IAM role.
    pub role: String,
    /// The security group.
    pub security_group: String,
    /// The subnet group of a cluster.
    pub subnet_group: String,
    /// The parameter group of a cluster.
    pub parameter_group: String,
    /// The cluster.
    pub cluster: String,
    /// The namespace of Serverless.
    pub namespace: String,
    /// The workgroup of Serverless.
    pub workgroup: String,
}

impl Names {
    fn of(name: &str, region: Option<&str>) -> Self {
        let common = format!("sparkify-{name}");
        Self {
            // Roles are not of a region: a deployment of the same name elsewhere has another one.
            role: region.map_or_else(|| common.clone(), |region| format!("{common}-{region}")),
            security_group: common.clone(),
            subnet_group: common.clone(),
            parameter_group: common.clone(),
            cluster: common.clone(),
            namespace: common.clone(),
            workgroup: common,
        }
    }
}
