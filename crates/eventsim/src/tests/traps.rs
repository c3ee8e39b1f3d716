//! That the difficulties are there.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::disk::Disk;
use crate::{Sample, Settings};

fn disk() -> Disk {
    Disk::of(&Settings { traps: true, corrupt: true, ..Sample::default().settings() })
}

/// The records of the log that are JSON objects, with their files.
fn good_rows(disk: &Disk) -> Vec<(String, Value)> {
    let mut rows = Vec::new();
    for (name, text) in disk.under("log_data/") {
        for line in text.split('\n') {
            if let Ok(row @ Value::Object(_)) = serde_json::from_str(line) {
                rows.push((name.to_owned(), row));
            }
        }
    }
    rows
}

#[test]
fn each_of_the_known_difficulties_is_planted() {
    let disk = disk();
    let rows = good_rows(&disk);
    let any =
        |what: &str, is: &dyn Fn(&Value) -> bool| assert!(rows.iter().any(|(_, row)| is(row)), "{what}");
    let text = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    any("logged out", &|row| row["userId"] == "");
    any("a play of nobody", &|row| row["userId"] == "" && row["page"] == "NextSong");
    any("4-byte UTF-8", &|row| text(row, "location").contains('𝄞'));
    any("quotes and backslashes", &|row| text(row, "firstName") == "Anne \"Bo\" \\ Lee");
    any("an empty text", &|row| row["firstName"] == "");
    any("a blank text", &|row| row["location"] == " \t ");
    any("an id beyond 53 bits", &|row| row["userId"] == "9007199254740993");
    any("an id that is a number", &|row| row["userId"].is_i64());
    any("double-encoded text", &|row| text(row, "lastName").contains('Ã'));
    any("trailing blanks", &|row| text(row, "song").ends_with("  "));
    any("the highest item", &|row| row["itemInSession"] == 1_048_575);
    any("control characters", &|row| text(row, "userAgent").contains('\u{18}'));

    let mut by_time: HashMap<i64, HashSet<String>> = HashMap::new();
    for (_, row) in rows.iter().filter(|(_, row)| row["page"] == "NextSong") {
        by_time.entry(row["ts"].as_i64().unwrap_or(-1)).or_default().insert(row["userId"].to_string());
    }
    assert!(by_time.values().any(|users| users.len() > 1), "equal times");
    let files: HashSet<_> = rows.iter().map(|(name, _)| name.as_str()).collect();
    for ending in ["-events-again.json", "-events-late.json"] {
        assert!(files.iter().any(|name| name.ends_with(ending)), "{ending}");
    }
    let songs: String = disk.under("song_data/").map(|(_, text)| text).collect();
    for mark in [
        "\"artist_name\": 27",
        "\\ud834\\udd1e",
        "\\\"Quoted\\\" and \\\\back",
        "\"artist_location\": \" \"",
        "{\n  ",
    ] {
        assert!(songs.contains(mark), "{mark}");
    }
}

#[test]
fn the_answers_name_every_bad_record_and_every_late_file() {
    let disk = disk();
    let answers = disk.answers();
    let rejects = answers["rejects"].as_array().unwrap();
    let named: HashMap<&str, HashSet<u64>> = rejects.iter().fold(HashMap::new(), |mut named, reject| {
        let file = reject["file"].as_str().unwrap();
        named.entry(file).or_default().insert(reject["line"].as_u64().unwrap());
        named
    });
    let mut no_objects = 0;
    for (name, text) in disk.under("log_data/") {
        for (line, row) in (1..).zip(text.split('\n')) {
            if !matches!(serde_json::from_str(row), Ok(Value::Object(_))) {
                no_objects += 1;
                assert!(named[name].contains(&line), "{name}:{line}");
            }
        }
    }
    assert!(no_objects > 3 && rejects.len() > no_objects, "{no_objects} of {}", rejects.len());
    for file in answers["late_files"].as_array().unwrap() {
        assert!(disk.files.contains_key(file.as_str().unwrap()), "{file}");
    }
    let records = &answers["records"];
    let number = |key: &str| records[key].as_u64().unwrap();
    assert_eq!(number("read"), number("staged") + number("duplicate") + number("rejected"));
    assert!(number("duplicate") > 10 && number("rejected") == rejects.len() as u64);
    let lines: usize = disk.under("log_data/").map(|(_, text)| text.split('\n').count()).sum();
    let staged_events = answers["staging"]["staging_events"].as_u64().unwrap();
    let bad_events = rejects.iter().filter(|reject| reject["file"].as_str().unwrap().starts_with("log_data"));
    assert_eq!(lines as u64, staged_events + number("duplicate") + bad_events.count() as u64);
}

#[test]
fn without_traps_there_are_none() {
    let disk = Disk::new(Sample::default());
    let answers = disk.answers();
    assert_eq!(answers["rejects"], Value::Array(Vec::new()));
    assert_eq!(answers["late_files"], Value::Array(Vec::new()));
    assert_eq!(answers["records"]["duplicate"], 0);
    assert_eq!(answers["tables"], answers["tables_after_two_loads"]);
}
