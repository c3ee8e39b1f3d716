mod agreement;

use arrow_array::{Array, RecordBatch};
use arrow_cast::display::{ArrayFormatter, FormatOptions};

use super::*;

const GOOD: &str =
    r#"{"page":"Home","level":"free","sessionId":7,"itemInSession":1,"ts":1541106132796,"song":"Ün"}"#;

struct Decoded {
    batch: RecordBatch,
    lines: Vec<u64>,
    rejects: Vec<Reject>,
}

impl Decoded {
    /// The values of a column as text.
    fn column(&self, name: &str) -> Vec<String> {
        let array = self.batch.column_by_name(name).unwrap();
        let formatter = ArrayFormatter::try_new(array, &FormatOptions::default().with_null("NULL")).unwrap();
        (0..array.len()).map(|row| formatter.value(row).to_string()).collect()
    }

    /// Line, column, field and reason of each reject.
    fn faults(&self) -> Vec<(u64, u64, Option<&str>, String)> {
        self.rejects
            .iter()
            .map(|reject| (reject.line, reject.column, reject.field.as_deref(), reject.reason.to_string()))
            .collect()
    }

    fn fault_lines(&self) -> Vec<u64> {
        self.rejects.iter().map(|reject| reject.line).collect()
    }
}

fn decode(shape: &RecordShape, bytes: impl AsRef<[u8]>) -> Decoded {
    let mut decoder = Decoder::new(shape).with_positions();
    decoder.decode(0, "file", 1, bytes.as_ref());
    let rejects = decoder.take_rejects();
    let (batch, positions) = decoder.finish().unwrap();
    Decoded { batch, lines: positions.iter().map(|position| position.line).collect(), rejects }
}

fn events(bytes: impl AsRef<[u8]>) -> Decoded {
    decode(&RecordShape::events(None), bytes)
}

/// An event with further fields in front.
fn event(fields: &str) -> String {
    format!("{{{fields},{}", &GOOD[1..])
}

#[test]
fn a_value_is_stored_as_it_came() {
    for (field, column, expected) in [
        (r#""artist":"a\u00e9\ud83c\udfb5\/\\\"\u0018""#, "artist", "aé🎵/\\\"\u{18}"),
        (r#""artist":"X  ""#, "artist", "X  "),
        (r#""artist":"\u00a0""#, "artist", "\u{a0}"),
        (r#""artist":" \t""#, "artist", "NULL"),
        (r#""artist":"""#, "artist", "NULL"),
        (r#""artist":null"#, "artist", "NULL"),
        (r#""artist":112"#, "artist", "112"),
        (r#""artist":1.50"#, "artist", "1.50"),
        (r#""artist":-0"#, "artist", "-0"),
        (r#""artist":1E400"#, "artist", "1E400"),
        (r#""artist":true"#, "artist", "true"),
        (r#""userId":8"#, "user_id", "8"),
        (r#""userId":"8""#, "user_id", "8"),
        (r#""userId":"-8""#, "user_id", "-8"),
        (r#""userId":8.0"#, "user_id", "8"),
        (r#""userId":1e3"#, "user_id", "1000"),
        (r#""userId":-0"#, "user_id", "0"),
        (r#""userId":"""#, "user_id", "NULL"),
        (r#""userId":9223372036854775807"#, "user_id", "9223372036854775807"),
        (r#""userId":-9223372036854775808"#, "user_id", "-9223372036854775808"),
        (r#""status":-2147483648"#, "status", "-2147483648"),
        (r#""length":200"#, "length", "200.0"),
        (r#""length":"200.5""#, "length", "200.5"),
        (r#""length":-0.0"#, "length", "0.0"),
        (r#""length":0.1"#, "length", "0.1"),
        (r#""length":"1e2""#, "length", "100.0"),
    ] {
        let decoded = events(event(field));
        assert_eq!(decoded.faults(), [], "{field}");
        assert_eq!(decoded.column(column), [expected], "{field}");
    }
}

#[test]
fn a_value_that_its_column_cannot_hold_is_blamed_with_its_place() {
    let long = format!(r#""level":"{}""#, "x".repeat(17));
    for (field, reason) in [
        (r#""userId":"x""#, "a whole number was expected, and this is a text"),
        (r#""userId":"1.0""#, "a whole number was expected, and this is a text"),
        (r#""userId":1.5"#, "a whole number was expected, and this is a number with a fraction"),
        (r#""userId":true"#, "a whole number was expected, and this is a boolean"),
        (r#""userId":[1]"#, "a whole number was expected, and this is an array"),
        (r#""userId":{"a":1}"#, "a whole number was expected, and this is an object"),
        (
            r#""userId":9223372036854775808"#,
            "the number is out of range (-9223372036854775808 to 9223372036854775807)",
        ),
        (
            r#""userId":"9223372036854775808""#,
            "the number is out of range (-9223372036854775808 to 9223372036854775807)",
        ),
        (r#""userId":1e19"#, "the number is out of range (-9223372036854775808 to 9223372036854775807)"),
        (r#""status":2147483648"#, "the number is out of range (-2147483648 to 2147483647)"),
        (r#""length":1e400"#, "the number is out of range (a 64-bit float)"),
        (r#""length":"NaN""#, "a number was expected, and this is a text"),
        (r#""length":"infinity""#, "a number was expected, and this is a text"),
        (r#""length":false"#, "a number was expected, and this is a boolean"),
        (r#""artist":{}"#, "a text was expected, and this is an object"),
        (r#""artist":[]"#, "a text was expected, and this is an array"),
        (r#""artist":"a\u0000b""#, "the text has a NUL character, which no engine can store"),
        (r#""artist":"\ud800""#, "invalid JSON: unexpected end of hex escape"),
        (r#""artist":"\ud800\u0041""#, "invalid JSON: lone leading surrogate in hex escape"),
        (long.as_str(), "the text has 17 bytes, and the column holds 16"),
    ] {
        let (key, _) = field[1..].split_once('"').unwrap();
        let rest = GOOD.replace(r#""level":"free","#, r#""x":0,"#);
        let rest = if key == "level" { &rest[1..] } else { &GOOD[1..] };
        let decoded = events(format!("\n {{{field},{rest}\n{GOOD}"));
        let place = (2, (r#" {"":"#.len() + key.len() + 1) as u64, Some(key), reason.to_owned());
        assert_eq!(decoded.faults(), [place], "{field}");
        assert_eq!(decoded.lines, [3], "{field}");
    }
}

#[test]
fn what_is_no_object_or_lacks_something_is_blamed_at_its_place() {
    const CONTROL: &str = r"invalid JSON: control character (\u0000-\u001F) found while parsing a string";
    for (text, line, column, field, reason) in [
        ("INFO started", 1, 1, None, "invalid JSON: expected value"),
        ("12", 1, 1, None, "a JSON object was expected, and this is a number"),
        ("\"x\"", 1, 1, None, "a JSON object was expected, and this is a text"),
        ("null", 1, 1, None, "a JSON object was expected, and this is null"),
        ("true", 1, 1, None, "a JSON object was expected, and this is a boolean"),
        ("[{}]", 1, 1, None, "a JSON object was expected, and this is an array"),
        ("[", 1, 1, None, "a JSON object was expected, and this is an array"),
        ("[2018] INFO", 1, 8, None, "invalid JSON: trailing characters"),
        ("{\"a\":1} x", 1, 9, None, "invalid JSON: trailing characters"),
        ("{\"a\":1},", 1, 8, None, "invalid JSON: trailing characters"),
        ("{\"a\":1]", 1, 7, None, "invalid JSON: expected `,` or `}`"),
        ("{\"a\":1,}", 1, 8, None, "invalid JSON: trailing comma"),
        ("{'a':1}", 1, 2, None, "invalid JSON: key must be a string"),
        ("{\"a\":\"\\x\"}", 1, 8, None, "invalid JSON: invalid escape"),
        ("{\"a\": 1,\n \"b\t\": 2}", 2, 4, None, CONTROL),
        ("{\"a\": 1,\n \"b\": \"é\t\"}", 2, 10, None, CONTROL),
        ("{\n  \"a\": 1\n  \"b\": 2\n}", 3, 3, None, "invalid JSON: expected `,` or `}`"),
        ("{\"ts\":1", 1, 7, None, "the record breaks off: EOF while parsing an object"),
        ("{}", 1, 1, Some("itemInSession"), "the required field is missing"),
        ("{\"ts\":null}", 1, 7, Some("ts"), "the required field is null"),
        ("{\"ts\":\" \"}", 1, 7, Some("ts"), "the required field is blank"),
        ("{\"page\":\"\"}", 1, 9, Some("page"), "the required field is blank"),
        ("{\"ts\":1,\"ts\":1}", 1, 14, Some("ts"), "the field comes twice in the record"),
        ("{\"ts\":1,\n\"ts\":1}", 2, 6, Some("ts"), "the field comes twice in the record"),
        ("\u{a0}", 1, 1, None, "invalid JSON: expected value"),
    ] {
        let decoded = events(format!("{text}\n{GOOD}"));
        assert_eq!(decoded.faults(), [(line, column, field, reason.to_owned())], "{text}");
        assert_eq!(decoded.column("session_id"), ["7"], "{text}");
    }
}

#[test]
fn a_raw_control_character_is_no_json() {
    for character in ["\0", "\u{1}", "\t", "\u{18}"] {
        let decoded = events(format!("{GOOD}\n{}\n{GOOD}", event(&format!(r#""artist":"a{character}b""#))));
        let [(2, 13, None, reason)] = &decoded.faults()[..] else { panic!("{:?}", decoded.faults()) };
        assert!(reason.contains("control character"), "{reason}");
        assert!(!decoded.rejects[0].value.contains(char::is_control), "fit for a terminal");
        assert_eq!(decoded.lines, [1, 3]);
    }
}

#[test]
fn objects_are_found_however_they_are_laid_out() {
    let pretty = |indent: &str| {
        let lines = GOOD.replace("{", "{\n").replace(",", &format!(",\n{indent}")).replace("}", "\n}");
        lines.replace("\n{", &format!("\n{indent}{{"))
    };
    for (text, lines) in [
        (format!("{GOOD}{GOOD}"), vec![1, 1]),
        (format!(" {GOOD}\t{GOOD} \r\n{GOOD}"), vec![1, 1, 2]),
        (format!("\r\n\n  \n{GOOD}\r\n\x0c\n{GOOD}\n\n"), vec![4, 6]),
        (format!("{}\n{}\n", pretty(""), pretty("  ")), vec![1, 9]),
        (format!("{}{}{GOOD}\n{GOOD}", pretty(""), pretty("  ")), vec![1, 8, 15, 16]),
        (format!("{GOOD}{}\n\n{GOOD}", pretty("")), vec![1, 1, 10]),
        (pretty("").replace('\n', "\r\n"), vec![1]),
        (event("\"x\":[\n{\n},\n{\"}\":\"{\\\"\"}\n]"), vec![1]),
        (String::new(), vec![]),
        (" \n\t\r\n".to_owned(), vec![]),
    ] {
        let decoded = events(&text);
        assert_eq!(decoded.faults(), [], "{text}");
        assert_eq!(decoded.lines, lines, "{text}");
        assert_eq!(decoded.column("song"), vec!["Ün"; lines.len()], "{text}");
    }
}

#[test]
fn a_record_cut_off_anywhere_is_one_bad_record_and_no_other_is_blamed() {
    let record = event(r#""x":[{"a":[]},{"b":{}}],"artist":"a\"b""#);
    for cut in 1..record.len() {
        if !record.is_char_boundary(cut) {
            continue;
        }
        for (before, after) in [("", "\n"), (GOOD, "\n"), (GOOD, "")] {
            let text =
                format!("{before}\n{}{after}{}", &record[..cut], if after.is_empty() { "" } else { GOOD });
            let text = if after.is_empty() { text } else { format!("{text}\n{GOOD}\n{GOOD}") };
            let decoded = events(&text);
            assert_eq!(decoded.fault_lines(), [2], "{text}");
            let lines: &[u64] = match (before, after) {
                ("", _) => &[3, 4, 5],
                (_, "\n") => &[1, 3, 4, 5],
                _ => &[1],
            };
            assert_eq!(decoded.lines, lines, "{text}");
        }
    }
}

#[test]
fn a_record_cut_off_after_a_backslash_takes_no_other_with_it() {
    let quoted = event(r#""artist":"\"q\"""#);
    let cut = &quoted[..=quoted.find('\\').unwrap()];
    for next in [GOOD, &quoted] {
        let decoded = events(format!("{cut}\n{next}\n{next}"));
        assert_eq!(decoded.fault_lines(), [1], "{next}");
        assert_eq!(decoded.lines, [2, 3], "{next}");
    }
}

#[test]
fn an_object_over_several_lines_that_breaks_off_is_one_bad_record() {
    let pretty = event(r#""x":1"#).replace('{', "{\n  ").replace(',', ",\n  ").replace('}', "\n}");
    let lines: Vec<_> = pretty.lines().collect();
    for kept in 1..lines.len() {
        let broken = lines[..kept].join("\n");
        for next in [GOOD, &pretty] {
            let decoded = events(format!("{broken}\n{next}\n{GOOD}"));
            assert_eq!(decoded.rejects.len(), 1, "{broken}: {:?}", decoded.faults());
            assert!(decoded.fault_lines()[0] <= kept as u64 + 1, "{broken}");
            assert_eq!(decoded.lines[0], kept as u64 + 1, "{broken}");
            assert_eq!(decoded.lines.len(), 2, "{broken}");
        }
    }
}

#[test]
fn a_brace_too_few_or_too_many_takes_no_other_record_with_it() {
    let open = &GOOD[..GOOD.len() - 1];
    for (text, good, bad) in [
        (format!("{open}\n{GOOD}\n}}\n{GOOD}"), [2, 4], vec![1, 3]),
        (format!("{GOOD}\n}}\n{GOOD}"), [1, 3], vec![2]),
        (format!("{GOOD}\n{GOOD}}}\n{GOOD}"), [1, 3], vec![2]),
        (format!("{open},\"x\":[\n{GOOD}\n{GOOD}"), [2, 3], vec![1]),
        (format!("{open},\"x\":{{\n{GOOD}\n{GOOD}"), [2, 3], vec![1]),
    ] {
        let decoded = events(&text);
        assert_eq!((decoded.lines.as_slice(), decoded.fault_lines()), (&good[..], bad), "{text}");
    }
}

#[test]
fn invalid_utf8_anywhere_in_a_record_is_one_bad_record_and_no_other_is_blamed() {
    for position in 0..GOOD.len() {
        if !GOOD.is_char_boundary(position) {
            continue;
        }
        for bad in [&b"\xff"[..], b"\xc3", b"\xed\xa0\x80", b"\xf0\x9f\x8e"] {
            let record = [&GOOD.as_bytes()[..position], bad, &GOOD.as_bytes()[position..]].concat();
            let text = [GOOD.as_bytes(), b"\n", &record, b"\n", GOOD.as_bytes()].concat();
            let decoded = events(&text);
            let place = (2, position as u64 + 1, None, "invalid UTF-8".to_owned());
            assert_eq!(decoded.faults(), [place], "{}", String::from_utf8_lossy(&text));
            assert_eq!(decoded.lines, [1, 3]);
        }
    }
}

#[test]
fn invalid_utf8_in_an_object_over_several_lines_is_one_bad_record() {
    let pretty = event(r#""artist":"a?b""#).replace(',', ",\n  ");
    let bytes: Vec<_> = pretty.bytes().map(|byte| if byte == b'?' { 0xe9 } else { byte }).collect();
    let decoded = events([&bytes[..], b"\n", &bytes, GOOD.as_bytes(), b"\n", &bytes].concat());
    assert_eq!(decoded.fault_lines(), [1, 8, 15]);
    assert_eq!(decoded.lines, [14]);
    assert_eq!(decoded.rejects[0].value, "{\"artist\":\"a\u{fffd}b\",");
}

#[test]
fn a_text_may_be_as_long_as_its_column_and_no_longer() {
    let text = |bytes: usize| format!("é{}", "x".repeat(bytes - 2));
    let decoded = events(format!(
        "{}\n{}",
        event(&format!(r#""artist":"{}""#, text(1024))),
        event(&format!(r#""artist":"{}""#, text(1025)))
    ));
    assert_eq!(decoded.column("artist"), [text(1024)]);
    let reason = "the text has 1025 bytes, and the column holds 1024";
    assert_eq!(decoded.faults(), [(2, 11, Some("artist"), reason.to_owned())]);
    assert!(decoded.rejects[0].value.len() < 200);
}

#[test]
fn a_record_may_be_four_mebibytes_long_and_no_longer() {
    let record = |bytes: usize| {
        let empty = event(r#""x":"""#);
        empty.replace(r#""x":"""#, &format!(r#""x":"{}""#, "x".repeat(bytes - empty.len())))
    };
    let decoded =
        events(format!("{GOOD}\n{}\n{}\n{GOOD}", record(RECORD_BYTES_MAX), record(RECORD_BYTES_MAX + 1)));
    assert_eq!(decoded.lines, [1, 2, 4]);
    let reason = "the record is longer than 4194304 bytes, the most that a record may have";
    assert_eq!(decoded.faults(), [(3, 1, None, reason.to_owned())]);
    // Many objects on one line are many records.
    let many = RECORD_BYTES_MAX / GOOD.len() + 10;
    let decoded = events(GOOD.repeat(many));
    assert_eq!((decoded.lines.len(), decoded.rejects.len()), (many, 0));
}

#[test]
fn broken_lines_in_great_number_take_no_longer_than_others() {
    let begun = std::time::Instant::now();
    for line in ["{\"a\":1\n", "{\"a\":1,\n", "{[[[\n", "{\n", "{\"a\":\n", "{\"a\":\"\n", "\n", "\u{a0}\n"] {
        let lines = 30_000;
        let decoded = events(line.repeat(lines));
        assert_eq!(decoded.lines.len(), 0);
        assert!(decoded.rejects.len() <= lines);
    }
    // Without a bound on how far the end of an object is looked for it takes minutes.
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
}

#[test]
fn songs_are_decoded_by_their_own_keys() {
    let song = r#"{"song_id":"SO1","artist_id":"AR1","artist_latitude":-90,"year":0,"title":"x"}"#;
    let decoded = decode(&RecordShape::songs(), song);
    assert_eq!(decoded.column("artist_latitude"), ["-90.0"]);
    assert_eq!(decoded.column("year"), ["0"]);
    for (from, to, field) in [
        ("-90", "90.5", "artist_latitude"),
        ("\"year\":0", "\"artist_longitude\":-180.01", "artist_longitude"),
        ("\"SO1\"", "null", "song_id"),
        ("\"AR1\"", "\"  \"", "artist_id"),
    ] {
        let decoded = decode(&RecordShape::songs(), song.replace(from, to));
        assert_eq!(decoded.rejects[0].field.as_deref(), Some(field));
        assert_eq!(decoded.batch.num_rows(), 0);
    }
}

#[test]
fn the_keys_of_a_jsonpaths_file_are_the_ones_that_count() {
    let keys: Vec<_> = sparkify_schema::model::staging_events()
        .columns
        .iter()
        .map(|column| match column.source_key {
            "song" => "$['title of song']".to_owned(),
            // Two columns change places.
            "artist" => "$.auth".to_owned(),
            "auth" => "$.artist".to_owned(),
            key => format!("$.{key}"),
        })
        .collect();
    let paths =
        crate::record::JsonPaths::parse(&serde_json::json!({ "jsonpaths": keys }).to_string()).unwrap();
    let shape = RecordShape::events(Some(&paths));
    let decoded = decode(&shape, event(r#""title of song":"T","auth":"A","artist":"B""#));
    let of = |name| decoded.column(name).remove(0);
    assert_eq!([of("song"), of("artist"), of("auth")], ["T", "A", "B"]);
}

#[test]
fn blanks_that_are_too_many_for_a_column_are_cut_off_at_its_end() {
    let text = |length: usize, end: &str| event(&format!("\"gender\":\"{}{end}\"", "x".repeat(length)));
    for (length, end, kept) in [(16, " ", 16), (10, "              ", 16), (10, "  ", 12)] {
        let decoded = events(text(length, end));
        assert_eq!(decoded.faults(), [], "{length}");
        let expected = format!("{:<kept$}", "x".repeat(length));
        assert_eq!(decoded.column("gender"), [expected]);
    }
    // After a character of several bytes.
    let decoded = events(event(&format!("\"gender\":\"{}  \"", "é".repeat(8))));
    assert_eq!(decoded.column("gender"), ["é".repeat(8)]);
    for end in ["x ", "\\t", "\u{a0}", "é"] {
        let reasons: Vec<_> = events(text(16, end)).rejects.into_iter().map(|reject| reject.reason).collect();
        assert!(matches!(reasons[..], [Reason::TooLong { max: 16, .. }]), "{end:?}: {reasons:?}");
    }
}
