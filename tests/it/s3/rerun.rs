//! What was loaded is not read again.

use sparkify_testkit::{Event, Song, dump, query, s3::Operation};

use super::{BUCKET, load_from, s3_with, small_data};
use crate::cli;

#[test]
fn a_second_run_lists_and_reads_nothing() {
    let (data, cli) = (small_data(), cli());
    let s3 = s3_with(&data.path());
    let first = load_from(&cli, &s3);
    assert_eq!(first["files"]["loaded"], 36);
    let before = dump(&cli.database());
    let _ = s3.take_requests();
    let second = load_from(&cli, &s3);
    assert_eq!((&second["files"]["loaded"], &second["files"]["skipped"]), (&0.into(), &36.into()));
    let requests = s3.requests();
    assert_eq!(requests.total(), requests.of(Operation::List), "{requests:?}");
    assert!(dump(&cli.database()) == before);
}

#[test]
fn an_object_written_again_with_the_same_content_is_not_read_and_one_with_other_content_is() {
    let (data, cli) = (small_data(), cli());
    let s3 = s3_with(&data.path());
    let _ = load_from(&cli, &s3);
    let time = "SELECT modified_ns FROM loaded_files WHERE path LIKE '%/TR7.json'";
    let before = query(&cli.database(), time);
    let same = "data/song_data/A/B/C/TR7.json";
    s3.put(BUCKET, same, s3.get(BUCKET, same).unwrap());
    let other = Song::new("SO8", "AR4").title("Other").line();
    s3.put(BUCKET, "data/song_data/A/C/C/TR8.json", other);
    s3.put(BUCKET, "data/log_data/2018/12/new.json", Event::play(100, 0).line());
    s3.delete(BUCKET, "data/song_data/A/A/C/TR0.json");
    let _ = s3.take_requests();
    let report = load_from(&cli, &s3);
    assert_eq!(report["files"], serde_json::json!({"found": 36, "loaded": 2, "changed": 1, "skipped": 34}));
    assert_eq!(report["records"]["replaced"], 1);
    let read: Vec<_> = s3
        .log()
        .into_iter()
        .filter(|request| request.operation == Operation::Get)
        .map(|request| request.key)
        .collect();
    assert!(!read.contains(&same.to_owned()), "{read:?}");
    assert_eq!(read.len(), 3, "two objects and the JSONPaths file: {read:?}");
    assert!(query(&cli.database(), time) != before, "the new time is noted");
    assert_eq!(query(&cli.database(), "SELECT title FROM songs WHERE song_id = 'SO8'"), [["Other"]]);
}

#[test]
fn the_contents_of_all_objects_are_verified_by_their_etags_alone() {
    let (data, cli) = (small_data(), cli());
    let s3 = s3_with(&data.path());
    let _ = load_from(&cli, &s3);
    let _ = s3.take_requests();
    let arguments = ["etl", "--source", super::SOURCE, "--verify-content"];
    let _ = super::run(&cli, &s3, &arguments).success();
    assert_eq!(s3.requests().of(Operation::Get), 0);
}
