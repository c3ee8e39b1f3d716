//! `doctor`.

use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use sparkify_testkit::Finished;

use super::Aws;

fn check<'a>(document: &'a Value, name: &str) -> &'a Value {
    let checks = document["checks"].as_array().unwrap();
    checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("{name}: {document}"))
}

/// A configuration that names a bucket of the account's own: their names are the same for all accounts.
fn configuration(aws: &Aws) -> (String, String) {
    let bucket = format!("music-{}", aws.account.id());
    let read = format!("read = [\"s3://{bucket}/log_data/\", \"s3://{bucket}/song_data/\"]\n");
    let jsonpaths = format!("jsonpaths = \"s3://{bucket}/log_json_path.json\"\n");
    (format!("{}{read}{jsonpaths}", super::WANTED), bucket)
}

/// Puts something into the places that the role is to read.
pub(crate) fn put_source_data(aws: &Aws) {
    let (configuration, bucket) = configuration(aws);
    aws.configure(&configuration);
    let place = json!({ "LocationConstraint": "us-west-2" });
    let parameters = json!({ "Bucket": bucket, "CreateBucketConfiguration": place });
    aws.account.call("s3", "create_bucket", &parameters);
    for key in ["log_data/2018/11/2018-11-01-events.json", "song_data/A/A/A/T.json", "log_json_path.json"] {
        aws.account.call("s3", "put_object", &json!({ "Bucket": bucket, "Key": key, "Body": "{}" }));
    }
}

#[test]
fn a_deployment_that_nothing_listens_for_fails_at_that_step_with_a_remedy() {
    let aws = Aws::new();
    put_source_data(&aws);
    let _ = aws.provision().success();
    let finished = aws.run(&["doctor", "--format", "json"]).with_code(1);
    let document = finished.json();
    assert_eq!(document["healthy"], false);
    for name in ["credentials", "region", "node_type", "buckets", "role", "warehouse"] {
        assert_eq!(check(&document, name)["outcome"], "passed", "{document}");
    }
    let tcp = check(&document, "tcp");
    assert_eq!(tcp["outcome"], "failed", "{document}");
    assert!(tcp["remedy"].as_str().is_some_and(|remedy| !remedy.is_empty()), "{tcp}");
    assert_eq!(check(&document, "login")["outcome"], "skipped");
    let text = aws.run(&["doctor"]).with_code(1);
    assert!(text.stdout.contains("FAILED   tcp") && text.stdout.contains("remedy:"), "{}", text.stdout);
    assert!(text.stderr.contains("1 of the steps failed: tcp"), "{}", text.stderr);
}

#[test]
fn a_bucket_that_cannot_be_read_is_named() {
    let aws = Aws::new();
    let (configuration, bucket) = configuration(&aws);
    aws.configure(&configuration);
    let finished = aws.run(&["doctor", "--format", "json"]).with_code(1);
    let document = finished.json();
    let buckets = check(&document, "buckets");
    assert_eq!(buckets["outcome"], "failed", "{document}");
    assert!(buckets["detail"].as_str().unwrap().contains(&bucket), "{buckets}");
}

#[test]
fn with_nobody_there_it_ends_in_time_with_remedies() {
    // One that accepts and is silent, and one that refuses.
    let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let refusing = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    for (address, outcome) in [(silent.local_addr().unwrap(), "silent"), (refusing, "refusing")] {
        let aws = Aws::new();
        let endpoint = format!("http://{address}");
        let mut command = aws.command(&["doctor", "--format", "json"]);
        let begin = Instant::now();
        let finished =
            Finished::from(command.env("AWS_ENDPOINT_URL", endpoint).output().unwrap()).with_code(1);
        assert!(begin.elapsed() < Duration::from_secs(15), "{outcome}: {:?}", begin.elapsed());
        let document = finished.json();
        let credentials = check(&document, "credentials");
        assert_eq!(credentials["outcome"], "failed", "{outcome}: {document}");
        assert!(credentials["remedy"].is_string(), "{outcome}: {document}");
    }
}

#[test]
fn a_wrong_setting_and_a_missing_region_are_steps_that_fail() {
    let wrong = Aws::with("[deployment]\nnode_type = \"dc2.large\"\n");
    let unknown = Aws::with("[deployment]\nno_such_key = 1\n");
    let nowhere = Aws::new();
    let document = |aws: &Aws, without: &[&str]| {
        let mut command = aws.command(&["doctor", "--format", "json"]);
        for name in without {
            command.env_remove(name);
        }
        Finished::from(command.output().unwrap()).with_code(1).json()
    };
    for (aws, expected) in [(&wrong, "dc2"), (&unknown, "no_such_key")] {
        let document = document(aws, &[]);
        let settings = check(&document, "settings");
        assert_eq!(settings["outcome"], "failed", "{document}");
        assert!(settings["detail"].as_str().unwrap().contains(expected), "{settings}");
        assert!(settings["remedy"].is_string(), "{settings}");
        assert_eq!(document["checks"].as_array().unwrap().len(), 12);
        assert_eq!(check(&document, "login")["outcome"], "skipped");
        assert_eq!(aws.account.proxy().calls().len(), 0);
    }
    let document = document(&nowhere, &["AWS_REGION"]);
    assert_eq!(check(&document, "settings")["outcome"], "passed", "{document}");
    let region = check(&document, "region");
    assert_eq!(region["outcome"], "failed", "{document}");
    assert!(region["remedy"].as_str().unwrap().contains("AWS_REGION"), "{region}");
    assert_eq!(check(&document, "credentials")["outcome"], "skipped");
    let text = wrong.run(&["doctor"]).with_code(1);
    assert!(text.stdout.starts_with("FAILED   settings"), "{}", text.stdout);
}

#[test]
fn a_metadata_service_that_is_silent_does_not_keep_it_beyond_its_time() {
    let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let aws = Aws::new();
    let mut command = aws.command(&["doctor", "--format", "json"]);
    command
        .env_remove("AWS_REGION")
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_SECRET_ACCESS_KEY")
        .env_remove("AWS_EC2_METADATA_DISABLED")
        .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", format!("http://{}", silent.local_addr().unwrap()));
    let begin = Instant::now();
    let finished = Finished::from(command.output().unwrap()).with_code(1);
    assert!(begin.elapsed() < Duration::from_secs(15), "{:?}", begin.elapsed());
    let document = finished.json();
    let region = check(&document, "region");
    assert_eq!(region["outcome"], "failed", "{document}");
    assert!(region["remedy"].as_str().unwrap().contains("AWS_REGION"), "{region}");
}
