//! The files that a load puts into S3 for COPY.
//!
//! They lie below `PREFIX/DATABASE/RUN/`, where DATABASE is made from what no other place of tables has in common with
//! this one: the warehouse, the database and the schema. The lock of the load is held as long as there are any, so
//! whatever lies below `PREFIX/DATABASE/` when a load ends is its own, or was left by one that was killed: all of it is
//! deleted. Where the warehouse does not tell its identity, a restored copy of the database could have files there as
//! well, so that a load deletes its own only.

use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt};
use object_store::{Error as StoreError, ObjectStoreExt, PutPayload, path::Path};

use super::{StageAccess, StageFault, Staging};
use crate::{Error, Result};

/// What tells the tables of a load from all others.
#[derive(Debug, Clone, Copy)]
pub(super) struct Home<'a> {
    /// The identity of the warehouse, where it is known.
    pub(super) namespace: Option<&'a str>,
    /// The name of the database.
    pub(super) database: &'a str,
    /// What the table of the lock has; a copy of the table has it too.
    pub(super) id: &'a str,
}

impl Home<'_> {
    /// The name of the folder.
    fn folder(self) -> String {
        use sha2::Digest;
        let Self { namespace, database, id } = self;
        let parts = format!("{}\0{database}\0{id}", namespace.unwrap_or_default());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&sha2::Sha256::digest(parts)[..16]);
        uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string()
    }
}

/// The place of a load's files.
#[derive(Debug, Clone)]
pub(super) struct Area {
    staging: Arc<Staging>,
    /// What all loads of these tables put their files below.
    database: Path,
    /// Whether nobody else does.
    is_own: bool,
    /// What this load does.
    run: Path,
}

impl Area {
    pub(super) fn new(staging: Staging, home: Home<'_>) -> Self {
        let database = Path::from(staging.prefix.as_str()).join(home.folder());
        let run = database.clone().join(uuid::Uuid::now_v7().to_string());
        Self { staging: Arc::new(staging), database, is_own: home.namespace.is_some(), run }
    }

    pub(super) fn staging(&self) -> &Staging {
        &self.staging
    }

    /// The place of a file of this load.
    pub(super) fn path(&self, folder: &str, name: &str) -> Path {
        self.run.clone().join(folder).join(name)
    }

    /// The URL of an object.
    pub(super) fn url(&self, path: &Path) -> String {
        format!("s3://{}/{path}", self.staging.bucket)
    }

    /// Writes an object.
    pub(super) async fn put(&self, path: &Path, content: impl Into<PutPayload>) -> Result<()> {
        let put = self.staging.store.put(path, content.into()).await;
        put.map(|_| ()).map_err(|error| self.failed(path, StageAccess::Write, error))
    }

    /// Reads an object.
    pub(super) async fn get(&self, path: &Path) -> Result<bytes::Bytes> {
        let read = async { self.staging.store.get(path).await?.bytes().await };
        read.await.map_err(|error| self.failed(path, StageAccess::Read, error))
    }

    /// Deletes the files of this load, and those that loads which were killed have left. The lock of the load must be
    /// held.
    pub(super) async fn clean(&self) {
        self.delete(if self.is_own { &self.database } else { &self.run }).await;
    }

    /// Deletes the files of this load only.
    pub(super) async fn clean_own(&self) {
        self.delete(&self.run).await;
    }

    async fn delete(&self, prefix: &Path) {
        match self.delete_all(prefix).await {
            Ok(objects) => tracing::debug!(objects, "the files for COPY were deleted"),
            Err(error) => {
                let hint = error.hint().unwrap_or_default();
                tracing::warn!(%error, hint, "the files for COPY could not be deleted; the next load does so");
            }
        }
    }

    async fn delete_all(&self, prefix: &Path) -> Result<usize> {
        let store = &self.staging.store;
        let found = store.list(Some(prefix)).map_ok(|object| object.location);
        let found: Vec<_> =
            found.try_collect().await.map_err(|error| self.failed(prefix, StageAccess::List, error))?;
        let found = futures_util::stream::iter(found).map(Ok).boxed();
        let deleted = store.delete_stream(found).try_collect::<Vec<_>>().await;
        deleted.map(|objects| objects.len()).map_err(|error| self.failed(prefix, StageAccess::Delete, error))
    }

    fn failed(&self, path: &Path, access: StageAccess, error: StoreError) -> Error {
        let url = self.url(path);
        let StageFault { reason, remedy } = self.staging.faults.explain(error, access, &url);
        let Staging { bucket, region, .. } = self.staging();
        let remedy = remedy.unwrap_or_else(|| {
            format!(
                "check that the bucket {bucket} is in the region {region} and can be reached, then run again"
            )
        });
        Error::Staging { url, reason, remedy }
    }
}

#[cfg(test)]
mod tests {
    use object_store::{ObjectStore, memory::InMemory};

    use super::*;
    use crate::redshift::{IamRole, PlainStageFaults};

    impl<'a> Home<'a> {
        pub(in super::super) fn with_id(id: &'a str) -> Self {
            Self { namespace: Some("a warehouse"), database: "dev", id }
        }
    }

    fn area(store: &Arc<InMemory>, prefix: &str, home: Home<'_>) -> Area {
        let staging = Staging {
            store: Arc::<InMemory>::clone(store),
            bucket: "bucket".to_owned(),
            prefix: prefix.to_owned(),
            region: "us-west-2".to_owned(),
            role: IamRole::Default,
            faults: Arc::new(PlainStageFaults),
        };
        Area::new(staging, home)
    }

    async fn names(store: &Arc<InMemory>) -> Vec<String> {
        let found = store.list(None).map_ok(|object| object.location.to_string());
        let mut names: Vec<_> = found.try_collect().await.unwrap();
        names.sort();
        names
    }

    #[tokio::test]
    async fn a_load_deletes_its_files_and_those_of_killed_loads_and_nothing_else() {
        let store = Arc::new(InMemory::new());
        let killed = area(&store, "/stage/", Home::with_id("one"));
        killed.put(&killed.path("0-songs", "manifest"), "x").await.unwrap();
        let (ours, other) =
            (area(&store, "stage", Home::with_id("one")), area(&store, "stage", Home::with_id("two")));
        let path = ours.path("0-songs", "part 1.json.gz");
        ours.put(&path, "x").await.unwrap();
        assert!(ours.url(&path).starts_with("s3://bucket/stage/"), "{}", ours.url(&path));
        assert_eq!(ours.get(&path).await.unwrap(), "x");
        other.put(&other.path("0-songs", "manifest"), "x").await.unwrap();
        let second = area(&store, "stage", Home::with_id("two"));
        second.put(&second.path("0-songs", "manifest"), "x").await.unwrap();
        second.clean_own().await;
        for name in [format!("{}-more/x", ours.database), "stage/x".to_owned(), "x".to_owned()] {
            store.put(&Path::from(name), "x".into()).await.unwrap();
        }
        ours.clean().await;
        let left = names(&store).await;
        assert_eq!(left.len(), 4, "{left:?}");
        assert!(!left.iter().any(|name| name.starts_with(&format!("{}/", ours.database))), "{left:?}");
    }

    #[tokio::test]
    async fn a_load_leaves_the_files_of_a_copy_of_its_database_alone() {
        let original = Home::with_id("one");
        for copy in [
            Home { namespace: Some("a restored warehouse"), ..original },
            Home { database: "restored", ..original },
            // Nobody knows where these are: their folder is one, and each deletes its own files only.
            Home { namespace: None, ..original },
        ] {
            for (ours, other) in [(original, copy), (copy, original), (copy, copy)] {
                let store = Arc::new(InMemory::new());
                let (ours, other) = (area(&store, "stage", ours), area(&store, "stage", other));
                for area in [&ours, &other] {
                    area.put(&area.path("0-songs", "manifest"), "x").await.unwrap();
                }
                ours.clean().await;
                let may_be_killed = ours.database == other.database && ours.is_own;
                assert_eq!(names(&store).await.len(), usize::from(!may_be_killed), "{ours:?} {other:?}");
            }
        }
    }

    #[tokio::test]
    async fn an_object_that_cannot_be_read_is_named_with_what_to_do() {
        let store = Arc::new(InMemory::new());
        let area = area(&store, "stage", Home::with_id("one"));
        let error = area.get(&area.path("x", "y")).await.unwrap_err();
        assert!(error.to_string().starts_with("s3://bucket/stage/"), "{error}");
        assert!(error.hint().is_some());
    }
}
