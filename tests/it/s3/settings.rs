//! Where the parts of a source are, and how S3 is reached.

use sparkify_testkit::{DataSet, Event, Song, dump, query, s3::S3Double};

use super::{run, small_data};
use crate::cli;

#[test]
fn each_part_of_the_source_can_be_elsewhere() {
    let data = small_data();
    let local = cli();
    let _ = local.load(&data.path());
    let expected = dump(&local.database());

    let s3 = S3Double::launch(Default::default());
    s3.create_bucket("logs");
    s3.create_bucket("songs");
    s3.put_directory("logs", "deep/er/", &data.path().join("log_data"));
    s3.put_directory("songs", "", &data.path().join("song_data"));
    let remote = cli();
    let parts = ["--log-data", "s3://logs/deep/er/", "--song-data", "s3://songs"];
    let report = run(&remote, &s3, &[&["run", "--format", "json"][..], &parts].concat()).success().json();
    assert_eq!(report["source"], "s3://logs/deep/er and s3://songs");
    assert!(dump(&remote.database()) == expected);

    let moved = DataSet::new();
    std::fs::rename(data.path().join("log_data"), moved.path().join("logs")).unwrap();
    let here = cli();
    let (logs, songs) = (moved.path().join("logs"), data.path());
    let parts = ["--log-data", logs.to_str().unwrap(), "--source", songs.to_str().unwrap()];
    let _ = here.run([&["run", "--format", "json"][..], &parts].concat()).success();
    assert!(dump(&here.database()) == expected);
}

#[test]
fn one_kind_of_file_can_be_loaded_alone() {
    let data = small_data();
    let cli = cli();
    let songs = data.path().join("song_data");
    let _ = cli.run(["run", "--song-data", songs.to_str().unwrap()]).success();
    let counts = "SELECT (SELECT COUNT(*) FROM songs), (SELECT COUNT(*) FROM songplays)";
    assert_eq!(query(&cli.database(), counts), [["30", "0"]]);
}

#[test]
fn a_part_that_is_named_must_be_there() {
    let (data, empty) = (small_data(), DataSet::new());
    let cli = cli();
    let path = data.path();
    let source = path.to_str().unwrap();
    for (flag, place, message) in [
        ("--log-data", "/no/such/place", "there is no such file or directory"),
        ("--log-data", empty.path().to_str().unwrap(), "there are no data files in it"),
        ("--log-json-path", "/no/such/file.json", "there is no such file or directory"),
    ] {
        let finished = cli.run(["run", "--source", source, flag, place]).with_code(1);
        assert!(finished.stderr.contains(&format!("{place}: {message}")), "{}", finished.stderr);
    }
    let s3 = super::s3_with(&path);
    for (flag, place, message) in [
        ("--song-data", "s3://music/none", "there are no data files in it"),
        ("--log-json-path", "s3://music/none.json", "there is no such object"),
    ] {
        let finished = run(&cli, &s3, &["run", "--source", super::SOURCE, flag, place]).with_code(1);
        assert!(finished.stderr.contains(&format!("{place}: {message}")), "{}", finished.stderr);
    }
}

#[test]
fn another_json_paths_file_can_be_named() {
    let data = DataSet::new();
    data.write_events("a.json", &[Event::play(1, 0).song("A song").artist("An artist")]);
    data.write_songs("a.json", &[Song::new("SO1", "AR1")]);
    let swapped: Vec<_> = sparkify_schema::model::staging_events()
        .columns
        .iter()
        .map(|column| match column.source_key {
            "song" => "$.artist".to_owned(),
            "artist" => "$.song".to_owned(),
            key => format!("$.{key}"),
        })
        .collect();
    let paths = data.write("paths.json", serde_json::json!({ "jsonpaths": swapped }).to_string());
    let cli = cli();
    let _ = cli.load_with(&data.path(), &["--log-json-path", paths.to_str().unwrap()]);
    assert_eq!(query(&cli.database(), "SELECT song FROM staging_events"), [["An artist"]]);
}

#[test]
fn places_that_make_no_sense_are_wrong_usage() {
    let cli = cli();
    for (arguments, message) in [
        (&["run", "--source", "s3://Music"][..], "no name of a bucket"),
        (&["run", "--source", "s3:///x"], "names no bucket"),
        (&["run", "--source", "s3a://music"], "only s3:// is known"),
        (&["run", "--source", "https://music.s3.amazonaws.com"], "from a directory or from S3"),
        (&["run", "--source", "s3://AKIAX:geheim@music"], "credentials do not belong into the address"),
        (&["run", "--source", "s3://music", "--log-data", "logs"], "in different kinds of places"),
        (&["etl", "--log-json-path", "x.json"], "there is no source"),
    ] {
        let finished = cli.run(arguments).with_code(2);
        assert!(finished.stderr.contains(message), "{arguments:?}: {}", finished.stderr);
        assert!(!finished.stderr.contains("geheim"), "{}", finished.stderr);
    }
    let mut command = cli.command(["config", "show"]);
    command.env("SPARKIFY_S3_ANONYMOUS", "perhaps");
    let finished = sparkify_testkit::Finished::from(command.output().unwrap()).with_code(2);
    assert!(finished.stderr.contains("SPARKIFY_S3_ANONYMOUS") && finished.stderr.contains("true or false"));
}
