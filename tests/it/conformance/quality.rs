//! Each quality check finds what it is for.

use std::collections::BTreeSet;

use serde_json::json;
use sparkify_etl::{create_tables, quality};
use sparkify_schema::{
    model::tables,
    sql::{Folder, SqlLibrary},
};
use sparkify_testkit::{DataSet, Event, Song};

use super::{CommandLine, Engine, loads::load_into};

on_every_engine! {
    every_check_holds_after_a_load_and_finds_the_damage_it_is_for,
    a_check_that_fails_undoes_the_load,
}

/// A check and damage that it must find.
const DAMAGES: [(&str, &str); 29] = [
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

    let names: Vec<_> =
        tables().iter().map(|table| table.name).collect();
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

async fn a_check_that_fails_undoes_the_load(engine: Engine) {
    let (cli, data) = (engine.command_line(), DataSet::new());
    data.write_events("a.json", &[Event::play(1, 0).user(1), Event::play(2, 0).user(2)]);
    data.write_songs("a.json", &[Song::new("SO1", "AR1"), Song::new("SO2", "AR2").title("Other")]);
    let _ = cli.load(&data.path());
    // Nothing that a load of other users would put right.
    cli.database().change("DELETE FROM songplays WHERE user_id = 1").await;
    let (before, ledger) = (cli.dump().await, ledger(&cli).await);

    data.write_events("b.json", &[Event::play(3, 0).user(3)]);
    data.write_songs("b.json", &[Song::new("SO3", "AR3").title("New")]);
    data.write("log_data/c.json", "{\"broken\"\n");
    let source = data.path().display().to_string();
    let etl = ["etl", "--source", &source, "--max-errors", "1", "--format", "json"];
    let finished = cli.run(&etl).with_code(3);
    let error = &finished.json()["error"];
    assert!(error.to_string().contains("songplays_reconcile_with_staging"), "{error}");
    assert_eq!(cli.dump().await, before);
    assert_eq!(self::ledger(&cli).await, ledger);
    assert_eq!(cli.batch_tables().await, [""; 0]);
    cli.database().assert_sound();

    // Once it is repaired, the same files are loaded.
    let _ = cli.run(&["create-tables", "--drop", "--yes"]).success();
    let report = cli.load_with(&data.path(), &["--max-errors", "1"]);
    assert_eq!((&report["records"]["staged"], &report["records"]["rejected"]), (&json!(6), &json!(1)));
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
