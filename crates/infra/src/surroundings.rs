//! What a deployment is put into: the account, the network, the addresses that may connect.

use std::collections::BTreeSet;

use crate::{
    config::{DEPLOYMENT_TAG, Kind, Names},
    deployment::Deployment,
    error::{ConfigError, During, Error, Result},
    network::Cidr,
    services::{Caller, IngressRule, Network, Subnet, Tags},
};

/// What is wanted, with everything that had to be asked for.
#[derive(Debug, Clone)]
pub(crate) struct Surroundings {
    pub(crate) names: Names,
    pub(crate) caller: Caller,
    pub(crate) tags: Tags,
    /// The VPC of our security group; `None` if there is none of ours.
    pub(crate) vpc_id: Option<String>,
    /// Who may connect; `None` if it could not be found out.
    pub(crate) ingress: Option<Vec<IngressRule>>,
    pub(crate) notes: Vec<String>,
}

impl Surroundings {
    /// The ARN that our role has or will have.
    pub(crate) fn role_arn(&self) -> String {
        let Caller { account, .. } = &self.caller;
        format!(
            "arn:{}:iam::{account}:role{}{}",
            self.caller.partition(),
            crate::config::ROLE_PATH,
            self.names.role
        )
    }
}

/// Whether the network and the caller's address must be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// An error if they are not found.
    Required,
    /// A note if they are not found.
    Wanted,
}

impl Deployment {
    /// Whether a resource is ours.
    pub(crate) fn owns(&self, tags: &Tags) -> bool {
        tags.get(DEPLOYMENT_TAG) == Some(&self.config.name)
    }

    /// The network, where the build has it.
    pub(crate) fn network(&self) -> Result<&dyn Network> {
        self.services.network.as_deref().ok_or(Error::NoNetwork)
    }

    pub(crate) async fn surroundings(&self, need: Need) -> Result<Surroundings> {
        let caller = self.services.identity.caller().await.during("asking whose credentials these are")?;
        let mut notes = Vec::new();
        let vpc_id = match self.vpc().await {
            // Whether a new one could be made there is not the question.
            Err(error @ (Error::Config(_) | Error::NoNetwork)) if need == Need::Wanted => {
                notes.push(error.to_string());
                None
            }
            vpc => vpc?,
        };
        let ingress = self.ingress(need, &mut notes).await?;
        if !self.config.publicly_accessible {
            notes.push(
                "the warehouse has no public address: it can be reached from within its network only (or through a \
                 tunnel); publicly_accessible = true changes that"
                    .to_owned(),
            );
        }
        Ok(Surroundings { vpc_id, ingress, notes, ..self.bare_surroundings(caller) })
    }

    /// What can be known without asking about the network.
    pub(crate) fn bare_surroundings(&self, caller: Caller) -> Surroundings {
        Surroundings {
            names: self.config.names(),
            caller,
            tags: self.config.all_tags(),
            vpc_id: None,
            ingress: None,
            notes: Vec::new(),
        }
    }

    /// The VPC that the warehouse goes into, after a check that it can.
    async fn vpc(&self) -> Result<Option<String>> {
        let config = &self.config;
        let own_group = config.security_group_ids.is_empty();
        if let Some(name) = &config.subnet_group {
            let group = self
                .services
                .clusters
                .subnet_group(name)
                .await
                .during(format!("reading the subnet group {name}"))?;
            let Some(group) = group else {
                return Err(ConfigError::new(
                    "subnet_group",
                    format!("there is no subnet group {name}"),
                    "name one that is there, or the subnets with subnet_ids, or neither for the default VPC",
                )
                .into());
            };
            return Ok(group.vpc_id);
        }
        if self.services.network.is_none() && !own_group {
            return Ok(None);
        }
        let network = self.network()?;
        let (vpc_id, subnets) = if config.subnet_ids.is_empty() {
            let vpc = network.default_vpc().await.during("looking for the default VPC")?;
            let Some(vpc) = vpc else {
                return Err(ConfigError::new(
                    "subnet_ids",
                    "none are named, and the account has no default VPC in this region",
                    "name the subnets to use, in at least two availability zones (three for Serverless), or make a \
                     default VPC with `aws ec2 create-default-vpc`",
                )
                .into());
            };
            let subnets = match config.kind {
                Kind::Serverless => {
                    network.subnets_of(&vpc).await.during("reading the subnets of the default VPC")?
                }
                Kind::Cluster => Vec::new(),
            };
            (vpc, subnets)
        } else {
            let subnets = network.subnets(&config.subnet_ids).await.during("reading the subnets")?;
            (common_vpc(&config.subnet_ids, &subnets)?, subnets)
        };
        if config.kind == Kind::Serverless {
            three_zones(&subnets)?;
        }
        Ok(Some(vpc_id))
    }

    async fn ingress(&self, need: Need, notes: &mut Vec<String>) -> Result<Option<Vec<IngressRule>>> {
        if !self.config.security_group_ids.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let mut sources: BTreeSet<String> = self
            .config
            .allow_cidr
            .iter()
            .filter_map(|text| Cidr::parse(text))
            .map(|cidr| cidr.to_string())
            .collect();
        if sources.is_empty() {
            match self.services.address.address().await {
                Ok(address) => {
                    sources.insert(Cidr::single(address).to_string());
                }
                Err(reason) if need == Need::Required => return Err(Error::Address { reason }),
                Err(reason) => {
                    notes.push(format!("the address of this machine could not be found ({reason}), so the rules of the security group were not compared"));
                    return Ok(None);
                }
            }
        }
        Ok(Some(sources.into_iter().map(|source| IngressRule::tcp(self.config.port, source)).collect()))
    }
}

fn common_vpc(ids: &[String], subnets: &[Subnet]) -> Result<String, ConfigError> {
    if let Some(missing) = ids.iter().find(|id| !subnets.iter().any(|subnet| subnet.id == **id)) {
        return Err(ConfigError::new(
            "subnet_ids",
            format!("there is no subnet {missing} in this region"),
            "check the id and the region",
        ));
    }
    let vpcs: BTreeSet<_> = subnets.iter().map(|subnet| subnet.vpc_id.as_str()).collect();
    match vpcs.into_iter().collect::<Vec<_>>()[..] {
        [vpc] => Ok(vpc.to_owned()),
        _ => Err(ConfigError::new("subnet_ids", "they are in different VPCs", "take subnets of one VPC")),
    }
}

fn three_zones(subnets: &[Subnet]) -> Result<(), ConfigError> {
    let zones: BTreeSet<_> = subnets
        .iter()
        .filter(|subnet| subnet.free_addresses > 0)
        .map(|subnet| subnet.zone.as_str())
        .collect();
    if zones.len() >= 3 {
        return Ok(());
    }
    Err(ConfigError::new(
        "subnet_ids",
        format!(
            "Serverless needs subnets with free addresses in three availability zones, and has {}",
            zones.len()
        ),
        "name subnets in three zones, or take kind = \"cluster\"",
    ))
}
