use super::*;

#[path = "policy_evaluator.rs"]
mod evaluator;

use evaluator::list;

fn allows(policy: &Value, action: &str, resource: &str, prefix: Option<&str>) -> bool {
    let context: Vec<_> = prefix.map(|prefix| ("s3:prefix", prefix)).into_iter().collect();
    evaluator::allows(policy, action, resource, &context)
}

fn config() -> DeploymentConfig {
    DeploymentConfig {
        staging: Some("s3://ours/stage/nightly/".into()),
        ..DeploymentConfig::named("nightly")
    }
}

#[test]
fn the_role_may_read_what_is_configured() {
    let policy = data_access(&config(), "aws");
    for key in [
        "udacity-dend/log_data/2018/11/2018-11-01-events.json",
        "udacity-dend/song_data/A/A/A/TRAAAAW128F429D538.json",
        "udacity-dend/log_json_path.json",
        "ours/stage/nightly/run-1/manifest",
    ] {
        assert!(allows(&policy, "s3:GetObject", &format!("arn:aws:s3:::{key}"), None), "{key}");
    }
    for (bucket, prefix) in [
        ("udacity-dend", "log_data/"),
        ("udacity-dend", "log_data/2018/"),
        ("udacity-dend", "song_data/A/"),
        ("udacity-dend", "log_json_path.json"),
        ("ours", "stage/nightly/run-1/"),
    ] {
        assert!(
            allows(&policy, "s3:ListBucket", &format!("arn:aws:s3:::{bucket}"), Some(prefix)),
            "{bucket} {prefix}"
        );
    }
    for bucket in ["udacity-dend", "ours"] {
        assert!(allows(&policy, "s3:GetBucketLocation", &format!("arn:aws:s3:::{bucket}"), None));
    }
}

#[test]
fn the_role_may_do_nothing_else() {
    let policy = data_access(&config(), "aws");
    for key in [
        "udacity-dend/log_data",
        "udacity-dend/log_data_bak/x.json",
        "udacity-dend/other.json",
        "udacity-dend/log_json_path.json.bak",
        "udacity-dend/Log_Data/x",
        "udacity-dend2/log_data/x.json",
        "ours/stage/nightly2/x",
        "ours/stage/x",
        "ours/x",
        "elsewhere/log_data/x",
    ] {
        assert!(!allows(&policy, "s3:GetObject", &format!("arn:aws:s3:::{key}"), None), "{key}");
    }
    for (bucket, prefix) in [
        ("udacity-dend", None),
        ("udacity-dend", Some("")),
        ("udacity-dend", Some("log_data_bak/")),
        ("udacity-dend", Some("l")),
        ("ours", Some("stage/")),
        ("elsewhere", Some("log_data/")),
    ] {
        assert!(
            !allows(&policy, "s3:ListBucket", &format!("arn:aws:s3:::{bucket}"), prefix),
            "{bucket} {prefix:?}"
        );
    }
    let object = "arn:aws:s3:::udacity-dend/log_data/x.json";
    let staged = "arn:aws:s3:::ours/stage/nightly/x";
    for action in [
        "s3:PutObject",
        "s3:DeleteObject",
        "s3:GetObjectVersion",
        "s3:PutObjectAcl",
        "s3:ListAllMyBuckets",
        "s3:DeleteBucket",
        "s3:PutBucketPolicy",
        "iam:CreateUser",
        "iam:PassRole",
        "sts:AssumeRole",
        "kms:Decrypt",
        "glue:GetTable",
        "secretsmanager:GetSecretValue",
    ] {
        for resource in [object, staged, "arn:aws:s3:::udacity-dend", "*"] {
            assert!(!allows(&policy, action, resource, Some("log_data/")), "{action} {resource}");
        }
    }
    assert!(!allows(&policy, "s3:GetBucketLocation", "arn:aws:s3:::elsewhere", None));
}

#[test]
fn the_role_writes_below_staging_only_and_only_if_told_to() {
    let policy = data_access(&DeploymentConfig { staging_write: true, ..config() }, "aws");
    assert!(allows(&policy, "s3:PutObject", "arn:aws:s3:::ours/stage/nightly/unload/0000_part_00", None));
    assert!(!allows(&policy, "s3:PutObject", "arn:aws:s3:::ours/stage/other/x", None));
    assert!(!allows(&policy, "s3:PutObject", "arn:aws:s3:::udacity-dend/log_data/x", None));
    assert!(!allows(&policy, "s3:DeleteObject", "arn:aws:s3:::ours/stage/nightly/x", None));
    let without = DeploymentConfig { staging_write: true, staging: None, ..config() };
    assert!(!allows(
        &data_access(&without, "aws"),
        "s3:PutObject",
        "arn:aws:s3:::ours/stage/nightly/x",
        None
    ));
}

#[test]
fn the_policy_is_in_the_partition_of_the_account() {
    let policy = data_access(&config(), "aws-cn").to_string();
    assert!(policy.contains("arn:aws-cn:s3:::ours/stage/nightly/*") && !policy.contains("arn:aws:"));
}

#[test]
fn only_redshift_may_assume_the_role_and_serverless_only_if_used() {
    let services = |kind| list(&trust(kind)["Statement"][0]["Principal"]["Service"]);
    assert_eq!(services(Kind::Cluster), ["redshift.amazonaws.com"]);
    assert_eq!(services(Kind::Serverless), ["redshift.amazonaws.com", "redshift-serverless.amazonaws.com"]);
    for kind in [Kind::Cluster, Kind::Serverless] {
        let trust = trust(kind);
        assert_eq!(trust["Statement"].as_array().unwrap().len(), 1);
        assert_eq!(trust["Statement"][0]["Action"], "sts:AssumeRole");
        assert_eq!(trust["Statement"][0]["Principal"].as_object().unwrap().len(), 1);
    }
}

#[test]
fn policies_are_compared_by_what_they_say() {
    let policy = data_access(&config(), "aws");
    let reordered = r#"{"Statement":[{"Action":["sts:AssumeRole"],"Principal":{"Service":"redshift.amazonaws.com"},"Effect":"Allow"}],"Version":"2012-10-17"}"#;
    assert!(same(reordered, &trust(Kind::Cluster)));
    assert!(same(&serde_json::to_string_pretty(&policy).unwrap(), &policy));
    assert!(!same(reordered, &trust(Kind::Serverless)));
    assert!(!same("not json", &policy));
    assert!(!same(&policy.to_string().replace("nightly/*", "*"), &policy));
}

#[test]
fn a_prefix_is_what_ends_with_a_slash() {
    let place = |text| S3Place::parse(text).unwrap();
    assert!(place("s3://bucket/a/").is_prefix() && place("s3://bucket/").is_prefix());
    assert!(!place("s3://bucket/a").is_prefix());
    assert!(place("s3://bucket/a/").overlaps(&place("s3://bucket/a/b/")));
    assert!(place("s3://bucket/a/b").overlaps(&place("s3://bucket/a/")));
    assert!(!place("s3://bucket/a/").overlaps(&place("s3://bucket/ab/")));
    assert!(!place("s3://bucket/a/").overlaps(&place("s3://bucket2/a/")));
}

const DOCUMENTED: &str = include_str!("../../../docs/aws-permissions.json");

#[test]
fn the_documented_permissions_are_those_of_the_code() {
    let documented: Value = serde_json::from_str(DOCUMENTED).unwrap();
    assert_eq!(documented, caller("aws", "ACCOUNT", "REGION", "STAGE_BUCKET"));
}

#[test]
fn a_caller_reaches_only_what_bears_our_names() {
    let policy = caller("aws", "123456789012", "us-west-2", "our-stage");
    for statement in policy["Statement"].as_array().unwrap() {
        for action in list(&statement["Action"]) {
            assert!(!action.contains('*'), "{action} is named in full");
            let reads = ["Describe", "List", "Get"]
                .iter()
                .any(|verb| action.split(':').nth(1).unwrap().starts_with(verb));
            for resource in list(&statement["Resource"]) {
                assert!(resource != "*" || reads, "{action} on everything");
            }
        }
    }
    let text = policy.to_string();
    assert!(!text.contains("secretsmanager:GetSecretValue"), "the password is never read");
    assert!(!text.contains("iam:AttachRolePolicy"), "no managed policy is ever attached");
}
