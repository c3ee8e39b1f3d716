//! A local directory as a source.

use std::{
    fs::{File, Metadata},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use walkdir::WalkDir;

use super::{Compression, Content, FileFeed, FileKind, Place, Places, Source, SourceFile, empty};
use crate::{
    Cancel,
    error::{SourceError, SourceProblem},
    record::JsonPaths,
};

/// A file changed this recently may change again within the resolution of its time stamp, so the time
/// alone will not tell.
const FRESH: Duration = Duration::from_secs(2);

/// A directory with `log_data/`, `song_data/` and perhaps `log_json_path.json`; or these anywhere.
#[derive(Debug, Clone)]
pub struct LocalDirectory {
    places: Places<PathBuf>,
}

impl LocalDirectory {
    /// The directory at that path, which is looked at only when it is listed.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self::from_places(Places::below(root.into(), |root, name| root.join(name)))
    }

    /// The same with other places for its parts.
    #[must_use]
    pub const fn from_places(places: Places<PathBuf>) -> Self {
        Self { places }
    }

    fn list_blocking(&self) -> Result<Vec<SourceFile>, SourceError> {
        if let Some(root) = &self.places.root {
            check_directory(root)?;
        }
        let (mut files, mut missing) = (Vec::new(), Vec::new());
        for (place, kind) in self.places.data() {
            match std::fs::metadata(&place.at) {
                Ok(_) => {
                    let before = files.len();
                    list_folder(&absolute(&place.at)?, kind, &mut files)?;
                    if place.named && files.len() == before {
                        let shown = place.at.display().to_string();
                        return Err(SourceError::new(shown, SourceProblem::NoDataFiles));
                    }
                }
                Err(error) if error.kind() == std::io::ErrorKind::NotFound && !place.named => {
                    missing.push(&place.at);
                }
                Err(error) => return Err(SourceError::io(place.at.display().to_string(), error)),
            }
        }
        if files.is_empty() {
            return Err(empty(self.location()));
        }
        for folder in missing {
            tracing::warn!("there is no {}", folder.display());
        }
        files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }
}

fn check_directory(path: &Path) -> Result<(), SourceError> {
    let shown = || path.display().to_string();
    let metadata = std::fs::metadata(path).map_err(|error| SourceError::io(shown(), error))?;
    if metadata.is_dir() { Ok(()) } else { Err(SourceError::new(shown(), SourceProblem::NotADirectory)) }
}

/// Absolute, so that the same file has one identity wherever the program is started. A folder that is a
/// link keeps its own name, as files below one do.
fn absolute(folder: &Path) -> Result<PathBuf, SourceError> {
    check_directory(folder)?;
    let failed = |error| SourceError::io(folder.display().to_string(), error);
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match folder.file_name() {
        Some(name) => Ok(parent.canonicalize().map_err(failed)?.join(name)),
        None => folder.canonicalize().map_err(failed),
    }
}

fn list_folder(folder: &Path, kind: FileKind, files: &mut Vec<SourceFile>) -> Result<(), SourceError> {
    let now = SystemTime::now();
    let mut ignored = 0_u64;
    let hidden = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with('.');
    let entries = WalkDir::new(folder).follow_links(true).min_depth(1).into_iter();
    for entry in entries.filter_entry(|entry| !hidden(entry.file_name())) {
        let entry = entry.map_err(|error| {
            let path = error.path().unwrap_or(folder).display().to_string();
            SourceError::io(path, error.into())
        })?;
        if entry.file_type().is_dir() {
            continue;
        }
        let path = entry.path();
        let shown = path.display().to_string();
        match entry.file_name().to_str().and_then(Compression::of) {
            Some(compression) => {
                let metadata =
                    entry.metadata().map_err(|error| SourceError::io(shown.clone(), error.into()))?;
                let modified_ns = reliable_time(&metadata, now);
                files.push(SourceFile {
                    path: shown,
                    kind,
                    compression,
                    size: metadata.len(),
                    modified_ns,
                    content_tag: None,
                });
            }
            None => ignored += 1,
        }
    }
    if ignored > 0 {
        tracing::info!(
            "ignored {ignored} files below {} that are no data files by their names",
            folder.display()
        );
    }
    Ok(())
}

fn reliable_time(metadata: &Metadata, now: SystemTime) -> Option<i64> {
    let modified = metadata.modified().ok()?;
    // A time in the future tells as little as one of this moment.
    if now.duration_since(modified).ok()? < FRESH {
        return None;
    }
    i64::try_from(modified.duration_since(UNIX_EPOCH).ok()?.as_nanos()).ok()
}

#[async_trait]
impl Source for LocalDirectory {
    fn location(&self) -> String {
        let shown =
            |path: &PathBuf| path.canonicalize().unwrap_or_else(|_| path.clone()).display().to_string();
        self.places.location(shown)
    }

    async fn list(&self) -> Result<Vec<SourceFile>, SourceError> {
        let this = self.clone();
        let location = self.location();
        tokio::task::spawn_blocking(move || this.list_blocking())
            .await
            .unwrap_or_else(|error| Err(SourceError::io(location, std::io::Error::other(error))))
    }

    async fn json_paths(&self) -> Result<Option<JsonPaths>, SourceError> {
        let Some(Place { at: path, named }) = &self.places.json_paths else { return Ok(None) };
        let shown = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => JsonPaths::parse(&text)
                .map(Some)
                .map_err(|problem| SourceError::new(shown, SourceProblem::JsonPaths(problem))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !named => Ok(None),
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                Err(SourceError::new(shown, SourceProblem::JsonPaths("it is not UTF-8".to_owned())))
            }
            Err(error) => Err(SourceError::io(shown, error)),
        }
    }

    fn feed(&self, files: Arc<[SourceFile]>, _: &Cancel) -> Arc<dyn FileFeed> {
        Arc::new(LocalFeed { files, next: AtomicUsize::new(0) })
    }
}

#[derive(Debug)]
struct LocalFeed {
    files: Arc<[SourceFile]>,
    next: AtomicUsize,
}

impl FileFeed for LocalFeed {
    fn next(&self) -> Option<(usize, Result<Content, SourceError>)> {
        let index = self.next.fetch_add(1, Ordering::Relaxed);
        let file = self.files.get(index)?;
        let content = File::open(&file.path)
            .map(|file| Box::new(file) as Content)
            .map_err(|error| SourceError::io(file.path.clone(), error));
        Some((index, content))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(path: PathBuf) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "{}").unwrap();
    }

    #[tokio::test]
    async fn a_listing_has_the_data_files_of_both_folders_sorted_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        for name in [
            "song_data/A/B/s.json",
            "log_data/2018/11/b.json.gz",
            "log_data/2018/11/a.json",
            "log_data/c.jsonl.zst",
            "log_data/_SUCCESS",
            "log_data/notes.txt",
            "log_data/.hidden/x.json",
            "log_data/.y.json",
            "other/z.json",
        ] {
            touch(root.join(name));
        }
        let files = LocalDirectory::new(&root).list().await.unwrap();
        let names: Vec<_> =
            files.iter().map(|f| f.path.strip_prefix(&format!("{}/", root.display())).unwrap()).collect();
        assert_eq!(
            names,
            [
                "log_data/2018/11/a.json",
                "log_data/2018/11/b.json.gz",
                "log_data/c.jsonl.zst",
                "song_data/A/B/s.json"
            ]
        );
        assert_eq!(files[1].compression, Compression::Gzip);
        assert_eq!(files[3].kind, FileKind::Songs);
        assert_eq!(files[0].modified_ns, None, "a file of this moment has no reliable time");
    }

    #[tokio::test]
    async fn what_cannot_be_listed_is_said_with_its_path() {
        let directory = tempfile::tempdir().unwrap();
        let problem = |error: SourceError| (error.problem, error.path);
        let missing = directory.path().join("missing");
        let error = LocalDirectory::new(&missing).list().await.unwrap_err();
        assert_eq!(problem(error), (SourceProblem::NotFound, missing.display().to_string()));
        let error = LocalDirectory::new(directory.path()).list().await.unwrap_err();
        assert_eq!(error.problem, SourceProblem::Empty);
        let file = directory.path().join("file");
        std::fs::write(&file, "").unwrap();
        let error = LocalDirectory::new(&file).list().await.unwrap_err();
        assert_eq!(problem(error), (SourceProblem::NotADirectory, file.display().to_string()));
    }

    #[tokio::test]
    async fn a_broken_json_paths_file_is_an_error_and_a_missing_one_is_none() {
        let directory = tempfile::tempdir().unwrap();
        let source = LocalDirectory::new(directory.path());
        assert_eq!(source.json_paths().await.unwrap(), None);
        std::fs::write(directory.path().join(super::super::LOG_JSON_PATH), "{}").unwrap();
        assert!(matches!(source.json_paths().await.unwrap_err().problem, SourceProblem::JsonPaths(_)));
    }
}
