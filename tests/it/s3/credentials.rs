//! Where credentials come from, how they are renewed, and that they are never shown.

use std::{os::unix::fs::PermissionsExt, path::Path};

use sparkify_testkit::{
    Cli, Finished,
    s3::{Effect, Fault, Operation, S3_SECRET_KEY, S3Double},
};

use super::{BUCKET, SOURCE, s3_with, small_data};
use crate::cli;

/// Runs the command line with these variables only.
fn run(cli: &Cli, variables: &[(&str, &str)], arguments: &[&str]) -> Finished {
    let mut command = cli.command(arguments);
    command.envs(variables.iter().copied()).env("AWS_EC2_METADATA_DISABLED", "true");
    Finished::from(command.output().unwrap())
}

/// A profile whose program gives out the keys of another session each time it is run.
fn profile_with_sessions(cli: &Cli, s3: &S3Double) -> String {
    for number in 1..=5 {
        s3.add_credentials(&format!("ASIA{number}"), "geheim", Some(&format!("token-{number}")));
    }
    let program = cli.directory().join("sessions.sh");
    let count = cli.directory().join("count");
    let text = format!(
        "#!/bin/sh\necho x >> {count}\nn=$(wc -l < {count})\n\
         echo \"{{\\\"Version\\\": 1, \\\"AccessKeyId\\\": \\\"ASIA$n\\\", \\\"SecretAccessKey\\\": \\\"geheim\\\", \
         \\\"SessionToken\\\": \\\"token-$n\\\", \\\"Expiration\\\": \\\"2099-01-01T00:00:00Z\\\"}}\"\n",
        count = count.display()
    );
    std::fs::write(&program, text).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let config = cli.directory().join("aws-config");
    let text =
        format!("[profile sessions]\nregion = {}\ncredential_process = {}\n", s3.region(), program.display());
    std::fs::write(&config, text).unwrap();
    config.display().to_string()
}

fn keys_used(s3: &S3Double) -> Vec<String> {
    let mut keys: Vec<_> = s3.log().into_iter().filter_map(|request| request.access_key).collect();
    keys.dedup();
    keys
}

#[test]
fn a_session_that_ends_in_the_middle_is_renewed_and_the_load_goes_on() {
    let (data, cli) = (small_data(), cli());
    let s3 = s3_with(&data.path());
    let config = profile_with_sessions(&cli, &s3);
    s3.inject(Fault::on(Operation::Get, Effect::ExpiredToken).skip(5));
    let variables = [
        ("AWS_CONFIG_FILE", config.as_str()),
        ("AWS_PROFILE", "sessions"),
        ("AWS_ENDPOINT_URL", &s3.endpoint()),
    ];
    let finished = run(&cli, &variables, &["run", "--source", SOURCE, "--format", "json"]).success();
    assert_eq!(finished.json()["files"]["loaded"], 36);
    let keys = keys_used(&s3);
    assert!(keys.contains(&"ASIA1".to_owned()) && keys.contains(&"ASIA2".to_owned()), "{keys:?}");
    assert!(!keys.contains(&"ASIA3".to_owned()), "renewed once for all requests: {keys:?}");
}

#[test]
fn without_credentials_it_says_where_they_are_looked_for() {
    let (data, cli) = (small_data(), cli());
    let s3 = s3_with(&data.path());
    let finished = run(&cli, &[], &["run", "--source", SOURCE, "--s3-endpoint", &s3.endpoint()]).with_code(1);
    assert_eq!(
        finished.stderr,
        "error: s3://music: there are no AWS credentials to reach it with\n\
         hint: log in (`aws sso login`, `aws configure`), choose a profile with AWS_PROFILE, or set AWS_ACCESS_KEY_ID \
         and AWS_SECRET_ACCESS_KEY; a public bucket is read without any by --s3-anonymous\n"
    );
    assert_eq!(s3.requests().total(), 0);
    let finished =
        run(&cli, &[("AWS_PROFILE", "none")], &["run", "--source", SOURCE, "--s3-endpoint", &s3.endpoint()])
            .with_code(1);
    assert!(finished.stderr.contains("there are no AWS credentials"), "{}", finished.stderr);
    assert!(finished.stderr.contains("the profile none is not there, or has none"), "{}", finished.stderr);
}

#[test]
fn wrong_keys_are_told_apart_from_missing_permissions() {
    let (data, cli) = (small_data(), cli());
    let s3 = s3_with(&data.path());
    let variables = [
        ("AWS_ACCESS_KEY_ID", "AKIAUNKNOWN"),
        ("AWS_SECRET_ACCESS_KEY", "geheim"),
        ("AWS_REGION", s3.region()),
    ];
    let arguments = ["run", "--source", SOURCE, "--s3-endpoint", &s3.endpoint()];
    let finished = run(&cli, &variables, &arguments).with_code(1);
    assert!(finished.stderr.contains("S3 does not accept the AWS credentials"), "{}", finished.stderr);
    assert!(finished.stderr.contains("must belong together"), "{}", finished.stderr);
}

#[test]
fn a_public_bucket_needs_no_credentials() {
    let data = small_data();
    let s3 = s3_with(Path::new(&data.path()));
    s3.create_public_bucket("open-music");
    s3.put_directory("open-music", "", &data.path());
    let endpoint = s3.endpoint();
    let source = ["etl", "--source", "s3://open-music"];
    let flags = ["--s3-endpoint", &endpoint, "--s3-anonymous"];
    let cli = cli();
    let _ = cli.run(["create-tables"]).success();
    let _ = run(&cli, &[], &[&source[..], &flags[..]].concat()).success();
    assert!(keys_used(&s3).is_empty());
    // From the environment and from the configuration file as well.
    let variables = [("SPARKIFY_S3_ENDPOINT", endpoint.as_str()), ("SPARKIFY_S3_ANONYMOUS", "true")];
    assert!(run(&cli, &variables, &source).success().stdout.contains("nothing new"));
    let text = format!("source = \"s3://open-music\"\ns3_endpoint = \"{endpoint}\"\ns3_anonymous = true\n");
    std::fs::write(cli.directory().join("sparkify.toml"), text).unwrap();
    assert!(run(&cli, &[], &["etl"]).success().stdout.contains("nothing new"));

    let private = ["etl", "--source", &format!("s3://{BUCKET}/data")];
    let finished = run(&cli, &[], &private).with_code(1);
    assert!(finished.stderr.contains("leave out --s3-anonymous"), "{}", finished.stderr);
}

#[test]
fn no_secret_is_ever_logged() {
    let (data, cli) = (small_data(), cli());
    let s3 = s3_with(&data.path());
    let token = "FwoGZXIvYXdzSPARKIFYSESSIONTOKEN";
    s3.add_credentials("ASIASECRETTEST", S3_SECRET_KEY, Some(token));
    let variables = [
        ("AWS_ACCESS_KEY_ID", "ASIASECRETTEST"),
        ("AWS_SECRET_ACCESS_KEY", S3_SECRET_KEY),
        ("AWS_SESSION_TOKEN", token),
        ("AWS_REGION", s3.region()),
    ];
    let endpoint = s3.endpoint();
    for more in [&["-vv"][..], &["-vv", "--log-format", "json"]] {
        s3.heal();
        s3.inject(Fault::on(Operation::Get, Effect::SlowDown).skip(3).times(2));
        s3.inject(Fault::on(Operation::Get, Effect::AccessDenied).skip(20).always());
        let arguments = [&["run", "--source", SOURCE, "--s3-endpoint", endpoint.as_str()][..], more].concat();
        let finished = run(&cli, &variables, &arguments).with_code(1);
        assert!(finished.stderr.contains("backing off"), "{}", finished.stderr);
        for secret in [S3_SECRET_KEY, token, "Signature=", "AWS4-HMAC"] {
            assert!(!finished.stderr.contains(secret), "{secret}:\n{}", finished.stderr);
        }
    }
}
