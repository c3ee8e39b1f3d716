//! Loading from S3: from an S3 in memory that checks signatures, and whose answers can be made to fail.

mod ahead;
mod cancelled;
mod changes;
mod credentials;
mod faults;
mod killed;
mod rerun;
mod same_as_local;
mod settings;

use std::{collections::HashMap, path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use sparkify_etl::{
    Cancel, Error, LoadOptions, Progress, RunReport, SourceError, create_tables, load,
    record::JsonPaths,
    source::{FileFeed, Places, S3Source, Source, SourceFile},
};
use sparkify_schema::{model::data_tables, sql::SqlLibrary};
use sparkify_storage::{Credentials, S3Options, S3Url, SharedCredentialsProvider, connect_with};
use sparkify_testkit::{
    Cli, DataSet, Dump, Event, Finished, Song,
    s3::{S3_ACCESS_KEY, S3_SECRET_KEY, S3Double, S3DoubleOptions},
};
use sparkify_warehouse::{
    Warehouse,
    duckdb::{DuckDbOptions, DuckDbWarehouse},
};

const BUCKET: &str = "music";
/// The prefix that everything is below.
const SOURCE: &str = "s3://music/data";

/// An S3 with the files of a directory below [`SOURCE`].
fn s3_with(directory: &Path) -> S3Double {
    s3_like(S3DoubleOptions::default(), directory)
}

fn s3_like(options: S3DoubleOptions, directory: &Path) -> S3Double {
    let s3 = S3Double::launch(options);
    s3.create_bucket(BUCKET);
    s3.put_directory(BUCKET, "data/", directory);
    s3
}

/// Runs the command line as somebody who may do everything there.
fn run(cli: &Cli, s3: &S3Double, arguments: &[&str]) -> Finished {
    let mut command = cli.command(arguments);
    command.envs(s3.environment());
    Finished::from(command.output().unwrap())
}

/// `run` from [`SOURCE`], which must succeed; returns the report.
fn load_from(cli: &Cli, s3: &S3Double) -> serde_json::Value {
    run(cli, s3, &["run", "--source", SOURCE, "--format", "json"]).success().json()
}

/// A few files of both kinds.
fn small_data() -> DataSet {
    let data = DataSet::new();
    for day in 0..6 {
        let events: Vec<_> =
            (0..40).map(|item| Event::play(day, item).user(item % 7).song(&format!("Song {item}"))).collect();
        data.write_events(&format!("2018/11/2018-11-0{day}-events.json"), &events);
    }
    for song in 0..30 {
        let letter = char::from(b'A' + song % 3);
        let name = format!("A/{letter}/C/TR{song}.json");
        data.write_songs(
            &name,
            &[Song::new(&format!("SO{song}"), &format!("AR{}", song / 2)).title(&format!("Song {song}"))],
        );
    }
    data
}

/// The source at [`SOURCE`], connected in this process.
async fn source(s3: &S3Double) -> S3Source {
    let options = S3Options {
        region: Some(s3.region().to_owned()),
        endpoint: Some(s3.endpoint()),
        timeout: Duration::from_millis(500),
        ..S3Options::default()
    };
    let keys = Credentials::new(S3_ACCESS_KEY, S3_SECRET_KEY, None, None, "test");
    let store = connect_with(&options, BUCKET, SharedCredentialsProvider::new(keys)).await.unwrap();
    let places = Places::below(S3Url::parse(SOURCE).unwrap(), sparkify_storage::S3Url::join);
    S3Source::with_stores(places, HashMap::from([(BUCKET.to_owned(), store)])).unwrap()
}

/// An empty database in memory with all tables.
async fn warehouse() -> DuckDbWarehouse {
    let warehouse = DuckDbWarehouse::open(&DuckDbOptions::in_memory()).unwrap();
    create_tables(&warehouse, &SqlLibrary::embedded().unwrap()).await.unwrap();
    warehouse
}

async fn load_into(warehouse: &dyn Warehouse, source: impl Source + 'static) -> Result<RunReport, Error> {
    let library = SqlLibrary::embedded().unwrap();
    let (options, progress) = (LoadOptions::default(), Arc::new(Progress::default()));
    load(warehouse, Arc::new(source), &library, &options, &progress, &Cancel::default()).await
}

/// All rows of all staging and star tables, sorted.
async fn dump(warehouse: &dyn Warehouse) -> Dump {
    let mut dump = Dump::new();
    for table in data_tables() {
        let columns: Vec<_> = table.columns.iter().map(|column| column.name).collect();
        let sql = format!("SELECT {} FROM {}", columns.join(", "), table.name);
        let records = warehouse.query(&sql).await.unwrap();
        let value = |row, column| records.text(row, column).unwrap_or_else(|| "NULL".to_owned());
        let row =
            |row| (0..columns.len()).map(|column| value(row, column)).collect::<Vec<_>>().join("\u{1f}");
        let mut rows: Vec<_> = (0..records.row_count()).map(row).collect();
        rows.sort_unstable();
        dump.insert(table.name, rows);
    }
    dump
}

/// A source that changes after it has been listed.
#[derive(Debug)]
struct ChangedAfterListing {
    inner: S3Source,
    s3: Arc<S3Double>,
    change: fn(&S3Double),
}

#[async_trait]
impl Source for ChangedAfterListing {
    fn location(&self) -> String {
        self.inner.location()
    }

    async fn list(&self) -> Result<Vec<SourceFile>, SourceError> {
        let files = self.inner.list().await;
        (self.change)(&self.s3);
        files
    }

    async fn json_paths(&self) -> Result<Option<JsonPaths>, SourceError> {
        self.inner.json_paths().await
    }

    fn feed(&self, files: Arc<[SourceFile]>, cancel: &Cancel) -> Arc<dyn FileFeed> {
        self.inner.feed(files, cancel)
    }
}
