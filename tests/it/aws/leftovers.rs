//! What cannot be deleted is named.

use sparkify_testkit::HttpFault;

use super::{Aws, ROLE, inventory};

#[test]
fn a_teardown_that_leaves_something_ends_with_4_and_names_it() {
    let aws = Aws::new();
    let _ = aws.provision().success();
    let denied = HttpFault::error(403, "AccessDenied", "not authorized to perform: iam:DeleteRole");
    aws.account.proxy().break_operation("iam:DeleteRole", usize::MAX, denied);
    let finished = aws.teardown().with_code(4);
    let document = finished.json();
    assert_eq!(document["clean"], false);
    assert!(document["report"]["left"].to_string().contains(ROLE), "{document}");
    assert!(finished.stderr.contains(ROLE) && finished.stderr.contains("hint: "), "{}", finished.stderr);
    let there = aws.inventory();
    assert_eq!(there["roles"].as_array().unwrap().len(), 1, "{there}");
    assert_eq!(there["clusters"].as_array().unwrap().len(), 0, "the rest is gone");
    let table = aws.run(&["teardown", "--yes", "--skip-final-snapshot"]).with_code(4);
    assert!(table.stdout.contains("LEFT") && table.stdout.contains("iam:DeleteRole"), "{}", table.stdout);
    aws.account.proxy().reset();
    assert_eq!(aws.teardown().success().json()["clean"], true);
    assert!(inventory::is_empty(&aws.inventory()));
}

#[test]
fn a_service_that_could_not_be_asked_is_not_proved_to_be_empty() {
    for operation in ["redshift-serverless:GetWorkgroup", "redshift-serverless:ListNamespaces"] {
        let aws = Aws::new();
        let _ = aws.provision().success();
        let denied = HttpFault::error(403, "AccessDeniedException", "not authorized");
        aws.account.proxy().break_operation(operation, usize::MAX, denied);
        let finished = aws.teardown().with_code(4);
        let document = finished.json();
        assert_eq!(document["report"]["left"], serde_json::json!([]), "{document}");
        assert!(document["report"]["unproven"].to_string().contains(operation), "{document}");
        assert!(finished.stderr.contains(operation), "{}", finished.stderr);
        assert!(inventory::is_empty(&aws.inventory()), "what can go has gone: {}", aws.inventory());
        aws.account.proxy().reset();
        assert_eq!(aws.teardown().success().json()["clean"], true);
    }
}

#[test]
fn staged_files_and_snapshots_that_stay_are_named() {
    let aws = Aws::new();
    let bucket = format!("stage-{}", aws.account.id());
    aws.configure(&format!("{}staging = \"s3://{bucket}/sparkify/\"\n", super::WANTED));
    let place = serde_json::json!({ "LocationConstraint": "us-west-2" });
    let parameters = serde_json::json!({ "Bucket": bucket, "CreateBucketConfiguration": place });
    aws.account.call("s3", "create_bucket", &parameters);
    let _ = aws.provision().success();
    let put = |key: &str| {
        aws.account.call(
            "s3",
            "put_object",
            &serde_json::json!({ "Bucket": bucket, "Key": key, "Body": "{}" }),
        )
    };
    put("elsewhere/file");
    assert!(!aws.run(&["teardown", "--plan"]).success().stdout.contains("staged files"));
    put("sparkify/run-1/part-0.json.gz");
    let _ = aws.run(&["teardown", "--yes", "--final-snapshot"]).success();
    let again = aws.teardown().success().json();
    let costing = again["report"]["costing"].as_array().unwrap();
    let kinds: Vec<_> = costing.iter().map(|one| one["resource"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["snapshot", "staged_files"], "{again}");
    assert_eq!(costing[1]["name"], format!("s3://{bucket}/sparkify/"));
}
