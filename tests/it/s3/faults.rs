//! S3 that is slow, breaks off, or refuses.

use sparkify_testkit::{
    DataSet, Dump, Event,
    s3::{Effect, Fault, Operation, S3Double},
};

use super::{BUCKET, SOURCE, dump, load_into, run, s3_with, small_data, source, warehouse};
use crate::cli;

async fn expected(data: &DataSet) -> Dump {
    let warehouse = warehouse().await;
    let source = sparkify_etl::source::LocalDirectory::new(data.path());
    load_into(&warehouse, source).await.unwrap();
    dump(&warehouse).await
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_that_pass_are_waited_out_and_the_tables_are_the_same() {
    let data = small_data();
    let expected = expected(&data).await;
    for effect in [
        Effect::SlowDown,
        Effect::InternalError,
        Effect::CutConnection,
        Effect::CutBody(120),
        Effect::Stall(120),
    ] {
        let s3 = s3_with(&data.path());
        for operation in [Operation::List, Operation::Get] {
            s3.inject(Fault::on(operation, effect.clone()).times(3));
            s3.inject(Fault::on(operation, effect.clone()).skip(10).times(3));
        }
        let warehouse = warehouse().await;
        load_into(&warehouse, source(&s3).await)
            .await
            .unwrap_or_else(|error| panic!("{effect:?}: {error:?}"));
        assert!(dump(&warehouse).await == expected, "{effect:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_object_that_breaks_off_again_and_again_is_read_on_from_there() {
    let data = DataSet::new();
    let events: Vec<_> = (0..40_000).map(|n| Event::play(n / 200, n % 200)).collect();
    data.write_events("a.json", &events);
    let expected = expected(&data).await;
    let s3 = s3_with(&data.path());
    s3.inject(Fault::on(Operation::Get, Effect::CutBody(1_000_000)).key("data/log_data/").times(12));
    let warehouse = warehouse().await;
    load_into(&warehouse, source(&s3).await).await.unwrap();
    assert!(dump(&warehouse).await == expected);
    let size = s3.get(BUCKET, "data/log_data/a.json").unwrap().len();
    let ranges: Vec<_> = s3.log().into_iter().filter_map(|request| request.range).collect();
    assert!(ranges.len() >= 12, "{ranges:?}");
    assert!(ranges[11].starts_with("bytes=12000000-"), "never from the beginning: {ranges:?} of {size}");
}

#[test]
fn what_goes_wrong_is_said_with_what_to_do_and_nothing_is_published() {
    let data = small_data();
    let right = || "eu-central-1".to_owned();
    let mut messages = String::new();
    let mut say = |title: &str, text: &str| messages.push_str(&format!("# {title}\n{text}\n"));
    type Case = (&'static str, fn(&S3Double, Effect), Effect);
    let cases: [Case; 7] = [
        ("not allowed to list", on_list, Effect::AccessDenied),
        ("not allowed to read", on_get, Effect::AccessDenied),
        ("no such bucket", on_list, Effect::NoSuchBucket),
        ("redirected to the right region", on_list, Effect::PermanentRedirect(right())),
        ("signed for the wrong region", on_list, Effect::AuthorizationHeaderMalformed(right())),
        ("the session ends while objects are read", on_get, Effect::ExpiredToken),
        ("deleted while objects are read", on_get, Effect::Delete),
    ];
    for (title, inject, effect) in cases {
        let (s3, cli) = (s3_with(&data.path()), cli());
        let _ = cli.run(["create-tables"]).success();
        inject(&s3, effect);
        let finished = run(&cli, &s3, &["etl", "--source", SOURCE]).with_code(1);
        say(title, &finished.stderr);
        assert!(sparkify_testkit::dump(&cli.database()).values().all(Vec::is_empty), "{title}");
        // Healed, the same command does it.
        s3.heal();
        let data = data.path();
        s3.put_directory(BUCKET, "data/", &data);
        let _ = run(&cli, &s3, &["etl", "--source", SOURCE]).success();
    }
    let (s3, cli) = (s3_with(&data.path()), cli());
    let _ = cli.run(["create-tables"]).success();
    for (title, source) in [("nothing there", "s3://music/date"), ("no bucket of that name", "s3://musik")] {
        say(title, &run(&cli, &s3, &["etl", "--source", source]).with_code(1).stderr);
    }
    let arguments = ["etl", "--source", SOURCE, "--log-data", "s3://music/logs"];
    say("nothing in a part", &run(&cli, &s3, &arguments).with_code(1).stderr);
    insta::with_settings!({filters => vec![
        (r"\(request [0-9A-F]+\)", "(request ID)"),
        // Which object is read first is not certain.
        (r"s3://music/data/(log|song)_data/[^ :]+\.json", "s3://music/data/…"),
        (r"arn:aws:s3:::music/data/[^ ]+\.json", "arn:aws:s3:::music/data/…"),
    ]}, { insta::assert_snapshot!("messages", messages) });
}

fn on_list(s3: &S3Double, effect: Effect) {
    s3.inject(Fault::on(Operation::List, effect).always());
}

/// The JSONPaths file is read first.
fn on_get(s3: &S3Double, effect: Effect) {
    s3.inject(Fault::on(Operation::Get, effect).skip(4).always());
}

#[test]
fn a_compressed_object_that_is_cut_short_is_bad_data_and_not_a_broken_connection() {
    let data = small_data();
    let whole = zstd::encode_all(Event::play(80, 0).line().as_bytes(), 3).unwrap();
    data.write("log_data/cut.json.zst", &whole[..whole.len() - 3]);
    let (s3, cli) = (s3_with(&data.path()), cli());
    let finished = run(&cli, &s3, &["run", "--source", SOURCE]).with_code(3);
    assert!(
        finished.stderr.contains("s3://music/data/log_data/cut.json.zst: the zstd stream breaks off"),
        "{}",
        finished.stderr
    );
}

#[test]
fn a_broken_connection_in_a_compressed_object_is_not_taken_for_bad_data() {
    let data = small_data();
    let events: Vec<_> = (0..200).map(|item| Event::play(80, item).line()).collect();
    data.write("log_data/a.json.zst", zstd::encode_all(events.join("\n").as_bytes(), 3).unwrap());
    let (s3, cli) = (s3_with(&data.path()), cli());
    s3.inject(Fault::on(Operation::Get, Effect::AccessDenied).key("data/log_data/a.json.zst").always());
    let finished = run(&cli, &s3, &["run", "--source", SOURCE]).with_code(1);
    assert!(finished.stderr.contains("a.json.zst: access denied"), "{}", finished.stderr);
}

#[test]
fn a_bad_record_in_an_object_has_a_card_with_its_address() {
    let data = small_data();
    data.write("log_data/2018/bad.json", format!("{}\n{{\"page\":1,", Event::play(90, 0).line()));
    let (s3, cli) = (s3_with(&data.path()), cli());
    let finished = run(&cli, &s3, &["run", "--source", SOURCE]).with_code(3);
    assert!(
        finished.stderr.contains("s3://music/data/log_data/2018/bad.json, line 2, column"),
        "{}",
        finished.stderr
    );
    let finished =
        run(&cli, &s3, &["run", "--source", SOURCE, "--max-errors", "1", "--format", "json"]).success();
    assert_eq!(finished.json()["records"]["rejected"], 1);
}

#[test]
fn contradicting_events_in_two_objects_are_found_by_reading_them_again() {
    let data = DataSet::new();
    data.write_events("a.json", &[Event::play(1, 0).song("This")]);
    data.write_events("b.json", &[Event::play(1, 0).song("That")]);
    let (s3, cli) = (s3_with(&data.path()), cli());
    let finished = run(&cli, &s3, &["run", "--source", SOURCE]).with_code(3);
    assert!(finished.stderr.contains("s3://music/data/log_data/b.json, line 1"), "{}", finished.stderr);
    assert!(finished.stderr.contains("s3://music/data/log_data/a.json:1"), "{}", finished.stderr);
}
