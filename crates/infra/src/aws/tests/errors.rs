//! What AWS's refusals become.

use super::*;
use crate::services::ErrorKind;

async fn refusal(reply: Reply) -> crate::services::ServiceError {
    let script = Script::new().on("PauseCluster", [reply]);
    script.services().clusters.pause_cluster("c").await.unwrap_err()
}

#[tokio::test]
async fn each_code_has_its_kind() {
    for (code, kind) in [
        ("ClusterNotFound", ErrorKind::NotFound),
        ("ClusterAlreadyExists", ErrorKind::AlreadyExists),
        ("ClusterSnapshotAlreadyExists", ErrorKind::AlreadyExists),
        ("InsufficientClusterCapacity", ErrorKind::Capacity),
        ("ClusterQuotaExceeded", ErrorKind::Quota),
        ("NumberOfNodesQuotaExceeded", ErrorKind::Quota),
        ("NumberOfNodesPerClusterLimitExceeded", ErrorKind::Quota),
        ("InvalidClusterState", ErrorKind::InvalidState),
        ("InvalidClusterSubnetGroupStateFault", ErrorKind::InvalidState),
        ("InvalidVPCNetworkStateFault", ErrorKind::Invalid),
        ("ClusterSubnetGroupNotFoundFault", ErrorKind::NotFound),
        ("InvalidSubnet", ErrorKind::Invalid),
        ("InvalidTagFault", ErrorKind::Invalid),
        ("InvalidParameterValue", ErrorKind::Invalid),
        ("UnauthorizedOperation", ErrorKind::AccessDenied),
        ("AccessDenied", ErrorKind::AccessDenied),
        ("DependentServiceAccessDenied", ErrorKind::AccessDenied),
        ("ExpiredToken", ErrorKind::CredentialsExpired),
        ("InvalidClientTokenId", ErrorKind::Credentials),
        ("SignatureDoesNotMatch", ErrorKind::Credentials),
        ("DeleteConflict", ErrorKind::InUse),
        ("NoSuchEntity", ErrorKind::NotFound),
        ("EntityAlreadyExists", ErrorKind::AlreadyExists),
        ("SomethingNew", ErrorKind::Other),
    ] {
        let error = refusal(Reply::error(400, code, "told so")).await;
        assert_eq!(error.kind, kind, "{code}");
        assert_eq!(error.code.as_deref(), Some(code));
        assert_eq!(error.request_id.as_deref(), Some("request-1"));
        assert_eq!(error.to_string(), format!("redshift:PauseCluster: told so ({code})"));
    }
}

#[tokio::test]
async fn a_role_that_is_not_known_yet_is_told_from_a_caller_without_rights() {
    for message in [
        "The IAM role arn:aws:iam::1:role/sparkify/r is not valid",
        "User: arn:aws:redshift:us-west-2:1:dbuser:c/u is not authorized to assume IAM Role arn:aws:iam::1:role/r",
        "IAM Role arn:aws:iam::1:role/r cannot be assumed by Redshift",
    ] {
        let error = refusal(Reply::error(400, "InvalidParameterValue", message)).await;
        assert_eq!(error.kind, ErrorKind::RoleNotReady, "{message}");
    }
    let message = "User: arn:aws:iam::1:user/x is not authorized to perform: iam:PassRole on resource: arn:aws:iam::1:role/sparkify/r";
    let error = refusal(Reply::error(403, "AccessDenied", message)).await;
    assert_eq!(error.kind, ErrorKind::AccessDenied);
    assert_eq!(error.missing_action(), Some("iam:PassRole"));
    assert!(error.hint().unwrap().contains("lacks the permission iam:PassRole"));
}

#[tokio::test]
async fn the_sdk_repeats_throttled_and_failed_requests_and_then_tells() {
    for (reply, kind) in [
        (Reply::error(400, "Throttling", "Rate exceeded"), ErrorKind::Throttled),
        (Reply::error(503, "ServiceUnavailable", "later"), ErrorKind::Unavailable),
        (Reply::error(500, "InternalFailure", "oh"), ErrorKind::Unavailable),
        (Reply::Broken, ErrorKind::Unavailable),
    ] {
        let script = Script::new().on("PauseCluster", [reply]);
        let error = script.services().clusters.pause_cluster("c").await.unwrap_err();
        assert_eq!(error.kind, kind);
        assert!(error.is_transient());
        assert_eq!(script.asked("PauseCluster").len(), 3);
    }
    let done = Reply::ok("<PauseClusterResponse><PauseClusterResult/></PauseClusterResponse>");
    let script = Script::new()
        .on("PauseCluster", [Reply::error(400, "Throttling", "Rate exceeded"), Reply::Broken, done]);
    script.services().clusters.pause_cluster("c").await.unwrap();
}

#[tokio::test]
async fn a_page_of_html_is_a_fault_of_aws_and_a_missing_operation_of_a_double() {
    let page =
        || Reply::Http(500, Vec::new(), "<!doctype html><title>500 Internal Server Error</title>".to_owned());
    let error = refusal(page()).await;
    assert_eq!(error.kind, ErrorKind::Unavailable);
    let script = Script::new().at_endpoint().on("PauseCluster", [page()]);
    let error = script.services().clusters.pause_cluster("c").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unsupported);
    assert!(error.to_string().contains("does not know the operation (HTTP 500)"), "{error}");
}

#[test]
fn only_an_endpoint_on_this_machine_is_a_double() {
    for endpoint in [
        "http://127.0.0.1:5000",
        "http://localhost:4566/",
        "http://[::1]:80",
        "https://LOCALHOST",
        "http://127.9.9.9",
    ] {
        assert!(crate::aws::is_on_this_machine(endpoint), "{endpoint}");
    }
    for endpoint in [
        "https://vpce-0123.redshift.us-west-2.vpce.amazonaws.com",
        "http://proxy.example.com:3128",
        "https://redshift-fips.us-west-2.amazonaws.com",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://10.0.0.1:5000",
        "nonsense",
    ] {
        assert!(!crate::aws::is_on_this_machine(endpoint), "{endpoint}");
    }
}

#[tokio::test]
async fn without_credentials_that_is_what_is_said() {
    let script = Script::new();
    let config = script
        .sdk()
        .into_builder()
        .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(NoCredentials));
    let address = std::sync::Arc::new(crate::services::KnownAddress("203.0.113.7".parse().unwrap()));
    let services = crate::Services::with_sdk(&config.build(), address).unwrap();
    let error = services.clusters.pause_cluster("c").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Credentials, "{error:?}");
    assert!(error.hint().unwrap().contains("aws sso login"));
}

#[derive(Debug)]
struct NoCredentials;

impl aws_credential_types::provider::ProvideCredentials for NoCredentials {
    fn provide_credentials<'a>(&'a self) -> aws_credential_types::provider::future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let error =
            aws_credential_types::provider::error::CredentialsError::not_loaded("nothing is configured");
        aws_credential_types::provider::future::ProvideCredentials::ready(Err(error))
    }
}

#[tokio::test]
async fn a_long_message_of_many_lines_is_one_short_line() {
    let error = refusal(Reply::error(400, "InvalidParameterValue", &"many\n  lines ".repeat(200))).await;
    assert!(error.message.chars().count() <= 601 && !error.message.contains('\n'));
    assert!(error.message.ends_with('…'));
}

#[tokio::test]
async fn without_a_region_it_is_said_where_to_set_it() {
    let config = Script::new().sdk().into_builder().region(None::<aws_config::Region>).build();
    let address = std::sync::Arc::new(crate::services::KnownAddress("203.0.113.7".parse().unwrap()));
    let error = crate::Services::with_sdk(&config, address).unwrap_err();
    assert!(error.hint().unwrap().contains("AWS_REGION"));
}
