//! Files that the engine reads itself, without their bytes passing through this process.

use std::{
    ops::ControlFlow,
    sync::{Arc, atomic::Ordering},
};

use async_trait::async_trait;
use serde::Serialize;
use sparkify_warehouse::{
    LoadSession, LoadedObjects, ObjectCompression, ObjectLine, ObjectLines, ObjectLoad, ObjectReading,
    SourceObject, line_of,
};

use super::{
    FileSet, Run, inspect,
    reread::{Extent, Seen},
};
use crate::{
    Cancel, Error, Result,
    reader::{FileOutcome, RejectLog, decompressed},
    record::RecordShape,
    source::{Compression, Source, SourceFile},
};

/// Compressed files of this size, on average, are worth reading as they are: Redshift's own advice is
/// 1 MB to 1 GB.
const DIRECT_BYTES: u64 = 1 << 20;
/// The same for files that are not compressed.
const DIRECT_BYTES_PLAIN: u64 = 8 << 20;
/// No file is worth it that is larger: a file is never divided, so a part of the cluster would read it alone.
const DIRECT_BYTES_MOST: u64 = 1 << 30;
/// So many files are sampled before they are left to the engine.
const SAMPLED: usize = 16;
/// No file has more than so many times what each part of the cluster would read if all were even.
const UNEVEN: u64 = 2;

/// Whether an engine that can read the files of a source itself does so, or gets their records packed into a
/// few files of a good size. For the other engines it makes no difference.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pack {
    /// The engine reads large files itself if there are enough of them; others are packed, and so are all where bad
    /// records may be set aside, where a sample of them has a bad record, or where the engine has refused one.
    #[default]
    Auto,
    /// All are packed: each record is checked before the engine sees it.
    Always,
    /// The engine reads all files itself: records are checked afterwards, before they are published. Of an object
    /// that has a key twice it takes one of the values, which is not noticed.
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
}

impl Run<'_> {
    /// Whether the engine reads these files itself.
    pub(super) async fn reads_itself(&self, reading: Option<ObjectReading>, set: &FileSet) -> Result<bool> {
        let (pack, max_errors) = (self.options.pack, self.options.max_errors);
        if pack == Pack::Always {
            return Ok(false);
        }
        match (obstacle(self.source.as_ref(), reading.as_ref(), &set.files, max_errors), pack) {
            (None, Pack::Never) => Ok(true),
            (None, _) => {
                let at_once = reading.map_or(1, |reading| reading.at_once);
                Ok(worth_it(&set.files, at_once) && self.sample_is_good(set).await?)
            }
            (Some(reason), Pack::Never) => Err(Error::NotDirect { reason }),
            (Some(reason), _) => {
                tracing::debug!(reason, "the files are packed");
                Ok(false)
            }
        }
    }

    /// Whether our reader takes all records at the beginnings of some of the files. The engine takes one value of an
    /// object that has a key twice, and nothing tells so afterwards; a producer that writes such objects mostly
    /// writes nothing else.
    async fn sample_is_good(&self, set: &FileSet) -> Result<bool> {
        let sets = vec![(Arc::clone(&set.shape), sample(&set.files))];
        let on = |_: &Seen<'_>| Ok(ControlFlow::Continue(()));
        match self.reread(sets, Extent::Beginning, RejectLog::new(0), on).await {
            Ok(read) => {
                if let Some(reject) = read.rejects.first() {
                    tracing::info!(%reject, "the files are packed: a sample of them has a bad record");
                }
                Ok(read.rejects.is_empty())
            }
            // The engine may be allowed to read what this process is not.
            Err(Error::Source(error)) => {
                tracing::warn!(%error, "no sample can be read of the files that are left to the database");
                Ok(true)
            }
            Err(error) => Err(error),
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

    /// What came of files that the engine has read, if it is what our reader would have made of them.
    pub(super) async fn copied(
        &self,
        session: &mut dyn LoadSession,
        set: FileSet,
        loaded: &LoadedObjects,
    ) -> Result<CopiedFiles> {
        let records = inspect::records_of_each(self, session, &set, loaded).await?;
        let FileSet { shape, files, .. } = set;
        let mut outcomes = Vec::with_capacity(files.len());
        for (file, records) in files.iter().zip(&records) {
            let outcome = FileOutcome::default();
            outcome.records.store(*records, Ordering::Relaxed);
            if let Some(tag) = &file.content_tag {
                // Set once: the outcome is new.
                let _ = outcome.content_hash.set(tag.clone());
            }
            outcomes.push(outcome);
            self.progress.add_bytes(file.size);
            self.progress.add_file();
        }
        self.progress.add_records(records.iter().sum());
        Ok(CopiedFiles { shape, files, outcomes })
    }
}

/// Whether the files have a good size, and there are enough of them for all parts of the cluster to read.
fn worth_it(files: &[SourceFile], at_once: usize) -> bool {
    let least = match files.first().map(|file| file.compression) {
        Some(Compression::None) | None => DIRECT_BYTES_PLAIN,
        Some(Compression::Gzip | Compression::Zstd) => DIRECT_BYTES,
    };
    let sizes = || files.iter().map(|file| file.size).filter(|size| *size > 0);
    let (count, bytes): (u64, u64) = (sizes().count() as u64, sizes().sum());
    let (largest, parts) = (sizes().max().unwrap_or_default(), at_once.max(1) as u64);
    count >= parts
        && bytes / count.max(1) >= least
        && largest <= DIRECT_BYTES_MOST
        && largest <= (bytes / parts).saturating_mul(UNEVEN)
}

/// Some of the files, evenly spread.
fn sample(files: &[SourceFile]) -> Arc<[SourceFile]> {
    files.iter().step_by(files.len().div_ceil(SAMPLED).max(1)).cloned().collect()
}

/// Why the engine cannot read the files itself.
fn obstacle(
    source: &dyn Source,
    reading: Option<&ObjectReading>,
    files: &[SourceFile],
    max_errors: u64,
) -> Option<String> {
    let first = files.first()?;
    let Some(reading) = reading else {
        return Some("the database cannot read the files of a source itself".to_owned());
    };
    let region = source.region().filter(|_| files.iter().all(|file| file.etag().is_some()));
    let Some(region) = region else {
        return Some("the source is not in S3, or its region is not known".to_owned());
    };
    if region != reading.region {
        return Some(format!(
            "the source is in the region {region}, and the place for the load's own files (--stage) in {}: the \
             database reads from one region at a time",
            reading.region
        ));
    }
    if files.iter().any(|file| file.compression != first.compression) {
        return Some("some of the files are compressed in another way than others".to_owned());
    }
    (max_errors > 0).then(|| "only records that pass through this program can be set aside".to_owned())
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
        tokio::select! {
            line = tokio::task::spawn_blocking(read) => line.ok()?,
            () = self.cancel.cancelled() => None,
        }
    }
}

#[cfg(test)]
mod tests {
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

    fn reading(region: &str) -> ObjectReading {
        ObjectReading { region: region.to_owned(), at_once: 2 }
    }

    #[test]
    fn enough_large_files_are_worth_reading_as_they_are_and_small_ones_are_packed() {
        let plain = |sizes: &[u64]| -> Vec<_> {
            sizes.iter().map(|size| file(*size << 20, Compression::None)).collect()
        };
        assert!(worth_it(&plain(&[9, 8]), 2));
        assert!(worth_it(&plain(&[9]), 1));
        assert!(!worth_it(&plain(&[9]), 2), "the other part of the cluster would have nothing to do");
        assert!(!worth_it(&plain(&[9, 0]), 2), "an empty file is none");
        assert!(!worth_it(&[file(300, Compression::None), file(300, Compression::None)], 2));
        assert!(worth_it(&[file(1 << 20, Compression::Gzip)], 1));
        assert!(!worth_it(&[file(1 << 20, Compression::None)], 1));
        assert!(worth_it(&plain(&[1024; 4]), 4));
        assert!(!worth_it(&plain(&[1025; 4]), 4), "a file is never divided");
        assert!(!worth_it(&plain(&[900, 9, 9, 9]), 4), "one part of the cluster would read nearly all");
        assert!(!worth_it(&[], 1));
    }

    #[test]
    fn a_sample_is_spread_over_all_of_the_files() {
        let files = |count: u64| (0..count).map(|size| file(size, Compression::None)).collect::<Vec<_>>();
        let sizes = |count| sample(&files(count)).iter().map(|file| file.size).collect::<Vec<_>>();
        assert_eq!(sizes(0), [0_u64; 0]);
        assert_eq!(sizes(3), [0, 1, 2]);
        assert_eq!(sizes(16), (0..16).collect::<Vec<_>>());
        assert_eq!(sizes(40), (0..14).map(|index| 3 * index).collect::<Vec<_>>());
        assert_eq!(sizes(16_000).len(), SAMPLED);
    }

    #[test]
    fn only_what_the_engine_can_read_as_one_is_left_to_it() {
        let plain = [file(9 << 20, Compression::None)];
        let mixed = [file(9 << 20, Compression::None), file(9 << 20, Compression::Gzip)];
        let untagged = [SourceFile { content_tag: None, ..file(1, Compression::None) }];
        let (s3, here) = (source(Some("us-west-2")), reading("us-west-2"));
        assert_eq!(obstacle(&s3, Some(&here), &plain, 0), None);
        assert!(obstacle(&s3, None, &plain, 0).unwrap().contains("cannot read"));
        assert!(obstacle(&source(None), Some(&here), &plain, 0).unwrap().contains("not in S3"));
        assert!(obstacle(&s3, Some(&here), &untagged, 0).unwrap().contains("not in S3"));
        assert!(obstacle(&s3, Some(&here), &mixed, 0).unwrap().contains("another way"));
        assert!(obstacle(&s3, Some(&here), &plain, 1).unwrap().contains("set aside"));
        let elsewhere = obstacle(&s3, Some(&reading("eu-west-1")), &plain, 0).unwrap();
        assert!(elsewhere.contains("us-west-2") && elsewhere.contains("eu-west-1"), "{elsewhere}");
    }
}
