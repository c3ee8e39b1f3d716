//! Objects of a source that Redshift reads itself.

use std::sync::Arc;

use sparkify_schema::model::{staging_events, staging_songs};
use sparkify_testkit::{DataSet, Event, Song};
use sparkify_warehouse::{
    Error, Fill, LoadSession, LoadedObjects, ObjectCompression, ObjectLine, ObjectLines, ObjectLoad, Result,
    SourceObject, Warehouse,
    redshift::{RedshiftOptions, RedshiftWarehouse},
};

use super::{Stand, integer};

const SOURCE: &str = "music-source";

/// A source in S3.
pub(super) struct Source {
    pub(super) stand: Stand,
    data: DataSet,
}

/// Shows the lines of objects, without asking S3.
#[derive(Debug)]
struct Lines(Vec<(String, String)>);

#[async_trait::async_trait]
impl ObjectLines for Lines {
    async fn line(&self, url: &str, number: u64) -> Option<ObjectLine> {
        let (_, text) = self.0.iter().find(|(known, _)| known == url)?;
        text.lines().nth(usize::try_from(number).ok()? - 1).map(|line| ObjectLine::new(line.as_bytes()))
    }
}

impl Source {
    fn new() -> Self {
        Self::on(Stand::new())
    }

    pub(super) fn on(stand: Stand) -> Self {
        let data = DataSet::new();
        data.write_events("a.json", &[Event::play(1, 0).user(7), Event::play(1, 1).user(8)]);
        data.write_events("b.json", &[Event::play(2, 0).user(9)]);
        data.write_songs("a.json", &[Song::new("SO1", "AR1").title("One").at(1.5, 2.5)]);
        stand.s3.create_bucket(SOURCE);
        Self { stand, data }
    }

    /// Uploads the data, and lists it.
    fn upload(&self, folder: &str) -> Vec<SourceObject> {
        self.stand.s3.put_directory(SOURCE, "", &self.data.path());
        self.stand.s3.list(SOURCE, folder).into_iter().map(|key| self.object(&key)).collect()
    }

    fn object(&self, key: &str) -> SourceObject {
        let content = self.stand.s3.get(SOURCE, key).unwrap();
        let etag = self.stand.s3.etag(SOURCE, key);
        SourceObject { url: format!("s3://{SOURCE}/{key}"), size: content.len() as u64, etag }
    }

    /// Two objects with two events and one.
    pub(super) fn events(&self) -> ObjectLoad {
        let columns = staging_events().columns;
        ObjectLoad {
            table: "batch".to_owned(),
            columns: columns.iter().map(|column| column.name.to_owned()).collect(),
            keys: columns.iter().map(|column| column.source_key.to_owned()).collect(),
            objects: self.upload("log_data/"),
            compression: ObjectCompression::None,
            region: self.stand.s3.region().to_owned(),
            lines: None,
        }
    }

    async fn begin(&self) -> Box<dyn LoadSession> {
        self.begin_with(|_| ()).await
    }

    /// A load of a warehouse with other options.
    pub(super) async fn begin_with(&self, change: impl FnOnce(&mut RedshiftOptions)) -> Box<dyn LoadSession> {
        self.stand.prepared().await;
        let mut options = self.stand.load_options().await;
        change(&mut options);
        let warehouse = RedshiftWarehouse::open(&options).await.unwrap();
        let mut load = warehouse.begin_load().await.unwrap();
        let like = "CREATE TABLE batch (LIKE staging_events)".to_owned();
        let songs = "CREATE TABLE batch_of_songs (LIKE staging_songs)".to_owned();
        load.prepare(vec![like, songs]).await.unwrap();
        load
    }
}

/// Fills tables from objects only.
pub(super) async fn load_objects(
    load: &mut dyn LoadSession,
    objects: Vec<ObjectLoad>,
) -> Result<Vec<LoadedObjects>> {
    Ok(load.fill(Fill { objects, ..Fill::default() }).await?.objects)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_objects_of_a_source_are_read_in_place_both_tables_at_once() {
    let source = Source::new();
    let mut load = source.begin().await;
    let columns = staging_songs().columns;
    let songs = ObjectLoad {
        table: "batch_of_songs".to_owned(),
        columns: columns.iter().map(|column| column.name.to_owned()).collect(),
        keys: columns.iter().map(|column| column.source_key.to_owned()).collect(),
        objects: source.upload("song_data/"),
        ..source.events()
    };
    let loaded = load_objects(load.as_mut(), vec![source.events(), songs]).await.unwrap();
    assert_eq!((loaded[0].rows, loaded[1].rows), (3, 1));
    let lines: Vec<_> = loaded[0].objects.iter().map(|object| (object.url.as_str(), object.lines)).collect();
    assert_eq!(lines, [("s3://music-source/log_data/a.json", 2), ("s3://music-source/log_data/b.json", 1)]);
    let query =
        "SELECT COUNT(*) FROM batch WHERE page = 'NextSong' AND user_id BETWEEN 7 AND 9 AND ts IS NOT NULL";
    assert_eq!(load.query(query).await.unwrap().integer(0, 0), Some(3));
    let query = "SELECT title FROM batch_of_songs WHERE artist_latitude = 1.5 AND song_id = 'SO1'";
    assert_eq!(load.query(query).await.unwrap().text(0, 0).as_deref(), Some("One"));
    load.abort(vec!["DROP TABLE batch".to_owned(), "DROP TABLE batch_of_songs".to_owned()]).await.unwrap();
    assert_eq!(source.stand.staged(), Vec::<String>::new());
    source.stand.assert_only_what_redshift_takes();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_does_not_fit_is_shown_with_object_line_column_and_value() {
    let source = Source::new();
    let long = "x".repeat(1025);
    let bad = format!(
        "{{\"page\":\"Home\",\"level\":\"free\",\"sessionId\":3,\"itemInSession\":0,\"ts\":1,\"artist\":\"{long}\"}}"
    );
    source.data.write("log_data/c.json", format!("{}\n{bad}\n", bad.replace(&long, "short")));
    let mut load = source.begin().await;
    let url = format!("s3://{SOURCE}/log_data/c.json");
    let text = format!("{}\n{bad}\n", bad.replace(&long, "short"));
    let events = ObjectLoad { lines: Some(Arc::new(Lines(vec![(url.clone(), text)]))), ..source.events() };
    let error = load_objects(load.as_mut(), vec![events]).await.unwrap_err();
    let Error::RecordsRefused { table, rejects, .. } = &error else { panic!("{error:?}") };
    assert_eq!((table.as_str(), rejects.len()), ("batch", 1));
    let reject = &rejects[0];
    assert_eq!((&reject.path, reject.line, reject.field.as_deref()), (&url, 2, Some("artist")));
    let engine = reject.engine.as_ref().unwrap();
    assert_eq!(engine.length, Some(1024));
    assert_eq!(engine.raw.as_ref().unwrap().text(), bad.as_str());
    let reason = reject.reason.to_string();
    assert!(reason.contains("1024 bytes") && error.hint().is_some(), "{reject:?}");
    load.abort(vec!["DROP TABLE batch".to_owned()]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_was_replaced_after_the_listing_fails_the_load() {
    let source = Source::new();
    let mut load = source.begin().await;
    let events = source.events();
    source.data.write_events("b.json", &[Event::play(2, 0).user(10)]);
    source.upload("log_data/");
    let error = load_objects(load.as_mut(), vec![events]).await.unwrap_err();
    assert!(
        matches!(&error, Error::Unreconciled { reason, .. } if reason.contains("b.json was replaced")),
        "{error:?}"
    );
    load.abort(vec!["DROP TABLE batch".to_owned()]).await.unwrap();
    assert_eq!(integer(&source.stand.open().await, "SELECT COUNT(*) FROM staging_events").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_was_deleted_after_the_listing_fails_the_load() {
    let source = Source::new();
    let mut load = source.begin().await;
    let events = source.events();
    source.stand.s3.delete(SOURCE, "log_data/b.json");
    let error = load_objects(load.as_mut(), vec![events]).await.unwrap_err();
    assert!(matches!(&error, Error::Copy { .. } | Error::Statement { .. }), "{error:?}");
    load.abort(vec!["DROP TABLE batch".to_owned()]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_is_listed_twice_is_not_loaded_twice() {
    let source = Source::new();
    let mut load = source.begin().await;
    let mut events = source.events();
    events.objects.push(events.objects[0].clone());
    assert!(load_objects(load.as_mut(), vec![events]).await.is_err());
    load.abort(Vec::new()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_in_another_region_than_the_stage_are_not_left_to_copy() {
    let source = Source::new();
    let mut load = source.begin().await;
    let events = ObjectLoad { region: "eu-west-1".to_owned(), ..source.events() };
    let error = load_objects(load.as_mut(), vec![events]).await.unwrap_err();
    assert!(
        matches!(&error, Error::Options { reason, .. } if reason.contains("eu-west-1") && reason.contains("us-west-2")),
        "{error:?}"
    );
    load.abort(Vec::new()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_objects_are_not_read_and_have_no_lines() {
    let source = Source::new();
    source.data.write("log_data/empty.json", "");
    let mut load = source.begin().await;
    let loaded = load_objects(load.as_mut(), vec![source.events()]).await.unwrap();
    let empty = loaded[0].objects.iter().find(|object| object.url.ends_with("/empty.json")).unwrap();
    assert_eq!((loaded[0].rows, loaded[0].objects.len(), empty.lines), (3, 3, 0));
    let copied = source.stand.redshift.statements();
    let copies = copied.iter().filter(|received| received.sql().is_some_and(|sql| sql.starts_with("COPY")));
    assert_eq!(copies.count(), 1);
    load.abort(Vec::new()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_to_load_loads_nothing() {
    let source = Source::new();
    let mut load = source.begin().await;
    let events = ObjectLoad { objects: Vec::new(), ..source.events() };
    assert_eq!(load_objects(load.as_mut(), vec![events]).await.unwrap()[0].rows, 0);
    load.abort(Vec::new()).await.unwrap();
}
