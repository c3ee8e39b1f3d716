use std::sync::Arc;

use arrow_array::{
    ArrayRef, Date32Array, Decimal128Array, Float64Array, Int64Array, IntervalMonthDayNanoArray, StringArray,
    Time64MicrosecondArray, TimestampMicrosecondArray, TimestampMillisecondArray, TimestampNanosecondArray,
    TimestampSecondArray, types::IntervalMonthDayNano,
};

use super::*;

fn shown_as(field: Field, array: ArrayRef) -> Vec<String> {
    let values = Values::new(&field, array.as_ref()).unwrap();
    (0..array.len()).map(|row| values.get(row).unwrap().to_string()).collect()
}

fn shown(array: impl Array + 'static) -> Vec<String> {
    shown_as(Field::new("x", array.data_type().clone(), true), Arc::new(array))
}

#[test]
fn times_are_shown_over_the_whole_range_of_the_engines() {
    let times = vec![
        Some(1_541_106_106_796_000),
        Some(0),
        None,
        Some(-1),
        Some(i64::MAX),
        Some(-i64::MAX),
        Some(9_099_130_636_800_000_000),
        Some(-62_135_596_800_000_000 - 86_400_000_000 * 367),
    ];
    assert_eq!(
        shown(TimestampMicrosecondArray::from(times.clone())),
        [
            "2018-11-01T21:01:46.796",
            "1970-01-01T00:00:00",
            "NULL",
            "1969-12-31T23:59:59.999999",
            "infinity",
            "-infinity",
            "+290309-12-22T00:00:00",
            "-0001-12-31T00:00:00",
        ]
    );
    let zoned = TimestampMicrosecondArray::from(times).with_timezone("America/New_York");
    assert_eq!(shown(zoned)[0], "2018-11-01T21:01:46.796Z");
    assert_eq!(
        shown(TimestampSecondArray::from(vec![1_541_106_106, i64::MAX])),
        ["2018-11-01T21:01:46", "infinity"]
    );
    assert_eq!(shown(TimestampMillisecondArray::from(vec![1_541_106_106_796])), ["2018-11-01T21:01:46.796"]);
    assert_eq!(
        shown(TimestampNanosecondArray::from(vec![1, -1])),
        ["1970-01-01T00:00:00.000000001", "1969-12-31T23:59:59.999999999"]
    );
    assert_eq!(
        shown(Date32Array::from(vec![17_836, i32::MAX, -i32::MAX, 106_000_000])),
        ["2018-11-01", "infinity", "-infinity", "+292188-02-22"]
    );
    assert_eq!(
        shown(Time64MicrosecondArray::from(vec![0, 86_400_000_000, 45_000_500_000])),
        ["00:00:00", "24:00:00", "12:30:00.500"]
    );
}

#[test]
fn every_day_is_the_one_that_arrow_knows_where_it_knows_it() {
    use arrow_array::temporal_conversions::date32_to_datetime;
    for days in (-3_000_000..3_000_000).step_by(97) {
        let expected = date32_to_datetime(days).unwrap().date().to_string();
        assert_eq!(scalar::date(days), expected, "{days}");
    }
}

#[test]
fn a_time_span_has_the_words_of_the_engine_and_is_refused_where_it_was_not_kept() {
    let of = |months, days, nanoseconds| IntervalMonthDayNano::new(months, days, nanoseconds);
    assert_eq!(
        shown(IntervalMonthDayNanoArray::from(vec![
            of(0, 0, 1_159_000_000_000),
            of(14, -1, -10_798_500_000_000),
            of(1, 2, 0),
            of(0, 0, 0),
            of(0, 3, 100 * 3_600_000_000_000),
        ])),
        [
            "00:19:19",
            "1 year 2 months -1 day -02:59:58.500",
            "1 month 2 days",
            "00:00:00",
            "3 days 100:00:00"
        ]
    );
    let array = IntervalMonthDayNanoArray::from(vec![of(0, 0, -7_646_744_073_709_551_616)]);
    let field = Field::new("x", array.data_type().clone(), true);
    assert!(Values::new(&field, &array).unwrap().get(0).is_err());
}

fn opaque(data_type: DataType, type_name: &str) -> Field {
    let metadata = format!("{{\"type_name\":\"{type_name}\",\"vendor_name\":\"DuckDB\"}}");
    Field::new("x", data_type, true).with_metadata(
        [("ARROW:extension:name", "arrow.opaque"), ("ARROW:extension:metadata", &metadata)]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
    )
}

#[test]
fn types_that_arrow_has_not_are_read_by_their_names() {
    let fixed = |bytes: &[u8]| {
        Arc::new(FixedSizeBinaryArray::try_from_iter([bytes.to_vec()].into_iter()).unwrap()) as ArrayRef
    };
    let binary = |bytes: &[u8]| Arc::new(BinaryArray::from_vec(vec![bytes])) as ArrayRef;
    let sixteen = || DataType::FixedSizeBinary(16);
    for (field, array, expected) in [
        (opaque(sixteen(), "hugeint"), fixed(&i128::MAX.to_le_bytes()), i128::MAX.to_string()),
        (opaque(sixteen(), "hugeint"), fixed(&i128::MIN.to_le_bytes()), i128::MIN.to_string()),
        (opaque(sixteen(), "uhugeint"), fixed(&u128::MAX.to_le_bytes()), u128::MAX.to_string()),
        (
            opaque(DataType::FixedSizeBinary(8), "time_tz"),
            fixed(&[223, 196, 0, 0, 130, 53, 122, 10]),
            "12:30:00+02".to_owned(),
        ),
        (
            opaque(DataType::FixedSizeBinary(8), "time_tz"),
            fixed(&[55, 18, 1, 64, 100, 55, 122, 10]),
            "12:30:00.123456-03:30".to_owned(),
        ),
        (opaque(DataType::Binary, "bit"), binary(&[5, 253]), "101".to_owned()),
        (Field::new("x", DataType::Binary, true), binary(b"a'\xaa"), "a\\x27\\xAA".to_owned()),
    ] {
        assert_eq!(shown_as(field, array), [expected]);
    }
    let field = opaque(DataType::Binary, "bignum");
    let error = Values::new(&field, binary(&[1]).as_ref()).unwrap_err();
    assert!(error.to_string().contains("bignum"), "{error}");
}

#[test]
fn numbers_keep_their_digits_and_what_is_no_finite_number_is_a_word() {
    assert_eq!(shown(Int64Array::from(vec![i64::MIN])), ["-9223372036854775808"]);
    let decimals = Decimal128Array::from(vec![-12_345]).with_precision_and_scale(10, 2).unwrap();
    assert_eq!(shown(decimals), ["-123.45"]);
    let floats = Float64Array::from(vec![37.0, f64::INFINITY, f64::NAN]);
    let field = Field::new("x", DataType::Float64, true);
    let values = Values::new(&field, &floats).unwrap();
    assert_eq!(values.get(0).unwrap(), Value::Number("37.0".to_owned()));
    assert_eq!(values.get(1).unwrap(), Value::Text("inf".to_owned()));
    assert_eq!(values.get(2).unwrap(), Value::Text("NaN".to_owned()));
    assert!(values.are_numbers());
    assert!(values.get(3).is_err());
}

#[test]
fn a_text_in_a_list_has_quotes_where_it_could_be_taken_for_something_else() {
    let text = |text: &str| Value::Text(text.to_owned());
    let list =
        Value::List(vec![text("free"), text("a, b"), text(""), text("null"), Value::Null, text("it's")]);
    assert_eq!(list.to_string(), r"[free, 'a, b', '', 'null', NULL, 'it\'s']");
    let structure = Value::Structure(vec![("a b".to_owned(), Value::Number("1".to_owned()))]);
    assert_eq!(structure.to_string(), "{'a b': 1}");
    assert_eq!(
        Value::Map(vec![(text("k"), list)]).to_string(),
        r"{k=[free, 'a, b', '', 'null', NULL, 'it\'s']}"
    );
    assert_eq!(shown(StringArray::from(vec!["a, b"])), ["a, b"]);
}
