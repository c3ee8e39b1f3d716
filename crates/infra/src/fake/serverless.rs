//! Redshift Serverless.

use super::*;
use crate::config::UsageLimit;

fn arn(kind: &str, name: &str) -> String {
    format!("arn:aws:redshift-serverless:{REGION}:{ACCOUNT}:{kind}/{name}")
}

#[async_trait]
impl Serverless for FakeAws {
    async fn namespace(&self, name: &str) -> Answer<Option<Namespace>> {
        self.call("redshift-serverless:GetNamespace", |inner| {
            if inner.elapsed(&format!("namespace {name}")) {
                match inner.world.namespaces.get_mut(name) {
                    Some(found) if found.status == "DELETING" => {
                        inner.world.namespaces.remove(name);
                    }
                    Some(found) => {
                        found.status = "AVAILABLE".to_owned();
                        found.roles.iter_mut().for_each(|role| role.status = "in-sync".to_owned());
                    }
                    None => {}
                }
            }
            Ok(inner.world.namespaces.get(name).cloned())
        })
    }

    async fn create_namespace(&self, new: &NewNamespace) -> Answer<()> {
        const OPERATION: &str = "redshift-serverless:CreateNamespace";
        self.call(OPERATION, |inner| {
            if inner.world.namespaces.contains_key(&new.name) {
                return Err(refused(ErrorKind::AlreadyExists, OPERATION));
            }
            if inner.role_refusals > 0 {
                inner.role_refusals -= 1;
                return Err(refused(ErrorKind::RoleNotReady, OPERATION));
            }
            inner.world.namespaces.insert(
                new.name.clone(),
                Namespace {
                    name: new.name.clone(),
                    arn: arn("namespace", &new.name),
                    status: "MODIFYING".to_owned(),
                    database: Some(new.database.clone()),
                    admin_user: Some(new.admin_user.clone()),
                    admin_secret_arn: Some("arn:aws:secretsmanager:…".to_owned()),
                    roles: vec![AttachedRole { arn: new.role_arn.clone(), status: "adding".to_owned() }],
                    default_role_arn: Some(new.role_arn.clone()),
                    created_at: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_500_000)),
                    tags: new.tags.clone(),
                },
            );
            inner.begin(format!("namespace {}", new.name));
            Ok(())
        })
    }

    async fn set_roles(&self, namespace: &str, roles: &[String], default: &str) -> Answer<()> {
        const OPERATION: &str = "redshift-serverless:UpdateNamespace";
        self.call(OPERATION, |inner| {
            let found = inner
                .world
                .namespaces
                .get_mut(namespace)
                .ok_or_else(|| refused(ErrorKind::NotFound, OPERATION))?;
            found.roles = roles
                .iter()
                .map(|arn| AttachedRole { arn: arn.clone(), status: "adding".to_owned() })
                .collect();
            found.default_role_arn = Some(default.to_owned());
            found.status = "MODIFYING".to_owned();
            inner.begin(format!("namespace {namespace}"));
            Ok(())
        })
    }

    async fn delete_namespace(&self, name: &str, snapshot: Option<FinalSnapshot>) -> Answer<()> {
        const OPERATION: &str = "redshift-serverless:DeleteNamespace";
        self.call(OPERATION, |inner| {
            if inner.world.workgroups.values().any(|workgroup| workgroup.namespace.as_deref() == Some(name)) {
                return Err(refused(ErrorKind::InvalidState, OPERATION));
            }
            let Some(found) = inner.world.namespaces.get_mut(name) else { return Ok(()) };
            if found.status != "AVAILABLE" {
                return Err(refused(ErrorKind::InvalidState, OPERATION));
            }
            found.status = "DELETING".to_owned();
            inner.begin(format!("namespace {name}"));
            if let Some(snapshot) = snapshot {
                inner.world.snapshots.push(Snapshot {
                    name: snapshot.name,
                    status: "AVAILABLE".to_owned(),
                    size_bytes: None,
                    retention_days: u32::try_from(snapshot.retention_days).ok(),
                    tags: Tags::new(),
                });
            }
            Ok(())
        })
    }

    async fn namespaces_tagged(&self, key: &str, value: &str) -> Answer<Vec<String>> {
        self.call("redshift-serverless:ListNamespaces", |inner| {
            let has = |tags: &Tags| tags.get(key).is_some_and(|found| found == value);
            Ok(inner
                .world
                .namespaces
                .values()
                .filter(|found| has(&found.tags))
                .map(|found| found.name.clone())
                .collect())
        })
    }

    async fn workgroup(&self, name: &str) -> Answer<Option<Workgroup>> {
        self.call("redshift-serverless:GetWorkgroup", |inner| {
            if inner.elapsed(&format!("workgroup {name}")) {
                match inner.world.workgroups.get_mut(name) {
                    Some(found) if found.status == "DELETING" => {
                        inner.world.workgroups.remove(name);
                    }
                    Some(found) => {
                        found.status = "AVAILABLE".to_owned();
                        let host = format!("{name}.{ACCOUNT}.{REGION}.redshift-serverless.amazonaws.com");
                        found.endpoint = Some(Endpoint { host, port: found.port.unwrap_or(5439) });
                    }
                    None => {}
                }
            }
            Ok(inner.world.workgroups.get(name).cloned())
        })
    }

    async fn create_workgroup(&self, new: &NewWorkgroup) -> Answer<()> {
        const OPERATION: &str = "redshift-serverless:CreateWorkgroup";
        self.call(OPERATION, |inner| {
            if inner.world.workgroups.contains_key(&new.name) {
                return Err(refused(ErrorKind::AlreadyExists, OPERATION));
            }
            let namespace = inner.world.namespaces.get(&new.namespace);
            if namespace.is_none_or(|namespace| namespace.status != "AVAILABLE") {
                return Err(refused(ErrorKind::InvalidState, OPERATION));
            }
            inner.world.workgroups.insert(
                new.name.clone(),
                Workgroup {
                    name: new.name.clone(),
                    arn: arn("workgroup", &new.name),
                    namespace: Some(new.namespace.clone()),
                    status: "CREATING".to_owned(),
                    endpoint: None,
                    base_capacity: Some(new.base_capacity),
                    max_capacity: new.max_capacity,
                    publicly_accessible: new.publicly_accessible,
                    security_group_ids: new.security_group_ids.clone(),
                    subnet_ids: super::network::subnets().into_iter().map(|subnet| subnet.id).collect(),
                    port: Some(new.port),
                    requires_tls: Some(true),
                    created_at: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_500_000)),
                    tags: new.tags.clone(),
                },
            );
            inner.begin(format!("workgroup {}", new.name));
            Ok(())
        })
    }

    async fn modify_workgroup(&self, name: &str, change: &WorkgroupChange) -> Answer<()> {
        const OPERATION: &str = "redshift-serverless:UpdateWorkgroup";
        self.call(OPERATION, |inner| {
            let found = inner
                .world
                .workgroups
                .get_mut(name)
                .ok_or_else(|| refused(ErrorKind::NotFound, OPERATION))?;
            if found.status != "AVAILABLE" {
                return Err(refused(ErrorKind::InvalidState, OPERATION));
            }
            found.base_capacity = change.base_capacity.or(found.base_capacity);
            found.max_capacity = change.max_capacity.or(found.max_capacity);
            found.publicly_accessible = change.publicly_accessible.unwrap_or(found.publicly_accessible);
            if let Some(groups) = &change.security_group_ids {
                found.security_group_ids.clone_from(groups);
            }
            found.status = "MODIFYING".to_owned();
            inner.begin(format!("workgroup {name}"));
            Ok(())
        })
    }

    async fn delete_workgroup(&self, name: &str) -> Answer<()> {
        const OPERATION: &str = "redshift-serverless:DeleteWorkgroup";
        self.call(OPERATION, |inner| {
            let Some(found) = inner.world.workgroups.get_mut(name) else { return Ok(()) };
            if found.status != "AVAILABLE" {
                return Err(refused(ErrorKind::InvalidState, OPERATION));
            }
            found.status = "DELETING".to_owned();
            let owner = found.arn.clone();
            inner.world.limits.retain(|(arn, _)| *arn != owner);
            inner.begin(format!("workgroup {name}"));
            Ok(())
        })
    }

    async fn workgroups_tagged(&self, key: &str, value: &str) -> Answer<Vec<String>> {
        self.call("redshift-serverless:ListWorkgroups", |inner| {
            let has = |tags: &Tags| tags.get(key).is_some_and(|found| found == value);
            Ok(inner
                .world
                .workgroups
                .values()
                .filter(|found| has(&found.tags))
                .map(|found| found.name.clone())
                .collect())
        })
    }

    async fn usage_limits(&self, workgroup_arn: &str) -> Answer<Vec<ExistingUsageLimit>> {
        self.call("redshift-serverless:ListUsageLimits", |inner| {
            let limits = inner.world.limits.iter().filter(|(arn, _)| arn == workgroup_arn);
            Ok(limits.map(|(_, limit)| limit.clone()).collect())
        })
    }

    async fn create_usage_limit(&self, workgroup_arn: &str, limit: UsageLimit) -> Answer<()> {
        self.call("redshift-serverless:CreateUsageLimit", |inner| {
            let limit = ExistingUsageLimit { id: format!("limit-{:?}", limit.period), limit };
            inner.world.limits.push((workgroup_arn.to_owned(), limit));
            Ok(())
        })
    }

    async fn modify_usage_limit(&self, id: &str, limit: UsageLimit) -> Answer<()> {
        self.call("redshift-serverless:UpdateUsageLimit", |inner| {
            for (_, found) in inner.world.limits.iter_mut().filter(|(_, found)| found.id == id) {
                found.limit = limit;
            }
            Ok(())
        })
    }

    async fn snapshots(&self, _namespace: &str) -> Answer<Vec<Snapshot>> {
        self.call("redshift-serverless:ListSnapshots", |_| Ok(Vec::new()))
    }

    async fn tag_resource(&self, arn: &str, tags: &Tags) -> Answer<()> {
        self.call("redshift-serverless:TagResource", |inner| {
            for found in inner.world.namespaces.values_mut().filter(|found| found.arn == arn) {
                found.tags.extend(tags.clone());
            }
            for found in inner.world.workgroups.values_mut().filter(|found| found.arn == arn) {
                found.tags.extend(tags.clone());
            }
            Ok(())
        })
    }

    async fn credentials(&self, _workgroup: &str, _database: &str) -> Answer<DatabaseCredentials> {
        self.call("redshift-serverless:GetCredentials", |_| Ok(super::clusters::credentials("IAM:engineer")))
    }
}
