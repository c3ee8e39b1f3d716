//! `generate` into S3.

use std::{
    collections::BTreeMap,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use sparkify_testkit::{
    Cli, Finished, Generated, Loads,
    s3::{Effect, Fault, Operation, S3Double, S3DoubleOptions},
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

#[test]
fn answers_of_somebody_else_are_neither_replaced_nor_deleted() {
    let (cli, s3) = (cli(), s3());
    s3.put(BUCKET, "made/answers.json", "{\"1\": \"b\"}");
    let arguments = ["generate", "--out", PLACE, "--users", "3", "--songs", "5"];
    let finished = run(&cli, &s3, &arguments).with_code(2);
    assert!(finished.stderr.contains("(answers.json)"), "{}", finished.stderr);
    assert_eq!(objects(&s3), BTreeMap::from([("answers.json".to_owned(), b"{\"1\": \"b\"}".to_vec())]));
    let forced: Vec<_> = arguments.into_iter().chain(["--force"]).collect();
    let _ = run(&cli, &s3, &forced).success();
    assert!(objects(&s3).len() > 5);
}

/// Starts a run and kills it as soon as songs are there.
fn killed(cli: &Cli, s3: &S3Double, more: &[&str]) {
    let arguments = ["generate", "--out", PLACE, "--events", "20000000", "--songs", "100"];
    let mut command = cli.command(arguments.iter().chain(more));
    let command = command.envs(s3.environment()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    while !s3.list(BUCKET, "made/").iter().any(|key| key.contains("/TR") && !key.contains("mine")) {
        assert!(child.try_wait().unwrap().is_none(), "it ended");
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn what_others_put_beside_what_a_killed_run_left_is_not_touched() {
    let (cli, s3) = (cli(), s3());
    // A mark that no run made permits nothing.
    s3.put(BUCKET, "made/generate-incomplete", "");
    s3.put(BUCKET, "made/log_data/2018/11/2018-11-01-events.json", "mine");
    let arguments = ["generate", "--out", PLACE, "--users", "3", "--songs", "5"];
    let finished = run(&cli, &s3, &arguments).with_code(2);
    assert!(finished.stderr.contains("(generate-incomplete)"), "{}", finished.stderr);
    assert_eq!(objects(&s3).len(), 2);
    for key in s3.list(BUCKET, "") {
        s3.delete(BUCKET, &key);
    }

    killed(&cli, &s3, &[]);
    for mine in [
        "log_data/mine.json",
        "song_data/A/A/A/TRAAAAW128F429D538.json",
        "log_data/2019/01/2019-01-01-events.json",
    ] {
        let key = format!("made/{mine}");
        s3.put(BUCKET, &key, "mine");
        let before = objects(&s3);
        let finished = run(&cli, &s3, &arguments).with_code(2);
        assert!(finished.stderr.contains(mine), "{}", finished.stderr);
        assert_eq!(objects(&s3), before);
        s3.delete(BUCKET, &key);
    }
    let _ = run(&cli, &s3, &arguments).success();
    assert!(!objects(&s3).contains_key("generate-incomplete"));
}

#[test]
fn a_data_set_that_was_half_replaced_by_a_killed_run_is_replaced() {
    let (cli, s3) = (cli(), s3());
    let _ = run(&cli, &s3, &["generate", "--out", PLACE, "--users", "5", "--songs", "30"]).success();
    let mut command = cli.command(["generate", "--out", PLACE, "--events", "20000000", "--seed", "2"]);
    let command = command.envs(s3.environment()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    while s3.list(BUCKET, "made/").iter().any(|key| key.ends_with("answers.json"))
        || s3.list(BUCKET, "made/song_data/").len() < 40
    {
        assert!(child.try_wait().unwrap().is_none(), "it ended");
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let _ = run(&cli, &s3, &["generate", "--out", PLACE, "--users", "3", "--songs", "7"]).success();
    let whole = objects(&s3);
    assert_eq!(whole.keys().filter(|key| key.starts_with("song_data/")).count(), 7);
    assert!(whole.contains_key("answers.json") && !whole.contains_key("generate-incomplete"));
}

/// Settings of a data set with a file of several parts, and one of such files.
const LARGE: [&str; 6] = ["--events", "50000", "--to", "2018-11-03", "--songs", "40"];

#[test]
fn what_passes_is_tried_again_and_the_bytes_are_the_same() {
    let (cli, s3) = (cli(), s3());
    let into = |out| ["generate", "--out", out].iter().chain(&LARGE).copied().collect::<Vec<_>>();
    let _ = cli.run(into("plain")).success();
    for operation in [
        Operation::Put,
        Operation::CreateUpload,
        Operation::UploadPart,
        Operation::CompleteUpload,
        Operation::DeleteMany,
        Operation::List,
    ] {
        for effect in [Effect::SlowDown, Effect::InternalError] {
            s3.inject(Fault::on(operation, effect).times(2));
        }
    }
    // Of these the answer does not come.
    s3.inject(Fault::on(Operation::Put, Effect::CutConnection).skip(20).times(3));
    s3.inject(Fault::on(Operation::UploadPart, Effect::CutConnection).skip(3));
    let _ = run(&cli, &s3, &into(PLACE)).success();
    assert!(s3.requests().errors >= 20, "{:?}", s3.requests());
    assert!(objects(&s3) == files(&cli.directory().join("plain")));
    assert_eq!(s3.open_uploads(BUCKET), [""; 0]);
}

#[test]
fn a_write_that_is_refused_midway_is_said_with_a_hint_and_leaves_nothing() {
    for (operation, skip) in [
        (Operation::Put, 0),
        (Operation::Put, 25),
        (Operation::CreateUpload, 0),
        (Operation::UploadPart, 2),
        (Operation::CompleteUpload, 0),
    ] {
        let (cli, s3) = (cli(), s3());
        s3.inject(Fault::on(operation, Effect::AccessDenied).skip(skip).always());
        let arguments: Vec<_> = ["generate", "--out", PLACE].into_iter().chain(LARGE).collect();
        let finished = run(&cli, &s3, &arguments).with_code(1);
        assert!(
            finished.stderr.contains("s3:PutObject") && finished.stderr.contains("hint: "),
            "{operation:?}: {}",
            finished.stderr
        );
        assert_eq!(s3.list(BUCKET, ""), [""; 0], "{operation:?} after {skip}");
        assert_eq!(s3.open_uploads(BUCKET), [""; 0], "{operation:?} after {skip}");
    }
}

#[test]
fn a_run_that_is_interrupted_leaves_nothing_that_looks_whole() {
    let (cli, s3) = (cli(), s3());
    let arguments = ["generate", "--out", PLACE, "--events", "400000", "--to", "2018-11-03", "--songs", "40"];
    let mut command = cli.command(arguments);
    let command = command.envs(s3.environment()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let begin = Instant::now();
    while s3.open_uploads(BUCKET).is_empty() {
        assert!(begin.elapsed() < Duration::from_secs(120), "no large file was begun");
        std::thread::sleep(Duration::from_millis(10));
    }
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let finished = Finished::from(child.wait_with_output().unwrap()).with_code(130);
    assert!(finished.stderr.ends_with("stopped on request\n"), "{}", finished.stderr);
    assert_eq!(s3.list(BUCKET, ""), [""; 0]);
    assert_eq!(s3.open_uploads(BUCKET), [""; 0], "parts of an upload that is not aborted cost money");
}
