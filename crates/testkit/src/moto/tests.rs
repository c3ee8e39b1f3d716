//! What the tests of the product lean on must itself be so.

use serde_json::json;

use super::*;

const CLUSTER: &str = "music";

fn create_cluster(account: &MotoAccount, more: &Value) -> Result<Value, String> {
    let mut parameters = json!({
        "ClusterIdentifier": CLUSTER, "NodeType": "ra3.large", "ClusterType": "single-node",
        "MasterUsername": "admin", "ManageMasterPassword": true,
    });
    let more = more.as_object().unwrap().clone();
    parameters.as_object_mut().unwrap().extend(more);
    account.try_call("redshift", "create_cluster", &parameters)
}

fn named(name: &str) -> Value {
    json!({ name: CLUSTER })
}

/// The states that it shows, until it is gone or shows the last one twice.
fn states(account: &MotoAccount) -> Vec<String> {
    let mut states = Vec::<String>::new();
    loop {
        match account.try_call("redshift", "describe_clusters", &named("ClusterIdentifier")) {
            Err(code) => {
                states.push(code);
                return states;
            }
            Ok(answer) => {
                let state = answer["Clusters"][0]["ClusterStatus"].as_str().unwrap().to_owned();
                if states.last() == Some(&state) && !state.ends_with("ing") {
                    return states;
                }
                states.push(state);
            }
        }
    }
}

#[test]
fn a_cluster_has_a_life_cycle_and_a_managed_password() {
    let account = MotoServer::shared().account();
    account.set(&json!({ "creating": 2 }));
    let group = account.call("ec2", "create_security_group", &json!({"GroupName": "g", "Description": "d"}));
    let group = group["GroupId"].as_str().unwrap();
    create_cluster(&account, &json!({ "VpcSecurityGroupIds": [group] })).unwrap();
    assert_eq!(create_cluster(&account, &json!({})).unwrap_err(), "ClusterAlreadyExists");
    let busy = account.try_call("redshift", "pause_cluster", &named("ClusterIdentifier"));
    assert_eq!(busy.unwrap_err(), "InvalidClusterState");
    assert_eq!(states(&account), ["creating", "creating", "available"]);

    let shown = account.call("redshift", "describe_clusters", &json!({}))["Clusters"][0].clone();
    let secret = json!({ "SecretId": shown["MasterPasswordSecretArn"] });
    let secret = account.call("secretsmanager", "get_secret_value", &secret);
    assert!(secret["SecretString"].as_str().unwrap().contains("MANAGED-"));
    assert!(shown["Encrypted"].as_bool().unwrap() && shown["VpcId"].is_string());

    account.call("redshift", "pause_cluster", &named("ClusterIdentifier"));
    assert_eq!(states(&account), ["pausing", "paused"]);
    account.call("redshift", "resume_cluster", &named("ClusterIdentifier"));
    assert_eq!(states(&account), ["resuming", "available"]);

    let delete_group = || account.try_call("ec2", "delete_security_group", &json!({ "GroupId": group }));
    assert_eq!(delete_group().unwrap_err(), "DependencyViolation");
    let undecided = account.try_call("redshift", "delete_cluster", &named("ClusterIdentifier"));
    assert_eq!(undecided.unwrap_err(), "InvalidParameterCombination");
    let last = json!({ "ClusterIdentifier": CLUSTER, "FinalClusterSnapshotIdentifier": "last" });
    account.call("redshift", "delete_cluster", &last);
    assert_eq!(states(&account), ["final-snapshot", "ClusterNotFound"]);
    assert_eq!(delete_group().unwrap_err(), "DependencyViolation", "its interface is not released yet");
    assert!(delete_group().is_ok());
    let snapshots = account.call("redshift", "describe_cluster_snapshots", &json!({}));
    assert_eq!(snapshots["Snapshots"][0]["SnapshotIdentifier"], "last");
    assert_eq!(account.call("secretsmanager", "list_secrets", &json!({}))["SecretList"], json!([]));
}

#[test]
fn a_role_is_in_sync_some_time_after_the_cluster_is_available() {
    let account = MotoServer::shared().account();
    create_cluster(&account, &json!({ "IamRoles": ["arn:aws:iam::1:role/r"] })).unwrap();
    let look = || {
        let shown = account.call("redshift", "describe_clusters", &json!({}))["Clusters"][0].clone();
        (shown["ClusterStatus"].clone(), shown["IamRoles"][0]["ApplyStatus"].clone())
    };
    assert_eq!(look(), (json!("creating"), json!("adding")));
    assert_eq!(look(), (json!("available"), json!("adding")));
    assert_eq!(look(), (json!("available"), json!("in-sync")));
}

#[test]
fn what_aws_refuses_is_refused() {
    let account = MotoServer::shared().account();
    for (more, code) in [
        (json!({ "NodeType": "dc2.large" }), "InvalidParameterValue"),
        (json!({ "Port": 15439 }), "InvalidParameterValue"),
        (json!({ "Encrypted": false }), "InvalidParameterCombination"),
        (json!({ "ClusterType": "multi-node" }), "InvalidParameterCombination"),
        (json!({ "MasterUserPassword": "Passw0rd" }), "InvalidParameterCombination"),
        (json!({ "ClusterSubnetGroupName": "none" }), "ClusterSubnetGroupNotFoundFault"),
        (json!({ "VpcSecurityGroupIds": ["sg-1"] }), "InvalidParameterValue"),
    ] {
        assert_eq!(create_cluster(&account, &more).unwrap_err(), code, "{more}");
    }
}

#[test]
fn a_workgroup_has_a_life_cycle_and_hangs_on_its_namespace() {
    const SERVICE: &str = "redshift-serverless";
    let account = MotoServer::shared().account();
    let namespace = json!({ "namespaceName": CLUSTER, "manageAdminPassword": true });
    account.call(SERVICE, "create_namespace", &namespace);
    let workgroup = |capacity: u32| json!({ "workgroupName": CLUSTER, "namespaceName": CLUSTER, "baseCapacity": capacity });
    assert_eq!(
        account.try_call(SERVICE, "create_workgroup", &workgroup(5)).unwrap_err(),
        "ValidationException"
    );
    account.call(SERVICE, "create_workgroup", &workgroup(4));
    let look = || account.try_call(SERVICE, "get_workgroup", &named("workgroupName"));
    let state = || look().unwrap()["workgroup"]["status"].clone();
    assert_eq!((state(), state()), (json!("CREATING"), json!("AVAILABLE")));
    let delete = || account.try_call(SERVICE, "delete_namespace", &named("namespaceName"));
    assert_eq!(delete().unwrap_err(), "ConflictException");
    account.call(SERVICE, "delete_workgroup", &named("workgroupName"));
    assert_eq!(state(), "DELETING");
    assert_eq!(look().unwrap_err(), "ResourceNotFoundException");
    delete().unwrap();
    let list =
        || account.call(SERVICE, "list_namespaces", &json!({}))["namespaces"].as_array().unwrap().len();
    assert_eq!((list(), list()), (1, 0));
}

#[test]
fn accounts_are_worlds_of_their_own() {
    let (one, other) = (MotoServer::shared().account(), MotoServer::shared().account());
    create_cluster(&one, &json!({})).unwrap();
    assert_eq!(other.call("redshift", "describe_clusters", &json!({}))["Clusters"], json!([]));
    let identity = one.call("sts", "get_caller_identity", &json!({}));
    assert_eq!(identity["Account"], one.id());
}

#[test]
fn parameters_of_the_present_family_require_tls_unless_somebody_says_otherwise() {
    let account = MotoServer::shared().account();
    let require_ssl = |group: &str| {
        let parameters = json!({ "ParameterGroupName": group });
        let shown = account.call("redshift", "describe_cluster_parameters", &parameters);
        let all = shown["Parameters"].as_array().unwrap();
        let found = all.iter().find(|found| found["ParameterName"] == "require_ssl").unwrap();
        found["ParameterValue"].clone()
    };
    create_cluster(&account, &json!({})).unwrap();
    assert_eq!(require_ssl("default.redshift-2.0"), "true");
    for (name, family) in [("old", "redshift-1.0"), ("new", "redshift-2.0")] {
        let group = json!({ "ParameterGroupName": name, "ParameterGroupFamily": family, "Description": "d" });
        account.call("redshift", "create_cluster_parameter_group", &group);
    }
    assert_eq!((require_ssl("old"), require_ssl("new")), (json!("false"), json!("true")));
    let off = json!([{ "ParameterName": "require_ssl", "ParameterValue": "false" }]);
    let change = json!({ "ParameterGroupName": "new", "Parameters": off });
    account.call("redshift", "modify_cluster_parameter_group", &change);
    assert_eq!(require_ssl("new"), "false");
}

#[test]
fn snapshots_of_a_namespace_stay_when_it_is_gone_and_are_not_told_by_its_name() {
    let account = MotoServer::shared().account();
    let of = |operation: &str, more: Value| account.try_call("redshift-serverless", operation, &more);
    of("create_namespace", json!({ "namespaceName": CLUSTER, "manageAdminPassword": true })).unwrap();
    while of("get_namespace", json!({ "namespaceName": CLUSTER })).unwrap()["namespace"]["status"]
        != "AVAILABLE"
    {}
    let last = json!({ "namespaceName": CLUSTER, "finalSnapshotName": "last" });
    of("delete_namespace", last).unwrap();
    while of("get_namespace", json!({ "namespaceName": CLUSTER })).is_ok() {}
    let gone = of("list_snapshots", json!({ "namespaceName": CLUSTER })).unwrap_err();
    assert_eq!(gone, "ResourceNotFoundException");
    let all = of("list_snapshots", json!({})).unwrap();
    assert_eq!(all["snapshots"][0]["snapshotName"], "last");
}
