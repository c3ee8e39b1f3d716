//! What is said of records that COPY refuses: what is said of them in a local file, and what the server declares.

use serde_json::{Value, json};
use sparkify_testkit::{
    DataSet, Event, Finished, Song,
    redshift::{Action, Fault},
};

use super::{SOURCE, Stand, run, start};
use crate::cli;

/// Records that are bad, each with the words of its card, and type, length and number of the server's error.
fn bad_records() -> Vec<(Vec<u8>, &'static str, Value)> {
    let event = |change: &str| -> Vec<u8> {
        format!(r#"{{"page":"Home","level":"free","sessionId":3,{change}}}"#).into_bytes()
    };
    let artist = |artist: &[u8]| {
        let begin = br#"{"page":"Home","level":"free","sessionId":3,"itemInSession":1,"ts":1,"artist":""#;
        [&begin[..], artist, b"\"}"].concat()
    };
    vec![
        (event(r#""itemInSession":1,"ts":"#), "invalid JSON", json!([null, null, 1216])),
        (b"no record at all".to_vec(), "invalid JSON", json!([null, null, 1216])),
        (event(r#""itemInSession":3000000000,"ts":1"#), "out of range", json!(["int4", null, 1204])),
        (
            event(r#""itemInSession":1,"ts":"yesterday""#),
            "whole number was expected",
            json!(["int8", null, 1207]),
        ),
        (
            event(r#""itemInSession":1,"ts":1,"length":"long""#),
            "a number was expected",
            json!(["float8", null, 1207]),
        ),
        (event(r#""itemInSession":1,"ts":null"#), "required field is null", json!(["int8", null, 1213])),
        (event(r#""itemInSession":1"#), "required field is missing", json!(["int8", null, 1213])),
        (artist(b"caf\xe9"), "invalid UTF-8", json!(["varchar", 1024, 1220])),
        (artist(&[b'x'; 1025]), "1025 bytes, and the column holds 1024", json!(["varchar", 1024, 1204])),
        (artist(&vec![b'x'; 5 << 20]), "longer than 4194304 bytes", json!([null, null, 1216])),
    ]
}

#[test]
fn a_record_that_copy_refuses_gets_the_card_of_a_local_file_with_type_length_and_number() {
    let (stand, cli) = (Stand::new(), cli());
    stand.s3.create_bucket(SOURCE);
    let song = format!("{}\n", Song::new("SO1", "AR1").line());
    stand.s3.put(SOURCE, "data/song_data/a.json", song);
    for (bad, words, declared) in bad_records() {
        let good = Event::play(2, 0).user(8).line();
        let text = [good.as_bytes(), b"\n", &bad, b"\n"].concat();
        stand.s3.put(SOURCE, "data/log_data/b.json", text);
        let card = |pack: &str| {
            let arguments = ["run", "--source", "s3://music/data", "--pack", pack, "--format", "json"];
            let error = run(&cli, &stand, &arguments).with_code(3).json()["error"].clone();
            (error["records"][0].clone(), error)
        };
        let ((refused, error), (local, _)) = (card("never"), card("always"));
        for part in ["path", "line", "column", "reason", "value", "remedy"] {
            assert_eq!(refused[part], local[part], "{part} of {refused}");
        }
        if !local["field"].is_null() {
            assert_eq!(refused["field"], local["field"]);
        }
        assert!(refused["reason"].as_str().unwrap().contains(words), "{refused}");
        assert_eq!(json!([refused["type"], refused["length"], refused["code"]]), declared, "{refused}");
        assert_eq!(error["message"], "1 bad record; nothing was loaded", "the server shows all that it has");
        assert!(error["hint"].as_str().unwrap().contains("--pack always"), "{error}");
    }
    assert_eq!(stand.staged(), Vec::<String>::new());
}

#[test]
fn a_card_on_the_terminal_shows_declared_type_and_the_servers_words() {
    let (stand, cli, data) = (Stand::new(), cli(), DataSet::new());
    let bad = Event::play(2, 1).line().replace("\"ts\":", "\"ts\":\"yesterday\",\"was\":");
    data.write("log_data/b.json", format!("{}\n{bad}\n", Event::play(2, 0).line()));
    data.write_songs("a.json", &[Song::new("SO1", "AR1")]);
    stand.upload(&data.path());
    let finished = run(&cli, &stand, &["run", "--source", "s3://music/data", "--pack", "never"]).with_code(3);
    for part in [
        "s3://music/data/log_data/b.json, line 2, column ",
        "field:  ts",
        "type:   int8",
        "reason: a whole number was expected, and this is a text",
        "error:  1207 of the database: Invalid digit",
        "value:  \"yesterday\"",
        "remedy: correct the record in the file",
    ] {
        assert!(finished.stderr.contains(part), "{part} is not in\n{}", finished.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_of_a_packed_file_is_shown_where_it_is_in_the_source() {
    let (stand, cli, data) = (Stand::new(), cli(), DataSet::new());
    let event = |item: u32, method: &str| {
        format!(
            r#"{{"page":"Home","level":"free","sessionId":3,"itemInSession":{item},"ts":1,"method":"{method}"}}"#
        )
    };
    data.write("log_data/a.json", format!("{}\n{}\n", event(0, "GET"), event(1, "PUT")));
    data.write("log_data/b.json", format!("{}\n\n{}\n", event(2, "GET"), event(3, "DELETE")));
    data.write_songs("a.json", &[Song::new("SO1", "AR1")]);
    let _ = run(&cli, &stand, &["create-tables"]).success();
    // Our own checks let everything through that the tables can hold, so one is made narrower meanwhile.
    stand.redshift.inject(Fault::before_any(
        "COPY sparkify_run_events",
        Action::Delay(std::time::Duration::from_secs(2)),
    ));
    let path = data.path();
    let arguments = ["etl", "--source", path.to_str().unwrap(), "--format", "json"];
    let child = start(&cli, &stand, &arguments);
    stand.until_sent(1, |sql| sql.starts_with("COPY sparkify_run_events")).await;
    let narrower = "ALTER TABLE sparkify_run_events ALTER COLUMN method TYPE character varying(4)";
    stand.execute_past_the_double(narrower);
    let refused = Finished::from(child.wait_with_output().unwrap()).with_code(3).json();
    let record = &refused["error"]["records"][0];
    let file = path.join("log_data/b.json");
    assert_eq!(record["path"], file.to_str().unwrap(), "{refused}");
    assert_eq!((&record["line"], &record["field"]), (&3.into(), &"method".into()), "{refused}");
    let column = event(3, "DELETE").find("\"DELETE\"").unwrap() + 1;
    assert_eq!((&record["column"], &record["value"]), (&column.into(), &"\"DELETE\"".into()), "{refused}");
    assert_eq!((&record["type"], &record["length"]), (&"varchar".into(), &4.into()));
    assert!(record["reason"].as_str().unwrap().contains("longer than the 4 bytes"), "{refused}");
    assert_eq!(stand.staged(), Vec::<String>::new());
}
