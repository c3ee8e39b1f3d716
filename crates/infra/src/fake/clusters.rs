//! Redshift. A cluster goes through `creating`, `modifying` and `available` with a role that is still `adding`.

use super::*;

fn key(id: &str) -> String {
    format!("cluster {id}")
}

/// One step of a cluster's life.
fn advance(inner: &mut Inner, id: &str) {
    if !inner.elapsed(&key(id)) {
        return;
    }
    let Some(cluster) = inner.world.clusters.get_mut(id) else { return };
    let next = match cluster.status.as_str() {
        "creating" => "modifying",
        "modifying" if cluster.endpoint.is_none() => {
            let host = format!("{id}.abc123.{REGION}.redshift.amazonaws.com");
            cluster.endpoint = Some(Endpoint { host, port: 5439 });
            "available"
        }
        "modifying" | "resuming" => "available",
        "pausing" => "paused",
        "deleting" | "final-snapshot" => {
            inner.world.clusters.remove(id);
            inner.world.secrets.clear();
            return;
        }
        "available" => {
            cluster.roles.iter_mut().for_each(|role| role.status = "in-sync".to_owned());
            return;
        }
        _ => return,
    };
    cluster.status = next.to_owned();
    if next != "paused" {
        inner.begin(key(id));
    }
}

impl FakeAws {
    fn busy_cluster(
        &self,
        operation: &'static str,
        id: &str,
        allowed: &[&str],
        change: impl FnOnce(&mut Cluster),
        status: Option<&str>,
    ) -> Answer<()> {
        self.call(operation, |inner| {
            let cluster =
                inner.world.clusters.get_mut(id).ok_or_else(|| refused(ErrorKind::NotFound, operation))?;
            if !allowed.contains(&cluster.status.as_str()) {
                return Err(refused(ErrorKind::InvalidState, operation));
            }
            change(cluster);
            if let Some(status) = status {
                cluster.status = status.to_owned();
                inner.begin(key(id));
            }
            Ok(())
        })
    }
}

#[async_trait]
impl Clusters for FakeAws {
    async fn cluster(&self, id: &str) -> Answer<Option<Cluster>> {
        self.call("redshift:DescribeClusters", |inner| {
            advance(inner, id);
            Ok(inner.world.clusters.get(id).cloned())
        })
    }

    async fn create_cluster(&self, new: &NewCluster) -> Answer<()> {
        const OPERATION: &str = "redshift:CreateCluster";
        self.call(OPERATION, |inner| {
            if inner.world.clusters.contains_key(&new.id) {
                return Err(refused(ErrorKind::AlreadyExists, OPERATION));
            }
            if inner.role_refusals > 0 {
                inner.role_refusals -= 1;
                return Err(refused(ErrorKind::RoleNotReady, OPERATION));
            }
            for group in &new.security_group_ids {
                assert!(
                    inner.world.groups.contains_key(group) || group == "sg-given",
                    "{group} is made first"
                );
            }
            assert!(
                inner.world.roles.values().any(|role| role.arn == new.role_arn && !role.policies.is_empty())
            );
            let secret = format!("redshift!{}-{}", new.id, new.admin_user);
            let secret_arn = format!("arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{secret}");
            inner.world.secrets.push(SecretEntry {
                name: secret,
                arn: secret_arn.clone(),
                owner: Some("redshift".to_owned()),
                deleted: false,
            });
            inner.world.clusters.insert(
                new.id.clone(),
                Cluster {
                    id: new.id.clone(),
                    status: "creating".to_owned(),
                    availability: Some("Available".to_owned()),
                    endpoint: None,
                    node_type: new.node_type.clone(),
                    nodes: new.nodes,
                    database: Some(new.database.clone()),
                    admin_user: Some(new.admin_user.clone()),
                    admin_secret_arn: Some(secret_arn),
                    publicly_accessible: new.publicly_accessible,
                    encrypted: true,
                    roles: vec![AttachedRole { arn: new.role_arn.clone(), status: "adding".to_owned() }],
                    default_role_arn: Some(new.role_arn.clone()),
                    security_group_ids: new.security_group_ids.clone(),
                    subnet_group: new.subnet_group.clone().or_else(|| Some("default".to_owned())),
                    parameter_group: new.parameter_group.clone(),
                    parameter_status: Some("in-sync".to_owned()),
                    vpc_id: Some(super::network::VPC.to_owned()),
                    snapshot_retention_days: new.snapshot_retention_days,
                    maintenance_window: new.maintenance_window.clone(),
                    created_at: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_500_000)),
                    tags: new.tags.clone(),
                },
            );
            inner.begin(key(&new.id));
            Ok(())
        })
    }

    async fn modify_cluster(&self, id: &str, change: &ClusterChange) -> Answer<()> {
        let apply = |cluster: &mut Cluster| {
            if let Some(public) = change.publicly_accessible {
                cluster.publicly_accessible = public;
            }
            if let Some(groups) = &change.security_group_ids {
                cluster.security_group_ids.clone_from(groups);
            }
            if let Some(days) = change.snapshot_retention_days {
                cluster.snapshot_retention_days = days;
            }
            if change.maintenance_window.is_some() {
                cluster.maintenance_window.clone_from(&change.maintenance_window);
            }
        };
        self.busy_cluster("redshift:ModifyCluster", id, &["available"], apply, Some("modifying"))
    }

    async fn modify_roles(&self, id: &str, add: &[String], remove: &[String], default: &str) -> Answer<()> {
        let apply = |cluster: &mut Cluster| {
            cluster.roles.retain(|role| !remove.contains(&role.arn));
            for arn in add {
                if !cluster.roles.iter().any(|role| role.arn == *arn) {
                    cluster.roles.push(AttachedRole { arn: arn.clone(), status: "adding".to_owned() });
                }
            }
            cluster.default_role_arn = Some(default.to_owned());
        };
        self.busy_cluster("redshift:ModifyClusterIamRoles", id, &["available"], apply, Some("modifying"))
    }

    async fn delete_cluster(&self, id: &str, snapshot: Option<FinalSnapshot>) -> Answer<()> {
        const OPERATION: &str = "redshift:DeleteCluster";
        self.call(OPERATION, |inner| {
            let Some(cluster) = inner.world.clusters.get_mut(id) else { return Ok(()) };
            let allowed: &[&str] = if snapshot.is_some() { &["available"] } else { &["available", "paused"] };
            if !allowed.contains(&cluster.status.as_str()) {
                return Err(refused(ErrorKind::InvalidState, OPERATION));
            }
            let tags = cluster.tags.clone();
            cluster.status = if snapshot.is_some() { "final-snapshot" } else { "deleting" }.to_owned();
            inner.begin(key(id));
            if let Some(snapshot) = snapshot {
                inner.world.snapshots.push(Snapshot {
                    name: snapshot.name,
                    status: "available".to_owned(),
                    size_bytes: Some(40_000_000),
                    retention_days: u32::try_from(snapshot.retention_days).ok(),
                    tags,
                });
            }
            Ok(())
        })
    }

    async fn pause_cluster(&self, id: &str) -> Answer<()> {
        self.busy_cluster("redshift:PauseCluster", id, &["available"], |_| {}, Some("pausing"))
    }

    async fn resume_cluster(&self, id: &str) -> Answer<()> {
        self.busy_cluster("redshift:ResumeCluster", id, &["paused"], |_| {}, Some("resuming"))
    }

    async fn subnet_group(&self, name: &str) -> Answer<Option<SubnetGroup>> {
        self.call("redshift:DescribeClusterSubnetGroups", |inner| {
            Ok(inner.world.subnet_groups.get(name).cloned())
        })
    }

    async fn create_subnet_group(&self, group: &SubnetGroup) -> Answer<()> {
        const OPERATION: &str = "redshift:CreateClusterSubnetGroup";
        self.call(OPERATION, |inner| {
            if inner.world.subnet_groups.contains_key(&group.name) {
                return Err(refused(ErrorKind::AlreadyExists, OPERATION));
            }
            let group = SubnetGroup { vpc_id: Some(super::network::VPC.to_owned()), ..group.clone() };
            inner.world.subnet_groups.insert(group.name.clone(), group);
            Ok(())
        })
    }

    async fn set_subnets(&self, name: &str, subnet_ids: &[String]) -> Answer<()> {
        const OPERATION: &str = "redshift:ModifyClusterSubnetGroup";
        self.call(OPERATION, |inner| {
            let group = inner
                .world
                .subnet_groups
                .get_mut(name)
                .ok_or_else(|| refused(ErrorKind::NotFound, OPERATION))?;
            group.subnet_ids = subnet_ids.to_vec();
            Ok(())
        })
    }

    async fn delete_subnet_group(&self, name: &str) -> Answer<()> {
        const OPERATION: &str = "redshift:DeleteClusterSubnetGroup";
        self.call(OPERATION, |inner| {
            if inner.world.clusters.values().any(|cluster| cluster.subnet_group.as_deref() == Some(name)) {
                return Err(refused(ErrorKind::InvalidState, OPERATION));
            }
            inner.world.subnet_groups.remove(name);
            Ok(())
        })
    }

    async fn parameter_group(&self, name: &str) -> Answer<Option<ParameterGroup>> {
        self.call("redshift:DescribeClusterParameterGroups", |inner| {
            Ok(inner.world.parameter_groups.get(name).cloned())
        })
    }

    async fn create_parameter_group(&self, name: &str, family: &str, tags: &Tags) -> Answer<()> {
        const OPERATION: &str = "redshift:CreateClusterParameterGroup";
        self.call(OPERATION, |inner| {
            if inner.world.parameter_groups.contains_key(name) {
                return Err(refused(ErrorKind::AlreadyExists, OPERATION));
            }
            let group = ParameterGroup {
                name: name.to_owned(),
                family: family.to_owned(),
                parameters: BTreeMap::from([("require_ssl".to_owned(), "true".to_owned())]),
                tags: tags.clone(),
            };
            inner.world.parameter_groups.insert(name.to_owned(), group);
            Ok(())
        })
    }

    async fn set_parameters(&self, name: &str, parameters: &BTreeMap<String, String>) -> Answer<()> {
        const OPERATION: &str = "redshift:ModifyClusterParameterGroup";
        self.call(OPERATION, |inner| {
            let group = inner
                .world
                .parameter_groups
                .get_mut(name)
                .ok_or_else(|| refused(ErrorKind::NotFound, OPERATION))?;
            group.parameters.extend(parameters.clone());
            Ok(())
        })
    }

    async fn delete_parameter_group(&self, name: &str) -> Answer<()> {
        const OPERATION: &str = "redshift:DeleteClusterParameterGroup";
        self.call(OPERATION, |inner| {
            if inner.world.clusters.values().any(|cluster| cluster.parameter_group.as_deref() == Some(name)) {
                return Err(refused(ErrorKind::InvalidState, OPERATION));
            }
            inner.world.parameter_groups.remove(name);
            Ok(())
        })
    }

    async fn orderable(&self, node_type: &str) -> Answer<Vec<Orderable>> {
        self.call("redshift:DescribeOrderableClusterOptions", |_| {
            let option = |cluster_type: &str| Orderable {
                node_type: node_type.to_owned(),
                cluster_type: cluster_type.to_owned(),
                zones: vec![format!("{REGION}a")],
            };
            Ok(vec![option("single-node"), option("multi-node")])
        })
    }

    async fn snapshots(&self, cluster_id: &str) -> Answer<Vec<Snapshot>> {
        // Ours begin with the name of their cluster.
        self.call("redshift:DescribeClusterSnapshots", |inner| {
            let of_cluster = |snapshot: &&Snapshot| snapshot.name.starts_with(cluster_id);
            Ok(inner.world.snapshots.iter().filter(of_cluster).cloned().collect())
        })
    }

    async fn tag_resource(&self, arn: &str, tags: &Tags) -> Answer<()> {
        const OPERATION: &str = "redshift:CreateTags";
        let name = arn.rsplit(':').next().unwrap_or_default().to_owned();
        self.call(OPERATION, |inner| {
            let world = &mut inner.world;
            let found = if arn.contains(":cluster:") {
                world.clusters.get_mut(&name).map(|found| &mut found.tags)
            } else if arn.contains(":subnetgroup:") {
                world.subnet_groups.get_mut(&name).map(|found| &mut found.tags)
            } else {
                world.parameter_groups.get_mut(&name).map(|found| &mut found.tags)
            };
            found.ok_or_else(|| refused(ErrorKind::NotFound, OPERATION))?.extend(tags.clone());
            Ok(())
        })
    }

    async fn tagged(&self, key: &str, value: &str) -> Answer<Vec<String>> {
        self.call("redshift:DescribeTags", |inner| {
            let arn = |kind: &str, name: &str| format!("arn:aws:redshift:{REGION}:{ACCOUNT}:{kind}:{name}");
            let has = |tags: &Tags| tags.get(key).is_some_and(|found| found == value);
            let world = &inner.world;
            let clusters = world.clusters.values().filter(|c| has(&c.tags)).map(|c| arn("cluster", &c.id));
            let subnets =
                world.subnet_groups.values().filter(|g| has(&g.tags)).map(|g| arn("subnetgroup", &g.name));
            let parameters = world
                .parameter_groups
                .values()
                .filter(|g| has(&g.tags))
                .map(|g| arn("parametergroup", &g.name));
            let snapshots = world
                .snapshots
                .iter()
                .filter(|s| has(&s.tags))
                .map(|s| arn("snapshot", &format!("c/{}", s.name)));
            Ok(clusters.chain(subnets).chain(parameters).chain(snapshots).collect())
        })
    }

    async fn user_credentials(&self, id: &str, user: &str, _database: &str) -> Answer<DatabaseCredentials> {
        const OPERATION: &str = "redshift:GetClusterCredentials";
        self.call(OPERATION, |inner| {
            if !inner.world.clusters.contains_key(id) {
                return Err(refused(ErrorKind::NotFound, OPERATION));
            }
            Ok(credentials(&format!("IAM:{user}")))
        })
    }

    async fn caller_credentials(&self, _id: &str, _database: &str) -> Answer<DatabaseCredentials> {
        self.call("redshift:GetClusterCredentialsWithIAM", |_| Ok(credentials("IAM:engineer")))
    }
}

pub(crate) fn credentials(user: &str) -> DatabaseCredentials {
    DatabaseCredentials {
        user: user.to_owned(),
        password: crate::Secret::new("hunter2-temporary"),
        expires_at: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_516_800)),
    }
}
