//! Looking for what is left, by name and by tag, in every service that was used.

use crate::{
    config::{DEPLOYMENT_TAG, ROLE_PATH},
    deployment::Deployment,
    error::Result,
    pace::jittered,
    plan::ResourceKind,
    services::{ServiceError, Tags},
    teardown::{
        Remnant, TeardownReport,
        plan::{Costing, brief, not_asked},
        remove::Failures,
    },
};

/// What one search found.
#[derive(Debug, Default)]
struct Search {
    left: Vec<Remnant>,
    unproven: Vec<String>,
    notes: Vec<String>,
}

impl Search {
    fn found(&mut self, resource: ResourceKind, name: impl Into<String>, note: &str) {
        let name = name.into();
        if !self.left.iter().any(|left| (left.resource, &left.name) == (resource, &name)) {
            self.left.push(Remnant { resource, name, note: note.to_owned() });
        }
    }

    fn unproven(&mut self, what: &str, error: &ServiceError) {
        self.unproven.push(format!("{what} could not be listed ({error})"));
    }
}

impl Deployment {
    /// Looks until nothing is left: lists lag behind deletions for some seconds. What failed to be deleted is not
    /// waited for.
    pub(crate) async fn prove(&self, failures: &Failures) -> TeardownReport {
        let clock = &self.services.clock;
        let started = clock.monotonic();
        let mut pause = self.timing.retry_pause;
        let search = loop {
            let search = self.search().await;
            let late = clock.monotonic().saturating_sub(started) >= self.timing.transient_deadline;
            if search.left.is_empty() || !failures.is_empty() || late {
                break search;
            }
            self.note("deleted resources are still listed; looking again");
            clock.sleep(jittered(pause)).await;
            pause = (pause * 2).min(self.timing.poll_max);
        };
        let Search { mut left, mut unproven, mut notes } = search;
        for remnant in &mut left {
            if let Some(why) = failures.get(&(remnant.resource, remnant.name.clone())) {
                remnant.note.clone_from(why);
            }
        }
        for ((resource, name), why) in failures {
            if !left.iter().any(|left| (left.resource, &left.name) == (*resource, name)) {
                notes.push(format!("{resource} {name}: {why}"));
            }
        }
        let Costing { found: costing, not_listed } = self.costing().await;
        unproven.extend(not_listed);
        TeardownReport { deleted: Vec::new(), left, costing, unproven, notes }
    }

    async fn search(&self) -> Search {
        let mut search = Search::default();
        let names = self.config.names();
        let by_name = "it carries our name and our tag";
        self.named(
            &mut search,
            ResourceKind::Cluster,
            &names.cluster,
            self.read_cluster(&names.cluster).await,
            |c| &c.tags,
        );
        let group = self.read_subnet_group(&names.subnet_group).await;
        self.named(&mut search, ResourceKind::SubnetGroup, &names.subnet_group, group, |group| &group.tags);
        let group = self.read_parameter_group(&names.parameter_group).await;
        self.named(&mut search, ResourceKind::ParameterGroup, &names.parameter_group, group, |group| {
            &group.tags
        });
        self.named(&mut search, ResourceKind::Role, &names.role, self.read_role(&names.role).await, |role| {
            &role.tags
        });
        match self.read_serverless().await {
            Ok((workgroup, namespace)) => {
                self.named(&mut search, ResourceKind::Workgroup, &names.workgroup, Ok(workgroup), |found| {
                    &found.tags
                });
                self.named(&mut search, ResourceKind::Namespace, &names.namespace, Ok(namespace), |found| {
                    &found.tags
                });
                self.tagged_serverless(&mut search).await;
            }
            Err(error) if error.service().is_some_and(|error| self.has_no_serverless(error)) => {
                search.notes.push(not_asked(&error));
            }
            Err(error) => search.unproven.push(format!("Serverless could not be asked ({})", brief(&error))),
        }
        self.tagged_redshift(&mut search).await;
        self.tagged_roles(&mut search).await;
        match self.security_groups_of_name().await {
            Ok(groups) => {
                for group in groups {
                    let name = format!("{} ({})", group.name, group.id);
                    if self.owns(&group.tags) {
                        search.found(ResourceKind::SecurityGroup, name, by_name);
                    } else {
                        search
                            .notes
                            .push(format!("security group {name} has our name and not our tag; it stays"));
                    }
                }
            }
            Err(error) => {
                search.unproven.push(format!("security groups could not be listed ({})", brief(&error)));
            }
        }
        if let Some(network) = &self.services.network {
            match network.security_groups_tagged(DEPLOYMENT_TAG, &self.config.name).await {
                Ok(groups) => {
                    for group in groups {
                        let name = format!("{} ({})", group.name, group.id);
                        search.found(ResourceKind::SecurityGroup, name, "it carries our tag");
                    }
                }
                Err(error) => search.unproven("security groups with our tag", &error),
            }
        } else if self.config.security_group_ids.is_empty() {
            search.unproven.push("security groups were not listed: this build cannot do so".to_owned());
        } else {
            search.notes.push(
                "security groups were not listed, since this build cannot do so; the configuration names existing ones \
                 instead of one of our own"
                    .to_owned(),
            );
        }
        search
    }

    fn named<T>(
        &self,
        search: &mut Search,
        kind: ResourceKind,
        name: &str,
        found: Result<Option<T>>,
        tags: fn(&T) -> &Tags,
    ) {
        match found {
            Ok(None) => {}
            Ok(Some(found)) if self.owns(tags(&found)) => {
                search.found(kind, name, "it carries our name and our tag");
            }
            Ok(Some(_)) => search.notes.push(format!("{kind} {name} has our name and not our tag; it stays")),
            Err(error) => {
                search.unproven.push(format!("{kind} {name} could not be read ({})", brief(&error)));
            }
        }
    }

    async fn tagged_redshift(&self, search: &mut Search) {
        match self.services.clusters.tagged(DEPLOYMENT_TAG, &self.config.name).await {
            Ok(arns) => {
                for arn in arns {
                    let (kind, name) = match kind_of(&arn) {
                        // Kept on purpose: all with our tag are among what goes on costing.
                        Some((ResourceKind::Snapshot, _)) => continue,
                        Some((kind, name)) => (kind, name.to_owned()),
                        None => (ResourceKind::Cluster, arn.clone()),
                    };
                    search.found(kind, name, "it carries our tag");
                }
            }
            Err(error) => search.unproven("Redshift resources with our tag", &error),
        }
    }

    async fn tagged_serverless(&self, search: &mut Search) {
        let (key, value) = (DEPLOYMENT_TAG, self.config.name.as_str());
        match self.services.serverless.workgroups_tagged(key, value).await {
            Ok(names) => {
                names
                    .into_iter()
                    .for_each(|name| search.found(ResourceKind::Workgroup, name, "it carries our tag"));
            }
            Err(error) => search.unproven("workgroups with our tag", &error),
        }
        match self.services.serverless.namespaces_tagged(key, value).await {
            Ok(names) => {
                names
                    .into_iter()
                    .for_each(|name| search.found(ResourceKind::Namespace, name, "it carries our tag"));
            }
            Err(error) => search.unproven("namespaces with our tag", &error),
        }
    }

    /// Roles cannot be searched by tag: those below our path are looked at. A deployment of the same name in
    /// another region has a role of its own.
    async fn tagged_roles(&self, search: &mut Search) {
        let suffix = format!("-{}", self.services.region);
        match self.services.roles.roles_below(ROLE_PATH).await {
            Ok(names) => {
                for name in names.into_iter().filter(|name| name.ends_with(&suffix)) {
                    match self.read_role(&name).await {
                        Ok(Some(role)) if self.owns(&role.tags) => {
                            search.found(ResourceKind::Role, name, "it carries our tag");
                        }
                        Ok(_) => {}
                        Err(error) => {
                            search.unproven.push(format!(
                                "the tags of role {name} could not be read ({})",
                                brief(&error)
                            ));
                        }
                    }
                }
            }
            Err(error) => search.unproven("roles", &error),
        }
    }
}

/// Kind and name from an ARN of Redshift, `arn:aws:redshift:region:account:kind:name`.
pub(crate) fn kind_of(arn: &str) -> Option<(ResourceKind, &str)> {
    let (kind, name) = arn.splitn(6, ':').nth(5)?.split_once(':')?;
    let kind = match kind {
        "cluster" => ResourceKind::Cluster,
        "snapshot" => ResourceKind::Snapshot,
        "subnetgroup" => ResourceKind::SubnetGroup,
        "parametergroup" => ResourceKind::ParameterGroup,
        _ => return None,
    };
    Some((kind, name))
}
