//! The life of a cluster as AWS tells it, through the real clients.

use std::sync::Arc;

use super::*;
use crate::{
    Error, fake::Recorder, plan::Action, services::ErrorKind, status::State, teardown::SnapshotDecision,
};

const ROLE_ARN: &str = "arn:aws:iam::123456789012:role/sparkify/sparkify-nightly-us-west-2";
const TAGS: &str = "<Tags><Tag><Key>sparkify:deployment</Key><Value>nightly</Value></Tag></Tags>";

/// DescribeClusters with one cluster.
fn cluster(status: &str, availability: &str, endpoint: bool, role: &str) -> Reply {
    let endpoint = if endpoint {
        "<Endpoint><Address>sparkify-nightly.abc.us-west-2.redshift.amazonaws.com</Address><Port>5439</Port></Endpoint>"
    } else {
        ""
    };
    Reply::ok(format!(
        "<DescribeClustersResponse><DescribeClustersResult><Clusters><Cluster>\
         <ClusterIdentifier>sparkify-nightly</ClusterIdentifier><NodeType>ra3.large</NodeType>\
         <ClusterStatus>{status}</ClusterStatus><ClusterAvailabilityStatus>{availability}</ClusterAvailabilityStatus>\
         <MasterUsername>sparkify_admin</MasterUsername><DBName>sparkify</DBName>{endpoint}\
         <ClusterCreateTime>2026-11-24T06:00:00.000Z</ClusterCreateTime>\
         <AutomatedSnapshotRetentionPeriod>1</AutomatedSnapshotRetentionPeriod>\
         <VpcSecurityGroups><VpcSecurityGroup><VpcSecurityGroupId>sg-1</VpcSecurityGroupId><Status>active</Status>\
         </VpcSecurityGroup></VpcSecurityGroups><ClusterSubnetGroupName>given</ClusterSubnetGroupName>\
         <NumberOfNodes>1</NumberOfNodes><PubliclyAccessible>true</PubliclyAccessible><Encrypted>true</Encrypted>{TAGS}\
         <IamRoles><ClusterIamRole><IamRoleArn>{ROLE_ARN}</IamRoleArn><ApplyStatus>{role}</ApplyStatus></ClusterIamRole>\
         </IamRoles><DefaultIamRoleArn>{ROLE_ARN}</DefaultIamRoleArn>\
         <MasterPasswordSecretArn>arn:aws:secretsmanager:us-west-2:123456789012:secret:redshift!x</MasterPasswordSecretArn>\
         </Cluster></Clusters></DescribeClustersResult></DescribeClustersResponse>"
    ))
}

fn available() -> Reply {
    cluster("available", "Available", true, "in-sync")
}

fn missing() -> Reply {
    Reply::error(404, "ClusterNotFound", "Cluster sparkify-nightly not found.")
}

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// GetRole with our role.
fn role() -> Reply {
    let trust = encoded(&crate::policy::trust(crate::Kind::Cluster).to_string());
    Reply::ok(format!(
        "<GetRoleResponse><GetRoleResult><Role><Path>/sparkify/</Path><RoleName>sparkify-nightly-us-west-2</RoleName>\
         <RoleId>R</RoleId><Arn>{ROLE_ARN}</Arn><CreateDate>2026-11-24T06:00:00Z</CreateDate>\
         <AssumeRolePolicyDocument>{trust}</AssumeRolePolicyDocument><Tags><member><Key>sparkify:deployment</Key>\
         <Value>nightly</Value></member></Tags></Role></GetRoleResult></GetRoleResponse>"
    ))
}

fn no_role() -> Reply {
    Reply::error(404, "NoSuchEntity", "The role with name sparkify-nightly-us-west-2 cannot be found.")
}

fn empty(operation: &str) -> Reply {
    Reply::ok(format!("<{operation}Response><{operation}Result/></{operation}Response>"))
}

/// Everything but cluster and role, as it is in a quiet account.
fn account() -> Script {
    let policy = encoded(&crate::policy::data_access(&config(), "aws").to_string());
    Script::new()
        .on(
            "DescribeClusterSubnetGroups",
            [Reply::ok(
                "<DescribeClusterSubnetGroupsResponse><DescribeClusterSubnetGroupsResult><ClusterSubnetGroups>\
                 <ClusterSubnetGroup><ClusterSubnetGroupName>given</ClusterSubnetGroupName><VpcId>vpc-1</VpcId>\
                 </ClusterSubnetGroup></ClusterSubnetGroups></DescribeClusterSubnetGroupsResult>\
                 </DescribeClusterSubnetGroupsResponse>",
            )],
        )
        .on(
            "DescribeOrderableClusterOptions",
            [Reply::ok(
                "<DescribeOrderableClusterOptionsResponse><DescribeOrderableClusterOptionsResult>\
                 <OrderableClusterOptions><OrderableClusterOption><ClusterType>single-node</ClusterType>\
                 <NodeType>ra3.large</NodeType></OrderableClusterOption></OrderableClusterOptions>\
                 </DescribeOrderableClusterOptionsResult></DescribeOrderableClusterOptionsResponse>",
            )],
        )
        .on("HEAD udacity-dend.s3.us-west-2.amazonaws.com/", [Reply::Http(200, vec![("x-amz-bucket-region", "us-west-2".into())], String::new())])
        .on(
            "ListRolePolicies",
            [Reply::ok(
                "<ListRolePoliciesResponse><ListRolePoliciesResult><PolicyNames><member>sparkify-data-access</member>\
                 </PolicyNames><IsTruncated>false</IsTruncated></ListRolePoliciesResult></ListRolePoliciesResponse>",
            )],
        )
        .on(
            "GetRolePolicy",
            [Reply::ok(format!(
                "<GetRolePolicyResponse><GetRolePolicyResult><RoleName>r</RoleName><PolicyName>sparkify-data-access\
                 </PolicyName><PolicyDocument>{policy}</PolicyDocument></GetRolePolicyResult></GetRolePolicyResponse>"
            ))],
        )
        .on(
            "ListAttachedRolePolicies",
            [Reply::ok(
                "<ListAttachedRolePoliciesResponse><ListAttachedRolePoliciesResult><AttachedPolicies/>\
                 <IsTruncated>false</IsTruncated></ListAttachedRolePoliciesResult></ListAttachedRolePoliciesResponse>",
            )],
        )
        .on("GetRole", [role()])
        // Nothing else carries our tag.
        .on("DescribeTags", [empty("DescribeTags")])
        .on("ListWorkgroups", [Reply::ok(r#"{"workgroups":[]}"#)])
        .on("ListNamespaces", [Reply::ok(r#"{"namespaces":[]}"#)])
        .on(
            "DescribeSecurityGroups",
            [Reply::ok("<DescribeSecurityGroupsResponse><securityGroupInfo/></DescribeSecurityGroupsResponse>")],
        )
        .on("PutRolePolicy", [empty("PutRolePolicy")])
        .on("CreateCluster", [empty("CreateCluster")])
}

#[tokio::test]
async fn from_nothing_over_creating_and_modifying_to_a_role_in_sync() {
    let created = Reply::ok(format!(
        "<CreateRoleResponse><CreateRoleResult><Role><Path>/sparkify/</Path><RoleName>r</RoleName><RoleId>R</RoleId>\
         <Arn>{ROLE_ARN}</Arn><CreateDate>2026-11-24T06:00:00Z</CreateDate></Role></CreateRoleResult></CreateRoleResponse>"
    ));
    let script = account()
        .on("GetRole", [no_role(), no_role(), role()])
        .on("CreateRole", [created])
        .on("PutRolePolicy", [no_role(), empty("PutRolePolicy")])
        .on(
            "CreateCluster",
            [
                Reply::error(
                    400,
                    "InvalidParameterValue",
                    "The IAM role arn:aws:iam::123456789012:role/sparkify/r is not valid",
                ),
                Reply::error(400, "Throttling", "Rate exceeded"),
                empty("CreateCluster"),
            ],
        )
        .on(
            "DescribeClusters",
            [
                // By plan, by apply, before the creation; then not visible yet, twice.
                missing(),
                missing(),
                missing(),
                missing(),
                missing(),
                cluster("creating", "Modifying", false, "adding"),
                cluster("modifying", "Modifying", false, "adding"),
                cluster("available", "Maintenance", true, "adding"),
                cluster("available", "Available", true, "adding"),
                available(),
            ],
        );
    let recorder = Arc::new(Recorder::default());
    let deployment = deployment(&script).with_observer(Arc::<Recorder>::clone(&recorder));
    let plan = deployment.plan().await.unwrap();
    assert!(plan.steps.iter().all(|step| step.action == Action::Create), "{plan:#?}");
    let applied = deployment.apply(&plan).await.unwrap();
    assert_eq!(applied.outputs.role_arn.as_deref(), Some(ROLE_ARN));
    assert_eq!(
        recorder.states(),
        [
            "not visible yet",
            "creating",
            "modifying",
            "available, availability Maintenance",
            "available, role sparkify-nightly-us-west-2 adding"
        ]
    );
    assert!(!deployment.plan().await.unwrap().has_changes());
}

#[tokio::test]
async fn capacity_and_quota_end_it_after_one_request() {
    for (code, kind) in
        [("InsufficientClusterCapacity", ErrorKind::Capacity), ("ClusterQuotaExceeded", ErrorKind::Quota)]
    {
        let script = account()
            .on("DescribeClusters", [missing()])
            .on("CreateCluster", [Reply::error(400, code, "no")]);
        let deployment = deployment(&script);
        let plan = deployment.plan().await.unwrap();
        let error = deployment.apply(&plan).await.unwrap_err();
        assert_eq!(error.service().unwrap().kind, kind);
        assert_eq!(script.asked("CreateCluster").len(), 1);
    }
}

#[tokio::test]
async fn a_creation_whose_answer_was_lost_is_found_to_be_ours() {
    let script = account()
        .on(
            "DescribeClusters",
            [missing(), missing(), missing(), cluster("creating", "Modifying", false, "adding"), available()],
        )
        .on(
            "CreateCluster",
            [Reply::Broken, Reply::error(400, "ClusterAlreadyExists", "Cluster already exists")],
        );
    let deployment = deployment(&script);
    let plan = deployment.plan().await.unwrap();
    deployment.apply(&plan).await.unwrap();
}

#[tokio::test]
async fn an_incompatible_network_ends_the_wait_with_its_remedy() {
    let script = account().on(
        "DescribeClusters",
        [
            cluster("creating", "Modifying", false, "adding"),
            cluster("creating", "Modifying", false, "adding"),
            cluster("incompatible-network", "Failed", false, "adding"),
        ],
    );
    let deployment = deployment(&script);
    let plan = deployment.plan().await.unwrap();
    let error = deployment.apply(&plan).await.unwrap_err();
    assert!(matches!(&error, Error::Stuck { state, .. } if state == "incompatible-network"), "{error}");
    assert!(error.hint().unwrap().contains("free addresses"));
}

#[tokio::test]
async fn pausing_and_resuming_go_through_their_states() {
    let state = |status: &str| cluster(status, "Available", true, "in-sync");
    let script = account()
        .on(
            "DescribeClusters",
            [available(), state("modifying"), available(), state("pausing"), state("paused")],
        )
        .on(
            "PauseCluster",
            [
                Reply::error(400, "InvalidClusterState", "There is an operation running"),
                empty("PauseCluster"),
            ],
        );
    let paused = deployment(&script).pause().await.unwrap();
    assert_eq!(paused.state, "paused");
    assert_eq!(script.asked("PauseCluster").len(), 2);

    let script = account()
        .on("DescribeClusters", [state("paused"), state("paused"), state("resuming"), available()])
        .on("ResumeCluster", [empty("ResumeCluster")]);
    assert_eq!(deployment(&script).resume().await.unwrap().state, "available");

    let script = account().on("DescribeClusters", [state("paused")]);
    let status = deployment(&script).status().await.unwrap();
    assert_eq!(status.state, State::Paused);
    assert_eq!(status.created_at.as_deref(), Some("2026-11-24T06:00:00Z"));
}

/// The answers of an account in which nothing is left.
fn nothing_left(script: Script) -> Script {
    let no_workgroup = Reply::json_error("ResourceNotFoundException", "there is none");
    script
        .on("GetWorkgroup", [no_workgroup.clone()])
        .on("GetNamespace", [no_workgroup])
        .on("ListWorkgroups", [Reply::ok(r#"{"workgroups":[]}"#)])
        .on("ListNamespaces", [Reply::ok(r#"{"namespaces":[]}"#)])
        .on("ListSnapshots", [Reply::ok(r#"{"snapshots":[]}"#)])
        .on("ListSecrets", [Reply::ok(r#"{"SecretList":[]}"#)])
        .on("DescribeClusterSubnetGroups", [Reply::error(400, "ClusterSubnetGroupNotFoundFault", "none")])
        .on("DescribeClusterParameterGroups", [Reply::error(404, "ClusterParameterGroupNotFound", "none")])
        .on("DescribeClusterSnapshots", [empty("DescribeClusterSnapshots")])
        .on("DescribeTags", [empty("DescribeTags")])
        .on(
            "ListRoles",
            [Reply::ok("<ListRolesResponse><ListRolesResult><Roles/><IsTruncated>false</IsTruncated></ListRolesResult></ListRolesResponse>")],
        )
        .on("DeleteRolePolicy", [empty("DeleteRolePolicy")])
        .on("DeleteRole", [empty("DeleteRole")])
}

#[cfg(feature = "ec2")]
fn groups(with_ours: bool) -> Reply {
    let ours = "<item><groupId>sg-9</groupId><groupName>sparkify-nightly</groupName><vpcId>vpc-1</vpcId><tagSet><item>\
                <key>sparkify:deployment</key><value>nightly</value></item></tagSet></item>";
    let items = if with_ours { ours } else { "" };
    Reply::ok(format!(
        "<DescribeSecurityGroupsResponse><securityGroupInfo>{items}</securityGroupInfo></DescribeSecurityGroupsResponse>"
    ))
}

#[cfg(feature = "ec2")]
#[tokio::test]
async fn a_teardown_races_with_interfaces_and_roles_that_are_still_held() {
    let deleting = || cluster("deleting", "Unavailable", true, "in-sync");
    let script = nothing_left(account())
        .on(
            "DescribeClusters",
            [
                available(),
                available(),
                available(),
                cluster("modifying", "Modifying", true, "in-sync"),
                deleting(),
                deleting(),
                missing(),
            ],
        )
        .on(
            "DeleteCluster",
            [
                Reply::error(400, "InvalidClusterState", "There is an operation running"),
                empty("DeleteCluster"),
            ],
        )
        .on("DescribeSecurityGroups", [groups(true), groups(true), groups(false)])
        .on(
            "DeleteSecurityGroup",
            [
                Reply::ec2_error("DependencyViolation", "resource sg-9 has a dependent object"),
                Reply::ec2_error("DependencyViolation", "resource sg-9 has a dependent object"),
                Reply::ec2_error("DependencyViolation", "resource sg-9 has a dependent object"),
                Reply::ok("<DeleteSecurityGroupResponse><return>true</return></DeleteSecurityGroupResponse>"),
            ],
        )
        .on("GetRole", [role(), role(), no_role()])
        .on(
            "DeleteRole",
            [Reply::error(409, "DeleteConflict", "must delete policies first"), empty("DeleteRole")],
        );
    let deployment = deployment(&script);
    let plan = deployment.teardown_plan(Some(SnapshotDecision::Skip)).await.unwrap();
    let report = deployment.teardown(&plan).await.unwrap();
    assert!(report.is_clean(), "{report:#?}");
    assert_eq!(report.deleted.len(), 3);
    assert_eq!(script.asked("DeleteSecurityGroup").len(), 4);
    assert!(
        script
            .asked("DeleteCluster")
            .iter()
            .all(|asked| asked.body.contains("SkipFinalClusterSnapshot=true"))
    );
}

#[cfg(feature = "ec2")]
#[tokio::test]
async fn a_second_teardown_finds_nothing_and_is_fine() {
    let script = nothing_left(account())
        .on("DescribeClusters", [missing()])
        .on("DescribeSecurityGroups", [groups(false)])
        .on("GetRole", [no_role()]);
    let deployment = deployment(&script);
    let plan = deployment.teardown_plan(None).await.unwrap();
    assert!(!plan.has_changes());
    let report = deployment.teardown(&plan).await.unwrap();
    assert!(report.is_clean(), "{report:#?}");
    assert!(!script.operations().iter().any(|operation| operation.starts_with("Delete")));
}
