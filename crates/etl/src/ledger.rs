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
        let feed = source.feed(Arc::clone(&unsure), cancel);
        let hashed = tokio::task::spawn_blocking({
            let unsure = Arc::clone(&unsure);
            move || {
                let mut hashes = Vec::new();
                while let Some((index, content)) = feed.next() {
                    hashes.push((index, hash_content(&unsure[index], content?)?));
                }
                Ok::<_, crate::error::SourceError>(hashes)
            }
        })
        .await
        .map_err(|error| crate::Error::Internal(error.to_string()))??;
        for (index, hash) in hashed {
            let file = &unsure[index];
            let loaded = &self.files[&file.path];
            difference.note(file.clone(), loaded, loaded.content_hash == hash);
        }
        Ok(difference)
    }
}

/// The files of one kind.
pub(crate) fn of_kind(files: &[SourceFile], kind: FileKind) -> Arc<[SourceFile]> {
    files.iter().filter(|file| file.kind == kind).cloned().collect()
}
