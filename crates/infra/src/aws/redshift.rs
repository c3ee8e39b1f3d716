//! Redshift, provisioned clusters.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_redshift::{
    Client,
    types::{self, Tag},
};

use super::wire::Wire;
use crate::{
    Secret,
    services::{
        Answer, AttachedRole, Cluster, ClusterChange, Clusters, DatabaseCredentials, Endpoint, ErrorKind,
        FinalSnapshot, NewCluster, Orderable, ParameterGroup, Snapshot, SubnetGroup, Tags,
    },
};

/// How long temporary credentials hold, in seconds: the shortest that AWS gives. They are used at once.
const CREDENTIAL_SECONDS: i32 = 900;

#[derive(Debug)]
pub(super) struct RedshiftClusters {
    client: Client,
    wire: Wire,
}

impl RedshiftClusters {
    pub(super) fn new(config: &SdkConfig, wire: Wire) -> Self {
        Self { client: Client::new(config), wire }
    }

    /// The manual snapshots of a cluster, or of all.
    async fn manual_snapshots(&self, cluster_id: Option<&str>) -> Answer<Vec<types::Snapshot>> {
        let mut pages = self
            .client
            .describe_cluster_snapshots()
            .set_cluster_identifier(cluster_id.map(str::to_owned))
            .snapshot_type("manual")
            .into_paginator()
            .send();
        let mut snapshots = Vec::new();
        while let Some(page) = pages.next().await {
            let page = self.wire.answer("redshift:DescribeClusterSnapshots", page)?;
            snapshots.extend(page.snapshots.unwrap_or_default());
        }
        Ok(snapshots)
    }

    async fn parameters(&self, group: &str) -> Answer<BTreeMap<String, String>> {
        let mut pages =
            self.client.describe_cluster_parameters().parameter_group_name(group).into_paginator().send();
        let mut parameters = BTreeMap::new();
        while let Some(page) = pages.next().await {
            let page = self.wire.answer("redshift:DescribeClusterParameters", page)?;
            let found = page.parameters.unwrap_or_default().into_iter();
            parameters.extend(found.filter_map(|found| found.parameter_name.zip(found.parameter_value)));
        }
        Ok(parameters)
    }
}

fn tags_of(tags: &Tags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

fn our_tags(tags: Option<Vec<Tag>>) -> Tags {
    tags.unwrap_or_default()
        .into_iter()
        .filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default())))
        .collect()
}

fn cluster_of(found: types::Cluster) -> Cluster {
    let roles = found.iam_roles.unwrap_or_default().into_iter().filter_map(|role| {
        Some(AttachedRole { arn: role.iam_role_arn?, status: role.apply_status.unwrap_or_default() })
    });
    let endpoint = found.endpoint.and_then(|endpoint| {
        let port = endpoint.port.and_then(|port| u16::try_from(port).ok())?;
        Some(Endpoint { host: endpoint.address?, port })
    });
    let groups = found.vpc_security_groups.unwrap_or_default();
    let parameter_group = found.cluster_parameter_groups.unwrap_or_default().into_iter().next();
    Cluster {
        id: found.cluster_identifier.unwrap_or_default(),
        status: found.cluster_status.unwrap_or_default(),
        availability: found.cluster_availability_status,
        endpoint,
        node_type: found.node_type.unwrap_or_default(),
        nodes: found.number_of_nodes.and_then(|nodes| u32::try_from(nodes).ok()).unwrap_or(1),
        database: found.db_name,
        admin_user: found.master_username,
        admin_secret_arn: found.master_password_secret_arn,
        publicly_accessible: found.publicly_accessible.unwrap_or_default(),
        encrypted: found.encrypted.unwrap_or_default(),
        roles: roles.collect(),
        default_role_arn: found.default_iam_role_arn.filter(|arn| !arn.is_empty()),
        security_group_ids: groups.into_iter().filter_map(|group| group.vpc_security_group_id).collect(),
        subnet_group: found.cluster_subnet_group_name,
        parameter_status: parameter_group.as_ref().and_then(|group| group.parameter_apply_status.clone()),
        parameter_group: parameter_group.and_then(|group| group.parameter_group_name),
        vpc_id: found.vpc_id,
        snapshot_retention_days: found
            .automated_snapshot_retention_period
            .and_then(|days| u32::try_from(days).ok())
            .unwrap_or_default(),
        maintenance_window: found.preferred_maintenance_window,
        created_at: found.cluster_create_time.and_then(|time| time.try_into().ok()),
        tags: our_tags(found.tags),
    }
}

#[async_trait]
impl Clusters for RedshiftClusters {
    async fn cluster(&self, id: &str) -> Answer<Option<Cluster>> {
        let result = self.client.describe_clusters().cluster_identifier(id).send().await;
        let found = self.wire.found("redshift:DescribeClusters", result)?;
        Ok(found.and_then(|found| found.clusters.unwrap_or_default().into_iter().next()).map(cluster_of))
    }

    async fn create_cluster(&self, cluster: &NewCluster) -> Answer<()> {
        let several = cluster.nodes > 1;
        let request = self
            .client
            .create_cluster()
            .cluster_identifier(&cluster.id)
            .node_type(&cluster.node_type)
            .cluster_type(if several { "multi-node" } else { "single-node" })
            .set_number_of_nodes(several.then(|| i32::try_from(cluster.nodes).unwrap_or(i32::MAX)))
            .db_name(&cluster.database)
            .master_username(&cluster.admin_user)
            .manage_master_password(true)
            .encrypted(true)
            .port(i32::from(cluster.port))
            .publicly_accessible(cluster.publicly_accessible)
            .iam_roles(&cluster.role_arn)
            .default_iam_role_arn(&cluster.role_arn)
            .set_vpc_security_group_ids(Some(cluster.security_group_ids.clone()))
            .set_cluster_subnet_group_name(cluster.subnet_group.clone())
            .set_cluster_parameter_group_name(cluster.parameter_group.clone())
            .automated_snapshot_retention_period(i32::try_from(cluster.snapshot_retention_days).unwrap_or(1))
            .set_preferred_maintenance_window(cluster.maintenance_window.clone())
            .set_tags(Some(tags_of(&cluster.tags)));
        self.wire.answer("redshift:CreateCluster", request.send().await).map(|_| ())
    }

    async fn modify_cluster(&self, id: &str, change: &ClusterChange) -> Answer<()> {
        let retention = change.snapshot_retention_days.and_then(|days| i32::try_from(days).ok());
        let request = self
            .client
            .modify_cluster()
            .cluster_identifier(id)
            .set_publicly_accessible(change.publicly_accessible)
            .set_vpc_security_group_ids(change.security_group_ids.clone())
            .set_automated_snapshot_retention_period(retention)
            .set_preferred_maintenance_window(change.maintenance_window.clone());
        self.wire.answer("redshift:ModifyCluster", request.send().await).map(|_| ())
    }

    async fn modify_roles(&self, id: &str, add: &[String], remove: &[String], default: &str) -> Answer<()> {
        let list = |arns: &[String]| (!arns.is_empty()).then(|| arns.to_vec());
        let request = self
            .client
            .modify_cluster_iam_roles()
            .cluster_identifier(id)
            .set_add_iam_roles(list(add))
            .set_remove_iam_roles(list(remove))
            .default_iam_role_arn(default);
        self.wire.answer("redshift:ModifyClusterIamRoles", request.send().await).map(|_| ())
    }

    async fn delete_cluster(&self, id: &str, snapshot: Option<FinalSnapshot>) -> Answer<()> {
        let request = self.client.delete_cluster().cluster_identifier(id);
        let request = match snapshot {
            Some(snapshot) => request
                .skip_final_cluster_snapshot(false)
                .final_cluster_snapshot_identifier(snapshot.name)
                .final_cluster_snapshot_retention_period(snapshot.retention_days),
            None => request.skip_final_cluster_snapshot(true),
        };
        self.wire.gone("redshift:DeleteCluster", request.send().await)
    }

    async fn pause_cluster(&self, id: &str) -> Answer<()> {
        let result = self.client.pause_cluster().cluster_identifier(id).send().await;
        self.wire.answer("redshift:PauseCluster", result).map(|_| ())
    }

    async fn resume_cluster(&self, id: &str) -> Answer<()> {
        let result = self.client.resume_cluster().cluster_identifier(id).send().await;
        self.wire.answer("redshift:ResumeCluster", result).map(|_| ())
    }

    async fn subnet_group(&self, name: &str) -> Answer<Option<SubnetGroup>> {
        let result =
            self.client.describe_cluster_subnet_groups().cluster_subnet_group_name(name).send().await;
        let found = self.wire.found("redshift:DescribeClusterSubnetGroups", result)?;
        let group =
            found.and_then(|found| found.cluster_subnet_groups.unwrap_or_default().into_iter().next());
        Ok(group.map(|group| SubnetGroup {
            name: group.cluster_subnet_group_name.unwrap_or_default(),
            subnet_ids: group
                .subnets
                .unwrap_or_default()
                .into_iter()
                .filter_map(|s| s.subnet_identifier)
                .collect(),
            vpc_id: group.vpc_id,
            tags: our_tags(group.tags),
        }))
    }

    async fn create_subnet_group(&self, group: &SubnetGroup) -> Answer<()> {
        let request = self
            .client
            .create_cluster_subnet_group()
            .cluster_subnet_group_name(&group.name)
            .description("Where the warehouse may be")
            .set_subnet_ids(Some(group.subnet_ids.clone()))
            .set_tags(Some(tags_of(&group.tags)));
        self.wire.answer("redshift:CreateClusterSubnetGroup", request.send().await).map(|_| ())
    }

    async fn set_subnets(&self, name: &str, subnet_ids: &[String]) -> Answer<()> {
        let request = self
            .client
            .modify_cluster_subnet_group()
            .cluster_subnet_group_name(name)
            .set_subnet_ids(Some(subnet_ids.to_vec()));
        self.wire.answer("redshift:ModifyClusterSubnetGroup", request.send().await).map(|_| ())
    }

    async fn delete_subnet_group(&self, name: &str) -> Answer<()> {
        let result = self.client.delete_cluster_subnet_group().cluster_subnet_group_name(name).send().await;
        self.wire.gone("redshift:DeleteClusterSubnetGroup", result)
    }

    async fn parameter_group(&self, name: &str) -> Answer<Option<ParameterGroup>> {
        let result = self.client.describe_cluster_parameter_groups().parameter_group_name(name).send().await;
        let found = self.wire.found("redshift:DescribeClusterParameterGroups", result)?;
        let group = found.and_then(|found| found.parameter_groups.unwrap_or_default().into_iter().next());
        let Some(group) = group else { return Ok(None) };
        Ok(Some(ParameterGroup {
            name: group.parameter_group_name.unwrap_or_default(),
            family: group.parameter_group_family.unwrap_or_default(),
            parameters: self.parameters(name).await?,
            tags: our_tags(group.tags),
        }))
    }

    async fn create_parameter_group(&self, name: &str, family: &str, tags: &Tags) -> Answer<()> {
        let request = self
            .client
            .create_cluster_parameter_group()
            .parameter_group_name(name)
            .parameter_group_family(family)
            .description("Parameters of the warehouse")
            .set_tags(Some(tags_of(tags)));
        self.wire.answer("redshift:CreateClusterParameterGroup", request.send().await).map(|_| ())
    }

    async fn set_parameters(&self, name: &str, parameters: &BTreeMap<String, String>) -> Answer<()> {
        let parameter =
            |(name, value)| types::Parameter::builder().parameter_name(name).parameter_value(value).build();
        let request = self
            .client
            .modify_cluster_parameter_group()
            .parameter_group_name(name)
            .set_parameters(Some(parameters.iter().map(parameter).collect()));
        self.wire.answer("redshift:ModifyClusterParameterGroup", request.send().await).map(|_| ())
    }

    async fn delete_parameter_group(&self, name: &str) -> Answer<()> {
        let result = self.client.delete_cluster_parameter_group().parameter_group_name(name).send().await;
        self.wire.gone("redshift:DeleteClusterParameterGroup", result)
    }

    async fn orderable(&self, node_type: &str) -> Answer<Vec<Orderable>> {
        let mut pages =
            self.client.describe_orderable_cluster_options().node_type(node_type).into_paginator().send();
        let mut orderable = Vec::new();
        while let Some(page) = pages.next().await {
            let page = self.wire.answer("redshift:DescribeOrderableClusterOptions", page)?;
            orderable.extend(page.orderable_cluster_options.unwrap_or_default().into_iter().map(|option| {
                Orderable {
                    node_type: option.node_type.unwrap_or_default(),
                    cluster_type: option.cluster_type.unwrap_or_default(),
                    zones: option
                        .availability_zones
                        .unwrap_or_default()
                        .into_iter()
                        .filter_map(|zone| zone.name)
                        .collect(),
                }
            }));
        }
        Ok(orderable.into_iter().filter(|option| option.node_type == node_type).collect())
    }

    async fn snapshots(&self, cluster_id: &str) -> Answer<Vec<Snapshot>> {
        let found = match self.manual_snapshots(Some(cluster_id)).await {
            // That the cluster is gone does not mean that its snapshots are: they are looked for among all.
            Err(error) if error.kind == ErrorKind::NotFound => self.manual_snapshots(None).await?,
            found => found?,
        };
        let of_cluster = |snapshot: &types::Snapshot| snapshot.cluster_identifier() == Some(cluster_id);
        Ok(found
            .into_iter()
            .filter(of_cluster)
            .map(|snapshot| Snapshot {
                name: snapshot.snapshot_identifier.unwrap_or_default(),
                status: snapshot.status.unwrap_or_default(),
                size_bytes: megabytes(snapshot.total_backup_size_in_mega_bytes),
                retention_days: snapshot
                    .manual_snapshot_retention_period
                    .and_then(|days| u32::try_from(days).ok()),
                tags: our_tags(snapshot.tags),
            })
            .collect())
    }

    async fn tag_resource(&self, arn: &str, tags: &Tags) -> Answer<()> {
        let request = self.client.create_tags().resource_name(arn).set_tags(Some(tags_of(tags)));
        self.wire.answer("redshift:CreateTags", request.send().await).map(|_| ())
    }

    async fn tagged(&self, key: &str, value: &str) -> Answer<Vec<String>> {
        let mut pages = self.client.describe_tags().tag_keys(key).tag_values(value).into_paginator().send();
        let mut arns = Vec::new();
        while let Some(page) = pages.next().await {
            let Some(page) = self.wire.found("redshift:DescribeTags", page)? else { break };
            for resource in page.tagged_resources.unwrap_or_default() {
                // AWS finds what has the key or the value.
                let both = resource.tag.as_ref().is_some_and(|tag| {
                    tag.key.as_deref() == Some(key) && tag.value.as_deref() == Some(value)
                });
                arns.extend(resource.resource_name.filter(|_| both));
            }
        }
        Ok(arns)
    }

    async fn user_credentials(&self, id: &str, user: &str, database: &str) -> Answer<DatabaseCredentials> {
        let request = self
            .client
            .get_cluster_credentials()
            .cluster_identifier(id)
            .db_user(user)
            .db_name(database)
            .auto_create(false)
            .duration_seconds(CREDENTIAL_SECONDS);
        let found = self.wire.answer("redshift:GetClusterCredentials", request.send().await)?;
        Ok(DatabaseCredentials {
            user: found.db_user.unwrap_or_default(),
            password: Secret::new(found.db_password.unwrap_or_default()),
            expires_at: found.expiration.and_then(|time| time.try_into().ok()),
        })
    }

    async fn caller_credentials(&self, id: &str, database: &str) -> Answer<DatabaseCredentials> {
        let request = self
            .client
            .get_cluster_credentials_with_iam()
            .cluster_identifier(id)
            .db_name(database)
            .duration_seconds(CREDENTIAL_SECONDS);
        let found = self.wire.answer("redshift:GetClusterCredentialsWithIAM", request.send().await)?;
        Ok(DatabaseCredentials {
            user: found.db_user.unwrap_or_default(),
            password: Secret::new(found.db_password.unwrap_or_default()),
            expires_at: found.expiration.and_then(|time| time.try_into().ok()),
        })
    }
}

/// Megabytes as a whole number of bytes.
pub(super) fn megabytes(size: Option<f64>) -> Option<u64> {
    // The conversion saturates, so that no number is out of range.
    size.filter(|size| size.is_finite() && *size >= 0.0).map(|size| (size * 1_000_000.0) as u64)
}
