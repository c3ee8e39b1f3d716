//! The steps between here and a query: each needs the one before.

use std::time::Duration;

use crate::{
    config::Kind,
    deployment::Deployment,
    doctor::{
        Check, Outcome,
        examine::CHECK_NETWORK,
        finding::{Finding, one_line},
    },
    outputs::{Login, Outputs},
    probe::{ProbeStep, limited},
    readiness::{self, Readiness},
    services::ProbeError,
};

impl Deployment {
    /// Everything between here and a query: each needs the one before.
    pub(super) async fn examine_connection(&self, limit: Duration) -> Vec<Check> {
        let started = self.services.clock.monotonic();
        let mut outputs = None;
        let warehouse = self.timed("warehouse", limit, CHECK_NETWORK, async {
            let (finding, found) = self.check_warehouse().await;
            outputs = found;
            finding
        });
        let mut checks = vec![warehouse.await];
        let access = match &outputs {
            Some(outputs) => self.timed("access", limit / 2, CHECK_NETWORK, self.check_access(outputs)).await,
            None => self.check("access", Finding::skipped("there is no endpoint to reach"), started),
        };
        checks.push(access);
        checks.extend(self.examine_endpoint(outputs.as_ref(), started).await);
        checks
    }

    async fn check_warehouse(&self) -> (Finding, Option<Outputs>) {
        let outputs = match self.find().await {
            Ok(outputs) => outputs,
            Err(error) => return (Finding::error(&error), None),
        };
        let name = outputs.warehouse.clone();
        let readiness = match outputs.kind {
            Kind::Cluster => {
                self.read_cluster(&name).await.map(|found| found.map(|found| readiness::of_cluster(&found)))
            }
            Kind::Serverless => self
                .read_workgroup(&name)
                .await
                .map(|found| found.map(|found| readiness::of_workgroup(&found))),
        };
        let finding = match readiness {
            Err(error) => Finding::error(&error),
            Ok(None) => Finding::failed(format!("{name} is gone"), "run `sparkify-cli provision`"),
            Ok(Some(Readiness::Ready)) => {
                Finding::passed(format!("{} {name} is {}", outputs.kind, outputs.state))
            }
            Ok(Some(Readiness::Paused)) => {
                Finding::failed(format!("{name} is paused"), "run `sparkify-cli resume`")
            }
            Ok(Some(Readiness::Pending(state))) => Finding::failed(
                format!("{name} is not ready: {state}"),
                "wait for it: `sparkify-cli provision` shows how far it is",
            ),
            Ok(Some(Readiness::Deleting(state))) => Finding::failed(
                format!("{name} is being deleted ({state})"),
                "wait until it is gone, then run `sparkify-cli provision`",
            ),
            Ok(Some(Readiness::Stuck { state, remedy })) => {
                Finding::failed(format!("{name} is in state {state}"), remedy)
            }
        };
        let usable = outputs.endpoint.is_some();
        (finding, usable.then_some(outputs))
    }

    async fn check_access(&self, outputs: &Outputs) -> Finding {
        let (public, groups) = match outputs.kind {
            Kind::Cluster => match self.services.clusters.cluster(&outputs.warehouse).await {
                Ok(Some(cluster)) => (cluster.publicly_accessible, cluster.security_group_ids),
                Ok(None) => return Finding::skipped("the cluster is gone"),
                Err(error) => return Finding::refused(&error),
            },
            Kind::Serverless => match self.services.serverless.workgroup(&outputs.warehouse).await {
                Ok(Some(workgroup)) => (workgroup.publicly_accessible, workgroup.security_group_ids),
                Ok(None) => return Finding::skipped("the workgroup is gone"),
                Err(error) => return Finding::refused(&error),
            },
        };
        let port = outputs.endpoint.as_ref().map_or(self.config.port, |endpoint| endpoint.port);
        if !public {
            return Finding::warned(
                "the warehouse has no public address",
                "connect from within its network, or set publicly_accessible = true and run `sparkify-cli provision`",
            );
        }
        let address = match self.services.address.address().await {
            Ok(address) => address,
            Err(reason) => {
                return Finding::warned(
                    format!("the address of this machine could not be found: {reason}"),
                    "compare the rules of the security group with it yourself",
                );
            }
        };
        let Some(network) = &self.services.network else {
            return Finding::warned("this build cannot read security groups", "use the full build");
        };
        match network.security_groups(&groups).await {
            Err(error) => Finding::refused(&error),
            Ok(groups)
                if groups.iter().flat_map(|group| &group.ingress).any(|rule| rule.admits(address, port)) =>
            {
                Finding::passed(format!("{address} may connect to port {port}"))
            }
            Ok(_) => Finding::failed(
                format!("no rule of the security groups lets {address} connect to port {port}"),
                "run `sparkify-cli provision`, which sets the rule for the present address",
            ),
        }
    }

    async fn examine_endpoint(&self, outputs: Option<&Outputs>, started: Duration) -> Vec<Check> {
        const STEPS: [ProbeStep; 4] = [ProbeStep::Dns, ProbeStep::Tcp, ProbeStep::Tls, ProbeStep::Login];
        let clock = &self.services.clock;
        let mut checks = Vec::new();
        let mut failed: Option<String> = None;
        for step in STEPS {
            let began = clock.monotonic();
            let spent = began.saturating_sub(started);
            let left = self.timing.doctor_deadline.saturating_sub(spent).mul_f64(0.9);
            let finding = match (&failed, outputs, &self.services.prober) {
                (Some(earlier), _, _) => Finding::skipped(format!("not tried, since {earlier}")),
                (_, None, _) => Finding::skipped("there is no endpoint to reach"),
                (_, _, None) => Finding::skipped("this program was not given a way to connect"),
                (None, Some(_), Some(_)) if left.is_zero() => {
                    Finding::skipped("there was no time left for it")
                }
                (None, Some(outputs), Some(_)) => {
                    let limit = self.timing.connect_timeout.min(left);
                    match limited(limit, self.try_step(step, outputs)).await {
                        Ok(detail) => Finding::passed(detail),
                        Err(error) => {
                            let standard = step.remedy(self.config.publicly_accessible).to_owned();
                            Finding::failed(one_line(&error.reason), error.remedy.unwrap_or(standard))
                        }
                    }
                }
            };
            if finding.outcome == Outcome::Failed {
                failed = Some(format!("the step {} failed", step.name()));
            }
            checks.push(self.check(step.name(), finding, began));
        }
        checks
    }

    async fn try_step(&self, step: ProbeStep, outputs: &Outputs) -> Result<String, ProbeError> {
        let (Some(prober), Some(endpoint)) = (&self.services.prober, &outputs.endpoint) else {
            return Err(ProbeError::passing("there is no endpoint"));
        };
        match step {
            ProbeStep::Dns => {
                let addresses = prober.dns(endpoint).await?;
                let addresses: Vec<_> = addresses.iter().map(|address| address.ip().to_string()).collect();
                Ok(format!("{} is {}", endpoint.host, addresses.join(", ")))
            }
            ProbeStep::Tcp => prober.tcp(endpoint).await.map(|()| format!("{endpoint} takes connections")),
            ProbeStep::Tls => {
                prober.tls(endpoint).await.map(|()| "chain and host name are verified".to_owned())
            }
            ProbeStep::Credentials | ProbeStep::Login => {
                let credentials = self.log_in(outputs, Login::Admin).await.map_err(|error| ProbeError {
                    reason: error.service().map_or_else(|| error.to_string(), ToString::to_string),
                    remedy: error.hint(),
                    retry: false,
                })?;
                prober.login(endpoint, &outputs.database, &credentials).await?;
                Ok(format!("{} can run queries in {}", credentials.user, outputs.database))
            }
        }
    }
}
