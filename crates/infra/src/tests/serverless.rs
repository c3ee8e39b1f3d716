//! Redshift Serverless.

use super::*;
use crate::{
    Kind,
    config::{BreachAction, Period, UsageLimit},
    services::*,
    teardown::SnapshotDecision,
};

fn config() -> DeploymentConfig {
    DeploymentConfig {
        kind: Kind::Serverless,
        publicly_accessible: true,
        ..DeploymentConfig::named("nightly")
    }
}

#[tokio::test]
async fn namespace_workgroup_and_limit_are_made_in_order() {
    let aws = FakeAws::new();
    let deployment = aws.deployment(config());
    let plan = deployment.plan().await.unwrap();
    let kinds: Vec<_> = plan.steps.iter().map(|step| step.resource).collect();
    use ResourceKind::*;
    assert_eq!(kinds, [Role, SecurityGroup, Namespace, Workgroup, UsageLimit]);
    let applied = deployment.apply(&plan).await.unwrap();
    assert_eq!(
        applied.outputs.endpoint.unwrap().host,
        "sparkify-nightly.123456789012.us-west-2.redshift-serverless.amazonaws.com"
    );
    assert_eq!(applied.outputs.database, "sparkify");
    assert!(applied.outputs.role_arn.is_some());
    let world = aws.world();
    assert_eq!(world.workgroups.values().next().unwrap().base_capacity, Some(4), "not AWS's default of 128");
    assert_eq!(world.limits.len(), 1);
    assert!(world.roles.values().all(|role| role.trust.contains("redshift-serverless.amazonaws.com")));
    assert!(!deployment.plan().await.unwrap().has_changes());
}

#[tokio::test]
async fn drift_is_changed_one_request_at_a_time() {
    let (aws, deployment) = provisioned(config()).await;
    let wanted = aws.world();
    aws.edit(|world| {
        let workgroup = world.workgroups.values_mut().next().unwrap();
        workgroup.base_capacity = Some(128);
        workgroup.publicly_accessible = false;
        workgroup.security_group_ids.clear();
        world.namespaces.values_mut().next().unwrap().roles.clear();
        world.limits[0].1.limit.rpu_hours = 100_000;
    });
    let plan = deployment.plan().await.unwrap();
    assert_eq!(
        attributes(step(&plan, ResourceKind::Workgroup)),
        ["base capacity", "publicly accessible", "security groups"]
    );
    assert_eq!(attributes(step(&plan, ResourceKind::Namespace)), ["role"]);
    assert_eq!(step(&plan, ResourceKind::UsageLimit).action, Action::Change);
    deployment.apply(&plan).await.unwrap();
    assert_eq!(aws.world(), wanted);
    assert_eq!(aws.count("redshift-serverless:UpdateWorkgroup"), 3);
}

#[tokio::test]
async fn a_limit_of_another_period_is_shown_and_left() {
    let (aws, deployment) = provisioned(config()).await;
    aws.edit(|world| {
        let arn = world.limits[0].0.clone();
        let limit = UsageLimit { rpu_hours: 5, period: Period::Daily, on_breach: BreachAction::Log };
        world.limits.push((arn, ExistingUsageLimit { id: "theirs".into(), limit }));
    });
    let plan = deployment.plan().await.unwrap();
    assert!(!plan.has_changes());
    assert_eq!(attributes(step(&plan, ResourceKind::UsageLimit)), ["further limit"]);
}

#[tokio::test]
async fn three_zones_with_free_addresses_are_needed() {
    let mut network = MockNetwork::new();
    network.expect_default_vpc().returning(|| Ok(Some("vpc-1".to_owned())));
    network.expect_subnets_of().returning(|_| {
        let subnet = |zone: &str, free_addresses| Subnet {
            id: format!("subnet-{zone}"),
            vpc_id: "vpc-1".into(),
            zone: zone.into(),
            free_addresses,
        };
        Ok(vec![subnet("a", 9), subnet("b", 9), subnet("b", 9), subnet("c", 0)])
    });
    let services = Services { network: Some(std::sync::Arc::new(network)), ..FakeAws::new().services() };
    let error = Deployment::new(config(), services).unwrap().plan().await.unwrap_err();
    assert!(error.to_string().contains("three availability zones, and has 2"), "{error}");
}

#[tokio::test]
async fn the_workgroup_goes_before_the_namespace() {
    let (aws, deployment) = provisioned(config()).await;
    let plan = deployment.teardown_plan(Some(SnapshotDecision::Skip)).await.unwrap();
    let kinds: Vec<_> = plan.steps.iter().map(|step| step.resource).collect();
    use ResourceKind::*;
    assert_eq!(kinds, [Workgroup, Namespace, SecurityGroup, Role]);
    let report = deployment.teardown(&plan).await.unwrap();
    assert!(report.is_clean(), "{report:#?}");
    let world = aws.world();
    assert!(world.workgroups.is_empty() && world.namespaces.is_empty() && world.limits.is_empty());
}

#[tokio::test]
async fn there_is_nothing_to_pause() {
    let (_, deployment) = provisioned(config()).await;
    let error = deployment.pause().await.unwrap_err();
    assert!(error.hint().unwrap().contains("costs only while queries run"), "{error}");
}

#[tokio::test]
async fn a_limit_that_is_already_there_is_read_and_set_right() {
    let theirs = UsageLimit { rpu_hours: 5_000, period: Period::Monthly, on_breach: BreachAction::Log };
    for (found, changed) in [(config().usage_limit.unwrap(), 0_usize), (theirs, 1)] {
        let (aws, _) = provisioned(config()).await;
        let arn = aws.world().workgroups.values().next().unwrap().arn.clone();
        let mut serverless = MockServerless::new();
        let mut reads = 0;
        serverless.expect_usage_limits().returning(move |_| {
            reads += 1;
            // It is not visible at once.
            let limit = ExistingUsageLimit { id: "there".to_owned(), limit: found };
            Ok(if reads < 3 { Vec::new() } else { vec![limit] })
        });
        serverless.expect_create_usage_limit().times(1).returning(|_, _| {
            Err(ServiceError::new(ErrorKind::AlreadyExists, "redshift-serverless:CreateUsageLimit", "there"))
        });
        serverless
            .expect_modify_usage_limit()
            .times(changed)
            .withf(|id, limit| id == "there" && Some(*limit) == config().usage_limit)
            .returning(|_, _| Ok(()));
        let services = Services { serverless: std::sync::Arc::new(serverless), ..aws.services() };
        let deployment = Deployment::new(config(), services).unwrap();
        deployment.set_usage_limit(&arn, config().usage_limit.unwrap()).await.unwrap();
    }
}
