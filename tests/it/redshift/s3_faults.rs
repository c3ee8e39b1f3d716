//! What goes wrong with S3 during a load into Redshift, wherever it does: while a source is listed or read, while
//! files are put, and while COPY reads. It is waited out, or said with what to do; and then nothing is published
//! and nothing is left.

use std::path::Path;

use sparkify_testkit::{
    Cli, DataSet, Dump, Event, Finished, PostgresServer, Song, dump, dump_of,
    s3::{Effect, Fault, Operation, S3Double},
};
use sparkify_warehouse::postgres::{PostgresOptions, PostgresWarehouse};

use super::{BUCKET, ROLE, SOURCE, Stand, command_with, integer, upload};
use crate::cli;

/// What the keys of the files to load begin with.
const LOGS: &str = "data/log_data/";
/// What the keys of the files for COPY begin with.
const STAGE: &str = "stage of faults/";
/// A region that no bucket is in.
const ELSEWHERE: &str = "eu-central-1";

/// One file of each kind, so that it is certain which is read.
fn data() -> DataSet {
    let data = DataSet::new();
    let events: Vec<_> =
        (0..40).map(|item| Event::play(1, item).user(item % 7).song(&format!("Song {}", item % 5))).collect();
    data.write_events("a.json", &events);
    let songs: Vec<_> = (0..5)
        .map(|song| Song::new(&format!("SO{song}"), &format!("AR{song}")).title(&format!("Song {song}")))
        .collect();
    data.write_songs("a.json", &songs);
    data
}

fn expectation(data: &Path) -> Dump {
    let duckdb = cli();
    let _ = duckdb.load(data);
    dump(&duckdb.database())
}

/// A stand with the data in S3, and the tables.
fn stand(cli: &Cli, data: &Path) -> Stand {
    let stand = Stand::new();
    stand.upload(data);
    let _ = run(cli, &stand, &["create-tables"]).success();
    stand
}

fn run(cli: &Cli, stand: &Stand, arguments: &[&str]) -> Finished {
    let stage = format!("s3://{BUCKET}/{STAGE}");
    let role = if arguments.contains(&"--iam-role") { None } else { Some(ROLE) };
    Finished::from(command_with(cli, stand, &stage, role, arguments).output().unwrap())
}

fn load(cli: &Cli, stand: &Stand, pack: &str, more: &[&str]) -> Finished {
    let arguments = ["etl", "--source", "s3://music/data", "--pack", pack, "--format", "json"];
    run(cli, stand, &[&arguments[..], more].concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_that_pass_are_waited_out_wherever_they_are_and_the_tables_are_those_of_duckdb() {
    let data = data();
    let expected = expectation(&data.path());
    for pack in ["always", "never"] {
        for effect in [Effect::SlowDown, Effect::InternalError, Effect::CutConnection, Effect::CutBody(60)] {
            let cli = cli();
            let stand = stand(&cli, &data.path());
            for (operation, key) in [
                (Operation::List, "data/"),
                (Operation::Get, LOGS),
                (Operation::Put, STAGE),
                (Operation::Get, STAGE),
                (Operation::List, STAGE),
                (Operation::DeleteMany, ""),
            ] {
                // The answer to a PUT has no body that could break off.
                if !matches!((operation, &effect), (Operation::Put, Effect::CutBody(_))) {
                    stand.s3.inject(Fault::on(operation, effect.clone()).key(key).times(2));
                }
            }
            let report = load(&cli, &stand, pack, &[]).success().json();
            assert_eq!((&report["attempts"], &report["records"]["staged"]), (&1.into(), &45.into()));
            assert_eq!(dump_of(&stand.open().await).await, expected, "{effect:?}, --pack {pack}");
            assert_eq!(stand.staged(), Vec::<String>::new(), "{effect:?}, --pack {pack}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_whose_copy_found_s3_too_busy_begins_anew_as_a_whole_and_is_published_once() {
    let data = data();
    let expected = expectation(&data.path());
    for (pack, key) in [("always", STAGE), ("never", STAGE), ("never", LOGS)] {
        let cli = cli();
        let stand = stand(&cli, &data.path());
        let busy = || Fault::on(Operation::Get, Effect::SlowDown).key(key);
        stand.s3.inject(busy().always());
        let finished = load(&cli, &stand, pack, &["--retries", "0"]).with_code(1);
        assert!(finished.stderr.contains("S3 wants fewer requests"), "{}", finished.stderr);
        assert_nothing_happened(&stand, &finished.stderr).await;
        stand.s3.heal();

        // Each request is made four times at most, and two COPYs are made at once: so one of them fails, and what
        // is left of the faults is waited out.
        stand.s3.inject(busy().times(7));
        let report = load(&cli, &stand, pack, &[]).success();
        assert!(report.stderr.contains("begins anew"), "{}", report.stderr);
        let report = report.json();
        assert_eq!(report["attempts"], 2, "--pack {pack}, {key}");
        let warehouse = stand.open().await;
        assert_eq!(dump_of(&warehouse).await, expected, "--pack {pack}, {key}");
        assert_eq!(integer(&warehouse, "SELECT COUNT(*) FROM load_runs").await, 1);
        assert_eq!(stand.staged(), Vec::<String>::new());
    }
}

/// Nothing is published, and nothing left.
async fn assert_nothing_happened(stand: &Stand, said: &str) {
    let warehouse = stand.open().await;
    for table in ["staging_events", "songplays", "songs", "load_runs", "loaded_files"] {
        let count = integer(&warehouse, &format!("SELECT COUNT(*) FROM {table}")).await;
        assert_eq!(count, 0, "{table}: {said}");
    }
    assert_eq!(stand.staged(), Vec::<String>::new(), "{said}");
}

/// What is put in the way, and what is to be said.
struct Case {
    title: &'static str,
    obstacle: Box<dyn Fn(&Stand)>,
    more: &'static [&'static str],
    said: &'static [&'static str],
}

impl Case {
    fn new(title: &'static str, obstacle: impl Fn(&Stand) + 'static, said: &'static [&'static str]) -> Self {
        Self { title, obstacle: Box::new(obstacle), more: &[], said }
    }

    fn fault(
        title: &'static str,
        (operation, key): (Operation, &'static str),
        effect: Effect,
        said: &'static [&'static str],
    ) -> Self {
        let fault = Fault::on(operation, effect).key(key).always();
        Self::new(title, move |stand| stand.s3.inject(fault.clone()), said)
    }

    fn with(self, more: &'static [&'static str]) -> Self {
        Self { more, ..self }
    }
}

fn elsewhere() -> String {
    ELSEWHERE.to_owned()
}

/// What happens alike however the files are read: listing, putting, roles.
fn everywhere() -> Vec<Case> {
    let (list, put, get) = ((Operation::List, "data/"), (Operation::Put, STAGE), (Operation::Get, STAGE));
    vec![
        Case::fault(
            "not allowed to list",
            list,
            Effect::AccessDenied,
            &["s3:ListBucket on arn:aws:s3:::music"],
        ),
        Case::fault("no such source", list, Effect::NoSuchBucket, &["there is no bucket music"]),
        Case::fault(
            "a source elsewhere",
            list,
            Effect::PermanentRedirect(elsewhere()),
            &["the bucket music is in the region eu-central-1", "--s3-region eu-central-1"],
        ),
        Case::fault("a session that ended while listing", list, Effect::ExpiredToken, &["aws sso login"]),
        Case::fault(
            "not allowed to put",
            put,
            Effect::AccessDenied,
            &[
                "s3://our-stage/stage of faults/",
                "access denied: it may not be written",
                "s3:PutObject, s3:GetObject and s3:DeleteObject on arn:aws:s3:::our-stage/*",
                "s3:ListBucket on arn:aws:s3:::our-stage",
            ],
        ),
        Case::fault(
            "no such stage",
            put,
            Effect::NoSuchBucket,
            &["there is no bucket our-stage", "check the name of the bucket in --stage"],
        ),
        Case::fault(
            "a stage elsewhere",
            put,
            Effect::PermanentRedirect(elsewhere()),
            &["the bucket our-stage is in the region eu-central-1", "--stage-region eu-central-1"],
        ),
        Case::fault(
            "signed for another region",
            put,
            Effect::AuthorizationHeaderMalformed(elsewhere()),
            &["--stage-region eu-central-1"],
        ),
        Case::fault(
            "a session that ended while putting",
            put,
            Effect::ExpiredToken,
            &["the AWS credentials have expired", "aws sso login"],
        ),
        Case::new("the wrong region said", |_| (), &["--stage-region us-west-2"])
            .with(&["--stage-region", "eu-west-1"]),
        Case::new(
            "a role that may not read the stage",
            |stand| stand.redshift.deny(&format!("s3://{BUCKET}/")),
            &[ROLE, "cannot read s3://our-stage/stage of faults/", "/manifest", "s3:GetObject"],
        ),
        Case::fault("a stage that is gone", get, Effect::NoSuchBucket, &["our-stage (--stage)"]),
        Case::fault(
            "a session of the role that ended",
            get,
            Effect::ExpiredToken,
            &["The provided token has expired", "maximum session duration"],
        ),
        Case::new(
            "no default role",
            |stand| stand.redshift.set_roles(Some(Vec::new())),
            &["no default IAM role", "--iam-role ARN"],
        )
        .with(&["--iam-role", "default"]),
    ]
}

/// What happens when the program reads the files.
fn when_packed() -> Vec<Case> {
    let get = (Operation::Get, LOGS);
    vec![
        Case::fault(
            "not allowed to read",
            get,
            Effect::AccessDenied,
            &["s3:GetObject on arn:aws:s3:::music/data/log_data/a.json"],
        ),
        Case::fault("a session that ended while reading", get, Effect::ExpiredToken, &["aws sso login"]),
        Case::fault("another object", get, Effect::WrongETag, &["data/log_data/a.json", "run again"]),
        Case::fault("deleted", get, Effect::Delete, &["data/log_data/a.json", "run again"]),
    ]
}

/// What happens when Redshift reads the files.
fn when_direct() -> Vec<Case> {
    let get = (Operation::Get, LOGS);
    vec![
        Case::new(
            "a role that may not read the source",
            |stand| stand.redshift.deny(&format!("s3://{SOURCE}/data/log_data")),
            &[
                "let the role",
                ROLE,
                "read s3://music/data/log_data/a.json:",
                "s3:GetBucketLocation on music,",
            ],
        ),
        Case::fault("a source that is gone", get, Effect::NoSuchBucket, &["music (--source)"]),
        Case::fault(
            "a session of the role that ended",
            get,
            Effect::ExpiredToken,
            &["maximum session duration"],
        ),
        Case::fault("another object", get, Effect::WrongETag, &["was replaced after it was listed"]),
        Case::fault("deleted", get, Effect::Delete, &["data/log_data/a.json"]),
    ]
}

/// Lets each of them happen to one load, and then none to another.
async fn assert_each_is_explained(pack: &str, cases: Vec<Case>) {
    let data = data();
    let cli = cli();
    let stand = stand(&cli, &data.path());
    for Case { title, obstacle, more, said } in cases {
        obstacle(&stand);
        let finished = load(&cli, &stand, pack, more).with_code(1);
        stand.s3.heal();
        stand.redshift.allow_all();
        stand.redshift.set_roles(Some(vec![ROLE.to_owned()]));
        for part in said {
            let stderr = &finished.stderr;
            assert!(stderr.contains(part), "{title}, --pack {pack}: {part:?} is not in\n{stderr}");
        }
        assert!(finished.stderr.contains("hint: "), "{title}: {}", finished.stderr);
        assert_nothing_happened(&stand, &format!("{title}, --pack {pack}: {}", finished.stderr)).await;
        // A fault may have taken an object away.
        stand.upload(&data.path());
    }
    let _ = load(&cli, &stand, pack, &[]).success();
    assert_eq!(dump_of(&stand.open().await).await, expectation(&data.path()));
    assert_eq!(stand.staged(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_pass_is_explained_wherever_it_is_and_nothing_is_published_or_left() {
    assert_each_is_explained("always", everywhere()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_is_explained_when_redshift_reads_the_files_itself() {
    assert_each_is_explained("never", everywhere()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_program_may_not_read_is_explained_and_nothing_is_published_or_left() {
    assert_each_is_explained("always", when_packed()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_redshift_may_not_read_itself_is_explained_and_nothing_is_published_or_left() {
    assert_each_is_explained("never", when_direct()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_fails_is_waited_out_or_explained_on_postgresql_as_well() {
    let data = data();
    let expected = expectation(&data.path());
    let s3 = S3Double::launch(Default::default());
    upload(&s3, &data.path());
    let cli = cli();
    let run = |url: &str, arguments: &[&str]| {
        let mut command = cli.command(arguments.iter().chain(&["--warehouse", url, "--no-progress"]));
        command.envs(s3.environment());
        Finished::from(command.output().unwrap())
    };
    let etl = ["etl", "--source", "s3://music/data", "--format", "json"];
    let open = async |url: &str| {
        PostgresWarehouse::open(&PostgresOptions::from_url(url, &|_| None).unwrap()).await.unwrap()
    };
    for effect in [Effect::SlowDown, Effect::InternalError, Effect::CutConnection, Effect::CutBody(60)] {
        let database = PostgresServer::shared().create_database();
        let url = database.url();
        let _ = run(&url, &["create-tables"]).success();
        for operation in [Operation::List, Operation::Get] {
            s3.inject(Fault::on(operation, effect.clone()).key("data/").times(2));
        }
        let report = run(&url, &etl).success().json();
        assert_eq!(report["attempts"], 1);
        assert_eq!(dump_of(&open(&url).await).await, expected, "{effect:?}");
    }
    let database = PostgresServer::shared().create_database();
    let url = database.url();
    let _ = run(&url, &["create-tables"]).success();
    let (list, get) = ((Operation::List, "data/"), (Operation::Get, LOGS));
    for ((operation, key), effect, said) in [
        (list, Effect::AccessDenied, "s3:ListBucket on arn:aws:s3:::music"),
        (list, Effect::NoSuchBucket, "there is no bucket music"),
        (list, Effect::PermanentRedirect(elsewhere()), "--s3-region eu-central-1"),
        (get, Effect::AccessDenied, "s3:GetObject on arn:aws:s3:::music/data/log_data/a.json"),
        (get, Effect::ExpiredToken, "aws sso login"),
        (get, Effect::WrongETag, "run again"),
        (get, Effect::Delete, "run again"),
    ] {
        s3.inject(Fault::on(operation, effect.clone()).key(key).always());
        let finished = run(&url, &etl).with_code(1);
        s3.heal();
        upload(&s3, &data.path());
        assert!(finished.stderr.contains(said), "{effect:?}: {}", finished.stderr);
        let warehouse = open(&url).await;
        assert_eq!(integer(&warehouse, "SELECT COUNT(*) FROM staging_events").await, 0, "{effect:?}");
        assert_eq!(integer(&warehouse, "SELECT COUNT(*) FROM load_runs").await, 0, "{effect:?}");
    }
    let _ = run(&url, &etl).success();
    assert_eq!(dump_of(&open(&url).await).await, expected);
}
