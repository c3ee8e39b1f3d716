//! The Redshift backend, on a double of Redshift and of S3. Nothing here has seen the real thing.

mod append;
mod cards;
mod command_line;
mod copies;
mod copying;
mod direct;
mod direct_changes;
mod direct_rules;
mod engine;
mod faults;
pub(crate) mod generated;
mod login;
mod objects;
mod packing;
mod progress;
mod regions;
mod s3_faults;
mod schemas;
mod server_faults;

use std::{
    collections::BTreeSet,
    path::Path,
    process::{Child, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use sha2::Digest;
use sparkify_etl::create_tables;
use sparkify_schema::sql::SqlLibrary;
use sparkify_storage::{Credentials, S3Options, SharedCredentialsProvider, connect_with};
use sparkify_testkit::{
    Cli, Finished, PostgresServer,
    redshift::{Message, RedshiftDouble, RedshiftDoubleOptions},
    redshift_lint::{check_transaction, lint, lint_jsonpaths, lint_manifest},
    s3::{S3_ACCESS_KEY, S3_SECRET_KEY, S3Double, S3DoubleOptions},
};
use sparkify_warehouse::{
    Warehouse,
    redshift::{IamRole, PlainStageFaults, RedshiftOptions, RedshiftTarget, RedshiftWarehouse, Staging},
};

/// The role that the tests' cluster reads S3 with.
pub(crate) const ROLE: &str = "arn:aws:iam::123456789012:role/sparkify";
/// The bucket of sources.
pub(crate) const SOURCE: &str = "music";
/// The bucket for the files of a load.
pub(crate) const BUCKET: &str = "our-stage";

/// A double of Redshift and the S3 that it reads.
#[derive(Debug)]
pub(crate) struct Stand {
    pub(crate) redshift: RedshiftDouble,
    pub(crate) s3: S3Double,
}

impl Stand {
    pub(crate) fn new() -> Self {
        Self::with(|_| ())
    }

    pub(crate) fn with(change: impl FnOnce(&mut RedshiftDoubleOptions)) -> Self {
        let s3 = S3Double::launch(S3DoubleOptions::default());
        s3.create_bucket(BUCKET);
        let mut options = RedshiftDoubleOptions {
            s3_endpoint: Some(s3.service_endpoint()),
            roles: Some(vec![ROLE.to_owned()]),
            ..RedshiftDoubleOptions::default()
        };
        change(&mut options);
        Self { redshift: RedshiftDouble::launch(PostgresServer::shared(), options), s3 }
    }

    pub(crate) fn options(&self) -> RedshiftOptions {
        options(&self.redshift.owner_url())
    }

    /// The options of a load.
    pub(crate) async fn load_options(&self) -> RedshiftOptions {
        let provider = SharedCredentialsProvider::new(Credentials::new(
            S3_ACCESS_KEY,
            S3_SECRET_KEY,
            None,
            None,
            "test",
        ));
        let s3 = S3Options {
            region: Some(self.s3.region().to_owned()),
            endpoint: Some(self.s3.endpoint()),
            timeout: Duration::from_secs(5),
            ..S3Options::default()
        };
        let staging = Staging {
            store: connect_with(&s3, BUCKET, provider).await.unwrap(),
            bucket: BUCKET.to_owned(),
            prefix: "stage/of tests".to_owned(),
            region: self.s3.region().to_owned(),
            role: IamRole::Arn(ROLE.to_owned()),
            faults: Arc::new(PlainStageFaults),
        };
        RedshiftOptions { staging: Some(staging), role_patience: Duration::from_secs(3), ..self.options() }
    }

    async fn open(&self) -> RedshiftWarehouse {
        RedshiftWarehouse::open(&self.options()).await.unwrap()
    }

    /// A warehouse that can be loaded, with the tables of the model.
    pub(crate) async fn prepared(&self) -> Arc<RedshiftWarehouse> {
        let warehouse = RedshiftWarehouse::open(&self.load_options().await).await.unwrap();
        create_tables(&warehouse, &SqlLibrary::embedded().unwrap()).await.unwrap();
        Arc::new(warehouse)
    }

    /// Puts a directory into the bucket of sources, as `s3://music/data`.
    pub(crate) fn upload(&self, data: &Path) {
        upload(&self.s3, data);
    }

    /// How many statements were sent that are such.
    pub(crate) fn sent(&self, is: impl Fn(&str) -> bool) -> usize {
        self.redshift.statements().iter().filter(|sent| sent.sql().is_some_and(&is)).count()
    }

    /// How many statements were sent that begin so.
    pub(crate) fn sent_that_begin(&self, beginning: &str) -> usize {
        self.sent(|sql| sql.starts_with(beginning))
    }

    /// Waits until so many statements were sent that are such.
    pub(crate) async fn until_sent(&self, count: usize, is: impl Fn(&str) -> bool) {
        let begin = Instant::now();
        while self.sent(&is) < count {
            assert!(begin.elapsed() < Duration::from_secs(60), "it was not sent");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Changes the database past the double.
    pub(crate) fn execute_past_the_double(&self, sql: &str) {
        PostgresServer::shared().execute(self.redshift.postgres_database(), sql);
    }

    /// What is left of loads in S3.
    pub(crate) fn staged(&self) -> Vec<String> {
        self.s3.list(BUCKET, "")
    }

    /// Everything that was sent is what Redshift takes: the simple query protocol, one statement a call, in
    /// its dialect and in an order that it allows. So is every manifest and JSONPaths file that was put into S3
    /// for it, whatever became of it since.
    pub(crate) fn assert_only_what_redshift_takes(&self) {
        let received = self.redshift.received();
        let mut sessions = std::collections::BTreeMap::<i32, Vec<String>>::new();
        for message in &received {
            match &message.message {
                Message::Extended(tag) => panic!("the extended protocol was used: {tag}"),
                Message::Statement(sql) => sessions.entry(message.session).or_default().push(sql.clone()),
                _ => {}
            }
        }
        assert!(!sessions.is_empty());
        for statements in sessions.values() {
            for sql in statements {
                let findings = lint(sql);
                assert!(findings.is_empty(), "{findings:?}\n{sql}");
            }
            // To undo a COMMIT that has failed costs no more than a notice if it was undone already.
            let after_commit =
                |at: usize| at > 0 && statements[at - 1] == "COMMIT" && statements[at] == "ROLLBACK";
            let mut findings = check_transaction(statements);
            findings.retain(|finding| match finding.rule {
                "open_transaction" => false,
                "no_transaction" => !after_commit(finding.at),
                _ => true,
            });
            assert!(findings.is_empty(), "{findings:?}\n{statements:#?}");
        }
        self.assert_only_files_that_copy_takes(sessions.values().flatten());
    }

    fn assert_only_files_that_copy_takes<'a>(&self, statements: impl Iterator<Item = &'a String>) {
        let mut right = BTreeSet::new();
        for (key, content) in self.s3.puts(BUCKET) {
            let name = key.rsplit('/').next().unwrap_or_default();
            let text = || String::from_utf8(content.to_vec()).unwrap();
            let findings = match name {
                "jsonpaths.json" => lint_jsonpaths(&text()),
                _ if name.starts_with("manifest-") => {
                    let hash = sha2::Sha256::digest(&content);
                    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
                    assert_eq!(name, format!("manifest-{hash}.json"));
                    lint_manifest(&text())
                }
                _ => continue,
            };
            assert!(findings.is_empty(), "{findings:?}\n{key}: {}", text());
            right.insert(format!("'s3://{BUCKET}/{key}'"));
        }
        let ours = format!("'s3://{BUCKET}/");
        for sql in statements.filter(|sql| sql.starts_with("COPY")) {
            for (begin, _) in sql.match_indices(&ours) {
                let end = begin + 1 + sql[begin + 1..].find('\'').unwrap() + 1;
                assert!(right.contains(&sql[begin..end]), "{} was not put there", &sql[begin..end]);
            }
        }
    }
}

/// Puts a directory into the bucket of sources, as `s3://music/data`.
fn upload(s3: &S3Double, data: &Path) {
    s3.create_bucket(SOURCE);
    s3.put_directory(SOURCE, "data/", data);
}

fn options(url: &str) -> RedshiftOptions {
    match RedshiftTarget::from_url(url, &|_| None).unwrap() {
        RedshiftTarget::Server(options) => *options,
        RedshiftTarget::Deployment(name) => panic!("{name} is no server"),
    }
}

/// Runs the command line with everything that Redshift needs.
fn run(cli: &Cli, stand: &Stand, arguments: &[&str]) -> Finished {
    Finished::from(command(cli, stand, arguments).output().unwrap())
}

/// Starts the command line, with its output kept.
fn start(cli: &Cli, stand: &Stand, arguments: &[&str]) -> Child {
    command(cli, stand, arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// The same, not yet started.
fn command(cli: &Cli, stand: &Stand, arguments: &[&str]) -> std::process::Command {
    command_with(cli, stand, &format!("s3://{BUCKET}/of the command line"), Some(ROLE), arguments)
}

/// The same with another place in S3, or with a role among the arguments.
fn command_with(
    cli: &Cli,
    stand: &Stand,
    stage: &str,
    role: Option<&str>,
    arguments: &[&str],
) -> std::process::Command {
    let url = stand.redshift.owner_url();
    let ours = ["--warehouse", &url, "--stage", stage, "--no-progress"];
    let role = role.into_iter().flat_map(|role| ["--iam-role", role]);
    let mut command = cli.command(arguments.iter().copied().chain(ours).chain(role));
    command.envs(stand.s3.environment());
    command
}

async fn integer(warehouse: &dyn Warehouse, sql: &str) -> i64 {
    warehouse.query(sql).await.unwrap().integer(0, 0).unwrap()
}

async fn text(warehouse: &dyn Warehouse, sql: &str) -> String {
    warehouse.query(sql).await.unwrap().text(0, 0).unwrap()
}
