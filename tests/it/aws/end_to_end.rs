//! Everything in one go, on this machine: moto for the AWS accounts, an S3 in memory, and the double of Redshift.
//!
//! `scripts/cloud-demo.sh` shows it: each command and what it prints.

#![allow(clippy::print_stdout)] // It shows what it does.

use std::process::Command;

use serde_json::{Value, json};
use sparkify_testkit::{
    AWS_SECRET_ACCESS_KEY, Finished, PostgresServer, real_data,
    redshift::{RedshiftDouble, RedshiftDoubleOptions},
    s3::{S3Double, S3DoubleOptions},
};

use super::Aws;

const USER: &str = "IAM:sparkify_admin";
const PASSWORD: &str = "TEMPORARY-for+the/demonstration";
const BUCKET: &str = "sparkify-demo";
const CONFIGURATION: &str = r#"
source = "s3://sparkify-demo/data"
stage = "s3://sparkify-demo/staging"
warehouse = "redshift://music"

[deployment]
name = "music"
allow_cidr = ["203.0.113.7/32"]
read = ["s3://sparkify-demo/data/"]
jsonpaths = "s3://sparkify-demo/data/log_json_path.json"
staging = "s3://sparkify-demo/staging/"
final_snapshot = "skip"
"#;

/// The three doubles, and the program.
struct Cloud {
    aws: Aws,
    s3: S3Double,
    database: RedshiftDouble,
}

impl Cloud {
    fn new() -> Self {
        let s3 = S3Double::launch(S3DoubleOptions::default());
        s3.create_bucket(BUCKET);
        let options = RedshiftDoubleOptions {
            database: "sparkify".to_owned(),
            s3_endpoint: Some(s3.service_endpoint()),
            ..RedshiftDoubleOptions::default()
        };
        let database = RedshiftDouble::launch(PostgresServer::shared(), options);
        database.set_login(USER, PASSWORD);
        let aws = Aws::with(CONFIGURATION);
        let environment = aws.account.environment();
        let key = environment.iter().find(|(name, _)| name == "AWS_ACCESS_KEY_ID").unwrap();
        s3.add_credentials(&key.1, AWS_SECRET_ACCESS_KEY, None);
        aws.account.set(&json!({ "host": database.host(), "port": database.port(), "password": PASSWORD }));
        Self { aws, s3, database }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.aws.command(arguments);
        command
            .env("PGSSLROOTCERT", self.database.authority())
            .env("AWS_ENDPOINT_URL_S3", self.s3.endpoint())
            .env("SPARKIFY_S3_REGION", self.s3.region());
        command
    }

    /// Runs a command, shows it with what it prints, and expects it to succeed.
    fn run(&self, arguments: &[&str]) -> Finished {
        println!("\n$ sparkify-cli {}", arguments.join(" "));
        let finished = Finished::from(self.command(arguments).output().unwrap());
        println!("{}{}", finished.stderr, finished.stdout);
        finished.success()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        self.run(&[arguments, &["--format", "json"]].concat()).json()
    }
}

#[test]
fn generate_provision_create_load_explore_and_teardown_on_this_machine() {
    let cloud = Cloud::new();
    cloud.run(&["generate", "--out", "s3://sparkify-demo/data", "--users", "200", "--songs", "300"]);
    assert!(cloud.s3.list(BUCKET, "data/song_data/").len() == 300);
    cloud.run(&["provision", "--plan"]);
    cloud.run(&["provision", "--yes"]);
    cloud.run(&["status"]);
    cloud.run(&["create-tables"]);
    let loaded = cloud.json(&["etl"]);
    assert!(loaded["tables"]["songplays"].as_i64().unwrap() > 1000, "{loaded}");
    let again = cloud.json(&["etl"]);
    assert_eq!(again["files"]["loaded"], 0, "{again}");
    cloud.run(&["check"]);
    cloud.run(&["explore"]);
    cloud.run(&["teardown", "--yes"]);
    cloud.run(&["teardown", "--yes"]);
    assert!(cloud.s3.list(BUCKET, "staging/").is_empty(), "the load has cleaned up");
    let inventory = super::inventory::of(&cloud.aws.account);
    assert!(!inventory.to_string().contains(super::NAME), "{inventory}");
}

#[test]
fn the_real_logs_give_their_true_numbers_by_way_of_s3_and_copy() {
    let Some(data) = real_data() else {
        // A checkout without the real logs: the generated ones are loaded above.
        return;
    };
    for pack in ["auto", "never"] {
        let cloud = Cloud::new();
        cloud.s3.put_directory(BUCKET, "data/", &data);
        cloud.run(&["provision", "--yes"]);
        let report = cloud.json(&["run", "--pack", pack]);
        let expected = crate::cli().load(&data);
        for part in ["records", "tables", "matched_songplays", "checks", "analytics"] {
            assert_eq!(report[part], expected[part], "{part}");
        }
        assert_eq!(report["tables"]["songplays"], 6820, "{report}");
        assert_eq!(report["tables"]["users"], 97);
    }
}
