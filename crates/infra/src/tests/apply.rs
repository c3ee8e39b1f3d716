//! What applying a plan does and waits for.

use std::{sync::Arc, time::Duration};

use super::*;
use crate::{Error, Timing, events::Event, fake::Recorder, outputs::Probe, services::*};

#[tokio::test]
async fn a_cluster_is_made_encrypted_with_a_managed_password_and_awaited_until_it_is_ready() {
    let aws = FakeAws::new();
    let recorder = Arc::new(Recorder::default());
    let deployment = aws.deployment(full_config()).with_observer(Arc::<Recorder>::clone(&recorder));
    let applied = deployment.apply(&deployment.plan().await.unwrap()).await.unwrap();
    assert_eq!(applied.changed, 5);
    assert_eq!(
        applied.outputs.endpoint.unwrap().to_string(),
        "sparkify-nightly.abc123.us-west-2.redshift.amazonaws.com:5439"
    );
    assert_eq!(
        applied.outputs.role_arn.unwrap(),
        "arn:aws:iam::123456789012:role/sparkify/sparkify-nightly-us-west-2"
    );
    assert!(applied.outputs.admin_secret_arn.is_some());
    assert!(matches!(applied.probe, Probe::Skipped { .. }), "nobody can connect in this test");
    assert_eq!(
        recorder.states(),
        ["creating", "modifying", "available, role sparkify-nightly-us-west-2 adding"],
        "available is not ready while a role is being added"
    );
    let world = aws.world();
    let cluster = world.clusters.values().next().unwrap();
    assert!(cluster.encrypted && cluster.admin_secret_arn.is_some());
    let tagged = |tags: &Tags| tags.get("team").is_some() && tags.get(DEPLOYMENT_TAG).is_some();
    assert!(tagged(&cluster.tags) && world.roles.values().all(|role| tagged(&role.tags)));
    assert!(world.groups.values().all(|group| tagged(&group.tags)));
}

#[tokio::test]
async fn applying_twice_changes_nothing_the_second_time() {
    let (aws, deployment) = provisioned(full_config()).await;
    let (world, changes) = (aws.world(), aws.inner().history.len());
    let plan = deployment.plan().await.unwrap();
    assert_eq!(deployment.apply(&plan).await.unwrap().changed, 0);
    assert_eq!((aws.world(), aws.inner().history.len()), (world, changes));
}

#[tokio::test]
async fn every_resource_reports_its_beginning_and_end() {
    let aws = FakeAws::new();
    let recorder = Arc::new(Recorder::default());
    let deployment = aws.deployment(config()).with_observer(Arc::<Recorder>::clone(&recorder));
    deployment.apply(&deployment.plan().await.unwrap()).await.unwrap();
    let events = recorder.0.lock().unwrap();
    let started =
        events.iter().filter(|event| matches!(event, Event::Started { what: "create", .. })).count();
    let finished =
        events.iter().filter(|event| matches!(event, Event::Finished { what: "create", .. })).count();
    assert_eq!((started, finished), (3, 3));
}

#[tokio::test]
async fn a_role_that_redshift_does_not_know_yet_is_waited_for() {
    let aws = FakeAws::new();
    aws.inner().role_refusals = 5;
    let recorder = Arc::new(Recorder::default());
    let deployment = aws.deployment(config()).with_observer(Arc::<Recorder>::clone(&recorder));
    deployment.apply(&deployment.plan().await.unwrap()).await.unwrap();
    assert_eq!(aws.count("redshift:CreateCluster"), 6);
    let retries: Vec<_> = recorder
        .0
        .lock()
        .unwrap()
        .iter()
        .filter_map(|event| match event {
            Event::Retrying { pause, .. } => Some(*pause),
            _ => None,
        })
        .collect();
    let most = Timing::default().poll_max;
    assert!(retries.iter().all(|pause| *pause >= Duration::from_secs(1) && *pause <= most), "{retries:?}");
    assert!(retries.last().unwrap() > retries.first().unwrap(), "the pauses grow: {retries:?}");
}

#[tokio::test]
async fn throttling_is_waited_out_and_then_given_up() {
    let aws = FakeAws::new();
    aws.script("iam:CreateRole", ErrorKind::Throttled, 3);
    aws.script("ec2:AuthorizeSecurityGroupIngress", ErrorKind::Unavailable, 2);
    let deployment = aws.deployment(config());
    let plan = deployment.plan().await.unwrap();
    deployment.apply(&plan).await.unwrap();

    let aws = FakeAws::new();
    aws.script("iam:CreateRole", ErrorKind::Throttled, 10_000);
    let deployment = aws.deployment(config());
    let plan = deployment.plan().await.unwrap();
    let error = deployment.apply(&plan).await.unwrap_err();
    assert_eq!(error.service().unwrap().kind, ErrorKind::Throttled);
    assert!(aws.count("iam:CreateRole") < 30, "a deadline ends it");
}

#[tokio::test]
async fn a_disturbance_at_the_end_of_a_long_wait_has_its_own_deadline() {
    use crate::pace::Subject;
    let aws = FakeAws::new();
    let deployment = aws.deployment(config());
    let subject = Subject::new(ResourceKind::SecurityGroup, "g");
    let started = deployment.services.clock.monotonic();
    let answer = deployment
        .insist(subject, &[ErrorKind::InUse], || async {
            let elapsed = deployment.services.clock.monotonic().saturating_sub(started);
            // In use for five minutes, then throttled for half a minute, then in use again, then free.
            let kind = match elapsed.as_secs() {
                0..300 => ErrorKind::InUse,
                300..330 => ErrorKind::Throttled,
                330..400 => ErrorKind::InUse,
                400..440 => ErrorKind::Unavailable,
                _ => return Ok(()),
            };
            Err(ServiceError::new(kind, "ec2:DeleteSecurityGroup", "not now"))
        })
        .await;
    assert_eq!(answer.map_err(|error| error.kind), Ok(()));

    // Each ends at its own deadline all the same.
    for (kind, deadline) in [(ErrorKind::Throttled, 60), (ErrorKind::InUse, 600)] {
        let started = deployment.services.clock.monotonic();
        let answer: Result<(), _> = deployment
            .insist(subject, &[ErrorKind::InUse], || async {
                Err(ServiceError::new(kind, "ec2:DeleteSecurityGroup", "never"))
            })
            .await;
        assert_eq!(answer.unwrap_err().kind, kind);
        let elapsed = deployment.services.clock.monotonic().saturating_sub(started);
        assert_eq!(elapsed, Duration::from_secs(deadline), "{kind:?}");
    }
}

#[tokio::test]
async fn available_without_our_role_is_not_ready() {
    // AWS shows the cluster as available before it shows the role.
    let aws = FakeAws::new();
    let recorder = Arc::new(Recorder::default());
    let deployment = aws.deployment(config()).with_observer(Arc::<Recorder>::clone(&recorder));
    deployment.apply(&deployment.plan().await.unwrap()).await.unwrap();
    let role = "arn:aws:iam::123456789012:role/sparkify/sparkify-nightly-us-west-2";
    assert!(deployment.settle_cluster_with("sparkify-nightly", role).await.is_ok());
    aws.edit(|world| world.clusters.values_mut().next().unwrap().roles.clear());
    assert!(deployment.settle_cluster("sparkify-nightly").await.is_ok(), "for a change it is");
    let error = deployment.settle_cluster_with("sparkify-nightly", role).await.unwrap_err();
    assert!(
        matches!(&error, Error::Deadline { state, .. } if state == "available, role sparkify-nightly-us-west-2 not attached"),
        "{error}"
    );
}

#[tokio::test]
async fn a_resource_just_made_need_not_be_visible_at_once() {
    let aws = FakeAws::new();
    aws.script("iam:PutRolePolicy", ErrorKind::NotFound, 2);
    aws.script("ec2:AuthorizeSecurityGroupIngress", ErrorKind::NotFound, 2);
    aws.script("redshift:CreateCluster", ErrorKind::NotFound, 2);
    let deployment = aws.deployment(full_config());
    deployment.apply(&deployment.plan().await.unwrap()).await.unwrap();
    assert!(!deployment.plan().await.unwrap().has_changes());
}

#[tokio::test]
async fn what_does_not_pass_ends_it_at_once_and_says_what_to_do() {
    for (kind, word) in [
        (ErrorKind::Capacity, "node_type"),
        (ErrorKind::Quota, "Service Quotas"),
        (ErrorKind::AccessDenied, "docs/aws-permissions.json"),
        (ErrorKind::CredentialsExpired, "log in again"),
    ] {
        let aws = FakeAws::new();
        aws.inner().role_refusals = 0;
        aws.script("redshift:CreateCluster", kind, 1);
        let deployment = aws.deployment(config());
        let plan = deployment.plan().await.unwrap();
        let error = deployment.apply(&plan).await.unwrap_err();
        assert_eq!(error.to_string(), "creating the cluster sparkify-nightly failed");
        assert!(error.hint().unwrap().contains(word), "{kind:?}: {:?}", error.hint());
        assert_eq!(aws.count("redshift:CreateCluster"), 1, "{kind:?} is not tried again");
        assert!(aws.world().clusters.is_empty());
        // What is done stays, and the next run goes on from there.
        let plan = deployment.plan().await.unwrap();
        use ResourceKind::*;
        assert_eq!(
            actions(&plan),
            [(Role, Action::Keep), (SecurityGroup, Action::Keep), (Cluster, Action::Create)]
        );
    }
}

#[tokio::test]
async fn a_state_that_does_not_pass_ends_the_wait_with_its_remedy() {
    for state in [
        "incompatible-network",
        "incompatible-parameters",
        "incompatible-hsm",
        "incompatible-restore",
        "hardware-failure",
        "storage-full",
    ] {
        let (aws, deployment) = provisioned(config()).await;
        aws.edit(|world| world.clusters.values_mut().next().unwrap().status = state.to_owned());
        let plan = deployment.plan().await.unwrap();
        let error = deployment.apply(&plan).await.unwrap_err();
        assert!(matches!(&error, Error::Stuck { state: found, .. } if found == state), "{error}");
        assert!(error.hint().unwrap().len() > 20);
    }
}

#[tokio::test]
async fn an_unknown_state_is_pending_until_the_deadline() {
    let (aws, deployment) = provisioned(config()).await;
    aws.edit(|world| world.clusters.values_mut().next().unwrap().status = "pondering".to_owned());
    let plan = deployment.plan().await.unwrap();
    let error = deployment.apply(&plan).await.unwrap_err();
    assert!(matches!(&error, Error::Deadline { state, .. } if state == "pondering"), "{error}");
    assert!(error.to_string().contains("not ready after 45m"), "{error}");
    assert!(error.hint().unwrap().contains("run the same command again"));
}

#[tokio::test]
async fn maintenance_is_waited_for() {
    let (aws, deployment) = provisioned(config()).await;
    aws.edit(|world| {
        world.clusters.values_mut().next().unwrap().availability = Some("Maintenance".to_owned());
    });
    let timing = Timing { ready_deadline: Duration::from_secs(60), ..Timing::default() };
    let deployment = deployment.with_timing(timing);
    let plan = deployment.plan().await.unwrap();
    assert!(step(&plan, ResourceKind::Cluster).note.as_ref().unwrap().contains("Maintenance"));
    let error = deployment.apply(&plan).await.unwrap_err();
    assert!(matches!(&error, Error::Deadline { state, .. } if state.contains("Maintenance")), "{error}");
}

#[tokio::test]
async fn an_earlier_cluster_that_is_being_deleted_is_waited_for_and_then_replaced() {
    let (aws, deployment) = provisioned(config()).await;
    deployment.services.clusters.delete_cluster("sparkify-nightly", None).await.unwrap();
    let plan = deployment.plan().await.unwrap();
    let cluster = step(&plan, ResourceKind::Cluster);
    assert_eq!(cluster.action, Action::Create);
    assert!(cluster.note.as_ref().unwrap().contains("still being deleted"));
    deployment.apply(&plan).await.unwrap();
    assert_eq!(aws.world().clusters.values().next().unwrap().status, "available");
}

#[tokio::test]
async fn a_plan_that_is_out_of_date_is_not_applied() {
    let (aws, deployment) = provisioned(config()).await;
    let plan = deployment.plan().await.unwrap();
    aws.edit(|world| world.groups.values_mut().next().unwrap().ingress.clear());
    let error = deployment.apply(&plan).await.unwrap_err();
    assert!(matches!(&error, Error::Stale { change, .. } if change.contains("may connect")), "{error}");
    aws.edit(|world| world.clusters.clear());
    let error = deployment.apply(&deployment.plan().await.unwrap()).await;
    error.unwrap();
    let plan = deployment.plan().await.unwrap();
    aws.edit(|world| world.clusters.clear());
    let error = deployment.apply(&plan).await.unwrap_err();
    assert!(matches!(&error, Error::Stale { change, .. } if change == "it is gone"), "{error}");
}

#[tokio::test]
async fn a_plan_of_another_deployment_is_not_applied() {
    let aws = FakeAws::new();
    let other = aws.deployment(DeploymentConfig::named("other")).plan().await.unwrap();
    let error = aws.deployment(config()).apply(&other).await.unwrap_err();
    assert!(matches!(error, Error::Stale { .. }), "{error}");
    assert!(aws.inner().history.is_empty());
}

#[tokio::test]
async fn somebody_elses_resource_that_appears_after_the_plan_stays_untouched() {
    let aws = FakeAws::new();
    let deployment = aws.deployment(config());
    let plan = deployment.plan().await.unwrap();
    aws.edit(|world| {
        let role = Role {
            name: "sparkify-nightly-us-west-2".into(),
            arn: "arn:aws:iam::123456789012:role/theirs".into(),
            trust: "{}".into(),
            policies: Default::default(),
            attached: Vec::new(),
            tags: Tags::new(),
        };
        world.roles.insert(role.name.clone(), role);
    });
    let before = aws.world();
    let error = deployment.apply(&plan).await.unwrap_err();
    assert!(matches!(error, Error::Conflict { .. }), "{error}");
    assert_eq!(aws.world(), before);
}

#[tokio::test]
async fn a_creation_that_collides_with_somebody_elses_is_a_conflict() {
    // The role is not seen when it is read, and then it is there: between the two somebody made it.
    let mut roles = MockRoles::new();
    let mut reads = 0;
    roles.expect_role().returning(move |name| {
        reads += 1;
        let theirs = Role {
            name: name.to_owned(),
            arn: "arn:aws:iam::123456789012:role/theirs".into(),
            trust: "{}".into(),
            policies: Default::default(),
            attached: Vec::new(),
            tags: Tags::new(),
        };
        Ok((reads > 2).then_some(theirs))
    });
    roles
        .expect_create_role()
        .times(1)
        .returning(|_| Err(ServiceError::new(ErrorKind::AlreadyExists, "iam:CreateRole", "there")));
    roles.expect_put_policy().times(0);
    let services = Services { roles: Arc::new(roles), ..FakeAws::new().services() };
    let deployment = Deployment::new(config(), services).unwrap();
    let plan = deployment.plan().await.unwrap();
    let error = deployment.apply(&plan).await.unwrap_err();
    assert!(matches!(error, Error::Conflict { .. }), "{error}");
}

#[tokio::test]
async fn two_that_provision_at_once_end_with_one_deployment() {
    let aws = FakeAws::new();
    let (one, other) = (aws.deployment(full_config()), aws.deployment(full_config()));
    let (plan, same) = (one.plan().await.unwrap(), other.plan().await.unwrap());
    let (one, other) = tokio::join!(one.apply(&plan), other.apply(&same));
    one.unwrap();
    other.unwrap();
    let world = aws.world();
    assert_eq!((world.clusters.len(), world.groups.len(), world.roles.len()), (1, 1, 1));
    assert_eq!(world.groups.values().next().unwrap().ingress.len(), 1);
    assert!(!aws.deployment(full_config()).plan().await.unwrap().has_changes());
}
