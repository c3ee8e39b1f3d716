//! The correctness contract, point by point, on small data whose answer is plain.

use serde_json::json;
use sparkify_testkit::{DataSet, Event, Song};

use super::Engine;

on_every_engine! {
    songplay_and_time_ids_are_derived_from_the_event,
    surrogate_ids_are_given_in_the_order_of_the_key_and_never_change,
    a_play_without_a_known_song_is_kept_and_the_match_rate_is_stated,
    the_exact_rule_needs_title_artist_and_duration_and_ignores_trailing_blanks,
    the_match_rule_can_be_changed_and_then_holds_for_earlier_plays_too,
    a_play_matches_at_most_one_song_the_smallest_id_whatever_the_order_of_arrival,
    a_song_that_arrives_later_fills_in_earlier_plays,
    a_user_has_the_attributes_of_the_newest_event_even_if_an_older_file_comes_later,
    logged_out_events_make_no_user_and_a_user_without_a_play_is_one,
    an_artist_is_one_whole_record_by_coordinates_then_place_then_shortest_name,
    year_zero_and_empty_texts_are_null_and_other_texts_stay_as_they_are,
    time_parts_are_in_utc_with_iso_weeks_and_sunday_as_zero,
    the_same_event_or_song_delivered_again_is_a_duplicate,
    a_whole_delivery_under_another_name_changes_nothing,
    a_changed_file_is_loaded_again_and_its_rows_win,
    a_change_of_content_is_noticed_without_a_change_of_size_and_a_touched_file_is_not_loaded,
    a_file_that_is_gone_from_the_source_takes_nothing_away,
    the_ledger_has_each_file_with_size_hash_records_and_run,
    the_tables_private_to_a_run_are_gone_when_it_ends,
}

async fn songplay_and_time_ids_are_derived_from_the_event(engine: Engine) {
    let (cli, data) = (engine.command_line(), DataSet::new());
    data.write_events("a.json", &[Event::play(7, 3).ts(1_541_106_132_796)]);
    let _ = cli.load(&data.path());
    assert_eq!(
        cli.rows("SELECT songplay_id, start_time FROM songplays").await,
        [format!("{} 2018-11-01T21:02:12.796", 7 * 1_048_576 + 3)]
    );
    assert_eq!(
        cli.rows("SELECT * FROM time").await,
        ["1541106132796 2018-11-01T21:02:12.796 21 1 44 11 2018 4"]
    );
}

async fn surrogate_ids_are_given_in_the_order_of_the_key_and_never_change(engine: Engine) {
    let (cli, data) = (engine.command_line(), DataSet::new());
    data.write_events("a.json", &[Event::play(1, 0).user(30), Event::play(1, 1).user(4)]);
    data.write_songs("a.json", &[Song::new("SOC", "ARB"), Song::new("SOA", "ARA")]);
    let _ = cli.load(&data.path());
    data.write_events("b.json", &[Event::play(2, 0).user(2), Event::play(2, 1).user(30).level("paid")]);
    data.write_songs("b.json", &[Song::new("SOB", "ARAA")]);
    let _ = cli.load(&data.path());
    assert_eq!(
        cli.rows("SELECT id, user_id, level FROM users ORDER BY id").await,
        ["1 4 free", "2 30 paid", "3 2 free"]
    );
    assert_eq!(cli.rows("SELECT id, song_id FROM songs ORDER BY id").await, ["1 SOA", "2 SOC", "3 SOB"]);
    assert_eq!(cli.rows("SELECT id, artist_id FROM artists ORDER BY id").await, ["1 ARA", "2 ARB", "3 ARAA"]);
}

async fn a_play_without_a_known_song_is_kept_and_the_match_rate_is_stated(engine: Engine) {
    let (cli, data) = (engine.command_line(), DataSet::new());
    data.write_events("a.json", &[Event::play(1, 0).song("Known"), Event::play(1, 1).song("Unknown")]);
    data.write_songs("a.json", &[Song::new("SO1", "AR1").title("Known")]);
    let report = cli.load(&data.path());
    assert_eq!((&report["matched_songplays"], &report["match_rate"]), (&json!(1), &json!(0.5)));
    assert_eq!(
        cli.rows("SELECT song_id, artist_id FROM songplays ORDER BY songplay_id").await,
        ["SO1 AR1", "NULL NULL"]
    );
}

async fn the_exact_rule_needs_title_artist_and_duration_and_ignores_trailing_blanks(engine: Engine) {
    let (cli, data) = (engine.command_line(), DataSet::new());
    data.write_events(
        "a.json",
        &[
            Event::play(1, 0).song("Song ").artist("Artist  "),
            Event::play(1, 1).song("Song").artist("Other"),
            Event::play(1, 2).song("song").artist("Artist"),
            Event::play(1, 3).song("Song").artist("Artist").length(200.6),
            Event::play(1, 4).song("Song\u{a0}").artist("Artist"),
            Event::play(1, 5).set("song", json!(null)),
            Event::play(1, 6).set("length", json!(null)),
        ],
    );
    data.write_songs("a.json", &[Song::new("SO1", "AR1").title("Song   ")]);
    assert_eq!(cli.load(&data.path())["matched_songplays"], 1);
    assert_eq!(cli.rows("SELECT item_in_session FROM songplays WHERE song_id IS NOT NULL").await, ["0"]);
}

async fn the_match_rule_can_be_changed_and_then_holds_for_earlier_plays_too(engine: Engine) {
    let (cli, data) = (engine.command_line(), DataSet::new());
    data.write_events("a.json", &[Event::play(1, 0).length(1.0), Event::play(1, 1)]);
    data.write_songs("a.json", &[Song::new("SO1", "AR1")]);
    assert_eq!(cli.load(&data.path())["matched_songplays"], 1);
    let report = cli.load_with(&data.path(), &["--match-rule", "title-artist"]);
    assert_eq!((&report["matched_songplays"], &report["files"]["loaded"]), (&json!(2), &json!(0)));
    assert_eq!(cli.load_with(&data.path(), &["--match-rule", "title-artist"])["matched_songplays"], 2);
    assert_eq!(cli.load(&data.path())["matched_songplays"], 1);
}

async fn a_play_matches_at_most_one_song_the_smallest_id_whatever_the_order_of_arrival(engine: Engine) {
    let songs = [Song::new("SOB", "AR2"), Song::new("SOA", "AR1"), Song::new("SOC", "AR3")];
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let (cli, data) = (engine.command_line(), DataSet::new());
        data.write_events("a.json", &[Event::play(1, 0)]);
        for position in order {
            data.write_songs(&format!("{position}.json"), &[songs[position].clone()]);
            let _ = cli.load(&data.path());
        }
        assert_eq!(cli.rows("SELECT song_id, artist_id FROM songplays").await, ["SOA AR1"], "{order:?}");
    }
}

async fn a_song_that_arrives_later_fills_in_earlier_plays(engine: Engine) {
    let (cli, data) = (engine.command_line(), DataSet::new());
    data.write_events("a.json", &[Event::play(1, 0), Event::play(1, 1).song("Other")]);
    assert_eq!(cli.load(&data.path())["matched_songplays"], 0);
    data.write_songs("a.json", &[Song::new("SO1", "AR1")]);
    assert_eq!(cli.load(&data.path())["matched_songplays"], 1);
    assert_eq!(cli.rows("SELECT song_id FROM songplays ORDER BY songplay_id").await, ["SO1", "NULL"]);
}

async fn a_user_has_the_attributes_of_the_newest_event_even_if_an_older_file_comes_later(engine: Engine) {
    let newest = [
        Event::play(5, 0).ts(3000).level("paid").first_name("New"),
        Event::play(5, 1).ts(3000).page("Home").level("free").first_name("Newest"),
    ];
    let older = [Event::play(6, 0).ts(2000).level("free").first_name("Old")];
    for files in
        [[("a.json", &newest[..]), ("b.json", &older[..])], [("b.json", &older[..]), ("a.json", &newest[..])]]
    {
        let (cli, data) = (engine.command_line(), DataSet::new());
        for (name, events) in files {
            data.write_events(name, events);
            let _ = cli.load(&data.path());
        }
        // Of two events at the same time the later in (session, item) counts, a play or not.
        assert_eq!(cli.rows("SELECT first_name, level FROM users").await, ["Newest free"]);
    }
}

async fn logged_out_events_make_no_user_and_a_user_without_a_play_is_one(engine: Engine) {
    let (cli, data) = (engine.command_line(), DataSet::new());
    data.write_events(
        "a.json",
        &[
            Event::play(1, 0).set("userId", json!("")).page("Home"),
            Event::play(1, 1).set("userId", json!("")),
            Event::play(2, 0).user(9).page("Home"),
        ],
    );
    let report = cli.load(&data.path());
    assert_eq!((&report["tables"]["users"], &report["tables"]["songplays"]), (&json!(1), &json!(0)));
}

async fn an_artist_is_one_whole_record_by_coordinates_then_place_then_shortest_name(engine: Engine) {
    let preferred = [
        Song::new("SO9", "AR1").artist("Longer Name").location("There").at(1.0, 2.0),
        Song::new("SO8", "AR1").artist("A Name").at(3.0, 4.0),
        Song::new("SO7", "AR1").artist("Name").location("Here"),
        Song::new("SO6", "AR1").artist("Nam").set("artist_latitude", json!(5.0)),
        Song::new("SO5", "AR1").artist("N"),
    ];
    for first in 0..preferred.len() {
        for reversed in [false, true] {
            let (cli, data) = (engine.command_line(), DataSet::new());
            let mut songs = preferred[first..].to_vec();
            if reversed {
                songs.reverse();
            }
            for (index, song) in songs.iter().enumerate() {
                data.write_songs(&format!("{index}.json"), std::slice::from_ref(song));
            }
            let _ = cli.load(&data.path());
            let expected = [
                "Longer Name There 1.0 2.0",
                "A Name NULL 3.0 4.0",
                "Name Here NULL NULL",
                "N NULL NULL NULL",
                "N NULL NULL NULL",
            ];
            assert_eq!(
                cli.rows("SELECT name, location, latitude, longitude FROM artists").await,
                [expected[first]]
            );
        }
    }
}

async fn year_zero_and_empty_texts_are_null_and_other_texts_stay_as_they_are(engine: Engine) {
    let (cli, data) = (engine.command_line(), DataSet::new());
    data.write_songs("a.json", &[Song::new("SO1", "AR1").title(" Two  Blanks ").location(" ").year(0)]);
    let _ = cli.load(&data.path());
    assert_eq!(cli.rows("SELECT '[' || title || ']', year FROM songs").await, ["[ Two  Blanks ] NULL"]);
    assert_eq!(cli.rows("SELECT location FROM artists").await, ["NULL"]);
}

async fn time_parts_are_in_utc_with_iso_weeks_and_sunday_as_zero(engine: Engine) {
    let (cli, data) = (engine.command_line(), DataSet::new());
    data.write_events(
        "a.json",
        &[
            Event::play(1, 0).ts(1_546_214_399_999), // 2018-12-30 23:59:59.999, a Sunday, week 52
            Event::play(1, 1).ts(1_546_214_400_000), // 2018-12-31 00:00, a Monday, week 1 of 2019
            Event::play(1, 2).ts(1_609_459_200_001), // 2021-01-01 00:00:00.001, a Friday, week 53 of 2020
            Event::play(1, 3).ts(1_609_459_200_001), // the same moment: one row
            Event::play(1, 4).ts(0),
        ],
    );
    let _ = cli.load(&data.path());
    assert_eq!(
        cli.rows("SELECT time_id, hour, day, week, month, year, weekday FROM time ORDER BY time_id").await,
        [
            "0 0 1 1 1 1970 4",
            "1546214399999 23 30 52 12 2018 0",
            "1546214400000 0 31 1 12 2018 1",
            "1609459200001 0 1 53 1 2021 5",
        ]
    );
}

async fn the_same_event_or_song_delivered_again_is_a_duplicate(engine: Engine) {
    let (cli, data) = (engine.command_line(), DataSet::new());
    let event = Event::play(1, 0);
    data.write_events("a.json", &[event.clone(), event.clone(), Event::play(1, 1)]);
    data.write_songs("a.json", &[Song::new("SO1", "AR1"), Song::new("SO1", "AR1")]);
    let report = cli.load(&data.path());
    assert_eq!(
        report["records"],
        json!({"read": 5, "staged": 3, "rejected": 0, "duplicate": 2, "replaced": 0})
    );
    let before = cli.dump().await;

    // In another file, with trailing blanks, beside new ones.
    data.write_events("b.json", &[event.song("Song  "), Event::play(1, 2)]);
    data.write_songs("b.json", &[Song::new("SO1 ", "AR1")]);
    let report = cli.load(&data.path());
    assert_eq!(
        report["records"],
        json!({"read": 3, "staged": 1, "rejected": 0, "duplicate": 2, "replaced": 0})
    );
    let after = cli.dump().await;
    assert_eq!(
        (&after["staging_songs"], &after["songs"], &after["artists"]),
        (&before["staging_songs"], &before["songs"], &before["artists"])
    );
    assert_eq!(after["staging_events"].len(), 3);
}

async fn a_whole_delivery_under_another_name_changes_nothing(engine: Engine) {
    let (cli, data) = (engine.command_line(), DataSet::new());
    let events: Vec<_> = (0..500).map(|item| Event::play(item / 10, item % 10).user(item % 7)).collect();
    let path = data.write_events("a.json", &events);
    data.write_songs("a.json", &[Song::new("SO1", "AR1")]);
    let _ = cli.load(&data.path());
    let before = cli.dump().await;
    std::fs::rename(&path, path.with_file_name("z.json")).unwrap();
    let report = cli.load(&data.path());
    assert_eq!(
        report["records"],
        json!({"read": 500, "staged": 0, "rejected": 0, "duplicate": 500, "replaced": 0})
    );
    assert_eq!(cli.dump().await, before);
}

async fn a_changed_file_is_loaded_again_and_its_rows_win(engine: Engine) {
    let (cli, data) = (engine.command_line(), DataSet::new());
    data.write_events(
        "a.json",
        &[Event::play(1, 0).user(1), Event::play(1, 1).user(2), Event::play(1, 2).user(3)],
    );
    data.write_events("b.json", &[Event::play(2, 0).user(4)]);
    let song = data.write_songs("a.json", &[Song::new("SO1", "AR1")]);
    assert_eq!(cli.load(&data.path())["matched_songplays"], 4);

    // Another user, no play any more, and a new event; user 2 is gone.
    let changed = [
        Event::play(1, 0).user(1),
        Event::play(1, 1).user(1).ts(5000),
        Event::play(1, 2).user(3).page("Home"),
        Event::play(1, 3).user(5),
    ];
    data.write_events("a.json", &changed);
    let report = cli.load(&data.path());
    assert_eq!(report["files"], json!({"found": 3, "loaded": 1, "changed": 1, "skipped": 2}));
    assert_eq!(
        report["records"],
        json!({"read": 4, "staged": 4, "rejected": 0, "duplicate": 0, "replaced": 3})
    );
    assert_eq!(
        cli.rows("SELECT session_id, item_in_session, user_id FROM songplays ORDER BY songplay_id").await,
        ["1 0 1", "1 1 1", "1 3 5", "2 0 4"]
    );
    assert_eq!(cli.rows("SELECT user_id FROM users ORDER BY user_id").await, ["1", "3", "4", "5"]);

    // A song record that now is another song: plays follow it.
    std::fs::write(&song, Song::new("SO1", "AR2").title("Renamed").artist("Other").line()).unwrap();
    assert_eq!(cli.load(&data.path())["matched_songplays"], 0);
    assert_eq!(cli.rows("SELECT title, artist_id FROM songs").await, ["Renamed AR2"]);
    assert_eq!(cli.rows("SELECT artist_id FROM artists").await, ["AR2"]);

    // The tables are those of a load of the files as they are now.
    let fresh = engine.command_line();
    let _ = fresh.load(&data.path());
    assert_eq!(cli.dump_without_ids().await, fresh.dump_without_ids().await);
}

async fn a_change_of_content_is_noticed_without_a_change_of_size_and_a_touched_file_is_not_loaded(
    engine: Engine,
) {
    let (cli, data) = (engine.command_line(), DataSet::new());
    let path = data.write_events("a.json", &[Event::play(1, 0).user(1)]);
    let _ = cli.load(&data.path());
    data.write_events("a.json", &[Event::play(1, 0).user(2)]);
    assert_eq!(cli.load(&data.path())["files"]["changed"], 1);
    assert_eq!(cli.rows("SELECT user_id FROM users").await, ["2"]);

    let file = std::fs::File::options().append(true).open(&path).unwrap();
    let past = std::time::SystemTime::now() - std::time::Duration::from_secs(1000);
    file.set_modified(past).unwrap();
    assert_eq!(cli.load(&data.path())["files"]["loaded"], 0);

    // Same size and same time, other content: only a look at the content tells.
    data.write_events("a.json", &[Event::play(1, 0).user(3)]);
    std::fs::File::options().append(true).open(&path).unwrap().set_modified(past).unwrap();
    assert_eq!(cli.load(&data.path())["files"]["loaded"], 0);
    assert_eq!(cli.load_with(&data.path(), &["--verify-content"])["files"]["changed"], 1);
    assert_eq!(cli.rows("SELECT user_id FROM users").await, ["3"]);
}

async fn a_file_that_is_gone_from_the_source_takes_nothing_away(engine: Engine) {
    let (cli, data) = (engine.command_line(), DataSet::new());
    let path = data.write_events("a.json", &[Event::play(1, 0)]);
    data.write_events("b.json", &[Event::play(2, 0)]);
    let _ = cli.load(&data.path());
    let before = cli.dump().await;
    std::fs::remove_file(path).unwrap();
    assert_eq!(cli.load(&data.path())["files"], json!({"found": 1, "loaded": 0, "changed": 0, "skipped": 1}));
    assert_eq!(cli.dump().await, before);
}

async fn the_ledger_has_each_file_with_size_hash_records_and_run(engine: Engine) {
    let (cli, data) = (engine.command_line(), DataSet::new());
    let path = data.write_events("a.json", &[Event::play(1, 0), Event::play(1, 1)]);
    let report = cli.load(&data.path());
    let size = std::fs::metadata(&path).unwrap().len();
    assert_eq!(
        cli.rows("SELECT path, kind, size_bytes, records, rejected, run_id, SUBSTRING(content_hash, 1, 9) FROM loaded_files"
        ).await,
        [format!("{} events {size} 2 0 {} xxh3-128:", path.display(), report["run_id"].as_str().unwrap())]
    );
    assert_eq!(
        cli.rows("SELECT run_id, run_number, source, match_rule, files_loaded, records_read, records_staged FROM load_runs"
        ).await,
        [format!("{} 1 {} exact 1 2 2", report["run_id"].as_str().unwrap(), data.path().display())]
    );
}

async fn the_tables_private_to_a_run_are_gone_when_it_ends(engine: Engine) {
    let (cli, data) = (engine.command_line(), DataSet::new());
    data.write_events("a.json", &[Event::play(1, 0)]);
    let _ = cli.load(&data.path());
    data.write_events("a.json", &[Event::play(1, 0).user(2)]);
    let _ = cli.load(&data.path());
    assert_eq!(cli.batch_tables().await, [""; 0]);
}
