//! A bucket as the place of a data set.

use std::{
    collections::{BTreeMap, HashSet},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures_util::TryStreamExt;
use sparkify_eventsim::{Error, Part, Sink, SinkFile, foreign_file};
use sparkify_storage::{
    Action, S3Options, S3Url,
    object_store::{self, MultipartUpload, ObjectStore, ObjectStoreExt, path::Path},
};
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
};

/// The last object of a data set: without it, the set is not whole.
const ANSWERS: &str = "answers.json";
/// An object that is there while a data set is being written. It names, one a line, the objects of the new data set and
/// of the one before, so that what a killed run leaves can be told from what somebody else put there.
const INCOMPLETE: &str = "generate-incomplete";
/// Its first line.
const INCOMPLETE_BEGINS: &str =
    "# a data set of sparkify-cli generate is being written here; these objects belong to it";
/// Bytes of a part of a large object.
const PART_BYTES: usize = 8 * 1024 * 1024;
/// Small objects that are written at once.
const WRITES: u32 = 64;
/// How many small ones a part counts for.
const WRITES_PER_PART: u32 = 8;

type Store = Arc<dyn ObjectStore>;
type Upload = Result<(), Error>;

/// A prefix of a bucket.
///
/// Objects become visible one by one, so a data set that is replaced is gone as soon as the first object of the
/// new one is written; `answers.json` comes last.
#[derive(Debug, Clone)]
pub(super) struct Bucket(Arc<Shared>);

struct Shared {
    store: Store,
    url: S3Url,
    runtime: Handle,
    writes: Arc<Semaphore>,
    uploads: Mutex<JoinSet<Upload>>,
    /// The names of what was there before.
    before: Vec<String>,
    written: Mutex<HashSet<String>>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bucket").field("url", &self.url.to_string()).finish_non_exhaustive()
    }
}

impl Bucket {
    /// Prepares to write objects of the names that are `planned` below an address. Refuses if there is anything that
    /// was not generated, unless `force`.
    pub(super) async fn open(
        url: S3Url,
        options: &S3Options,
        planned: &[String],
        force: bool,
    ) -> anyhow::Result<Self> {
        let store = sparkify_storage::connect(options, url.bucket()).await?;
        let prefix = path(&url);
        let failed = |error| sparkify_storage::Error::of(error, Action::List, &url);
        let keys: Vec<String> = store
            .list(Some(&prefix))
            .map_ok(|object| object.location.to_string())
            .try_collect()
            .await
            .map_err(failed)?;
        let below = if url.key().is_empty() { String::new() } else { format!("{}/", url.key()) };
        let names: Vec<String> = keys
            .iter()
            .filter_map(|key| key.strip_prefix(&below))
            .filter(|name| !name.is_empty() && !name.ends_with('/'))
            .map(str::to_owned)
            .collect();
        if !force {
            let example = if names.iter().any(|name| name == INCOMPLETE) {
                let mark = read(&store, &url.join(INCOMPLETE)).await?;
                not_named(&names, &mark)
            } else if names.iter().any(|name| name == ANSWERS) {
                let answers = read(&store, &url.join(ANSWERS)).await?;
                foreign_file(names.iter().map(String::as_str), Some(&answers))
            } else {
                foreign_file(names.iter().map(String::as_str), None)
            };
            if let Some(example) = example {
                return Err(Error::Foreign { location: url.to_string(), example }.into());
            }
        }
        let shared = Shared {
            store,
            url,
            runtime: Handle::current(),
            writes: Arc::new(Semaphore::new(WRITES as usize)),
            uploads: Mutex::default(),
            before: names,
            written: Mutex::default(),
        };
        // What was not looked at may be anybody's.
        let before: &[String] = if force { &[] } else { &shared.before };
        let mark: Vec<&str> =
            [INCOMPLETE_BEGINS].into_iter().chain(before.iter().chain(planned).map(String::as_str)).collect();
        shared.put(INCOMPLETE.to_owned(), mark.join("\n").into_bytes()).await?;
        // What is half replaced must not look whole.
        if shared.before.iter().any(|name| name == ANSWERS) {
            shared.delete(ANSWERS).await?;
        }
        Ok(Self(Arc::new(shared)))
    }
}

/// The text of an object; what is no UTF-8 is none that was generated.
async fn read(store: &Store, url: &S3Url) -> Result<String, sparkify_storage::Error> {
    let failed = |error| sparkify_storage::Error::of(error, Action::Read, url);
    let object = store.get(&path(url)).await.map_err(failed)?;
    Ok(String::from_utf8(object.bytes().await.map_err(failed)?.into()).unwrap_or_default())
}

/// Of the objects that are there one that the mark of a killed run does not name.
fn not_named(names: &[String], mark: &str) -> Option<String> {
    let mut lines = mark.lines();
    if lines.next() != Some(INCOMPLETE_BEGINS) {
        return Some(INCOMPLETE.to_owned());
    }
    let named: HashSet<&str> = lines.chain([INCOMPLETE]).collect();
    names.iter().find(|name| !named.contains(name.as_str())).cloned()
}

/// The path as it stands; one that the store would write differently is still the same key.
fn path(url: &S3Url) -> Path {
    Path::parse(url.key()).unwrap_or_else(|_| Path::from(url.key()))
}

/// The value, whether or not a thread panicked that held it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn failed(action: Action, url: &S3Url) -> impl FnOnce(object_store::Error) -> Error {
    let (verb, url) = (if action == Action::Delete { "delete" } else { "write" }, url.clone());
    move |error| Error::Sink {
        action: verb,
        location: url.to_string(),
        source: Box::new(sparkify_storage::Error::of(error, action, &url)),
    }
}

impl Shared {
    /// Writes an object in one piece.
    fn put(&self, name: String, bytes: Vec<u8>) -> impl Future<Output = Upload> + Send + use<> {
        let (store, url) = (Arc::clone(&self.store), self.url.join(&name));
        async move {
            let written = store.put(&path(&url), bytes.into()).await;
            written.map(|_| ()).map_err(failed(Action::Write, &url))
        }
    }

    async fn delete(&self, name: &str) -> Upload {
        let url = self.url.join(name);
        match self.store.delete(&path(&url)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(failed(Action::Delete, &url)(error)),
        }
    }

    /// Deletes objects, several at a time; returns the first error.
    fn delete_all<'a>(self: &Arc<Self>, names: impl Iterator<Item = &'a str>) -> Upload {
        let mut deletions = JoinSet::new();
        for name in names {
            let permit = self.permit(1);
            let (shared, name) = (Arc::clone(self), name.to_owned());
            let work = async move {
                let _permit = permit;
                shared.delete(&name).await
            };
            deletions.spawn_on(work, &self.runtime);
        }
        self.runtime.block_on(all(&mut deletions))
    }

    /// Waits until so much more may be written.
    fn permit(&self, writes: u32) -> Option<OwnedSemaphorePermit> {
        // It is closed by nobody.
        self.runtime.block_on(Arc::clone(&self.writes).acquire_many_owned(writes)).ok()
    }

    /// The first error of what was written meanwhile.
    fn check(&self) -> Upload {
        let mut uploads = lock(&self.uploads);
        while let Some(ended) = uploads.try_join_next() {
            outcome(ended)?;
        }
        Ok(())
    }

    /// Waits for all small objects.
    fn wait(&self) -> Upload {
        let mut uploads = std::mem::take(&mut *lock(&self.uploads));
        self.runtime.block_on(all(&mut uploads))
    }
}

fn outcome(ended: Result<Upload, tokio::task::JoinError>) -> Upload {
    ended.unwrap_or_else(|error| {
        Err(Error::Sink { action: "write", location: "S3".to_owned(), source: Box::new(error) })
    })
}

async fn all(tasks: &mut JoinSet<Upload>) -> Upload {
    let mut result = Ok(());
    while let Some(ended) = tasks.join_next().await {
        result = result.and(outcome(ended));
    }
    result
}

impl Sink for Bucket {
    fn location(&self) -> String {
        self.0.url.to_string()
    }

    fn create(&self, name: &str) -> Result<Box<dyn SinkFile>, Error> {
        self.0.check()?;
        if name == ANSWERS {
            // Everything else is there when they are.
            self.0.wait()?;
        }
        lock(&self.0.written).insert(name.to_owned());
        Ok(Box::new(Object { shared: Arc::clone(&self.0), name: name.to_owned(), state: Mutex::default() }))
    }

    fn publish(&self) -> Result<(), Error> {
        self.0.wait()?;
        let written = lock(&self.0.written).clone();
        let old = self.0.before.iter().map(String::as_str);
        // What does not belong to a data set stays.
        let old = old.filter(|name| {
            !written.contains(*name) && (name.starts_with("log_data/") || name.starts_with("song_data/"))
        });
        self.0.delete_all(old)?;
        self.0.runtime.block_on(self.0.delete(INCOMPLETE))
    }

    fn discard(&self) {
        // The error that counts is the one that led here.
        let _ = self.0.wait();
        let written = lock(&self.0.written).clone();
        // Without its answers nothing looks whole.
        let answers = written.iter().find(|name| *name == ANSWERS);
        let first = self.0.delete_all(answers.into_iter().map(String::as_str));
        let deleted = first.and(self.0.delete_all(written.iter().map(String::as_str)));
        // Objects that could not be deleted, and those of the old data set, are known by the mark.
        if deleted.is_ok() && self.0.before.is_empty() {
            let _ = self.0.runtime.block_on(self.0.delete(INCOMPLETE));
        }
    }
}

/// An object that is being written: what is short in one piece, what is long in parts.
#[derive(Debug)]
struct Object {
    shared: Arc<Shared>,
    name: String,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The number of the part that comes next.
    next: u64,
    /// Parts that came too early.
    waiting: BTreeMap<u64, Vec<u8>>,
    /// What was not sent yet.
    buffer: Vec<u8>,
    upload: Option<Box<dyn MultipartUpload>>,
    parts: JoinSet<Upload>,
}

impl Object {
    /// Sends what is in the buffer as a part.
    fn send(&self, state: &mut State) -> Upload {
        let runtime = &self.shared.runtime;
        let url = self.shared.url.join(&self.name);
        let upload = match &mut state.upload {
            Some(upload) => upload,
            None => {
                let upload = runtime.block_on(self.shared.store.put_multipart(&path(&url)));
                state.upload.insert(upload.map_err(failed(Action::Write, &url))?)
            }
        };
        let permit = self.shared.permit(WRITES_PER_PART);
        let sending = upload.put_part(std::mem::take(&mut state.buffer).into());
        let work = async move {
            let _permit = permit;
            sending.await.map_err(failed(Action::Write, &url))
        };
        state.parts.spawn_on(work, runtime);
        while let Some(ended) = state.parts.try_join_next() {
            outcome(ended)?;
        }
        Ok(())
    }

    fn complete(&self, state: &mut State) -> Upload {
        let runtime = &self.shared.runtime;
        if state.upload.is_none() {
            let work = self.shared.put(self.name.clone(), std::mem::take(&mut state.buffer));
            if self.name == ANSWERS {
                return runtime.block_on(work);
            }
            let permit = self.shared.permit(1);
            let work = async move {
                let _permit = permit;
                work.await
            };
            lock(&self.shared.uploads).spawn_on(work, runtime);
            return Ok(());
        }
        if !state.buffer.is_empty() {
            self.send(state)?;
        }
        runtime.block_on(all(&mut state.parts))?;
        if let Some(upload) = &mut state.upload {
            let url = self.shared.url.join(&self.name);
            runtime.block_on(upload.complete()).map_err(failed(Action::Write, &url))?;
            state.upload = None;
        }
        Ok(())
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        // Parts of an upload that is neither completed nor aborted cost money, as those do that come after that.
        let State { upload, mut parts, .. } = std::mem::take(&mut *lock(&self.state));
        if let Some(mut upload) = upload {
            let _ = self.shared.runtime.block_on(async {
                parts.shutdown().await;
                upload.abort().await
            });
        }
    }
}

impl SinkFile for Object {
    fn write(&self, part: Part<'_>) -> Result<(), Error> {
        let mut state = lock(&self.state);
        state.waiting.insert(part.number, part.bytes.to_vec());
        loop {
            let next = state.next;
            let Some(bytes) = state.waiting.remove(&next) else { return Ok(()) };
            state.next += 1;
            state.buffer.extend_from_slice(&bytes);
            if state.buffer.len() >= PART_BYTES {
                self.send(&mut state)?;
            }
        }
    }

    fn finish(self: Box<Self>) -> Result<(), Error> {
        let mut state = lock(&self.state);
        self.complete(&mut state)
    }
}
