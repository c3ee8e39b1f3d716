//! `generate` as its users see it.

use std::{fs, process::Stdio, time::Duration};

use sparkify_testkit::Generated;

use crate::cli;

#[test]
fn the_summary_says_what_was_made_and_what_to_do_next() {
    let cli = cli();
    let finished = cli
        .run(["generate", "--out", "data", "--users", "20", "--songs", "50", "--traps", "--corrupt"])
        .success();
    assert_eq!(finished.stderr, "");
    let lines: Vec<_> = finished.stdout.lines().collect();
    let begins = [
        "made     ",
        "plays    ",
        "planted  ",
        "answers  data/answers.json",
        "next     sparkify-cli run --source data --max-errors ",
    ];
    assert_eq!(lines.len(), begins.len(), "{}", finished.stdout);
    for (line, begin) in lines.iter().zip(begins) {
        assert!(line.starts_with(begin), "{line}");
    }
    // The command that it names works.
    let next: Vec<_> = lines[4].split_whitespace().skip(2).collect();
    let _ = cli.run(&next).success();
}

#[test]
fn the_counts_are_json_and_csv_as_well() {
    let cli = cli();
    let json = cli.run(["generate", "--out", "data", "--users", "20", "--format", "json"]).success().json();
    let answers = Generated::read(&cli.directory().join("data"));
    assert_eq!(json["events"], answers.answers()["staging"]["staging_events"]);
    assert_eq!(json["plays"], answers.answers()["tables"]["songplays"]["rows"]);
    assert_eq!(json["files"].as_u64(), answers.answers()["files"]["count"].as_u64().map(|count| count + 1));
    let csv = cli.run(["generate", "--out", "data", "--users", "20", "--format", "csv"]).success().stdout;
    assert!(csv.starts_with("what,count\nusers,20\nevents,"), "{csv}");
}

#[test]
fn settings_come_from_flags_then_variables_then_the_file() {
    let cli = cli();
    let file = "seed_ = 1\n";
    fs::write(cli.directory().join("sparkify.toml"), format!("[generate]\n{file}")).unwrap();
    let finished = cli.run(["generate"]).with_code(2);
    assert!(finished.stderr.contains("there is no setting \"seed_\" in [generate]"), "{}", finished.stderr);

    let file = "[generate]\nout = \"made\"\nusers = 7\nsongs = 9\nmatch_rate = 0.5\ntraps = true\nto = \"2018-11-05\"\n";
    fs::write(cli.directory().join("sparkify.toml"), file).unwrap();
    let settings = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = cli.command(["generate", "--force"].iter().chain(arguments));
        let output = command.envs(variables.iter().copied()).output().unwrap();
        let _ = sparkify_testkit::Finished::from(output).success();
        Generated::read(&cli.directory().join("made")).answers()["settings"].clone()
    };
    let made = settings(&[], &[]);
    assert_eq!(made["users"], 7);
    assert_eq!((&made["traps"], &made["match_rate"]), (&true.into(), &0.5.into()));
    assert_eq!(made["to"], "2018-11-05T00:00:00");
    let made =
        settings(&["--songs", "11"], &[("SPARKIFY_GENERATE_SONGS", "10"), ("SPARKIFY_GENERATE_USERS", "8")]);
    assert_eq!((&made["users"], &made["songs"]), (&8.into(), &11.into()));
    // What is said more strongly counts, also of users and events.
    let made = settings(&["--events", "3000"], &[]);
    assert_eq!(made["events"], 3000);
    assert_ne!(made["users"], 7);
}

#[test]
fn what_cannot_be_understood_is_wrong_usage() {
    let cli = cli();
    for (arguments, expected) in [
        (&["generate"][..], "--out DIR"),
        (&["generate", "--out", "data", "--users", "many"], "\"many\" is no value for --users"),
        (&["generate", "--out", "data", "--from", "yesterday"], "a date such as 2018-11-01"),
        (&["generate", "--out", "data", "--to", "2018-10-01"], "to must come after from"),
        (&["generate", "--out", "data", "--compress", "bz2"], "gz, zst or none"),
        (&["generate", "--out", "data", "--users", "1", "--events", "2"], "--users"),
        (&["generate", "--out", "data", "--match-rate", "2"], "match_rate must be from 0 to 1"),
    ] {
        let finished = cli.run(arguments).with_code(2);
        assert!(finished.stderr.contains(expected), "{arguments:?}: {}", finished.stderr);
        assert!(!cli.directory().join("data").exists());
    }
}

#[test]
fn data_that_was_not_generated_is_not_replaced_without_force() {
    let cli = cli();
    let data = cli.directory().join("data");
    fs::create_dir_all(data.join("log_data")).unwrap();
    fs::write(data.join("log_data/mine.json"), "mine").unwrap();
    let finished = cli.run(["generate", "--out", "data"]).with_code(2);
    assert!(
        finished.stderr.contains("log_data/mine.json") && finished.stderr.contains("--force"),
        "{}",
        finished.stderr
    );
    assert_eq!(fs::read_to_string(data.join("log_data/mine.json")).unwrap(), "mine");
    let _ = cli.run(["generate", "--out", "data", "--users", "5", "--force"]).success();
    assert!(!data.join("log_data/mine.json").exists());
    // Its own data it replaces.
    let _ = cli.run(["generate", "--out", "data", "--users", "6"]).success();
    assert_eq!(Generated::read(&data).answers()["settings"]["users"], 6);
}

#[test]
fn a_run_that_is_interrupted_leaves_nothing() {
    let cli = cli();
    let mut command = cli.command(["generate", "--out", "deep/data", "--events", "30000000"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let partial = || {
        let entries = fs::read_dir(cli.directory().join("deep")).ok()?;
        entries.flatten().map(|entry| entry.path()).find(|path| path.join("log_data").exists())
    };
    let mut waited = 0;
    while partial().is_none() {
        std::thread::sleep(Duration::from_millis(20));
        waited += 1;
        assert!(waited < 3_000, "nothing was written");
    }
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let finished = sparkify_testkit::Finished::from(child.wait_with_output().unwrap()).with_code(130);
    assert!(finished.stderr.ends_with("stopped on request\n"), "{}", finished.stderr);
    assert_eq!(fs::read_dir(cli.directory().join("deep")).unwrap().count(), 0);
}

#[test]
fn what_a_killed_run_left_is_removed_by_the_next_one() {
    let cli = cli();
    let mut child = cli.start(["generate", "--out", "data", "--events", "30000000"]);
    let left = cli.directory().join(format!("data.partial-{}", child.id()));
    while !left.join("song_data").exists() {
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(left.exists() && !cli.directory().join("data").exists());
    let _ = cli.run(["generate", "--out", "data", "--users", "5"]).success();
    assert!(!left.exists());
}

#[test]
fn the_bytes_do_not_depend_on_threads_or_runs() {
    let cli = cli();
    let make = |out: &str, threads: &str| {
        let arguments = ["generate", "--out", out, "--events", "20000", "--traps", "--threads", threads];
        let _ = cli.run(arguments).success();
        let listing = std::process::Command::new("sh")
            .args(["-c", "find . -type f | sort | xargs sha256sum"])
            .current_dir(cli.directory().join(out))
            .output()
            .unwrap();
        String::from_utf8(listing.stdout).unwrap()
    };
    let one = make("one", "1");
    assert!(one.lines().count() > 1_000);
    for (out, threads) in [("two", "2"), ("three", "3"), ("seven", "7"), ("again", "1")] {
        assert!(make(out, threads) == one, "{threads} threads");
    }
}
