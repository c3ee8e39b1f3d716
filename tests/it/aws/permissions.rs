//! The documented permissions are enough, and fewer are not.

use serde_json::{Value, json};

use super::{Aws, inventory};

/// The policy of the documents, for a caller in that account. moto knows the resource of few calls, and the
/// conditions of fewer, so apart from the role that is passed it is the actions that are tried.
fn documented(aws: &Aws) -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/aws-permissions.json");
    let text = std::fs::read_to_string(path).unwrap();
    let text = text
        .replace("ACCOUNT", aws.account.id())
        .replace("REGION", "us-west-2")
        .replace("STAGE_BUCKET", "our-stage");
    let mut policy: Value = serde_json::from_str(&text).unwrap();
    for statement in policy["Statement"].as_array_mut().unwrap() {
        statement.as_object_mut().unwrap().remove("Condition");
        if statement["Sid"] != "PassRole" {
            statement["Resource"] = json!("*");
        }
    }
    policy
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
