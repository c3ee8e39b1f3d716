//! The table of bad records, and that each is reported and changes nothing.

use super::*;

const CORRECT: &str = "correct the record in the file";
const AGAIN: &str = "deliver the file again";

fn event(item: i64) -> String {
    Event::play(900, item).user(77).line()
}

/// An event of which one field has the value that is given as JSON.
fn event_with(field: &str, json: &str) -> String {
    format!("{{\"{field}\":{json},{}", &Event::play(900, 1).user(77).without(field).line()[1..])
}

fn song_with(field: &str, json: &str) -> String {
    let line = Song::new("SO9", "AR9").line();
    let old = line.split(&format!("\"{field}\":")).nth(1).expect("the field").split([',', '}']).next();
    let removed = line.replacen(&format!("\"{field}\":{},", old.expect("its value")), "", 1);
    format!("{{\"{field}\":{json},{}", &removed[1..])
}

const EVENTS: &str = "log_data/2018/11/2018-11-03-events.json";
const SONGS: &str = "song_data/B/B/B/TRB.json";

/// A bad record between two good ones.
fn between(name: &'static str, record: impl AsRef<[u8]>, bad: Bad) -> Case {
    let bytes = [event(0).as_bytes(), b"\n", record.as_ref(), b"\n", event(2).as_bytes(), b"\n"].concat();
    Case { name, file: EVENTS, bytes, bad: vec![bad], good: 2 }
}

/// A record with a bad value, at its place.
fn bad_value(name: &'static str, field: &'static str, json: &'static str, reason: &'static str) -> Case {
    let value = if json.len() > 80 { "…" } else { json };
    let column = field.len() as u64 + 5;
    let bad = Bad { line: 2, column, field: Some(field), reason, remedy: CORRECT, value };
    between(name, event_with(field, json), bad)
}

fn other_unit(name: &'static str, json: &'static str, reason: &'static str) -> Case {
    let remedy = "write times in milliseconds since 1970 (UTC)";
    let bad = Bad { line: 2, column: 7, field: Some("ts"), reason, remedy, value: json };
    between(name, event_with("ts", json), bad)
}

fn bad_song_value(name: &'static str, field: &'static str, json: &'static str, reason: &'static str) -> Case {
    let good = |id: &str| Song::new(id, "AR9").line();
    let bytes = format!("{}\n{}\n{}", good("SO8"), song_with(field, json), good("SO7")).into_bytes();
    let column = field.len() as u64 + 5;
    let bad = Bad { line: 2, column, field: Some(field), reason, remedy: CORRECT, value: json };
    Case { name, file: SONGS, bytes, bad: vec![bad], good: 2 }
}

fn bad_line(name: &'static str, record: impl AsRef<[u8]>, column: u64, reason: &'static str) -> Case {
    between(name, record, Bad { line: 2, column, field: None, reason, remedy: CORRECT, value: "" })
}

fn missing(name: &'static str, field: &'static str) -> Case {
    let bad = Bad {
        line: 2,
        column: 1,
        field: Some(field),
        reason: "the required field is missing",
        remedy: CORRECT,
        value: "{\"artist\":\"Artist\"",
    };
    between(name, Event::play(900, 1).without(field).line(), bad)
}

/// All the cases.
pub(super) fn cases() -> Vec<Case> {
    const WHOLE: &str = "a whole number was expected, and this is ";
    let mut cases = vec![
        bad_value("a text for ts", "ts", "\"yesterday\"", "a whole number was expected, and this is a text"),
        bad_value(
            "an object for ts",
            "ts",
            "{\"$date\":1}",
            "a whole number was expected, and this is an object",
        ),
        bad_value("an array for a text", "song", "[\"a\"]", "a text was expected, and this is an array"),
        bad_value("an object for a text", "artist", "{}", "a text was expected, and this is an object"),
        bad_value(
            "a boolean for status",
            "status",
            "true",
            "a whole number was expected, and this is a boolean",
        ),
        bad_value("a fraction for status", "status", "200.5", "this is a number with a fraction"),
        bad_value("a text for length", "length", "\"long\"", "a number was expected, and this is a text"),
        bad_value("NaN for length", "length", "\"NaN\"", "a number was expected, and this is a text"),
        bad_value("an item too high", "itemInSession", "1048576", "out of range (0 to 1048575)"),
        bad_value("a negative item", "itemInSession", "-1", "out of range (0 to 1048575)"),
        bad_value("a status too high", "status", "1e10", "out of range (-2147483648 to 2147483647)"),
        bad_value("a negative ts", "ts", "-1", "out of range (0 to 253402300799999)"),
        bad_value("a ts too high", "ts", "253402300800000", "out of range (0 to 253402300799999)"),
        other_unit("seconds for ts", "1541106132", "this seems to be one in seconds (2018-11-01)"),
        other_unit("broken seconds for ts", "1541106132.796", "this seems to be one in seconds (2018-11-01)"),
        other_unit("microseconds for ts", "1541106132796000", "one in microseconds (2018-11-01)"),
        bad_value(
            "a tiny fraction for status",
            "status",
            "200.00000000000000000001",
            "number with a fraction",
        ),
        bad_value("a session too high", "sessionId", "9e18", "out of range (0 to 8796093022207)"),
        bad_value(
            "a user beyond 64 bits",
            "userId",
            "\"9223372036854775808\"",
            "out of range (-92233720368547",
        ),
        bad_value("a length beyond 64 bits", "length", "1e400", "out of range (a 64-bit float)"),
        bad_value("null for ts", "ts", "null", "the required field is null"),
        bad_value("a blank page", "page", "\"  \"", "the required field is blank"),
        bad_value("an empty level", "level", "\"\"", "the required field is blank"),
        bad_value("a NUL escape", "song", "\"a\\u0000b\"", "NUL character, which no engine can store"),
        bad_value("a lone surrogate", "song", "\"\\ud800x\"", "invalid JSON: "),
        bad_value(
            "a text too long",
            "gender",
            "\"xxxxxxxxxxxxxxxxx\"",
            "has 17 bytes, and the column holds 16",
        ),
        bad_song_value("a latitude of 91", "artist_latitude", "91", "out of range (-90 to 90)"),
        bad_song_value("a longitude of -181", "artist_longitude", "-180.5", "out of range (-180 to 180)"),
        bad_song_value("a song id null", "song_id", "null", "the required field is null"),
        bad_song_value("a year in words", "year", "\"MMXVIII\"", WHOLE),
        bad_song_value("a list of titles", "title", "[]", "a text was expected, and this is an array"),
        missing("no ts", "ts"),
        missing("no session", "sessionId"),
        missing("no item", "itemInSession"),
        missing("no page", "page"),
        missing("no level", "level"),
        bad_line("a comma too many", "{\"ts\":1,}", 9, "invalid JSON: trailing comma"),
        bad_line("no quotes", "{ts:1}", 2, "invalid JSON: key must be a string"),
        bad_line("a raw tab in a text", "{\"page\":\"a\tb\"}", 11, "invalid JSON: control character"),
        bad_line("a raw NUL", "{\"page\":\"a\0b\"}", 11, "invalid JSON: control character"),
        bad_line("a leading zero", "{\"ts\":01}", 8, "invalid JSON: invalid number"),
        bad_line(
            "something behind",
            format!("{} x", event(1)),
            event(1).len() as u64 + 2,
            "trailing characters",
        ),
        bad_line("log text", "2018-11-03 12:00:00 INFO started", 5, "invalid JSON: trailing characters"),
    ];
    let whole =
        |line, column, reason, remedy, value| Bad { line, column, field: None, reason, remedy, value };
    cases.push(between(
        "an array",
        "[1,2]",
        whole(2, 1, "this is an array", "one JSON object a line", "[1,2]"),
    ));
    cases.push(between("a number", "12", whole(2, 1, "this is a number", "one JSON object a line", "12")));

    let record = event(1).into_bytes();
    let mut latin1 = record.clone();
    latin1[12] = 0xe9;
    let bad = whole(2, 13, "invalid UTF-8", "convert the file to UTF-8", "{\"artist\":\"A\u{fffd}tist\"");
    cases.push(between("invalid UTF-8", latin1, bad));

    let bad = whole(2, record.len() as u64 - 20, "the record breaks off", AGAIN, "{\"artist\"");
    cases.push(between("a line cut short", &record[..record.len() - 20], bad.clone()));
    let bytes = [event(0).as_bytes(), b"\n", &record[..record.len() - 20]].concat();
    cases.push(Case { name: "a last line cut short", file: EVENTS, bytes, bad: vec![bad], good: 1 });

    let huge = event_with("x", &format!("\"{}\"", "y".repeat(5_000_000)));
    let bad = whole(2, 1, "longer than 4194304 bytes", CORRECT, "{\"x\":\"yyyy");
    cases.push(between("a line of 5 MB", &huge, bad.clone()));
    let bad = Bad { line: 1, ..bad };
    cases.push(Case {
        name: "only a line of 5 MB",
        file: EVENTS,
        bytes: huge.into(),
        bad: vec![bad],
        good: 0,
    });

    let repeated = event_with("ts", "1").replace("{\"ts\":1,", "{\"ts\":1,\"ts\":1,");
    let reason = "the field comes twice in the record";
    let bad = Bad { line: 2, column: 14, field: Some("ts"), reason, remedy: CORRECT, value: "1" };
    cases.push(between("a repeated key", repeated, bad));

    let long = event_with("song", &format!("\"{}é\"", "x".repeat(1023)));
    let reason = "the text has 1025 bytes, and the column holds 1024";
    let bad =
        Bad {
            line: 2, column: 9, field: Some("song"), reason, remedy: CORRECT, value: "xxxx… (1027 bytes)"
        };
    cases.push(between("a song title too long", long, bad));

    let bytes = format!("[\n{},\n{}\n]\n", event(0), event(1)).into_bytes();
    let comma = event(0).len() as u64 + 1;
    let bad = vec![
        whole(1, 1, "a JSON object was expected, and this is an array", "one JSON object a line", "["),
        whole(2, comma, "trailing characters", CORRECT, "{\"artist\""),
        whole(4, 1, "expected value", CORRECT, "]"),
    ];
    cases.push(Case { name: "a file that is an array", file: EVENTS, bytes, bad, good: 1 });

    let bytes = b"2018-11-03 12:00:00 INFO started\n\nINFO done\n\tat java.lang.Thread\n".to_vec();
    let bad = vec![
        whole(1, 5, "trailing characters", CORRECT, "2018-11-03 12:00:00 INFO started"),
        whole(3, 1, "expected value", CORRECT, "INFO done"),
        whole(4, 2, "expected value", CORRECT, "at java.lang.Thread"),
    ];
    cases.push(Case { name: "a file of log text", file: EVENTS, bytes, bad, good: 0 });

    let pretty = "{\n  \"song_id\": \"SO9\",\n  \"title\": \"No comma\"\n  \"artist_id\": \"AR9\"\n}\n";
    let bad = vec![whole(4, 3, "expected `,` or `}`", CORRECT, "{\\n  \"song_id\": \"SO9\"")];
    cases.push(Case { name: "a pretty-printed song", file: SONGS, bytes: pretty.into(), bad, good: 0 });
    cases
}

#[test]
fn a_bad_record_is_reported_with_its_place_and_changes_nothing() {
    let loaded = Loaded::new().load();
    let before = loaded.state();
    for case in cases() {
        let path = loaded.data.write(case.file, &case.bytes);
        case.assert_reported(&loaded.run(&[]), &path);
        assert_eq!(loaded.state(), before, "{}", case.name);
        std::fs::remove_file(path).expect("a removed file");
    }
}

#[test]
fn only_some_of_many_bad_records_are_shown_and_all_are_counted() {
    let loaded = Loaded::new().load();
    let before = loaded.state();
    let path = loaded.data.write(EVENTS, "no json\n".repeat(15));
    let finished = loaded.run(&[]);
    let error = error(&finished, 3);
    assert_eq!(error["message"], "15 bad records; nothing was loaded");
    let lines: Vec<_> = error["records"].as_array().unwrap().iter().map(|record| &record["line"]).collect();
    assert_eq!(lines, (1..=15).collect::<Vec<_>>());
    assert_eq!(finished.stderr.matches("reason: ").count(), 10);
    assert!(finished.stderr.contains(&format!("{}, line 1, column 2\n", path.display())));
    assert!(finished.stderr.contains("… and 5 more"), "{}", finished.stderr);
    assert_eq!(loaded.state(), before);
}

#[test]
fn bad_records_of_several_files_are_reported_by_file_and_line() {
    let loaded = Loaded::new().load();
    let before = loaded.state();
    let mut expected = Vec::new();
    for (name, lines) in [("2018/12/b.json", [2, 10]), ("2018/12/a.json", [1, 3]), ("2018/09/z.json", [4, 5])]
    {
        let text: Vec<_> = (1..=10)
            .map(|line| if lines.contains(&line) { "bad".to_owned() } else { event(line * 100 + lines[0]) })
            .collect();
        let path = loaded.data.write(&format!("log_data/{name}"), text.join("\n"));
        expected.extend(lines.map(|line| (path.display().to_string(), line)));
    }
    let path = loaded.data.write(SONGS, "bad");
    expected.push((path.display().to_string(), 1));
    expected.sort();
    let finished = loaded.run(&[]);
    let error = error(&finished, 3);
    let found = error["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|record| (record["path"].as_str().unwrap().to_owned(), record["line"].as_i64().unwrap()));
    assert_eq!(found.collect::<Vec<_>>(), expected);
    let shown: Vec<_> = finished.stderr.lines().filter(|line| line.contains(", line ")).collect();
    let wanted: Vec<_> =
        expected.iter().map(|(path, line)| format!("  {path}, line {line}, column 1")).collect();
    assert_eq!(shown, wanted);
    assert_eq!(loaded.state(), before);
}

#[test]
fn without_json_the_report_goes_to_standard_error_alone() {
    let loaded = Loaded::new().load();
    loaded.data.write(EVENTS, "bad");
    let path = loaded.data.path();
    for format in ["table", "csv"] {
        let finished =
            loaded.cli.run(["etl", "--format", format, "--source", path.to_str().unwrap()]).with_code(3);
        assert_eq!(finished.stdout, "");
        assert!(finished.stderr.contains("line 1, column 1"), "{}", finished.stderr);
    }
}
