//! The fast path never accepts what the careful path refuses, and never makes another row of it.

use arrow_array::RecordBatch;
use proptest::{collection::vec, prelude::*, sample::select};
use sparkify_schema::model::DataType;

use super::{GOOD, event};
use crate::record::{RecordShape, careful, columns::RowBuffer, fast};

fn by_fast_path(shape: &RecordShape, text: &str) -> Option<RecordBatch> {
    let mut rows = RowBuffer::new(shape);
    let accepted = fast::decode(shape, text, text.contains("\\u0000"), &mut rows);
    assert_eq!(rows.rows(), usize::from(accepted), "{text}");
    let batch = rows.finish(shape).unwrap();
    accepted.then_some(batch)
}

fn by_careful_path(shape: &RecordShape, text: &str) -> Option<RecordBatch> {
    let mut rows = RowBuffer::new(shape);
    let accepted = careful::decode(shape, text, &mut rows).is_ok();
    assert_eq!(rows.rows(), usize::from(accepted), "{text}");
    let batch = rows.finish(shape).unwrap();
    accepted.then_some(batch)
}

/// Checks the rule for one text; returns whether both paths made a row of it.
#[track_caller]
fn check(shape: &RecordShape, text: &str) -> bool {
    let (fast, careful) = (by_fast_path(shape, text), by_careful_path(shape, text));
    if careful.is_some() {
        assert!(serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok(), "no JSON, but accepted: {text}");
    }
    if fast.is_some() {
        assert_eq!(fast, careful, "{text}");
    }
    fast.is_some()
}

#[test]
fn plain_records_take_the_fast_path() {
    let shape = RecordShape::events(None);
    for text in [
        GOOD.to_owned(),
        event(r#""userId":"8","length":200.5,"registration":1540919166796.0"#),
        event(r#""artist":"a\u00e9\ud83c\udfb5\/\\\"\u0018","userAgent":"\"Mozilla\/5.0\"""#),
        event(r#""x":{"y":[1,"\u0041",null,true,1.5,{}]},"artist":null,"userId":"""#),
        format!(" {} \r", event(r#""artist" : "x" , "userId" : 8 "#)),
    ] {
        assert!(check(&shape, &text), "{text}");
    }
}

#[test]
fn what_is_no_json_is_refused_by_both_paths() {
    let shape = RecordShape::events(None);
    for value in [
        "01",
        "-",
        "-01",
        "1.",
        ".5",
        "1.e5",
        "1e",
        "1e+",
        "+1",
        "0x10",
        "NaN",
        "Infinity",
        "-Infinity",
        "1_000",
        "1,2",
        "1 2",
        "tru",
        "True",
        "nul",
        "nulll",
        "undefined",
        "'x'",
        "x",
        "",
        ",",
        ":",
        "}",
        "]",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1",
        "{\"a\":1,}",
        "{\"a\"}",
        "{a:1}",
        "{\"a\":}",
        "{\"a\" 1}",
        "{,}",
        "{1:1}",
        "{\"a\":01}",
        "[01]",
        "[1.]",
        "[\"\t\"]",
        "{\"\t\":1}",
        "\"\t\"",
        "\"\n\"",
        "\"\0\"",
        "\"\u{1f}\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\u\"",
        "\"\\uzzzz\"",
        "[\"\\uzzzz\"]",
        "{\"\\uzzzz\":1}",
        "\"\\u\"xyz\"",
        "[\"\\u\"xyz\"]",
        "\"\\",
        "\"\\\"",
        "\"a",
        "\"a\"\"",
        "/**/1",
        "1//",
        "\u{feff}1",
        "1\u{a0}",
        "1\u{c}",
        "[1\u{b}]",
    ] {
        for key in ["x", "artist", "userId", "length"] {
            let text = event(&format!(r#""{key}":{value}"#));
            assert_eq!(by_fast_path(&shape, &text), None, "{text}");
            assert_eq!(by_careful_path(&shape, &text), None, "{text}");
        }
    }
    for text in ["", " ", "{", "}", "[]", "null", "1", "\"x\"", "{}", "{,}", "\u{feff}{}"] {
        assert_eq!(by_fast_path(&shape, text), None, "{text}");
        assert_eq!(by_careful_path(&shape, text), None, "{text}");
    }
    for text in
        [format!("{GOOD}{GOOD}"), format!("{GOOD},"), format!("{GOOD} x"), GOOD.replace("\"page\"", "page")]
    {
        assert_eq!(by_fast_path(&shape, &text), None, "{text}");
        assert_eq!(by_careful_path(&shape, &text), None, "{text}");
    }
}

#[test]
fn deep_nesting_in_an_unknown_field_neither_overflows_nor_refuses() {
    let shape = RecordShape::events(None);
    for depth in [10, 100, 300, 100_000] {
        let nested = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let text = event(&format!(r#""x":{nested}"#));
        assert!(by_careful_path(&shape, &text).is_some(), "{depth}");
        check(&shape, &text);
    }
}

fn any_text() -> impl Strategy<Value = String> {
    let part = select(vec![
        "a",
        "B",
        " ",
        "  ",
        "é",
        "ß",
        "🎵",
        "\u{a0}",
        "0",
        "1.5",
        "-",
        "e",
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "'",
        "\\\\",
        "\\\"",
        "\\/",
        "\\n",
        "\\t",
        "\\b",
        "\\u0041",
        "\\u00e9",
        "\\ud83c\\udfb5",
        "\\u0018",
        "\\u0000",
        "\\ud800",
        "\\udc00",
        "\\uD83D",
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ]);
    prop_oneof![
        8 => vec(part, 0..6).prop_map(|parts| format!("\"{}\"", parts.concat())),
        1 => (1000_usize..1030).prop_map(|length| format!("\"{}\"", "x".repeat(length))),
        1 => any_number().prop_map(|number| format!("\"{number}\"")),
    ]
}

fn any_number() -> impl Strategy<Value = String> {
    let special = select(vec![
        "0",
        "-0",
        "-0.0",
        "1",
        "1048575",
        "1048576",
        "2147483647",
        "2147483648",
        "-2147483648",
        "-2147483649",
        "8796093022207",
        "8796093022208",
        "9007199254740992",
        "9007199254740993",
        "9007199254740993.0",
        "9007199254740994.0",
        "253402300799999",
        "253402300800000",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "-9223372036854775809",
        "18446744073709551615",
        "18446744073709551616",
        "1e400",
        "-1e400",
        "1e-400",
        "1e308",
        "5e-324",
        "1.50",
        "1.0",
        "100e-2",
        "1E2",
        "1e+2",
        "0e999",
        "0.1",
        "-90",
        "90.000001",
        "180",
        "123456789012345678901234567890",
        "0.30000000000000004",
        "179769313486231580793728971405301e276",
        "2.2250738585072011e-308",
    ])
    .prop_map(str::to_owned);
    prop_oneof![
        2 => special,
        1 => any::<i64>().prop_map(|number| number.to_string()),
        1 => (0_i64..2_000_000).prop_map(|number| number.to_string()),
        1 => any::<f64>().prop_filter("JSON has finite numbers only", |n| n.is_finite()).prop_map(|n| n.to_string()),
        1 => any::<f64>().prop_filter("JSON has finite numbers only", |n| n.is_finite()).prop_map(|n| format!("{n:e}")),
        1 => (0.0..1e6_f64).prop_map(|number| number.to_string()),
        1 => (vec(0_u8..10, 1..40), 0_usize..40, -320_i32..320).prop_map(|(digits, dot, exponent)| {
            let digits: String = digits.into_iter().map(|digit| char::from(b'0' + digit)).collect();
            let dot = dot.min(digits.len());
            let whole = digits[..dot].trim_start_matches('0');
            let whole = if whole.is_empty() { "0" } else { whole };
            let fraction = if dot < digits.len() { format!(".{}", &digits[dot..]) } else { String::new() };
            if exponent % 2 == 0 { format!("{whole}{fraction}e{exponent}") } else { format!("{whole}{fraction}") }
        }),
    ]
}

fn any_value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        4 => any_text(),
        4 => any_number(),
        1 => select(vec!["null", "true", "false"]).prop_map(str::to_owned),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(|values| format!("[{}]", values.join(","))),
            vec((any_text(), inner), 0..3).prop_map(|fields| {
                let fields: Vec<_> =
                    fields.into_iter().map(|(key, value)| format!("{key}: {value}")).collect();
                format!("{{{}}}", fields.join(" , "))
            }),
        ]
    })
}

/// A field of the shape with a value that mostly fits its column.
fn fitting_field(shape: &RecordShape, index: usize) -> BoxedStrategy<String> {
    let column = &shape.table().columns[index];
    let key = shape.key(index).to_owned();
    let value = match column.data_type {
        DataType::Varchar { .. } => prop_oneof![
            60 => select(vec![r#""x""#, r#""free ""#, r#""a \u00e9""#, r#""\"b\/""#, r#""🎵""#]).prop_map(str::to_owned),
            2 => any_text(),
            1 => any_number(),
            1 => select(vec!["true", "null", r#""  ""#]).prop_map(str::to_owned),
        ]
        .boxed(),
        DataType::Double => prop_oneof![
            20 => (-90.0..90.0_f64).prop_map(|number| number.to_string()),
            1 => any_number()
        ]
        .boxed(),
        _ => prop_oneof![
            40 => (0..1_000_000_i64).prop_map(|number| number.to_string()),
            5 => (0..1_000_000_i64).prop_map(|number| format!("\"{number}\"")),
            5 => (0..1_000_000_i64).prop_map(|number| format!("{number}.0")),
            1 => any_number(),
        ]
        .boxed(),
    };
    let anything = any_value().boxed();
    prop_oneof![100 => value, 1 => anything].prop_map(move |value| format!("\"{key}\":{value}")).boxed()
}

fn any_record(shape: &RecordShape) -> impl Strategy<Value = String> + use<> {
    let fields: Vec<_> = (0..shape.table().columns.len())
        .map(|index| {
            let required = shape.table().columns[index].required;
            proptest::option::weighted(if required { 0.99 } else { 0.7 }, fitting_field(shape, index))
        })
        .collect();
    let unknown = (any_text(), any_value()).prop_map(|(key, value)| format!("{key}:{value}"));
    let repeated = fitting_field(shape, shape.table().columns.len() - 1);
    let extra = vec(prop_oneof![6 => unknown, 1 => repeated], 0..3);
    let blank = select(vec![
        "",
        "",
        " ",
        "\t",
        " \r ",
        "                                                                      ",
    ]);
    (fields, extra, any::<bool>(), any::<u64>(), blank).prop_map(|(fields, extra, shuffled, seed, blank)| {
        let mut fields: Vec<_> = fields.into_iter().flatten().chain(extra).collect();
        if shuffled {
            // Any order will do, as long as it depends on the seed.
            fields.sort_by_key(|field| {
                field.bytes().fold(seed, |hash, byte| hash.rotate_left(5) ^ u64::from(byte))
            });
        }
        format!("{blank}{{{}{blank}}}", fields.join(&format!("{blank},{blank}")))
    })
}

/// A small change of the text: a character taken out, put in, or replaced.
fn changed(text: &str, changes: &[(prop::sample::Index, Option<char>, bool)]) -> String {
    let mut characters: Vec<_> = text.chars().collect();
    for (index, character, replace) in changes {
        if characters.is_empty() {
            break;
        }
        let index = index.index(characters.len());
        if *replace || character.is_none() {
            characters.remove(index);
        }
        if let Some(character) = character {
            characters.insert(index, *character);
        }
    }
    characters.into_iter().collect()
}

fn any_changes() -> impl Strategy<Value = Vec<(prop::sample::Index, Option<char>, bool)>> {
    let character = select(
        "{}[]\",:\\/ \t\r\n\0\u{1}\u{18}\u{b}\u{c}\u{7f}\u{a0}\u{feff}0123456789.-+eEuntfalsrxé🎵'"
            .chars()
            .collect::<Vec<_>>(),
    );
    vec((any::<prop::sample::Index>(), proptest::option::weighted(0.7, character), any::<bool>()), 0..4)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_paths_agree_on_events(text in any_record(&RecordShape::events(None)), changes in any_changes()) {
        let shape = RecordShape::events(None);
        check(&shape, &text);
        check(&shape, &changed(&text, &changes));
    }

    #[test]
    fn the_paths_agree_on_songs(text in any_record(&RecordShape::songs()), changes in any_changes()) {
        let shape = RecordShape::songs();
        check(&shape, &text);
        check(&shape, &changed(&text, &changes));
    }
}

#[test]
fn the_random_records_are_of_all_kinds() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    for shape in [RecordShape::events(None), RecordShape::songs()] {
        let (mut runner, strategy) = (TestRunner::deterministic(), any_record(&shape));
        let (mut fast, mut careful) = (0, 0);
        for _ in 0..300 {
            let text = strategy.new_tree(&mut runner).unwrap().current();
            fast += usize::from(check(&shape, &text));
            careful += usize::from(by_careful_path(&shape, &text).is_some());
        }
        assert!(fast > 50 && careful > fast + 10 && careful < 280, "{fast} and {careful} of 300");
    }
}
