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

/// A deployment whose clock passes only by waiting, on the scripted client.
fn deployment(script: &Script) -> crate::Deployment {
    let clock = std::sync::Arc::new(crate::fake::FakeClock::default());
    let services = Services { clock, ..script.services() };
    let config = crate::DeploymentConfig {
        kind: crate::Kind::Serverless,
        ..crate::DeploymentConfig::named("nightly")
    };
    crate::Deployment::new(config, services).unwrap()
}

const TAGS: &str = r#"{"tags":[{"key":"sparkify:deployment","value":"nightly"}]}"#;

fn workgroup(status: &str, more: &str) -> Reply {
    Reply::ok(format!(
        r#"{{"workgroup":{{"workgroupName":"w","workgroupArn":"arn:w","status":"{status}","baseCapacity":4{more}}}}}"#
    ))
}

fn namespace(status: &str, role: &str) -> Reply {
    Reply::ok(format!(
        r#"{{"namespace":{{"namespaceName":"n","namespaceArn":"{ARN}","status":"{status}","iamRoles":["{role}"]}}}}"#
    ))
}

fn no_such(kind: &str) -> Reply {
    Reply::json_error("ResourceNotFoundException", &format!("There is no such {kind}."))
}

const ENDPOINT: &str =
    r#","endpoint":{"address":"w.1.us-west-2.redshift-serverless.amazonaws.com","port":5439}"#;

#[tokio::test]
async fn a_workgroup_is_awaited_through_its_states_until_it_has_an_endpoint() {
    let script = Script::new().on("ListTagsForResource", [Reply::ok(TAGS)]).on(
        "GetWorkgroup",
        [
            no_such("workgroup"),
            workgroup("CREATING", ""),
            workgroup("CREATING", ENDPOINT),
            workgroup("SOMETHING_NEW", ENDPOINT),
            workgroup("AVAILABLE", ""),
            workgroup("MODIFYING", ENDPOINT),
            workgroup("AVAILABLE", ENDPOINT),
        ],
    );
    let found = deployment(&script).settle_workgroup("w").await.unwrap();
    assert_eq!(found.endpoint.unwrap().port, 5439);
    assert_eq!(script.asked("GetWorkgroup").len(), 7);
}

#[tokio::test]
async fn a_namespace_is_ready_when_our_role_is_in_sync() {
    let role = |status: &str, name: &str| {
        format!("IamRole(applyStatus={status}, iamRoleArn=arn:aws:iam::1:role/{name})")
    };
    let script = Script::new().on("ListTagsForResource", [Reply::ok(TAGS)]).on(
        "GetNamespace",
        [
            namespace("MODIFYING", &role("adding", "r")),
            namespace("AVAILABLE", &role("in-sync", "another")),
            namespace("AVAILABLE", &role("adding", "r")),
            namespace("AVAILABLE", &role("in-sync", "r")),
        ],
    );
    let found = deployment(&script).settle_namespace_with("n", "arn:aws:iam::1:role/r").await.unwrap();
    assert_eq!(found.roles[0].status, "in-sync");
    assert_eq!(script.asked("GetNamespace").len(), 4);
}

#[tokio::test]
async fn one_that_somebody_begins_to_delete_is_not_waited_for() {
    let script = Script::new()
        .on("ListTagsForResource", [Reply::ok(TAGS)])
        .on("GetWorkgroup", [workgroup("CREATING", ""), workgroup("DELETING", "")]);
    let error = deployment(&script).settle_workgroup("w").await.unwrap_err();
    assert!(matches!(&error, crate::Error::Stale { change, .. } if change.contains("DELETING")), "{error}");
}

#[tokio::test]
async fn an_operation_that_is_going_on_is_waited_out_before_a_deletion() {
    let busy = || Reply::json_error("ConflictException", "There is an operation running on the workgroup.");
    let script = Script::new()
        .on("ListTagsForResource", [Reply::ok(TAGS)])
        .on("DeleteWorkgroup", [busy(), busy(), Reply::ok("{}")])
        .on(
            "GetWorkgroup",
            [
                workgroup("MODIFYING", ENDPOINT),
                workgroup("AVAILABLE", ENDPOINT),
                workgroup("DELETING", ""),
                no_such("workgroup"),
            ],
        );
    deployment(&script).delete_workgroup("w").await.unwrap();
    assert_eq!(script.asked("DeleteWorkgroup").len(), 3);
}

#[tokio::test]
async fn a_deletion_that_somebody_else_began_is_theirs_and_waited_for() {
    let busy = || Reply::json_error("ConflictException", "There is an operation running on the namespace.");
    let script =
        Script::new().on("ListTagsForResource", [Reply::ok(TAGS)]).on("DeleteNamespace", [busy()]).on(
            "GetNamespace",
            [namespace("DELETING", "arn:r"), namespace("DELETING", "arn:r"), no_such("namespace")],
        );
    deployment(&script).delete_namespace("n", None).await.unwrap();
    assert_eq!(script.asked("DeleteNamespace").len(), 1);

    // Gone between the look and the request.
    let script = Script::new()
        .on("DeleteNamespace", [no_such("namespace")])
        .on("GetNamespace", [no_such("namespace")]);
    deployment(&script).delete_namespace("n", None).await.unwrap();
}

#[tokio::test]
async fn a_new_one_waits_for_the_end_of_an_earlier_one_of_its_name() {
    let script = Script::new()
        .on("ListTagsForResource", [Reply::ok(TAGS)])
        .on("GetNamespace", [namespace("DELETING", "arn:r"), no_such("namespace")])
        .on(
            "CreateNamespace",
            [
                Reply::json_error("ConflictException", "There is an operation running on the namespace."),
                Reply::json_error("ValidationException", "IAM role arn:aws:iam::1:role/r is not valid"),
                Reply::ok("{}"),
            ],
        );
    let deployment = deployment(&script);
    let around = deployment.bare_surroundings(Caller {
        account: "123456789012".to_owned(),
        arn: "arn:aws:iam::123456789012:user/engineer".to_owned(),
    });
    deployment.create_namespace(&around).await.unwrap();
    assert_eq!(script.asked("CreateNamespace").len(), 3);
}

#[tokio::test]
async fn whether_tls_is_required_is_told_by_a_parameter() {
    for (parameters, expected) in [
        ("", None),
        (r#","configParameters":[{"parameterKey":"require_ssl","parameterValue":"true"}]"#, Some(true)),
        (r#","configParameters":[{"parameterKey":"require_ssl","parameterValue":"false"}]"#, Some(false)),
    ] {
        let script = Script::new()
            .on("ListTagsForResource", [Reply::ok(TAGS)])
            .on("GetWorkgroup", [workgroup("AVAILABLE", parameters)]);
        let found = script.services().serverless.workgroup("w").await.unwrap().unwrap();
        assert_eq!(found.requires_tls, expected, "{parameters}");
    }
}

#[tokio::test]
async fn snapshots_of_a_namespace_that_is_gone_are_found_among_all() {
    let all = r#"{"snapshots":[{"snapshotName":"last","namespaceName":"n","status":"AVAILABLE","snapshotRetentionPeriod":7},
                 {"snapshotName":"theirs","namespaceName":"other","status":"AVAILABLE"}]}"#;
    let script = Script::new().on("ListSnapshots", [no_such("namespace"), Reply::ok(all)]);
    let found = script.services().serverless.snapshots("n").await.unwrap();
    assert_eq!(found.iter().map(|found| found.name.as_str()).collect::<Vec<_>>(), ["last"]);
}
