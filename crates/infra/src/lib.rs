//! The AWS resources of a deployment: plan, apply, status, teardown.
//!
//! A [`Deployment`] compares what is wanted ([`DeploymentConfig`]) with what AWS says is there, by name and tag;
//! there is no state file. [`Deployment::plan`] says what differs and what it costs, [`Deployment::apply`] makes
//! it so, [`Deployment::teardown`] takes it away and proves that nothing is left. Each can be stopped at any
//! moment and run again.
//!
//! ```no_run
//! use sparkify_infra::{ConnectOptions, Deployment, DeploymentConfig, Services};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let config = DeploymentConfig::named("nightly");
//! let services = Services::connect(&ConnectOptions::default()).await?;
//! let deployment = Deployment::new(config, services)?;
//! let plan = deployment.plan().await?;
//! for step in &plan.steps {
//!     println!("{} {} {}", step.action, step.resource, step.name);
//! }
//! let applied = deployment.apply(&plan).await?;
//! println!("{:?}", applied.outputs.endpoint);
//! # Ok(())
//! # }
//! ```
//!
//! Invariants: a resource without the tag `sparkify:deployment=<name>` is never changed or deleted; no password
//! is stored, printed or logged; everything that waits has a deadline.

mod apply;
pub mod aws;
pub mod config;
pub mod cost;
mod deployment;
pub mod doctor;
mod error;
pub mod events;
mod network;
pub mod outputs;
mod outputs_of;
mod pace;
pub mod plan;
pub mod policy;
mod probe;
mod readiness;
mod resources;
mod secret;
pub mod services;
pub mod status;
mod status_of;
mod surroundings;
pub mod teardown;
pub mod timing;
mod validate;

pub use aws::ConnectOptions;
pub use config::{DeploymentConfig, FinalSnapshotPolicy, Kind};
pub use deployment::{Applied, Deployment};
pub use error::{ConfigError, Error, Result};
pub use events::{Event, Observer};
pub use secret::Secret;
pub use services::Services;
pub use timing::Timing;

#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;
