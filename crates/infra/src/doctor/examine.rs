//! The steps of the examination, side by side where one does not need the other.

use std::{future::Future, time::Duration};

use futures_util::future::join_all;

use crate::{
    config::Kind,
    deployment::Deployment,
    doctor::{
        Check, Diagnosis, Outcome,
        finding::{Finding, one_line},
    },
    error::Error,
    plan::Action,
    policy::{self, S3Place},
    readiness,
    services::{ErrorKind, ServiceError},
};

/// How much of the whole deadline the questions to AWS may take together, so that the connection is tried too.
const SHARE_OF_AWS: f64 = 0.4;

pub(super) const CHECK_NETWORK: &str = "check the network and the name of the region, then try again";
const GET_CREDENTIALS: &str = "check the network; if none are configured, the machine's metadata service is asked for \
                               them, which may be silent: log in (aws sso login), set AWS_PROFILE or \
                               AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_EC2_METADATA_DISABLED=true to know \
                               at once";

impl Deployment {
    pub(crate) async fn examine(&self) -> Diagnosis {
        let limit = self.timing.doctor_deadline.mul_f64(SHARE_OF_AWS);
        let (credentials, region, node_type, buckets, role, connection) = tokio::join!(
            self.timed("credentials", limit, GET_CREDENTIALS, self.check_credentials()),
            self.timed("region", limit, CHECK_NETWORK, self.check_region()),
            self.timed("node_type", limit, CHECK_NETWORK, self.check_node_type()),
            self.timed("buckets", limit, CHECK_NETWORK, self.check_buckets()),
            self.timed("role", limit, CHECK_NETWORK, self.check_role()),
            self.examine_connection(limit),
        );
        let mut checks = vec![region, credentials, node_type, buckets, role];
        checks.extend(connection);
        Diagnosis { checks }
    }

    pub(super) async fn timed(
        &self,
        name: &'static str,
        limit: Duration,
        remedy: &str,
        work: impl Future<Output = Finding>,
    ) -> Check {
        let started = self.services.clock.monotonic();
        let finding = tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
            Finding::failed(
                format!("AWS did not answer within {}", humantime::format_duration(limit)),
                remedy,
            )
        });
        self.check(name, finding, started)
    }

    pub(super) fn check(&self, name: &'static str, finding: Finding, started: Duration) -> Check {
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
            Err(error) if matches!(error.kind, ErrorKind::Credentials | ErrorKind::CredentialsExpired) => {
                Finding::skipped(format!("{region}; whether Redshift answers there needs credentials"))
            }
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
        let examined = join_all(places.iter().map(|place| self.check_place(place))).await;
        let (regions, findings): (Vec<_>, Vec<_>) = examined.into_iter().unzip();
        // That of two regions says more than that of one.
        let mut findings: Vec<_> =
            self.check_regions(&places, &regions).into_iter().chain(findings).collect();
        let worst = [Outcome::Failed, Outcome::Warned]
            .into_iter()
            .find_map(|outcome| findings.iter().position(|finding| finding.outcome == outcome));
        match worst {
            Some(index) => findings.swap_remove(index),
            None => Finding::passed(format!("all {} places can be read", places.len())),
        }
    }

    /// Looks at a place that the role may read, and asks in which region it is.
    async fn check_place(&self, place: &S3Place) -> (Option<String>, Finding) {
        let buckets = &self.services.buckets;
        let region = match buckets.region(&place.bucket).await {
            Ok(Some(region)) => region,
            Ok(None) => {
                let finding = Finding::failed(
                    format!("there is no bucket {}", place.bucket),
                    "correct `read`, `jsonpaths` and `staging` in [deployment]",
                );
                return (None, finding);
            }
            Err(error) => return (None, not_seen(&place.to_string(), &error)),
        };
        let found = if place.is_prefix() {
            buckets.any_object(&place.bucket, &place.key).await.map(|key| key.is_some())
        } else {
            buckets.readable(&place.bucket, &place.key).await
        };
        let finding = match found {
            // A staging area is empty between loads.
            Ok(false) if self.config.staging.as_deref() != Some(place.to_string().as_str()) => {
                Finding::failed(
                    format!("there is nothing at {place}"),
                    "correct `read` and `jsonpaths` in [deployment]; a prefix ends with a slash",
                )
            }
            Ok(_) if region == self.services.region => Finding::passed(format!("{place} can be read")),
            Ok(_) => Finding::warned(
                format!("{place} can be read and is in {region}"),
                "COPY names that region; the transfer between regions costs, and a warehouse there would be faster",
            ),
            Err(error) => not_seen(&place.to_string(), &error),
        };
        (Some(region), finding)
    }

    /// A COPY reads its files, their manifest and the JSONPaths file in one region. The manifest is in the
    /// staging area, so what is read has to be in its region, or goes through the program.
    fn check_regions(&self, places: &[S3Place], regions: &[Option<String>]) -> Option<Finding> {
        let text = self.config.staging.as_deref()?;
        let staging = S3Place::parse(text).ok()?;
        let of = |bucket: &str| {
            let known = places.iter().zip(regions).filter(|(place, _)| place.bucket == bucket);
            known.filter_map(|(_, region)| region.as_deref()).next()
        };
        let here = of(&staging.bucket)?;
        let elsewhere = places.iter().zip(regions).find_map(|(place, region)| {
            region.as_deref().filter(|region| *region != here).map(|there| (place, there))
        });
        elsewhere.map(|(place, there)| {
            Finding::warned(
                format!("{place} is in {there} and the staging area {staging} in {here}, and a COPY reads in one region"),
                format!(
                    "loads pack the files then (--pack never cannot work); a staging bucket in {there} lets Redshift read \
                     them itself"
                ),
            )
        })
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
            Action::Keep => self.check_attachment(&around.role_arn(), &name).await,
            Action::Create | Action::Change => {
                let what: Vec<_> =
                    step.differences.iter().map(|difference| difference.attribute.as_str()).collect();
                Finding::failed(format!("{name} is not as configured: {}", what.join(", ")), provision)
            }
        }
    }
}

impl Deployment {
    /// Whether the warehouse has the role, which is in order.
    async fn check_attachment(&self, arn: &str, role: &str) -> Finding {
        let names = self.config.names();
        let (warehouse, roles) = match self.config.kind {
            Kind::Cluster => (
                &names.cluster,
                self.services
                    .clusters
                    .cluster(&names.cluster)
                    .await
                    .map(|found| found.filter(|found| self.owns(&found.tags)).map(|found| found.roles)),
            ),
            Kind::Serverless => (
                &names.namespace,
                self.services
                    .serverless
                    .namespace(&names.namespace)
                    .await
                    .map(|found| found.filter(|found| self.owns(&found.tags)).map(|found| found.roles)),
            ),
        };
        let fine = format!("{role} trusts Redshift and may read what is configured");
        match roles {
            Err(error) => Finding::refused(&error),
            Ok(None) => Finding::passed(format!("{fine}; there is no warehouse yet that has it")),
            Ok(Some(roles)) => match readiness::lacks(&roles, arn) {
                None => Finding::passed(format!("{fine}, and is attached to {warehouse}")),
                Some(lacks) => Finding::failed(
                    format!("{warehouse} cannot read S3: {lacks}"),
                    "run `sparkify-cli provision`, which attaches it and waits until it is in sync",
                ),
            },
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
