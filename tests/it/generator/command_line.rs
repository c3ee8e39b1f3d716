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

#[test]
fn the_working_directory_itself_can_be_the_place() {
    let cli = cli();
    let _ = cli.run(["generate", "--out", ".", "--users", "5", "--songs", "5"]).success();
    let finished = cli.run(["generate", "--out", "./", "--users", "6", "--songs", "5"]).success();
    assert!(finished.stdout.contains("answers  ./answers.json"), "{}", finished.stdout);
    assert_eq!(Generated::read(cli.directory()).answers()["settings"]["users"], 6);
}

#[test]
fn answers_of_somebody_else_are_not_replaced_without_force() {
    let cli = cli();
    let data = cli.directory().join("data");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("answers.json"), "{\"1\": \"b\"}").unwrap();
    let finished = cli.run(["generate", "--out", "data"]).with_code(2);
    assert!(finished.stderr.contains("answers.json"), "{}", finished.stderr);
    assert_eq!(fs::read_to_string(data.join("answers.json")).unwrap(), "{\"1\": \"b\"}");
    let _ = cli.run(["generate", "--out", "data", "--users", "5", "--force"]).success();
    assert_eq!(Generated::read(&data).answers()["settings"]["users"], 5);
}

/// The checksums of all files below a directory.
fn sums(directory: &std::path::Path) -> String {
    let mut command = std::process::Command::new("sh");
    let command = command.args(["-c", "find . -type f | sort | xargs sha256sum"]).current_dir(directory);
    String::from_utf8(command.output().unwrap().stdout).unwrap()
}

#[test]
fn a_data_set_is_made_again_from_the_settings_in_its_answers() {
    let cli = cli();
    // Nothing is as it is by default.
    let file = "[generate]\nusers = 25\nsongs = 40\ntracks = 300\nmatch_rate = 0.3\nfrom = \"2019-02-27T01:02:03.004\"\n\
                to = \"2019-03-09\"\nseed = 77\ngrowth_rate = 0.7\nattrition_rate = 0.3\ncompress = \"gz\"\ntraps = true\n\
                corrupt = true\nseconds_between_pages = 55.5\ndays_between_sessions = 3.25\nsession_gap = 600\n\
                daily_damping = 0.05\nweekend_damping = 0.25\nweekend_offset = 7200\nweekend_scale = 10800\n";
    fs::write(cli.directory().join("first.toml"), file).unwrap();
    let _ = cli.run(["generate", "--config", "first.toml", "--out", "first"]).success();

    let data = Generated::read(&cli.directory().join("first"));
    let mut again = String::from("[generate]\nout = \"again\"\n");
    for (key, value) in data.answers()["settings"].as_object().unwrap() {
        // The answers hold for one match rule, and the number of events was not set.
        if key != "match_rule" && !value.is_null() {
            again.push_str(&format!("{key} = {value}\n"));
        }
    }
    // Every setting is there.
    assert_eq!(again.lines().count(), file.lines().count() + 1, "{again}");
    fs::write(cli.directory().join("again.toml"), again).unwrap();
    let _ = cli.run(["generate", "--config", "again.toml"]).success();
    let (first, again) = (sums(&cli.directory().join("first")), sums(&cli.directory().join("again")));
    assert!(first.lines().count() > 60 && first == again);
}

#[test]
fn each_setting_of_the_rhythm_has_its_effect() {
    let cli = cli();
    let answers = |line: &str| {
        let file = format!("[generate]\nout = \"data\"\nusers = 300\nsongs = 20\ntracks = 200\n{line}\n");
        fs::write(cli.directory().join("rhythm.toml"), file).unwrap();
        let _ = cli.run(["generate", "--config", "rhythm.toml"]).success();
        Generated::read(&cli.directory().join("data")).answers().clone()
    };
    let plain = answers("");
    let events = |answers: &serde_json::Value| answers["staging"]["staging_events"].as_u64().unwrap() as f64;
    let plays = |rows: &serde_json::Value, of: &dyn Fn(i64) -> bool| {
        let rows = rows.as_array().unwrap().iter();
        let chosen = rows.filter(|row| of(row[0].as_i64().unwrap()));
        chosen.map(|row| row.as_array().unwrap().last().unwrap().as_u64().unwrap() as f64).sum::<f64>()
    };
    let weekend = |answers: &serde_json::Value| {
        plays(&answers["analytics"]["plays_by_weekday"], &|day| day == 0 || day == 6)
            / plays(&answers["analytics"]["plays_by_weekday"], &|_| true)
    };
    let afternoon = |answers: &serde_json::Value| {
        plays(&answers["analytics"]["plays_by_hour"], &|hour| (13..19).contains(&hour))
            / plays(&answers["analytics"]["plays_by_hour"], &|_| true)
    };
    for (line, holds) in [
        (
            "days_between_sessions = 2.0",
            &(|found: &serde_json::Value| events(found) > 1.5 * events(&plain)) as &dyn Fn(&_) -> bool,
        ),
        ("session_gap = 86400", &|found| events(found) < events(&plain)),
        ("daily_damping = 0.0", &|found| afternoon(found) < afternoon(&plain)),
        ("weekend_damping = 0.99", &|found| weekend(found) < weekend(&plain) - 0.05),
        ("weekend_offset = 0", &|_| true),
        ("weekend_scale = 600", &|_| true),
        ("seconds_between_pages = 900", &|_| true),
    ] {
        let found = answers(line);
        let (key, value) = line.split_once(" = ").unwrap();
        assert_eq!(found["settings"][key].as_f64().unwrap(), value.parse::<f64>().unwrap());
        assert_ne!(found["tables"]["songplays"], plain["tables"]["songplays"], "{line}");
        assert!(holds(&found), "{line}");
    }
}

/// The peak memory of a run in KiB, and how many events it made.
fn peak(cli: &sparkify_testkit::Cli, to: &str) -> (f64, u64) {
    let arguments = ["generate", "--out", to, "--users", "1200", "--songs", "20", "--tracks", "500"];
    let mut command =
        cli.command(arguments.iter().chain(&["--from", "2018-01-01", "--to", to, "--format", "json"]));
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut peak = 0.0;
    while child.try_wait().unwrap().is_none() {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
        peak = line.and_then(|kib| kib.trim().parse().ok()).unwrap_or(peak);
        std::thread::sleep(Duration::from_millis(2));
    }
    let finished = sparkify_testkit::Finished::from(child.wait_with_output().unwrap()).success();
    (peak, finished.json()["events"].as_u64().unwrap())
}

#[test]
fn memory_is_that_of_the_users_and_not_of_the_events() {
    let cli = cli();
    let (one_month, few) = peak(&cli, "2018-02-01");
    let (twelve_months, many) = peak(&cli, "2019-01-01");
    assert!(many > 11 * few, "{few} and {many} events");
    // Kept in memory, the events alone would take more than what there is to begin with.
    assert!(many as f64 * 56.0 / 1024.0 > one_month, "{many} events, {one_month} KiB");
    assert!(twelve_months < 1.3 * one_month, "{one_month} and {twelve_months} KiB");
}
