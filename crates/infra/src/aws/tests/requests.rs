//! What is sent.

use super::*;
use crate::services::*;

fn empty(operation: &str) -> Reply {
    Reply::ok(format!("<{operation}Response><{operation}Result/></{operation}Response>"))
}

fn new_cluster(nodes: u32) -> NewCluster {
    NewCluster {
        id: "sparkify-nightly".into(),
        node_type: "ra3.large".into(),
        nodes,
        database: "sparkify".into(),
        admin_user: "sparkify_admin".into(),
        port: 5439,
        publicly_accessible: false,
        role_arn: "arn:aws:iam::1:role/sparkify/r".into(),
        security_group_ids: vec!["sg-1".into()],
        subnet_group: None,
        parameter_group: None,
        snapshot_retention_days: 1,
        maintenance_window: None,
        tags: [("sparkify:deployment".to_owned(), "nightly".to_owned())].into(),
    }
}

async fn sent(nodes: u32) -> Vec<String> {
    let script = Script::new().on("CreateCluster", [empty("CreateCluster")]);
    script.services().clusters.create_cluster(&new_cluster(nodes)).await.unwrap();
    script.asked("CreateCluster")[0].body.split('&').map(str::to_owned).collect()
}

#[tokio::test]
async fn a_cluster_is_asked_for_as_redshift_needs_it() {
    let sent = sent(1).await;
    for pair in [
        "ClusterType=single-node",
        "NodeType=ra3.large",
        "Encrypted=true",
        "ManageMasterPassword=true",
        "PubliclyAccessible=false",
        "Port=5439",
        "DBName=sparkify",
        "MasterUsername=sparkify_admin",
        "AutomatedSnapshotRetentionPeriod=1",
        "IamRoles.IamRoleArn.1=arn:aws:iam::1:role/sparkify/r",
        "DefaultIamRoleArn=arn:aws:iam::1:role/sparkify/r",
        "VpcSecurityGroupIds.VpcSecurityGroupId.1=sg-1",
        "Tags.Tag.1.Key=sparkify:deployment",
        "Tags.Tag.1.Value=nightly",
    ] {
        assert!(sent.iter().any(|sent| sent == pair), "{pair} in {sent:?}");
    }
    for name in [
        "NumberOfNodes",
        "MasterUserPassword",
        "AquaConfigurationStatus",
        "ClusterSubnetGroupName",
        "ClusterParameterGroupName",
    ] {
        assert!(!sent.iter().any(|sent| sent.starts_with(&format!("{name}="))), "{name} is not sent");
    }
}

#[tokio::test]
async fn several_nodes_are_a_multi_node_cluster_with_their_number() {
    let sent = sent(3).await;
    assert!(
        sent.contains(&"ClusterType=multi-node".to_owned()) && sent.contains(&"NumberOfNodes=3".to_owned())
    );
}

#[tokio::test]
async fn a_deletion_always_says_what_becomes_of_the_data() {
    let script = Script::new().on("DeleteCluster", [empty("DeleteCluster")]);
    let clusters = script.services().clusters;
    clusters.delete_cluster("c", None).await.unwrap();
    clusters.delete_cluster("c", Some(FinalSnapshot { name: "s".into(), retention_days: 7 })).await.unwrap();
    let asked = script.asked("DeleteCluster");
    assert!(asked[0].body.contains("SkipFinalClusterSnapshot=true"));
    assert!(!asked[0].body.contains("FinalClusterSnapshotIdentifier"));
    for pair in [
        "SkipFinalClusterSnapshot=false",
        "FinalClusterSnapshotIdentifier=s",
        "FinalClusterSnapshotRetentionPeriod=7",
    ] {
        assert!(asked[1].body.contains(pair), "{}", asked[1].body);
    }
    let script = Script::new().on("DeleteCluster", [Reply::error(404, "ClusterNotFound", "gone")]);
    script.services().clusters.delete_cluster("c", None).await.unwrap();
}

#[tokio::test]
async fn temporary_credentials_are_for_a_user_that_exists_and_come_verbatim() {
    let script = Script::new()
        .on(
            "GetClusterCredentials",
            [Reply::ok(
                "<GetClusterCredentialsResponse><GetClusterCredentialsResult><DbUser>IAM:sparkify_admin</DbUser>\
                 <DbPassword>hunter2</DbPassword><Expiration>2026-11-24T10:15:00Z</Expiration>\
                 </GetClusterCredentialsResult></GetClusterCredentialsResponse>",
            )],
        )
        .on(
            "GetClusterCredentialsWithIAM",
            [Reply::ok(
                "<GetClusterCredentialsWithIAMResponse><GetClusterCredentialsWithIAMResult><DbUser>IAM:engineer</DbUser>\
                 <DbPassword>hunter2</DbPassword></GetClusterCredentialsWithIAMResult></GetClusterCredentialsWithIAMResponse>",
            )],
        );
    let clusters = script.services().clusters;
    let credentials = clusters.user_credentials("c", "sparkify_admin", "sparkify").await.unwrap();
    assert_eq!((credentials.user.as_str(), credentials.password.expose()), ("IAM:sparkify_admin", "hunter2"));
    assert!(credentials.expires_at.is_some());
    assert!(!format!("{credentials:?}").contains("hunter2"));
    let body = &script.asked("GetClusterCredentials")[0].body;
    for pair in ["AutoCreate=false", "DbUser=sparkify_admin", "DbName=sparkify", "DurationSeconds=900"] {
        assert!(body.contains(pair), "{body}");
    }
    assert_eq!(clusters.caller_credentials("c", "sparkify").await.unwrap().user, "IAM:engineer");
}

#[cfg(feature = "ec2")]
#[tokio::test]
async fn rules_are_sent_with_their_kind_of_source_and_duplicates_are_fine() {
    let script = Script::new()
        .on(
            "AuthorizeSecurityGroupIngress",
            [Reply::ec2_error("InvalidPermission.Duplicate", "already exists")],
        )
        .on("RevokeSecurityGroupIngress", [Reply::ec2_error("InvalidPermission.NotFound", "no such rule")]);
    let network = script.services().network.unwrap();
    network.allow("sg-1", &IngressRule::tcp(5439, "203.0.113.7/32")).await.unwrap();
    network.allow("sg-1", &IngressRule::tcp(5439, "2001:db8::/64")).await.unwrap();
    network.revoke("sg-1", &IngressRule::tcp(5439, "sg-2")).await.unwrap();
    let allowed = script.asked("AuthorizeSecurityGroupIngress");
    assert!(
        allowed[0].body.contains("IpPermissions.1.IpRanges.1.CidrIp=203.0.113.7/32"),
        "{}",
        allowed[0].body
    );
    assert!(allowed[0].body.contains("IpPermissions.1.FromPort=5439"));
    assert!(
        allowed[1].body.contains("IpPermissions.1.Ipv6Ranges.1.CidrIpv6=2001:db8::/64"),
        "{}",
        allowed[1].body
    );
    let revoked = &script.asked("RevokeSecurityGroupIngress")[0].body;
    assert!(revoked.contains("IpPermissions.1.Groups.1.GroupId=sg-2"), "{revoked}");
}
