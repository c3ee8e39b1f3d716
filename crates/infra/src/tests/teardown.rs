//! Taking away, and the proof that nothing is left.

use super::*;
use crate::{
    Error, FinalSnapshotPolicy,
    services::*,
    teardown::{Removal, SnapshotDecision},
};

#[tokio::test]
async fn everything_goes_in_the_order_of_dependencies_and_nothing_is_left() {
    let (aws, deployment) = provisioned(full_config()).await;
    let plan = deployment.teardown_plan(Some(SnapshotDecision::Skip)).await.unwrap();
    let kinds: Vec<_> = plan.steps.iter().map(|step| step.resource).collect();
    use ResourceKind::*;
    assert_eq!(kinds, [Cluster, SubnetGroup, ParameterGroup, SecurityGroup, Role]);
    assert!(plan.steps.iter().all(|step| step.removal == Removal::Delete));
    assert_eq!(plan.costing.len(), 1, "the secret costs while the cluster is there");
    let report = deployment.teardown(&plan).await.unwrap();
    assert!(report.is_clean(), "{report:#?}");
    assert_eq!(report.deleted.len(), 5);
    assert!(report.costing.is_empty());
    let world = aws.world();
    assert!(world.clusters.is_empty() && world.groups.is_empty() && world.roles.is_empty());
    assert!(aws.count("ec2:DeleteSecurityGroup") > 3, "the interfaces were waited for");
}

#[tokio::test]
async fn deleting_twice_is_fine() {
    let (_, deployment) = provisioned(full_config()).await;
    let plan = deployment.teardown_plan(Some(SnapshotDecision::Skip)).await.unwrap();
    assert!(deployment.teardown(&plan).await.unwrap().is_clean());
    assert!(deployment.teardown(&plan).await.unwrap().is_clean(), "the same plan again");
    let plan = deployment.teardown_plan(None).await.unwrap();
    assert!(!plan.has_changes());
    assert_eq!(plan.snapshot, SnapshotDecision::NotNeeded, "nothing is asked when nothing is there");
    assert!(deployment.teardown(&plan).await.unwrap().is_clean());
}

#[tokio::test]
async fn nothing_happens_before_the_final_snapshot_is_decided() {
    let (aws, deployment) = provisioned(config()).await;
    let plan = deployment.teardown_plan(None).await.unwrap();
    assert_eq!(plan.snapshot, SnapshotDecision::Undecided);
    let before = aws.world();
    let error = deployment.teardown(&plan).await.unwrap_err();
    assert!(matches!(error, Error::SnapshotUndecided { .. }));
    assert!(error.hint().unwrap().contains("--final-snapshot"));
    assert_eq!(aws.world(), before);
}

#[tokio::test]
async fn the_policy_decides_where_nobody_else_does() {
    for (policy, takes) in [(FinalSnapshotPolicy::Take, true), (FinalSnapshotPolicy::Skip, false)] {
        let (aws, deployment) = provisioned(DeploymentConfig { final_snapshot: policy, ..config() }).await;
        let plan = deployment.teardown_plan(None).await.unwrap();
        let report = deployment.teardown(&plan).await.unwrap();
        assert!(report.is_clean(), "a snapshot that is kept on purpose is not left over: {report:#?}");
        assert_eq!(aws.world().snapshots.len(), usize::from(takes));
        assert_eq!(report.costing.len(), usize::from(takes));
        if takes {
            let kept = &report.costing[0];
            assert!(kept.name.starts_with("sparkify-nightly-final-2026"), "{}", kept.name);
            assert!(kept.note.contains("kept for 7 days"), "{}", kept.note);
        }
    }
}

#[tokio::test]
async fn a_paused_cluster_is_deleted_and_for_a_snapshot_resumed_first() {
    for take in [false, true] {
        let (aws, deployment) = provisioned(config()).await;
        deployment.pause().await.unwrap();
        let decision = if take { deployment.final_snapshot() } else { SnapshotDecision::Skip };
        let plan = deployment.teardown_plan(Some(decision)).await.unwrap();
        assert!(plan.notes.iter().any(|note| note.contains("paused")));
        assert!(deployment.teardown(&plan).await.unwrap().is_clean());
        assert_eq!(aws.world().snapshots.len(), usize::from(take));
        assert_eq!(aws.count("redshift:ResumeCluster"), usize::from(take));
    }
}

#[tokio::test]
async fn a_cluster_that_is_being_made_is_deleted_once_that_is_possible() {
    let aws = FakeAws::new();
    let deployment = aws.deployment(config());
    let around = deployment.surroundings(crate::surroundings::Need::Required).await.unwrap();
    deployment.create_role(&around).await.unwrap();
    deployment.create_security_group(&around).await.unwrap();
    deployment.create_cluster(&around, &["sg-sparkify-nightly".to_owned()]).await.unwrap();
    let plan = deployment.teardown_plan(Some(SnapshotDecision::Skip)).await.unwrap();
    assert_eq!(plan.steps[0].state.as_deref(), Some("creating"));
    assert!(deployment.teardown(&plan).await.unwrap().is_clean());
    assert!(aws.count("redshift:DeleteCluster") > 1);
}

#[tokio::test]
async fn a_cluster_that_is_already_being_deleted_is_waited_for() {
    let (_, deployment) = provisioned(config()).await;
    deployment.services.clusters.delete_cluster("sparkify-nightly", None).await.unwrap();
    let plan = deployment.teardown_plan(None).await.unwrap();
    assert_eq!(plan.steps[0].removal, Removal::Wait);
    assert_eq!(plan.snapshot, SnapshotDecision::NotNeeded);
    assert!(deployment.teardown(&plan).await.unwrap().is_clean());
}

fn serverless_config() -> DeploymentConfig {
    DeploymentConfig { kind: crate::Kind::Serverless, ..config() }
}

#[tokio::test]
async fn a_cluster_that_is_made_anew_before_somebody_says_yes_is_not_deleted() {
    let (aws, deployment) = provisioned(config()).await;
    deployment.services.clusters.delete_cluster("sparkify-nightly", None).await.unwrap();
    let plan = deployment.teardown_plan(None).await.unwrap();
    assert_eq!(plan.snapshot, SnapshotDecision::NotNeeded);
    // Meanwhile somebody else provisions, which waits for the end of the old one.
    deployment.apply(&deployment.plan().await.unwrap()).await.unwrap();
    let (before, deletions) = (aws.world(), aws.count("redshift:DeleteCluster"));
    let error = deployment.teardown(&plan).await.unwrap_err();
    assert!(matches!(&error, Error::Stale { change, .. } if change.contains("being deleted")), "{error}");
    assert!(error.hint().unwrap().contains("make a new plan"));
    assert_eq!(aws.world(), before);
    assert_eq!(aws.count("redshift:DeleteCluster"), deletions);
}

#[tokio::test]
async fn a_cluster_that_comes_back_while_its_end_is_waited_for_is_not_deleted() {
    let (aws, _) = provisioned(config()).await;
    let cluster = aws.world().clusters["sparkify-nightly"].clone();
    let mut clusters = MockClusters::new();
    let mut looks = 0;
    clusters.expect_cluster().returning(move |_| {
        looks += 1;
        let status = if looks < 5 { "deleting" } else { "available" };
        Ok(Some(Cluster { status: status.to_owned(), ..cluster.clone() }))
    });
    clusters.expect_subnet_group().returning(|_| Ok(None));
    clusters.expect_parameter_group().returning(|_| Ok(None));
    clusters.expect_snapshots().returning(|_| Ok(Vec::new()));
    clusters.expect_tagged().returning(|_, _| Ok(Vec::new()));
    clusters.expect_delete_cluster().times(0);
    let services = Services { clusters: std::sync::Arc::new(clusters), ..aws.services() };
    let deployment = Deployment::new(config(), services).unwrap();
    let plan = deployment.teardown_plan(None).await.unwrap();
    assert_eq!(plan.steps[0].removal, Removal::Wait);
    let error = deployment.teardown(&plan).await.unwrap_err();
    assert!(matches!(&error, Error::Stale { change, .. } if change.contains("available")), "{error}");
    let world = aws.world();
    assert_eq!((world.roles.len(), world.groups.len()), (1, 1), "what the new one uses stays");
}

#[tokio::test]
async fn a_namespace_that_is_made_anew_before_somebody_says_yes_is_not_deleted() {
    let (aws, deployment) = provisioned(serverless_config()).await;
    deployment.services.serverless.delete_workgroup("sparkify-nightly").await.unwrap();
    deployment.delete_workgroup("sparkify-nightly").await.unwrap();
    deployment.services.serverless.delete_namespace("sparkify-nightly", None).await.unwrap();
    let plan = deployment.teardown_plan(None).await.unwrap();
    assert_eq!(plan.steps[0].removal, Removal::Wait);
    assert_eq!(plan.snapshot, SnapshotDecision::NotNeeded);
    deployment.apply(&deployment.plan().await.unwrap()).await.unwrap();
    let before = aws.world();
    let error = deployment.teardown(&plan).await.unwrap_err();
    assert!(matches!(&error, Error::Stale { resource: ResourceKind::Namespace, .. }), "{error}");
    assert_eq!(aws.world(), before);
}

#[tokio::test]
async fn a_namespace_that_appears_after_the_plan_is_not_deleted() {
    let aws = FakeAws::new();
    let deployment = aws.deployment(serverless_config());
    let empty = deployment.teardown_plan(None).await.unwrap();
    deployment.apply(&deployment.plan().await.unwrap()).await.unwrap();
    let error = deployment.teardown(&empty).await.unwrap_err();
    assert!(matches!(error, Error::Stale { .. }), "{error}");
    assert_eq!(aws.world().namespaces.len(), 1);
}

#[tokio::test]
async fn when_the_namespace_stays_what_it_uses_is_not_tried() {
    let (aws, deployment) = provisioned(serverless_config()).await;
    let plan = deployment.teardown_plan(Some(SnapshotDecision::Skip)).await.unwrap();
    aws.script("redshift-serverless:DeleteNamespace", ErrorKind::AccessDenied, 1);
    let report = deployment.teardown(&plan).await.unwrap();
    let left: Vec<_> = report.left.iter().map(|left| left.resource).collect();
    use ResourceKind::*;
    assert_eq!(left, [Role, Namespace, SecurityGroup], "{report:#?}");
    assert_eq!(aws.count("ec2:DeleteSecurityGroup") + aws.count("iam:DeleteRole"), 0);
    assert!(aws.world().workgroups.is_empty());
}

#[tokio::test]
async fn what_goes_on_costing_is_named_wherever_it_is() {
    let staging = Some("s3://our-bucket/staging/".to_owned());
    let (aws, deployment) = provisioned(DeploymentConfig { staging, ..config() }).await;
    let secret = |name: &str| SecretEntry {
        name: name.to_owned(),
        arn: format!("arn:{name}"),
        owner: Some("redshift".to_owned()),
        deleted: false,
    };
    let snapshot = |name: &str, tags: Tags| Snapshot {
        name: name.to_owned(),
        status: "available".to_owned(),
        size_bytes: None,
        retention_days: None,
        tags,
    };
    aws.edit(|world| {
        world.secrets.push(secret("redshift!sparkify-nightly-earlier_admin"));
        world.secrets.push(secret("redshift!sparkify-nightly-2-sparkify_admin"));
        world.secrets.push(secret("redshift!sparkify-other-sparkify_admin"));
        world.snapshots.push(snapshot("by-hand-of-the-old-cluster", our_tags()));
        world.snapshots.push(snapshot("of-somebody-else", Tags::new()));
        let files = Stored { objects: 3, bytes: 2_500_000, all: true };
        world.stored.insert("our-bucket/staging/".to_owned(), files);
    });
    let plan = deployment.teardown_plan(Some(SnapshotDecision::Skip)).await.unwrap();
    let costing: Vec<_> = plan.costing.iter().map(|one| (one.resource, one.name.as_str())).collect();
    assert_eq!(
        costing,
        [
            (ResourceKind::Snapshot, "by-hand-of-the-old-cluster"),
            (ResourceKind::Secret, "redshift!sparkify-nightly-sparkify_admin"),
            (ResourceKind::Secret, "redshift!sparkify-nightly-earlier_admin"),
            (ResourceKind::StagedFiles, "s3://our-bucket/staging/"),
        ]
    );
    assert!(plan.costing[3].note.starts_with("3 objects, 3 MB"), "{}", plan.costing[3].note);
    let report = deployment.teardown(&plan).await.unwrap();
    assert!(report.is_clean(), "what stays on purpose is not left over: {report:#?}");
    assert!(report.costing.iter().any(|one| one.resource == ResourceKind::StagedFiles), "{report:#?}");
}

#[tokio::test]
async fn files_that_cannot_be_listed_are_not_proved_to_be_gone() {
    let staging = Some("s3://our-bucket/staging/".to_owned());
    let (aws, deployment) = provisioned(DeploymentConfig { staging, ..config() }).await;
    aws.script("s3:ListBucket", ErrorKind::AccessDenied, 10);
    let plan = deployment.teardown_plan(Some(SnapshotDecision::Skip)).await.unwrap();
    let report = deployment.teardown(&plan).await.unwrap();
    assert!(!report.is_clean() && report.unproven[0].contains("s3://our-bucket/staging/"), "{report:#?}");
}

#[tokio::test]
async fn a_build_without_ec2_proves_it_where_no_group_of_ours_was_asked_for() {
    for (security_group_ids, clean) in [(vec!["sg-given".to_owned()], true), (Vec::new(), false)] {
        let services = Services { network: None, ..FakeAws::new().services() };
        let config = DeploymentConfig { security_group_ids, ..config() };
        let deployment = Deployment::new(config, services).unwrap();
        let plan = deployment.teardown_plan(None).await.unwrap();
        let report = deployment.teardown(&plan).await.unwrap();
        assert_eq!(report.is_clean(), clean, "{report:#?}");
        let said = if clean { &report.notes } else { &report.unproven };
        assert!(said.iter().any(|text| text.contains("security groups were not listed")), "{report:#?}");
    }
}

#[tokio::test]
async fn the_warehouse_and_groups_of_somebody_else_stay_as_they_are() {
    for (config, kinds) in [(full_config(), 5), (serverless_config(), 4)] {
        for tags in [Tags::new(), [(DEPLOYMENT_TAG.to_owned(), "another".to_owned())].into()] {
            let (aws, deployment) = provisioned(config.clone()).await;
            let apply = deployment.plan().await.unwrap();
            let teardown = deployment.teardown_plan(Some(SnapshotDecision::Skip)).await.unwrap();
            aws.edit(|world| {
                world.roles.values_mut().for_each(|found| found.tags = tags.clone());
                world.groups.values_mut().for_each(|found| found.tags = tags.clone());
                world.subnet_groups.values_mut().for_each(|found| found.tags = tags.clone());
                world.parameter_groups.values_mut().for_each(|found| found.tags = tags.clone());
                world.clusters.values_mut().for_each(|found| found.tags = tags.clone());
                world.namespaces.values_mut().for_each(|found| found.tags = tags.clone());
                world.workgroups.values_mut().for_each(|found| found.tags = tags.clone());
            });
            let before = aws.world();
            let changes = aws.inner().history.len();
            // With new plans, and with plans from when they were ours.
            let plan = deployment.plan().await.unwrap();
            assert_eq!(plan.conflicts().len(), kinds, "{plan:#?}");
            assert!(deployment.apply(&plan).await.is_err());
            assert!(deployment.apply(&apply).await.is_err());
            let _ = deployment.teardown(&teardown).await;
            let none = deployment.teardown_plan(None).await.unwrap();
            assert!(!none.has_changes(), "{none:#?}");
            assert!(deployment.teardown(&none).await.unwrap().deleted.is_empty());
            assert!(deployment.pause().await.is_err() && deployment.resume().await.is_err());
            assert_eq!(aws.world(), before);
            assert_eq!(aws.inner().history.len(), changes, "nothing was changed and changed back");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_deleted_is_left_and_named_with_the_reason() {
    let (aws, deployment) = provisioned(full_config()).await;
    let plan = deployment.teardown_plan(Some(SnapshotDecision::Skip)).await.unwrap();
    aws.script("iam:DeleteRole", ErrorKind::AccessDenied, 1);
    let report = deployment.teardown(&plan).await.unwrap();
    assert!(!report.is_clean());
    let left: Vec<_> = report.left.iter().map(|left| left.resource).collect();
    assert_eq!(left, [ResourceKind::Role]);
    assert!(report.left[0].note.contains("iam:DeleteRole"), "{}", report.left[0].note);
}

#[tokio::test]
async fn when_the_warehouse_stays_what_it_uses_is_not_tried() {
    let (aws, deployment) = provisioned(full_config()).await;
    let plan = deployment.teardown_plan(Some(SnapshotDecision::Skip)).await.unwrap();
    aws.script("redshift:DeleteCluster", ErrorKind::AccessDenied, 1);
    let report = deployment.teardown(&plan).await.unwrap();
    assert_eq!(report.left.len(), 5, "{report:#?}");
    assert_eq!(aws.count("ec2:DeleteSecurityGroup") + aws.count("iam:DeleteRole"), 0);
}

#[tokio::test]
async fn interfaces_that_are_never_released_end_at_a_deadline() {
    let (aws, deployment) = provisioned(config()).await;
    aws.inner().interface_refusals = u32::MAX;
    let plan = deployment.teardown_plan(Some(SnapshotDecision::Skip)).await.unwrap();
    let report = deployment.teardown(&plan).await.unwrap();
    assert_eq!(report.left.len(), 1);
    assert_eq!(report.left[0].resource, ResourceKind::SecurityGroup);
    assert!(report.left[0].note.contains("network interfaces"), "{}", report.left[0].note);
    assert!(aws.world().roles.is_empty(), "what does not depend on it goes");
}

#[tokio::test]
async fn what_carries_our_tag_under_another_name_is_found_and_not_deleted() {
    let (aws, deployment) = provisioned(config()).await;
    aws.edit(|world| {
        let mut restored = world.clusters.values().next().unwrap().clone();
        restored.id = "restored-by-hand".to_owned();
        restored.security_group_ids.clear();
        world.clusters.insert(restored.id.clone(), restored);
        let group = SecurityGroup {
            id: "sg-2".into(),
            name: "renamed".into(),
            vpc_id: "vpc-2".into(),
            ingress: vec![],
            tags: our_tags(),
        };
        world.groups.insert(group.id.clone(), group);
        let mut role = world.roles.values().next().unwrap().clone();
        role.name = "sparkify-other-us-west-2".to_owned();
        role.arn = "arn:aws:iam::123456789012:role/sparkify/sparkify-other-us-west-2".to_owned();
        world.roles.insert(role.name.clone(), role);
    });
    let plan = deployment.teardown_plan(Some(SnapshotDecision::Skip)).await.unwrap();
    let report = deployment.teardown(&plan).await.unwrap();
    let mut left: Vec<_> = report.left.iter().map(|left| left.name.as_str()).collect();
    left.sort_unstable();
    assert_eq!(left, ["renamed (sg-2)", "restored-by-hand", "sparkify-other-us-west-2"]);
    assert!(aws.world().clusters.contains_key("restored-by-hand"));
}

#[tokio::test]
async fn the_role_of_the_same_deployment_in_another_region_is_not_left_over() {
    let (aws, deployment) = provisioned(config()).await;
    aws.edit(|world| {
        let mut role = world.roles.values().next().unwrap().clone();
        role.name = "sparkify-nightly-eu-west-1".to_owned();
        role.arn = "arn:aws:iam::123456789012:role/sparkify/sparkify-nightly-eu-west-1".to_owned();
        world.roles.insert(role.name.clone(), role);
    });
    let plan = deployment.teardown_plan(Some(SnapshotDecision::Skip)).await.unwrap();
    assert!(deployment.teardown(&plan).await.unwrap().is_clean());
    assert_eq!(aws.world().roles.len(), 1);
}

#[tokio::test]
async fn what_cannot_be_listed_is_not_proved_to_be_gone() {
    let (aws, deployment) = provisioned(config()).await;
    let plan = deployment.teardown_plan(Some(SnapshotDecision::Skip)).await.unwrap();
    aws.script("redshift:DescribeTags", ErrorKind::AccessDenied, 100);
    let report = deployment.teardown(&plan).await.unwrap();
    assert!(report.left.is_empty() && !report.is_clean());
    assert!(report.unproven[0].contains("redshift:DescribeTags"), "{:?}", report.unproven);
}

#[tokio::test]
async fn lists_that_lag_behind_are_looked_at_again() {
    let (_, deployment) = provisioned(config()).await;
    let plan = deployment.teardown_plan(Some(SnapshotDecision::Skip)).await.unwrap();
    assert!(deployment.teardown(&plan).await.unwrap().is_clean());
    let mut network = MockNetwork::new();
    let mut looks = 0;
    network.expect_security_groups_named().returning(|_| Ok(Vec::new()));
    network.expect_security_groups_tagged().returning(move |_, _| {
        looks += 1;
        let ghost = SecurityGroup {
            id: "sg-1".into(),
            name: "ghost".into(),
            vpc_id: "vpc".into(),
            ingress: vec![],
            tags: our_tags(),
        };
        Ok(if looks < 4 { vec![ghost] } else { Vec::new() })
    });
    let services = Services { network: Some(std::sync::Arc::new(network)), ..FakeAws::new().services() };
    let deployment = Deployment::new(config(), services).unwrap();
    let plan = deployment.teardown_plan(None).await.unwrap();
    assert!(deployment.teardown(&plan).await.unwrap().is_clean());
}

#[tokio::test]
async fn a_service_that_is_not_used_and_cannot_be_asked_is_a_note() {
    let (aws, deployment) = provisioned(config()).await;
    aws.script("redshift-serverless:GetWorkgroup", ErrorKind::Unsupported, 100);
    let plan = deployment.teardown_plan(Some(SnapshotDecision::Skip)).await.unwrap();
    assert!(plan.notes.iter().any(|note| note.contains("does not use it")));
    let report = deployment.teardown(&plan).await.unwrap();
    assert!(report.is_clean(), "{report:#?}");

    let serverless = DeploymentConfig { kind: crate::Kind::Serverless, ..config() };
    aws.deployment(serverless).teardown_plan(None).await.unwrap_err();
}

#[tokio::test]
async fn a_service_that_refuses_or_does_not_answer_is_not_proved_to_be_empty() {
    for kind in [ErrorKind::AccessDenied, ErrorKind::Unavailable] {
        for operation in [
            "redshift-serverless:GetWorkgroup",
            "redshift-serverless:GetNamespace",
            "redshift-serverless:ListWorkgroups",
            "redshift-serverless:ListSnapshots",
            "redshift:DescribeClusterSnapshots",
            "secretsmanager:ListSecrets",
            "iam:ListRoles",
        ] {
            let (aws, deployment) = provisioned(config()).await;
            aws.script(operation, kind, 1_000);
            let plan = deployment.teardown_plan(Some(SnapshotDecision::Skip)).await.unwrap();
            let report = deployment.teardown(&plan).await.unwrap();
            assert!(aws.world().clusters.is_empty(), "{operation} {kind:?}: what can go goes");
            assert!(report.left.is_empty() && !report.is_clean(), "{operation} {kind:?}: {report:#?}");
            assert!(report.unproven[0].contains(operation), "{operation} {kind:?}: {:?}", report.unproven);
        }
    }
}

#[tokio::test]
async fn a_cluster_that_appears_after_the_plan_is_not_deleted() {
    let aws = FakeAws::new();
    let deployment = aws.deployment(config());
    let empty = deployment.teardown_plan(None).await.unwrap();
    deployment.apply(&deployment.plan().await.unwrap()).await.unwrap();
    let error = deployment.teardown(&empty).await.unwrap_err();
    assert!(matches!(error, Error::Stale { .. }), "{error}");
    assert_eq!(aws.world().clusters.len(), 1);
}

#[tokio::test]
async fn a_resource_that_loses_our_tag_after_the_plan_stays() {
    let (aws, deployment) = provisioned(config()).await;
    let plan = deployment.teardown_plan(Some(SnapshotDecision::Skip)).await.unwrap();
    aws.edit(|world| world.clusters.values_mut().next().unwrap().tags.clear());
    let report = deployment.teardown(&plan).await.unwrap();
    assert_eq!(aws.world().clusters.len(), 1);
    assert!(!report.is_clean());
}
