//! Two different events with one key.

use super::*;

const REMEDY: &str = "find out which of the two events is right";

fn event(first_name: &str) -> Event {
    Event::play(900, 5).user(77).first_name(first_name)
}

/// Runs, and returns path, line and reason of the one record that is reported.
#[track_caller]
fn reported(loaded: &Loaded) -> (String, u64, String) {
    let before = loaded.state();
    let finished = loaded.run(&[]);
    let error = error(&finished, 3);
    assert_eq!(error["message"], "1 bad record; nothing was loaded");
    assert_helps(&finished.stderr, &error, "--max-errors 1");
    let record = &error["records"][0];
    assert!(record["remedy"].as_str().unwrap().contains(REMEDY));
    assert_eq!(record["value"], "sessionId 900, itemInSession 5");
    assert_eq!(loaded.state(), before);
    let (path, reason) = (record["path"].as_str().unwrap(), record["reason"].as_str().unwrap());
    for part in [path, reason, REMEDY, "sessionId 900, itemInSession 5"] {
        assert!(finished.stderr.contains(part), "no {part:?} in\n{}", finished.stderr);
    }
    (path.to_owned(), record["line"].as_u64().unwrap(), reason.to_owned())
}

fn first_names(cli: &Cli) -> Vec<Vec<String>> {
    query(&cli.database(), "SELECT first_name FROM staging_events WHERE session_id = 900")
}

#[test]
fn two_events_with_one_key_in_one_run_are_reported_with_both_places() {
    let loaded = Loaded::new().load();
    let other = |item| Event::play(901, item);
    let a = loaded.data.write_events("2018/12/a.json", &[other(0), other(1), event("Ann")]);
    let b = loaded.data.write_events("2018/12/b.json", &[other(2), event("Bob")]);
    let (path, line, reason) = reported(&loaded);
    assert_eq!((path, line), (b.display().to_string(), 2));
    assert!(reason.ends_with(&format!("is at {}:3", a.display())), "{reason}");

    let cli = loaded.copy();
    let report = run(&cli, &loaded.data, &["--max-errors", "1"]).success().json();
    let counts =
        ["read", "staged", "rejected", "duplicate"].map(|key| report["records"][key].as_u64().unwrap());
    assert_eq!(counts, [5, 4, 1, 0]);
    assert_eq!(first_names(&cli), [["Ann"]], "the first by file and line is kept");
    let errors = query(
        &cli.database(),
        "SELECT path, line_number, column_number, field, reason, value FROM load_errors",
    );
    let value = "sessionId 900, itemInSession 5".to_owned();
    assert_eq!(errors, [[b.display().to_string(), "2".into(), "1".into(), "NULL".into(), reason, value]]);
    let rejected =
        query(&cli.database(), "SELECT path, records, rejected FROM loaded_files WHERE rejected > 0");
    assert_eq!(rejected, [[b.display().to_string(), "2".into(), "1".into()]]);
}

#[test]
fn two_events_with_one_key_in_one_file_are_reported() {
    let loaded = Loaded::new().load();
    let path = loaded.data.write_events("a.json", &[event("Ann"), event("Ann"), event("Bob")]);
    let (blamed, line, reason) = reported(&loaded);
    assert_eq!((blamed, line), (path.display().to_string(), 3));
    assert!(reason.ends_with(&format!("is at {}:1", path.display())), "{reason}");
    let report = loaded.run(&["--max-errors", "1"]).success().json();
    let counts =
        ["read", "staged", "rejected", "duplicate"].map(|key| report["records"][key].as_u64().unwrap());
    assert_eq!(counts, [3, 1, 1, 1], "the one delivered twice is a duplicate, the other one is bad");
}

#[test]
fn an_event_that_contradicts_an_earlier_run_is_reported() {
    let loaded = Loaded::new();
    loaded.data.write_events("a.json", &[event("Ann")]);
    let _ = loaded.run(&[]).success();
    let path = loaded.data.write_events("b.json", &[Event::play(901, 0), event("Bob"), event("Ann")]);
    let (blamed, line, reason) = reported(&loaded);
    assert_eq!((blamed, line), (path.display().to_string(), 2));
    assert!(reason.ends_with("was loaded by an earlier run"), "{reason}");
    let report = loaded.run(&["--max-errors", "1"]).success().json();
    let counts =
        ["read", "staged", "rejected", "duplicate"].map(|key| report["records"][key].as_u64().unwrap());
    assert_eq!(counts, [3, 1, 1, 1]);
    assert_eq!(first_names(&loaded.cli), [["Ann"]], "what was loaded stays");
}

#[test]
fn events_that_differ_in_trailing_blanks_alone_do_not_contradict_each_other() {
    let loaded = Loaded::new().load();
    loaded.data.write_events("a.json", &[event("Ann"), event("Ann  ")]);
    let report = loaded.run(&[]).success().json();
    assert_eq!((&report["records"]["staged"], &report["records"]["duplicate"]), (&1.into(), &1.into()));
    loaded.data.write_events("b.json", &[event("Ann\u{a0}")]);
    let (_, _, reason) = reported(&loaded);
    assert!(reason.ends_with("was loaded by an earlier run"), "a no-break space counts");
}
