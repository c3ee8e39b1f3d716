//! An S3 of our own: an HTTP server in this process with everything in memory.
//!
//! It speaks what S3 clients speak to it here: path-style addresses, GET with ranges and conditions, HEAD,
//! PUT with checksums and `aws-chunked` bodies, COPY, multipart uploads, DELETE one by one and many at
//! once, ListObjectsV2 with pages. Signatures (Signature Version 4) are computed and compared, so a wrong
//! secret, an unknown key, an expired session or the wrong region fail as they do on S3. Faults can be put
//! into the next answers: see [`Fault`].
//!
//! It runs on a thread of its own, so a test may block, and may kill whoever talks to it.
//!
//! # Example
//!
//! ```
//! use sparkify_testkit::s3::{S3Double, S3DoubleOptions};
//!
//! let s3 = S3Double::launch(S3DoubleOptions::default());
//! s3.create_bucket("music");
//! s3.put("music", "song_data/A/1.json", "{}");
//! assert_eq!(s3.list("music", "song_data/"), ["song_data/A/1.json"]);
//! assert!(s3.endpoint().starts_with("http://127.0.0.1:"));
//! ```

mod auth;
mod body;
mod checksum;
mod error;
mod fault;
mod listing;
mod multipart;
mod objects;
mod request;
mod server;
mod state;
mod xml;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

use bytes::Bytes;
pub use fault::{Effect, Fault};
pub use request::Operation;
use tokio::sync::oneshot;

use self::state::{Bucket, Credential, Object, State};

/// The access key that every double knows.
pub const S3_ACCESS_KEY: &str = "AKIASPARKIFYTESTKIT0";
/// Its secret.
pub const S3_SECRET_KEY: &str = "sparkify/testkit/secret+key/0123456789abcdef";

/// How an S3 double is.
#[derive(Debug, Clone)]
pub struct S3DoubleOptions {
    /// The region of its buckets.
    pub region: String,
    /// Keys on a page of a listing.
    pub page_size: usize,
    /// Time before each answer, as on a network.
    pub latency: Duration,
}

impl Default for S3DoubleOptions {
    fn default() -> Self {
        Self { region: "us-west-2".to_owned(), page_size: 1000, latency: Duration::ZERO }
    }
}

/// Requests and bytes since the double began, or since they were last taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Requests {
    /// Requests by operation.
    pub by_operation: BTreeMap<Operation, u64>,
    /// Answers with an error, faults included.
    pub errors: u64,
    /// Bytes of bodies that were sent.
    pub bytes_sent: u64,
}

impl Requests {
    /// Requests of an operation.
    #[must_use]
    pub fn of(&self, operation: Operation) -> u64 {
        self.by_operation.get(&operation).copied().unwrap_or_default()
    }

    /// All requests.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.by_operation.values().sum()
    }
}

/// A request as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedRequest {
    /// What it asks for.
    pub operation: Operation,
    /// The bucket; empty for a listing of the buckets.
    pub bucket: String,
    /// The key, or the prefix of a listing.
    pub key: String,
    /// The header `Range`.
    pub range: Option<String>,
    /// The access key it was signed with; `None` if it was not signed.
    pub access_key: Option<String>,
}

/// What the server and its owner share.
#[derive(Debug)]
struct Shared {
    options: S3DoubleOptions,
    state: Mutex<State>,
    faults: Mutex<Vec<Fault>>,
    requests: Mutex<Requests>,
    log: Mutex<Vec<LoggedRequest>>,
}

/// A running S3 double. It ends when it is dropped.
#[derive(Debug)]
pub struct S3Double {
    address: SocketAddr,
    service_address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl S3Double {
    /// Starts one. Nothing is waited for; the method is async as those of the other doubles are.
    pub async fn start(options: S3DoubleOptions) -> Self {
        Self::launch(options)
    }

    /// Starts one from code that is not async.
    #[must_use]
    pub fn launch(options: S3DoubleOptions) -> Self {
        let mut state = State::default();
        state.credentials.insert(S3_ACCESS_KEY.to_owned(), Credential::lasting(S3_SECRET_KEY));
        let shared = Arc::new(Shared {
            options,
            state: Mutex::new(state),
            faults: Mutex::default(),
            requests: Mutex::default(),
            log: Mutex::default(),
        });
        let (stop, stopped) = oneshot::channel();
        let (address, service_address, thread) = server::spawn(Arc::clone(&shared), stopped);
        Self { address, service_address, shared, stop: Some(stop), thread: Some(thread) }
    }

    /// Where clients find it: an address for `AWS_ENDPOINT_URL_S3`. Requests must be signed, unless the
    /// bucket is public.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The same for doubles of AWS services, which read with a role: their requests are not signed.
    #[must_use]
    pub fn service_endpoint(&self) -> String {
        format!("http://{}", self.service_address)
    }

    /// The region of its buckets.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.shared.options.region
    }

    /// The environment variables of a client that may do everything here.
    #[must_use]
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ACCESS_KEY_ID", S3_ACCESS_KEY.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", S3_SECRET_KEY.to_owned()),
            ("AWS_REGION", self.region().to_owned()),
            ("AWS_ENDPOINT_URL_S3", self.endpoint()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ]
    }

    /// Makes a private bucket.
    pub fn create_bucket(&self, name: &str) {
        self.state().buckets.insert(name.to_owned(), Bucket::new(self.region(), false));
    }

    /// Makes a bucket that anybody may list and read.
    pub fn create_public_bucket(&self, name: &str) {
        self.state().buckets.insert(name.to_owned(), Bucket::new(self.region(), true));
    }

    /// Makes a private bucket in another region.
    pub fn create_bucket_in(&self, name: &str, region: &str) {
        self.state().buckets.insert(name.to_owned(), Bucket::new(region, false));
    }

    /// Removes a bucket with all that is in it.
    pub fn remove_bucket(&self, name: &str) {
        self.state().buckets.remove(name);
    }

    /// Puts an object.
    pub fn put(&self, bucket: &str, key: &str, bytes: impl Into<Bytes>) {
        self.bucket(bucket, |bucket| bucket.objects.insert(key.to_owned(), Object::new(bytes.into())));
    }

    /// Puts all files below a directory, with their paths below `prefix` as keys. Returns how many.
    pub fn put_directory(&self, bucket: &str, prefix: &str, directory: &Path) -> usize {
        let mut count = 0;
        let mut folders = vec![directory.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let name = path.strip_prefix(directory).expect("a path below").to_str().expect("UTF-8");
                self.put(bucket, &format!("{prefix}{name}"), std::fs::read(&path).expect("a file"));
                count += 1;
            }
        }
        count
    }

    /// The bytes of an object.
    #[must_use]
    pub fn get(&self, bucket: &str, key: &str) -> Option<Bytes> {
        self.bucket(bucket, |bucket| bucket.objects.get(key).map(|object| object.bytes.clone()))
    }

    /// What clients have put into a bucket, key and content in the order of the requests, also what is gone by
    /// now; without what is larger than a megabyte or came in parts.
    #[must_use]
    pub fn puts(&self, bucket: &str) -> Vec<(String, Bytes)> {
        let state = self.state();
        let puts = state.puts.iter().filter(|(of, ..)| of == bucket);
        puts.map(|(_, key, content)| (key.clone(), content.clone())).collect()
    }

    /// The entity tag of an object.
    #[must_use]
    pub fn etag(&self, bucket: &str, key: &str) -> Option<String> {
        self.bucket(bucket, |bucket| bucket.objects.get(key).map(|object| object.etag.clone()))
    }

    /// Deletes an object.
    pub fn delete(&self, bucket: &str, key: &str) {
        self.bucket(bucket, |bucket| bucket.objects.remove(key));
    }

    /// The keys that begin so, in order.
    #[must_use]
    pub fn list(&self, bucket: &str, prefix: &str) -> Vec<String> {
        self.bucket(bucket, |bucket| {
            let begin = bucket.objects.range(prefix.to_owned()..);
            begin.map(|(key, _)| key.clone()).take_while(|key| key.starts_with(prefix)).collect()
        })
    }

    /// The keys of the multipart uploads that were begun, and neither completed nor aborted.
    #[must_use]
    pub fn open_uploads(&self, bucket: &str) -> Vec<String> {
        self.bucket(bucket, |bucket| bucket.uploads.values().map(|upload| upload.key.clone()).collect())
    }

    /// Adds a pair of keys; with a token they are those of a session.
    pub fn add_credentials(&self, access_key: &str, secret_key: &str, token: Option<&str>) {
        let credential =
            Credential { secret_key: secret_key.to_owned(), token: token.map(str::to_owned), expired: false };
        self.state().credentials.insert(access_key.to_owned(), credential);
    }

    /// From now on a session is over: its requests are answered with `ExpiredToken`.
    pub fn expire(&self, access_key: &str) {
        self.state().credentials.get_mut(access_key).expect("known credentials").expired = true;
    }

    /// Adds a fault to those that wait for their requests.
    pub fn inject(&self, fault: Fault) {
        lock(&self.shared.faults).push(fault);
    }

    /// Forgets the faults.
    pub fn heal(&self) {
        lock(&self.shared.faults).clear();
    }

    /// The requests so far.
    #[must_use]
    pub fn requests(&self) -> Requests {
        lock(&self.shared.requests).clone()
    }

    /// The requests so far; counting begins anew.
    pub fn take_requests(&self) -> Requests {
        lock(&self.shared.log).clear();
        std::mem::take(&mut lock(&self.shared.requests))
    }

    /// Each request so far, in order.
    #[must_use]
    pub fn log(&self) -> Vec<LoggedRequest> {
        lock(&self.shared.log).clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.shared.state)
    }

    fn bucket<T>(&self, name: &str, work: impl FnOnce(&mut Bucket) -> T) -> T {
        work(self.state().buckets.get_mut(name).unwrap_or_else(|| panic!("there is no bucket {name}")))
    }
}

impl Drop for S3Double {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // The server may have ended by itself, which only a panic does.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
