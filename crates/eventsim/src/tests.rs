//! The rules that a sample on disk keeps.

mod disk;
mod places;
mod scale;
mod traps;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use self::disk::Disk;
use crate::{Sample, Written};

const KEYS: [&str; 18] = [
    "artist",
    "auth",
    "firstName",
    "gender",
    "itemInSession",
    "lastName",
    "length",
    "level",
    "location",
    "method",
    "page",
    "registration",
    "sessionId",
    "song",
    "status",
    "ts",
    "userAgent",
    "userId",
];

fn listing(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// FNV-1a over names and contents.
fn fingerprint(files: &BTreeMap<String, Vec<u8>>) -> u64 {
    let parts = files.iter().flat_map(|(name, bytes)| [name.as_bytes(), b"\0", bytes, b"\0"]);
    parts
        .flatten()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// What a play and a song are matched by.
fn match_key(artist: &Value, title: &Value, duration: &Value) -> (String, String, String) {
    let artist = artist.as_str().map_or_else(|| artist.to_string(), str::to_owned);
    (artist, title.as_str().unwrap().to_owned(), duration.to_string())
}

#[test]
fn same_seed_same_bytes() {
    assert_eq!(Disk::new(Sample::default()).files, Disk::new(Sample::default()).files);
}

#[test]
fn another_seed_other_bytes() {
    let (one, other) = (Disk::new(Sample::default()), Disk::new(Sample { seed: 2, ..Sample::default() }));
    let shared: Vec<_> =
        one.files.iter().filter(|(name, text)| other.files.get(*name) == Some(text)).collect();
    assert_eq!(shared.len(), 1, "only the JSONPaths file is the same");
}

#[test]
fn the_default_sample_never_changes() {
    let disk = Disk::new(Sample::default());
    assert_eq!(
        disk.written,
        Written {
            users: 60,
            events: 5900,
            plays: 4994,
            matched: 979,
            songs: 120,
            duplicates: 0,
            rejected: 0,
            files: 152
        }
    );
    let found = fingerprint(&disk.bytes);
    assert_eq!(found, 0x16b3_ea84_e484_796d, "{found:#018x}");
}

#[test]
fn every_line_has_the_18_keys_in_alphabetical_order() {
    for row in Disk::new(Sample::default()).rows() {
        let keys: Vec<_> = row.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, KEYS);
    }
}

#[test]
fn log_files_are_compact_ascii_without_a_last_newline() {
    for (name, text) in Disk::new(Sample::default()).under("log_data/") {
        assert!(text.is_ascii(), "{name}");
        assert!(text.starts_with(r#"{"artist":"#) && text.ends_with('}'), "{name}");
        assert!(!text.replace("\\/", "").contains('/'), "{name}");
    }
}

#[test]
fn items_of_a_session_count_from_0_without_gaps() {
    let mut items: HashMap<u64, Vec<u64>> = HashMap::new();
    for row in Disk::new(Sample::default()).rows() {
        let item = row["itemInSession"].as_u64().unwrap();
        items.entry(row["sessionId"].as_u64().unwrap()).or_default().push(item);
    }
    for (session, items) in items {
        assert_eq!(items, (0..items.len() as u64).collect::<Vec<_>>(), "session {session}");
    }
}

#[test]
fn counts_are_what_a_reader_counts() {
    for seed in 1..=5 {
        let disk = Disk::new(Sample { seed, ..Sample::default() });
        let rows = disk.rows();
        let plays = rows.iter().filter(|row| row["page"] == "NextSong").count();
        assert_eq!(disk.written.events, rows.len() as u64);
        assert_eq!(disk.written.plays, plays as u64);
        assert_eq!(disk.written.songs, disk.songs().len() as u64);
        assert_eq!(disk.written.files, disk.files.len() as u64);
        assert!((1_500..12_000).contains(&rows.len()), "seed {seed}: {} events", rows.len());
    }
}

#[test]
fn files_hold_the_events_of_their_day_in_order() {
    let disk = Disk::new(Sample { days: 3, ..Sample::default() });
    let logs: Vec<_> = disk.under("log_data/").collect();
    assert_eq!(logs.len(), 3);
    for ((name, text), day) in logs.into_iter().zip(0..) {
        assert_eq!(name, format!("log_data/2018/11/2018-11-0{}-events.json", day + 1));
        let times: Vec<u64> = text
            .split('\n')
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["ts"].as_u64().unwrap())
            .collect();
        assert!(times.is_sorted());
        let midnight = 1_541_030_400_000 + day * 86_400_000;
        assert!(times.iter().all(|ts| (midnight..midnight + 86_400_000).contains(ts) && ts % 1000 == 796));
    }
}

#[test]
fn nothing_is_known_of_who_is_logged_out() {
    let rows = Disk::new(Sample::default()).rows();
    let (known, unknown): (Vec<_>, Vec<_>) =
        rows.iter().partition(|row| row["auth"] == "Logged In" || row["auth"] == "Cancelled");
    assert!(!unknown.is_empty());
    for key in ["firstName", "lastName", "gender", "location", "registration", "userAgent"] {
        assert!(unknown.iter().all(|row| row[key].is_null()), "{key}");
        assert!(known.iter().all(|row| !row[key].is_null()), "{key}");
    }
    assert!(unknown.iter().all(|row| row["userId"] == ""));
    assert!(known.iter().all(|row| row["userId"].as_str().unwrap().parse::<u64>().is_ok()));
}

#[test]
fn registrations_are_decimals_before_the_first_event() {
    for row in Disk::new(Sample::default()).rows().iter().filter(|row| !row["registration"].is_null()) {
        let registration = row["registration"].to_string();
        assert!(registration.ends_with("796.0"), "{registration}");
        assert!(row["registration"].as_f64() < row["ts"].as_f64());
    }
}

#[test]
fn most_user_agents_carry_quotes() {
    let rows = Disk::new(Sample::default()).rows();
    let agents: HashMap<_, _> =
        rows.iter().filter_map(|row| Some((&row["userId"], row["userAgent"].as_str()?))).collect();
    let quoted = agents.values().filter(|agent| agent.starts_with('"') && agent.ends_with('"')).count();
    assert!(quoted * 2 > agents.len() && quoted < agents.len(), "{quoted} of {}", agents.len());
}

#[test]
fn a_level_changes_on_the_home_after_it_is_submitted() {
    let mut last: HashMap<u64, Value> = HashMap::new();
    let mut upgrades = 0;
    for row in Disk::new(Sample::default()).rows() {
        let session = row["sessionId"].as_u64().unwrap();
        if let Some(before) = last.get(&session) {
            let submitted = before["page"] == "Submit Upgrade" || before["page"] == "Submit Downgrade";
            assert!(before["level"] == row["level"] || (submitted && row["page"] == "Home"), "{row}");
            if submitted {
                upgrades += u32::from(row["level"] == "paid");
            }
        }
        last.insert(session, row);
    }
    assert!(upgrades >= 2, "{upgrades} upgrades");
}

#[test]
fn sessions_cross_midnight() {
    let mut days: HashMap<u64, HashSet<u64>> = HashMap::new();
    for row in Disk::new(Sample::default()).rows() {
        let day = row["ts"].as_u64().unwrap() / 86_400_000;
        days.entry(row["sessionId"].as_u64().unwrap()).or_default().insert(day);
    }
    assert!(days.values().any(|days| days.len() == 2));
}

#[test]
fn about_one_play_in_five_is_of_a_song_in_the_catalogue() {
    let disk = Disk::new(Sample::default());
    let keys = |song: &Value| match_key(&song["artist_name"], &song["title"], &song["duration"]);
    let songs: HashSet<_> = disk.songs().iter().map(keys).collect();
    assert_eq!(songs.len(), 120, "no play matches two songs");
    let rows = disk.rows();
    let plays = rows.iter().filter(|row| row["page"] == "NextSong");
    let matching =
        plays.filter(|row| songs.contains(&match_key(&row["artist"], &row["song"], &row["length"]))).count();
    let percent = matching as u64 * 100 / disk.written.plays;
    assert!((15..=25).contains(&percent), "{percent} %");
}

#[test]
fn the_catalogue_has_the_oddities_of_the_source() {
    for songs in [5, 120] {
        let disk = Disk::new(Sample { songs, users: 1, days: 1, ..Sample::default() });
        let songs = disk.songs();
        let mut names: HashMap<&str, HashSet<String>> = HashMap::new();
        for song in &songs {
            names
                .entry(song["artist_id"].as_str().unwrap())
                .or_default()
                .insert(song["artist_name"].to_string());
        }
        let any = |odd: fn(&Value) -> bool| songs.iter().any(odd);
        assert!(names.values().any(|names| names.len() == 2), "an artist with two names");
        assert!(any(|song| song["artist_name"] == 112), "a name that is a number");
        assert!(
            any(|song| song["artist_name"].as_str().is_some_and(|name| !name.is_ascii())),
            "a name beyond ASCII"
        );
        assert!(any(|song| song["title"].as_str().unwrap().contains('"')), "a title with quotes");
        assert!(any(|song| song["year"] == 0), "a song without year");
        assert!(any(|song| song["artist_location"] == ""), "an artist without location");
        assert!(any(|song| song["artist_latitude"].is_null()), "an artist without coordinates");
    }
}

#[test]
fn song_files_lie_in_the_folders_of_their_name() {
    for (name, text) in Disk::new(Sample::default()).under("song_data/") {
        let parts: Vec<_> = name.split('/').collect();
        let [_, "A", second, third, file] = parts[..] else { panic!("{name}") };
        assert!(file.starts_with(&format!("TRA{second}{third}")), "{name}");
        assert!(text.is_ascii() && text.starts_with(r#"{"num_songs": 1, "artist_id": "AR"#), "{text}");
    }
}

#[test]
fn the_json_paths_name_the_keys() {
    let disk = Disk::new(Sample { users: 0, songs: 0, ..Sample::default() });
    let paths: Value = serde_json::from_str(&disk.files["log_json_path.json"]).unwrap();
    let expected: Vec<_> = KEYS.iter().map(|key| format!("$['{key}']")).collect();
    assert_eq!(paths["jsonpaths"], Value::from(expected));
    assert_eq!(disk.written, Written { files: 2, ..Written::default() }, "nobody does nothing");
}
