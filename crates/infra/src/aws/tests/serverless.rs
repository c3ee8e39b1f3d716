//! Serverless through the real client.

use super::*;
use crate::{
    config::{BreachAction, Period, UsageLimit},
    services::*,
};

const ARN: &str = "arn:aws:redshift-serverless:us-west-2:1:namespace/1";

#[tokio::test]
async fn a_namespace_tells_its_roles_in_either_form() {
    let body = format!(
        r#"{{"namespace":{{"namespaceName":"n","namespaceArn":"{ARN}","status":"AVAILABLE","dbName":"sparkify",
            "adminUsername":"a","iamRoles":["IamRole(applyStatus=adding, iamRoleArn=arn:aws:iam::1:role/sparkify/r)",
            "arn:aws:iam::1:role/plain"],"creationDate":"2026-11-24T06:00:00Z"}}}}"#
    );
    let script = Script::new().on("GetNamespace", [Reply::ok(body)]).on(
        "ListTagsForResource",
        [Reply::ok(r#"{"tags":[{"key":"sparkify:deployment","value":"nightly"}]}"#)],
    );
    let namespace = script.services().serverless.namespace("n").await.unwrap().unwrap();
    assert_eq!(
        namespace.roles[0],
        AttachedRole { arn: "arn:aws:iam::1:role/sparkify/r".into(), status: "adding".into() }
    );
    assert_eq!(namespace.roles[1].status, "in-sync");
    assert_eq!(namespace.tags["sparkify:deployment"], "nightly");
    assert!(matches!(crate::readiness::of_namespace(&namespace), crate::readiness::Readiness::Pending(_)));
}

#[tokio::test]
async fn a_workgroup_is_asked_for_with_its_capacity_and_never_the_default_of_128() {
    let script =
        Script::new().on("CreateWorkgroup", [Reply::ok("{}")]).on("CreateNamespace", [Reply::ok("{}")]);
    let serverless = script.services().serverless;
    let tags: Tags = [("sparkify:deployment".to_owned(), "nightly".to_owned())].into();
    let workgroup = NewWorkgroup {
        name: "w".into(),
        namespace: "n".into(),
        base_capacity: 4,
        max_capacity: None,
        publicly_accessible: false,
        security_group_ids: vec!["sg-1".into()],
        subnet_ids: vec![],
        port: 5439,
        tags: tags.clone(),
    };
    serverless.create_workgroup(&workgroup).await.unwrap();
    let sent: serde_json::Value = serde_json::from_str(&script.asked("CreateWorkgroup")[0].body).unwrap();
    assert_eq!((&sent["baseCapacity"], &sent["publiclyAccessible"]), (&4.into(), &false.into()));
    assert!(sent.get("subnetIds").is_none(), "none are those of the default VPC");
    assert_eq!(sent["tags"][0]["key"], "sparkify:deployment");
    let namespace = NewNamespace {
        name: "n".into(),
        database: "sparkify".into(),
        admin_user: "a".into(),
        role_arn: "arn:r".into(),
        tags,
    };
    serverless.create_namespace(&namespace).await.unwrap();
    let sent: serde_json::Value = serde_json::from_str(&script.asked("CreateNamespace")[0].body).unwrap();
    assert_eq!(sent["manageAdminPassword"], true);
    assert!(sent.get("adminUserPassword").is_none());
    assert_eq!((&sent["iamRoles"][0], &sent["defaultIamRoleArn"]), (&"arn:r".into(), &"arn:r".into()));
}

#[tokio::test]
async fn conflicts_are_told_apart_by_their_message() {
    for (message, kind) in [
        ("Workgroup with name w already exists.", ErrorKind::AlreadyExists),
        ("There is an operation running on the namespace.", ErrorKind::InvalidState),
    ] {
        let script = Script::new().on("DeleteNamespace", [Reply::json_error("ConflictException", message)]);
        let error = script.services().serverless.delete_namespace("n", None).await.unwrap_err();
        assert_eq!(error.kind, kind, "{message}");
    }
    for (code, kind) in [
        ("ServiceQuotaExceededException", ErrorKind::Quota),
        ("InsufficientCapacityException", ErrorKind::Capacity),
        ("AccessDeniedException", ErrorKind::AccessDenied),
        ("ValidationException", ErrorKind::Invalid),
    ] {
        let script = Script::new().on("DeleteWorkgroup", [Reply::json_error(code, "no")]);
        assert_eq!(
            script.services().serverless.delete_workgroup("w").await.unwrap_err().kind,
            kind,
            "{code}"
        );
    }
}

#[tokio::test]
async fn a_usage_limit_is_of_compute() {
    let found = r#"{"usageLimits":[{"usageLimitId":"u","usageType":"serverless-compute","amount":60,"period":"weekly","breachAction":"deactivate"}]}"#;
    let script = Script::new()
        .on("ListUsageLimits", [Reply::ok(found)])
        .on("CreateUsageLimit", [Reply::ok("{}")])
        .on("GetCredentials", [Reply::ok(r#"{"dbUser":"IAM:engineer","dbPassword":"hunter2"}"#)]);
    let serverless = script.services().serverless;
    let limit = UsageLimit { rpu_hours: 60, period: Period::Weekly, on_breach: BreachAction::Deactivate };
    assert_eq!(serverless.usage_limits("arn").await.unwrap(), [ExistingUsageLimit { id: "u".into(), limit }]);
    serverless.create_usage_limit("arn", limit).await.unwrap();
    let sent: serde_json::Value = serde_json::from_str(&script.asked("CreateUsageLimit")[0].body).unwrap();
    assert_eq!(sent["usageType"], "serverless-compute");
    assert_eq!(
        (&sent["amount"], &sent["period"], &sent["breachAction"]),
        (&60.into(), &"weekly".into(), &"deactivate".into())
    );
    assert_eq!(serverless.credentials("w", "sparkify").await.unwrap().user, "IAM:engineer");
}
