//! EC2. The default VPC has subnets in three zones.

use super::*;

pub(crate) const VPC: &str = "vpc-default";

pub(crate) fn subnets() -> Vec<Subnet> {
    ["a", "b", "c"]
        .iter()
        .map(|zone| Subnet {
            id: format!("subnet-{zone}"),
            vpc_id: VPC.to_owned(),
            zone: format!("{REGION}{zone}"),
            free_addresses: 100,
        })
        .collect()
}

#[async_trait]
impl Network for FakeAws {
    async fn default_vpc(&self) -> Answer<Option<String>> {
        self.call("ec2:DescribeVpcs", |_| Ok(Some(VPC.to_owned())))
    }

    async fn subnets_of(&self, vpc_id: &str) -> Answer<Vec<Subnet>> {
        self.call("ec2:DescribeSubnets", |_| {
            Ok(subnets().into_iter().filter(|s| s.vpc_id == vpc_id).collect())
        })
    }

    async fn subnets(&self, ids: &[String]) -> Answer<Vec<Subnet>> {
        self.call("ec2:DescribeSubnets", |_| {
            Ok(subnets().into_iter().filter(|s| ids.contains(&s.id)).collect())
        })
    }

    async fn security_groups_named(&self, name: &str) -> Answer<Vec<SecurityGroup>> {
        self.list_groups(|group| group.name == name)
    }

    async fn security_groups_tagged(&self, key: &str, value: &str) -> Answer<Vec<SecurityGroup>> {
        self.list_groups(|group| group.tags.get(key).is_some_and(|found| found == value))
    }

    async fn security_groups(&self, ids: &[String]) -> Answer<Vec<SecurityGroup>> {
        self.list_groups(|group| ids.contains(&group.id))
    }

    async fn create_security_group(&self, group: &NewSecurityGroup) -> Answer<String> {
        const OPERATION: &str = "ec2:CreateSecurityGroup";
        self.call(OPERATION, |inner| {
            let id = format!("sg-{}", group.name);
            if inner
                .world
                .groups
                .values()
                .any(|found| found.name == group.name && found.vpc_id == group.vpc_id)
            {
                return Err(refused(ErrorKind::AlreadyExists, OPERATION));
            }
            inner.world.groups.insert(
                id.clone(),
                SecurityGroup {
                    id: id.clone(),
                    name: group.name.clone(),
                    vpc_id: group.vpc_id.clone(),
                    ingress: Vec::new(),
                    tags: group.tags.clone(),
                },
            );
            Ok(id)
        })
    }

    async fn allow(&self, group_id: &str, rule: &IngressRule) -> Answer<()> {
        self.change_group("ec2:AuthorizeSecurityGroupIngress", group_id, |group| {
            if !group.ingress.contains(rule) {
                group.ingress.push(rule.clone());
            }
        })
    }

    async fn revoke(&self, group_id: &str, rule: &IngressRule) -> Answer<()> {
        self.change_group("ec2:RevokeSecurityGroupIngress", group_id, |group| {
            group.ingress.retain(|r| r != rule);
        })
    }

    async fn tag(&self, id: &str, tags: &Tags) -> Answer<()> {
        self.change_group("ec2:CreateTags", id, |group| group.tags.extend(tags.clone()))
    }

    async fn delete_security_group(&self, group_id: &str) -> Answer<()> {
        const OPERATION: &str = "ec2:DeleteSecurityGroup";
        self.call(OPERATION, |inner| {
            let id = group_id.to_owned();
            let used = inner.world.clusters.values().any(|cluster| cluster.security_group_ids.contains(&id))
                || inner
                    .world
                    .workgroups
                    .values()
                    .any(|workgroup| workgroup.security_group_ids.contains(&id));
            if used {
                return Err(refused(ErrorKind::InUse, OPERATION));
            }
            if inner.interface_refusals > 0 {
                inner.interface_refusals -= 1;
                return Err(refused(ErrorKind::InUse, OPERATION));
            }
            inner.world.groups.remove(group_id);
            Ok(())
        })
    }
}

impl FakeAws {
    fn list_groups(&self, wanted: impl Fn(&SecurityGroup) -> bool) -> Answer<Vec<SecurityGroup>> {
        self.call("ec2:DescribeSecurityGroups", |inner| {
            Ok(inner.world.groups.values().filter(|group| wanted(group)).cloned().collect())
        })
    }

    fn change_group(
        &self,
        operation: &'static str,
        id: &str,
        change: impl FnOnce(&mut SecurityGroup),
    ) -> Answer<()> {
        self.call(operation, |inner| {
            let group =
                inner.world.groups.get_mut(id).ok_or_else(|| refused(ErrorKind::NotFound, operation))?;
            change(group);
            Ok(())
        })
    }
}
