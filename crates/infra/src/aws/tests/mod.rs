//! The real SDK clients with scripted answers, for what no local double has.

mod cluster_life;
mod errors;
mod reads;
mod requests;
mod script;
mod serverless;
mod silence;

pub(super) use script::{Reply, Script};

use crate::{Deployment, DeploymentConfig, Services};

fn config() -> DeploymentConfig {
    DeploymentConfig {
        publicly_accessible: true,
        allow_cidr: vec!["203.0.113.7/32".to_owned()],
        security_group_ids: vec!["sg-1".to_owned()],
        subnet_group: Some("given".to_owned()),
        ..DeploymentConfig::named("nightly")
    }
}

/// Services whose time passes only by waiting, so that no test takes as long as AWS does.
fn services(script: &Script) -> Services {
    let services = script.services();
    Services { clock: std::sync::Arc::new(crate::fake::FakeClock::default()), ..services }
}

fn deployment(script: &Script) -> Deployment {
    Deployment::new(config(), services(script)).unwrap()
}
