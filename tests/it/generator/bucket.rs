//! `generate` into S3.

use std::{collections::BTreeMap, path::Path};

use sparkify_testkit::{
    Cli, Finished, Generated, Loads,
    s3::{S3Double, S3DoubleOptions},
};

use crate::cli;

const BUCKET: &str = "music";
const PLACE: &str = "s3://music/made";

fn s3() -> S3Double {
    let s3 = S3Double::launch(S3DoubleOptions::default());
    s3.create_bucket(BUCKET);
    s3
}

fn run(cli: &Cli, s3: &S3Double, arguments: &[&str]) -> Finished {
    let mut command = cli.command(arguments);
    Finished::from(command.envs(s3.environment()).output().unwrap())
}

fn objects(s3: &S3Double) -> BTreeMap<String, Vec<u8>> {
    let keys = s3.list(BUCKET, "made/").into_iter();
    keys.map(|key| (key["made/".len()..].to_owned(), s3.get(BUCKET, &key).unwrap().to_vec())).collect()
}

fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![directory.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(directory).unwrap().to_str().unwrap().to_owned();
                files.insert(name, std::fs::read(path).unwrap());
            }
        }
    }
    files
}

#[test]
fn a_bucket_gets_the_same_bytes_as_a_directory_and_a_load_from_it_gives_the_answers() {
    let (cli, s3) = (cli(), s3());
    // Files of more than one part, and small ones.
    let settings = ["--events", "60000", "--to", "2018-11-03", "--songs", "300", "--traps"];
    let into = |out| ["generate", "--out", out].iter().chain(&settings).copied().collect::<Vec<_>>();
    let _ = run(&cli, &s3, &into(PLACE)).success();
    let data = Generated::make(&cli, &settings);
    let (objects, files) = (objects(&s3), files(data.directory()));
    assert!(files.values().any(|bytes| bytes.len() > 9 * 1024 * 1024), "a file of several parts");
    assert!(
        objects.keys().eq(files.keys()),
        "{:?}",
        objects.keys().filter(|key| !files.contains_key(*key)).collect::<Vec<_>>()
    );
    for (name, bytes) in &files {
        assert!(objects[name] == *bytes, "{name}");
    }

    let _ = run(&cli, &s3, &["run", "--source", PLACE, "--format", "json"]).success();
    let differences = data.differences(&cli, "duckdb:sparkify.duckdb", Loads::One);
    assert!(differences.is_empty(), "{differences:?}");
}

#[test]
fn a_generated_data_set_is_replaced_and_nothing_else_without_force() {
    let (cli, s3) = (cli(), s3());
    let make = |users: &str, more: &[&str]| {
        let arguments = ["generate", "--out", PLACE, "--songs", "20", "--users", users];
        run(&cli, &s3, &arguments.iter().chain(more).copied().collect::<Vec<_>>())
    };
    let _ = make("30", &[]).success();
    let first = objects(&s3);
    let _ = make("3", &[]).success();
    let second = objects(&s3);
    assert!(second.len() < first.len() && !second.contains_key("generate-incomplete"));
    let count =
        serde_json::from_slice::<serde_json::Value>(&second["answers.json"]).unwrap()["files"]["count"]
            .as_u64();
    assert_eq!(count, Some(second.len() as u64 - 1), "nothing of the first one is left");

    s3.put(BUCKET, "made/log_data/mine.json", "mine");
    s3.put(BUCKET, "made/notes.txt", "mine");
    let finished = make("3", &[]).with_code(2);
    assert!(finished.stderr.contains(PLACE) && finished.stderr.contains("--force"), "{}", finished.stderr);
    assert_eq!(objects(&s3).len(), second.len() + 2);
    let _ = make("3", &["--force"]).success();
    let third = objects(&s3);
    assert!(third.contains_key("notes.txt") && !third.contains_key("log_data/mine.json"));
}

#[test]
fn what_a_killed_run_left_is_known_and_replaced() {
    let (cli, s3) = (cli(), s3());
    let mut command = cli.command(["generate", "--out", PLACE, "--events", "20000000", "--songs", "100"]);
    let mut child = command.envs(s3.environment()).spawn().unwrap();
    while s3.list(BUCKET, "made/song_data/").is_empty() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let left = objects(&s3);
    assert!(left.contains_key("generate-incomplete") && !left.contains_key("answers.json"));
    let _ = run(&cli, &s3, &["generate", "--out", PLACE, "--users", "3", "--songs", "5"]).success();
    let whole = objects(&s3);
    assert!(!whole.contains_key("generate-incomplete") && whole.contains_key("answers.json"));
    assert_eq!(whole.keys().filter(|key| key.starts_with("song_data/")).count(), 5);
}

#[test]
fn what_s3_refuses_is_said_with_a_hint_and_nothing_is_left() {
    let (cli, s3) = (cli(), s3());
    let finished = run(&cli, &s3, &["generate", "--out", "s3://no-such-bucket/made"]).with_code(1);
    assert!(
        finished.stderr.contains("s3://no-such-bucket") && finished.stderr.contains("hint: "),
        "{}",
        finished.stderr
    );
    let finished = run(&cli, &s3, &["generate", "--out", "s3://"]).with_code(2);
    assert!(finished.stderr.contains("hint: "), "{}", finished.stderr);
    assert_eq!(s3.list(BUCKET, ""), [""; 0]);
}
