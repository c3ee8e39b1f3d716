//! Random histories of deliveries against an independent model of the contract: after each load every
//! table holds exactly what the model says, surrogate ids included.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use proptest::prelude::*;
use serde_json::json;
use sparkify_etl::{Cancel, LoadOptions, MatchRule, Progress, create_tables, load, source::LocalDirectory};
use sparkify_schema::sql::SqlLibrary;
use sparkify_testkit::{DataSet, Event, Song};
use sparkify_warehouse::{
    Warehouse,
    duckdb::{DuckDbOptions, DuckDbWarehouse},
};

/// Session and item of an event.
pub(crate) type Key = (i64, i64);

/// An event in short: all that the star depends on.
#[derive(Debug, Clone, PartialEq)]
struct Played {
    ts: i64,
    user: Option<i64>,
    level: &'static str,
    play: bool,
    title: u8,
    artist: u8,
    length: u8,
}

/// A song record in short. The order is that of the model's preference for songs only by chance.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Record {
    song: u8,
    artist: u8,
    title: u8,
    name: u8,
    duration: u8,
    year: i64,
    location: Option<u8>,
    coordinates: Option<u8>,
}

#[derive(Debug, Clone)]
pub(crate) enum Delivery {
    /// Events under a new name; each as it is staged already, or in its first version.
    Events(Vec<Key>),
    /// Songs under a new name.
    Songs(Vec<Record>),
    /// The named file again with these events, in some version.
    ChangedEvents(usize, Vec<(Key, u8)>),
    /// The named file again with these songs.
    ChangedSongs(usize, Vec<Record>),
}

/// The event of a key and version: few values, so that they often meet.
fn event(key: Key, version: u8) -> Played {
    let mix = (key.0 * 7 + key.1 * 3 + i64::from(version) * 5) as u8;
    Played {
        ts: 1_541_106_132_796 + i64::from(mix % 5) * 1000,
        user: (!mix.is_multiple_of(7)).then_some(i64::from(mix % 4)),
        level: if mix.is_multiple_of(3) { "paid" } else { "free" },
        play: !mix.is_multiple_of(4),
        title: mix % 3,
        artist: mix % 2,
        length: mix % 2,
    }
}

fn event_json(key: Key, event: &Played) -> Event {
    Event::play(key.0, key.1)
        .ts(event.ts)
        .set("userId", json!(event.user.map_or_else(String::new, |user| user.to_string())))
        .level(event.level)
        .page(if event.play { "NextSong" } else { "Home" })
        .song(&format!("Title {}", event.title))
        .artist(&format!("Name {}", event.artist))
        .length(f64::from(event.length) + 0.5)
}

fn song_json(record: &Record) -> Song {
    let coordinate = |offset: u8| record.coordinates.map(|at| f64::from(at + offset));
    Song::new(&format!("SO{}", record.song), &format!("AR{}", record.artist))
        .title(&format!("Title {}", record.title))
        .artist(&format!("Name {}", record.name))
        .duration(f64::from(record.duration) + 0.5)
        .year(record.year)
        .set("artist_location", json!(record.location.map(|place| format!("Place {place}"))))
        .set("artist_latitude", json!(coordinate(0)))
        .set("artist_longitude", json!(coordinate(1)))
}

/// The contract, written down a second time.
#[derive(Debug, Default)]
struct Model {
    events: BTreeMap<Key, Played>,
    songs: BTreeSet<Record>,
    user_ids: BTreeMap<i64, i64>,
    song_ids: BTreeMap<u8, i64>,
    artist_ids: BTreeMap<u8, i64>,
}

impl Model {
    /// New keys get the next ids in the order of the key; keys that are gone lose theirs.
    fn give_ids<K: Ord + Clone>(ids: &mut BTreeMap<K, i64>, keys: &BTreeSet<K>) {
        let mut highest = ids.values().copied().max().unwrap_or(0);
        for key in keys {
            ids.entry(key.clone()).or_insert_with(|| {
                highest += 1;
                highest
            });
        }
        ids.retain(|key, _| keys.contains(key));
    }

    fn publish(&mut self) {
        Self::give_ids(&mut self.user_ids, &self.events.values().filter_map(|event| event.user).collect());
        Self::give_ids(&mut self.song_ids, &self.songs.iter().map(|record| record.song).collect());
        Self::give_ids(&mut self.artist_ids, &self.songs.iter().map(|record| record.artist).collect());
    }

    fn song(&self, song: u8) -> &Record {
        let records = self.songs.iter().filter(|record| record.song == song);
        records.min_by_key(|r| (r.year == 0, r.title, r.artist, r.duration, r.year)).unwrap()
    }

    fn users(&self) -> Vec<String> {
        let rows = self.user_ids.iter().map(|(user, id)| {
            let events = self.events.iter().filter(|(_, event)| event.user == Some(*user));
            let (_, newest) = events.max_by_key(|(key, event)| (event.ts, **key)).unwrap();
            format!("{id} {user} {}", newest.level)
        });
        rows.collect()
    }

    fn songs(&self) -> Vec<String> {
        let rows = self.song_ids.iter().map(|(song, id)| {
            let r = self.song(*song);
            let year = if r.year == 0 { "NULL".to_owned() } else { r.year.to_string() };
            format!("{id} SO{song} Title {} AR{} {year} {}.5", r.title, r.artist, r.duration)
        });
        rows.collect()
    }

    fn artists(&self) -> Vec<String> {
        let rows = self.artist_ids.iter().map(|(artist, id)| {
            let records = self.songs.iter().filter(|record| record.artist == *artist);
            let chosen = records
                .min_by_key(|r| {
                    (r.coordinates.is_none(), r.location.is_none(), r.name, r.song, r.location, r.coordinates)
                })
                .unwrap();
            let place = chosen.location.map_or_else(|| "NULL".to_owned(), |place| format!("Place {place}"));
            let at = chosen
                .coordinates
                .map_or_else(|| "NULL NULL".to_owned(), |at| format!("{at}.0 {}.0", at + 1));
            format!("{id} AR{artist} Name {} {place} {at}", chosen.name)
        });
        rows.collect()
    }

    fn songplays(&self, rule: MatchRule) -> Vec<String> {
        let plays = self.events.iter().filter(|(_, event)| event.play && event.user.is_some());
        let rows = plays.map(|(key, event)| {
            let matching = self.songs.iter().filter(|record| {
                record.title == event.title
                    && record.name == event.artist
                    && (rule == MatchRule::TitleArtist || record.duration == event.length)
            });
            let song = matching.map(|record| record.song).min();
            let song = song.map_or_else(
                || "NULL NULL".to_owned(),
                |song| format!("SO{song} AR{}", self.song(song).artist),
            );
            format!("{} {} {} {song}", key.0 * 1_048_576 + key.1, event.user.unwrap(), event.level)
        });
        rows.collect()
    }

    fn times(&self) -> Vec<String> {
        let plays = self.events.values().filter(|event| event.play && event.user.is_some());
        plays.map(|event| event.ts.to_string()).collect::<BTreeSet<_>>().into_iter().collect()
    }
}

/// Performs a delivery on the data set and on the model.
fn deliver(
    data: &DataSet,
    model: &mut Model,
    number: usize,
    delivery: &Delivery,
    files: &mut [Vec<String>; 2],
) {
    let [event_files, song_files] = files;
    match delivery {
        Delivery::Events(keys) => {
            let name = format!("{number}.json");
            let events: Vec<_> = keys
                .iter()
                .map(|key| event_json(*key, model.events.entry(*key).or_insert_with(|| event(*key, 0))))
                .collect();
            data.write_events(&name, &events);
            event_files.push(name);
        }
        Delivery::Songs(records) => {
            let name = format!("{number}.json");
            data.write_songs(&name, &records.iter().map(song_json).collect::<Vec<_>>());
            model.songs.extend(records.iter().cloned());
            song_files.push(name);
        }
        Delivery::ChangedEvents(file, keys) => {
            let Some(name) = pick(event_files, *file) else { return };
            // A key once in a file: two versions of it would contradict each other.
            let versions: BTreeMap<Key, u8> = keys.iter().copied().collect();
            let events: Vec<_> =
                versions.iter().map(|(key, version)| event_json(*key, &event(*key, *version))).collect();
            data.write_events(name, &events);
            model.events.extend(versions.into_iter().map(|(key, version)| (key, event(key, version))));
        }
        Delivery::ChangedSongs(file, records) => {
            let Some(name) = pick(song_files, *file) else { return };
            data.write_songs(name, &records.iter().map(song_json).collect::<Vec<_>>());
            model.songs.retain(|staged| records.iter().all(|record| record.song != staged.song));
            model.songs.extend(records.iter().cloned());
        }
    }
}

fn pick(files: &[String], index: usize) -> Option<&String> {
    files.get(index % files.len().max(1))
}

async fn compare(warehouse: &dyn Warehouse, model: &Model, rule: MatchRule) -> Result<(), TestCaseError> {
    for (sql, expected) in [
        ("SELECT id, user_id, level FROM users ORDER BY user_id", model.users()),
        ("SELECT * FROM songs ORDER BY song_id", model.songs()),
        ("SELECT * FROM artists ORDER BY artist_id", model.artists()),
        (
            "SELECT songplay_id, user_id, level, song_id, artist_id FROM songplays ORDER BY songplay_id",
            model.songplays(rule),
        ),
        ("SELECT time_id FROM time ORDER BY time_id", model.times()),
        ("SELECT COUNT(*) FROM staging_events", vec![model.events.len().to_string()]),
        ("SELECT COUNT(*) FROM staging_songs", vec![model.songs.len().to_string()]),
    ] {
        let records = warehouse.query(sql).await.unwrap();
        let columns = records.schema().fields().len();
        let text = |row, column| records.text(row, column).unwrap_or_else(|| "NULL".to_owned());
        let row = |row| (0..columns).map(|column| text(row, column)).collect::<Vec<_>>().join(" ");
        let found: Vec<_> = (0..records.row_count()).map(row).collect();
        prop_assert_eq!(found, expected, "{}", sql);
    }
    Ok(())
}

fn key() -> impl Strategy<Value = Key> {
    (0..4_i64, 0..6_i64)
}

fn record() -> impl Strategy<Value = Record> {
    let options =
        (0..2_u8, prop_oneof![Just(0_i64), Just(1999)], prop::option::of(0..2_u8), prop::option::of(0..2_u8));
    (0..4_u8, 0..3_u8, 0..3_u8, 0..2_u8, options).prop_map(|(song, artist, title, name, options)| {
        let (duration, year, location, coordinates) = options;
        Record { song, artist, title, name, duration, year, location, coordinates }
    })
}

fn delivery() -> impl Strategy<Value = Delivery> {
    prop_oneof![
        3 => prop::collection::vec(key(), 0..8).prop_map(Delivery::Events),
        2 => prop::collection::vec(record(), 0..4).prop_map(Delivery::Songs),
        1 => (any::<usize>(), prop::collection::vec((key(), 0..3_u8), 0..6)).prop_map(|(file, keys)| Delivery::ChangedEvents(file, keys)),
        1 => (any::<usize>(), prop::collection::vec(record(), 0..3)).prop_map(|(file, records)| Delivery::ChangedSongs(file, records)),
    ]
}

/// A delivery, and whether the load after it has the lenient match rule.
pub(crate) type Step = (Delivery, bool);

/// Any history.
pub(crate) fn history() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec((delivery(), any::<bool>()), 1..8)
}

/// Performs the history on an empty warehouse, and compares all tables with the model after each load.
pub(crate) async fn replay(warehouse: &dyn Warehouse, history: &[Step]) -> Result<(), TestCaseError> {
    let library = SqlLibrary::embedded().unwrap();
    create_tables(warehouse, &library).await.unwrap();
    let (data, mut model) = (DataSet::new(), Model::default());
    let mut files = [Vec::new(), Vec::new()];
    for (number, (delivery, lenient)) in history.iter().enumerate() {
        deliver(&data, &mut model, number, delivery, &mut files);
        if files.iter().all(Vec::is_empty) {
            continue;
        }
        let rule = if *lenient { MatchRule::TitleArtist } else { MatchRule::Exact };
        let options = LoadOptions { match_rule: rule, ..LoadOptions::default() };
        let source = Arc::new(LocalDirectory::new(data.path()));
        let progress = Arc::new(Progress::default());
        let report = load(warehouse, source, &library, &options, &progress, &Cancel::default()).await;
        if let Err(error) = report {
            return Err(TestCaseError::fail(format!("{error:?}")));
        }
        model.publish();
        compare(warehouse, &model, rule).await?;
    }
    Ok(())
}

/// The configuration; `PROPTEST_CASES` asks for another number of histories.
pub(crate) fn config(cases: u32) -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(cases);
    ProptestConfig { cases, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(40))]

    #[test]
    fn after_any_history_of_deliveries_the_tables_are_what_the_model_says(history in history()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let warehouse = DuckDbWarehouse::open(&DuckDbOptions::in_memory()).unwrap();
        runtime.block_on(replay(&warehouse, &history))?;
    }
}
