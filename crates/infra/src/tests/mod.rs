//! The operations on a deployment, against AWS in memory.

mod apply;
mod doctor;
mod interrupted;
mod pause;
mod plan;
mod probe;
mod resolve;
mod secrets;
mod serverless;
mod status;
mod teardown;

use crate::{
    Deployment, DeploymentConfig,
    config::DEPLOYMENT_TAG,
    fake::FakeAws,
    plan::{Action, Plan, ResourceKind, Step},
    services::Tags,
};

/// Everything that a cluster can have.
fn full_config() -> DeploymentConfig {
    DeploymentConfig {
        publicly_accessible: true,
        subnet_ids: vec!["subnet-a".to_owned(), "subnet-b".to_owned()],
        parameters: [("statement_timeout".to_owned(), "600000".to_owned())].into(),
        staging: Some("s3://our-bucket/staging/".to_owned()),
        tags: [("team".to_owned(), "data".to_owned())].into(),
        ..DeploymentConfig::named("nightly")
    }
}

fn config() -> DeploymentConfig {
    DeploymentConfig { publicly_accessible: true, ..DeploymentConfig::named("nightly") }
}

fn our_tags() -> Tags {
    [(DEPLOYMENT_TAG.to_owned(), "nightly".to_owned())].into()
}

/// A deployment that is all there.
async fn provisioned(config: DeploymentConfig) -> (FakeAws, Deployment) {
    let aws = FakeAws::new();
    let deployment = aws.deployment(config);
    let plan = deployment.plan().await.unwrap();
    deployment.apply(&plan).await.unwrap();
    (aws, deployment)
}

fn actions(plan: &Plan) -> Vec<(ResourceKind, Action)> {
    plan.steps.iter().map(|step| (step.resource, step.action)).collect()
}

fn step(plan: &Plan, kind: ResourceKind) -> &Step {
    plan.steps.iter().find(|step| step.resource == kind).unwrap()
}

fn attributes(step: &Step) -> Vec<&str> {
    step.differences.iter().map(|difference| difference.attribute.as_str()).collect()
}
