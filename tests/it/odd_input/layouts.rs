//! The same records, laid out in other ways.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use serde_json::{Map, Value, json};

use super::*;

fn events() -> Vec<Value> {
    let event = |item, song: &str| {
        Event::play(139, item).user(8).song(song).artist("Sigur Rós / \"quoted\" \\ 🎵").first_name("Zoë")
    };
    let lines =
        [event(0, "Svefn-g-englar"), event(1, "a{b}[c],:d"), event(2, "Ágætis\tbyrjun").level("paid")];
    lines.iter().map(|event| serde_json::from_str(&event.line()).expect("an event")).collect()
}

fn songs() -> Vec<Value> {
    let songs = [
        Song::new("SO1", "AR1")
            .title("Svefn-g-englar")
            .artist("Sigur Rós / \"quoted\" \\ 🎵")
            .location("Reykjavík")
            .year(1999),
        Song::new("SO2", "AR2").title("No name").at(64.25, -21.5),
    ];
    songs.iter().map(|song| serde_json::from_str(&song.line()).expect("a song")).collect()
}

fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().expect("an object")
}

fn compact(records: &[Value]) -> Vec<String> {
    records.iter().map(Value::to_string).collect()
}

fn pretty(records: &[Value]) -> Vec<String> {
    records.iter().map(|record| serde_json::to_string_pretty(record).expect("JSON")).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("compressed bytes");
    encoder.finish().expect("compressed bytes")
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).expect("compressed bytes")
}

/// Everything outside of ASCII, and slashes, written as escapes.
fn escaped(json: &str) -> String {
    let mut text = String::new();
    for character in json.chars() {
        match character {
            '/' => text.push_str("\\/"),
            ' '..='~' => text.push(character),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    text.push_str(&format!("\\u{unit:04X}"));
                }
            }
        }
    }
    text
}

/// The same with another value in the place of some.
fn with(records: &[Value], change: impl Fn(&str, &Value) -> Option<Value>) -> Vec<Value> {
    let field =
        |(key, value): (&String, &Value)| (key.clone(), change(key, value).unwrap_or_else(|| value.clone()));
    records.iter().map(|record| Value::Object(object(record).iter().map(field).collect())).collect()
}

/// The ways to lay records out: name, ending of the file name, content.
fn layouts(records: &[Value]) -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let lines = compact(records);
    let text = lines.join("\n");
    let bytes = text.as_bytes();
    // In the middle of a record.
    let (head, tail) = bytes.split_at(bytes.len() / 3);
    let reversed: Vec<_> = records
        .iter()
        .map(|record| {
            Value::Object(object(record).iter().rev().map(|(k, v)| (k.clone(), v.clone())).collect())
        })
        .collect();
    let extra: Vec<_> = records
        .iter()
        .map(|record| {
            let mut map = Map::new();
            map.insert(
                "unknown".into(),
                json!({"ts": "no", "songs": [{"title": [1, null, true, -1.5e3, "}{\"\\"]}]}),
            );
            map.extend(object(record).clone());
            map.extend([
                ("Page".into(), json!("x")),
                ("SONG_ID".into(), json!(null)),
                (String::new(), json!([])),
            ]);
            map.insert("deep".into(), (0..60).fold(json!("end"), |inner, _| json!([inner, {"a": {}}])));
            Value::Object(map)
        })
        .collect();
    let spelled =
        |line: &String| line.replace("\"ts\":", "\"\\u0074s\":").replace("\"title\":", "\"t\\u0069tle\":");
    let quoted = with(records, |_, value| value.is_number().then(|| json!(value.to_string())));
    let floats = with(records, |_, value| value.as_i64().map(|number| json!(number as f64)));
    let numbers = with(records, |key, _| (key == "userId").then(|| json!(8)));
    let joined = |records: &[Value]| compact(records).join("\n").into_bytes();
    let owned = |text: String| text.into_bytes();
    vec![
        ("a final newline", "json", owned(text.clone() + "\n")),
        ("carriage returns", "json", owned(lines.join("\r\n") + "\r\n")),
        ("carriage returns, none at the end", "json", owned(lines.join("\r\n"))),
        ("a byte order mark", "json", owned(format!("\u{feff}{text}"))),
        (
            "a byte order mark and carriage returns",
            "json",
            owned(format!("\u{feff}{}\r\n", lines.join("\r\n"))),
        ),
        ("blank lines", "json", owned(format!("\n\r\n \t\n{}\n\n \n", lines.join("\n\n   \n")))),
        ("blanks around", "json", owned(format!("  {} \t", lines.join("\t \n  \t")))),
        ("one line", "json", owned(lines.concat())),
        ("one line with blanks", "json", owned(format!("{}\n", lines.join(" \t")))),
        ("two and one a line", "json", owned(format!("{}{}\n{}", lines[0], lines[1], lines[2..].join("\n")))),
        ("pretty-printed", "json", owned(pretty(records).join("\n") + "\n")),
        (
            "pretty-printed with carriage returns",
            "json",
            owned(pretty(records).join("\n").replace('\n', "\r\n")),
        ),
        (
            "pretty-printed and indented",
            "json",
            owned(format!("  {}", pretty(records).join("\n").replace('\n', "\n  "))),
        ),
        ("pretty-printed back to back", "json", owned(pretty(records).concat())),
        (
            "pretty-printed first",
            "json",
            owned(format!("{}\n{}", pretty(&records[..1])[0], lines[1..].join("\n"))),
        ),
        (
            "pretty-printed last",
            "json",
            owned(format!("{}{}", lines[..1].concat(), pretty(&records[1..]).join("\n\n"))),
        ),
        (
            "pretty-printed, every token on a line",
            "json",
            owned(lines.join("\n").replace("\":", "\"\n:\n").replace(",\"", "\n,\n\"")),
        ),
        ("another order of keys", "json", joined(&reversed)),
        ("unknown keys", "json", joined(&extra)),
        ("unknown keys, pretty-printed", "json", owned(pretty(&extra).join("\n"))),
        ("escapes in keys", "json", owned(lines.iter().map(spelled).collect::<Vec<_>>().join("\n"))),
        (
            "escapes for all that has one",
            "json",
            owned(lines.iter().map(|line| escaped(line)).collect::<Vec<_>>().join("\n")),
        ),
        ("numbers in quotes", "json", joined(&quoted)),
        ("whole numbers as floats", "json", joined(&floats)),
        ("user ids as numbers", "json", joined(&numbers)),
        ("JSON lines", "jsonl", bytes.to_vec()),
        ("newline-delimited JSON", "ndjson", bytes.to_vec()),
        ("gzip", "json.gz", gzip(bytes)),
        ("gzip of JSON lines", "jsonl.gz", gzip(bytes)),
        ("gzip in several members", "json.gz", [gzip(head), gzip(b""), gzip(tail)].concat()),
        (
            "gzip of pretty-printed objects with a byte order mark",
            "json.gz",
            gzip(format!("\u{feff}{}", pretty(records).join("\r\n")).as_bytes()),
        ),
        ("zstd", "json.zst", zstd(bytes)),
        ("zstd of newline-delimited JSON", "ndjson.zst", zstd(bytes)),
        ("zstd in several frames", "json.zst", [zstd(head), zstd(b""), zstd(tail)].concat()),
    ]
}

#[test]
fn the_same_records_laid_out_in_other_ways_give_the_same_tables() {
    let plain = DataSet::new();
    plain.write("log_data/2018/11/events.json", compact(&events()).join("\n"));
    plain.write("song_data/A/B/songs.json", compact(&songs()).join("\n"));
    let (cli, report) = load(&plain);
    assert_eq!(
        report["records"],
        json!({"read": 5, "staged": 5, "rejected": 0, "duplicate": 0, "replaced": 0})
    );
    assert_eq!(
        rows(
            &cli,
            "SELECT session_id, item_in_session, level, song_id, artist_id FROM songplays ORDER BY songplay_id"
        ),
        ["139|0|free|SO1|AR1", "139|1|free|NULL|NULL", "139|2|paid|NULL|NULL"]
    );
    assert_eq!(rows(&cli, "SELECT user_id, first_name, level FROM users"), ["8|Zoë|paid"]);
    assert_eq!(
        rows(&cli, "SELECT title, artist, hex(encode(song)) FROM songs JOIN staging_events ON song = title"),
        ["Svefn-g-englar|Sigur Rós / \"quoted\" \\ 🎵|537665666E2D672D656E676C6172"],
    );
    let expected = dump(&cli.database());

    for ((name, ending, event_bytes), (_, _, song_bytes)) in
        layouts(&events()).into_iter().zip(layouts(&songs()))
    {
        let data = DataSet::new();
        data.write(&format!("log_data/{name}.{ending}"), event_bytes);
        data.write(&format!("song_data/a/b/c/d/e/f/{name}.{ending}"), song_bytes);
        let (cli, report) = load(&data);
        assert_eq!(report["files"]["loaded"], 2, "{name}");
        assert_eq!(
            report["records"],
            json!({"read": 5, "staged": 5, "rejected": 0, "duplicate": 0, "replaced": 0}),
            "{name}"
        );
        assert_eq!(dump(&cli.database()), expected, "{name}");
        let files = "SELECT kind, records, rejected FROM loaded_files ORDER BY kind";
        assert_eq!(rows(&cli, files), ["events|3|0", "songs|2|0"], "{name}");
    }
}

#[test]
fn files_without_records_are_loaded_once_with_none() {
    let data = DataSet::new();
    data.write("log_data/one.json", compact(&events()).join("\n"));
    let empty = gzip(b"");
    for (name, bytes) in [
        ("log_data/a.json", &b""[..]),
        ("log_data/b.json", b"\n"),
        ("log_data/c.json", b" \t\r\n\n  "),
        ("log_data/d.json", b"\xEF\xBB\xBF"),
        ("log_data/e.json.gz", &empty),
        ("log_data/f.json.zst", &zstd(b" ")),
        ("song_data/a.json", b""),
    ] {
        data.write(name, bytes);
    }
    let (cli, report) = load(&data);
    assert_eq!((&report["files"]["loaded"], &report["records"]["read"]), (&json!(8), &json!(3)));
    assert_eq!(
        rows(&cli, "SELECT records, COUNT(*) FROM loaded_files GROUP BY records ORDER BY records"),
        ["0|7", "3|1"]
    );
    assert_eq!(cli.load(&data.path())["files"]["skipped"], 8);
}

#[test]
fn data_without_any_record_loads() {
    let data = DataSet::new();
    data.write("log_data/a.json", "");
    let (cli, report) = load(&data);
    assert_eq!(report["records"]["read"], 0);
    assert_eq!(rows(&cli, "SELECT COUNT(*) FROM songplays"), ["0"]);
}

#[test]
fn a_jsonpaths_file_states_which_key_goes_to_which_column() {
    let columns = [
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
    let renamed = |key: &str| match key {
        // Two change places, some have other names.
        "artist" => "song".to_owned(),
        "song" => "artist".to_owned(),
        "ts" => "time of event".to_owned(),
        "userId" => "user_id".to_owned(),
        "page" => "it's \"page\"".to_owned(),
        key => key.to_owned(),
    };
    let plain = DataSet::new();
    plain.write("log_data/events.json", compact(&events()).join("\n"));
    let expected = dump(&load(&plain).0.database());

    let spellings: [fn(&str) -> String; 2] = [|key| format!("$['{key}']"), |key| format!("$[\"{key}\"]")];
    for spelling in spellings {
        let data = DataSet::new();
        let paths: Vec<_> = columns.iter().map(|key| spelling(&renamed(key))).collect();
        data.write("log_json_path.json", format!("\u{feff}{}", json!({ "jsonpaths": paths })));
        let records: Vec<_> = events()
            .iter()
            .map(|event| {
                let fields = object(event).iter().rev().map(|(key, value)| (renamed(key), value.clone()));
                // A key of the standard names that no path states any more is an unknown one.
                Value::Object(fields.chain([("ts".to_owned(), json!("no time"))]).collect())
            })
            .collect();
        data.write("log_data/events.json", compact(&records).join("\n"));
        assert_eq!(dump(&load(&data).0.database()), expected);
    }
}

#[test]
fn other_files_are_left_alone() {
    let data = DataSet::new();
    data.write("log_data/2018/11/a.json", Event::play(1, 0).line());
    data.write("log_data/b.JSON.txt", "no data");
    data.write("log_data/_SUCCESS", "");
    data.write("log_data/.a.json.crc", "no data");
    data.write("log_data/.hidden/c.json", "no data");
    data.write("log_data/d.csv.gz", "no data");
    data.write("elsewhere/e.json", "no data");
    data.write("f.json", "no data");
    let (_, report) = load(&data);
    assert_eq!((&report["files"]["found"], &report["records"]["read"]), (&json!(1), &json!(1)));
}
