//! Whether this machine can use the database: name, connection, TLS, login.

use std::{future::Future, time::Duration};

use crate::{
    deployment::Deployment,
    events::Event,
    outputs::{Login, Outputs, Probe},
    pace::jittered,
    plan::ResourceKind,
    services::{Endpoint, ProbeError, Prober},
};

/// How often a login is tried. Redshift locks a user after five failures.
const LOGINS: u32 = 3;

/// The steps, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProbeStep {
    Dns,
    Tcp,
    Tls,
    Credentials,
    Login,
}

impl ProbeStep {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Credentials => "credentials",
            Self::Login => "login",
        }
    }

    /// What to do when it fails.
    pub(crate) fn remedy(self, publicly_accessible: bool) -> &'static str {
        match self {
            Self::Dns => {
                "the name of a new endpoint can take some minutes; within a VPC, enable its DNS support and host names"
            }
            Self::Tcp if publicly_accessible => {
                "check that the security group lets the address of this machine in (`sparkify-cli provision` sets it), \
                 that the subnets have a route to an internet gateway, and that no firewall here blocks the port"
            }
            Self::Tcp => {
                "the warehouse has no public address: set publicly_accessible = true and provision again, or connect \
                 from within its network (a tunnel, a VPN, an instance)"
            }
            Self::Tls => {
                "something between here and the warehouse answers in its place, or the certificates of this machine are \
                 out of date"
            }
            Self::Credentials => {
                "the caller needs redshift:GetClusterCredentials (Serverless: redshift-serverless:GetCredentials); see \
                 docs/aws-permissions.json"
            }
            Self::Login => {
                "check that the administrator and the database of the configuration are those of the warehouse"
            }
        }
    }
}

/// Runs one attempt with a time limit.
pub(crate) async fn limited<T>(
    limit: Duration,
    attempt: impl Future<Output = Result<T, ProbeError>>,
) -> Result<T, ProbeError> {
    match tokio::time::timeout(limit, attempt).await {
        Ok(result) => result,
        Err(_) => Err(ProbeError::passing(format!("no answer within {}", humantime::format_duration(limit)))),
    }
}

impl Deployment {
    /// Tries the endpoint until it works or the deadline passes.
    pub(crate) async fn probe(&self, outputs: &Outputs) -> Probe {
        let Some(prober) = &self.services.prober else {
            return Probe::Skipped { reason: "this program was not given a way to connect".to_owned() };
        };
        let Some(endpoint) = &outputs.endpoint else {
            return Probe::Skipped { reason: "there is no endpoint".to_owned() };
        };
        let clock = &self.services.clock;
        let started = clock.monotonic();
        let public = self.config.publicly_accessible;
        let mut pause = self.timing.retry_pause;
        let mut logins = 0;
        loop {
            let (step, error) = match self.probe_once(prober.as_ref(), endpoint, outputs).await {
                Ok(()) => return Probe::Passed,
                Err(failed) => failed,
            };
            logins += u32::from(step == ProbeStep::Login);
            let elapsed = clock.monotonic().saturating_sub(started);
            // Without a public address it is reached at once or not at all.
            let reached = !matches!(step, ProbeStep::Dns | ProbeStep::Tcp);
            let deadline = if public || reached { self.timing.probe_deadline } else { Duration::ZERO };
            if !error.retry || elapsed >= deadline || logins >= LOGINS {
                let remedy = error.remedy.unwrap_or_else(|| step.remedy(public).to_owned());
                let (step, fatal) = (step.name().to_owned(), public || reached);
                return Probe::Failed { step, reason: error.reason, remedy, fatal };
            }
            let left = deadline - elapsed;
            let this = jittered(pause).min(left);
            self.observer.event(&Event::Retrying {
                resource: ResourceKind::Cluster,
                name: outputs.warehouse.clone(),
                reason: format!("{}: {}", step.name(), error.reason),
                pause: this,
                left,
            });
            clock.sleep(this).await;
            pause = (pause * 2).min(self.timing.poll_max);
        }
    }

    async fn probe_once(
        &self,
        prober: &dyn Prober,
        endpoint: &Endpoint,
        outputs: &Outputs,
    ) -> Result<(), (ProbeStep, ProbeError)> {
        let limit = self.timing.connect_timeout;
        limited(limit, prober.dns(endpoint)).await.map_err(|error| (ProbeStep::Dns, error))?;
        limited(limit, prober.tcp(endpoint)).await.map_err(|error| (ProbeStep::Tcp, error))?;
        limited(limit, prober.tls(endpoint)).await.map_err(|error| (ProbeStep::Tls, error))?;
        let credentials = self.log_in(outputs, Login::Admin).await.map_err(|error| {
            let reason = error.service().map_or_else(|| error.to_string(), ToString::to_string);
            let retry = error.service().is_some_and(crate::services::ServiceError::is_transient);
            (ProbeStep::Credentials, ProbeError { reason, remedy: error.hint(), retry })
        })?;
        // Logging in may wake up Serverless, which takes longer than a connection.
        limited(limit * 4, prober.login(endpoint, &outputs.database, &credentials))
            .await
            .map_err(|error| (ProbeStep::Login, error))
    }
}
