//! How a deployment is.

use super::*;
use crate::{services::*, status::State};

#[tokio::test]
async fn a_ready_cluster_has_endpoint_size_age_and_cost() {
    let (_, deployment) = provisioned(config()).await;
    let status = deployment.status().await.unwrap();
    assert_eq!(status.state, State::Ready);
    assert!(status.outputs.unwrap().endpoint.is_some());
    assert_eq!(status.size.as_deref(), Some("1 × ra3.large"));
    assert_eq!(status.created_at.as_deref(), Some("2026-11-24T06:00:00Z"));
    let hours = f64::from(u32::try_from(status.age_seconds.unwrap()).unwrap()) / 3600.0;
    assert!(hours > 4.6 && hours < 5.0, "{hours}");
    assert!((status.accrued_usd_at_most.unwrap() - hours * 0.543).abs() < 0.01);
    assert!(status.drift.is_empty(), "{:#?}", status.drift);
}

#[tokio::test]
async fn each_state_has_a_word_and_what_to_do() {
    for (found, state) in [
        ("available", State::Ready),
        ("available, prep-for-resize", State::Ready),
        ("modifying", State::Pending),
        ("rebooting", State::Pending),
        ("whatever-comes", State::Pending),
        ("paused", State::Paused),
        ("deleting", State::Deleting),
        ("final-snapshot", State::Deleting),
        ("incompatible-network", State::Stuck),
        ("storage-full", State::Stuck),
    ] {
        let (aws, deployment) = provisioned(config()).await;
        aws.edit(|world| world.clusters.values_mut().next().unwrap().status = found.to_owned());
        let status = deployment.status().await.unwrap();
        assert_eq!(status.state, state, "{found}");
        assert_eq!(status.remedy.is_some(), matches!(state, State::Paused | State::Stuck), "{found}");
    }
}

#[tokio::test]
async fn nothing_half_of_it_and_somebody_elses_are_told_apart() {
    let aws = FakeAws::new();
    let deployment = aws.deployment(config());
    assert_eq!(deployment.status().await.unwrap().state, State::Absent);
    let around = deployment.surroundings(crate::surroundings::Need::Required).await.unwrap();
    deployment.create_role(&around).await.unwrap();
    let status = deployment.status().await.unwrap();
    assert_eq!(status.state, State::Incomplete);
    assert!(status.detail.contains("only role sparkify-nightly-us-west-2"), "{}", status.detail);
    aws.edit(|world| world.roles.values_mut().next().unwrap().tags.clear());
    assert_eq!(deployment.status().await.unwrap().state, State::Absent, "what is not ours is not there");
}

#[tokio::test]
async fn a_warehouse_without_our_role_in_force_is_not_ready() {
    let serverless = DeploymentConfig { kind: crate::Kind::Serverless, ..config() };
    for config in [config(), serverless] {
        for roles in [
            Vec::new(),
            vec![AttachedRole { arn: "arn:aws:iam::1:role/spectrum".into(), status: "in-sync".into() }],
        ] {
            let (aws, deployment) = provisioned(config.clone()).await;
            aws.edit(|world| {
                world.clusters.values_mut().for_each(|found| found.roles.clone_from(&roles));
                world.namespaces.values_mut().for_each(|found| found.roles.clone_from(&roles));
            });
            let status = deployment.status().await.unwrap();
            assert_eq!(status.state, State::Pending, "{roles:?}");
            assert!(
                status.detail.ends_with("role sparkify-nightly-us-west-2 not attached"),
                "{}",
                status.detail
            );
            assert!(status.remedy.unwrap().contains("provision"));
        }
    }
}

#[tokio::test]
async fn drift_is_shown() {
    let (aws, deployment) = provisioned(config()).await;
    aws.edit(|world| {
        world.clusters.values_mut().next().unwrap().nodes = 2;
        world.groups.clear();
    });
    let status = deployment.status().await.unwrap();
    let drift: Vec<_> = status.drift.iter().map(|step| (step.resource, step.action)).collect();
    use ResourceKind::*;
    assert_eq!(drift, [(SecurityGroup, Action::Create), (Cluster, Action::Change)]);
    assert_eq!(status.cost.usd_per_hour, Some(1.086), "of what is there, not of what is configured");
}

#[tokio::test]
async fn status_needs_neither_the_callers_address_nor_a_default_vpc() {
    let (aws, _) = provisioned(config()).await;
    let mut address = MockAddressFinder::new();
    address.expect_address().returning(|| Err("no route".to_owned()));
    let services = Services { address: std::sync::Arc::new(address), network: None, ..aws.services() };
    let status = Deployment::new(config(), services).unwrap().status().await.unwrap();
    assert_eq!(status.state, State::Ready);
    assert!(status.drift.is_empty(), "what cannot be known is no drift: {:?}", status.drift);
    assert!(status.notes.iter().any(|note| note.contains("address of this machine")), "{:?}", status.notes);
}

#[tokio::test]
async fn serverless_accrues_by_use_and_at_most_its_limit() {
    let config = DeploymentConfig { kind: crate::Kind::Serverless, ..config() };
    let (_, deployment) = provisioned(config).await;
    let status = deployment.status().await.unwrap();
    assert_eq!(status.state, State::Ready);
    assert_eq!(status.accrued_usd_at_most, Some(75.0), "its limit for the two months that may have begun");
    assert_eq!(status.size.as_deref(), Some("4 RPUs"));
}
