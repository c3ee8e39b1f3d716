//! IAM.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_iam::{Client, types::Tag};
use percent_encoding::percent_decode_str;

use super::wire::Wire;
use crate::services::{Answer, ErrorKind, NewRole, Role, Roles, ServiceError, Tags};

#[derive(Debug)]
pub(super) struct IamRoles {
    client: Client,
    wire: Wire,
}

impl IamRoles {
    pub(super) fn new(config: &SdkConfig, wire: Wire) -> Self {
        Self { client: Client::new(config), wire }
    }

    async fn policies(&self, role: &str) -> Answer<BTreeMap<String, String>> {
        let mut pages = self.client.list_role_policies().role_name(role).into_paginator().send();
        let mut policies = BTreeMap::new();
        while let Some(page) = pages.next().await {
            let Some(page) = self.wire.found("iam:ListRolePolicies", page)? else { break };
            for name in page.policy_names {
                let result = self.client.get_role_policy().role_name(role).policy_name(&name).send().await;
                if let Some(found) = self.wire.found("iam:GetRolePolicy", result)? {
                    policies.insert(name, decoded(&found.policy_document));
                }
            }
        }
        Ok(policies)
    }

    async fn attached(&self, role: &str) -> Answer<Vec<String>> {
        let mut pages = self.client.list_attached_role_policies().role_name(role).into_paginator().send();
        let mut attached = Vec::new();
        while let Some(page) = pages.next().await {
            let Some(page) = self.wire.found("iam:ListAttachedRolePolicies", page)? else { break };
            attached
                .extend(page.attached_policies.unwrap_or_default().into_iter().filter_map(|p| p.policy_arn));
        }
        Ok(attached)
    }
}

/// IAM hands documents out percent-encoded.
fn decoded(document: &str) -> String {
    percent_decode_str(document).decode_utf8_lossy().into_owned()
}

fn tags_of(tags: &Tags) -> Answer<Vec<Tag>> {
    let tag = |(key, value): (&String, &String)| Tag::builder().key(key).value(value).build();
    tags.iter()
        .map(tag)
        .collect::<Result<_, _>>()
        .map_err(|error| ServiceError::new(ErrorKind::Invalid, "iam:TagRole", error.to_string()))
}

#[async_trait]
impl Roles for IamRoles {
    async fn role(&self, name: &str) -> Answer<Option<Role>> {
        let result = self.client.get_role().role_name(name).send().await;
        let found = self.wire.found("iam:GetRole", result)?.and_then(|found| found.role);
        let Some(role) = found else { return Ok(None) };
        let (policies, attached) = tokio::try_join!(self.policies(name), self.attached(name))?;
        Ok(Some(Role {
            name: role.role_name,
            arn: role.arn,
            trust: decoded(role.assume_role_policy_document.as_deref().unwrap_or_default()),
            policies,
            attached,
            tags: role.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect(),
        }))
    }

    async fn create_role(&self, role: &NewRole) -> Answer<String> {
        let request = self
            .client
            .create_role()
            .role_name(&role.name)
            .path(&role.path)
            .description(&role.description)
            .assume_role_policy_document(&role.trust)
            .set_tags(Some(tags_of(&role.tags)?));
        let made = self.wire.answer("iam:CreateRole", request.send().await)?;
        Ok(made.role.map(|role| role.arn).unwrap_or_default())
    }

    async fn set_trust(&self, role: &str, trust: &str) -> Answer<()> {
        let request = self.client.update_assume_role_policy().role_name(role).policy_document(trust);
        self.wire.answer("iam:UpdateAssumeRolePolicy", request.send().await).map(|_| ())
    }

    async fn put_policy(&self, role: &str, policy: &str, document: &str) -> Answer<()> {
        let request =
            self.client.put_role_policy().role_name(role).policy_name(policy).policy_document(document);
        self.wire.answer("iam:PutRolePolicy", request.send().await).map(|_| ())
    }

    async fn delete_policy(&self, role: &str, policy: &str) -> Answer<()> {
        let result = self.client.delete_role_policy().role_name(role).policy_name(policy).send().await;
        self.wire.gone("iam:DeleteRolePolicy", result)
    }

    async fn detach_policy(&self, role: &str, policy_arn: &str) -> Answer<()> {
        let result = self.client.detach_role_policy().role_name(role).policy_arn(policy_arn).send().await;
        self.wire.gone("iam:DetachRolePolicy", result)
    }

    async fn tag_role(&self, role: &str, tags: &Tags) -> Answer<()> {
        let request = self.client.tag_role().role_name(role).set_tags(Some(tags_of(tags)?));
        self.wire.answer("iam:TagRole", request.send().await).map(|_| ())
    }

    async fn delete_role(&self, role: &str) -> Answer<()> {
        let result = self.client.delete_role().role_name(role).send().await;
        self.wire.gone("iam:DeleteRole", result)
    }

    async fn roles_below(&self, path: &str) -> Answer<Vec<String>> {
        let mut pages = self.client.list_roles().path_prefix(path).into_paginator().send();
        let mut names = Vec::new();
        while let Some(page) = pages.next().await {
            let page = self.wire.answer("iam:ListRoles", page)?;
            names.extend(page.roles.into_iter().map(|role| role.role_name));
        }
        Ok(names)
    }
}
