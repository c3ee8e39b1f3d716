//! What is read.

use super::*;
use crate::services::*;

#[tokio::test]
async fn a_role_comes_with_decoded_policies() {
    let script = Script::new()
        .on(
            "GetRole",
            [Reply::ok(
                "<GetRoleResponse><GetRoleResult><Role><Path>/sparkify/</Path><RoleName>r</RoleName><RoleId>R</RoleId>\
                 <Arn>arn:aws:iam::1:role/sparkify/r</Arn><CreateDate>2026-11-24T06:00:00Z</CreateDate>\
                 <AssumeRolePolicyDocument>%7B%22Version%22%3A%222012-10-17%22%7D</AssumeRolePolicyDocument></Role>\
                 </GetRoleResult></GetRoleResponse>",
            )],
        )
        .on(
            "ListRolePolicies",
            [Reply::ok(
                "<ListRolePoliciesResponse><ListRolePoliciesResult><PolicyNames><member>p</member></PolicyNames>\
                 <IsTruncated>false</IsTruncated></ListRolePoliciesResult></ListRolePoliciesResponse>",
            )],
        )
        .on(
            "GetRolePolicy",
            [Reply::ok(
                "<GetRolePolicyResponse><GetRolePolicyResult><RoleName>r</RoleName><PolicyName>p</PolicyName>\
                 <PolicyDocument>%7B%22a%22%3A1%7D</PolicyDocument></GetRolePolicyResult></GetRolePolicyResponse>",
            )],
        )
        .on(
            "ListAttachedRolePolicies",
            [Reply::ok(
                "<ListAttachedRolePoliciesResponse><ListAttachedRolePoliciesResult><AttachedPolicies><member>\
                 <PolicyName>x</PolicyName><PolicyArn>arn:x</PolicyArn></member></AttachedPolicies>\
                 <IsTruncated>false</IsTruncated></ListAttachedRolePoliciesResult></ListAttachedRolePoliciesResponse>",
            )],
        );
    let role = script.services().roles.role("r").await.unwrap().unwrap();
    assert_eq!(role.trust, r#"{"Version":"2012-10-17"}"#);
    assert_eq!(role.policies["p"], r#"{"a":1}"#);
    assert_eq!(role.attached, ["arn:x"]);
}

#[tokio::test]
async fn what_is_not_there_is_none() {
    let script = Script::new()
        .on("GetRole", [Reply::error(404, "NoSuchEntity", "no")])
        .on("DescribeClusters", [Reply::error(404, "ClusterNotFound", "no")])
        .on("DescribeClusterSubnetGroups", [Reply::error(400, "ClusterSubnetGroupNotFoundFault", "no")])
        .on("DescribeClusterParameterGroups", [Reply::error(404, "ClusterParameterGroupNotFound", "no")])
        .on("GetWorkgroup", [Reply::json_error("ResourceNotFoundException", "no")])
        .on("GetNamespace", [Reply::json_error("ResourceNotFoundException", "no")]);
    let services = script.services();
    assert_eq!(services.roles.role("r").await.unwrap(), None);
    assert_eq!(services.clusters.cluster("c").await.unwrap(), None);
    assert_eq!(services.clusters.subnet_group("g").await.unwrap(), None);
    assert_eq!(services.clusters.parameter_group("g").await.unwrap(), None);
    assert_eq!(services.serverless.workgroup("w").await.unwrap(), None);
    assert_eq!(services.serverless.namespace("n").await.unwrap(), None);
}

#[tokio::test]
async fn only_what_has_key_and_value_of_the_tag_is_ours() {
    let item = |name: &str, key: &str, value: &str| {
        format!(
            "<TaggedResource><Tag><Key>{key}</Key><Value>{value}</Value></Tag><ResourceName>{name}</ResourceName>\
             </TaggedResource>"
        )
    };
    let items = [item("arn:1", "k", "v"), item("arn:2", "k", "other"), item("arn:3", "other", "v")].concat();
    let body = format!(
        "<DescribeTagsResponse><DescribeTagsResult><TaggedResources>{items}</TaggedResources></DescribeTagsResult>\
         </DescribeTagsResponse>"
    );
    let script = Script::new().on("DescribeTags", [Reply::ok(body)]);
    assert_eq!(script.services().clusters.tagged("k", "v").await.unwrap(), ["arn:1"]);
}

#[tokio::test]
async fn only_secrets_with_the_very_prefix_count() {
    let body = r#"{"SecretList":[{"Name":"redshift!a-admin","ARN":"arn:1","OwningService":"redshift"},
                   {"Name":"Redshift!a-admin","ARN":"arn:2"},{"Name":"x redshift!a-admin","ARN":"arn:3"}]}"#;
    let script = Script::new().on("ListSecrets", [Reply::ok(body)]);
    let secrets = script.services().secrets.secrets_named("redshift!a-").await.unwrap();
    assert_eq!(secrets.len(), 1);
    assert_eq!(secrets[0].owner.as_deref(), Some("redshift"));
    assert!(!script.operations().iter().any(|operation| operation == "GetSecretValue"));
}

#[tokio::test]
async fn the_region_of_a_bucket_is_learnt_from_answers_and_from_refusals() {
    let place = "HEAD data.s3.us-west-2.amazonaws.com/";
    let region = |reply: Reply| async move {
        Script::new().on(place, [reply]).services().buckets.region("data").await.map_err(|error| error.kind)
    };
    let told =
        |status: u16| Reply::Http(status, vec![("x-amz-bucket-region", "eu-west-1".into())], String::new());
    for status in [200, 301, 400, 403] {
        assert_eq!(region(told(status)).await, Ok(Some("eu-west-1".to_owned())), "{status}");
    }
    assert_eq!(region(Reply::Http(404, Vec::new(), String::new())).await, Ok(None));
    assert_eq!(region(Reply::Http(403, Vec::new(), String::new())).await, Err(ErrorKind::AccessDenied));
}

#[cfg(feature = "ec2")]
#[tokio::test]
async fn each_source_of_a_permission_is_a_rule() {
    let body = "<DescribeSecurityGroupsResponse><securityGroupInfo><item><groupId>sg-1</groupId><groupName>g</groupName>\
                <vpcId>vpc-1</vpcId><ipPermissions><item><ipProtocol>tcp</ipProtocol><fromPort>5439</fromPort>\
                <toPort>5439</toPort><ipRanges><item><cidrIp>203.0.113.7/32</cidrIp></item></ipRanges><ipv6Ranges><item>\
                <cidrIpv6>::/0</cidrIpv6></item></ipv6Ranges><groups><item><groupId>sg-2</groupId></item></groups></item>\
                <item><ipProtocol>-1</ipProtocol><ipRanges><item><cidrIp>10.0.0.0/8</cidrIp></item></ipRanges></item>\
                </ipPermissions></item></securityGroupInfo></DescribeSecurityGroupsResponse>";
    let script = Script::new().on("DescribeSecurityGroups", [Reply::ok(body)]);
    let groups = script.services().network.unwrap().security_groups_named("g").await.unwrap();
    let rules: Vec<_> = groups[0].ingress.iter().map(ToString::to_string).collect();
    assert_eq!(rules, ["10.0.0.0/8 -1", "203.0.113.7/32 tcp/5439", "::/0 tcp/5439", "sg-2 tcp/5439"]);
    assert!(groups[0].ingress[0].admits("10.1.1.1".parse().unwrap(), 5439));
    assert!(!groups[0].ingress[1].admits("203.0.113.7".parse().unwrap(), 22));
}

#[tokio::test]
async fn snapshots_of_a_cluster_that_is_gone_are_found_among_all() {
    let item = |name: &str, cluster: &str| {
        format!(
            "<Snapshot><SnapshotIdentifier>{name}</SnapshotIdentifier><ClusterIdentifier>{cluster}</ClusterIdentifier>\
             <Status>available</Status><ManualSnapshotRetentionPeriod>-1</ManualSnapshotRetentionPeriod></Snapshot>"
        )
    };
    let body = format!(
        "<DescribeClusterSnapshotsResponse><DescribeClusterSnapshotsResult><Snapshots>{}{}</Snapshots>\
         </DescribeClusterSnapshotsResult></DescribeClusterSnapshotsResponse>",
        item("last", "c"),
        item("theirs", "other")
    );
    let script = Script::new()
        .on("DescribeClusterSnapshots", [Reply::error(404, "ClusterNotFound", "no"), Reply::ok(body)]);
    let found = script.services().clusters.snapshots("c").await.unwrap();
    let names: Vec<_> = found.iter().map(|found| (found.name.as_str(), found.retention_days)).collect();
    assert_eq!(names, [("last", None)]);
    let denied = Script::new().on("DescribeClusterSnapshots", [Reply::error(403, "AccessDenied", "no")]);
    assert_eq!(denied.services().clusters.snapshots("c").await.unwrap_err().kind, ErrorKind::AccessDenied);
}

#[tokio::test]
async fn a_cluster_tells_whether_its_parameters_wait_for_a_reboot() {
    let body = "<DescribeClustersResponse><DescribeClustersResult><Clusters><Cluster><ClusterIdentifier>c\
                </ClusterIdentifier><ClusterParameterGroups><ClusterParameterGroup><ParameterGroupName>g\
                </ParameterGroupName><ParameterApplyStatus>pending-reboot</ParameterApplyStatus></ClusterParameterGroup>\
                </ClusterParameterGroups></Cluster></Clusters></DescribeClustersResult></DescribeClustersResponse>";
    let script = Script::new().on("DescribeClusters", [Reply::ok(body)]);
    let found = script.services().clusters.cluster("c").await.unwrap().unwrap();
    assert_eq!(found.parameter_group.as_deref(), Some("g"));
    assert_eq!(found.parameter_status.as_deref(), Some("pending-reboot"));
}

#[tokio::test]
async fn how_much_lies_below_a_prefix_is_counted_and_a_missing_bucket_holds_nothing() {
    let head = "HEAD data.s3.us-west-2.amazonaws.com/";
    let list = "GET data.s3.us-west-2.amazonaws.com/?list-type=2&prefix=staging%2F";
    let here = || Reply::Http(200, vec![("x-amz-bucket-region", "us-west-2".into())], String::new());
    let body = "<ListBucketResult><IsTruncated>true</IsTruncated><Contents><Key>staging/1</Key><Size>3</Size></Contents>\
                <Contents><Key>staging/2</Key><Size>4</Size></Contents></ListBucketResult>";
    let script = Script::new().on(head, [here()]).on(list, [Reply::ok(body)]);
    let stored = script.services().buckets.stored("data", "staging/").await.unwrap();
    assert_eq!(stored, Stored { objects: 2, bytes: 7, all: false });
    let missing = "<Error><Code>NoSuchBucket</Code><Message>no</Message></Error>";
    let script = Script::new()
        .on(head, [Reply::Http(404, Vec::new(), String::new())])
        .on(list, [Reply::Http(404, Vec::new(), missing.to_owned())]);
    let stored = script.services().buckets.stored("data", "staging/").await.unwrap();
    assert_eq!(stored, Stored { objects: 0, bytes: 0, all: true });
}
