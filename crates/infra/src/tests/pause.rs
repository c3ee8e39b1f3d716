//! Pausing and resuming.

use super::*;
use crate::{Error, services::*};

#[tokio::test]
async fn a_cluster_is_paused_and_resumed_and_each_can_be_repeated() {
    let (aws, deployment) = provisioned(config()).await;
    assert_eq!(deployment.pause().await.unwrap().state, "paused");
    assert_eq!(deployment.pause().await.unwrap().state, "paused");
    assert_eq!(aws.count("redshift:PauseCluster"), 1);
    assert_eq!(deployment.resume().await.unwrap().state, "available");
    assert_eq!(deployment.resume().await.unwrap().state, "available");
    assert_eq!(aws.count("redshift:ResumeCluster"), 1);
}

#[tokio::test]
async fn an_answer_that_is_lost_does_not_matter() {
    for cut in [crate::fake::Cut::Before, crate::fake::Cut::After] {
        let (aws, deployment) = provisioned(config()).await;
        let next = aws.calls().len() + 1;
        aws.cut_at(next, cut);
        deployment.pause().await.unwrap_err();
        aws.heal();
        assert_eq!(deployment.pause().await.unwrap().state, "paused", "{cut:?}");
    }
}

#[tokio::test]
async fn a_busy_cluster_is_waited_for() {
    let (aws, deployment) = provisioned(config()).await;
    let change = ClusterChange { snapshot_retention_days: Some(3), ..ClusterChange::default() };
    deployment.services.clusters.modify_cluster("sparkify-nightly", &change).await.unwrap();
    assert_eq!(deployment.pause().await.unwrap().state, "paused");
    assert!(aws.count("redshift:PauseCluster") > 1);
}

#[tokio::test]
async fn no_capacity_to_resume_is_said_with_what_to_do() {
    let (aws, deployment) = provisioned(config()).await;
    deployment.pause().await.unwrap();
    aws.script("redshift:ResumeCluster", ErrorKind::Capacity, 1);
    let error = deployment.resume().await.unwrap_err();
    assert_eq!(error.service().unwrap().kind, ErrorKind::Capacity);
    assert!(error.hint().is_some());
}

#[tokio::test]
async fn only_our_own_cluster_is_paused() {
    let (aws, deployment) = provisioned(config()).await;
    aws.edit(|world| world.clusters.values_mut().next().unwrap().tags.clear());
    assert!(matches!(deployment.pause().await.unwrap_err(), Error::Conflict { .. }));
    aws.edit(|world| world.clusters.clear());
    assert!(matches!(deployment.pause().await.unwrap_err(), Error::NoDeployment { .. }));
}
