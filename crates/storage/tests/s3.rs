//! The store against an S3 in memory that checks signatures, and whose answers can be made to fail.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use object_store::{
    GetOptions, GetRange, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, WriteMultipart,
    path::Path,
};
use sparkify_storage::{
    Action, Credentials, Error, ErrorKind, S3Options, S3Url, SharedCredentialsProvider, bucket_region,
    connect, connect_with,
};
use sparkify_testkit::s3::{
    Effect, Fault, Operation, S3_ACCESS_KEY, S3_SECRET_KEY, S3Double, S3DoubleOptions,
};

const BUCKET: &str = "music";

fn double() -> S3Double {
    let s3 = S3Double::launch(S3DoubleOptions::default());
    s3.create_bucket(BUCKET);
    s3
}

fn options(s3: &S3Double) -> S3Options {
    S3Options {
        region: Some(s3.region().to_owned()),
        endpoint: Some(s3.endpoint()),
        timeout: Duration::from_millis(500),
        ..S3Options::default()
    }
}

fn keys(access_key: &str, secret_key: &str, token: Option<&str>) -> SharedCredentialsProvider {
    let token = token.map(str::to_owned);
    SharedCredentialsProvider::new(Credentials::new(access_key, secret_key, token, None, "test"))
}

async fn open(s3: &S3Double) -> Arc<dyn ObjectStore> {
    connect_with(&options(s3), BUCKET, keys(S3_ACCESS_KEY, S3_SECRET_KEY, None)).await.unwrap()
}

fn url(key: &str) -> S3Url {
    S3Url::parse(&format!("s3://{BUCKET}/{key}")).unwrap()
}

fn path(key: &str) -> Path {
    Path::parse(key).unwrap()
}

async fn read(store: &dyn ObjectStore, key: &str) -> Result<Bytes, Error> {
    let read = async { store.get(&path(key)).await?.bytes().await };
    read.await.map_err(|error| Error::of(error, Action::Read, &url(key)))
}

async fn names(store: &dyn ObjectStore, prefix: &str) -> Result<Vec<String>, Error> {
    let prefix = path(prefix);
    let objects: Result<Vec<_>, _> =
        store.list(Some(&prefix)).map_ok(|meta| meta.location.to_string()).try_collect().await;
    objects.map_err(|error| Error::of(error, Action::List, &url(prefix.as_ref())))
}

#[tokio::test]
async fn what_is_written_is_read_listed_copied_and_deleted() {
    let s3 = double();
    let store = open(&s3).await;
    for key in ["a/plain.json", "a/with blank + plus & % #.json", "a/ümläut/日本.json", "a/~!*'();:@=,$.json"]
    {
        store.put(&path(key), PutPayload::from(key.to_owned())).await.unwrap();
        assert_eq!(read(store.as_ref(), key).await.unwrap(), key.as_bytes(), "{key}");
        assert_eq!(s3.get(BUCKET, key).unwrap(), key.as_bytes(), "{key}");
        let head = store.head(&path(key)).await.unwrap();
        assert_eq!(head.size, key.len() as u64);
    }
    assert_eq!(names(store.as_ref(), "a").await.unwrap().len(), 4);
    store.copy(&path("a/plain.json"), &path("b/copy.json")).await.unwrap();
    assert_eq!(store.get_range(&path("b/copy.json"), 2..7).await.unwrap(), "plain");
    store.delete(&path("b/copy.json")).await.unwrap();
    assert_eq!(s3.list(BUCKET, "b/"), Vec::<String>::new());
    let all = futures_util::stream::iter(s3.list(BUCKET, "a/").into_iter().map(|key| Ok(path(&key)))).boxed();
    assert_eq!(store.delete_stream(all).try_collect::<Vec<_>>().await.unwrap().len(), 4);
    assert_eq!(s3.list(BUCKET, ""), Vec::<String>::new());
    assert_eq!(s3.requests().of(Operation::DeleteMany), 2, "one for the single object, one for the others");
}

#[tokio::test]
async fn a_listing_has_all_pages_and_only_what_is_below_the_prefix() {
    let s3 = S3Double::launch(S3DoubleOptions { page_size: 3, ..S3DoubleOptions::default() });
    s3.create_bucket(BUCKET);
    let expected: Vec<_> = (0..10).map(|n| format!("log_data/{n}.json")).collect();
    for key in &expected {
        s3.put(BUCKET, key, "{}");
    }
    s3.put(BUCKET, "log_data_old/x.json", "{}");
    s3.put(BUCKET, "log_data/deeper/y.json", "{}");
    let store = open(&s3).await;
    let found = names(store.as_ref(), "log_data").await.unwrap();
    assert_eq!(found[..10], expected);
    assert_eq!(found[10..], ["log_data/deeper/y.json"]);
    assert_eq!(s3.requests().of(Operation::List), 4);
    let level = store.list_with_delimiter(Some(&path("log_data"))).await.unwrap();
    assert_eq!(level.objects.len(), 10);
    assert_eq!(level.common_prefixes, [path("log_data/deeper")]);
    let after: Vec<_> = store
        .list_with_offset(Some(&path("log_data")), &path("log_data/7.json"))
        .try_collect()
        .await
        .unwrap();
    assert_eq!(after.len(), 3);
}

#[tokio::test]
async fn a_large_object_is_uploaded_in_parts() {
    let s3 = double();
    let store = open(&s3).await;
    let content: Vec<u8> = (0..12 * 1024 * 1024_u32).map(|n| (n % 251) as u8).collect();
    let upload = store.put_multipart(&path("large.bin")).await.unwrap();
    let mut writer = WriteMultipart::new(upload);
    writer.write(&content);
    let result = writer.finish().await.unwrap();
    assert!(result.e_tag.unwrap().contains('-'));
    assert_eq!(s3.get(BUCKET, "large.bin").unwrap(), content);
}

#[tokio::test]
async fn a_condition_that_does_not_hold_is_an_error_of_its_own() {
    let s3 = double();
    let store = open(&s3).await;
    s3.put(BUCKET, "x.json", "old");
    let etag = store.head(&path("x.json")).await.unwrap().e_tag;
    s3.put(BUCKET, "x.json", "new");
    let options = GetOptions::new().with_if_match(etag).with_range(Some(GetRange::Offset(1)));
    let error = store.get_opts(&path("x.json"), options).await.unwrap_err();
    assert_eq!(Error::of(error, Action::Read, &url("x.json")).kind(), &ErrorKind::Precondition);
    let create = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
    let error = store.put_opts(&path("x.json"), PutPayload::from("mine"), create).await.unwrap_err();
    assert_eq!(Error::of(error, Action::Write, &url("x.json")).kind(), &ErrorKind::Precondition);
    assert_eq!(s3.get(BUCKET, "x.json").unwrap(), "new");
}

#[tokio::test]
async fn passing_faults_are_waited_out() {
    let s3 = double();
    let store = open(&s3).await;
    let content = "0123456789".repeat(1000);
    s3.put(BUCKET, "x.json", content.clone());
    for effect in [
        Effect::SlowDown,
        Effect::InternalError,
        Effect::CutConnection,
        Effect::CutBody(100),
        Effect::Stall(100),
    ] {
        s3.inject(Fault::on(Operation::Get, effect.clone()).times(2));
        assert_eq!(read(store.as_ref(), "x.json").await.unwrap(), content, "{effect:?}");
        s3.inject(Fault::on(Operation::List, effect.clone()).times(2));
        s3.put(BUCKET, "y.json", "{}");
        assert_eq!(store.list(None).count().await, 2, "{effect:?}");
        let failed = s3.take_requests().by_operation;
        assert!(failed[&Operation::List] >= 3, "{effect:?}");
    }
}

#[tokio::test]
async fn a_read_goes_on_at_the_byte_where_it_broke_off() {
    let s3 = double();
    let store = open(&s3).await;
    s3.put(BUCKET, "x.json", "0123456789");
    s3.inject(Fault::on(Operation::Get, Effect::CutBody(4)));
    assert_eq!(read(store.as_ref(), "x.json").await.unwrap(), "0123456789");
    let ranges: Vec<_> = s3.log().into_iter().map(|request| request.range).collect();
    assert_eq!(ranges, [None, Some("bytes=4-9".to_owned())]);
}

#[tokio::test]
async fn faults_that_do_not_pass_are_told_with_what_to_do() {
    let s3 = double();
    s3.put(BUCKET, "x.json", "{}");
    let options = S3Options { retries: 2, ..options(&s3) };
    let store = connect_with(&options, BUCKET, keys(S3_ACCESS_KEY, S3_SECRET_KEY, None)).await.unwrap();
    let right = || "eu-central-1".to_owned();
    for (effect, kind) in [
        (Effect::SlowDown, ErrorKind::Unavailable),
        (Effect::CutConnection, ErrorKind::Unreachable),
        (Effect::AccessDenied, ErrorKind::AccessDenied),
        (Effect::NoSuchBucket, ErrorKind::NoSuchBucket),
        (Effect::PermanentRedirect(right()), ErrorKind::WrongRegion { right: Some(right()) }),
        (Effect::AuthorizationHeaderMalformed(right()), ErrorKind::WrongRegion { right: Some(right()) }),
        (Effect::ExpiredToken, ErrorKind::ExpiredCredentials),
    ] {
        s3.inject(Fault::any(effect).always());
        let error = read(store.as_ref(), "x.json").await.unwrap_err();
        assert_eq!(error.kind(), &kind, "{error:?}");
        assert!(error.hint().is_some());
        let error = names(store.as_ref(), "log_data").await.unwrap_err();
        assert_eq!(error.kind(), &kind, "{error:?}");
        if matches!(kind, ErrorKind::WrongRegion { .. } | ErrorKind::AccessDenied) {
            // The answer to a HEAD has no body; the header tells the region.
            let error = store.head(&path("x.json")).await.unwrap_err();
            assert_eq!(Error::of(error, Action::Read, &url("x.json")).kind(), &kind);
        }
        s3.heal();
    }
    let error = read(store.as_ref(), "missing.json").await.unwrap_err();
    assert_eq!(error.to_string(), "s3://music/missing.json: there is no such object");
}

#[tokio::test]
async fn a_bucket_that_is_not_there_or_elsewhere_is_named() {
    let s3 = double();
    let store = open(&s3).await;
    s3.remove_bucket(BUCKET);
    assert_eq!(
        names(store.as_ref(), "log_data").await.unwrap_err().to_string(),
        "s3://music/log_data: there is no bucket music"
    );
    s3.create_bucket_in(BUCKET, "ap-south-1");
    let error = names(store.as_ref(), "log_data").await.unwrap_err();
    assert!(error.hint().unwrap().contains("--s3-region ap-south-1"), "{error:?}");
}

#[tokio::test]
async fn wrong_keys_are_refused_and_never_shown() {
    let s3 = double();
    for provider in [
        keys(S3_ACCESS_KEY, "geheim", None),
        keys("AKIAUNKNOWN", "geheim", None),
        keys(S3_ACCESS_KEY, S3_SECRET_KEY, Some("geheim")),
    ] {
        let store = connect_with(&options(&s3), BUCKET, provider).await.unwrap();
        let error = names(store.as_ref(), "log_data").await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::InvalidCredentials, "{error:?}");
        assert!(!format!("{error:?} {store:?}").contains("geheim"), "{error:?}");
    }
}

#[tokio::test]
async fn a_public_bucket_is_read_without_credentials_and_a_private_one_is_not() {
    let s3 = double();
    s3.create_public_bucket("open-music");
    s3.put("open-music", "x.json", "{}");
    let options = S3Options { anonymous: true, ..options(&s3) };
    let store = connect(&options, "open-music").await.unwrap();
    assert_eq!(store.get(&path("x.json")).await.unwrap().bytes().await.unwrap(), "{}");
    assert_eq!(s3.log()[0].access_key, None);
    assert!(store.put(&path("y.json"), PutPayload::from("{}")).await.is_err());
    let store = connect(&options, BUCKET).await.unwrap();
    let error = names(store.as_ref(), "log_data").await.unwrap_err();
    assert!(error.hint().unwrap().contains("leave out --s3-anonymous"), "{error:?}");
}

/// Gives out other keys each time.
#[derive(Debug)]
struct Sessions(std::sync::atomic::AtomicU64);

impl aws_credential_types::provider::ProvideCredentials for Sessions {
    fn provide_credentials<'a>(&'a self) -> aws_credential_types::provider::future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let number = self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let session = format!("session-{number}");
        let credentials = Credentials::new(format!("ASIA{number}"), "secret", Some(session), None, "test");
        aws_credential_types::provider::future::ProvideCredentials::ready(Ok(credentials))
    }
}

#[tokio::test]
async fn a_session_that_ends_too_early_is_replaced_and_the_request_made_again() {
    let s3 = S3Double::launch(S3DoubleOptions { page_size: 2, ..S3DoubleOptions::default() });
    s3.create_bucket(BUCKET);
    for number in 0..10 {
        s3.put(BUCKET, &format!("log_data/{number}.json"), "{}");
        s3.add_credentials(&format!("ASIA{number}"), "secret", Some(&format!("session-{number}")));
    }
    let provider = SharedCredentialsProvider::new(Sessions(0.into()));
    let store = connect_with(&options(&s3), BUCKET, provider).await.unwrap();
    let listing = store.list(Some(&path("log_data")));
    let mut listing = listing.enumerate();
    let mut found = Vec::new();
    while let Some((index, meta)) = listing.next().await {
        found.push(meta.unwrap().location.to_string());
        if index == 4 {
            s3.expire("ASIA0");
        }
    }
    assert_eq!(found.len(), 10, "{found:?}");
    s3.expire("ASIA1");
    assert_eq!(read(store.as_ref(), "log_data/1.json").await.unwrap(), "{}");
    // The new session is over as well: there is no third try.
    s3.expire("ASIA2");
    s3.expire("ASIA3");
    let error = read(store.as_ref(), "log_data/1.json").await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::ExpiredCredentials);
}

#[tokio::test]
async fn an_address_that_cannot_be_reached_is_said_without_a_long_wait() {
    let options =
        S3Options { endpoint: Some("http://127.0.0.1:1".to_owned()), retries: 2, ..S3Options::default() };
    let store = connect_with(&options, BUCKET, keys("A", "B", None)).await.unwrap();
    let error = names(store.as_ref(), "log_data").await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Unreachable);
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("refused"), "{error:?}");
    for (endpoint, bucket) in [("127.0.0.1:1", BUCKET), ("http://127.0.0.1:1", "No Bucket")] {
        let options = S3Options { endpoint: Some(endpoint.to_owned()), ..S3Options::default() };
        let error = connect_with(&options, bucket, keys("A", "B", None)).await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Settings);
    }
}

#[tokio::test]
async fn where_a_bucket_is_is_told_whichever_region_is_asked_and_without_credentials() {
    let s3 = double();
    s3.create_bucket_in("elsewhere", "eu-central-1");
    for (asked, bucket, region) in [
        ("us-west-2", BUCKET, "us-west-2"),
        ("us-west-2", "elsewhere", "eu-central-1"),
        ("eu-west-1", BUCKET, "us-west-2"),
    ] {
        let options = S3Options { region: Some(asked.to_owned()), ..options(&s3) };
        assert_eq!(bucket_region(&options, bucket).await.unwrap().as_deref(), Some(region), "{bucket}");
    }
    let error = bucket_region(&options(&s3), "none").await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::NoSuchBucket);
    assert!(s3.log().iter().all(|request| request.access_key.is_none()));
}

#[tokio::test]
async fn where_a_bucket_is_is_read_from_redirects_asked_again_and_in_the_end_not_known() {
    let s3 = double();
    let head = |effect| Fault::on(Operation::HeadBucket, effect);
    s3.inject(head(Effect::PermanentRedirect("eu-north-1".to_owned())));
    assert_eq!(bucket_region(&options(&s3), BUCKET).await.unwrap().as_deref(), Some("eu-north-1"));
    s3.inject(head(Effect::SlowDown));
    s3.inject(head(Effect::CutConnection));
    assert_eq!(bucket_region(&options(&s3), BUCKET).await.unwrap().as_deref(), Some("us-west-2"));
    for effect in [Effect::AccessDenied, Effect::SlowDown] {
        s3.inject(head(effect).always());
        assert_eq!(bucket_region(&options(&s3), BUCKET).await.unwrap(), None);
        s3.heal();
    }
}

#[tokio::test]
async fn what_passes_is_waited_out_when_objects_are_deleted_too() {
    let s3 = double();
    let store = open(&s3).await;
    for effect in [
        Effect::ExpiredToken,
        Effect::SlowDown,
        Effect::CutConnection,
        Effect::CutBody(10),
        Effect::Delay(Duration::from_millis(700)),
    ] {
        for key in ["a/1", "a/2", "a/3"] {
            s3.put(BUCKET, key, "{}");
        }
        let keys = s3.list(BUCKET, "").into_iter().map(|key| Ok(path(&key)));
        s3.inject(Fault::on(Operation::DeleteMany, effect.clone()));
        let deleted = store.delete_stream(futures_util::stream::iter(keys.collect::<Vec<_>>()).boxed());
        assert_eq!(deleted.try_collect::<Vec<_>>().await.unwrap().len(), 3, "{effect:?}");
        assert_eq!(s3.list(BUCKET, ""), Vec::<String>::new());
    }
}
