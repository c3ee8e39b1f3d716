//! What a request asks for.

use bytes::Bytes;
use hyper::{HeaderMap, Method, http::request::Parts};
use percent_encoding::percent_decode_str;

use super::error::{S3Error, S3Result};

/// The operations of S3 that the double knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// `ListBuckets`
    ListBuckets,
    /// `CreateBucket`
    CreateBucket,
    /// `DeleteBucket`
    DeleteBucket,
    /// `HeadBucket`
    HeadBucket,
    /// `GetBucketLocation`
    GetBucketLocation,
    /// `ListObjectsV2`
    List,
    /// `GetObject`
    Get,
    /// `HeadObject`
    Head,
    /// `PutObject`
    Put,
    /// `CopyObject`
    Copy,
    /// `DeleteObject`
    Delete,
    /// `DeleteObjects`
    DeleteMany,
    /// `CreateMultipartUpload`
    CreateUpload,
    /// `UploadPart`
    UploadPart,
    /// `CompleteMultipartUpload`
    CompleteUpload,
    /// `AbortMultipartUpload`
    AbortUpload,
    /// Anything else: answered with `NotImplemented`.
    Other,
}

impl Operation {
    fn of(method: &Method, bucket: &str, key: &str, query: &Query, headers: &HeaderMap) -> Self {
        let has = |name| query.get(name).is_some();
        match (method.as_str(), bucket.is_empty(), key.is_empty()) {
            ("GET", true, true) => Self::ListBuckets,
            ("PUT", false, true) if query.is_empty() => Self::CreateBucket,
            ("DELETE", false, true) if query.is_empty() => Self::DeleteBucket,
            ("HEAD", false, true) => Self::HeadBucket,
            ("GET", false, true) if has("location") => Self::GetBucketLocation,
            ("GET", false, true) if query.get("list-type") == Some("2") => Self::List,
            ("POST", false, true) if has("delete") => Self::DeleteMany,
            ("GET", false, false) if !has("uploadId") => Self::Get,
            ("HEAD", false, false) => Self::Head,
            ("PUT", false, false) if has("partNumber") => Self::UploadPart,
            ("PUT", false, false) if headers.contains_key("x-amz-copy-source") => Self::Copy,
            ("PUT", false, false) if !has("acl") && !has("tagging") => Self::Put,
            ("POST", false, false) if has("uploads") => Self::CreateUpload,
            ("POST", false, false) if has("uploadId") => Self::CompleteUpload,
            ("DELETE", false, false) if has("uploadId") => Self::AbortUpload,
            ("DELETE", false, false) => Self::Delete,
            _ => Self::Other,
        }
    }

    /// Whether the public may do it with a public bucket.
    pub(super) const fn is_reading(self) -> bool {
        matches!(self, Self::List | Self::Get | Self::Head | Self::HeadBucket | Self::GetBucketLocation)
    }
}

/// The parameters of a query, decoded.
#[derive(Debug, Default)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    fn parse(text: &str) -> S3Result<Self> {
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(&name.replace('+', " "))?, decode(&value.replace('+', " "))?))
        });
        Ok(Self(pairs.collect::<S3Result<_>>()?))
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn pairs(&self) -> &[(String, String)] {
        &self.0
    }

    fn is_empty(&self) -> bool {
        // The SDKs name the operation in a parameter of their own.
        self.0.iter().all(|(name, _)| name == "x-id")
    }
}

/// A request, read as far as its operation.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) operation: Operation,
    pub(super) method: Method,
    /// The path as it came, decoded.
    pub(super) path: String,
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) query: Query,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Request {
    pub(super) fn read(parts: &Parts) -> S3Result<Self> {
        let path = decode(parts.uri.path())?;
        let query = Query::parse(parts.uri.query().unwrap_or_default())?;
        let (bucket, key) = path[1..].split_once('/').unwrap_or((&path[1..], ""));
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        let operation = Operation::of(&parts.method, &bucket, &key, &query, &parts.headers);
        let headers = parts.headers.clone();
        Ok(Self {
            operation,
            method: parts.method.clone(),
            path,
            bucket,
            key,
            query,
            headers,
            body: Bytes::new(),
        })
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The key, or the prefix of a listing.
    pub(super) fn subject(&self) -> &str {
        if self.operation == Operation::List {
            self.query.get("prefix").unwrap_or_default()
        } else {
            &self.key
        }
    }

    /// The access key it says it is signed with.
    pub(super) fn access_key(&self) -> Option<&str> {
        let credential = self.header("authorization")?.split_once("Credential=")?.1;
        credential.split('/').next()
    }
}

pub(super) fn decode(text: &str) -> S3Result<String> {
    percent_decode_str(text)
        .decode_utf8()
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| S3Error::bad_request("InvalidURI", "Couldn't parse the specified URI."))
}
