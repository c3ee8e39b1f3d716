//! Objects fetched ahead of those who read them.
//!
//! Each object gets room in memory before it is fetched: its size, or the window of its pipe if it is
//! larger. Room is given in the order of the files and given back when an object has been read, so an object
//! that is being read always has what it needs to be read to its end, and nothing waits for ever. A small
//! object is handed out when all of it is there, a large one when it begins to come; so a slow object does
//! not keep the readers from those behind it.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

use sparkify_storage::S3Url;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
};

use super::{
    Stores,
    fetch::Fetch,
    io::{IoThread, Task},
    path_of,
    pipe::{PipeReader, PipeWriter, WINDOW_BYTES, pipe},
};
use crate::{
    Cancel,
    error::{SourceError, SourceProblem},
    source::{Content, FileFeed, SourceFile},
};

/// Requests under way at once. S3 takes some tens of milliseconds for each, however small.
const REQUESTS_AT_ONCE: usize = 64;
/// What all objects together may have in memory.
const ROOM_BYTES: usize = 32 * 1024 * 1024;
/// The least room an object takes, so that objects of a few bytes are not fetched by the ten thousand.
const ROOM_BYTES_MIN: usize = 32 * 1024;

/// The objects of a list.
#[derive(Debug)]
pub(super) struct S3Feed {
    shared: Arc<Shared>,
    _task: Task<()>,
}

#[derive(Debug)]
struct Shared {
    files: Arc<[SourceFile]>,
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Debug)]
struct Queue {
    /// What can be handed out.
    ready: VecDeque<(usize, Result<PipeReader, SourceError>)>,
    /// How many have not been handed out.
    left: usize,
    /// Pipes that were handed out before they were full, so that a reader may wait.
    open: Vec<PipeWriter>,
    stopped: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hand_out(&self, index: usize, content: Result<PipeReader, SourceError>) {
        self.lock().ready.push_back((index, content));
        self.changed.notify_one();
    }

    /// Ends the waiting for what has not come. What is ready stays so.
    fn stop(&self) {
        let mut queue = self.lock();
        queue.stopped = true;
        for pipe in queue.open.drain(..) {
            pipe.end(Err(stopped(&self.files[0])));
        }
        drop(queue);
        self.changed.notify_all();
    }
}

/// Whatever ends the task, nobody waits for it afterwards.
struct StopAtEnd(Arc<Shared>);

impl Drop for StopAtEnd {
    fn drop(&mut self) {
        self.0.stop();
    }
}

fn stopped(file: &SourceFile) -> SourceError {
    SourceError::new(file.path.clone(), SourceProblem::Stopped)
}

impl S3Feed {
    pub(super) fn start(
        io: &IoThread,
        stores: Arc<Stores>,
        files: Arc<[SourceFile]>,
        cancel: Cancel,
    ) -> Self {
        let queue = Queue { ready: VecDeque::new(), left: files.len(), open: Vec::new(), stopped: false };
        let shared = Arc::new(Shared { files, queue: Mutex::new(queue), changed: Condvar::new() });
        let task = io.spawn({
            let shared = StopAtEnd(Arc::clone(&shared));
            async move {
                tokio::select! {
                    () = fetch_all(&shared.0, &stores) => {}
                    () = cancel.cancelled() => {}
                }
            }
        });
        Self { shared, _task: task }
    }
}

async fn fetch_all(shared: &Arc<Shared>, stores: &Arc<Stores>) {
    let room = Arc::new(Semaphore::new(ROOM_BYTES));
    let requests = Arc::new(Semaphore::new(REQUESTS_AT_ONCE));
    // Dropped when the load is stopped, with all requests under way.
    let mut fetches = JoinSet::new();
    for index in 0..shared.files.len() {
        let size = usize::try_from(shared.files[index].size).unwrap_or(usize::MAX);
        let needed = u32::try_from(size.clamp(ROOM_BYTES_MIN, WINDOW_BYTES)).unwrap_or(u32::MAX);
        let room = Arc::clone(&room).acquire_many_owned(needed).await;
        let request = Arc::clone(&requests).acquire_owned().await;
        // Never closed.
        let (Ok(room), Ok(request)) = (room, request) else { return };
        let (shared, stores) = (Arc::clone(shared), Arc::clone(stores));
        fetches.spawn(async move {
            fetch(&shared, &stores, index, room).await;
            drop(request);
        });
        // Those that are done are forgotten; a panic of one is passed on.
        while let Some(result) = fetches.try_join_next() {
            pass_on(result);
        }
    }
    while let Some(result) = fetches.join_next().await {
        pass_on(result);
    }
}

fn pass_on(result: Result<(), tokio::task::JoinError>) {
    if let Err(error) = result
        && error.is_panic()
    {
        std::panic::resume_unwind(error.into_panic());
    }
}

async fn fetch(shared: &Shared, stores: &Stores, index: usize, room: OwnedSemaphorePermit) {
    let file = &shared.files[index];
    let (writer, reader) = pipe(room);
    let mut reader = Some(reader);
    if file.size > WINDOW_BYTES as u64 {
        let mut queue = shared.lock();
        queue.open.retain(|pipe| !pipe.is_over());
        queue.open.push(writer.clone_end());
        drop(queue);
        shared.hand_out(index, reader.take().ok_or_else(|| stopped(file)));
    }
    let result = match open(stores, file) {
        Ok((store, url, path)) => Fetch::new(store, file, url, path).run(&writer).await,
        Err(error) => Err(error),
    };
    match (result, reader) {
        (Ok(()), Some(reader)) => {
            writer.end(Ok(()));
            shared.hand_out(index, Ok(reader));
        }
        (Err(error), Some(_)) => shared.hand_out(index, Err(error)),
        (result, None) => writer.end(result),
    }
}

fn open<'a>(
    stores: &'a Stores,
    file: &SourceFile,
) -> Result<
    (&'a Arc<dyn sparkify_storage::ObjectStore>, S3Url, sparkify_storage::object_store::path::Path),
    SourceError,
> {
    let url = S3Url::parse(&file.path)
        .map_err(|error| SourceError::new(file.path.clone(), SourceProblem::Store(error.to_string())))?;
    let path = path_of(&url)?;
    Ok((stores.of(&url)?, url, path))
}

impl FileFeed for S3Feed {
    fn next(&self) -> Option<(usize, Result<Content, SourceError>)> {
        let mut queue = self.shared.lock();
        loop {
            if let Some((index, content)) = queue.ready.pop_front() {
                queue.left -= 1;
                if queue.left == 0 {
                    self.shared.changed.notify_all();
                }
                return Some((index, content.map(|reader| Box::new(reader) as Content)));
            }
            if queue.left == 0 {
                return None;
            }
            if queue.stopped {
                return Some((0, Err(stopped(&self.shared.files[0]))));
            }
            queue = self.shared.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }
}
