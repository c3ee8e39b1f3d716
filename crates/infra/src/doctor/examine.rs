//! The steps of the examination, side by side where one does not need the other.

use std::{future::Future, time::Duration};

use futures_util::future::join_all;

use crate::{
    config::Kind,
    deployment::Deployment,
    doctor::{Check, Diagnosis, Outcome},
    error::Error,
    outputs::{Login, Outputs},
    plan::Action,
    policy,
    probe::{ProbeStep, limited},
    readiness::{self, Readiness},
    services::{ErrorKind, ProbeError, ServiceError},
};

/// What a step found.
struct Finding {
    outcome: Outcome,
    detail: String,
    remedy: Option<String>,
}

impl Finding {
    fn passed(detail: impl Into<String>) -> Self {
        Self { outcome: Outcome::Passed, detail: detail.into(), remedy: None }
    }

    fn warned(detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { outcome: Outcome::Warned, detail: detail.into(), remedy: Some(remedy.into()) }
    }

    fn failed(detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { outcome: Outcome::Failed, detail: detail.into(), remedy: Some(remedy.into()) }
    }

    fn skipped(detail: impl Into<String>) -> Self {
        Self { outcome: Outcome::Skipped, detail: detail.into(), remedy: None }
    }

    /// A refusal of AWS.
    fn refused(error: &ServiceError) -> Self {
        Self { outcome: Outcome::Failed, detail: one_line(&error.to_string()), remedy: error.hint() }
    }

    fn error(error: &Error) -> Self {
        match error.service() {
            Some(service) => Self::refused(service),
            None => {
                Self { outcome: Outcome::Failed, detail: one_line(&error.to_string()), remedy: error.hint() }
            }
        }
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// How much of the whole deadline the questions to AWS may take together, so that the connection is tried too.
const SHARE_OF_AWS: f64 = 0.4;

impl Deployment {
    pub(crate) async fn examine(&self) -> Diagnosis {
        let limit = self.timing.doctor_deadline.mul_f64(SHARE_OF_AWS);
        let (credentials, region, node_type, buckets, role, connection) = tokio::join!(
            self.timed("credentials", limit, self.check_credentials()),
            self.timed("region", limit, self.check_region()),
            self.timed("node_type", limit, self.check_node_type()),
            self.timed("buckets", limit, self.check_buckets()),
            self.timed("role", limit, self.check_role()),
            self.examine_connection(limit),
        );
        let mut checks = vec![credentials, region, node_type, buckets, role];
        checks.extend(connection);
        Diagnosis { checks }
    }

    async fn timed(&self, name: &'static str, limit: Duration, work: impl Future<Output = Finding>) -> Check {
        let started = self.services.clock.monotonic();
        let finding = tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
            Finding::failed(
                format!("AWS did not answer within {}", humantime::format_duration(limit)),
                "check the network and the name of the region, then try again",
            )
        });
        self.check(name, finding, started)
    }

    fn check(&self, name: &'static str, finding: Finding, started: Duration) -> Check {
        let Finding { outcome, detail, remedy } = finding;
        let elapsed = self.services.clock.monotonic().saturating_sub(started);
        Check { name, outcome, detail, remedy, elapsed }
    }

    async fn check_credentials(&self) -> Finding {
        match self.services.identity.caller().await {
            Ok(caller) => Finding::passed(format!("{} of account {}", caller.arn, caller.account)),
            Err(error) => Finding::refused(&error),
        }
    }

    async fn check_region(&self) -> Finding {
        let region = &self.services.region;
        let names = self.config.names();
        let answer = match self.config.kind {
            Kind::Cluster => self.services.clusters.cluster(&names.cluster).await.map(|_| ()),
            Kind::Serverless => self.services.serverless.workgroup(&names.workgroup).await.map(|_| ()),
        };
        match answer {
            Ok(()) => Finding::passed(format!("Redshift answers in {region}")),
            Err(error) if error.kind == ErrorKind::Unavailable => Finding::failed(
                format!("Redshift does not answer in {region}: {}", one_line(&error.message)),
                "check the name of the region and the network; a region that is not enabled for the account must be \
                 enabled first",
            ),
            Err(error) => Finding::refused(&error),
        }
    }

    async fn check_node_type(&self) -> Finding {
        let config = &self.config;
        if config.kind == Kind::Serverless {
            return Finding::passed(format!("Serverless, {} RPUs", config.base_capacity));
        }
        let wanted = if config.nodes == 1 { "single-node" } else { "multi-node" };
        match self.services.clusters.orderable(&config.node_type).await {
            Ok(options) if options.iter().any(|option| option.cluster_type == wanted) => {
                Finding::passed(format!("{} can be ordered as {wanted} cluster", config.node_type))
            }
            Ok(_) => Finding::failed(
                format!(
                    "{} cannot be ordered as {wanted} cluster in {}",
                    config.node_type, self.services.region
                ),
                "take another `node_type`, another number of nodes, or another region",
            ),
            Err(error) => Finding::warned(
                format!(
                    "whether {} can be ordered is not known: {}",
                    config.node_type,
                    one_line(&error.to_string())
                ),
                error.hint().unwrap_or_else(|| "try again later".to_owned()),
            ),
        }
    }

    async fn check_buckets(&self) -> Finding {
        let places: Vec<_> = policy::readable(&self.config).into_iter().collect();
        let staging = self.config.staging.as_deref();
        let asked = places.iter().map(|place| async move {
            let buckets = &self.services.buckets;
            let region = match buckets.region(&place.bucket).await {
                Ok(Some(region)) => region,
                Ok(None) => {
                    return Finding::failed(
                        format!("there is no bucket {}", place.bucket),
                        "correct `read`, `jsonpaths` and `staging` in [deployment]",
                    );
                }
                Err(error) => return not_seen(&place.to_string(), &error),
            };
            let found = if place.is_prefix() {
                buckets.any_object(&place.bucket, &place.key).await.map(|key| key.is_some())
            } else {
                buckets.readable(&place.bucket, &place.key).await
            };
            match found {
                // A staging area is empty between loads.
                Ok(false) if staging != Some(place.to_string().as_str()) => Finding::failed(
                    format!("there is nothing at {place}"),
                    "correct `read` and `jsonpaths` in [deployment]; a prefix ends with a slash",
                ),
                Ok(_) if region == self.services.region => Finding::passed(format!("{place} can be read")),
                Ok(_) => Finding::warned(
                    format!("{place} can be read and is in {region}"),
                    "COPY names that region; the transfer between regions costs, and a warehouse there would be faster",
                ),
                Err(error) => not_seen(&place.to_string(), &error),
            }
        });
        let findings = join_all(asked).await;
        let worst = [Outcome::Failed, Outcome::Warned]
            .into_iter()
            .find_map(|outcome| findings.iter().position(|finding| finding.outcome == outcome));
        match worst {
            Some(index) => {
                findings.into_iter().nth(index).unwrap_or_else(|| Finding::skipped("nothing to read"))
            }
            None => Finding::passed(format!("all {} places can be read", places.len())),
        }
    }

    async fn check_role(&self) -> Finding {
        let name = self.config.names().role;
        let provision = "run `sparkify-cli provision`";
        let caller = match self.services.identity.caller().await {
            Ok(caller) => caller,
            Err(error) => return Finding::refused(&error),
        };
        let role = match self.services.roles.role(&name).await {
            Ok(Some(role)) => role,
            Ok(None) => return Finding::failed(format!("there is no role {name}"), provision),
            Err(error) => return Finding::refused(&error),
        };
        let around = self.bare_surroundings(caller);
        let step = self.role_step(&around, Some(&role));
        match step.action {
            Action::Conflict => Finding::error(&Error::Conflict { names: vec![format!("role {name}")] }),
            Action::Keep => {
                Finding::passed(format!("{name} trusts Redshift and may read what is configured"))
            }
            Action::Create | Action::Change => {
                let what: Vec<_> =
                    step.differences.iter().map(|difference| difference.attribute.as_str()).collect();
                Finding::failed(format!("{name} is not as configured: {}", what.join(", ")), provision)
            }
        }
    }

    /// Everything between here and a query: each needs the one before.
    async fn examine_connection(&self, limit: Duration) -> Vec<Check> {
        let started = self.services.clock.monotonic();
        let mut outputs = None;
        let warehouse = self.timed("warehouse", limit, async {
            let (finding, found) = self.check_warehouse().await;
            outputs = found;
            finding
        });
        let mut checks = vec![warehouse.await];
        let access = match &outputs {
            Some(outputs) => self.timed("access", limit / 2, self.check_access(outputs)).await,
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

/// This machine need not be allowed to see what the role may read.
fn not_seen(place: &str, error: &ServiceError) -> Finding {
    if error.kind == ErrorKind::AccessDenied {
        return Finding::warned(
            format!("this machine may not look at {place}; whether the role may is known at the first load"),
            format!(
                "if loads fail, check the bucket's own policy; the caller lacks {}",
                error.missing_action().unwrap_or("s3:ListBucket")
            ),
        );
    }
    Finding::refused(error)
}
