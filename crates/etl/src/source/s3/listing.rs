//! Listings, many prefixes at once.
//!
//! S3 lists 1,000 keys a request, one request after the other. So the prefixes of the first levels (years
//! and months, first letters) are found first, and what is below each is listed at the same time.

use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use sparkify_storage::{
    Action, ObjectStore, S3Url,
    object_store::{ObjectMeta, path::Path},
};

use super::{super::ETAG, failed, path_of};
use crate::{
    error::SourceError,
    source::{Compression, FileKind, SourceFile},
};

/// Listings under way at once.
const AT_ONCE: usize = 16;
/// So many prefixes are enough to keep them busy.
const PREFIXES_ENOUGH: usize = 8;
/// How deep prefixes are looked for.
const LEVELS_MAX: usize = 4;

/// The data files below an address, in no order.
pub(super) async fn list(
    store: &Arc<dyn ObjectStore>,
    url: &S3Url,
    kind: FileKind,
) -> Result<Vec<SourceFile>, SourceError> {
    let root = path_of(url)?;
    let mut files = Files { url, root: root.clone(), kind, found: Vec::new(), ignored: 0 };
    let mut prefixes = vec![root];
    for _ in 0..LEVELS_MAX {
        if prefixes.is_empty() || prefixes.len() >= PREFIXES_ENOUGH {
            break;
        }
        let mut levels = stream::iter(prefixes)
            .map(|prefix| async move { store.list_with_delimiter(Some(&prefix)).await })
            .buffer_unordered(AT_ONCE);
        let mut deeper = Vec::new();
        while let Some(level) = levels.try_next().await.map_err(|error| failed(error, Action::List, url))? {
            files.add(level.objects);
            deeper.extend(level.common_prefixes);
        }
        drop(levels);
        prefixes = deeper;
    }
    let mut listings = stream::iter(prefixes)
        .map(|prefix| async move { store.list(Some(&prefix)).try_collect::<Vec<_>>().await })
        .buffer_unordered(AT_ONCE);
    while let Some(objects) = listings.try_next().await.map_err(|error| failed(error, Action::List, url))? {
        files.add(objects);
    }
    if files.ignored > 0 {
        tracing::info!("ignored {} objects below {url} that are no data files by their names", files.ignored);
    }
    Ok(files.found)
}

struct Files<'a> {
    url: &'a S3Url,
    root: Path,
    kind: FileKind,
    found: Vec<SourceFile>,
    ignored: u64,
}

impl Files<'_> {
    fn add(&mut self, objects: Vec<ObjectMeta>) {
        for object in objects {
            match self.file(&object) {
                Some(file) => self.found.push(file),
                None => self.ignored += 1,
            }
        }
    }

    /// The object as a data file; `None` if it is none by its name, or has a hidden part as its parent.
    fn file(&self, object: &ObjectMeta) -> Option<SourceFile> {
        let mut names = object.location.prefix_match(&self.root)?;
        if names.any(|name| name.as_ref().starts_with('.')) {
            return None;
        }
        Some(SourceFile {
            path: self.url.with_key(object.location.as_ref()).to_string(),
            kind: self.kind,
            compression: Compression::of(object.location.filename()?)?,
            size: object.size,
            modified_ns: object.last_modified.timestamp_nanos_opt(),
            content_tag: object.e_tag.as_ref().map(|etag| format!("{ETAG}{}", etag.trim_matches('"'))),
        })
    }
}
