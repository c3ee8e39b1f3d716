//! The first connection.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use super::*;
use crate::{outputs::Probe, services::*};

fn answering() -> MockProber {
    let mut prober = MockProber::new();
    prober.expect_dns().returning(|_| Ok(vec!["203.0.113.50:5439".parse().unwrap()]));
    prober.expect_tcp().returning(|_| Ok(()));
    prober.expect_tls().returning(|_| Ok(()));
    prober
}

async fn probed(config: DeploymentConfig, prober: MockProber) -> Probe {
    let aws = FakeAws::new();
    let services = Services { prober: Some(Arc::new(prober)), ..aws.services() };
    let deployment = Deployment::new(config, services).unwrap();
    deployment.apply(&deployment.plan().await.unwrap()).await.unwrap().probe
}

#[tokio::test]
async fn ready_means_that_a_query_runs_with_temporary_credentials() {
    let mut prober = answering();
    prober
        .expect_login()
        .times(1)
        .withf(|endpoint, database, credentials| {
            endpoint.port == 5439 && database == "sparkify" && credentials.user == "IAM:sparkify_admin"
        })
        .returning(|_, _, _| Ok(()));
    assert_eq!(probed(config(), prober).await, Probe::Passed);
}

#[tokio::test]
async fn a_name_that_is_not_known_yet_is_tried_again() {
    let tries = Arc::new(AtomicU32::new(0));
    let mut prober = MockProber::new();
    let counted = Arc::clone(&tries);
    prober.expect_dns().returning(move |_| {
        if counted.fetch_add(1, Ordering::SeqCst) < 3 {
            return Err(ProbeError::passing("no such host"));
        }
        Ok(vec!["203.0.113.50:5439".parse().unwrap()])
    });
    prober.expect_tcp().returning(|_| Ok(()));
    prober.expect_tls().returning(|_| Ok(()));
    prober.expect_login().returning(|_, _, _| Ok(()));
    assert_eq!(probed(config(), prober).await, Probe::Passed);
    assert_eq!(tries.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn a_refused_login_is_not_repeated_since_redshift_locks_the_user() {
    let mut prober = answering();
    prober
        .expect_login()
        .times(1)
        .returning(|_, _, _| Err(ProbeError::lasting("password authentication failed", "look at the log")));
    let probe = probed(config(), prober).await;
    assert!(
        matches!(&probe, Probe::Failed { step, remedy, .. } if step == "login" && remedy == "look at the log"),
        "{probe:?}"
    );
}

#[tokio::test]
async fn a_login_is_never_tried_five_times() {
    let mut prober = answering();
    prober.expect_login().times(3).returning(|_, _, _| Err(ProbeError::passing("connection reset")));
    assert!(matches!(probed(config(), prober).await, Probe::Failed { .. }));
}

#[tokio::test]
async fn without_a_public_address_one_attempt_is_enough_and_the_remedy_says_so() {
    let mut prober = MockProber::new();
    prober.expect_dns().times(1).returning(|_| Ok(vec!["10.0.0.5:5439".parse().unwrap()]));
    prober.expect_tcp().times(1).returning(|_| Err(ProbeError::passing("timed out")));
    let probe = probed(DeploymentConfig { publicly_accessible: false, ..config() }, prober).await;
    assert!(
        matches!(&probe, Probe::Failed { step, remedy, fatal: false, .. } if step == "tcp" && remedy.contains("publicly_accessible")),
        "{probe:?}"
    );
}

#[tokio::test]
async fn what_is_reached_and_does_not_answer_is_not_ready_public_or_not() {
    for publicly_accessible in [false, true] {
        let mut prober = MockProber::new();
        prober.expect_dns().returning(|_| Ok(vec!["10.0.0.5:5439".parse().unwrap()]));
        prober.expect_tcp().returning(|_| Ok(()));
        let mut tries = 0;
        prober.expect_tls().returning(move |_| {
            tries += 1;
            match tries {
                1 => Err(ProbeError::passing("connection reset")),
                _ => Err(ProbeError::lasting("the certificate is of somebody else", "look who answers")),
            }
        });
        let probe = probed(DeploymentConfig { publicly_accessible, ..config() }, prober).await;
        assert!(
            matches!(&probe, Probe::Failed { step, reason, fatal: true, .. } if step == "tls" && reason.contains("somebody else")),
            "{probe:?}"
        );
    }
    let mut prober = MockProber::new();
    prober.expect_dns().returning(|_| Ok(vec!["203.0.113.50:5439".parse().unwrap()]));
    prober.expect_tcp().returning(|_| Err(ProbeError::passing("timed out")));
    let probe = probed(config(), prober).await;
    assert!(matches!(&probe, Probe::Failed { fatal: true, .. }), "a public address is reached: {probe:?}");
}
