//! Desired state against present state.

use futures_util::future::join_all;

use crate::{
    config::Kind,
    cost::CostEstimate,
    deployment::Deployment,
    error::{ConfigError, Result},
    plan::{Action, Plan, ResourceKind, Step},
    policy,
    services::{
        Cluster, ExistingUsageLimit, Namespace, ParameterGroup, Role, SecurityGroup, SubnetGroup, Workgroup,
    },
    surroundings::{Need, Surroundings},
};

/// What is there under our names, ours or not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Present {
    pub(crate) role: Option<Role>,
    pub(crate) security_group: Option<SecurityGroup>,
    pub(crate) subnet_group: Option<SubnetGroup>,
    pub(crate) parameter_group: Option<ParameterGroup>,
    pub(crate) cluster: Option<Cluster>,
    /// The parameter group that the cluster uses, ours or not.
    pub(crate) used_parameters: Option<ParameterGroup>,
    pub(crate) namespace: Option<Namespace>,
    pub(crate) workgroup: Option<Workgroup>,
    pub(crate) usage_limits: Vec<ExistingUsageLimit>,
    /// What could not be read and is not needed.
    pub(crate) notes: Vec<String>,
}

impl Deployment {
    /// The kinds of resources that the configuration asks for, in the order in which they are made.
    pub(crate) fn kinds(&self) -> Vec<ResourceKind> {
        let config = &self.config;
        let mut kinds = vec![ResourceKind::Role];
        if config.security_group_ids.is_empty() && self.services.network.is_some() {
            kinds.push(ResourceKind::SecurityGroup);
        }
        match config.kind {
            Kind::Cluster => {
                if !config.subnet_ids.is_empty() {
                    kinds.push(ResourceKind::SubnetGroup);
                }
                if !config.parameters.is_empty() {
                    kinds.push(ResourceKind::ParameterGroup);
                }
                kinds.push(ResourceKind::Cluster);
            }
            Kind::Serverless => {
                kinds.extend([ResourceKind::Namespace, ResourceKind::Workgroup]);
                if config.usage_limit.is_some() {
                    kinds.push(ResourceKind::UsageLimit);
                }
            }
        }
        kinds
    }

    /// Reads one kind of resource into `present`.
    pub(crate) async fn read(
        &self,
        kind: ResourceKind,
        around: &Surroundings,
        present: &mut Present,
    ) -> Result<()> {
        let names = &around.names;
        match kind {
            ResourceKind::Role => present.role = self.read_role(&names.role).await?,
            ResourceKind::SecurityGroup => present.security_group = self.read_security_group(around).await?,
            ResourceKind::SubnetGroup => {
                present.subnet_group = self.read_subnet_group(&names.subnet_group).await?;
            }
            ResourceKind::ParameterGroup => {
                present.parameter_group = self.read_parameter_group(&names.parameter_group).await?;
            }
            ResourceKind::Cluster => {
                present.cluster = self.read_cluster(&names.cluster).await?;
                self.read_used_parameters(present).await;
            }
            ResourceKind::Namespace => present.namespace = self.read_namespace(&names.namespace).await?,
            ResourceKind::Workgroup => present.workgroup = self.read_workgroup(&names.workgroup).await?,
            ResourceKind::UsageLimit => {
                present.usage_limits = match &present.workgroup {
                    Some(workgroup) if self.owns(&workgroup.tags) => {
                        self.read_usage_limits(&workgroup.arn).await?
                    }
                    _ => Vec::new(),
                };
            }
            ResourceKind::Snapshot | ResourceKind::Secret | ResourceKind::StagedFiles => {}
        }
        Ok(())
    }

    /// The ids of the security groups that the warehouse is to have. One that is not made yet has its name here; a
    /// build that cannot know them has none.
    pub(crate) fn wanted_groups(&self, around: &Surroundings, present: &Present) -> Vec<String> {
        if !self.config.security_group_ids.is_empty() {
            return self.config.security_group_ids.clone();
        }
        if self.services.network.is_none() {
            return Vec::new();
        }
        let own = present.security_group.as_ref().filter(|group| self.owns(&group.tags));
        vec![own.map_or_else(
            || format!("{} (to be made)", around.names.security_group),
            |group| group.id.clone(),
        )]
    }

    /// What is to be done with one kind of resource. It asks nobody.
    pub(crate) fn step(&self, kind: ResourceKind, around: &Surroundings, present: &Present) -> Option<Step> {
        let groups = || self.wanted_groups(around, present);
        Some(match kind {
            ResourceKind::Role => self.role_step(around, present.role.as_ref()),
            ResourceKind::SecurityGroup => self.security_group_step(around, present.security_group.as_ref()),
            ResourceKind::SubnetGroup => self.subnet_group_step(around, present.subnet_group.as_ref()),
            ResourceKind::ParameterGroup => {
                self.parameter_group_step(around, present.parameter_group.as_ref())
            }
            ResourceKind::Cluster => self.cluster_step(
                around,
                &groups(),
                present.cluster.as_ref(),
                present.used_parameters.as_ref(),
            ),
            ResourceKind::Namespace => self.namespace_step(around, present.namespace.as_ref()),
            ResourceKind::Workgroup => self.workgroup_step(around, &groups(), present.workgroup.as_ref()),
            ResourceKind::UsageLimit => {
                self.usage_limit_step(self.config.usage_limit?, &present.usage_limits)
            }
            ResourceKind::Snapshot | ResourceKind::Secret | ResourceKind::StagedFiles => return None,
        })
    }

    /// All that is there, and what is to be done about it.
    pub(crate) async fn compare(&self, around: &Surroundings) -> Result<(Present, Vec<Step>)> {
        let mut present = Present::default();
        for kind in self.kinds() {
            self.read(kind, around, &mut present).await?;
        }
        let steps = self.kinds().into_iter().filter_map(|kind| self.step(kind, around, &present)).collect();
        Ok((present, steps))
    }

    pub(crate) async fn make_plan(&self) -> Result<Plan> {
        let around = self.surroundings(Need::Required).await?;
        let (present, steps) = self.compare(&around).await?;
        let mut notes = around.notes.clone();
        notes.extend(present.notes.iter().cloned());
        let makes_cluster =
            steps.iter().any(|step| step.resource == ResourceKind::Cluster && step.action == Action::Create);
        if makes_cluster {
            self.check_orderable(&mut notes).await?;
        }
        let surplus = self.find_surplus(&mut notes).await;
        self.note_buckets(&mut notes).await;
        Ok(Plan {
            deployment: self.config.name.clone(),
            region: self.services.region.clone(),
            account: around.caller.account.clone(),
            kind: self.config.kind,
            steps,
            cost: self.wanted_cost(),
            surplus,
            notes,
        })
    }

    /// The cost of what is configured.
    pub(crate) fn wanted_cost(&self) -> CostEstimate {
        let (config, region) = (&self.config, self.services.region.as_str());
        match config.kind {
            Kind::Cluster => CostEstimate::of_cluster(&config.node_type, config.nodes, region),
            Kind::Serverless => CostEstimate::of_serverless(config.base_capacity, config.usage_limit, region),
        }
    }

    /// Whether AWS offers the nodes in this region. If it cannot be asked, that is a note.
    async fn check_orderable(&self, notes: &mut Vec<String>) -> Result<()> {
        let config = &self.config;
        let wanted = if config.nodes == 1 { "single-node" } else { "multi-node" };
        match self.services.clusters.orderable(&config.node_type).await {
            Ok(options) if options.iter().any(|option| option.cluster_type == wanted) => Ok(()),
            Ok(_) => Err(ConfigError::new(
                "node_type",
                format!(
                    "a {wanted} cluster of {} cannot be ordered in {}",
                    config.node_type, self.services.region
                ),
                "take another type of nodes (`aws redshift describe-orderable-cluster-options` lists them), another \
                 number, or another region",
            )
            .into()),
            Err(error) => {
                notes.push(format!("whether {} can be ordered here was not checked ({error})", config.node_type));
                Ok(())
            }
        }
    }

    /// The parameter group that our cluster uses. If it cannot be read, that is a note: nothing is done about it.
    async fn read_used_parameters(&self, present: &mut Present) {
        let cluster = present.cluster.as_ref().filter(|cluster| self.owns(&cluster.tags));
        let Some(name) = cluster.and_then(|cluster| cluster.parameter_group.as_deref()) else { return };
        if present.parameter_group.as_ref().is_some_and(|group| group.name == name) {
            present.used_parameters.clone_from(&present.parameter_group);
            return;
        }
        match self.services.clusters.parameter_group(name).await {
            Ok(group) => present.used_parameters = group,
            Err(error) => {
                present.notes.push(format!("whether the cluster requires TLS was not checked ({error})"))
            }
        }
    }

    /// Buckets that are missing or elsewhere.
    async fn note_buckets(&self, notes: &mut Vec<String>) {
        let mut buckets: Vec<_> =
            policy::readable(&self.config).into_iter().map(|place| place.bucket).collect();
        buckets.dedup();
        let asked =
            buckets.iter().map(|bucket| async move { (bucket, self.services.buckets.region(bucket).await) });
        for (bucket, answer) in join_all(asked).await {
            match answer {
                Ok(Some(region)) if region == self.services.region => {}
                Ok(Some(region)) => notes.push(format!(
                    "the bucket {bucket} is in {region}: COPY must name that region, and the transfer between regions \
                     costs"
                )),
                Ok(None) => notes.push(format!("there is no bucket {bucket}")),
                Err(error) => notes.push(format!("where the bucket {bucket} is was not checked ({error})")),
            }
        }
    }
}
