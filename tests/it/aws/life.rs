//! The whole life of a deployment.

use serde_json::json;

use super::{Aws, NAME, ROLE, actions, inventory};

#[test]
fn a_cluster_is_planned_made_repaired_and_taken_away() {
    let aws = Aws::new();
    let (plan, has_changes) = aws.plan();
    assert!(has_changes);
    assert_eq!(actions(&plan), [("role", "create"), ("security_group", "create"), ("cluster", "create")]);
    assert!(plan["cost"]["usd_per_hour"].as_f64().is_some_and(|price| price > 0.0), "{plan}");
    assert!(inventory::is_empty(&aws.inventory()), "a plan changes nothing");

    let made = aws.provision().success().json();
    assert_eq!(made["applied"]["changed"], 3, "{made}");
    assert_eq!(made["applied"]["outputs"]["endpoint"]["host"], "127.0.0.1");
    assert_eq!(made["applied"]["outputs"]["state"], "available");
    let there = aws.inventory();
    let cluster = &there["clusters"][0];
    assert_eq!(cluster["ClusterIdentifier"], NAME);
    assert_eq!(cluster["IamRoles"][0]["ApplyStatus"], "in-sync");
    assert_eq!(cluster["VpcSecurityGroups"][0]["VpcSecurityGroupId"], NAME);
    for (attribute, value) in [
        ("NodeType", json!("ra3.large")),
        ("NumberOfNodes", json!(1)),
        ("Encrypted", json!(true)),
        ("PubliclyAccessible", json!(false)),
        ("has_managed_password", json!(true)),
        ("Tags", json!([{"Key": "sparkify:deployment", "Value": "music"}])),
    ] {
        assert_eq!(cluster[attribute], value, "{attribute}");
    }
    assert_eq!(there["security_groups"][0]["ingress"], json!(["tcp 5439-5439 203.0.113.7/32"]));

    let (plan, has_changes) = aws.plan();
    assert!(!has_changes, "{plan}");
    assert!(actions(&plan).iter().all(|(_, action)| *action == "keep"), "{plan}");
    let again = aws.provision().success().json();
    assert_eq!(again["applied"]["changed"], 0);
    assert_eq!(aws.inventory(), there);

    drift_is_shown_and_repaired(&aws);
    assert_eq!(aws.inventory(), there);

    let removal = aws.run(&["teardown", "--plan", "--format", "json"]).success().json();
    assert_eq!(removal["has_changes"], true);
    assert_eq!(removal["snapshot"], "undecided");
    assert_eq!(aws.inventory(), there, "a plan changes nothing");
    let report = aws.teardown().success().json();
    assert_eq!(report["clean"], true, "{report}");
    assert!(inventory::is_empty(&aws.inventory()), "{}", aws.inventory());
    let nothing = aws.teardown().success().json();
    assert_eq!(nothing["report"]["deleted"], json!([]));
    assert_eq!(nothing["clean"], true);
    let status = aws.run(&["status", "--format", "json"]).success().json();
    assert_eq!(status["state"], "absent");
}

/// Somebody opens the cluster to the world and gives its role more than it needs.
fn drift_is_shown_and_repaired(aws: &Aws) {
    let groups = aws.account.call("ec2", "describe_security_groups", &json!({}));
    let group =
        groups["SecurityGroups"].as_array().unwrap().iter().find(|group| group["GroupName"] == NAME).unwrap();
    let rule = json!({ "IpProtocol": "tcp", "FromPort": 5439, "ToPort": 5439, "IpRanges": [{ "CidrIp": "0.0.0.0/0" }] });
    let parameters = json!({ "GroupId": group["GroupId"], "IpPermissions": [rule] });
    aws.account.call("ec2", "authorize_security_group_ingress", &parameters);
    let everything = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "*", "Resource": "*" }] });
    let parameters =
        json!({ "RoleName": ROLE, "PolicyName": "more", "PolicyDocument": everything.to_string() });
    aws.account.call("iam", "put_role_policy", &parameters);

    let status = aws.run(&["status", "--format", "json"]).success().json();
    let drifted: Vec<_> = status["drift"].as_array().unwrap().iter().map(|step| &step["resource"]).collect();
    assert_eq!(drifted, ["role", "security_group"], "{status}");
    let shown = aws.run(&["provision", "--plan"]).success().stdout;
    assert!(shown.contains("0.0.0.0/0") && shown.contains("more"), "{shown}");
    let (plan, has_changes) = aws.plan();
    assert!(has_changes);
    assert_eq!(actions(&plan), [("role", "change"), ("security_group", "change"), ("cluster", "keep")]);
    assert_eq!(aws.provision().success().json()["applied"]["changed"], 2);
    assert!(!aws.plan().1);
}

#[test]
fn serverless_is_planned_made_and_taken_away() {
    let aws = Aws::with(
        "[deployment]\nname = \"music\"\nkind = \"serverless\"\nallow_cidr = [\"203.0.113.7/32\"]\nbase_capacity = 8\n",
    );
    let (plan, _) = aws.plan();
    let made: Vec<_> = actions(&plan).into_iter().map(|(resource, _)| resource).collect();
    assert_eq!(made, ["role", "security_group", "namespace", "workgroup", "usage_limit"]);
    let made = aws.provision().success().json();
    assert_eq!(made["applied"]["changed"], 5, "{made}");
    let there = aws.inventory();
    assert_eq!(there["workgroups"][0]["baseCapacity"], 8);
    assert_eq!(there["workgroups"][0]["status"], "AVAILABLE");
    assert_eq!(there["usage_limits"][0]["amount"], 100);
    let (plan, has_changes) = aws.plan();
    assert!(!has_changes, "{plan}");
    aws.configure(
        "[deployment]\nname = \"music\"\nkind = \"serverless\"\nallow_cidr = [\"203.0.113.7/32\"]\nbase_capacity = 16\n",
    );
    assert_eq!(aws.provision().success().json()["applied"]["changed"], 1);
    assert_eq!(aws.inventory()["workgroups"][0]["baseCapacity"], 16);
    assert_eq!(aws.teardown().success().json()["clean"], true);
    assert!(inventory::is_empty(&aws.inventory()), "{}", aws.inventory());
}

#[test]
fn a_paused_cluster_is_resumed() {
    let aws = Aws::new();
    let _ = aws.run(&["pause"]).with_code(1);
    let _ = aws.provision().success();
    let paused = aws.run(&["pause", "--format", "json"]).success().json();
    assert_eq!(paused["state"], "paused");
    let status = aws.run(&["status"]).success().stdout;
    assert!(status.contains("paused"), "{status}");
    let _ = aws.run(&["pause"]).success();
    let resumed = aws.run(&["resume", "--format", "json"]).success().json();
    assert_eq!(resumed["state"], "available");
    assert!(!aws.plan().1);
}

#[test]
fn a_final_snapshot_is_kept_and_named_as_what_goes_on_costing() {
    let aws = Aws::new();
    let _ = aws.provision().success();
    let finished = aws.run(&["teardown", "--yes", "--final-snapshot", "--format", "json"]).success();
    let document = finished.json();
    let kept = aws.inventory()["snapshots"].clone();
    assert_eq!(kept.as_array().unwrap().len(), 1, "{kept}");
    let name = kept[0]["SnapshotIdentifier"].as_str().unwrap();
    assert!(document["report"]["costing"].to_string().contains(name), "{document}");
    assert_eq!(document["clean"], true);
    // Whoever asks again still hears of it.
    let shown = aws.run(&["teardown", "--plan"]).success().stdout;
    assert!(shown.contains(name), "{shown}");
}

#[test]
fn what_is_configured_gets_its_own_groups() {
    let aws = Aws::new();
    let subnets = aws.account.call("ec2", "describe_subnets", &json!({}));
    let subnet = subnets["Subnets"][0]["SubnetId"].as_str().unwrap();
    aws.configure(&format!(
        "{}subnet_ids = [\"{subnet}\"]\nparameters = {{ statement_timeout = \"60000\" }}\ntags = {{ team = \"data\" }}\n",
        super::WANTED
    ));
    let made = aws.provision().success().json();
    assert_eq!(made["applied"]["changed"], 5, "{made}");
    let there = aws.inventory();
    assert_eq!(there["clusters"][0]["ClusterSubnetGroupName"], NAME);
    assert_eq!(there["parameter_groups"][0]["ParameterGroupName"], NAME);
    assert!(there["clusters"][0]["Tags"].to_string().contains("team"), "{there}");
    let (plan, has_changes) = aws.plan();
    assert!(!has_changes, "{plan}");
    assert_eq!(aws.teardown().success().json()["clean"], true);
    assert!(inventory::is_empty(&aws.inventory()), "{}", aws.inventory());
}

#[test]
fn the_output_for_people_says_what_is_there() {
    let aws = Aws::new();
    let made = aws.run(&["provision", "--yes"]).success();
    for expected in [
        "create    cluster",
        "as an estimate",
        "redshift://music",
        "127.0.0.1:5439",
        "database    sparkify\n",
    ] {
        assert!(made.stdout.contains(expected), "{expected}\n{}", made.stdout);
    }
    for expected in ["create role", "create cluster", "done in", "ready after", "cannot be used from here"] {
        assert!(made.stderr.contains(expected), "{expected}\n{}", made.stderr);
    }
    let status = aws.run(&["status"]).success().stdout;
    for expected in ["ready", "ra3.large", "127.0.0.1:5439", "an hour"] {
        assert!(status.contains(expected), "{expected}\n{status}");
    }
    let csv = aws.run(&["provision", "--plan", "--format", "csv"]).success().stdout;
    assert!(csv.starts_with("action,resource,name,attribute"), "{csv}");
    let gone = aws.run(&["teardown", "--yes", "--skip-final-snapshot"]).success();
    for expected in ["final snapshot: none", "deleted  cluster", "nothing is left"] {
        assert!(gone.stdout.contains(expected), "{expected}\n{}", gone.stdout);
    }
}
