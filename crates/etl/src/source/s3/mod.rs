//! S3 as a source.
//!
//! Requests are made on a thread of their own ([`io`]), so that it does not matter whether whoever reads
//! blocks a thread, and which. Listings of many prefixes are made at once ([`listing`]). The listing is
//! frozen: an object is read only as it was listed, by its ETag, and is an error when it is another one by
//! now ([`fetch`]). Objects are fetched ahead of the readers, many at a time, within a bound of memory
//! ([`feed`]); each goes through a [`pipe`] of its own.

mod feed;
mod fetch;
mod io;
mod listing;
mod pipe;

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use sparkify_storage::{
    Action, ObjectStore, S3Options, S3Url,
    object_store::{ObjectStoreExt, path::Path},
};

use self::{feed::S3Feed, io::IoThread};
use super::{FileFeed, Place, Places, Source, SourceFile, empty};
use crate::{
    Cancel,
    error::{SourceError, SourceProblem},
    record::JsonPaths,
};

/// The most that a JSONPaths file may have.
const JSON_PATHS_BYTES_MAX: u64 = 1024 * 1024;

/// What to do when there is nothing to load.
const EMPTY_ADVICE: &str = "name the prefix that has log_data/ and song_data/ below it with --source \
                            s3://BUCKET/PREFIX, or each of them with --log-data and --song-data";

/// Prefixes and a JSONPaths file in one bucket or several.
#[derive(Debug)]
pub struct S3Source {
    places: Places<S3Url>,
    stores: Arc<Stores>,
    region: Option<String>,
    io: IoThread,
}

impl S3Source {
    /// The source at those places. Credentials are looked for; S3 is asked only when it is listed.
    ///
    /// # Errors
    ///
    /// When there are no credentials, or the options cannot be used.
    pub async fn connect(places: Places<S3Url>, options: &S3Options) -> Result<Self, SourceError> {
        let mut stores = HashMap::new();
        for place in [&places.log_data, &places.song_data, &places.json_paths].into_iter().flatten() {
            let bucket = place.at.bucket();
            if !stores.contains_key(bucket) {
                let store = sparkify_storage::connect(options, bucket).await?;
                stores.insert(bucket.to_owned(), store);
            }
        }
        let region = match &options.region {
            Some(region) => Some(region.clone()),
            None => sparkify_storage::region(options).await,
        };
        Ok(Self { region, ..Self::with_stores(places, stores)? })
    }

    /// The same with stores that are there already, by bucket.
    ///
    /// # Errors
    ///
    /// When no thread can be started.
    pub fn with_stores(
        places: Places<S3Url>,
        stores: HashMap<String, Arc<dyn ObjectStore>>,
    ) -> Result<Self, SourceError> {
        let location = places.location(ToString::to_string);
        let io = IoThread::start().map_err(|error| SourceError::io(location, error))?;
        Ok(Self { places, stores: Arc::new(Stores(stores)), region: None, io })
    }
}

/// The stores by bucket.
#[derive(Debug)]
struct Stores(HashMap<String, Arc<dyn ObjectStore>>);

impl Stores {
    fn of(&self, url: &S3Url) -> Result<&Arc<dyn ObjectStore>, SourceError> {
        let missing =
            || SourceProblem::Store(format!("there is no connection to the bucket {}", url.bucket()));
        self.0.get(url.bucket()).ok_or_else(|| SourceError::new(url.to_string(), missing()))
    }
}

/// The key as the store wants it.
fn path_of(url: &S3Url) -> Result<Path, SourceError> {
    Path::parse(url.key()).map_err(|error| SourceError {
        source: Some(Box::new(error)),
        ..SourceError::new(url.to_string(), SourceProblem::Unreadable)
    })
}

impl From<sparkify_storage::Error> for SourceError {
    fn from(error: sparkify_storage::Error) -> Self {
        let (path, problem, advice) = (error.url().to_string(), error.problem(), error.hint());
        Self { path, problem: SourceProblem::Store(problem), advice, source: error.into_source() }
    }
}

fn failed(error: sparkify_storage::object_store::Error, action: Action, url: &S3Url) -> SourceError {
    sparkify_storage::Error::of(error, action, url).into()
}

#[async_trait]
impl Source for S3Source {
    fn location(&self) -> String {
        self.places.location(ToString::to_string)
    }

    fn region(&self) -> Option<String> {
        self.region.clone()
    }

    async fn list(&self) -> Result<Vec<SourceFile>, SourceError> {
        let mut files = Vec::new();
        for (place, kind) in self.places.data() {
            let (store, url) = (Arc::clone(self.stores.of(&place.at)?), place.at.clone());
            let found = self.io.run(async move { listing::list(&store, &url, kind).await }).await?;
            if found.is_empty() && place.named {
                return Err(SourceError::new(place.at.to_string(), SourceProblem::NoDataFiles));
            }
            if found.is_empty() {
                tracing::warn!("there is nothing below {}", place.at);
            }
            files.extend(found);
        }
        if files.is_empty() {
            return Err(SourceError { advice: Some(EMPTY_ADVICE.to_owned()), ..empty(self.location()) });
        }
        files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    async fn json_paths(&self) -> Result<Option<JsonPaths>, SourceError> {
        let Some(Place { at: url, named }) = &self.places.json_paths else { return Ok(None) };
        let (store, path) = (Arc::clone(self.stores.of(url)?), path_of(url)?);
        let content = self.io.run(async move {
            let object = store.get(&path).await?;
            if object.meta.size > JSON_PATHS_BYTES_MAX {
                return Ok(None);
            }
            object.bytes().await.map(Some)
        });
        let unusable =
            |problem: &str| SourceError::new(url.to_string(), SourceProblem::JsonPaths(problem.to_owned()));
        match content.await {
            Ok(Some(bytes)) => {
                let text = std::str::from_utf8(&bytes).map_err(|_| unusable("it is not UTF-8"))?;
                JsonPaths::parse(text).map(Some).map_err(|problem| unusable(&problem))
            }
            Ok(None) => Err(unusable("it is too large for one")),
            Err(sparkify_storage::object_store::Error::NotFound { .. }) if !named => Ok(None),
            Err(error) => Err(failed(error, Action::Read, url)),
        }
    }

    fn feed(&self, files: Arc<[SourceFile]>, cancel: &Cancel) -> Arc<dyn FileFeed> {
        Arc::new(S3Feed::start(&self.io, Arc::clone(&self.stores), files, cancel.clone()))
    }
}
