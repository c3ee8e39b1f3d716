//! Files that the engine reads itself, without their bytes passing through this process.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
};

use async_trait::async_trait;
use serde::Serialize;
use sparkify_warehouse::{
    LoadSession, LoadedObjects, ObjectCompression, ObjectLine, ObjectLines, ObjectLoad, SourceObject, line_of,
};

use super::Run;
use crate::{
    Cancel, Error, Result,
    reader::{FileOutcome, decompressed},
    record::RecordShape,
    source::{Compression, Source, SourceFile},
};

/// Compressed files of this size, on average, are worth reading as they are: Redshift's own advice is
/// 1 MB to 1 GB.
const DIRECT_BYTES: u64 = 1 << 20;
/// The same for files that are not compressed.
const DIRECT_BYTES_PLAIN: u64 = 8 << 20;

/// Whether an engine that can read the files of a source itself does so, or gets their records packed into a
/// few files of a good size. For the other engines it makes no difference.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pack {
    /// The engine reads large files itself; small ones are packed, and so are all where bad records may be
    /// set aside.
    #[default]
    Auto,
    /// All are packed: each record is checked before the engine sees it.
    Always,
    /// The engine reads all files itself.
    Never,
}

impl Pack {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Always, Self::Never];

    /// The name used on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Always => "always",
            Self::Never => "never",
        }
    }
}

/// A set of files that the engine read itself, and what came of each.
pub(super) struct CopiedFiles {
    pub(super) shape: Arc<RecordShape>,
    pub(super) files: Arc<[SourceFile]>,
    pub(super) outcomes: Vec<FileOutcome>,
    /// The records in all of them.
    pub(super) records: u64,
}

impl Run<'_> {
    /// Whether the engine reads these files itself.
    pub(super) fn reads_itself(&self, session: &dyn LoadSession, files: &[SourceFile]) -> Result<bool> {
        let pack = self.options.pack;
        if pack == Pack::Always || (pack == Pack::Auto && !worth_it(files, self.options.max_errors)) {
            return Ok(false);
        }
        match (obstacle(self.source.as_ref(), session, files, self.options.max_errors), pack) {
            (None, _) => Ok(true),
            (Some(reason), Pack::Never) => Err(Error::NotDirect { reason }),
            (Some(reason), _) => {
                tracing::debug!(reason, "the files are packed");
                Ok(false)
            }
        }
    }

    /// What the engine must know to read the files.
    pub(super) fn object_load(
        &self,
        table: &str,
        shape: &RecordShape,
        files: &Arc<[SourceFile]>,
    ) -> Result<ObjectLoad> {
        let region =
            self.source.region().ok_or_else(|| Error::Internal("the source has no region".to_owned()))?;
        Ok(ObjectLoad {
            table: table.to_owned(),
            columns: shape.table().columns.iter().map(|column| column.name.to_owned()).collect(),
            json_paths: None,
            keys: shape.keys().to_vec(),
            objects: files
                .iter()
                .map(|file| SourceObject {
                    url: file.path.clone(),
                    size: file.size,
                    etag: file.etag().map(str::to_owned),
                })
                .collect(),
            compression: match files.first().map(|file| file.compression) {
                Some(Compression::Gzip) => ObjectCompression::Gzip,
                Some(Compression::Zstd) => ObjectCompression::Zstd,
                Some(Compression::None) | None => ObjectCompression::None,
            },
            region,
            lines: Some(Arc::new(self.lines_of(files))),
        })
    }

    /// The lines of these files.
    pub(super) fn lines_of(&self, files: &Arc<[SourceFile]>) -> SourceLines {
        SourceLines {
            source: Arc::clone(&self.source),
            files: Arc::clone(files),
            cancel: self.cancel.clone(),
        }
    }

    /// What came of files that the engine has read.
    pub(super) fn copied(
        &self,
        shape: Arc<RecordShape>,
        files: Arc<[SourceFile]>,
        loaded: &LoadedObjects,
    ) -> Result<CopiedFiles> {
        let objects: HashMap<_, _> =
            loaded.objects.iter().map(|object| (&object.url, object.lines)).collect();
        let mut outcomes = Vec::with_capacity(files.len());
        for file in files.iter() {
            let (Some(&lines), Some(tag)) = (objects.get(&file.path), &file.content_tag) else {
                return Err(Error::Unreconciled(format!(
                    "the engine does not say that it has read {}",
                    file.path
                )));
            };
            let outcome = FileOutcome::default();
            outcome.records.store(lines, Ordering::Relaxed);
            // Set once: the outcome is new.
            let _ = outcome.content_hash.set(tag.clone());
            outcomes.push(outcome);
            self.progress.add_bytes(file.size);
            self.progress.add_file();
        }
        self.progress.add_records(loaded.rows);
        Ok(CopiedFiles { shape, files, outcomes, records: loaded.rows })
    }
}

/// Whether the files are large enough, and none of their records is to be set aside.
fn worth_it(files: &[SourceFile], max_errors: u64) -> bool {
    let least = match files.first().map(|file| file.compression) {
        Some(Compression::None) | None => DIRECT_BYTES_PLAIN,
        Some(Compression::Gzip | Compression::Zstd) => DIRECT_BYTES,
    };
    let bytes: u64 = files.iter().map(|file| file.size).sum();
    max_errors == 0 && bytes / (files.len().max(1) as u64) >= least
}

/// Why the engine cannot read the files itself.
fn obstacle(
    source: &dyn Source,
    session: &dyn LoadSession,
    files: &[SourceFile],
    max_errors: u64,
) -> Option<&'static str> {
    let first = files.first()?;
    if !session.reads_objects() {
        Some("the database cannot read the files of a source itself")
    } else if source.region().is_none() || files.iter().any(|file| file.etag().is_none()) {
        Some("the source is not in S3, or its region is not known")
    } else if files.iter().any(|file| file.compression != first.compression) {
        Some("some of the files are compressed in another way than others")
    } else if max_errors > 0 {
        Some("only records that pass through this program can be set aside")
    } else {
        None
    }
}

/// Shows lines of the source's files.
#[derive(Debug)]
pub(super) struct SourceLines {
    source: Arc<dyn Source>,
    files: Arc<[SourceFile]>,
    cancel: Cancel,
}

#[async_trait]
impl ObjectLines for SourceLines {
    async fn line(&self, url: &str, number: u64) -> Option<ObjectLine> {
        let file = self.files.iter().find(|file| file.path == url)?.clone();
        let (source, cancel) = (Arc::clone(&self.source), self.cancel.clone());
        let read = move || {
            let feed = source.feed(Arc::from([file.clone()]), &cancel);
            let content = feed.next()?.1.ok()?;
            line_of(decompressed(content, file.compression).ok()?, number)
        };
        tokio::task::spawn_blocking(read).await.ok()?
    }
}

#[cfg(test)]
mod tests {
    use sparkify_warehouse::MockLoadSession;

    use super::*;
    use crate::source::{FileKind, MockSource};

    fn file(size: u64, compression: Compression) -> SourceFile {
        SourceFile {
            path: format!("s3://b/log_data/{size}.json"),
            kind: FileKind::Events,
            compression,
            size,
            modified_ns: None,
            content_tag: Some("etag:abc".to_owned()),
        }
    }

    fn source(region: Option<&str>) -> MockSource {
        let mut source = MockSource::new();
        let region = region.map(str::to_owned);
        source.expect_region().returning(move || region.clone());
        source
    }

    fn session(reads_objects: bool) -> MockLoadSession {
        let mut session = MockLoadSession::new();
        session.expect_reads_objects().return_const(reads_objects);
        session
    }

    #[test]
    fn large_files_are_worth_reading_as_they_are_and_small_ones_are_packed() {
        assert!(worth_it(&[file(9 << 20, Compression::None), file(8 << 20, Compression::None)], 0));
        assert!(!worth_it(&[file(300, Compression::None), file(300, Compression::None)], 0));
        assert!(worth_it(&[file(1 << 20, Compression::Gzip)], 0));
        assert!(!worth_it(&[file(1 << 20, Compression::None)], 0));
        assert!(!worth_it(&[file(9 << 20, Compression::None)], 1), "bad records are set aside here only");
    }

    #[test]
    fn only_what_the_engine_can_read_as_one_is_left_to_it() {
        let plain = [file(9 << 20, Compression::None)];
        let mixed = [file(9 << 20, Compression::None), file(9 << 20, Compression::Gzip)];
        let untagged = [SourceFile { content_tag: None, ..file(1, Compression::None) }];
        let s3 = source(Some("us-west-2"));
        assert_eq!(obstacle(&s3, &session(true), &plain, 0), None);
        assert!(obstacle(&s3, &session(false), &plain, 0).unwrap().contains("cannot read"));
        assert!(obstacle(&source(None), &session(true), &plain, 0).unwrap().contains("not in S3"));
        assert!(obstacle(&s3, &session(true), &untagged, 0).unwrap().contains("not in S3"));
        assert!(obstacle(&s3, &session(true), &mixed, 0).unwrap().contains("another way"));
        assert!(obstacle(&s3, &session(true), &plain, 1).unwrap().contains("set aside"));
    }
}
