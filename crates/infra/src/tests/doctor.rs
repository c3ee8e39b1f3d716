//! The examination.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::time::Instant;

use super::*;
use crate::{
    Timing,
    doctor::{Diagnosis, Outcome},
    services::*,
};

fn outcome(diagnosis: &Diagnosis, name: &str) -> (Outcome, String) {
    let check = diagnosis.checks.iter().find(|check| check.name == name).unwrap();
    assert!(!check.detail.contains('\n'), "one line");
    assert!(check.outcome != Outcome::Failed || check.remedy.is_some(), "{name} has a remedy");
    (check.outcome, format!("{} | {}", check.detail, check.remedy.clone().unwrap_or_default()))
}

fn answering() -> MockProber {
    let mut prober = MockProber::new();
    prober.expect_dns().returning(|_| Ok(vec!["203.0.113.50:5439".parse().unwrap()]));
    prober.expect_tcp().returning(|_| Ok(()));
    prober.expect_tls().returning(|_| Ok(()));
    prober.expect_login().returning(|_, _, _| Ok(()));
    prober
}

async fn examined(aws: &FakeAws, config: DeploymentConfig, prober: MockProber) -> Diagnosis {
    let services = Services { prober: Some(Arc::new(prober)), ..aws.services() };
    Deployment::new(config, services).unwrap().doctor().await
}

#[tokio::test]
async fn a_healthy_deployment_passes_every_step_in_order() {
    let (aws, _) = provisioned(config()).await;
    let diagnosis = examined(&aws, config(), answering()).await;
    let names: Vec<_> = diagnosis.checks.iter().map(|check| check.name).collect();
    assert_eq!(
        names,
        [
            "region",
            "credentials",
            "node_type",
            "buckets",
            "role",
            "warehouse",
            "access",
            "dns",
            "tcp",
            "tls",
            "login"
        ]
    );
    assert!(diagnosis.checks.iter().all(|check| check.outcome == Outcome::Passed), "{diagnosis:#?}");
    assert!(diagnosis.is_healthy());
}

#[tokio::test]
async fn the_step_that_fails_is_named_and_those_after_it_are_not_tried() {
    let (aws, _) = provisioned(config()).await;
    let mut prober = MockProber::new();
    prober.expect_dns().returning(|_| Ok(vec!["203.0.113.50:5439".parse().unwrap()]));
    prober.expect_tcp().returning(|_| Err(ProbeError::passing("timed out")));
    let diagnosis = examined(&aws, config(), prober).await;
    assert_eq!(outcome(&diagnosis, "dns").0, Outcome::Passed);
    let (tcp, text) = outcome(&diagnosis, "tcp");
    assert_eq!(tcp, Outcome::Failed);
    assert!(text.contains("internet gateway"), "{text}");
    assert_eq!(
        outcome(&diagnosis, "tls"),
        (Outcome::Skipped, "not tried, since the step tcp failed | ".to_owned())
    );
    assert!(!diagnosis.is_healthy());
}

#[tokio::test]
async fn nothing_is_there() {
    let diagnosis = examined(&FakeAws::new(), config(), answering()).await;
    assert!(outcome(&diagnosis, "role").1.contains("run `sparkify-cli provision`"));
    assert_eq!(outcome(&diagnosis, "warehouse").0, Outcome::Failed);
    assert_eq!(outcome(&diagnosis, "login").0, Outcome::Skipped);
}

#[tokio::test]
async fn an_address_that_is_not_let_in_is_found_before_the_timeout_is() {
    let (aws, _) =
        provisioned(DeploymentConfig { allow_cidr: vec!["198.51.100.0/24".into()], ..config() }).await;
    let (access, text) = outcome(&examined(&aws, config(), answering()).await, "access");
    assert_eq!(access, Outcome::Failed);
    assert!(text.contains("no rule of the security groups lets 203.0.113.7 connect to port 5439"), "{text}");
}

#[tokio::test]
async fn a_private_warehouse_is_a_warning_with_the_way_out() {
    let private = DeploymentConfig { publicly_accessible: false, ..config() };
    let (aws, _) = provisioned(private.clone()).await;
    let (access, text) = outcome(&examined(&aws, private, answering()).await, "access");
    assert_eq!(access, Outcome::Warned);
    assert!(text.contains("publicly_accessible = true"), "{text}");
}

#[tokio::test]
async fn states_of_the_warehouse_have_their_remedies() {
    for (state, word) in
        [("paused", "resume"), ("modifying", "wait"), ("deleting", "gone"), ("storage-full", "resize")]
    {
        let (aws, _) = provisioned(config()).await;
        aws.edit(|world| world.clusters.values_mut().next().unwrap().status = state.to_owned());
        let (outcome, text) = outcome(&examined(&aws, config(), answering()).await, "warehouse");
        assert_eq!(outcome, Outcome::Failed, "{state}");
        assert!(text.contains(word), "{state}: {text}");
    }
}

#[tokio::test]
async fn a_role_that_drifted_is_found() {
    let (aws, _) = provisioned(config()).await;
    aws.edit(|world| world.roles.values_mut().next().unwrap().policies.clear());
    let (role, text) = outcome(&examined(&aws, config(), answering()).await, "role");
    assert_eq!(role, Outcome::Failed);
    assert!(text.contains("policy"), "{text}");
}

#[tokio::test]
async fn a_role_that_is_in_order_and_not_attached_is_found() {
    let serverless = DeploymentConfig { kind: crate::Kind::Serverless, ..config() };
    for config in [config(), serverless] {
        let (aws, _) = provisioned(config.clone()).await;
        assert_eq!(outcome(&examined(&aws, config.clone(), answering()).await, "role").0, Outcome::Passed);
        aws.edit(|world| {
            world.clusters.values_mut().for_each(|found| found.roles.clear());
            world.namespaces.values_mut().for_each(|found| found.roles.clear());
        });
        let (role, text) = outcome(&examined(&aws, config, answering()).await, "role");
        assert_eq!(role, Outcome::Failed);
        assert!(text.contains("sparkify-nightly-us-west-2 not attached"), "{text}");
    }
}

#[tokio::test]
async fn without_credentials_the_region_is_not_blamed() {
    let (aws, _) = provisioned(config()).await;
    aws.script("redshift:DescribeClusters", ErrorKind::Credentials, 100);
    aws.script("sts:GetCallerIdentity", ErrorKind::Credentials, 100);
    let diagnosis = examined(&aws, config(), answering()).await;
    assert_eq!(outcome(&diagnosis, "region").0, Outcome::Skipped);
    let (credentials, text) = outcome(&diagnosis, "credentials");
    assert_eq!(credentials, Outcome::Failed);
    assert!(text.contains("aws sso login"), "{text}");
}

#[test]
fn a_deployment_that_cannot_be_opened_has_all_steps_all_the_same() {
    let check = |name, outcome| crate::doctor::Check {
        name,
        outcome,
        detail: "so".to_owned(),
        remedy: None,
        elapsed: Duration::ZERO,
    };
    let before = check("settings", Outcome::Passed);
    let diagnosis = Diagnosis::ended(Some(before), check("region", Outcome::Failed));
    let outcomes: Vec<_> = diagnosis.checks.iter().map(|check| (check.name, check.outcome)).collect();
    assert_eq!(
        outcomes[..3],
        [("settings", Outcome::Passed), ("region", Outcome::Failed), ("credentials", Outcome::Skipped)]
    );
    assert_eq!(outcomes.len(), 12);
    assert!(diagnosis.checks[2].detail.contains("the step region failed"));
}

#[tokio::test]
async fn a_missing_permission_is_named() {
    let (aws, _) = provisioned(config()).await;
    let denied = ServiceError::new(
        ErrorKind::AccessDenied,
        "redshift:GetClusterCredentials",
        "User: arn:aws:iam::1:user/x is not authorized to perform: redshift:GetClusterCredentials on resource: *",
    );
    aws.inner().scripted.entry("redshift:GetClusterCredentials").or_default().push_back(denied);
    let (login, text) = outcome(&examined(&aws, config(), answering()).await, "login");
    assert_eq!(login, Outcome::Failed);
    assert!(text.contains("lacks the permission redshift:GetClusterCredentials"), "{text}");
}

#[tokio::test]
async fn buckets_that_are_missing_empty_or_elsewhere_are_told_apart() {
    let aws = FakeAws::new();
    assert_eq!(outcome(&examined(&aws, config(), answering()).await, "buckets").0, Outcome::Passed);
    aws.edit(|world| world.buckets.insert("udacity-dend".into(), "eu-west-1".into()));
    let (buckets, text) = outcome(&examined(&aws, config(), answering()).await, "buckets");
    assert_eq!(buckets, Outcome::Warned);
    assert!(text.contains("eu-west-1"), "{text}");
    aws.script("s3:ListObjects", ErrorKind::AccessDenied, 1);
    let (buckets, text) = outcome(&examined(&aws, config(), answering()).await, "buckets");
    assert_eq!(buckets, Outcome::Warned, "the role may be allowed what this machine is not");
    assert!(text.contains("s3:ListObjects"), "{text}");
    aws.edit(|world| world.buckets.clear());
    let (buckets, text) = outcome(&examined(&aws, config(), answering()).await, "buckets");
    assert_eq!(buckets, Outcome::Failed);
    assert!(text.contains("no bucket udacity-dend"), "{text}");
}

#[tokio::test]
async fn a_staging_area_in_another_region_than_the_files_is_found() {
    let staged = DeploymentConfig { staging: Some("s3://our-stage/loads/".to_owned()), ..config() };
    let aws = FakeAws::new();
    let place = |region: &str| {
        let region = region.to_owned();
        aws.edit(|world| world.buckets.insert("our-stage".into(), region));
    };
    place("us-west-2");
    let (buckets, text) = outcome(&examined(&aws, staged.clone(), answering()).await, "buckets");
    assert_eq!(buckets, Outcome::Passed, "{text}");
    place("eu-central-1");
    let (buckets, text) = outcome(&examined(&aws, staged, answering()).await, "buckets");
    assert_eq!(buckets, Outcome::Warned);
    assert!(
        text.contains("is in us-west-2 and the staging area s3://our-stage/loads/ in eu-central-1"),
        "{text}"
    );
    assert!(text.contains("a staging bucket in us-west-2"), "{text}");
}

/// Answers to nothing, ever.
#[derive(Debug)]
struct Silent;

#[async_trait]
impl Identity for Silent {
    async fn caller(&self) -> Answer<Caller> {
        std::future::pending().await
    }
}

#[async_trait]
impl Prober for Silent {
    async fn dns(&self, _: &Endpoint) -> Result<Vec<std::net::SocketAddr>, ProbeError> {
        Ok(vec!["203.0.113.50:5439".parse().unwrap()])
    }
    async fn tcp(&self, _: &Endpoint) -> Result<(), ProbeError> {
        std::future::pending().await
    }
    async fn tls(&self, _: &Endpoint) -> Result<(), ProbeError> {
        std::future::pending().await
    }
    async fn login(&self, _: &Endpoint, _: &str, _: &DatabaseCredentials) -> Result<(), ProbeError> {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_does_not_answer_it_ends_in_time() {
    let (aws, _) = provisioned(config()).await;
    let services = Services {
        identity: Arc::new(Silent),
        prober: Some(Arc::new(Silent)),
        clock: Arc::new(SystemClock::default()),
        ..aws.services()
    };
    let started = Instant::now();
    let diagnosis = Deployment::new(config(), services).unwrap().doctor().await;
    assert!(started.elapsed() <= Timing::default().doctor_deadline, "{:?}", started.elapsed());
    assert!(started.elapsed() > Duration::from_secs(5), "the time is the one that is set forward");
    assert_eq!(diagnosis.checks.len(), 11);
    let (credentials, text) = outcome(&diagnosis, "credentials");
    assert_eq!(credentials, Outcome::Failed);
    assert!(text.contains("did not answer within") && text.contains("aws sso login"), "{text}");
    assert_eq!(outcome(&diagnosis, "tcp").0, Outcome::Failed);
    assert_eq!(outcome(&diagnosis, "login").0, Outcome::Skipped);
}

#[test]
fn the_default_deadline_is_fifteen_seconds() {
    assert_eq!(Timing::default().doctor_deadline, Duration::from_secs(15));
}
