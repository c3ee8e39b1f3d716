//! Size, threads, compression, and the coming and going of users.

use std::collections::{BTreeMap, HashMap};

use super::{disk::Disk, fingerprint};
use crate::{Compression, Sample, Settings, Volume};

fn with_everything() -> Settings {
    Settings {
        volume: Volume::Users(400),
        growth_rate: 0.5,
        attrition_rate: 0.2,
        traps: true,
        corrupt: true,
        ..Sample { days: 6, ..Sample::default() }.settings()
    }
}

#[test]
fn the_bytes_do_not_depend_on_the_number_of_threads() {
    let one = Disk::of(&Settings { threads: 1, ..with_everything() });
    assert!(one.written.events > 2_000, "{:?}", one.written);
    for threads in [2, 3, 7] {
        let other = Disk::of(&Settings { threads, ..with_everything() });
        assert!(one.files == other.files, "{threads} threads");
        assert_eq!(one.written, other.written);
    }
}

#[test]
fn compressed_bytes_do_not_depend_on_the_number_of_threads_and_never_change() {
    // With parts of several blocks each.
    let settings = |compression| Settings {
        compression,
        volume: Volume::Users(3_000),
        to: with_everything().from.plus_days(1),
        ..with_everything()
    };
    for (compression, golden) in [
        (Compression::None, 0x9051_ccc3_b7b1_b1c8_u64),
        (Compression::Gzip, 0x2e80_0855_7b22_f1b3),
        (Compression::Zstd, 0x57ed_a03f_7bbf_d961),
    ] {
        let one = Disk::of(&Settings { threads: 1, ..settings(compression) });
        assert!(one.written.events > 5_000, "{:?}", one.written);
        let other = Disk::of(&Settings { threads: 7, ..settings(compression) });
        assert!(one.bytes == other.bytes, "{compression:?}");
        let found = fingerprint(&one.bytes);
        assert_eq!(found, golden, "{compression:?}: {found:#018x}");
    }
}

#[test]
fn compressed_files_hold_the_same_and_their_names_say_so() {
    let plain = Disk::of(&with_everything());
    for (compression, ending) in [(Compression::Gzip, ".gz"), (Compression::Zstd, ".zst")] {
        let packed = Disk::of(&Settings { compression, ..with_everything() });
        let data = |disk: &Disk, ending: &str| -> BTreeMap<String, String> {
            let files = disk.files.iter().filter(|(name, _)| name.contains('/'));
            files.map(|(name, text)| (name.strip_suffix(ending).unwrap().to_owned(), text.clone())).collect()
        };
        assert!(data(&packed, ending) == data(&plain, ""));
        let late = packed.answers()["late_files"][0].as_str().unwrap().to_owned();
        assert!(late.ends_with(ending), "{late}");
        for key in ["tables", "records", "analytics"] {
            assert_eq!(packed.answers()[key], plain.answers()[key]);
        }
    }
}

#[test]
fn a_user_takes_128_bytes() {
    // Besides the number of the session.
    let size = size_of::<crate::user::User>() + size_of::<crate::truth::Facts>() + size_of::<u64>();
    assert!(size <= 128, "{size}");
}

#[test]
fn about_as_many_events_are_made_as_were_asked_for() {
    for (events, growth_rate) in [(5_000, 0.01), (40_000, 0.0), (40_000, 0.9)] {
        let settings = Settings { volume: Volume::Events(events), growth_rate, ..Settings::default() };
        let made = Disk::of(&settings).written.events;
        let off = made.abs_diff(events) as f64 / events as f64;
        assert!(off < 0.05, "{made} of {events}");
    }
}

#[test]
fn users_do_the_same_however_many_there_are() {
    let few = Disk::new(Sample { users: 20, ..Sample::default() });
    let many = Disk::new(Sample { users: 200, ..Sample::default() });
    let of_user_7 = |disk: &Disk| -> Vec<(u64, String)> {
        let rows = disk.rows().into_iter().filter(|row| row["userId"] == "7");
        rows.map(|row| (row["ts"].as_u64().unwrap(), row["page"].to_string())).collect()
    };
    assert_eq!(of_user_7(&few), of_user_7(&many));
}

#[test]
fn new_users_come_as_guests_register_and_are_known_from_then_on() {
    let settings = Settings { growth_rate: 3.0, volume: Volume::Users(200), ..Settings::default() };
    let disk = Disk::of(&settings);
    let rows = disk.rows();
    let pages = |page: &str| rows.iter().filter(|row| row["page"] == page).count();
    assert!(pages("Register") > 5 && pages("Submit Registration") > 3, "{}", pages("Register"));
    for row in &rows {
        match row["auth"].as_str().unwrap() {
            "Guest" => assert!(row["userId"] == "" && row["level"] == "free" && row["page"] != "NextSong"),
            "Logged In" => {
                assert!(row["registration"].as_f64() <= row["ts"].as_f64());
                let id: u64 = row["userId"].as_str().unwrap().parse().unwrap();
                assert!(id <= 201 || row["registration"].as_f64().unwrap() >= 1_541_030_400_000.0);
            }
            _ => {}
        }
    }
    assert!(rows.iter().any(|row| row["userId"].as_str().unwrap().parse::<u64>().is_ok_and(|id| id > 201)));
}

#[test]
fn who_has_cancelled_never_comes_back() {
    let settings = Settings { volume: Volume::Users(3_000), songs: 10, ..Settings::default() };
    let mut cancelled: HashMap<String, u64> = HashMap::new();
    for row in Disk::of(&settings).rows() {
        let user = row["userId"].as_str().unwrap().to_owned();
        assert!(!cancelled.contains_key(&user), "{row}");
        if row["auth"] == "Cancelled" {
            assert_eq!(row["page"], "Cancellation Confirmation");
            cancelled.insert(user, 1);
        }
    }
    assert!(cancelled.len() > 1, "{} users cancelled", cancelled.len());
}

#[test]
fn attrition_makes_users_stay_away() {
    let events = |attrition_rate| {
        let settings = Settings { volume: Volume::Users(300), attrition_rate, ..Settings::default() };
        Disk::of(&settings).written.events
    };
    let (all, few) = (events(0.0), events(20.0));
    assert!(few * 3 < all * 2, "{few} of {all}");
}

#[test]
fn nothing_lies_outside_the_time_of_the_log() {
    let settings = Settings {
        from: "2019-12-30T20:57:10.796".parse().unwrap(),
        to: "2020-01-02T19:54:25".parse().unwrap(),
        traps: true,
        ..Sample { users: 300, ..Sample::default() }.settings()
    };
    let disk = Disk::of(&settings);
    let times: Vec<i64> = disk.rows().iter().map(|row| row["ts"].as_i64().unwrap()).collect();
    let written = settings.from.milliseconds()..settings.to.milliseconds();
    assert!(times.iter().all(|ts| written.contains(ts)) && times.len() > 500);
    let logs: Vec<_> = disk.under("log_data/").map(|(name, _)| name.rsplit('/').next().unwrap()).collect();
    let names = ["2019-12-30-events.json", "2019-12-31-events.json", "2020-01-02-events.json"];
    assert!(names.iter().all(|name| logs.contains(name)), "{logs:?}");
    let weeks = disk.answers()["analytics"]["plays_by_week"].to_string();
    assert!(weeks.starts_with("[[2020,1,\"2019-12-30\","), "{weeks}");
}
