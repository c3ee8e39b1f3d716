//! Interrupted at every call, and run again: the same end.

use super::*;
use crate::{
    fake::{Cut, World},
    teardown::SnapshotDecision,
};

fn serverless_config() -> DeploymentConfig {
    DeploymentConfig {
        kind: crate::Kind::Serverless,
        publicly_accessible: true,
        ..DeploymentConfig::named("nightly")
    }
}

/// What time adds to a world does not matter.
fn comparable(mut world: World) -> World {
    world.snapshots.iter_mut().for_each(|snapshot| snapshot.name.clear());
    world
}

async fn provision(aws: &FakeAws, config: DeploymentConfig) -> Result<(), crate::Error> {
    let deployment = aws.deployment(config);
    let plan = deployment.plan().await?;
    deployment.apply(&plan).await.map(|_| ())
}

async fn interrupted_at_each_call(config: DeploymentConfig) {
    let whole = FakeAws::new();
    provision(&whole, config.clone()).await.unwrap();
    let (calls, end) = (whole.calls().len(), whole.world());
    for cut in [Cut::Before, Cut::After] {
        for call in 0..calls {
            let aws = FakeAws::new();
            aws.cut_at(call, cut);
            provision(&aws, config.clone()).await.unwrap_err();
            aws.heal();
            provision(&aws, config.clone()).await.unwrap_or_else(|error| panic!("{cut:?} {call}: {error}"));
            assert_eq!(aws.world(), end, "{cut:?} call {call} of {calls}");
            assert!(!aws.deployment(config.clone()).plan().await.unwrap().has_changes());
        }
    }
}

#[tokio::test]
async fn a_cluster_whose_making_is_interrupted_at_any_call_is_finished_by_the_next_run() {
    interrupted_at_each_call(full_config()).await;
}

#[tokio::test]
async fn serverless_whose_making_is_interrupted_at_any_call_is_finished_by_the_next_run() {
    interrupted_at_each_call(serverless_config()).await;
}

#[tokio::test]
async fn after_each_step_the_plan_has_only_the_rest() {
    for config in [full_config(), serverless_config()] {
        let whole = FakeAws::new();
        provision(&whole, config.clone()).await.unwrap();
        let history = whole.inner().history.clone();
        let end = whole.world();
        assert!(history.len() >= 6, "{}", history.len());
        let mut left_before = usize::MAX;
        for (number, world) in history.into_iter().enumerate() {
            let aws = FakeAws::with_world(world);
            // What was pending goes on.
            let keys: Vec<_> = {
                let world = aws.world();
                let clusters = world.clusters.keys().map(|name| format!("cluster {name}"));
                let namespaces = world.namespaces.keys().map(|name| format!("namespace {name}"));
                let workgroups = world.workgroups.keys().map(|name| format!("workgroup {name}"));
                clusters.chain(namespaces).chain(workgroups).collect()
            };
            keys.into_iter().for_each(|key| aws.inner().begin(key));
            let deployment = aws.deployment(config.clone());
            let plan = deployment.plan().await.unwrap();
            let left = plan.steps.iter().filter(|step| step.action != Action::Keep).count();
            let creations: Vec<_> = plan.steps.iter().filter(|step| step.action == Action::Create).collect();
            assert!(left <= left_before, "step {number} adds nothing to do");
            left_before = left;
            for step in creations {
                let world = aws.world();
                let there = match step.resource {
                    ResourceKind::Role => world.roles.len(),
                    ResourceKind::SecurityGroup => world.groups.len(),
                    ResourceKind::SubnetGroup => world.subnet_groups.len(),
                    ResourceKind::ParameterGroup => world.parameter_groups.len(),
                    ResourceKind::Cluster => world.clusters.len(),
                    ResourceKind::Namespace => world.namespaces.len(),
                    ResourceKind::Workgroup => world.workgroups.len(),
                    _ => world.limits.len(),
                };
                assert_eq!(there, 0, "{} is there and not made again", step.resource);
            }
            deployment.apply(&plan).await.unwrap();
            assert_eq!(aws.world(), end, "from step {number}");
        }
        assert_eq!(left_before, 0);
    }
}

async fn tear_down(aws: &FakeAws, config: DeploymentConfig, take: bool) -> Result<bool, crate::Error> {
    let deployment = aws.deployment(config);
    let decision = if take { deployment.final_snapshot() } else { SnapshotDecision::Skip };
    let plan = deployment.teardown_plan(Some(decision)).await?;
    deployment.teardown(&plan).await.map(|report| report.is_clean())
}

async fn teardown_interrupted_at_each_call(config: DeploymentConfig, take: bool) {
    let (whole, _) = provisioned(config.clone()).await;
    let before = whole.calls().len();
    let start = whole.world();
    assert!(tear_down(&whole, config.clone(), take).await.unwrap());
    let (calls, end) = (whole.calls().len() - before, comparable(whole.world()));
    for cut in [Cut::Before, Cut::After] {
        for call in 0..calls {
            let aws = FakeAws::with_world(start.clone());
            aws.cut_at(call, cut);
            let first = tear_down(&aws, config.clone(), take).await;
            assert!(!matches!(first, Ok(true)), "{cut:?} {call}: an interrupted run proves nothing");
            aws.heal();
            assert!(tear_down(&aws, config.clone(), take).await.unwrap(), "{cut:?} {call}");
            assert_eq!(comparable(aws.world()), end, "{cut:?} call {call} of {calls}");
        }
    }
}

#[tokio::test]
async fn a_teardown_that_is_interrupted_at_any_call_is_finished_by_the_next_run() {
    teardown_interrupted_at_each_call(full_config(), false).await;
}

#[tokio::test]
async fn a_teardown_with_a_snapshot_that_is_interrupted_takes_one_snapshot() {
    teardown_interrupted_at_each_call(config(), true).await;
}

#[tokio::test]
async fn a_teardown_of_serverless_that_is_interrupted_is_finished_by_the_next_run() {
    teardown_interrupted_at_each_call(serverless_config(), true).await;
}
