//! Redshift Serverless.

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_redshiftserverless::{
    Client,
    types::{self, Tag, UsageLimitBreachAction, UsageLimitPeriod, UsageLimitUsageType},
};

use super::{redshift::megabytes, wire::Wire};
use crate::{
    Secret,
    config::{BreachAction, Period, UsageLimit},
    services::{
        Answer, AttachedRole, DatabaseCredentials, Endpoint, ErrorKind, ExistingUsageLimit, FinalSnapshot,
        Namespace, NewNamespace, NewWorkgroup, Serverless, ServiceError, Snapshot, Tags, Workgroup,
        WorkgroupChange,
    },
};

/// How long temporary credentials hold, in seconds: the shortest that AWS gives. They are used at once.
const CREDENTIAL_SECONDS: i32 = 900;

#[derive(Debug)]
pub(super) struct RedshiftServerless {
    client: Client,
    wire: Wire,
}

impl RedshiftServerless {
    pub(super) fn new(config: &SdkConfig, wire: Wire) -> Self {
        Self { client: Client::new(config), wire }
    }

    /// The snapshots of a namespace, or of all.
    async fn snapshots_of(&self, namespace: Option<&str>) -> Answer<Vec<types::Snapshot>> {
        let request = self.client.list_snapshots().set_namespace_name(namespace.map(str::to_owned));
        let mut pages = request.into_paginator().send();
        let mut snapshots = Vec::new();
        while let Some(page) = pages.next().await {
            let page = self.wire.answer("redshift-serverless:ListSnapshots", page)?;
            snapshots.extend(page.snapshots.unwrap_or_default());
        }
        Ok(snapshots)
    }

    async fn tags(&self, arn: &str) -> Answer<Tags> {
        let result = self.client.list_tags_for_resource().resource_arn(arn).send().await;
        let found = self.wire.found("redshift-serverless:ListTagsForResource", result)?;
        let tags = found.and_then(|found| found.tags).unwrap_or_default();
        Ok(tags.into_iter().map(|tag| (tag.key, tag.value)).collect())
    }
}

fn tags_of(tags: &Tags) -> Answer<Vec<Tag>> {
    let tag = |(key, value): (&String, &String)| Tag::builder().key(key).value(value).build();
    tags.iter().map(tag).collect::<Result<_, _>>().map_err(|error| {
        ServiceError::new(ErrorKind::Invalid, "redshift-serverless:TagResource", error.to_string())
    })
}

fn whole(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn natural(number: Option<i32>) -> Option<u32> {
    number.and_then(|number| u32::try_from(number).ok())
}

/// A role of a namespace is told as its ARN, or as `IamRole(applyStatus=in-sync, iamRoleArn=arn:…)`.
fn attached(text: &str) -> AttachedRole {
    let field = |name: &str| {
        let (_, rest) = text.split_once(name)?;
        rest.split([',', ')']).next().map(|value| value.trim().to_owned())
    };
    AttachedRole {
        arn: field("iamRoleArn=").unwrap_or_else(|| text.to_owned()),
        status: field("applyStatus=").unwrap_or_else(|| "in-sync".to_owned()),
    }
}

fn limit_of(found: types::UsageLimit) -> Option<ExistingUsageLimit> {
    let period = match found.period? {
        UsageLimitPeriod::Daily => Period::Daily,
        UsageLimitPeriod::Weekly => Period::Weekly,
        UsageLimitPeriod::Monthly => Period::Monthly,
        _ => return None,
    };
    let on_breach = match found.breach_action {
        Some(UsageLimitBreachAction::Deactivate) => BreachAction::Deactivate,
        Some(UsageLimitBreachAction::EmitMetric) => BreachAction::EmitMetric,
        _ => BreachAction::Log,
    };
    let rpu_hours = u32::try_from(found.amount?).unwrap_or(u32::MAX);
    Some(ExistingUsageLimit { id: found.usage_limit_id?, limit: UsageLimit { rpu_hours, period, on_breach } })
}

const fn breach(action: BreachAction) -> UsageLimitBreachAction {
    match action {
        BreachAction::Deactivate => UsageLimitBreachAction::Deactivate,
        BreachAction::EmitMetric => UsageLimitBreachAction::EmitMetric,
        BreachAction::Log => UsageLimitBreachAction::Log,
    }
}

#[async_trait]
impl Serverless for RedshiftServerless {
    async fn namespace(&self, name: &str) -> Answer<Option<Namespace>> {
        let result = self.client.get_namespace().namespace_name(name).send().await;
        let found =
            self.wire.found("redshift-serverless:GetNamespace", result)?.and_then(|found| found.namespace);
        let Some(found) = found else { return Ok(None) };
        let arn = found.namespace_arn.unwrap_or_default();
        Ok(Some(Namespace {
            name: found.namespace_name.unwrap_or_default(),
            status: found.status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
            database: found.db_name,
            admin_user: found.admin_username,
            admin_secret_arn: found.admin_password_secret_arn,
            roles: found.iam_roles.unwrap_or_default().iter().map(|role| attached(role)).collect(),
            default_role_arn: found.default_iam_role_arn.filter(|arn| !arn.is_empty()),
            created_at: found.creation_date.and_then(|time| time.try_into().ok()),
            tags: self.tags(&arn).await?,
            arn,
        }))
    }

    async fn create_namespace(&self, namespace: &NewNamespace) -> Answer<()> {
        let request = self
            .client
            .create_namespace()
            .namespace_name(&namespace.name)
            .db_name(&namespace.database)
            .admin_username(&namespace.admin_user)
            .manage_admin_password(true)
            .iam_roles(&namespace.role_arn)
            .default_iam_role_arn(&namespace.role_arn)
            .set_tags(Some(tags_of(&namespace.tags)?));
        self.wire.answer("redshift-serverless:CreateNamespace", request.send().await).map(|_| ())
    }

    async fn set_roles(&self, namespace: &str, roles: &[String], default: &str) -> Answer<()> {
        let request = self
            .client
            .update_namespace()
            .namespace_name(namespace)
            .set_iam_roles(Some(roles.to_vec()))
            .default_iam_role_arn(default);
        self.wire.answer("redshift-serverless:UpdateNamespace", request.send().await).map(|_| ())
    }

    async fn delete_namespace(&self, name: &str, snapshot: Option<FinalSnapshot>) -> Answer<()> {
        let mut request = self.client.delete_namespace().namespace_name(name);
        if let Some(snapshot) = snapshot {
            request = request
                .final_snapshot_name(snapshot.name)
                .final_snapshot_retention_period(snapshot.retention_days);
        }
        self.wire.gone("redshift-serverless:DeleteNamespace", request.send().await)
    }

    async fn namespaces_tagged(&self, key: &str, value: &str) -> Answer<Vec<String>> {
        let mut pages = self.client.list_namespaces().into_paginator().send();
        let mut names = Vec::new();
        while let Some(page) = pages.next().await {
            for found in self.wire.answer("redshift-serverless:ListNamespaces", page)?.namespaces {
                let (Some(name), Some(arn)) = (found.namespace_name, found.namespace_arn) else { continue };
                if self.tags(&arn).await?.get(key).is_some_and(|found| found == value) {
                    names.push(name);
                }
            }
        }
        Ok(names)
    }

    async fn workgroup(&self, name: &str) -> Answer<Option<Workgroup>> {
        let result = self.client.get_workgroup().workgroup_name(name).send().await;
        let found =
            self.wire.found("redshift-serverless:GetWorkgroup", result)?.and_then(|found| found.workgroup);
        let Some(found) = found else { return Ok(None) };
        let arn = found.workgroup_arn.unwrap_or_default();
        let endpoint = found.endpoint.and_then(|endpoint| {
            let port = endpoint.port.and_then(|port| u16::try_from(port).ok())?;
            Some(Endpoint { host: endpoint.address?, port })
        });
        Ok(Some(Workgroup {
            name: found.workgroup_name.unwrap_or_default(),
            namespace: found.namespace_name,
            status: found.status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
            endpoint,
            base_capacity: natural(found.base_capacity),
            max_capacity: natural(found.max_capacity),
            publicly_accessible: found.publicly_accessible.unwrap_or_default(),
            security_group_ids: found.security_group_ids.unwrap_or_default(),
            subnet_ids: found.subnet_ids.unwrap_or_default(),
            port: found.port.and_then(|port| u16::try_from(port).ok()),
            requires_tls: found.config_parameters.unwrap_or_default().iter().find_map(|parameter| {
                let value = parameter.parameter_value()?;
                (parameter.parameter_key() == Some("require_ssl")).then(|| value.eq_ignore_ascii_case("true"))
            }),
            created_at: found.creation_date.and_then(|time| time.try_into().ok()),
            tags: self.tags(&arn).await?,
            arn,
        }))
    }

    async fn create_workgroup(&self, workgroup: &NewWorkgroup) -> Answer<()> {
        let subnets = (!workgroup.subnet_ids.is_empty()).then(|| workgroup.subnet_ids.clone());
        let request = self
            .client
            .create_workgroup()
            .workgroup_name(&workgroup.name)
            .namespace_name(&workgroup.namespace)
            .base_capacity(whole(workgroup.base_capacity))
            .set_max_capacity(workgroup.max_capacity.map(whole))
            .publicly_accessible(workgroup.publicly_accessible)
            .set_security_group_ids(Some(workgroup.security_group_ids.clone()))
            .set_subnet_ids(subnets)
            .port(i32::from(workgroup.port))
            .set_tags(Some(tags_of(&workgroup.tags)?));
        self.wire.answer("redshift-serverless:CreateWorkgroup", request.send().await).map(|_| ())
    }

    async fn modify_workgroup(&self, name: &str, change: &WorkgroupChange) -> Answer<()> {
        let request = self
            .client
            .update_workgroup()
            .workgroup_name(name)
            .set_base_capacity(change.base_capacity.map(whole))
            .set_max_capacity(change.max_capacity.map(whole))
            .set_publicly_accessible(change.publicly_accessible)
            .set_security_group_ids(change.security_group_ids.clone());
        self.wire.answer("redshift-serverless:UpdateWorkgroup", request.send().await).map(|_| ())
    }

    async fn delete_workgroup(&self, name: &str) -> Answer<()> {
        let result = self.client.delete_workgroup().workgroup_name(name).send().await;
        self.wire.gone("redshift-serverless:DeleteWorkgroup", result)
    }

    async fn workgroups_tagged(&self, key: &str, value: &str) -> Answer<Vec<String>> {
        let mut pages = self.client.list_workgroups().into_paginator().send();
        let mut names = Vec::new();
        while let Some(page) = pages.next().await {
            for found in self.wire.answer("redshift-serverless:ListWorkgroups", page)?.workgroups {
                let (Some(name), Some(arn)) = (found.workgroup_name, found.workgroup_arn) else { continue };
                if self.tags(&arn).await?.get(key).is_some_and(|found| found == value) {
                    names.push(name);
                }
            }
        }
        Ok(names)
    }

    async fn usage_limits(&self, workgroup_arn: &str) -> Answer<Vec<ExistingUsageLimit>> {
        let request = self
            .client
            .list_usage_limits()
            .resource_arn(workgroup_arn)
            .usage_type(UsageLimitUsageType::ServerlessCompute);
        let mut pages = request.into_paginator().send();
        let mut limits = Vec::new();
        while let Some(page) = pages.next().await {
            let Some(page) = self.wire.found("redshift-serverless:ListUsageLimits", page)? else { break };
            limits.extend(page.usage_limits.unwrap_or_default().into_iter().filter_map(limit_of));
        }
        Ok(limits)
    }

    async fn create_usage_limit(&self, workgroup_arn: &str, limit: UsageLimit) -> Answer<()> {
        let period = match limit.period {
            Period::Daily => UsageLimitPeriod::Daily,
            Period::Weekly => UsageLimitPeriod::Weekly,
            Period::Monthly => UsageLimitPeriod::Monthly,
        };
        let request = self
            .client
            .create_usage_limit()
            .resource_arn(workgroup_arn)
            .usage_type(UsageLimitUsageType::ServerlessCompute)
            .amount(i64::from(limit.rpu_hours))
            .period(period)
            .breach_action(breach(limit.on_breach));
        self.wire.answer("redshift-serverless:CreateUsageLimit", request.send().await).map(|_| ())
    }

    async fn modify_usage_limit(&self, id: &str, limit: UsageLimit) -> Answer<()> {
        let request = self
            .client
            .update_usage_limit()
            .usage_limit_id(id)
            .amount(i64::from(limit.rpu_hours))
            .breach_action(breach(limit.on_breach));
        self.wire.answer("redshift-serverless:UpdateUsageLimit", request.send().await).map(|_| ())
    }

    async fn snapshots(&self, namespace: &str) -> Answer<Vec<Snapshot>> {
        let found = match self.snapshots_of(Some(namespace)).await {
            // That the namespace is gone does not mean that its snapshots are: they are looked for among all.
            Err(error) if error.kind == ErrorKind::NotFound => self.snapshots_of(None).await?,
            found => found?,
        };
        Ok(found
            .into_iter()
            .filter(|snapshot| snapshot.namespace_name() == Some(namespace))
            .map(|snapshot| Snapshot {
                name: snapshot.snapshot_name.unwrap_or_default(),
                status: snapshot.status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
                size_bytes: megabytes(snapshot.total_backup_size_in_mega_bytes),
                retention_days: natural(snapshot.snapshot_retention_period),
                tags: Tags::new(),
            })
            .collect())
    }

    async fn tag_resource(&self, arn: &str, tags: &Tags) -> Answer<()> {
        let request = self.client.tag_resource().resource_arn(arn).set_tags(Some(tags_of(tags)?));
        self.wire.answer("redshift-serverless:TagResource", request.send().await).map(|_| ())
    }

    async fn credentials(&self, workgroup: &str, database: &str) -> Answer<DatabaseCredentials> {
        let request = self
            .client
            .get_credentials()
            .workgroup_name(workgroup)
            .db_name(database)
            .duration_seconds(CREDENTIAL_SECONDS);
        let found = self.wire.answer("redshift-serverless:GetCredentials", request.send().await)?;
        Ok(DatabaseCredentials {
            user: found.db_user.unwrap_or_default(),
            password: Secret::new(found.db_password.unwrap_or_default()),
            expires_at: found.expiration.and_then(|time| time.try_into().ok()),
        })
    }
}
