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
fn levels_change_within_minutes() {
    let rows = good_rows(&disk());
    let mut of_one: Vec<_> = rows
        .iter()
        .filter(|(_, row)| row["userId"] == "9007199254740993")
        .map(|(_, row)| (row["ts"].as_i64().unwrap_or_default(), row["level"].as_str().unwrap_or_default()))
        .collect();
    of_one.sort_unstable();
    of_one.dedup_by_key(|(_, level)| *level);
    let levels: Vec<_> = of_one.iter().map(|(_, level)| *level).collect();
    assert_eq!(levels, ["free", "paid", "free"]);
}

#[test]
fn artists_have_several_names_and_places() {
    let disk = disk();
    let mut artists: HashMap<String, [HashSet<String>; 3]> = HashMap::new();
    for (name, text) in disk.under("song_data/") {
        // Some files have several records, or none.
        for record in serde_json::Deserializer::from_str(text).into_iter::<Value>().map_while(Result::ok) {
            let Some(id) = record["artist_id"].as_str() else { continue };
            let found = artists.entry(id.to_owned()).or_default();
            for (values, key) in found.iter_mut().zip(["artist_name", "artist_location", "artist_latitude"]) {
                values.insert(record[key].to_string());
            }
        }
        assert!(name.ends_with(".json"));
    }
    assert!(
        artists.values().any(|values| values.iter().all(|values| values.len() > 2)),
        "an artist with three names, places and latitudes"
    );
}

#[test]
fn lengths_drift_and_songs_come_after_their_plays() {
    let disk = disk();
    let answers = disk.answers();
    let late: HashSet<&str> =
        answers["late_files"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(late.iter().any(|name| name.starts_with("song_data/")), "a song file that is late");
    assert!(late.iter().any(|name| name.starts_with("log_data/")), "a log file that is late");
    // By artist and title: the lengths of the records, and whether all files with the song are late.
    let mut songs: HashMap<(String, String), (HashSet<String>, bool)> = HashMap::new();
    for (name, text) in disk.under("song_data/") {
        for record in serde_json::Deserializer::from_str(text).into_iter::<Value>().map_while(Result::ok) {
            let key = |key: &str| record[key].as_str().unwrap_or_default().to_owned();
            let song = songs.entry((key("artist_name"), key("title"))).or_insert((HashSet::new(), true));
            song.0.insert(record["duration"].to_string());
            song.1 &= late.contains(name);
        }
    }
    let rows = good_rows(&disk);
    let plays = rows.iter().filter(|(_, row)| row["page"] == "NextSong");
    let (mut drifted, mut before_the_catalogue) = (0, 0);
    for (file, row) in plays {
        let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
        let Some((lengths, is_late)) = songs.get(&(text("artist"), text("song"))) else { continue };
        let is_same = lengths.contains(&row["length"].to_string());
        drifted += u32::from(!is_same);
        before_the_catalogue += u32::from(is_same && *is_late && !late.contains(file.as_str()));
    }
    assert!(drifted > 3, "{drifted} plays of another length");
    assert!(before_the_catalogue > 3, "{before_the_catalogue} plays of songs that come later");
}

#[test]
fn some_files_are_backwards() {
    let disk = disk();
    let mut backwards = 0;
    for (name, text) in disk.under("log_data/").filter(|(name, _)| name.ends_with("-events.json")) {
        let times: Vec<i64> = text
            .split('\n')
            .filter_map(|line| serde_json::from_str::<Value>(line).ok()?["ts"].as_i64())
            .collect();
        let falls = times.windows(2).filter(|pair| pair[0] > pair[1]).count();
        assert!(times.len() > 10, "{name}");
        backwards += u32::from(falls * 2 > times.len());
    }
    assert!((2..15).contains(&backwards), "{backwards} of 30 files");
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
