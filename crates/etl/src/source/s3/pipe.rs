//! The bytes of an object, from the task that fetches them to the thread that reads them.

use std::{
    collections::VecDeque,
    io::{self, Read},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

use bytes::{Buf, Bytes};
use tokio::sync::{Notify, OwnedSemaphorePermit};

use crate::error::SourceError;

/// What a pipe holds before its writer has to wait: enough to go on while the reader parses a block.
pub(super) const WINDOW_BYTES: usize = 4 * 1024 * 1024;

#[derive(Debug, Default)]
struct State {
    parts: VecDeque<Bytes>,
    bytes: usize,
    /// All has been written, or writing failed.
    end: Option<Result<(), SourceError>>,
    reader_gone: bool,
}

#[derive(Debug, Default)]
struct Pipe {
    state: Mutex<State>,
    /// There is something for the reader.
    filled: Condvar,
    /// There is room for the writer.
    drained: Notify,
}

impl Pipe {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The end that is written to.
#[derive(Debug)]
pub(super) struct PipeWriter(Arc<Pipe>);

/// The end that is read from, by a thread that may block.
#[derive(Debug)]
pub(super) struct PipeReader {
    pipe: Arc<Pipe>,
    part: Bytes,
    /// The part of the memory that this pipe may fill. Dropped when everything has been read.
    _room: OwnedSemaphorePermit,
}

/// A new pipe, for which there is room.
pub(super) fn pipe(room: OwnedSemaphorePermit) -> (PipeWriter, PipeReader) {
    let pipe = Arc::new(Pipe::default());
    (PipeWriter(Arc::clone(&pipe)), PipeReader { pipe, part: Bytes::new(), _room: room })
}

impl PipeWriter {
    /// Writes, and waits while the pipe is full. False when nobody will read it.
    pub(super) async fn write(&self, part: Bytes) -> bool {
        loop {
            {
                let mut state = self.0.lock();
                if state.reader_gone {
                    return false;
                }
                if state.bytes < WINDOW_BYTES {
                    state.bytes += part.len();
                    state.parts.push_back(part);
                    self.0.filled.notify_one();
                    return true;
                }
            }
            self.0.drained.notified().await;
        }
    }

    /// Says that this was all, or what went wrong. The first word stands.
    pub(super) fn end(&self, result: Result<(), SourceError>) {
        let mut state = self.0.lock();
        state.end.get_or_insert(result);
        self.0.filled.notify_one();
    }

    /// Whether nobody will wait for it any more.
    pub(super) fn is_over(&self) -> bool {
        let state = self.0.lock();
        state.end.is_some() || state.reader_gone
    }

    /// Another hold of the same end, to end it from elsewhere.
    pub(super) fn clone_end(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl Read for PipeReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.part.is_empty() {
            let mut state = self.pipe.lock();
            loop {
                // An error is told at once: what came before it is of no use any more.
                if let Some(Err(_)) = &state.end
                    && let Some(Err(error)) = state.end.replace(Ok(()))
                {
                    state.parts.clear();
                    return Err(io::Error::other(error));
                }
                if let Some(part) = state.parts.pop_front() {
                    state.bytes -= part.len();
                    self.pipe.drained.notify_one();
                    self.part = part;
                    break;
                }
                if state.end.is_some() {
                    return Ok(0);
                }
                state = self.pipe.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
        let length = buffer.len().min(self.part.len());
        self.part.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}

impl Drop for PipeReader {
    fn drop(&mut self) {
        self.pipe.lock().reader_gone = true;
        self.pipe.drained.notify_one();
    }
}
