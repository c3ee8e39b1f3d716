//! Buckets, objects, uploads and credentials.

use std::{
    collections::{BTreeMap, HashMap},
    time::SystemTime,
};

use bytes::Bytes;
use md5::{Digest, Md5};

use super::error::{S3Error, S3Result};

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) buckets: BTreeMap<String, Bucket>,
    pub(super) credentials: HashMap<String, Credential>,
    /// What was put with one request, in order: bucket, key and content. Large contents are left out.
    pub(super) puts: Vec<(String, String, Bytes)>,
    /// How many uploads were begun, for their ids.
    pub(super) uploads_begun: u64,
}

impl State {
    pub(super) fn bucket(&mut self, name: &str) -> S3Result<&mut Bucket> {
        self.buckets.get_mut(name).ok_or_else(|| S3Error::no_such_bucket(name))
    }
}

#[derive(Debug, Clone)]
pub(super) struct Credential {
    pub(super) secret_key: String,
    pub(super) token: Option<String>,
    pub(super) expired: bool,
}

impl Credential {
    pub(super) fn lasting(secret_key: &str) -> Self {
        Self { secret_key: secret_key.to_owned(), token: None, expired: false }
    }
}

#[derive(Debug)]
pub(super) struct Bucket {
    pub(super) region: String,
    /// Whether anybody may list and read it.
    pub(super) public: bool,
    pub(super) objects: BTreeMap<String, Object>,
    pub(super) uploads: HashMap<String, Upload>,
}

impl Bucket {
    pub(super) fn new(region: &str, public: bool) -> Self {
        Self { region: region.to_owned(), public, objects: BTreeMap::new(), uploads: HashMap::new() }
    }

    pub(super) fn object(&self, key: &str) -> S3Result<&Object> {
        self.objects.get(key).ok_or_else(|| S3Error::no_such_key(key))
    }
}

/// A multipart upload that has not been completed.
#[derive(Debug)]
pub(super) struct Upload {
    pub(super) key: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) parts: BTreeMap<u32, (Bytes, [u8; 16])>,
}

#[derive(Debug, Clone)]
pub(super) struct Object {
    pub(super) bytes: Bytes,
    /// With its quotation marks.
    pub(super) etag: String,
    pub(super) modified: SystemTime,
    /// Content type, encoding and the like, and the user's metadata.
    pub(super) headers: Vec<(String, String)>,
}

impl Object {
    pub(super) fn new(bytes: Bytes) -> Self {
        let etag = format!("\"{}\"", hex(&Md5::digest(&bytes)));
        Self { bytes, etag, modified: SystemTime::now(), headers: Vec::new() }
    }

    pub(super) fn with_headers(mut self, headers: Vec<(String, String)>) -> Self {
        self.headers = headers;
        self
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from(b"0123456789abcdef"[usize::from(digit)]));
        }
    }
    text
}
