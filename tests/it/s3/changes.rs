//! Objects that change between the listing and the reading, or while they are read.

use std::sync::Arc;

use sparkify_etl::{Error, SourceProblem};
use sparkify_testkit::{
    DataSet, Event,
    s3::{Effect, Fault, Operation, S3Double},
};

use super::{BUCKET, ChangedAfterListing, dump, load_into, s3_with, small_data, source, warehouse};

const KEY: &str = "data/log_data/2018/11/2018-11-03-events.json";

async fn load_changed(s3: &Arc<S3Double>, change: fn(&S3Double)) -> (Result<u64, Error>, bool) {
    let warehouse = warehouse().await;
    let before = dump(&warehouse).await;
    let source = ChangedAfterListing { inner: source(s3).await, s3: Arc::clone(s3), change };
    let result = load_into(&warehouse, source).await.map(|report| report.files.loaded);
    let untouched = dump(&warehouse).await == before;
    if result.is_err() {
        // The next run loads what is there then.
        let report = load_into(&warehouse, self::source(s3).await).await.unwrap();
        assert_eq!(report.files.loaded, report.files.found);
    }
    (result, untouched)
}

fn problem(result: Result<u64, Error>) -> (SourceProblem, String) {
    match result.unwrap_err() {
        Error::Source(error) => (error.problem, error.path),
        error => panic!("{error:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_replaced_after_the_listing_is_an_error_and_nothing_is_published() {
    let s3 = Arc::new(s3_with(&small_data().path()));
    let replaced = |s3: &S3Double| s3.put(BUCKET, KEY, Event::play(3, 0).line());
    let (result, untouched) = load_changed(&s3, replaced).await;
    assert_eq!(problem(result), (SourceProblem::Changed, format!("s3://{BUCKET}/{KEY}")));
    assert!(untouched);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_deleted_after_the_listing_is_an_error_and_nothing_is_published() {
    let s3 = Arc::new(s3_with(&small_data().path()));
    let (result, untouched) = load_changed(&s3, |s3| s3.delete(BUCKET, KEY)).await;
    assert_eq!(problem(result), (SourceProblem::Deleted, format!("s3://{BUCKET}/{KEY}")));
    assert!(untouched);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_added_after_the_listing_waits_for_the_next_run() {
    let s3 = Arc::new(s3_with(&small_data().path()));
    let added = |s3: &S3Double| s3.put(BUCKET, "data/log_data/2018/12/late.json", Event::play(70, 0).line());
    let warehouse = warehouse().await;
    let source = ChangedAfterListing { inner: source(&s3).await, s3: Arc::clone(&s3), change: added };
    let report = load_into(&warehouse, source).await.unwrap();
    assert_eq!((report.files.found, report.files.loaded), (36, 36));
    let report = load_into(&warehouse, self::source(&s3).await).await.unwrap();
    assert_eq!((report.files.found, report.files.loaded), (37, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_replaced_while_it_is_read_is_an_error_and_nothing_is_published() {
    for size in [200, 40_000] {
        let data = DataSet::new();
        let events: Vec<_> = (0..size).map(|n| Event::play(n / 200, n % 200)).collect();
        data.write_events("a.json", &events);
        let s3 = s3_with(&data.path());
        let warehouse = warehouse().await;
        let key = "data/log_data/a.json";
        let length = s3.get(BUCKET, key).unwrap().len();
        // The connection breaks in the middle; when reading goes on, the object is another one.
        s3.inject(Fault::on(Operation::Get, Effect::CutBody(length / 2)).key(key));
        let other = s3.get(BUCKET, key).unwrap().slice(1..);
        s3.inject(Fault::on(Operation::Get, Effect::Replace(other)).key(key));
        let error = load_into(&warehouse, source(&s3).await).await.unwrap_err();
        assert_eq!(error.to_string(), format!("s3://{BUCKET}/{key}: it changed while it was read"));
        assert!(error.hint().unwrap().contains("run again"));
        assert!(dump(&warehouse).await.values().all(Vec::is_empty));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_conditions_cannot_pass_another_object_off() {
    let s3 = s3_with(&small_data().path());
    s3.inject(Fault::on(Operation::Get, Effect::WrongETag).key(KEY));
    let warehouse = warehouse().await;
    let error = load_into(&warehouse, source(&s3).await).await.unwrap_err();
    assert_eq!(error.to_string(), format!("s3://{BUCKET}/{KEY}: it changed while it was read"));
    assert!(dump(&warehouse).await.values().all(Vec::is_empty));
}
