//! IAM.

use super::*;

#[async_trait]
impl Roles for FakeAws {
    async fn role(&self, name: &str) -> Answer<Option<Role>> {
        self.call("iam:GetRole", |inner| Ok(inner.world.roles.get(name).cloned()))
    }

    async fn create_role(&self, role: &NewRole) -> Answer<String> {
        const OPERATION: &str = "iam:CreateRole";
        self.call(OPERATION, |inner| {
            if inner.world.roles.contains_key(&role.name) {
                return Err(refused(ErrorKind::AlreadyExists, OPERATION));
            }
            let arn = format!("arn:aws:iam::{ACCOUNT}:role{}{}", role.path, role.name);
            inner.world.roles.insert(
                role.name.clone(),
                Role {
                    name: role.name.clone(),
                    arn: arn.clone(),
                    trust: role.trust.clone(),
                    policies: BTreeMap::new(),
                    attached: Vec::new(),
                    tags: role.tags.clone(),
                },
            );
            Ok(arn)
        })
    }

    async fn set_trust(&self, role: &str, trust: &str) -> Answer<()> {
        self.change_role("iam:UpdateAssumeRolePolicy", role, |role| role.trust = trust.to_owned())
    }

    async fn put_policy(&self, role: &str, policy: &str, document: &str) -> Answer<()> {
        self.change_role("iam:PutRolePolicy", role, |role| {
            role.policies.insert(policy.to_owned(), document.to_owned());
        })
    }

    async fn delete_policy(&self, role: &str, policy: &str) -> Answer<()> {
        self.call("iam:DeleteRolePolicy", |inner| {
            if let Some(role) = inner.world.roles.get_mut(role) {
                role.policies.remove(policy);
            }
            Ok(())
        })
    }

    async fn detach_policy(&self, role: &str, policy_arn: &str) -> Answer<()> {
        self.change_role("iam:DetachRolePolicy", role, |role| role.attached.retain(|arn| arn != policy_arn))
    }

    async fn tag_role(&self, role: &str, tags: &Tags) -> Answer<()> {
        self.change_role("iam:TagRole", role, |role| role.tags.extend(tags.clone()))
    }

    async fn delete_role(&self, role: &str) -> Answer<()> {
        const OPERATION: &str = "iam:DeleteRole";
        self.call(OPERATION, |inner| match inner.world.roles.get(role) {
            Some(found) if !found.policies.is_empty() || !found.attached.is_empty() => {
                Err(refused(ErrorKind::InUse, OPERATION))
            }
            _ => {
                inner.world.roles.remove(role);
                Ok(())
            }
        })
    }

    async fn roles_below(&self, path: &str) -> Answer<Vec<String>> {
        let below = format!(":role{path}");
        self.call("iam:ListRoles", |inner| {
            Ok(inner
                .world
                .roles
                .values()
                .filter(|role| role.arn.contains(&below))
                .map(|role| role.name.clone())
                .collect())
        })
    }
}

impl FakeAws {
    fn change_role(&self, operation: &'static str, name: &str, change: impl FnOnce(&mut Role)) -> Answer<()> {
        self.call(operation, |inner| {
            let role =
                inner.world.roles.get_mut(name).ok_or_else(|| refused(ErrorKind::NotFound, operation))?;
            change(role);
            Ok(())
        })
    }
}
