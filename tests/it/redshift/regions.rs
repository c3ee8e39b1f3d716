//! A source in one region and a stage in another.

use std::path::Path;

use sparkify_testkit::{
    Cli, DataSet, Event, Finished, Song, dump, dump_of,
    s3::{Effect, Fault, Operation},
};

use super::{ROLE, Stand, command_with};
use crate::cli;

const STAGE: &str = "stage-in-europe";
const EUROPE: &str = "eu-central-1";

fn data() -> DataSet {
    let data = DataSet::new();
    data.write_events("a.json", &[Event::play(1, 0).user(7).song("One"), Event::play(1, 1).user(8)]);
    data.write_songs("a.json", &[Song::new("SO1", "AR1").title("One")]);
    data
}

fn stand(data: &Path) -> Stand {
    let stand = Stand::new();
    stand.upload(data);
    stand.s3.create_bucket_in(STAGE, EUROPE);
    stand
}

fn load(cli: &Cli, stand: &Stand, more: &[&str]) -> Finished {
    let arguments = ["run", "--source", "s3://music/data", "--pack", "always", "--format", "json"];
    let arguments = [&arguments[..], more].concat();
    let stage = format!("s3://{STAGE}/loads");
    let mut command = command_with(cli, stand, &stage, Some(ROLE), &arguments);
    // That of the warehouse, say.
    command.env("AWS_REGION", EUROPE);
    Finished::from(command.output().unwrap())
}

/// The regions that COPY was told.
fn regions(stand: &Stand) -> Vec<String> {
    let statements = stand.redshift.statements();
    let copies = statements.iter().filter_map(|sent| sent.sql()).filter(|sql| sql.starts_with("COPY "));
    let region = |sql: &str| {
        sql.split_once("REGION '").and_then(|(_, rest)| rest.split_once('\'')).unwrap().0.to_owned()
    };
    copies.map(region).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_and_a_stage_in_different_regions_are_each_reached_in_their_own() {
    let data = data();
    let duckdb = cli();
    let _ = duckdb.load(&data.path());
    // The stage's region is asked for where nobody says it, also if S3 is busy, and not otherwise.
    for (stage_region, busy) in [(None, false), (None, true), (Some(EUROPE), false)] {
        let (stand, cli) = (stand(&data.path()), cli());
        if busy {
            stand.s3.inject(Fault::on(Operation::HeadBucket, Effect::SlowDown));
        }
        let mut more = vec!["--s3-region", "us-west-2"];
        more.extend(stage_region.into_iter().flat_map(|region| ["--stage-region", region]));
        let _ = load(&cli, &stand, &more).success();
        assert_eq!(dump_of(&stand.open().await).await, dump(&duckdb.database()));
        assert_eq!(stand.s3.list(STAGE, ""), Vec::<String>::new());
        let told = regions(&stand);
        assert!(told.len() > 1 && told.iter().all(|region| region == EUROPE), "{told:?}");
        let first = stand.s3.log().into_iter().next().unwrap();
        assert_eq!(first.operation == Operation::HeadBucket, stage_region.is_none(), "{first:?}");
        stand.assert_only_what_redshift_takes();
    }
}

#[test]
fn the_region_that_is_wrong_is_named_with_the_flag_that_sets_it() {
    let data = data();
    let (stand, cli) = (stand(&data.path()), cli());
    let source = load(&cli, &stand, &[]).with_code(1);
    assert!(source.stderr.contains("the bucket music is in the region us-west-2"), "{}", source.stderr);
    assert!(source.stderr.contains("--s3-region us-west-2"), "{}", source.stderr);
    let stage = load(&cli, &stand, &["--s3-region", "us-west-2", "--stage-region", "us-west-2"]).with_code(1);
    let named = "the bucket stage-in-europe is in the region eu-central-1";
    assert!(stage.stderr.contains(named), "{}", stage.stderr);
    assert!(stage.stderr.contains("--stage-region eu-central-1"), "{}", stage.stderr);
}

#[test]
fn a_stage_that_is_not_there_is_found_before_anything_happens() {
    let data = data();
    let (stand, cli) = (stand(&data.path()), cli());
    let arguments = ["run", "--source", "s3://music/data"];
    let mut command = command_with(&cli, &stand, "s3://none-such/loads", Some(ROLE), &arguments);
    let finished = Finished::from(command.output().unwrap()).with_code(1);
    assert!(finished.stderr.contains("there is no bucket none-such"), "{}", finished.stderr);
    assert!(finished.stderr.contains("--stage"), "{}", finished.stderr);
    assert_eq!(stand.redshift.received(), Vec::new());
}
