//! What is there and carries our tag, and the configuration does not ask for.

use serde::Serialize;

use crate::{
    config::DEPLOYMENT_TAG,
    cost::CostEstimate,
    deployment::Deployment,
    plan::ResourceKind,
    readiness::{self, Readiness},
    services::ServiceError,
    teardown::kind_of,
};

/// Something of this deployment that the configuration does not ask for, or not any more. It is not changed by
/// applying a plan, and may go on costing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Surplus {
    /// Its kind.
    pub resource: ResourceKind,
    /// Its name.
    pub name: String,
    /// Its state in AWS's words, where it has one.
    pub state: Option<String>,
    /// US dollars an hour, where it costs by the hour and the price is known.
    pub usd_per_hour: Option<f64>,
    /// What it costs in words, and what to do about it.
    pub note: String,
}

impl Deployment {
    /// Looks by tag in every service. What cannot be asked is a note.
    pub(crate) async fn find_surplus(&self, notes: &mut Vec<String>) -> Vec<Surplus> {
        let mut surplus = Vec::new();
        let not_asked = |notes: &mut Vec<String>, what: &str, error: &ServiceError| {
            notes.push(format!(
                "{what} that the configuration does not ask for were not looked for ({error})"
            ));
        };
        let (key, value) = (DEPLOYMENT_TAG, self.config.name.as_str());
        match self.services.clusters.tagged(key, value).await {
            Ok(arns) => {
                for (kind, name) in arns.iter().filter_map(|arn| kind_of(arn)) {
                    match kind {
                        // They are kept on purpose, and teardown names them.
                        ResourceKind::Snapshot => {}
                        _ if self.asks_for(kind, name) => {}
                        ResourceKind::Cluster => surplus.extend(self.surplus_cluster(name).await),
                        _ => surplus.push(self.surplus(kind, name, None, None, "it costs nothing")),
                    }
                }
            }
            Err(error) => not_asked(notes, "Redshift resources", &error),
        }
        self.surplus_serverless(&mut surplus, notes, not_asked).await;
        if let Some(network) = &self.services.network {
            match network.security_groups_tagged(key, value).await {
                Ok(groups) => {
                    let further = groups
                        .iter()
                        .filter(|group| !self.asks_for(ResourceKind::SecurityGroup, &group.name));
                    surplus.extend(further.map(|group| {
                        let name = format!("{} ({})", group.name, group.id);
                        let ours = group.name == self.config.names().security_group;
                        let kind = ResourceKind::SecurityGroup;
                        Surplus {
                            resource: kind,
                            name,
                            state: None,
                            usd_per_hour: None,
                            note: format!("it costs nothing; {}", what_to_do(ours)),
                        }
                    }));
                }
                Err(error) => not_asked(notes, "security groups", &error),
            }
        }
        surplus
    }

    async fn surplus_serverless(
        &self,
        surplus: &mut Vec<Surplus>,
        notes: &mut Vec<String>,
        not_asked: impl Fn(&mut Vec<String>, &str, &ServiceError),
    ) {
        let (key, value) = (DEPLOYMENT_TAG, self.config.name.as_str());
        let found = async {
            let workgroups = self.services.serverless.workgroups_tagged(key, value).await?;
            Ok::<_, ServiceError>((workgroups, self.services.serverless.namespaces_tagged(key, value).await?))
        };
        let (workgroups, namespaces) = match found.await {
            Ok(found) => found,
            // It is not there at all, so nothing is in it.
            Err(error) if self.has_no_serverless(&error) => return,
            Err(error) => return not_asked(notes, "namespaces and workgroups", &error),
        };
        for name in workgroups.iter().filter(|name| !self.asks_for(ResourceKind::Workgroup, name)) {
            let Ok(Some(found)) = self.services.serverless.workgroup(name).await else { continue };
            let cost = found
                .base_capacity
                .map(|base| CostEstimate::of_serverless(base, None, &self.services.region));
            let price = cost.and_then(|cost| cost.usd_per_hour);
            let words = "it costs while queries run";
            surplus.push(self.surplus(ResourceKind::Workgroup, name, Some(found.status), price, words));
        }
        for name in namespaces.iter().filter(|name| !self.asks_for(ResourceKind::Namespace, name)) {
            let Ok(Some(found)) = self.services.serverless.namespace(name).await else { continue };
            let words = "its storage and the secret with its password go on costing";
            surplus.push(self.surplus(ResourceKind::Namespace, name, Some(found.status), None, words));
        }
    }

    async fn surplus_cluster(&self, name: &str) -> Option<Surplus> {
        // The list of tags lags behind deletions.
        let cluster = self.services.clusters.cluster(name).await.ok()??;
        let cost = CostEstimate::of_cluster(&cluster.node_type, cluster.nodes, &self.services.region);
        let (price, words) = match readiness::of_cluster(&cluster) {
            Readiness::Paused => (None, "it is paused, and its storage goes on costing".to_owned()),
            Readiness::Deleting(_) => (None, "it is being deleted".to_owned()),
            _ => (
                cost.usd_per_hour,
                format!("{} × {}, which goes on costing", cluster.nodes, cluster.node_type),
            ),
        };
        Some(self.surplus(ResourceKind::Cluster, name, Some(cluster.status), price, &words))
    }

    fn surplus(
        &self,
        resource: ResourceKind,
        name: &str,
        state: Option<String>,
        usd_per_hour: Option<f64>,
        words: &str,
    ) -> Surplus {
        let ours = self.name_of(resource).is_some_and(|ours| ours == name);
        let note = format!("{words}; {}", what_to_do(ours));
        Surplus { resource, name: name.to_owned(), state, usd_per_hour, note }
    }

    fn asks_for(&self, kind: ResourceKind, name: &str) -> bool {
        self.kinds().contains(&kind) && self.name_of(kind).is_some_and(|wanted| wanted == name)
    }

    fn name_of(&self, kind: ResourceKind) -> Option<String> {
        let names = self.config.names();
        Some(match kind {
            ResourceKind::SecurityGroup => names.security_group,
            ResourceKind::SubnetGroup => names.subnet_group,
            ResourceKind::ParameterGroup => names.parameter_group,
            ResourceKind::Cluster => names.cluster,
            ResourceKind::Namespace => names.namespace,
            ResourceKind::Workgroup => names.workgroup,
            _ => return None,
        })
    }
}

/// Teardown deletes what has our name, of whatever kind, and names what else carries our tag.
const fn what_to_do(has_our_name: bool) -> &'static str {
    if has_our_name {
        "`sparkify-cli teardown` deletes it with everything else of this deployment; to delete it alone, do it yourself"
    } else {
        "delete it yourself if nobody needs it"
    }
}
