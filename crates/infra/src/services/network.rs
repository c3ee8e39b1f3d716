//! EC2: security groups and subnets.

use async_trait::async_trait;
use serde::Serialize;

use super::{Answer, Tags};

/// A subnet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subnet {
    /// Its id.
    pub id: String,
    /// Its VPC.
    pub vpc_id: String,
    /// Its availability zone.
    pub zone: String,
    /// How many addresses are free in it.
    pub free_addresses: u32,
}

/// Who may connect to which ports.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct IngressRule {
    /// The protocol, `tcp` or, for all of them, `-1`.
    pub protocol: String,
    /// The first port.
    pub from_port: Option<u16>,
    /// The last port.
    pub to_port: Option<u16>,
    /// The addresses, or another source such as a security group's id.
    pub source: String,
}

impl IngressRule {
    /// TCP to one port.
    #[must_use]
    pub fn tcp(port: u16, cidr: impl Into<String>) -> Self {
        Self { protocol: "tcp".to_owned(), from_port: Some(port), to_port: Some(port), source: cidr.into() }
    }

    /// Whether the rule lets the address connect to the port.
    #[must_use]
    pub fn admits(&self, address: std::net::IpAddr, port: u16) -> bool {
        let protocol = matches!(self.protocol.as_str(), "tcp" | "-1" | "6");
        let ports =
            self.from_port.is_none_or(|from| from <= port) && self.to_port.is_none_or(|to| port <= to);
        protocol
            && ports
            && crate::network::Cidr::parse(&self.source).is_some_and(|cidr| cidr.contains(address))
    }
}

impl std::fmt::Display for IngressRule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { protocol, from_port, to_port, source } = self;
        match (from_port, to_port) {
            (Some(from), Some(to)) if from == to => write!(f, "{source} {protocol}/{from}"),
            (Some(from), Some(to)) => write!(f, "{source} {protocol}/{from}-{to}"),
            _ => write!(f, "{source} {protocol}"),
        }
    }
}

/// A security group as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecurityGroup {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its VPC.
    pub vpc_id: String,
    /// Who may connect.
    pub ingress: Vec<IngressRule>,
    /// Its tags.
    pub tags: Tags,
}

/// A security group to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSecurityGroup {
    /// Its name.
    pub name: String,
    /// Its VPC.
    pub vpc_id: String,
    /// What it is for.
    pub description: String,
    /// Its tags.
    pub tags: Tags,
}

/// Security groups and subnets.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
#[async_trait]
pub trait Network: std::fmt::Debug + Send + Sync {
    /// The id of the default VPC.
    async fn default_vpc(&self) -> Answer<Option<String>>;
    /// The subnets of a VPC.
    async fn subnets_of(&self, vpc_id: &str) -> Answer<Vec<Subnet>>;
    /// The named subnets.
    async fn subnets(&self, ids: &[String]) -> Answer<Vec<Subnet>>;
    /// The security groups of that name, in any VPC.
    async fn security_groups_named(&self, name: &str) -> Answer<Vec<SecurityGroup>>;
    /// The security groups with this tag.
    async fn security_groups_tagged(&self, key: &str, value: &str) -> Answer<Vec<SecurityGroup>>;
    /// The named security groups.
    async fn security_groups(&self, ids: &[String]) -> Answer<Vec<SecurityGroup>>;
    /// Makes a security group that lets nobody in, and returns its id.
    async fn create_security_group(&self, group: &NewSecurityGroup) -> Answer<String>;
    /// Lets somebody in. A rule that is already there is fine.
    async fn allow(&self, group_id: &str, rule: &IngressRule) -> Answer<()>;
    /// Takes a rule away. A rule that is not there is fine.
    async fn revoke(&self, group_id: &str, rule: &IngressRule) -> Answer<()>;
    /// Sets tags, and leaves others as they are.
    async fn tag(&self, id: &str, tags: &Tags) -> Answer<()>;
    /// Deletes a security group.
    async fn delete_security_group(&self, group_id: &str) -> Answer<()>;
}
