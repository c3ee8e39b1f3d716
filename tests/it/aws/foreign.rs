//! What is not ours is not touched.

use serde_json::{Value, json};

use super::{Aws, NAME, ROLE};

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[]}"#;

fn make_foreign(aws: &Aws, kind: &str) {
    let vpcs = aws.account.call("ec2", "describe_vpcs", &json!({}));
    let (service, operation, parameters): (_, _, Value) = match kind {
        "role" => (
            "iam",
            "create_role",
            json!({ "RoleName": ROLE, "AssumeRolePolicyDocument": TRUST, "Path": "/sparkify/" }),
        ),
        "security group" => (
            "ec2",
            "create_security_group",
            json!({ "GroupName": NAME, "Description": "somebody's", "VpcId": vpcs["Vpcs"][0]["VpcId"] }),
        ),
        "subnet group" => {
            let subnets = aws.account.call("ec2", "describe_subnets", &json!({}));
            (
                "redshift",
                "create_cluster_subnet_group",
                json!({
                    "ClusterSubnetGroupName": NAME, "Description": "somebody's",
                    "SubnetIds": [subnets["Subnets"][0]["SubnetId"]],
                }),
            )
        }
        "parameter group" => (
            "redshift",
            "create_cluster_parameter_group",
            json!({
                "ParameterGroupName": NAME, "ParameterGroupFamily": "redshift-2.0", "Description": "somebody's",
            }),
        ),
        "namespace" | "workgroup" => {
            let password = "Somebodys0wn";
            let namespace = json!({
                "namespaceName": NAME, "dbName": "theirs", "adminUsername": "somebody",
                "adminUserPassword": password,
                "tags": [{ "key": "sparkify:deployment", "value": "another" }],
            });
            if kind == "namespace" {
                ("redshift-serverless", "create_namespace", namespace)
            } else {
                let mut other = namespace;
                other["namespaceName"] = "theirs".into();
                aws.account.call("redshift-serverless", "create_namespace", &other);
                for _ in 0..3 {
                    let _ = aws.inventory();
                }
                (
                    "redshift-serverless",
                    "create_workgroup",
                    json!({ "workgroupName": NAME, "namespaceName": "theirs", "baseCapacity": 8 }),
                )
            }
        }
        _ => (
            "redshift",
            "create_cluster",
            json!({
                "ClusterIdentifier": NAME, "NodeType": "ra3.xlplus", "ClusterType": "single-node",
                "MasterUsername": "somebody", "ManageMasterPassword": true,
                "Tags": [{ "Key": "sparkify:deployment", "Value": "another" }],
            }),
        ),
    };
    aws.account.call(service, operation, &parameters);
    // A cluster is looked at until it is there.
    for _ in 0..3 {
        let _ = aws.inventory();
    }
}

#[test]
fn a_resource_with_our_name_and_without_our_tag_is_not_touched() {
    for kind in
        ["role", "security group", "cluster", "subnet group", "parameter group", "namespace", "workgroup"]
    {
        let aws = Aws::new();
        let subnets = aws.account.call("ec2", "describe_subnets", &json!({}));
        let wanted = match kind {
            "namespace" | "workgroup" => "kind = \"serverless\"\n".to_owned(),
            "subnet group" => format!("subnet_ids = [{}]\n", subnets["Subnets"][0]["SubnetId"]),
            "parameter group" => "parameters = { statement_timeout = \"60000\" }\n".to_owned(),
            _ => String::new(),
        };
        aws.configure(&format!("{}{wanted}", super::WANTED));
        make_foreign(&aws, kind);
        let before = aws.inventory();
        let (plan, has_changes) = aws.plan();
        assert!(has_changes && plan.to_string().contains("conflict"), "{kind}: {plan}");
        let refused = aws.provision().with_code(1);
        let message = &refused.json()["error"]["message"];
        assert!(message.as_str().unwrap().contains(kind), "{message}");
        assert_eq!(aws.inventory(), before, "{kind}");
        let report = aws.teardown().success().json();
        assert_eq!(report["report"]["deleted"], json!([]), "{kind}: {report}");
        assert_eq!(aws.inventory(), before, "{kind}");
        let refused = aws.run(&["pause"]);
        assert_ne!(refused.code, 0, "{kind}");
        assert_eq!(aws.inventory(), before, "{kind}");
    }
}

#[test]
fn two_deployments_live_side_by_side() {
    let aws = Aws::new();
    let _ = aws.provision().success();
    let first = aws.inventory();
    let _ = aws.run(&["provision", "--yes", "--deployment", "other"]).success();
    assert_eq!(aws.inventory()["clusters"].as_array().unwrap().len(), 2);
    let _ = aws.run(&["teardown", "--yes", "--skip-final-snapshot", "--deployment", "other"]).success();
    assert_eq!(aws.inventory(), first);
}
