use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use serde_json::json;

use super::*;

fn records(columns: Vec<(&str, ArrayRef)>) -> RecordSet {
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, values)| (name, values, true)),
    )
    .unwrap();
    RecordSet::new(batch.schema(), vec![batch.slice(0, 1), batch.slice(1, batch.num_rows() - 1)])
}

fn text(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn integers(values: &[Option<i64>]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

fn written(format: Format, records: &RecordSet) -> String {
    let mut out = Vec::new();
    write(format, records, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// Wide characters, a combining one, control characters, quotes, NULL.
fn songs() -> RecordSet {
    records(vec![
        (
            "song",
            text(&[
                Some("Bjo\u{308}rk"),
                Some("千本桜"),
                Some("a\u{18}b\tc\r\nd\u{1b}[31m"),
                Some("say \"yes\", now"),
                None,
            ]),
        ),
        ("plays", integers(&[Some(28), Some(1_234_567), Some(-3), Some(0), None])),
        ("note", text(&[Some(" x "), Some(""), Some("\u{202e}abc"), None, Some("y")])),
    ])
}

fn types() -> RecordSet {
    records(vec![
        ("float", Arc::new(Float64Array::from(vec![Some(37.0), Some(0.1), None, Some(-1234567.25)]))),
        (
            "decimal",
            Arc::new(
                Decimal128Array::from(vec![Some(5), Some(-12345), None, Some(100)])
                    .with_precision_and_scale(10, 2)
                    .unwrap(),
            ),
        ),
        ("flag", Arc::new(BooleanArray::from(vec![Some(true), Some(false), None, Some(true)]))),
        ("day", Arc::new(Date32Array::from(vec![Some(17_836), Some(0), None, Some(-1)]))),
        (
            "at",
            Arc::new(TimestampMicrosecondArray::from(vec![
                Some(1_541_106_106_796_000),
                Some(0),
                None,
                Some(1_541_106_106_796_001),
            ])),
        ),
    ])
}

#[test]
fn a_table_aligns_by_width_on_screen_and_escapes_what_would_break_the_terminal() {
    let expected = "\
song                          plays  note
--------------------------  -------  -----------
Bjo\u{308}rk                            28   x
千本桜                      1234567
a\\u{18}b\\tc\\r\\nd\\u{1b}[31m       -3  \\u{202e}abc
say \"yes\", now                    0  NULL
NULL                           NULL  y
";
    assert_eq!(written(Format::Table, &songs()), expected);
}

#[test]
fn a_table_shows_numbers_to_the_right_and_null_as_a_word() {
    let expected = "      float  decimal  flag   day         at
-----------  -------  -----  ----------  --------------------------
       37.0     0.05  true   2018-11-01  2018-11-01T21:01:46.796
        0.1  -123.45  false  1970-01-01  1970-01-01T00:00:00
       NULL     NULL  NULL   NULL        NULL
-1234567.25     1.00  true   1969-12-31  2018-11-01T21:01:46.796001
";
    assert_eq!(written(Format::Table, &types()), expected);
}

#[test]
fn json_has_one_object_a_row_with_numbers_iso_times_and_explicit_nulls() {
    let expected = r#"[
{"float":37.0,"decimal":0.05,"flag":true,"day":"2018-11-01","at":"2018-11-01T21:01:46.796"},
{"float":0.1,"decimal":-123.45,"flag":false,"day":"1970-01-01","at":"1970-01-01T00:00:00"},
{"float":null,"decimal":null,"flag":null,"day":null,"at":null},
{"float":-1234567.25,"decimal":1.00,"flag":true,"day":"1969-12-31","at":"2018-11-01T21:01:46.796001"}
]
"#;
    assert_eq!(written(Format::Json, &types()), expected);
}

fn parsed(records: &RecordSet) -> serde_json::Value {
    serde_json::from_str(&to_json(records).unwrap()).unwrap()
}

#[test]
fn json_keeps_each_character_of_a_text() {
    let value = parsed(&songs());
    assert_eq!(value[2]["song"], json!("a\u{18}b\tc\r\nd\u{1b}[31m"));
    assert_eq!(value[4], json!({"song": null, "plays": null, "note": "y"}));
}

#[test]
fn json_numbers_the_columns_that_have_the_same_name() {
    let one = |value| integers(&[Some(value), Some(value)]);
    let rows = RecordSet::new(
        Arc::new(arrow_schema::Schema::new(
            ["n", "n", "n_2", "n"]
                .map(|name| arrow_schema::Field::new(name, arrow_schema::DataType::Int64, true))
                .to_vec(),
        )),
        vec![],
    );
    let batch = RecordBatch::try_new(rows.schema(), vec![one(1), one(2), one(3), one(4)]).unwrap();
    let value = parsed(&RecordSet::new(rows.schema(), vec![batch]));
    assert_eq!(value[1], json!({"n": 1, "n_3": 2, "n_2": 3, "n_4": 4}));
}

#[test]
fn csv_quotes_what_needs_it_and_leaves_null_empty() {
    assert_eq!(
        written(Format::Csv, &songs()),
        "song,plays,note\nBjo\u{308}rk,28, x \n千本桜,1234567,\n\"a\u{18}b\tc\r\nd\u{1b}[31m\",-3,\u{202e}abc\n\
         \"say \"\"yes\"\", now\",0,\n,,y\n"
    );
}

#[test]
fn csv_shows_numbers_and_times_like_the_other_formats() {
    let expected = "float,decimal,flag,day,at
37.0,0.05,true,2018-11-01,2018-11-01T21:01:46.796
0.1,-123.45,false,1970-01-01,1970-01-01T00:00:00
,,,,
-1234567.25,1.00,true,1969-12-31,2018-11-01T21:01:46.796001
";
    assert_eq!(written(Format::Csv, &types()), expected);
}

/// What only some columns can hold: infinite and distant times, a span that the engine did not keep.
fn extremes() -> RecordSet {
    records(vec![
        ("at", Arc::new(TimestampMicrosecondArray::from(vec![i64::MAX, -i64::MAX]))),
        ("day", Arc::new(Date32Array::from(vec![106_000_000, -800_000]))),
        ("float", Arc::new(Float64Array::from(vec![f64::INFINITY, f64::NAN]))),
    ])
}

#[test]
fn every_format_shows_the_values_that_a_calendar_or_json_has_no_place_for() {
    assert_eq!(
        written(Format::Csv, &extremes()),
        "at,day,float\ninfinity,+292188-02-22,inf\n-infinity,-0221-09-04,NaN\n"
    );
    assert_eq!(
        written(Format::Json, &extremes()),
        "[\n{\"at\":\"infinity\",\"day\":\"+292188-02-22\",\"float\":\"inf\"},\n\
         {\"at\":\"-infinity\",\"day\":\"-0221-09-04\",\"float\":\"NaN\"}\n]\n"
    );
    let table = written(Format::Table, &extremes());
    assert!(["-infinity", "+292188-02-22", "NaN"].iter().all(|value| table.contains(value)), "{table}");
}

#[test]
fn a_value_that_cannot_be_shown_is_an_error_in_each_format_and_no_cell() {
    use arrow_array::{IntervalMonthDayNanoArray, types::IntervalMonthDayNano};
    let spans = IntervalMonthDayNanoArray::from(vec![IntervalMonthDayNano::new(0, 0, 1); 2]);
    let rows = records(vec![("span", Arc::new(spans))]);
    for format in Format::ALL {
        let error = write(format, &rows, &mut Vec::new()).unwrap_err();
        assert!(matches!(&error, Error::Format { column, .. } if column == "span"), "{format}: {error:?}");
        assert!(error.hint().unwrap().contains("CAST"));
    }
}

#[test]
fn csv_for_spreadsheets_disarms_texts_that_look_like_formulas_and_no_numbers() {
    let rows = records(vec![
        ("=name", text(&[Some("=1+1"), Some("@SUM(A1)"), Some("-x, y"), Some("＝1"), Some("a=b"), None])),
        ("n", integers(&[Some(-1), Some(2), Some(-3), Some(0), Some(1), None])),
    ]);
    let mut out = Vec::new();
    write_for_spreadsheets(&rows, &mut out).unwrap();
    let expected = "'=name,n\n'=1+1,-1\n'@SUM(A1),2\n\"'-x, y\",-3\n'＝1,0\na=b,1\n,\n";
    assert_eq!(String::from_utf8(out).unwrap(), expected);
    assert!(written(Format::Csv, &rows).starts_with("=name,n\n=1+1,-1\n"));
}

#[test]
fn a_lone_null_is_still_a_record_of_csv() {
    assert_eq!(written(Format::Csv, &records(vec![("n", integers(&[None, Some(1)]))])), "n\n\"\"\n1\n");
}

#[test]
fn without_rows_the_columns_are_still_named() {
    let none = RecordSet::new(songs().schema(), Vec::new());
    assert_eq!(written(Format::Table, &none), "song  plays  note\n----  -----  ----\n");
    assert_eq!(written(Format::Csv, &none), "song,plays,note\n");
    assert_eq!(written(Format::Json, &none), "[]\n");
    assert_eq!(to_json(&none).unwrap(), "[]");
}

/// A pipe whose reader has gone.
#[derive(Debug)]
struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_closed_pipe_can_be_told_from_other_failures_in_each_format() {
    for format in Format::ALL {
        match write(format, &songs(), &mut Closed).unwrap_err() {
            Error::Write(error) => assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe, "{format}"),
            other => panic!("{format}: {other:?}"),
        }
    }
}

#[test]
fn formats_are_known_by_name() {
    for format in Format::ALL {
        assert_eq!(format.name().parse::<Format>().unwrap(), format);
    }
    assert!(matches!("parquet".parse::<Format>(), Err(Error::UnknownFormat(name)) if name == "parquet"));
}
