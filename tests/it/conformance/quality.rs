//! Each quality check finds what it is for.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::json;
use sparkify_etl::{Error, create_tables, quality};
use sparkify_schema::{
    model::tables,
    sql::{Folder, SqlLibrary},
};
use sparkify_testkit::{DataSet, Event, Song};

use super::{CommandLine, Engine, loads::load_into};
use crate::interposed::Interposed;

on_every_engine! {
    every_check_holds_after_a_load_and_finds_the_damage_it_is_for,
    a_check_that_fails_undoes_the_load,
    what_a_run_breaks_is_found_before_it_is_published,
}

/// A check and damage that it must find.
const DAMAGES: [(&str, &str); 31] = [
    ("songplays_songplay_id_unique", "INSERT INTO songplays SELECT * FROM songplays LIMIT 1"),
    ("users_id_unique", "UPDATE users SET id = 1"),
    (
        "users_user_id_unique",
        "INSERT INTO users SELECT id + 100, user_id, first_name, last_name, gender, level FROM users LIMIT 1",
    ),
    ("songs_id_unique", "UPDATE songs SET id = 1"),
    (
        "songs_song_id_unique",
        "INSERT INTO songs SELECT id + 100, song_id, title, artist_id, year, duration FROM songs LIMIT 1",
    ),
    ("artists_id_unique", "UPDATE artists SET id = 1"),
    (
        "artists_artist_id_unique",
        "INSERT INTO artists SELECT id + 100, artist_id, name, location, latitude, longitude FROM artists LIMIT 1",
    ),
    ("time_time_id_unique", "UPDATE time SET time_id = 1"),
    ("time_start_time_unique", "UPDATE time SET start_time = TIMESTAMP '2018-11-01'"),
    ("events_key_unique", "INSERT INTO staging_events SELECT * FROM staging_events LIMIT 1"),
    ("songplays_user_id_resolves", "DELETE FROM users WHERE user_id = 1"),
    (
        "songplays_start_time_resolves",
        "DELETE FROM time WHERE start_time = (SELECT MIN(start_time) FROM songplays)",
    ),
    ("songplays_song_id_resolves", "DELETE FROM songs WHERE song_id = 'SO1'"),
    ("songplays_artist_id_resolves", "DELETE FROM artists WHERE artist_id = 'AR1'"),
    ("songs_artist_id_resolves", "UPDATE songs SET artist_id = 'nobody'"),
    ("songplays_required_present", "UPDATE songplays SET level = NULL WHERE user_id = 1"),
    ("users_required_present", "UPDATE users SET level = NULL"),
    ("songs_required_present", "UPDATE songs SET artist_id = NULL"),
    ("artists_required_present", "UPDATE artists SET artist_id = NULL"),
    ("time_required_present", "UPDATE time SET weekday = NULL"),
    ("songplays_song_and_artist_agree", "UPDATE songplays SET artist_id = NULL"),
    ("songplays_key_is_derived", "UPDATE songplays SET songplay_id = songplay_id + 7"),
    ("songplays_reconcile_with_staging", "DELETE FROM songplays WHERE user_id = 2"),
    ("users_reconcile_with_staging", "DELETE FROM users WHERE user_id = 2"),
    ("songs_reconcile_with_staging", "DELETE FROM songs WHERE song_id = 'SO2'"),
    ("artists_reconcile_with_staging", "DELETE FROM artists WHERE artist_id = 'AR2'"),
    ("time_reconciles_with_songplays", "DELETE FROM songplays WHERE user_id = 2"),
    ("time_parts_in_range", "UPDATE time SET weekday = 7"),
    ("artists_coordinates_in_range", "UPDATE artists SET latitude = 91"),
    ("users_have_a_source", "DELETE FROM users_source WHERE user_id = 2"),
    ("row_counts_are_kept", "DELETE FROM time WHERE weekday >= 0"),
];

/// Damage that a run does to rows that it touches, and the check that must find it before anything is published. The
/// run adds a play of user 3, a song SO3 of AR3, and a file in which the play of user 2 is another event.
const DAMAGES_IN_A_RUN: [(&str, &str); 31] = [
    ("songplays_songplay_id_unique", "INSERT INTO songplays SELECT * FROM songplays WHERE user_id = 3"),
    ("users_id_unique", "UPDATE users SET id = 1 WHERE user_id = 3"),
    (
        "users_user_id_unique",
        "INSERT INTO users SELECT id + 9, user_id, first_name, last_name, gender, level FROM users WHERE user_id = 3",
    ),
    ("songs_id_unique", "UPDATE songs SET id = 1 WHERE song_id = 'SO3'"),
    (
        "songs_song_id_unique",
        "INSERT INTO songs SELECT id + 9, song_id, title, artist_id, year, duration FROM songs WHERE song_id = 'SO3'",
    ),
    ("artists_id_unique", "UPDATE artists SET id = 1 WHERE artist_id = 'AR3'"),
    (
        "artists_artist_id_unique",
        "INSERT INTO artists SELECT id + 9, artist_id, name, location, latitude, longitude FROM artists \
         WHERE artist_id = 'AR3'",
    ),
    ("time_time_id_unique", "INSERT INTO time SELECT * FROM time WHERE time_id = 3000"),
    (
        "time_start_time_unique",
        "UPDATE time SET start_time = (SELECT start_time FROM time WHERE time_id = 1000) WHERE time_id = 3000",
    ),
    ("events_key_unique", "INSERT INTO staging_events SELECT * FROM staging_events WHERE user_id = 3"),
    ("songplays_user_id_resolves", "DELETE FROM users WHERE user_id = 3"),
    ("songplays_start_time_resolves", "DELETE FROM time WHERE time_id = 3000"),
    ("songplays_song_id_resolves", "DELETE FROM songs WHERE song_id = 'SO3'"),
    ("songplays_artist_id_resolves", "DELETE FROM artists WHERE artist_id = 'AR3'"),
    ("songs_artist_id_resolves", "UPDATE songs SET artist_id = 'nobody' WHERE song_id = 'SO3'"),
    ("songplays_required_present", "UPDATE songplays SET level = NULL WHERE user_id = 3"),
    ("users_required_present", "UPDATE users SET level = NULL WHERE user_id = 3"),
    ("songs_required_present", "UPDATE songs SET artist_id = NULL WHERE song_id = 'SO3'"),
    ("artists_required_present", "UPDATE artists SET id = NULL WHERE artist_id = 'AR3'"),
    ("time_required_present", "UPDATE time SET weekday = NULL WHERE time_id = 3000"),
    ("songplays_song_and_artist_agree", "UPDATE songplays SET artist_id = NULL WHERE user_id = 3"),
    (
        "songplays_key_is_derived",
        "UPDATE songplays SET item_in_session = item_in_session + 7 WHERE user_id = 3",
    ),
    ("songplays_reconcile_with_staging", "DELETE FROM songplays WHERE user_id = 3"),
    ("songplays_reconcile_with_staging", "DELETE FROM staging_events WHERE user_id = 3"),
    ("users_reconcile_with_staging", "DELETE FROM users WHERE user_id = 2"),
    ("songs_reconcile_with_staging", "DELETE FROM songs WHERE song_id = 'SO3'"),
    ("artists_reconcile_with_staging", "DELETE FROM artists WHERE artist_id = 'AR3'"),
    ("time_reconciles_with_songplays", "DELETE FROM time WHERE time_id = 3000"),
    ("time_parts_in_range", "UPDATE time SET weekday = 7 WHERE time_id = 3000"),
    ("artists_coordinates_in_range", "UPDATE artists SET latitude = 91 WHERE artist_id = 'AR3'"),
    ("users_have_a_source", "DELETE FROM users_source WHERE user_id = 3"),
];

/// A table of which no constraint keeps the damage away, with the rows of another.
fn copy(from: &str, to: &str) -> [String; 2] {
    [format!("DROP TABLE IF EXISTS {to}"), format!("CREATE TABLE {to} AS SELECT * FROM {from}")]
}

async fn every_check_holds_after_a_load_and_finds_the_damage_it_is_for(engine: Engine) {
    let library = SqlLibrary::embedded().unwrap();
    let data = DataSet::new();
    data.write_events("a.json", &[Event::play(1, 0).user(1), Event::play(2, 0).user(2)]);
    data.write_songs(
        "a.json",
        &[Song::new("SO1", "AR1"), Song::new("SO2", "AR2").title("Other").at(1.0, 2.0)],
    );
    let (_database, warehouse) = engine.open_new().await;
    create_tables(warehouse.as_ref(), &library).await.unwrap();
    load_into(warehouse.as_ref(), &data.path()).await.unwrap();
    let check = || quality::check(warehouse.as_ref(), &library);
    assert!(check().await.unwrap().iter().all(quality::CheckResult::holds));

    let names: Vec<_> = tables().iter().map(|table| table.name).collect();
    let kept = |name: &str| format!("kept_{name}");
    let keep = names.iter().flat_map(|name| copy(name, &kept(name)));
    // Those that refer to others go first.
    let drop = names.iter().rev().map(|name| format!("DROP TABLE {name}"));
    warehouse.transact(keep.chain(drop).collect()).await.unwrap();
    for (name, damage) in DAMAGES {
        let restore = names.iter().flat_map(|name| copy(&kept(name), name));
        warehouse.transact(restore.chain([damage.to_owned()]).collect()).await.unwrap();
        let results = check().await.unwrap();
        let result = results.iter().find(|result| result.name == name).unwrap();
        assert!(!result.holds(), "{name} does not find: {damage}");
    }
}

/// Tables without constraints, so that every damage is possible.
async fn what_a_run_breaks_is_found_before_it_is_published(engine: Engine) {
    let library = SqlLibrary::embedded().unwrap();
    let data = DataSet::new();
    let play = |session, user| Event::play(session, 0).user(user).ts(session * 1000);
    data.write_events("a.json", &[play(1, 1), play(2, 2)]);
    data.write_songs("a.json", &[Song::new("SO1", "AR1"), Song::new("SO2", "AR2").title("Other")]);
    let (_database, warehouse) = engine.open_new().await;
    create_tables(warehouse.as_ref(), &library).await.unwrap();
    load_into(warehouse.as_ref(), &data.path()).await.unwrap();
    let names: Vec<_> = tables().iter().map(|table| table.name).collect();
    let kept = |name: &str| format!("kept_{name}");
    let keep = names.iter().flat_map(|name| copy(name, &kept(name)));
    let drop = names.iter().rev().map(|name| format!("DROP TABLE {name}"));
    warehouse.transact(keep.chain(drop).collect()).await.unwrap();

    data.write_events("a.json", &[play(1, 1), play(2, 2).level("paid")]);
    data.write_events("b.json", &[play(3, 3).song("New").artist("Name of AR3").length(3.5)]);
    let song = Song::new("SO3", "AR3").title("New").artist("Name of AR3").duration(3.5).at(1.0, 2.0);
    data.write_songs("b.json", &[song]);
    let undamaged = [("", "")];
    for (name, damage) in undamaged.into_iter().chain(DAMAGES_IN_A_RUN) {
        let restore = names.iter().flat_map(|name| copy(&kept(name), name));
        warehouse.transact(restore.collect()).await.unwrap();
        let done = AtomicBool::new(damage.is_empty());
        let damaging = Interposed::new(Arc::clone(&warehouse), move |sql| {
            let now = sql.contains(" AS violations") && !done.swap(true, Ordering::SeqCst);
            now.then(|| damage.to_owned())
        });
        let loaded = load_into(&damaging, &data.path()).await;
        if damage.is_empty() {
            let report = loaded.unwrap();
            assert_eq!((report.files.loaded, report.records.replaced), (3, 2), "{report:?}");
            continue;
        }
        let Err(Error::Quality { failed }) = loaded else { panic!("{name} does not find: {damage}") };
        assert!(failed.iter().any(|check| check.name == name), "{name} does not find: {damage}\n{failed:?}");
    }
    let checks = library.folder(Folder::Quality).into_iter().filter(|file| !file.only_on_demand);
    for check in checks {
        assert!(DAMAGES_IN_A_RUN.iter().any(|(name, _)| *name == check.name), "{}", check.name);
    }
}

async fn a_check_that_fails_undoes_the_load(engine: Engine) {
    let (cli, data) = (engine.command_line(), DataSet::new());
    data.write_events("a.json", &[Event::play(1, 0).user(1), Event::play(2, 0).user(2)]);
    data.write_songs("a.json", &[Song::new("SO1", "AR1"), Song::new("SO2", "AR2").title("Other")]);
    let _ = cli.load(&data.path());
    // A user who is gone though an event of this load is one of theirs, and not a newer one than was known.
    for damage in ["DELETE FROM songplays WHERE user_id = 1", "DELETE FROM users WHERE user_id = 1"] {
        cli.database().change(damage).await;
    }
    let (before, ledger) = (cli.dump().await, ledger(&cli).await);

    let late = Event::play(3, 1).user(1).page("Home").ts(1000);
    data.write_events("b.json", &[Event::play(3, 0).user(3), late]);
    data.write_songs("b.json", &[Song::new("SO3", "AR3").title("New")]);
    data.write("log_data/c.json", "{\"broken\"\n");
    let source = data.path().display().to_string();
    let etl = ["etl", "--source", &source, "--max-errors", "1", "--format", "json"];
    let finished = cli.run(&etl).with_code(3);
    let error = &finished.json()["error"];
    assert!(error.to_string().contains("users_reconcile_with_staging"), "{error}");
    assert_eq!(cli.dump().await, before);
    assert_eq!(self::ledger(&cli).await, ledger);
    assert_eq!(cli.batch_tables().await, [""; 0]);
    cli.database().assert_sound();

    // Once it is repaired, the same files are loaded.
    let _ = cli.run(&["create-tables", "--drop", "--yes"]).success();
    let report = cli.load_with(&data.path(), &["--max-errors", "1"]);
    assert_eq!((&report["records"]["staged"], &report["records"]["rejected"]), (&json!(7), &json!(1)));
}

/// The ledger as it is.
async fn ledger(cli: &CommandLine) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for table in ["loaded_files", "load_runs", "load_errors"] {
        let mut rows = cli.rows(&format!("SELECT * FROM {table}")).await;
        rows.sort_unstable();
        found.push(rows);
    }
    found
}

#[test]
fn every_check_has_damage_to_find() {
    let library = SqlLibrary::embedded().unwrap();
    let checks: BTreeSet<_> = library.folder(Folder::Quality).iter().map(|file| file.name.clone()).collect();
    assert_eq!(checks, DAMAGES.iter().map(|(name, _)| (*name).to_owned()).collect());
}
