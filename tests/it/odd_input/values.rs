//! Unusual values.

use super::*;

/// An event of which one field has the value that is given as JSON.
fn event_with(item: usize, field: &str, json: &str) -> String {
    let event = Event::play(5, i64::try_from(item).expect("a small number")).without(field);
    format!("{{\"{field}\":{json},{}", &event.line()[1..])
}

#[test]
fn a_value_is_stored_as_it_came() {
    let cases = [
        // A number or a boolean in a text field is the text it is written as.
        ("artist", "112", "artist", "112"),
        ("artist", "1.50", "artist", "1.50"),
        ("artist", "-0", "artist", "-0"),
        ("artist", "1E2", "artist", "1E2"),
        ("artist", "true", "artist", "true"),
        ("song", "false", "song", "false"),
        ("song", "12345678901234567890123", "song", "12345678901234567890123"),
        // Escapes are the characters they stand for.
        ("song", r#""a\/b\\c\"d""#, "song", "a/b\\c\"d"),
        ("song", r#""\u00e9\u20ac\ud83c\udfb5""#, "song", "é€🎵"),
        ("song", r#""𝄞 plain""#, "song", "𝄞 plain"),
        ("song", r#""a\u0018b\b\f\n\r\t\u007f""#, "song", "a\u{18}b\u{8}\u{c}\n\r\t\u{7f}"),
        ("userAgent", r#""\"Mozilla\/5.0 (X11)\"""#, "user_agent", "\"Mozilla/5.0 (X11)\""),
        ("song", r#""'; DROP TABLE songs; --""#, "song", "'; DROP TABLE songs; --"),
        ("song", r#""NULL""#, "song", "NULL"),
        ("song", r#""a\u001fb""#, "song", "a\u{1f}b"),
        // Blanks are kept, but a text of nothing else is NULL.
        ("song", r#""X ""#, "song", "X "),
        ("song", r#""  X""#, "song", "  X"),
        ("song", r#""   ""#, "song", "NULL"),
        ("song", r#""\t\n""#, "song", "NULL"),
        ("song", r#""""#, "song", "NULL"),
        ("song", "null", "song", "NULL"),
        ("song", r#""\u00a0""#, "song", "\u{a0}"),
        // Numbers.
        ("userId", "8", "user_id", "8"),
        ("userId", r#""8""#, "user_id", "8"),
        ("userId", "8.0", "user_id", "8"),
        ("userId", "8e2", "user_id", "800"),
        ("userId", r#""""#, "user_id", "NULL"),
        ("userId", r#"" ""#, "user_id", "NULL"),
        ("userId", "null", "user_id", "NULL"),
        ("userId", "9223372036854775807", "user_id", "9223372036854775807"),
        ("userId", "922337203685477580.7e1", "user_id", "9223372036854775807"),
        ("userId", "9007199254740993.0", "user_id", "9007199254740993"),
        ("ts", r#""1541106132796""#, "ts", "1541106132796"),
        ("ts", "1541106132796.0", "ts", "1541106132796"),
        ("ts", "1.541106132796e12", "ts", "1541106132796"),
        ("ts", "0", "ts", "0"),
        ("ts", "253402300799999", "ts", "253402300799999"),
        ("status", "-2147483648", "status", "-2147483648"),
        ("length", "200", "length", "200.0"),
        ("length", r#""200.25""#, "length", "200.25"),
        ("length", "0.1", "length", "0.1"),
        ("length", "-0.0", "length", "0.0"),
        ("length", r#""""#, "length", "NULL"),
        ("registration", "1.540919166796E12", "registration", "1540919166796.0"),
    ];
    let data = DataSet::new();
    let lines = cases.iter().enumerate().map(|(item, (field, json, _, _))| event_with(item, field, json));
    data.write("log_data/a.json", lines.collect::<Vec<_>>().join("\n"));
    let (cli, report) = load(&data);
    assert_eq!(report["records"]["staged"], cases.len());
    for column in ["artist", "song", "user_agent", "user_id", "ts", "status", "length", "registration"] {
        let is_null = format!("CASE WHEN {column} IS NULL THEN 'is null' ELSE '' END");
        let found = query(
            &cli.database(),
            &format!("SELECT {column}, {is_null} FROM staging_events ORDER BY item_in_session"),
        );
        for ((field, json, of, expected), found) in cases.iter().zip(found) {
            if *of == column {
                let null = if *expected == "NULL" && *json != "\"NULL\"" { "is null" } else { "" };
                assert_eq!(found, [*expected, null], "{field}: {json}");
            }
        }
    }
}

#[test]
fn optional_keys_may_be_missing_and_are_null() {
    let data = DataSet::new();
    data.write(
        "log_data/a.json",
        r#"{"ts":1541106132796,"sessionId":1,"itemInSession":0,"page":"NextSong","level":"free","userId":"8"}"#,
    );
    data.write("song_data/a.json", r#"{"song_id":"SO1","artist_id":"AR1"}"#);
    let (cli, _) = load(&data);
    assert_eq!(
        rows(&cli, "SELECT * FROM staging_events"),
        ["NULL|NULL|NULL|NULL|0|NULL|NULL|free|NULL|NULL|NextSong|NULL|1|NULL|NULL|1541106132796|NULL|8"]
    );
    assert_eq!(
        rows(&cli, "SELECT * FROM staging_songs"),
        ["NULL|AR1|NULL|NULL|NULL|NULL|SO1|NULL|NULL|NULL"]
    );
    assert_eq!(
        rows(&cli, "SELECT * FROM songplays"),
        ["1048576|2018-11-01T21:02:12.796|8|free|NULL|NULL|1|0|NULL|NULL"]
    );
    assert_eq!(rows(&cli, "SELECT * FROM users"), ["1|8|NULL|NULL|NULL|free"]);
    assert_eq!(rows(&cli, "SELECT * FROM songs"), ["1|SO1|NULL|AR1|NULL|NULL"]);
    assert_eq!(rows(&cli, "SELECT * FROM artists"), ["1|AR1|NULL|NULL|NULL|NULL"]);
}

#[test]
fn trailing_blanks_do_not_count_in_comparisons_and_other_blanks_do() {
    let data = DataSet::new();
    let songs = [
        ("SO1", "blank ", "Artist"),
        ("SO2", "event has it", "Artist  "),
        ("SO3", " in front", "Artist"),
        ("SO4", "no-break\u{a0}", "Artist"),
        ("SO5", "tab\t", "Artist"),
        ("SO6", "case", "Artist"),
        ("SO7", "e\u{301}", "Artist"),
        ("SO8", "exact\u{a0} ", "Artist"),
    ];
    let events = [
        ("blank", "SO1"),
        ("event has it   ", "SO2"),
        ("in front", "NULL"),
        ("no-break", "NULL"),
        ("tab", "NULL"),
        ("Case", "NULL"),
        ("é", "NULL"),
        ("exact\u{a0}", "SO8"),
    ];
    let songs: Vec<_> =
        songs.iter().map(|(id, title, artist)| Song::new(id, "AR1").title(title).artist(artist)).collect();
    data.write_songs("a.json", &songs);
    let plays: Vec<_> = (0..).zip(&events).map(|(item, (song, _))| Event::play(1, item).song(song)).collect();
    data.write_events("a.json", &plays);
    let (cli, _) = load(&data);
    let expected: Vec<_> = events.iter().map(|(_, song)| (*song).to_owned()).collect();
    assert_eq!(rows(&cli, "SELECT song_id FROM songplays ORDER BY item_in_session"), expected);
    let stored = rows(&cli, "SELECT title FROM songs ORDER BY song_id");
    assert_eq!((stored[0].as_str(), stored[3].as_str()), ("blank ", "no-break\u{a0}"), "kept byte for byte");
    let names = rows(&cli, "SELECT artist_name FROM staging_songs ORDER BY song_id");
    assert_eq!(names[1], "Artist  ");
}

#[test]
fn ids_that_differ_in_trailing_blanks_alone_are_one() {
    let data = DataSet::new();
    data.write_songs(
        "a.json",
        &[Song::new("SO1", "AR1"), Song::new("SO1 ", "AR1  "), Song::new("SO1\u{a0}", "AR1")],
    );
    let (cli, report) = load(&data);
    let count = |key: &str| report["records"][key].as_u64().expect("a count");
    assert_eq!((count("read"), count("staged"), count("duplicate")), (3, 2, 1));
    assert_eq!(rows(&cli, "SELECT song_id, artist_id FROM songs ORDER BY id"), ["SO1|AR1", "SO1\u{a0}|AR1"]);
    assert_eq!(rows(&cli, "SELECT artist_id FROM artists"), ["AR1"]);
}
