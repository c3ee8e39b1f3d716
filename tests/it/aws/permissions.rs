//! The documented permissions are enough, and fewer are not.

use serde_json::{Value, json};

use std::collections::{BTreeMap, BTreeSet};

use super::{Aws, NAME, ROLE, inventory, needed};

#[path = "../../../crates/infra/src/policy_evaluator.rs"]
mod evaluator;

/// The policy of the documents, for a caller in that account. moto knows the resource of few calls, and the
/// conditions of fewer, so apart from the role that is passed it is the actions that are tried.
fn documented(aws: &Aws) -> Value {
    let mut policy = unmodified(aws);
    for statement in policy["Statement"].as_array_mut().unwrap() {
        statement.as_object_mut().unwrap().remove("Condition");
        if statement["Sid"] != "PassRole" {
            statement["Resource"] = json!("*");
        }
    }
    policy
}

/// The same with everything that it says.
fn unmodified(aws: &Aws) -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/aws-permissions.json");
    let text = std::fs::read_to_string(path).unwrap();
    let text = text
        .replace("ACCOUNT", aws.account.id())
        .replace("REGION", "us-west-2")
        .replace("STAGE_BUCKET", "our-stage");
    serde_json::from_str(&text).unwrap()
}

fn actions(policy: &Value) -> Vec<String> {
    let statements = policy["Statement"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    statements
        .flat_map(|statement| match &statement["Action"] {
            Value::Array(actions) => actions.iter().map(text).collect(),
            action => vec![text(action)],
        })
        .collect()
}

/// The policy without an action.
fn without(policy: &Value, action: &str) -> Value {
    let mut policy = policy.clone();
    for statement in policy["Statement"].as_array_mut().unwrap() {
        let left: Vec<Value> = match &statement["Action"] {
            Value::Array(actions) => actions.iter().filter(|found| *found != action).cloned().collect(),
            found if found == action => Vec::new(),
            found => vec![found.clone()],
        };
        // A statement has to have some action.
        statement["Action"] = if left.is_empty() { json!(["none:None"]) } else { left.into() };
    }
    policy
}

fn life(aws: &Aws, user: &(String, String)) {
    for arguments in [
        &["provision", "--plan"][..],
        &["provision", "--yes"],
        &["provision", "--yes"],
        &["status"],
        &["pause"],
        &["resume"],
        &["teardown", "--plan"],
        &["teardown", "--yes", "--final-snapshot"],
        &["teardown", "--yes"],
    ] {
        let _ = aws.run_as(user, arguments).success();
    }
}

#[test]
fn the_documented_permissions_are_enough_for_the_life_of_a_cluster() {
    let aws = Aws::new();
    let user = aws.account.user_with_policy(&documented(&aws));
    life(&aws, &user);
    let mut left = aws.inventory();
    left["snapshots"] = json!([]);
    assert!(inventory::is_empty(&left), "{left}");
}

#[test]
fn the_documented_permissions_are_enough_for_the_life_of_serverless() {
    let aws = Aws::with(
        "[deployment]\nname = \"music\"\nkind = \"serverless\"\nallow_cidr = [\"203.0.113.7/32\"]\n",
    );
    let user = aws.account.user_with_policy(&documented(&aws));
    for arguments in [
        &["provision", "--yes"][..],
        &["provision", "--yes"],
        &["status"],
        &["teardown", "--yes", "--skip-final-snapshot"],
    ] {
        let _ = aws.run_as(&user, arguments).success();
    }
    assert!(inventory::is_empty(&aws.inventory()), "{}", aws.inventory());
}

#[test]
fn a_missing_permission_is_named() {
    let needed = [
        "iam:CreateRole",
        "iam:PutRolePolicy",
        "iam:PassRole",
        "ec2:CreateSecurityGroup",
        "ec2:AuthorizeSecurityGroupIngress",
        "ec2:DescribeSecurityGroups",
        "redshift:CreateCluster",
        "redshift:DescribeClusters",
    ];
    for action in needed {
        let aws = Aws::new();
        let policy = documented(&aws);
        assert!(actions(&policy).iter().any(|found| found == action), "{action} is not documented");
        let user = aws.account.user_with_policy(&without(&policy, action));
        let refused = aws.run_as(&user, &["provision", "--yes"]).with_code(1);
        assert!(refused.stderr.contains(&format!("the permission {action}")), "{action}: {}", refused.stderr);
    }
}

#[test]
fn a_permission_that_is_missing_later_is_named_too() {
    let cases: [(&[&str], i32, &str); 10] = [
        (&["pause"], 1, "redshift:PauseCluster"),
        (&["resume"], 1, "redshift:ResumeCluster"),
        (&["status"], 1, "redshift:DescribeClusters"),
        (&["teardown", "--yes", "--skip-final-snapshot"], 4, "redshift:DeleteCluster"),
        (&["teardown", "--yes", "--skip-final-snapshot"], 4, "ec2:DeleteSecurityGroup"),
        (&["teardown", "--yes", "--skip-final-snapshot"], 4, "iam:DeleteRolePolicy"),
        (&["teardown", "--yes", "--skip-final-snapshot"], 4, "iam:DeleteRole"),
        (&["teardown", "--yes", "--skip-final-snapshot"], 4, "redshift:DescribeTags"),
        (&["teardown", "--yes", "--skip-final-snapshot"], 4, "secretsmanager:ListSecrets"),
        (&["teardown", "--yes", "--skip-final-snapshot"], 4, "iam:ListRoles"),
    ];
    for (arguments, code, needed) in cases {
        let aws = Aws::new();
        let _ = aws.provision().success();
        if needed == "redshift:ResumeCluster" {
            let _ = aws.run(&["pause"]).success();
        }
        let policy = documented(&aws);
        assert!(actions(&policy).iter().any(|found| found == needed), "{needed} is not documented");
        let user = aws.account.user_with_policy(&without(&policy, needed));
        let refused = aws.run_as(&user, arguments).with_code(code);
        let said = format!("{}{}", refused.stdout, refused.stderr);
        assert!(said.contains(needed), "{needed}: {said}");
    }
}

/// Whom nobody sees ask: what Redshift does in the caller's name, and what only users of the library ask for.
const UNSEEN: [(&str, &str); 15] = [
    ("ec2:DescribeAccountAttributes", "Redshift asks for it in the caller's name when it makes a cluster"),
    ("ec2:DescribeAddresses", "the same"),
    ("ec2:DescribeAvailabilityZones", "the same"),
    ("ec2:DescribeInternetGateways", "the same"),
    ("iam:CreateServiceLinkedRole", "the same, with the first cluster of the account"),
    ("secretsmanager:CreateSecret", "Redshift manages the password in the caller's name"),
    ("secretsmanager:DeleteSecret", "the same"),
    ("secretsmanager:DescribeSecret", "the same"),
    ("secretsmanager:GetRandomPassword", "the same"),
    ("secretsmanager:RotateSecret", "the same"),
    ("secretsmanager:TagResource", "the same"),
    ("secretsmanager:UpdateSecret", "the same"),
    ("s3:DeleteObject", "loads ask for it where their stage is, and nothing is loaded here"),
    ("s3:PutObject", "the same"),
    ("redshift:GetClusterCredentialsWithIAM", "users of the library that log in as themselves"),
];

/// A life with everything that can be configured, that others can change, and that is changed back.
fn whole_life(aws: &Aws, serverless: bool) {
    let subnets = aws.account.call("ec2", "describe_subnets", &json!({}));
    let ids: Vec<_> =
        subnets["Subnets"].as_array().unwrap().iter().map(|one| one["SubnetId"].clone()).collect();
    let kind = if serverless { "kind = \"serverless\"\n" } else { "" };
    let bucket = format!("music-{}", aws.account.id());
    let place = json!({ "LocationConstraint": "us-west-2" });
    aws.account.call("s3", "create_bucket", &json!({ "Bucket": bucket, "CreateBucketConfiguration": place }));
    let configure = |subnets: usize, more: &str| {
        // Serverless goes into the default VPC.
        let subnets = Value::from(ids[..if serverless { 0 } else { subnets }].to_vec());
        aws.configure(&format!(
            "{}{kind}subnet_ids = {subnets}\nread = [\"s3://{bucket}/data/\"]\n\
             jsonpaths = \"s3://{bucket}/paths.json\"\nstaging = \"s3://{bucket}/staging/\"\n{more}",
            super::WANTED
        ));
    };
    // Serverless has no parameter groups.
    let parameters = |timeout: u32| match serverless {
        true => String::new(),
        false => format!("parameters = {{ statement_timeout = \"{timeout}\" }}\n"),
    };
    configure(1, &parameters(60_000));
    let _ = aws.run(&["provision", "--plan"]).success();
    let _ = aws.provision().success();

    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    aws.account.call(
        "iam",
        "update_assume_role_policy",
        &json!({ "RoleName": ROLE, "PolicyDocument": trust }),
    );
    let everything = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "*", "Resource": "*" }] });
    aws.account.call(
        "iam",
        "put_role_policy",
        &json!({ "RoleName": ROLE, "PolicyName": "more", "PolicyDocument": everything.to_string() }),
    );
    let policy = json!({ "PolicyName": "theirs", "PolicyDocument": everything.to_string() });
    let arn = aws.account.call("iam", "create_policy", &policy)["Policy"]["Arn"].clone();
    aws.account.call("iam", "attach_role_policy", &json!({ "RoleName": ROLE, "PolicyArn": arn }));
    let groups = aws.account.call("ec2", "describe_security_groups", &json!({}));
    let group =
        groups["SecurityGroups"].as_array().unwrap().iter().find(|one| one["GroupName"] == NAME).unwrap();
    let rule = json!({ "IpProtocol": "tcp", "FromPort": 5439, "ToPort": 5439, "IpRanges": [{ "CidrIp": "0.0.0.0/0" }] });
    let opened = json!({ "GroupId": group["GroupId"], "IpPermissions": [rule] });
    aws.account.call("ec2", "authorize_security_group_ingress", &opened);
    if serverless {
        let roles = json!({ "namespaceName": NAME, "iamRoles": [] });
        aws.account.call("redshift-serverless", "update_namespace", &roles);
    } else {
        let roles = json!({ "ClusterIdentifier": NAME, "RemoveIamRoles": [format!("arn:aws:iam::{}:role/sparkify/{ROLE}", aws.account.id())] });
        aws.account.call("redshift", "modify_cluster_iam_roles", &roles);
    }
    for _ in 0..3 {
        let _ = aws.inventory();
    }
    configure(
        2,
        &format!(
            "{}snapshot_retention_days = 3\nbase_capacity = 16\nusage_limit = {{ rpu_hours = 50 }}\n\
             tags = {{ team = \"data\" }}\n",
            parameters(90_000)
        ),
    );
    let _ = aws.provision().success();
    let _ = aws.run(&["status"]).success();
    let _ = aws.run(&["doctor"]);
    // It asks for credentials, and then nobody answers.
    let _ = aws.run(&["explore", "--warehouse", "redshift://music"]);
    if !serverless {
        let _ = aws.run(&["pause"]).success();
        let _ = aws.run(&["resume"]).success();
    }
    let _ = aws.run(&["teardown", "--plan"]).success();
    let _ = aws.run(&["teardown", "--yes", "--final-snapshot"]).success();
    let _ = aws.run(&["teardown", "--yes"]).success();
}

#[test]
fn the_documented_permissions_are_all_that_is_asked_for_and_no_more() {
    let mut asked = BTreeSet::new();
    for serverless in [false, true] {
        let aws = Aws::new();
        whole_life(&aws, serverless);
        let policy = unmodified(&aws);
        let mut refused: BTreeMap<String, String> = BTreeMap::new();
        for call in aws.account.proxy().calls() {
            for needed in needed::of(aws.account.id(), &call) {
                let context: Vec<_> =
                    needed.context.iter().map(|(key, value)| (*key, value.as_str())).collect();
                if !evaluator::allows(&policy, &needed.action, &needed.resource, &context) {
                    refused
                        .insert(format!("{} on {}", needed.action, needed.resource), call.operation.clone());
                }
                asked.insert(needed.action);
            }
        }
        assert!(refused.is_empty(), "not in the documented policy: {refused:#?}");
        // The policy is for what bears our names.
        let role = |name: &str| format!("arn:aws:iam::{}:role/{name}", aws.account.id());
        for (action, resource) in [
            ("iam:DeleteRole", role("theirs")),
            ("iam:PassRole", role(&format!("sparkify/{ROLE}"))),
            (
                "redshift:DeleteCluster",
                format!("arn:aws:redshift:us-west-2:{}:cluster:theirs", aws.account.id()),
            ),
            (
                "ec2:DeleteSecurityGroup",
                format!("arn:aws:ec2:us-west-2:{}:security-group/sg-1", aws.account.id()),
            ),
        ] {
            assert!(!evaluator::allows(&policy, action, &resource, &[]), "{action} on {resource}");
        }
    }
    let documented: BTreeSet<_> = actions(&documented(&Aws::new())).into_iter().collect();
    let unseen: BTreeSet<_> = UNSEEN.iter().map(|(action, _)| (*action).to_owned()).collect();
    let never: Vec<_> = documented.difference(&asked).filter(|action| !unseen.contains(*action)).collect();
    assert!(never.is_empty(), "documented and never asked for: {never:?}");
    let seen: Vec<_> = unseen.iter().filter(|action| asked.contains(*action)).collect();
    assert!(seen.is_empty(), "it is asked for, and needs no excuse: {seen:?}");
    assert!(unseen.is_subset(&documented), "an excuse for what is not documented");
}

#[test]
fn a_plan_is_enough_for_whoever_may_only_look() {
    let aws = Aws::new();
    let mut policy = documented(&aws);
    for action in actions(&policy) {
        let verb = action.split(':').nth(1).unwrap();
        if !["Describe", "Get", "List"].iter().any(|reads| verb.starts_with(reads)) {
            policy = without(&policy, &action);
        }
    }
    let user = aws.account.user_with_policy(&policy);
    let _ = aws.run_as(&user, &["provision", "--plan"]).success();
    let _ = aws.run_as(&user, &["status"]).success();
    let _ = aws.run_as(&user, &["provision", "--yes"]).with_code(1);
    assert!(inventory::is_empty(&aws.inventory()));
}

#[test]
fn credentials_that_are_not_valid_are_told_apart_from_missing_permissions() {
    let aws = Aws::new();
    let _ = aws.account.user_with_policy(&documented(&aws));
    let nobody = ("AKIAIOSFODNN7NOBODY1".to_owned(), "wrong".to_owned());
    let refused = aws.run_as(&nobody, &["provision", "--plan"]).with_code(1);
    assert!(refused.stderr.contains("aws sts get-caller-identity"), "{}", refused.stderr);
    let command = aws
        .command_with(
            &[("AWS_REGION", "us-west-2"), ("AWS_EC2_METADATA_DISABLED", "true"), ("HOME", "/nonexistent")],
            &["provision", "--plan"],
        )
        .output()
        .unwrap();
    let refused = sparkify_testkit::Finished::from(command).with_code(1);
    assert!(refused.stderr.contains("AWS_PROFILE"), "{}", refused.stderr);
}
