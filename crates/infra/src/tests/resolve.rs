//! Finding a deployment by its name, and credentials for it.

use super::*;
use crate::{Error, Kind, outputs::Login, services::*};

#[tokio::test]
async fn a_name_is_enough_to_find_a_deployment_and_log_in() {
    let (aws, _) = provisioned(config()).await;
    let stranger =
        aws.deployment(DeploymentConfig { admin_user: "other".into(), ..DeploymentConfig::named("nightly") });
    let outputs = stranger.resolve().await.unwrap();
    assert_eq!((outputs.kind, outputs.database.as_str()), (Kind::Cluster, "sparkify"));
    let credentials = stranger.credentials(&outputs, Login::Admin).await.unwrap();
    assert_eq!(credentials.user, "IAM:sparkify_admin", "verbatim, and of the cluster's own administrator");
    let credentials = stranger.credentials(&outputs, Login::Caller).await.unwrap();
    assert_eq!(credentials.user, "IAM:engineer");
    assert_eq!(aws.count("redshift:GetClusterCredentialsWithIAM"), 1);
}

#[tokio::test]
async fn serverless_is_found_as_well_whatever_the_configuration_says() {
    let (aws, _) = provisioned(DeploymentConfig { kind: Kind::Serverless, ..config() }).await;
    let stranger = aws.deployment(DeploymentConfig::named("nightly"));
    let outputs = stranger.resolve().await.unwrap();
    assert_eq!(outputs.kind, Kind::Serverless);
    stranger.credentials(&outputs, Login::Admin).await.unwrap();
    assert_eq!(aws.count("redshift-serverless:GetCredentials"), 1);
}

#[tokio::test]
async fn what_is_not_there_or_not_ours_is_not_found() {
    let (aws, deployment) = provisioned(config()).await;
    aws.script("redshift-serverless:GetWorkgroup", ErrorKind::Unsupported, 10);
    deployment.resolve().await.unwrap();
    aws.edit(|world| world.clusters.values_mut().next().unwrap().tags.clear());
    let error = deployment.resolve().await.unwrap_err();
    assert!(matches!(error, Error::NoDeployment { .. }), "{error}");
    assert!(error.hint().unwrap().contains("provision"));
}
