//! Two deliveries of data; a load of the second has to do everything that a load can do.

use std::time::{Duration, SystemTime};

use serde_json::json;
use sparkify_testkit::{DataSet, Event, Song};

/// When the files of the first delivery were written, epoch seconds.
const FIRST_TIME: u64 = 1_541_106_132;

/// The data as it is loaded first.
pub(super) fn first_delivery() -> DataSet {
    let data = DataSet::new();
    let plays: Vec<_> = (0..6).map(|item| Event::play(1, item).user(item % 3 + 1)).collect();
    data.write_events("first.json", &plays);
    data.write_events("changing.json", &[Event::play(2, 0).user(1), Event::play(2, 1).user(9)]);
    data.write_events("touched.json", &[Event::play(3, 0)]);
    data.write_songs("first.json", &[Song::new("SO1", "AR1"), Song::new("SO2", "AR2").title("Other")]);
    data.write_songs("changing.json", &[Song::new("SO3", "AR3"), Song::new("SO4", "AR4").title("Gone")]);
    for name in
        ["log_data/first", "log_data/changing", "log_data/touched", "song_data/first", "song_data/changing"]
    {
        set_time(&data, name, FIRST_TIME);
    }
    data
}

/// Changes the data so that a load has to do everything that a load can do.
pub(super) fn second_delivery(data: &DataSet) {
    // One event differs, one comes back, one is new.
    let changed = [Event::play(2, 0).user(2).level("paid"), Event::play(2, 1).user(9), Event::play(2, 2)];
    data.write_events("changing.json", &changed);
    data.write_songs("changing.json", &[Song::new("SO3", "AR5").title("Late"), Song::new("SO4", "AR4")]);
    // Delivered before, delivered twice, contradicting each other, and new.
    let mut events = vec![
        Event::play(1, 0).user(1),
        Event::play(4, 0).user(4).song("Late"),
        Event::play(4, 0).user(4).song("Late"),
        Event::play(5, 0).level("free"),
        Event::play(5, 0).level("paid"),
    ];
    events.extend(
        (1..200).map(|item| {
            Event::play(6, item).user(item % 7 + 1).page(["NextSong", "Home"][item as usize % 2])
        }),
    );
    data.write_events("second.json", &events);
    data.write("log_data/broken.json", "{\"broken\"\n");
    let songs = [
        Song::new("SO1", "AR1"),
        Song::new("SO6", "AR1").title("New").at(1.5, 2.5),
        Song::new("SO6", "AR1").title("New").at(1.5, 2.5),
        Song::new("SO7", "AR2").title("Other").set("artist_location", json!("Somewhere")),
    ];
    data.write_songs("second.json", &songs);
    for name in [
        "log_data/second",
        "log_data/broken",
        "log_data/changing",
        "log_data/touched",
        "song_data/second",
        "song_data/changing",
    ] {
        set_time(data, name, FIRST_TIME + 1);
    }
}

/// A time long ago, so that the ledger trusts it.
fn set_time(data: &DataSet, name: &str, seconds: u64) {
    let path = data.path().join(format!("{name}.json"));
    let file = std::fs::File::options().append(true).open(path).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
}
