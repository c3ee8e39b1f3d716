//! Data with traps, on every engine: what sorts, compares, rounds or breaks differently somewhere.

use serde_json::json;
use sparkify_schema::model::{DataType, Table, staging_events, staging_songs};
use sparkify_testkit::{DataSet, Event, Song, rows_of};

use super::{Engine, loads::Both};

on_every_engine! {
    users_that_come_again_with_other_names_and_levels,
    users_whose_events_have_the_same_time,
    an_older_file_that_comes_later,
    plays_at_the_same_moment,
    songs_with_equal_title_and_artist,
    artists_with_many_records,
    trailing_blanks_do_not_count_and_are_kept,
    texts_of_any_script_sort_and_compare_by_their_bytes,
    characters_of_four_bytes_in_every_text,
    the_longest_texts_of_every_column,
    nothing_but_nulls_wherever_there_may_be_one,
    numbers_at_their_limits,
    texts_that_look_like_sql_or_like_a_missing_value,
    the_same_files_under_other_names,
    files_that_repeat_each_other_and_then_change,
}

async fn users_that_come_again_with_other_names_and_levels(engine: Engine) {
    let (both, data) = (Both::new(engine).await, DataSet::new());
    for file in 0..4_i64 {
        let events: Vec<_> = (0..30)
            .map(|item| {
                let user = (item * 7 + file) % 5 + 1;
                let level = if (item + file) % 3 == 0 { "paid" } else { "free" };
                Event::play(file * 3 + item % 2, item)
                    .user(user)
                    .level(level)
                    .first_name(&format!("Name {}", (item + file) % 4))
                    .set("gender", json!(if item % 5 == 0 { None } else { Some("F") }))
                    .page(if item % 4 == 0 { "Upgrade" } else { "NextSong" })
            })
            .collect();
        data.write_events(&format!("{file}.json"), &events);
        both.load(&data.path()).await;
    }
}

async fn users_whose_events_have_the_same_time(engine: Engine) {
    let (both, data) = (Both::new(engine).await, DataSet::new());
    let at = |session: i64, item: i64| Event::play(session, item).user(1).ts(5000);
    data.write_events("a.json", &[at(2, 0).level("paid"), at(10, 0).level("free"), at(9, 9).level("paid")]);
    both.load(&data.path()).await;
    let level = "SELECT level FROM users";
    assert_eq!(rows_of(both.warehouse.as_ref(), level).await, [["free"]], "10 comes after 9 as a number");
    data.write_events("b.json", &[at(10, 1).level("paid"), at(3, 100).level("free")]);
    both.load(&data.path()).await;
    assert_eq!(rows_of(both.warehouse.as_ref(), level).await, [["paid"]]);
}

async fn an_older_file_that_comes_later(engine: Engine) {
    let (both, data) = (Both::new(engine).await, DataSet::new());
    let day = |day: i64, level: &str| {
        let events: Vec<_> = (0..3)
            .map(|user| {
                Event::play(day * 10 + user, 0).user(user + 1).ts(day * 86_400_000 + user).level(level)
            })
            .collect();
        events
    };
    for (number, level) in [(3, "paid"), (1, "free"), (2, "free"), (4, "free"), (0, "paid")] {
        data.write_events(&format!("{number}.json"), &day(number, level));
        both.load(&data.path()).await;
    }
    assert_eq!(rows_of(both.warehouse.as_ref(), "SELECT DISTINCT level FROM users").await, [["free"]]);
}

async fn plays_at_the_same_moment(engine: Engine) {
    let (both, data) = (Both::new(engine).await, DataSet::new());
    let moments = [0, 1, 999, 1000, 1_541_106_132_796, 1_541_106_132_797, 4_102_444_800_000];
    let events: Vec<_> = (0..40)
        .map(|item| Event::play(1, item).user(item % 3).ts(moments[item as usize % moments.len()]))
        .collect();
    data.write_events("a.json", &events);
    let report = both.load(&data.path()).await;
    assert_eq!((report.tables["songplays"], report.tables["time"]), (40, moments.len() as i64));
    data.write_events("b.json", &[Event::play(2, 0).ts(1), Event::play(2, 1).ts(2)]);
    assert_eq!(both.load(&data.path()).await.tables["time"], moments.len() as i64 + 1);
}

async fn songs_with_equal_title_and_artist(engine: Engine) {
    let (both, data) = (Both::new(engine).await, DataSet::new());
    data.write_events(
        "a.json",
        &[Event::play(1, 0), Event::play(1, 1).length(100.25), Event::play(1, 2).length(7.0)],
    );
    let twins = [
        Song::new("SOC", "AR1"),
        Song::new("SOB", "AR2"),
        Song::new("SOA", "AR3").duration(100.25),
        Song::new("SOa", "AR4"),
    ];
    for (index, song) in twins.into_iter().enumerate() {
        data.write_songs(&format!("{index}.json"), &[song]);
        both.load(&data.path()).await;
    }
    let matches = "SELECT song_id, artist_id FROM songplays ORDER BY songplay_id";
    let found = rows_of(both.warehouse.as_ref(), matches).await;
    assert_eq!(found, [["SOB", "AR2"], ["SOA", "AR3"], ["NULL", "NULL"]]);
}

async fn artists_with_many_records(engine: Engine) {
    let (both, data) = (Both::new(engine).await, DataSet::new());
    let mut songs = Vec::new();
    for artist in 0..6 {
        for record in 0..5 {
            let song = Song::new(&format!("SO{artist}{record}"), &format!("AR{artist}")).artist(
                &["Bee", "Bee feat. A", "A", "Ää", "bee"][(artist + record) % 5].repeat(1 + record % 2),
            );
            let song =
                if (artist + record) % 3 == 0 { song.location(&format!("Place {record}")) } else { song };
            songs.push(if (artist * record) % 4 == 1 {
                song.at(f64::from(record as u32), -0.5)
            } else {
                song
            });
        }
    }
    for (index, part) in songs.chunks(7).enumerate() {
        data.write_songs(&format!("{index}.json"), part);
        both.load(&data.path()).await;
    }
}

async fn trailing_blanks_do_not_count_and_are_kept(engine: Engine) {
    let (both, data) = (Both::new(engine).await, DataSet::new());
    data.write_events(
        "a.json",
        &[
            Event::play(1, 0).song("Song ").artist("Artist  ").user(1),
            Event::play(1, 1).song("Song").page("NextSong  ").user(2),
            Event::play(1, 2).song(" Song").user(3),
            Event::play(1, 3).song("Song\t").user(4),
        ],
    );
    data.write_songs(
        "a.json",
        &[Song::new("SO1", "AR1").title("Song   "), Song::new("SO2 ", "AR1  ").title("Two")],
    );
    let report = both.load(&data.path()).await;
    assert_eq!((report.tables["songplays"], report.matched_songplays, report.tables["artists"]), (4, 2, 1));
    // The same again with other blanks: nothing new.
    data.write_events("b.json", &[Event::play(1, 0).song("Song").artist("Artist").user(1)]);
    data.write_songs(
        "b.json",
        &[Song::new("SO1  ", "AR1 ").title("Song"), Song::new("SO2", "AR1").title("Two   ")],
    );
    assert_eq!(both.load(&data.path()).await.records.duplicate, 3);
    let lengths = "SELECT LENGTH(title || '|') FROM songs ORDER BY id";
    assert_eq!(rows_of(both.warehouse.as_ref(), lengths).await[0], ["8"]);
}

async fn texts_of_any_script_sort_and_compare_by_their_bytes(engine: Engine) {
    let titles = [
        "Zebra",
        "apple",
        "Äpfel",
        "straße",
        "STRASSE",
        "ﬁ",
        "東京",
        "🎵 song",
        "a\\b",
        "it's",
        "\"quoted\"",
        "tab\there",
        "e\u{301}",
        "é",
        "a b",
        "ab",
        "a-b",
        "_",
        "trailing  ",
        "\u{feff}bom",
        "\u{202e}rtl",
        "ı",
        "İ",
    ];
    let (both, data) = (Both::new(engine).await, DataSet::new());
    let (mut events, mut songs) = (Vec::new(), Vec::new());
    for (index, title) in titles.into_iter().enumerate() {
        let artist = titles[(index + 3) % titles.len()];
        let index = index as i64;
        events.push(Event::play(index, 0).user(index % 3 + 1).song(title).artist(artist));
        events.push(Event::play(index, 1).user(index % 3 + 1).song(title).artist(title));
        // Ids that sort differently by language and by bytes; names of equal length compete for an artist.
        songs.push(
            Song::new(&format!("S{title}"), &format!("A{}", title.chars().next().unwrap()))
                .title(title)
                .artist(title)
                .set("artist_location", json!(title)),
        );
    }
    data.write_events("a.json", &events);
    data.write_songs("a.json", &songs);
    assert_eq!(both.load(&data.path()).await.matched_songplays, titles.len() as i64);
}

/// A record of the table with each text set to what is asked for.
fn with_every_text(
    table: &Table,
    mut line: serde_json::Value,
    text: impl Fn(usize) -> serde_json::Value,
) -> String {
    for column in table.columns {
        // The page says what is a play.
        if let (DataType::Varchar { max_bytes }, true) = (column.data_type, column.name != "page") {
            line[column.source_key] = text(max_bytes as usize);
        }
    }
    line.to_string()
}

fn parsed(line: &str) -> serde_json::Value {
    serde_json::from_str(line).unwrap()
}

async fn every_text(engine: Engine, text: impl Fn(usize) -> serde_json::Value) {
    let (both, data) = (Both::new(engine).await, DataSet::new());
    let event = |item| with_every_text(staging_events(), parsed(&Event::play(1, item).line()), &text);
    data.write("log_data/a.json", [event(0), event(1), Event::play(1, 2).line()].join("\n"));
    data.write(
        "song_data/a.json",
        with_every_text(staging_songs(), parsed(&Song::new("SO1", "AR1").line()), &text),
    );
    assert_eq!(both.load(&data.path()).await.records.staged, 4);
    data.write("log_data/b.json", event(3));
    assert_eq!(both.load(&data.path()).await.records.staged, 1);
}

async fn characters_of_four_bytes_in_every_text(engine: Engine) {
    every_text(engine, |max| json!("𝄞".repeat((max / 4).min(9)))).await;
}

async fn the_longest_texts_of_every_column(engine: Engine) {
    every_text(engine, |max| json!("x".repeat(max))).await;
    // As many bytes in fewer characters.
    every_text(engine, |max| json!(format!("{}{}", "x".repeat(max % 4), "🎵".repeat(max / 4)))).await;
}

async fn nothing_but_nulls_wherever_there_may_be_one(engine: Engine) {
    let (both, data) = (Both::new(engine).await, DataSet::new());
    let without = |table: &Table, line: &str, value: &serde_json::Value| {
        let mut line = parsed(line);
        for column in table.columns.iter().filter(|column| !column.required) {
            line[column.source_key] = value.clone();
        }
        line.to_string()
    };
    let nothing = [json!(null), json!(""), json!("   ")];
    let events: Vec<_> = nothing
        .iter()
        .zip(0..)
        .map(|(value, item)| without(staging_events(), &Event::play(1, item).line(), value))
        .collect();
    data.write("log_data/a.json", events.join("\n"));
    let only_user = without(staging_events(), &Event::play(2, 0).line(), &json!(null))
        .replace("\"userId\":null", "\"userId\":\"7\"");
    data.write("log_data/b.json", only_user);
    let songs: Vec<_> = nothing
        .iter()
        .enumerate()
        .map(|(index, value)| {
            without(staging_songs(), &Song::new(&format!("SO{index}"), "AR1").line(), value)
        })
        .collect();
    data.write("song_data/a.json", songs.join("\n"));
    let report = both.load(&data.path()).await;
    assert_eq!((report.tables["songplays"], report.tables["users"], report.matched_songplays), (1, 1, 0));
}

async fn numbers_at_their_limits(engine: Engine) {
    let (both, data) = (Both::new(engine).await, DataSet::new());
    data.write_events(
        "a.json",
        &[
            Event::play(1, 0).length(f64::MAX),
            Event::play(2, 0).length(5e-324),
            Event::play(3, 0).length(0.1 + 0.2).set("registration", json!(1.540_919_166_796_5e12)),
            Event::play(4, 0).ts(253_402_300_799_999),
            Event::play(5, 0).ts(9_007_199_254_741),
            Event::play(6, 0).ts(0).set("status", json!(i32::MIN)),
            Event::play(8_796_093_022_207, 1_048_575).ts(1).user(i64::MAX),
            Event::play(7, 0).user(i64::MIN).set("status", json!(i32::MAX)),
            Event::play(8, 0).user(0).length(-1e-300),
        ],
    );
    data.write_songs(
        "a.json",
        &[
            Song::new("SO1", "AR1").at(-90.0, 180.0).duration(1e-7).year(1),
            Song::new("SO2", "AR2").at(1.0 / 3.0, -1.0 / 3.0).duration(f64::MAX).title("Other"),
            Song::new("SO3", "AR3").duration(0.1 + 0.2),
        ],
    );
    assert_eq!(both.load(&data.path()).await.matched_songplays, 1);
}

async fn texts_that_look_like_sql_or_like_a_missing_value(engine: Engine) {
    let texts = [
        "NULL",
        "null",
        "\\N",
        "\\.",
        "''",
        "'; DROP TABLE songs; --",
        "a\\",
        "\\'",
        "$1",
        "{{ x }}",
        "%s",
        "/* x",
        "--",
        "true",
        "0",
        "1e5",
        "{\"a\": 1}",
        "a\u{0}b".split('\u{0}').next().unwrap(),
        "line\nbreak",
        "cr\r\nlf",
        "\u{1}\u{7f}",
    ];
    let (both, data) = (Both::new(engine).await, DataSet::new());
    let mut events = Vec::new();
    let mut songs = Vec::new();
    for (index, text) in texts.into_iter().enumerate() {
        events.push(
            Event::play(index as i64, 0)
                .song(text)
                .artist(text)
                .first_name(text)
                .user(index as i64)
                .set("userAgent", json!(text))
                .set("location", json!(text)),
        );
        songs.push(Song::new(&format!("SO{text}"), &format!("AR{text}")).title(text).artist(text));
    }
    data.write_events("it's a \"name\" \\ 100%.json", &events);
    data.write_songs("a.json", &songs);
    let report = both.load(&data.path()).await;
    assert_eq!(report.matched_songplays, texts.len() as i64);
    // The path goes into statements about a changed file.
    events[0] = events[0].clone().level("paid");
    data.write_events("it's a \"name\" \\ 100%.json", &events);
    assert_eq!(both.load(&data.path()).await.files.changed, 1);
}

async fn the_same_files_under_other_names(engine: Engine) {
    let (both, data) = (Both::new(engine).await, DataSet::new());
    let events: Vec<_> = (0..300).map(|item| Event::play(item / 10, item % 10).user(item % 7)).collect();
    let songs: Vec<_> = (0..50).map(|n| Song::new(&format!("SO{n}"), &format!("AR{}", n % 9))).collect();
    data.write_events("a.json", &events);
    data.write_songs("a.json", &songs);
    both.load(&data.path()).await;
    data.write_events("b.json", &events);
    data.write_songs("b.json", &songs);
    let report = both.load(&data.path()).await;
    assert_eq!((report.records.staged, report.records.duplicate), (0, 350));
}

async fn files_that_repeat_each_other_and_then_change(engine: Engine) {
    let (both, data) = (Both::new(engine).await, DataSet::new());
    data.write_events(
        "a.json",
        &[
            Event::play(1, 0).user(7).song("One").level("free"),
            Event::play(1, 1).user(7).song("it's \\ \"quoted\" 🎵").level("paid"),
            Event::play(1, 2).user(8).song("trailing blanks  "),
        ],
    );
    data.write_songs(
        "a.json",
        &[Song::new("SO1", "AR1").title("One"), Song::new("SO2", "AR2").at(1.5, -2.5)],
    );
    both.load(&data.path()).await;
    // An event of before, a song that matches an earlier play, and a song of the same title.
    data.write_events(
        "b.json",
        &[Event::play(1, 0).user(7).song("One").level("free"), Event::play(2, 0).user(9)],
    );
    data.write_songs(
        "b.json",
        &[Song::new("SO3", "AR1").title("trailing blanks"), Song::new("SO0", "AR3").title("One").year(1999)],
    );
    assert_eq!(both.load(&data.path()).await.records.duplicate, 1);
    data.write_events("b.json", &[Event::play(2, 0).user(8).level("paid"), Event::play(2, 1).song("Other")]);
    data.write_songs("b.json", &[Song::new("SO3", "AR4").title("Other").year(2001)]);
    assert_eq!(both.load(&data.path()).await.files.changed, 2);
}
