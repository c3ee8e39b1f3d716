//! The hash of a file's content as stored, which tells whether it changed.

use std::{
    io::{self, Read},
    sync::{Arc, Mutex, PoisonError},
};

use twox_hash::XxHash3_128;

use crate::{
    error::SourceError,
    source::{Content, SourceFile},
};

/// A hasher that stays reachable while the reader that feeds it is inside a decompressor.
#[derive(Clone)]
pub(super) struct SharedHasher(Arc<Mutex<(XxHash3_128, u64)>>);

impl SharedHasher {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new((XxHash3_128::new(), 0))))
    }

    fn write(&self, bytes: &[u8]) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.0.write(bytes);
        state.1 += bytes.len() as u64;
    }

    /// The hash as text with the name of its algorithm.
    pub(super) fn finish(&self) -> String {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        format!("xxh3-128:{:032x}", state.0.finish_128())
    }

    /// The bytes hashed so far.
    pub(super) fn length(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1
    }
}

/// Hashes what is read through it.
pub(super) struct Hashing<R> {
    pub(super) inner: R,
    pub(super) hasher: SharedHasher,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.hasher.write(&buffer[..n]);
        Ok(n)
    }
}

/// The hash of a whole file.
pub(crate) fn hash_content(file: &SourceFile, content: Content) -> Result<String, SourceError> {
    let hasher = SharedHasher::new();
    let mut content = Hashing { inner: content, hasher: hasher.clone() };
    let mut buffer = vec![0; 1024 * 1024];
    while content.read(&mut buffer).map_err(|error| SourceError::io(file.path.clone(), error))? > 0 {}
    Ok(hasher.finish())
}
