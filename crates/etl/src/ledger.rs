//! The ledger of loaded files, and what it says about a listing.

use std::{collections::HashMap, sync::Arc};

use arrow_array::{Array, cast::AsArray, types::Int64Type};
use arrow_schema::DataType;
use sparkify_schema::statements;
use sparkify_warehouse::{LoadSession, RecordSet};

use crate::{
    Cancel, Result,
    error::During,
    reader::hash_content,
    source::{FileKind, Source, SourceFile},
    threads::{Over, on_all_cores},
};

/// A file as it was when it was loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
struct LoadedFile {
    size: u64,
    modified_ns: Option<i64>,
    content_hash: String,
}

/// What is to be done with the files of a listing.
#[derive(Debug, Default)]
pub(crate) struct Difference {
    /// Files that the ledger does not know.
    pub(crate) new: Vec<SourceFile>,
    /// Files whose content is another one than when they were loaded.
    pub(crate) changed: Vec<SourceFile>,
    /// Files with the content that was loaded; some with another modification time.
    pub(crate) unchanged: u64,
    /// Those of them whose time in the ledger is not the present one.
    pub(crate) touched: Vec<SourceFile>,
}

impl Difference {
    /// Notes a known file, which has the content that was loaded, or not.
    fn note(&mut self, file: SourceFile, loaded: &LoadedFile, same_content: bool) {
        if !same_content {
            self.changed.push(file);
            return;
        }
        self.unchanged += 1;
        if file.modified_ns.is_some() && file.modified_ns != loaded.modified_ns {
            self.touched.push(file);
        }
    }

    pub(crate) fn files_to_load(&self) -> impl Iterator<Item = &SourceFile> {
        self.new.iter().chain(&self.changed)
    }
}

/// The files that have been loaded.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    files: HashMap<String, LoadedFile>,
}

impl Ledger {
    pub(crate) async fn read(session: &mut dyn LoadSession) -> Result<Self> {
        Ok(Self::from_records(
            &session.query(&statements::loaded_files()).await.during("reading the ledger")?,
        ))
    }

    fn from_records(records: &RecordSet) -> Self {
        let mut files = HashMap::with_capacity(records.row_count());
        for batch in records.batches() {
            let text = |column: usize, row: usize| match batch.column(column).data_type() {
                DataType::LargeUtf8 => batch.column(column).as_string::<i64>().value(row).to_owned(),
                _ => batch.column(column).as_string::<i32>().value(row).to_owned(),
            };
            let integers = |column: usize| batch.column(column).as_primitive::<Int64Type>();
            let (sizes, times) = (integers(1), integers(2));
            for row in 0..batch.num_rows() {
                let file = LoadedFile {
                    size: u64::try_from(sizes.value(row)).unwrap_or_default(),
                    modified_ns: times.is_valid(row).then(|| times.value(row)),
                    content_hash: text(3, row),
                };
                files.insert(text(0, row), file);
            }
        }
        Self { files }
    }

    /// Sorts a listing. A file of the same size and time is unchanged; one of the same size and another
    /// time, or no reliable one, is read and hashed. With `verify_content` every known file is. Where the
    /// source has a tag for the content, the tag decides, and nothing is read.
    pub(crate) async fn compare(
        self,
        source: &Arc<dyn Source>,
        listing: Vec<SourceFile>,
        verify_content: bool,
        cancel: &Cancel,
    ) -> Result<Difference> {
        let mut difference = Difference::default();
        let mut unsure = Vec::new();
        for file in listing {
            match self.files.get(&file.path) {
                None => difference.new.push(file),
                Some(loaded) if loaded.size != file.size => difference.changed.push(file),
                Some(loaded) if file.content_tag.is_some() => {
                    let same = file.content_tag.as_ref() == Some(&loaded.content_hash);
                    difference.note(file, loaded, same);
                }
                Some(loaded)
                    if !verify_content
                        && file.modified_ns.is_some()
                        && loaded.modified_ns == file.modified_ns =>
                {
                    difference.unchanged += 1;
                }
                Some(_) => unsure.push(file),
            }
        }
        let unsure: Arc<[SourceFile]> = unsure.into();
        let mut hashed = hash_all(source, &unsure, cancel).await?;
        hashed.sort_unstable_by_key(|(index, _)| *index);
        for (index, hash) in hashed {
            let file = &unsure[index];
            let loaded = &self.files[&file.path];
            difference.note(file.clone(), loaded, loaded.content_hash == hash);
        }
        Ok(difference)
    }
}

/// The hashes of the contents of the files, by their index.
async fn hash_all(
    source: &Arc<dyn Source>,
    files: &Arc<[SourceFile]>,
    cancel: &Cancel,
) -> Result<Vec<(usize, String)>> {
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let (feed, files) = (source.feed(Arc::clone(files), cancel), Arc::clone(files));
    let hash = move |over: &Over| {
        let mut hashes = Vec::new();
        while !over.is_set()
            && let Some((index, content)) = feed.next()
        {
            hashes.push((index, hash_content(&files[index], content?)?));
        }
        Ok(hashes)
    };
    Ok(on_all_cores(cancel, hash).await?.concat())
}

/// The files of one kind.
pub(crate) fn of_kind(files: &[SourceFile], kind: FileKind) -> Arc<[SourceFile]> {
    files.iter().filter(|file| file.kind == kind).cloned().collect()
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Barrier,
        atomic::{AtomicUsize, Ordering},
    };

    use super::*;
    use crate::{
        SourceError,
        source::{Compression, Content, FileFeed, MockSource},
    };

    /// Files whose content is their path.
    #[derive(Debug)]
    struct Feed {
        files: Arc<[SourceFile]>,
        next: AtomicUsize,
        /// Reached by every core before a file is opened.
        all: Option<Barrier>,
    }

    impl FileFeed for Feed {
        fn next(&self) -> Option<(usize, Result<Content, SourceError>)> {
            let index = self.next.fetch_add(1, Ordering::SeqCst);
            let content = self.files.get(index)?.path.clone().into_bytes();
            if let Some(all) = &self.all {
                all.wait();
            }
            Some((index, Ok(Box::new(std::io::Cursor::new(content)))))
        }
    }

    fn source(all: Option<usize>) -> Arc<dyn Source> {
        let mut source = MockSource::new();
        source.expect_feed().returning(move |files, _| {
            Arc::new(Feed { files, next: AtomicUsize::new(0), all: all.map(Barrier::new) })
        });
        Arc::new(source)
    }

    fn file(path: &str) -> SourceFile {
        SourceFile {
            path: path.to_owned(),
            kind: FileKind::Events,
            compression: Compression::None,
            size: 1,
            modified_ns: None,
            content_tag: None,
        }
    }

    /// A ledger of files of which some have another content by now.
    fn ledger(files: &[SourceFile], changed: impl Fn(usize) -> bool) -> Ledger {
        let loaded = files.iter().enumerate().map(|(index, file)| {
            let content = if changed(index) { b"other".to_vec() } else { file.path.clone().into_bytes() };
            let content_hash = hash_content(file, Box::new(std::io::Cursor::new(content))).unwrap();
            (file.path.clone(), LoadedFile { size: 1, modified_ns: None, content_hash })
        });
        Ledger { files: loaded.collect() }
    }

    #[tokio::test]
    async fn files_are_hashed_on_all_cores_and_stay_in_their_order() {
        let cores = std::thread::available_parallelism().unwrap().get();
        let files: Vec<_> = (0..20 * cores).map(|index| file(&format!("file {index:05}"))).collect();
        let odd = |index: usize| index % 2 == 1;
        let ledger = ledger(&files, odd);
        let listing = files.clone();
        let found = ledger.compare(&source(Some(cores)), listing, false, &Cancel::default()).await.unwrap();
        let expected: Vec<_> = files.iter().skip(1).step_by(2).cloned().collect();
        assert_eq!((found.unchanged, &found.changed), (10 * cores as u64, &expected));
    }
}
