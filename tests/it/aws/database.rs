//! With a database that answers where the cluster is said to be: the double of Redshift.

use serde_json::{Value, json};
use sparkify_testkit::{
    AWS_SECRET_ACCESS_KEY, Finished, HttpFault, PostgresServer,
    redshift::{RedshiftDouble, RedshiftDoubleOptions},
};

use super::Aws;

/// The administrator as AWS spells one who logs in with temporary credentials.
const USER: &str = "IAM:sparkify_admin";
const PASSWORD: &str = "TEMPORARY-for+the/tests";

/// A deployment whose database is there.
struct WithDatabase {
    aws: Aws,
    database: RedshiftDouble,
}

impl WithDatabase {
    fn new() -> Self {
        let options =
            RedshiftDoubleOptions { database: "sparkify".to_owned(), ..RedshiftDoubleOptions::default() };
        let database = RedshiftDouble::launch(PostgresServer::shared(), options);
        database.set_login(USER, PASSWORD);
        let aws = Aws::new();
        aws.account.set(&json!({ "host": database.host(), "port": database.port(), "password": PASSWORD }));
        Self { aws, database }
    }

    /// Runs the program, which takes the database's certificate for good.
    fn run(&self, arguments: &[&str]) -> Finished {
        let mut command = self.aws.command(arguments);
        Finished::from(command.env("PGSSLROOTCERT", self.database.authority()).output().unwrap())
    }
}

fn outcomes(document: &Value) -> Vec<(&str, &str)> {
    let checks = document["checks"].as_array().unwrap().iter();
    checks.map(|check| (check["name"].as_str().unwrap(), check["outcome"].as_str().unwrap())).collect()
}

#[test]
fn ready_means_that_it_answers_over_verified_tls() {
    let there = WithDatabase::new();
    let made = there.run(&["provision", "--yes", "--format", "json"]).success();
    assert_eq!(made.json()["applied"]["probe"]["outcome"], "passed", "{}", made.stdout);
    assert!(!made.stderr.contains("warning"), "{}", made.stderr);
    let statements = there.database.statements();
    assert!(statements.iter().any(|received| received.sql() == Some("SELECT 1")), "{statements:?}");

    // Without the authority the certificate is nobody's, and the warehouse therefore not ready.
    let untrusted = there.aws.provision().with_code(1);
    assert!(untrusted.stderr.contains("not ready: it fails at tls"), "{}", untrusted.stderr);
    assert!(untrusted.stderr.contains("hint: "), "{}", untrusted.stderr);
    let untrusted = untrusted.json();
    assert_eq!(untrusted["applied"]["probe"]["outcome"], "failed", "{untrusted}");
    assert_eq!(untrusted["applied"]["probe"]["step"], "tls");
    assert_eq!(untrusted["applied"]["probe"]["fatal"], true);

    // A login that is refused is not tried again: Redshift locks a user after five.
    there.aws.account.set(&json!({ "password": "TEMPORARY-wrong" }));
    let refused = there.run(&["provision", "--yes", "--format", "json"]).with_code(1).json();
    assert_eq!(refused["applied"]["probe"]["step"], "login", "{refused}");
    assert_eq!(there.database.failed_logins(USER), 1);

    // Credentials that are not given are no login either.
    let denied = HttpFault::error(403, "AccessDenied", "not authorized");
    there.aws.account.proxy().break_operation("redshift:GetClusterCredentials", usize::MAX, denied);
    let denied = there.run(&["provision", "--yes"]).with_code(1);
    assert!(denied.stderr.contains("not ready: it fails at credentials"), "{}", denied.stderr);
    assert!(denied.stderr.contains("the permission redshift:GetClusterCredentials"), "{}", denied.stderr);
}

#[test]
fn what_is_not_reached_is_not_ready_with_a_public_address_and_a_warning_without() {
    let private = Aws::new();
    let warned = private.provision().success();
    assert!(warned.stderr.contains("warning: ") && warned.stderr.contains("tcp"), "{}", warned.stderr);
    assert_eq!(warned.json()["applied"]["probe"]["fatal"], false);
    let public = Aws::with(&format!("{}publicly_accessible = true\n", super::WANTED));
    let failed = public.provision().with_code(1);
    assert!(failed.stderr.contains("not ready: it fails at tcp"), "{}", failed.stderr);
    assert_eq!(
        failed.json()["applied"]["outputs"]["state"],
        "available",
        "the result is printed all the same"
    );
}

#[test]
fn the_doctor_of_a_sound_deployment_finds_nothing() {
    let there = WithDatabase::new();
    super::doctor::put_source_data(&there.aws);
    let _ = there.run(&["provision", "--yes"]).success();
    let document = there.run(&["doctor", "--format", "json"]).json();
    for name in ["dns", "tcp", "tls", "login"] {
        assert!(outcomes(&document).contains(&(name, "passed")), "{name}: {document}");
    }
    assert!(outcomes(&document).iter().all(|(_, outcome)| *outcome != "failed"), "{document}");
    assert_eq!(document["healthy"], true);
    let _ = there.run(&["doctor"]).success();
}

#[test]
fn a_deployment_is_a_warehouse_by_its_name() {
    let there = WithDatabase::new();
    let _ = there.run(&["provision", "--yes"]).success();
    let created = there.run(&["create-tables", "--warehouse", "redshift://music"]).success();
    assert!(created.stdout.contains("songplays"), "{}", created.stdout);
    let answer = there
        .run(&[
            "explore",
            "--query",
            "SELECT COUNT(*) AS n FROM users",
            "--warehouse",
            "redshift://music",
            "--format",
            "csv",
        ])
        .success();
    assert_eq!(answer.stdout, "n\n0\n");
    let logins: Vec<_> = there.aws.account.proxy().operations();
    assert!(logins.contains(&"redshift:GetClusterCredentials".to_owned()), "{logins:?}");

    let unknown = there.run(&["explore", "--warehouse", "redshift://nowhere"]).with_code(1);
    assert!(unknown.stderr.contains("no deployment \"nowhere\""), "{}", unknown.stderr);
    let _ = there.run(&["pause"]).success();
    let paused = there.run(&["explore", "--warehouse", "redshift://music"]).with_code(1);
    assert!(paused.stderr.contains("paused") && paused.stderr.contains("resume"), "{}", paused.stderr);
}

#[test]
fn the_temporary_password_is_in_no_trace() {
    let there = WithDatabase::new();
    for arguments in [
        &["provision", "--yes"][..],
        &["doctor"],
        &["create-tables", "--warehouse", "redshift://music"],
        &["explore", "--query", "SELECT 1 AS one", "--warehouse", "redshift://music"],
    ] {
        for log_format in ["text", "json"] {
            let mut command = there.aws.command(arguments);
            command.args(["-vvv", "--log-format", log_format]).env("RUST_LOG", "trace");
            let finished =
                Finished::from(command.env("PGSSLROOTCERT", there.database.authority()).output().unwrap());
            assert!(finished.stderr.contains("TRACE"), "{arguments:?}");
            for secret in [PASSWORD, "TEMPORARY-", "MANAGED-", AWS_SECRET_ACCESS_KEY] {
                let text = format!("{}{}", finished.stdout, finished.stderr);
                let at = text.find(secret);
                assert!(at.is_none(), "{arguments:?}: {}", &text[at.unwrap().saturating_sub(600)..][..700]);
            }
        }
    }
    // It did come by.
    let calls = there.aws.account.proxy().calls();
    assert!(calls.iter().any(|call| call.response.contains(PASSWORD)));
}
