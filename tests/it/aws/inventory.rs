//! What is in an account, by boto3: another view than that of the program under test.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sparkify_testkit::MotoAccount;

/// Everything of the kinds that a deployment has, with ids replaced by names, so that two accounts can be
/// compared.
pub(crate) fn of(account: &MotoAccount) -> Value {
    let groups = account.call("ec2", "describe_security_groups", &json!({}))["SecurityGroups"].take();
    let groups: Vec<_> =
        groups.as_array().unwrap().iter().filter(|group| group["GroupName"] != "default").cloned().collect();
    let names: BTreeMap<String, String> =
        groups.iter().map(|group| (text(&group["GroupId"]), text(&group["GroupName"]))).collect();
    let inventory = json!({
        "roles": roles(account),
        "security_groups": groups.iter().map(security_group).collect::<Vec<_>>(),
        "clusters": list(account, "redshift", "describe_clusters", "Clusters", cluster),
        "subnet_groups": list(account, "redshift", "describe_cluster_subnet_groups", "ClusterSubnetGroups", |group| {
            pick(group, &["ClusterSubnetGroupName", "Tags"])
        }),
        "parameter_groups": parameter_groups(account),
        "snapshots": list(account, "redshift", "describe_cluster_snapshots", "Snapshots", |snapshot| {
            pick(snapshot, &["SnapshotIdentifier", "SnapshotType"])
        }).into_iter().filter(|snapshot| snapshot["SnapshotType"] == "manual").collect::<Vec<_>>(),
        "namespaces": list(account, "redshift-serverless", "list_namespaces", "namespaces", |namespace| {
            pick(namespace, &["namespaceName", "dbName", "adminUsername", "iamRoles", "defaultIamRoleArn", "status"])
        }),
        "workgroups": list(account, "redshift-serverless", "list_workgroups", "workgroups", |workgroup| {
            pick(workgroup, &["workgroupName", "namespaceName", "baseCapacity", "maxCapacity", "publiclyAccessible",
                              "securityGroupIds", "port", "status"])
        }),
        "usage_limits": list(account, "redshift-serverless", "list_usage_limits", "usageLimits", |limit| {
            pick(limit, &["usageType", "amount", "period", "breachAction"])
        }),
        "secrets": list(account, "secretsmanager", "list_secrets", "SecretList", |secret| secret["Name"].clone()),
    });
    let mut settled = inventory.to_string().replace(account.id(), "ACCOUNT");
    for (id, name) in names {
        settled = settled.replace(&id, &name);
    }
    serde_json::from_str(&settled).unwrap()
}

/// The same without what is empty, for messages and comparisons with nothing.
pub(crate) fn is_empty(inventory: &Value) -> bool {
    inventory.as_object().unwrap().values().all(|kind| kind.as_array().unwrap().is_empty())
}

fn list(
    account: &MotoAccount,
    service: &str,
    operation: &str,
    key: &str,
    each: impl Fn(&Value) -> Value,
) -> Vec<Value> {
    account.call(service, operation, &json!({}))[key].as_array().unwrap().iter().map(each).collect()
}

fn pick(value: &Value, names: &[&str]) -> Value {
    let mut picked = serde_json::Map::new();
    for name in names {
        let mut found = value[name].clone();
        // The order of tags means nothing.
        if let (true, Some(tags)) = (name.ends_with("ags"), found.as_array_mut()) {
            tags.sort_by_key(ToString::to_string);
        }
        picked.insert((*name).to_owned(), found);
    }
    picked.into()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn roles(account: &MotoAccount) -> Vec<Value> {
    let roles = account.call("iam", "list_roles", &json!({}))["Roles"].take();
    let roles = roles.as_array().unwrap();
    roles
        .iter()
        .map(|role| {
            let name = json!({ "RoleName": role["RoleName"] });
            let policies = account.call("iam", "list_role_policies", &name)["PolicyNames"].take();
            let policies: Vec<_> = policies
                .as_array()
                .unwrap()
                .iter()
                .map(|policy| {
                    let which = json!({ "RoleName": role["RoleName"], "PolicyName": policy });
                    pick(&account.call("iam", "get_role_policy", &which), &["PolicyName", "PolicyDocument"])
                })
                .collect();
            let attached =
                account.call("iam", "list_attached_role_policies", &name)["AttachedPolicies"].take();
            let tags = account.call("iam", "list_role_tags", &name);
            let mut role = pick(role, &["RoleName", "Path", "AssumeRolePolicyDocument"]);
            role["policies"] = policies.into();
            role["attached"] = attached;
            role["Tags"] = pick(&tags, &["Tags"])["Tags"].take();
            role
        })
        .collect()
}

fn security_group(group: &Value) -> Value {
    let mut picked = pick(group, &["GroupName", "Tags"]);
    let rules = group["IpPermissions"].as_array().unwrap().iter();
    let rules = rules.map(|rule| {
        let sources = rule["IpRanges"].as_array().unwrap().iter().map(|range| text(&range["CidrIp"]));
        let ports = (&rule["FromPort"], &rule["ToPort"]);
        format!(
            "{} {}-{} {}",
            text(&rule["IpProtocol"]),
            ports.0,
            ports.1,
            sources.collect::<Vec<_>>().join(",")
        )
    });
    picked["ingress"] = rules.collect::<Vec<_>>().into();
    picked
}

fn cluster(cluster: &Value) -> Value {
    let mut picked = pick(
        cluster,
        &[
            "ClusterIdentifier",
            "NodeType",
            "NumberOfNodes",
            "ClusterStatus",
            "MasterUsername",
            "DBName",
            "VpcSecurityGroups",
            "ClusterSubnetGroupName",
            "PubliclyAccessible",
            "Encrypted",
            "IamRoles",
            "DefaultIamRoleArn",
            "AutomatedSnapshotRetentionPeriod",
            "Tags",
        ],
    );
    picked["has_managed_password"] = cluster["MasterPasswordSecretArn"].is_string().into();
    picked
}

fn parameter_groups(account: &MotoAccount) -> Vec<Value> {
    let groups = list(account, "redshift", "describe_cluster_parameter_groups", "ParameterGroups", |group| {
        pick(group, &["ParameterGroupName", "ParameterGroupFamily", "Tags"])
    });
    groups.into_iter().filter(|group| !text(&group["ParameterGroupName"]).starts_with("default.")).collect()
}
