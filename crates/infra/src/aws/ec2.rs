//! EC2.

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_ec2::{
    Client,
    types::{
        self, Filter, IpPermission, IpRange, Ipv6Range, PrefixListId, ResourceType, Tag, TagSpecification,
        UserIdGroupPair,
    },
};

use super::wire::Wire;
use crate::services::{
    Answer, ErrorKind, IngressRule, Network, NewSecurityGroup, SecurityGroup, Subnet, Tags,
};

#[derive(Debug)]
pub(super) struct Ec2Network {
    client: Client,
    wire: Wire,
}

impl Ec2Network {
    pub(super) fn new(config: &SdkConfig, wire: Wire) -> Self {
        Self { client: Client::new(config), wire }
    }

    async fn groups(&self, filter: Filter) -> Answer<Vec<SecurityGroup>> {
        let mut pages = self.client.describe_security_groups().filters(filter).into_paginator().send();
        let mut groups = Vec::new();
        while let Some(page) = pages.next().await {
            let Some(page) = self.wire.found("ec2:DescribeSecurityGroups", page)? else { break };
            groups.extend(page.security_groups.unwrap_or_default().into_iter().map(group_of));
        }
        Ok(groups)
    }

    async fn subnets_with(&self, filter: Filter) -> Answer<Vec<Subnet>> {
        let mut pages = self.client.describe_subnets().filters(filter).into_paginator().send();
        let mut subnets = Vec::new();
        while let Some(page) = pages.next().await {
            let page = self.wire.answer("ec2:DescribeSubnets", page)?;
            subnets.extend(page.subnets.unwrap_or_default().into_iter().map(subnet_of));
        }
        Ok(subnets)
    }
}

fn filter(name: &str, values: &[String]) -> Filter {
    Filter::builder().name(name).set_values(Some(values.to_vec())).build()
}

fn tags_of(tags: &Tags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

fn subnet_of(found: types::Subnet) -> Subnet {
    Subnet {
        id: found.subnet_id.unwrap_or_default(),
        vpc_id: found.vpc_id.unwrap_or_default(),
        zone: found.availability_zone.unwrap_or_default(),
        free_addresses: found
            .available_ip_address_count
            .and_then(|n| u32::try_from(n).ok())
            .unwrap_or_default(),
    }
}

fn group_of(found: types::SecurityGroup) -> SecurityGroup {
    let mut ingress: Vec<_> = found
        .ip_permissions
        .unwrap_or_default()
        .into_iter()
        .flat_map(|permission| rules_of(&permission))
        .collect();
    ingress.sort();
    let tags = found.tags.unwrap_or_default().into_iter();
    SecurityGroup {
        id: found.group_id.unwrap_or_default(),
        name: found.group_name.unwrap_or_default(),
        vpc_id: found.vpc_id.unwrap_or_default(),
        ingress,
        tags: tags.filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default()))).collect(),
    }
}

/// A permission of EC2 is a rule for each of its sources.
fn rules_of(permission: &IpPermission) -> Vec<IngressRule> {
    let port = |port: Option<i32>| port.and_then(|port| u16::try_from(port).ok());
    let v4 = permission.ip_ranges().iter().filter_map(|range| range.cidr_ip.clone());
    let v6 = permission.ipv6_ranges().iter().filter_map(|range| range.cidr_ipv6.clone());
    let groups = permission.user_id_group_pairs().iter().filter_map(|pair| pair.group_id.clone());
    let lists = permission.prefix_list_ids().iter().filter_map(|list| list.prefix_list_id.clone());
    v4.chain(v6)
        .chain(groups)
        .chain(lists)
        .map(|source| IngressRule {
            protocol: permission.ip_protocol.clone().unwrap_or_default(),
            from_port: port(permission.from_port),
            to_port: port(permission.to_port),
            source,
        })
        .collect()
}

fn permission_of(rule: &IngressRule) -> IpPermission {
    let source = rule.source.as_str();
    let permission = IpPermission::builder()
        .ip_protocol(&rule.protocol)
        .set_from_port(rule.from_port.map(i32::from))
        .set_to_port(rule.to_port.map(i32::from));
    if source.starts_with("sg-") {
        return permission.user_id_group_pairs(UserIdGroupPair::builder().group_id(source).build()).build();
    }
    if source.starts_with("pl-") {
        return permission.prefix_list_ids(PrefixListId::builder().prefix_list_id(source).build()).build();
    }
    let description = "sparkify";
    if source.contains(':') {
        let range = Ipv6Range::builder().cidr_ipv6(source).description(description).build();
        return permission.ipv6_ranges(range).build();
    }
    permission.ip_ranges(IpRange::builder().cidr_ip(source).description(description).build()).build()
}

#[async_trait]
impl Network for Ec2Network {
    async fn default_vpc(&self) -> Answer<Option<String>> {
        let request = self.client.describe_vpcs().filters(filter("is-default", &["true".to_owned()]));
        let found = self.wire.answer("ec2:DescribeVpcs", request.send().await)?;
        Ok(found.vpcs.unwrap_or_default().into_iter().find_map(|vpc| vpc.vpc_id))
    }

    async fn subnets_of(&self, vpc_id: &str) -> Answer<Vec<Subnet>> {
        self.subnets_with(filter("vpc-id", &[vpc_id.to_owned()])).await
    }

    async fn subnets(&self, ids: &[String]) -> Answer<Vec<Subnet>> {
        // By filter: naming one that is not there would be an error about all of them.
        self.subnets_with(filter("subnet-id", ids)).await
    }

    async fn security_groups_named(&self, name: &str) -> Answer<Vec<SecurityGroup>> {
        self.groups(filter("group-name", &[name.to_owned()])).await
    }

    async fn security_groups_tagged(&self, key: &str, value: &str) -> Answer<Vec<SecurityGroup>> {
        self.groups(filter(&format!("tag:{key}"), &[value.to_owned()])).await
    }

    async fn security_groups(&self, ids: &[String]) -> Answer<Vec<SecurityGroup>> {
        self.groups(filter("group-id", ids)).await
    }

    async fn create_security_group(&self, group: &NewSecurityGroup) -> Answer<String> {
        let tags = TagSpecification::builder()
            .resource_type(ResourceType::SecurityGroup)
            .set_tags(Some(tags_of(&group.tags)))
            .build();
        let request = self
            .client
            .create_security_group()
            .group_name(&group.name)
            .vpc_id(&group.vpc_id)
            .description(&group.description)
            .tag_specifications(tags);
        let made = self.wire.answer("ec2:CreateSecurityGroup", request.send().await)?;
        Ok(made.group_id.unwrap_or_default())
    }

    async fn allow(&self, group_id: &str, rule: &IngressRule) -> Answer<()> {
        let request = self
            .client
            .authorize_security_group_ingress()
            .group_id(group_id)
            .ip_permissions(permission_of(rule));
        match self.wire.answer("ec2:AuthorizeSecurityGroupIngress", request.send().await) {
            Err(error) if error.kind == ErrorKind::AlreadyExists => Ok(()),
            result => result.map(|_| ()),
        }
    }

    async fn revoke(&self, group_id: &str, rule: &IngressRule) -> Answer<()> {
        let request = self
            .client
            .revoke_security_group_ingress()
            .group_id(group_id)
            .ip_permissions(permission_of(rule));
        self.wire.gone("ec2:RevokeSecurityGroupIngress", request.send().await)
    }

    async fn tag(&self, id: &str, tags: &Tags) -> Answer<()> {
        let result = self.client.create_tags().resources(id).set_tags(Some(tags_of(tags))).send().await;
        self.wire.answer("ec2:CreateTags", result).map(|_| ())
    }

    async fn delete_security_group(&self, group_id: &str) -> Answer<()> {
        let result = self.client.delete_security_group().group_id(group_id).send().await;
        self.wire.gone("ec2:DeleteSecurityGroup", result)
    }
}
