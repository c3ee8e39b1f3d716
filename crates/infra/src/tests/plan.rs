//! What a plan says.

use super::*;
use crate::{Error, Services, services::*};

#[tokio::test]
async fn a_new_deployment_is_made_in_the_order_of_dependencies() {
    let aws = FakeAws::new();
    let plan = aws.deployment(full_config()).plan().await.unwrap();
    let kinds: Vec<_> = plan.steps.iter().map(|step| step.resource).collect();
    use ResourceKind::*;
    assert_eq!(kinds, [Role, SecurityGroup, SubnetGroup, ParameterGroup, Cluster]);
    assert!(plan.steps.iter().all(|step| step.action == Action::Create));
    assert!(plan.has_changes());
    assert_eq!(plan.cost.usd_per_hour, Some(0.543));
    assert!(aws.inner().history.is_empty(), "a plan changes nothing");
}

#[tokio::test]
async fn the_safe_defaults_stand_in_the_plan() {
    let aws = FakeAws::new();
    let plan = aws.deployment(DeploymentConfig::named("nightly")).plan().await.unwrap();
    let cluster = step(&plan, ResourceKind::Cluster);
    let desired = |attribute: &str| {
        let found = cluster.differences.iter().find(|difference| difference.attribute == attribute).unwrap();
        assert_eq!(found.current, None);
        found.desired.clone().unwrap()
    };
    assert_eq!(desired("node type"), "ra3.large");
    assert_eq!(desired("nodes"), "1");
    assert_eq!(desired("encrypted"), "true");
    assert_eq!(desired("publicly accessible"), "false");
    assert_eq!(desired("administrator's password"), "kept by Secrets Manager");
    let group = step(&plan, ResourceKind::SecurityGroup);
    assert_eq!(group.differences.last().unwrap().desired.as_deref(), Some("203.0.113.7/32 tcp/5439"));
    assert!(plan.notes.iter().any(|note| note.contains("no public address")));
}

#[tokio::test]
async fn a_finished_deployment_has_nothing_to_do() {
    let (_, deployment) = provisioned(full_config()).await;
    let plan = deployment.plan().await.unwrap();
    assert!(!plan.has_changes(), "{plan:#?}");
    assert!(plan.drift().is_empty());
}

#[tokio::test]
async fn a_plan_as_json_has_stable_names() {
    let aws = FakeAws::new();
    let plan = aws.deployment(config()).plan().await.unwrap();
    let json = serde_json::to_value(&plan).unwrap();
    assert_eq!(json["deployment"], "nightly");
    assert_eq!(json["kind"], "cluster");
    assert_eq!(json["steps"][0]["resource"], "role");
    assert_eq!(json["steps"][0]["action"], "create");
    assert_eq!(json["steps"][1]["resource"], "security_group");
    assert!(json["steps"][0]["differences"][0]["attribute"].is_string());
    assert!(json["cost"]["usd_per_month"].is_number());
}

#[tokio::test]
async fn foreign_resources_with_our_names_are_conflicts_and_stay_untouched() {
    let (aws, deployment) = provisioned(full_config()).await;
    for tags in [Tags::new(), [(DEPLOYMENT_TAG.to_owned(), "another".to_owned())].into()] {
        aws.edit(|world| {
            world.roles.values_mut().for_each(|found| found.tags = tags.clone());
            world.groups.values_mut().for_each(|found| found.tags = tags.clone());
            world.subnet_groups.values_mut().for_each(|found| found.tags = tags.clone());
            world.parameter_groups.values_mut().for_each(|found| found.tags = tags.clone());
            world.clusters.values_mut().for_each(|found| found.tags = tags.clone());
        });
        let before = aws.world();
        let plan = deployment.plan().await.unwrap();
        assert_eq!(plan.conflicts().len(), 5, "{plan:#?}");
        let error = deployment.apply(&plan).await.unwrap_err();
        assert!(matches!(&error, Error::Conflict { names } if names.len() == 5), "{error}");
        assert!(error.hint().unwrap().contains("never changed or deleted"));
        let teardown = deployment.teardown_plan(None).await.unwrap();
        assert!(!teardown.has_changes(), "{teardown:#?}");
        let report = deployment.teardown(&teardown).await.unwrap();
        assert!(report.is_clean() && report.deleted.is_empty(), "{report:#?}");
        assert_eq!(aws.world(), before);
    }
}

#[tokio::test]
async fn what_drifted_and_can_be_changed_is_changed() {
    let (aws, deployment) = provisioned(full_config()).await;
    let wanted = aws.world();
    aws.edit(|world| {
        let role = world.roles.values_mut().next().unwrap();
        role.trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}]}"#.to_owned();
        role.policies.insert("more".to_owned(), "{}".to_owned());
        role.attached.push("arn:aws:iam::aws:policy/AdministratorAccess".to_owned());
        let group = world.groups.values_mut().next().unwrap();
        group.ingress = vec![IngressRule::tcp(5439, "0.0.0.0/0")];
        group.tags.remove("team");
        world.subnet_groups.values_mut().next().unwrap().subnet_ids.pop();
        world.parameter_groups.values_mut().next().unwrap().parameters.insert("require_ssl".into(), "false".into());
        let cluster = world.clusters.values_mut().next().unwrap();
        cluster.publicly_accessible = false;
        cluster.snapshot_retention_days = 7;
        cluster.roles.clear();
        cluster.tags.remove("team");
    });
    let plan = deployment.plan().await.unwrap();
    assert!(plan.steps.iter().all(|step| step.action == Action::Change), "{plan:#?}");
    assert_eq!(attributes(step(&plan, ResourceKind::Role)), ["trust", "further policy", "attached policy"]);
    let rules: Vec<_> = step(&plan, ResourceKind::SecurityGroup)
        .differences
        .iter()
        .map(|d| (d.current.as_deref(), d.desired.as_deref()))
        .collect();
    assert_eq!(rules[0], (None, Some("203.0.113.7/32 tcp/5439")));
    assert_eq!(rules[1], (Some("0.0.0.0/0 tcp/5439"), None));
    let cluster = step(&plan, ResourceKind::Cluster);
    assert_eq!(
        attributes(cluster),
        ["publicly accessible", "days of automatic snapshots", "role", "tag team"]
    );
    deployment.apply(&plan).await.unwrap();
    assert_eq!(aws.world(), wanted);
    assert!(!deployment.plan().await.unwrap().has_changes());
}

#[tokio::test]
async fn what_cannot_be_changed_safely_is_shown_with_the_reason_and_left() {
    let (aws, _) = provisioned(config()).await;
    aws.edit(|world| world.clusters.values_mut().next().unwrap().encrypted = false);
    let before = aws.world();
    let changed = DeploymentConfig {
        node_type: "ra3.xlplus".to_owned(),
        nodes: 2,
        database: "other".to_owned(),
        admin_user: "somebody".to_owned(),
        port: 5440,
        allow_cidr: vec!["203.0.113.7".to_owned()],
        ..config()
    };
    let deployment = aws.deployment(changed);
    let plan = deployment.plan().await.unwrap();
    let cluster = step(&plan, ResourceKind::Cluster);
    assert_eq!(cluster.action, Action::Keep);
    assert_eq!(attributes(cluster), ["node type", "nodes", "database", "administrator", "port", "encrypted"]);
    assert!(cluster.differences.iter().all(|difference| difference.not_changed_because.is_some()));
    assert_eq!(plan.drift().len(), 2, "the cluster, and the port of the security group");
    deployment.apply(&plan).await.unwrap();
    assert_eq!(aws.world().clusters, before.clusters);
}

#[tokio::test]
async fn a_role_that_somebody_else_attached_is_shown_and_left() {
    let (aws, deployment) = provisioned(config()).await;
    aws.edit(|world| {
        let roles = &mut world.clusters.values_mut().next().unwrap().roles;
        roles.push(AttachedRole { arn: "arn:aws:iam::1:role/spectrum".into(), status: "in-sync".into() });
    });
    let plan = deployment.plan().await.unwrap();
    assert!(!plan.has_changes());
    assert_eq!(attributes(step(&plan, ResourceKind::Cluster)), ["further role"]);
}

#[tokio::test]
async fn a_paused_cluster_is_not_changed_and_says_why() {
    let (aws, deployment) = provisioned(config()).await;
    aws.edit(|world| {
        let cluster = world.clusters.values_mut().next().unwrap();
        cluster.status = "paused".to_owned();
        cluster.publicly_accessible = false;
    });
    let plan = deployment.plan().await.unwrap();
    let cluster = step(&plan, ResourceKind::Cluster);
    assert_eq!(cluster.action, Action::Keep);
    assert!(cluster.differences[0].not_changed_because.as_ref().unwrap().contains("resume"));
    let applied = deployment.apply(&plan).await.unwrap();
    assert_eq!(applied.outputs.state, "paused");
    assert!(matches!(applied.probe, crate::outputs::Probe::Skipped { .. }));
}

#[tokio::test]
async fn nodes_that_cannot_be_ordered_in_the_region_are_refused() {
    let mut clusters = MockClusters::new();
    clusters.expect_cluster().returning(|_| Ok(None));
    clusters.expect_orderable().withf(|node_type| node_type == "ra3.large").returning(|_| Ok(Vec::new()));
    let services = Services { clusters: std::sync::Arc::new(clusters), ..FakeAws::new().services() };
    let error = Deployment::new(config(), services).unwrap().plan().await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("node_type: a single-node cluster of ra3.large cannot be ordered in us-west-2")
    );
    assert!(error.hint().is_some());
}

#[tokio::test]
async fn an_optional_read_that_fails_is_a_note() {
    let aws = FakeAws::new();
    aws.script("redshift:DescribeOrderableClusterOptions", ErrorKind::Unsupported, 1);
    aws.script("s3:HeadBucket", ErrorKind::AccessDenied, 1);
    let plan = aws.deployment(config()).plan().await.unwrap();
    assert!(
        plan.notes.iter().any(|note| note.contains("ra3.large can be ordered here was not checked")),
        "{:?}",
        plan.notes
    );
    assert!(
        plan.notes.iter().any(|note| note.contains("bucket udacity-dend is was not checked")),
        "{:?}",
        plan.notes
    );
}

#[tokio::test]
async fn a_bucket_elsewhere_or_missing_is_a_note() {
    let aws = FakeAws::new();
    aws.edit(|world| world.buckets.insert("udacity-dend".to_owned(), "eu-west-1".to_owned()));
    let plan = aws.deployment(full_config()).plan().await.unwrap();
    assert!(plan.notes.iter().any(|note| note.contains("udacity-dend is in eu-west-1: COPY must name")));
    assert!(plan.notes.iter().any(|note| note.contains("no bucket our-bucket")));
}

#[tokio::test]
async fn a_cluster_that_does_not_require_tls_or_has_no_managed_password_differs() {
    let (aws, deployment) = provisioned(config()).await;
    aws.edit(|world| {
        let cluster = world.clusters.values_mut().next().unwrap();
        cluster.parameter_group = Some("default.redshift-1.0".to_owned());
        cluster.admin_secret_arn = None;
        let parameters = [("require_ssl".to_owned(), "false".to_owned())].into();
        let group = ParameterGroup {
            name: "default.redshift-1.0".into(),
            family: "redshift-1.0".into(),
            parameters,
            tags: Tags::new(),
        };
        world.parameter_groups.insert(group.name.clone(), group);
    });
    let plan = deployment.plan().await.unwrap();
    assert!(!plan.has_changes());
    let cluster = step(&plan, ResourceKind::Cluster);
    assert_eq!(attributes(cluster), ["administrator's password", "TLS required"]);
    assert!(cluster.differences.iter().all(|difference| difference.not_changed_because.is_some()));
    let drift = deployment.status().await.unwrap().drift;
    assert_eq!(drift.len(), 1, "status shows it as well");
    assert_eq!(attributes(&drift[0]), ["administrator's password", "TLS required"]);
}

#[tokio::test]
async fn serverless_that_does_not_require_tls_or_has_no_managed_password_differs() {
    let config = DeploymentConfig { kind: crate::Kind::Serverless, ..config() };
    let (aws, deployment) = provisioned(config).await;
    aws.edit(|world| {
        world.workgroups.values_mut().next().unwrap().requires_tls = Some(false);
        world.namespaces.values_mut().next().unwrap().admin_secret_arn = None;
    });
    let plan = deployment.plan().await.unwrap();
    assert!(!plan.has_changes(), "{plan:#?}");
    assert_eq!(attributes(step(&plan, ResourceKind::Namespace)), ["administrator's password"]);
    assert_eq!(attributes(step(&plan, ResourceKind::Workgroup)), ["TLS required"]);
    assert_eq!(deployment.status().await.unwrap().drift.len(), 2);
}

#[tokio::test]
async fn parameters_that_wait_for_a_reboot_are_shown() {
    let (aws, deployment) = provisioned(full_config()).await;
    aws.edit(|world| {
        world.clusters.values_mut().next().unwrap().parameter_status = Some("pending-reboot".to_owned());
    });
    let plan = deployment.plan().await.unwrap();
    let cluster = step(&plan, ResourceKind::Cluster);
    assert_eq!((cluster.action, attributes(cluster)), (Action::Keep, vec!["parameters"]));
    let difference = &cluster.differences[0];
    assert_eq!(difference.current.as_deref(), Some("pending-reboot"));
    assert!(difference.not_changed_because.as_ref().unwrap().contains("reboot-cluster"));
}

#[tokio::test]
async fn what_the_configuration_no_longer_asks_for_is_shown_with_its_price() {
    let (aws, _) = provisioned(full_config()).await;
    let changed = DeploymentConfig {
        kind: crate::Kind::Serverless,
        security_group_ids: vec!["sg-given".to_owned()],
        ..config()
    };
    let deployment = aws.deployment(changed.clone());
    let plan = deployment.plan().await.unwrap();
    let found: Vec<_> =
        plan.surplus.iter().map(|one| (one.resource, one.name.as_str(), one.usd_per_hour)).collect();
    use ResourceKind::*;
    let name = "sparkify-nightly";
    assert_eq!(
        found,
        [
            (Cluster, name, Some(0.543)),
            (SubnetGroup, name, None),
            (ParameterGroup, name, None),
            (SecurityGroup, "sparkify-nightly (sg-sparkify-nightly)", None),
        ]
    );
    assert!(plan.surplus[0].note.contains("goes on costing") && plan.surplus[0].note.contains("teardown"));
    let status = deployment.status().await.unwrap();
    assert_eq!(status.surplus, plan.surplus);
    // Applying does nothing about it, and teardown takes all of it away.
    deployment.apply(&plan).await.unwrap();
    assert_eq!(aws.world().clusters.len(), 1);
    let teardown = deployment.teardown_plan(Some(crate::teardown::SnapshotDecision::Skip)).await.unwrap();
    assert!(deployment.teardown(&teardown).await.unwrap().is_clean());
    assert!(deployment.plan().await.unwrap().surplus.is_empty());
}

#[tokio::test]
async fn the_other_way_round_too_and_under_other_names() {
    let serverless = DeploymentConfig { kind: crate::Kind::Serverless, ..config() };
    let (aws, _) = provisioned(serverless).await;
    let deployment = aws.deployment(config());
    aws.edit(|world| {
        let mut restored = world.namespaces.values().next().unwrap().clone();
        restored.name = "restored-by-hand".to_owned();
        world.namespaces.insert(restored.name.clone(), restored);
    });
    let surplus = deployment.status().await.unwrap().surplus;
    let found: Vec<_> = surplus.iter().map(|one| (one.resource, one.name.as_str())).collect();
    use ResourceKind::*;
    assert_eq!(
        found,
        [(Workgroup, "sparkify-nightly"), (Namespace, "restored-by-hand"), (Namespace, "sparkify-nightly")]
    );
    assert_eq!(surplus[0].usd_per_hour, Some(1.5));
    assert!(surplus[1].note.contains("delete it yourself"), "{}", surplus[1].note);
    aws.script("redshift-serverless:ListWorkgroups", ErrorKind::AccessDenied, 1);
    let notes = deployment.plan().await.unwrap().notes;
    assert!(notes.iter().any(|note| note.contains("were not looked for")), "{notes:?}");
}

#[tokio::test]
async fn all_that_is_asked_for_is_no_surplus() {
    let serverless = DeploymentConfig { kind: crate::Kind::Serverless, ..config() };
    for config in [full_config(), serverless] {
        let (_, deployment) = provisioned(config).await;
        assert_eq!(deployment.plan().await.unwrap().surplus, []);
    }
}

#[tokio::test]
async fn without_a_default_vpc_the_subnets_must_be_named() {
    let mut network = MockNetwork::new();
    network.expect_default_vpc().returning(|| Ok(None));
    let services = Services { network: Some(std::sync::Arc::new(network)), ..FakeAws::new().services() };
    let error = Deployment::new(config(), services).unwrap().plan().await.unwrap_err();
    assert!(error.to_string().contains("no default VPC"));
    assert!(error.hint().unwrap().contains("create-default-vpc"));
}

#[tokio::test]
async fn subnets_that_are_missing_are_named() {
    let aws = FakeAws::new();
    let subnet_ids = vec!["subnet-a".to_owned(), "subnet-z".to_owned()];
    let error = aws.deployment(DeploymentConfig { subnet_ids, ..config() }).plan().await.unwrap_err();
    assert!(error.to_string().contains("there is no subnet subnet-z"), "{error}");
}

#[tokio::test]
async fn a_named_subnet_group_must_be_there_and_is_not_ours() {
    let aws = FakeAws::new();
    let config = DeploymentConfig { subnet_group: Some("given".to_owned()), ..config() };
    let error = aws.deployment(config.clone()).plan().await.unwrap_err();
    assert!(error.to_string().contains("there is no subnet group given"));
    aws.edit(|world| {
        let group = SubnetGroup {
            name: "given".into(),
            subnet_ids: vec![],
            vpc_id: Some("vpc-default".into()),
            tags: Tags::new(),
        };
        world.subnet_groups.insert("given".to_owned(), group)
    });
    let plan = aws.deployment(config).plan().await.unwrap();
    assert_eq!(plan.steps.len(), 3);
    let group = step(&plan, ResourceKind::Cluster)
        .differences
        .iter()
        .find(|d| d.attribute == "subnet group")
        .unwrap();
    assert_eq!(group.desired.as_deref(), Some("given"));
}

#[tokio::test]
async fn without_the_callers_address_allow_cidr_is_asked_for() {
    let mut address = MockAddressFinder::new();
    address.expect_address().returning(|| Err("no route".to_owned()));
    let services = Services { address: std::sync::Arc::new(address), ..FakeAws::new().services() };
    let error = Deployment::new(config(), services.clone()).unwrap().plan().await.unwrap_err();
    assert!(matches!(error, Error::Address { .. }));
    assert!(error.hint().unwrap().contains("--allow-cidr"));
    let config = DeploymentConfig { allow_cidr: vec!["198.51.100.9/24".to_owned()], ..config() };
    let plan = Deployment::new(config, services).unwrap().plan().await.unwrap();
    let group = step(&plan, ResourceKind::SecurityGroup);
    assert_eq!(group.differences.last().unwrap().desired.as_deref(), Some("198.51.100.0/24 tcp/5439"));
}

#[tokio::test]
async fn a_build_without_ec2_needs_the_ids_of_security_groups() {
    let services = Services { network: None, ..FakeAws::new().services() };
    let error = Deployment::new(config(), services.clone()).unwrap().plan().await.unwrap_err();
    assert!(matches!(error, Error::NoNetwork));
    let config = DeploymentConfig { security_group_ids: vec!["sg-given".to_owned()], ..config() };
    let plan = Deployment::new(config, services).unwrap().plan().await.unwrap();
    assert_eq!(
        actions(&plan),
        [(ResourceKind::Role, Action::Create), (ResourceKind::Cluster, Action::Create)]
    );
}

#[tokio::test]
async fn a_deployment_is_of_one_region() {
    let config = DeploymentConfig { region: Some("eu-west-1".to_owned()), ..config() };
    let error = Deployment::new(config, FakeAws::new().services()).unwrap_err();
    assert_eq!(error.setting, "region");
}

#[test]
fn the_role_of_another_region_has_another_name_and_every_name_is_short_enough() {
    let name = "a".repeat(38);
    let config =
        |region: &str| DeploymentConfig { region: Some(region.into()), ..DeploymentConfig::named(&name) };
    config("ap-southeast-1").validate().unwrap();
    let names = config("ap-southeast-1").names();
    assert_ne!(names.role, config("eu-west-1").names().role);
    assert!(names.role.len() <= 64, "IAM: {}", names.role.len());
    assert!(names.cluster.len() <= 63, "Redshift");
    assert!(names.workgroup.len() <= 64, "Serverless");
}
