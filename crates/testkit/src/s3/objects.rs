//! Reading, writing and deleting objects; buckets.

use std::ops::Range;

use bytes::Bytes;
use hyper::{
    StatusCode,
    header::{
        ACCEPT_RANGES, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderName, IF_MATCH, IF_NONE_MATCH, LAST_MODIFIED,
    },
};

use super::{
    checksum,
    error::{S3Error, S3Result},
    request::{Operation, Request, decode},
    server::Reply,
    state::{Bucket, Object, State},
    xml::{self, Xml},
};

const XML_NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";
/// The largest content that is remembered after its object is gone.
const REMEMBERED_BYTES_MAX: usize = 1 << 20;
/// Headers that are stored with an object.
const STORED: [&str; 4] = ["cache-control", "content-disposition", "content-encoding", "content-type"];

pub(super) fn create_bucket(state: &mut State, request: &Request, home: &str) -> S3Result<Reply> {
    if state.buckets.contains_key(&request.bucket) {
        let message = "Your previous request to create the named bucket succeeded and you already own it.";
        return Err(S3Error::new(StatusCode::CONFLICT, "BucketAlreadyOwnedByYou", message));
    }
    let document = String::from_utf8_lossy(&request.body);
    let region = xml::text(&document, "LocationConstraint").unwrap_or_else(|| home.to_owned());
    state.buckets.insert(request.bucket.clone(), Bucket::new(&region, false));
    Ok(Reply::empty(StatusCode::OK))
}

pub(super) fn delete_bucket(state: &mut State, request: &Request) -> S3Result<Reply> {
    if !state.bucket(&request.bucket)?.objects.is_empty() {
        let message = "The bucket you tried to delete is not empty";
        return Err(S3Error::new(StatusCode::CONFLICT, "BucketNotEmpty", message));
    }
    state.buckets.remove(&request.bucket);
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

pub(super) fn head_bucket(state: &mut State, request: &Request) -> S3Result<Reply> {
    let region = state.bucket(&request.bucket)?.region.clone();
    Ok(Reply::empty(StatusCode::OK).with(HeaderName::from_static("x-amz-bucket-region"), region))
}

pub(super) fn bucket_location(state: &mut State, request: &Request) -> S3Result<Reply> {
    let region = &state.bucket(&request.bucket)?.region;
    // The oldest region has no name here.
    let name = if region == "us-east-1" { "" } else { region };
    let mut xml = Xml::document();
    xml.text("LocationConstraint", name);
    let document = xml.finish();
    let opening = format!("<LocationConstraint xmlns=\"{XML_NAMESPACE}\">");
    Ok(Reply::xml(document.replacen("<LocationConstraint>", &opening, 1)))
}

pub(super) fn get(state: &mut State, request: &Request) -> S3Result<Reply> {
    let object = state.bucket(&request.bucket)?.object(&request.key)?;
    if let Some(wanted) = request.header(IF_MATCH.as_str())
        && !matches(wanted, &object.etag)
    {
        return Err(S3Error::precondition_failed("If-Match"));
    }
    let reply = Reply::empty(StatusCode::OK)
        .with(ETAG, object.etag.clone())
        .with(LAST_MODIFIED, httpdate::fmt_http_date(object.modified));
    if let Some(known) = request.header(IF_NONE_MATCH.as_str())
        && matches(known, &object.etag)
    {
        return Ok(Reply { status: StatusCode::NOT_MODIFIED, ..reply });
    }
    let size = object.bytes.len();
    let (status, range) = match request.header("range") {
        Some(text) => (StatusCode::PARTIAL_CONTENT, range(text, size)?),
        None => (StatusCode::OK, 0..size),
    };
    let mut reply = Reply { status, ..reply }.with(ACCEPT_RANGES, "bytes".to_owned());
    if status == StatusCode::PARTIAL_CONTENT {
        let shown = format!("bytes {}-{}/{size}", range.start, range.end.saturating_sub(1));
        reply = reply.with(CONTENT_RANGE, shown);
    }
    if !object.headers.iter().any(|(name, _)| name == CONTENT_TYPE.as_str()) {
        reply = reply.with(CONTENT_TYPE, "binary/octet-stream".to_owned());
    }
    for (name, value) in &object.headers {
        if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
            reply = reply.with(name, value.clone());
        }
    }
    reply.stated_length = Some(range.len());
    if request.operation == Operation::Get {
        reply.body = object.bytes.slice(range);
    }
    Ok(reply)
}

/// Whether a list of ETags, or a star, has this one.
fn matches(list: &str, etag: &str) -> bool {
    list.split(',').map(str::trim).any(|one| one == "*" || one.trim_matches('"') == etag.trim_matches('"'))
}

/// The bytes that a header `Range` means.
fn range(text: &str, size: usize) -> S3Result<Range<usize>> {
    let invalid = || {
        let message = "The requested range is not satisfiable";
        S3Error::new(StatusCode::RANGE_NOT_SATISFIABLE, "InvalidRange", message)
            .with("ActualObjectSize", &size.to_string())
    };
    let (first, last) =
        text.strip_prefix("bytes=").and_then(|range| range.split_once('-')).ok_or_else(invalid)?;
    let number = |text: &str| text.trim().parse::<usize>().map_err(|_| invalid());
    let range = match (first, last) {
        ("", last) => size.saturating_sub(number(last)?)..size,
        (first, "") => number(first)?..size,
        (first, last) => number(first)?..number(last)?.saturating_add(1).min(size),
    };
    if range.is_empty() { Err(invalid()) } else { Ok(range) }
}

/// The headers of a request that are stored with the object.
pub(super) fn stored_headers(request: &Request) -> Vec<(String, String)> {
    let stored = |name: &str| STORED.contains(&name) || name.starts_with("x-amz-meta-");
    let mut headers = Vec::new();
    for (name, value) in &request.headers {
        let (name, Ok(value)) = (name.as_str(), value.to_str()) else { continue };
        // How the body travelled is no property of the object.
        let value = value.replace("aws-chunked,", "").replace("aws-chunked", "");
        if stored(name) && !value.trim().is_empty() {
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
    }
    headers
}

fn check_conditions(request: &Request, bucket: &Bucket) -> S3Result<()> {
    let present = bucket.objects.get(&request.key);
    if let Some(wanted) = request.header(IF_MATCH.as_str()) {
        let object = present.ok_or_else(|| S3Error::no_such_key(&request.key))?;
        if !matches(wanted, &object.etag) {
            return Err(S3Error::precondition_failed("If-Match"));
        }
    }
    match (request.header(IF_NONE_MATCH.as_str()), present) {
        (Some(known), Some(object)) if matches(known, &object.etag) => {
            Err(S3Error::precondition_failed("If-None-Match"))
        }
        _ => Ok(()),
    }
}

pub(super) fn put(state: &mut State, request: &Request) -> S3Result<Reply> {
    let content = checksum::uploaded(request)?;
    let bucket = state.bucket(&request.bucket)?;
    check_conditions(request, bucket)?;
    let object = Object::new(content.clone()).with_headers(stored_headers(request));
    let reply = store(bucket, &request.key, object);
    if content.len() <= REMEMBERED_BYTES_MAX {
        state.puts.push((request.bucket.clone(), request.key.clone(), content));
    }
    Ok(reply)
}

/// Stores an object and says so.
pub(super) fn store(bucket: &mut Bucket, key: &str, object: Object) -> Reply {
    let etag = object.etag.clone();
    bucket.objects.insert(key.to_owned(), object);
    Reply::empty(StatusCode::OK).with(ETAG, etag)
}

pub(super) fn copy(state: &mut State, request: &Request) -> S3Result<Reply> {
    let source = decode(request.header("x-amz-copy-source").unwrap_or_default())?;
    let source = source.trim_start_matches('/');
    let (from, key) = source.split_once('/').ok_or_else(|| S3Error::no_such_key(source))?;
    let object = state.bucket(from)?.object(key)?.clone();
    let object = Object { modified: std::time::SystemTime::now(), ..object };
    let mut xml = Xml::document();
    xml.element("CopyObjectResult", |xml| {
        xml.text("ETag", &object.etag);
        xml.text("LastModified", &humantime::format_rfc3339_millis(object.modified).to_string());
    });
    state.bucket(&request.bucket)?.objects.insert(request.key.clone(), object);
    Ok(Reply::xml(xml.finish()))
}

pub(super) fn delete(state: &mut State, request: &Request) -> S3Result<Reply> {
    state.bucket(&request.bucket)?.objects.remove(&request.key);
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

pub(super) fn delete_many(state: &mut State, request: &Request) -> S3Result<Reply> {
    let content: Bytes = checksum::uploaded(request)?;
    let document = String::from_utf8_lossy(&content);
    let keys: Vec<_> = xml::contents(&document, "Key").into_iter().map(xml::unescape).collect();
    if keys.is_empty() || keys.len() > 1000 {
        let message =
            "The XML you provided was not well-formed or did not validate against our published schema";
        return Err(S3Error::bad_request("MalformedXML", message));
    }
    let quiet = xml::text(&document, "Quiet").as_deref() == Some("true");
    let bucket = state.bucket(&request.bucket)?;
    let mut xml = Xml::document();
    xml.element("DeleteResult", |xml| {
        for key in &keys {
            bucket.objects.remove(key);
            if !quiet {
                xml.element("Deleted", |xml| xml.text("Key", key));
            }
        }
    });
    Ok(Reply::xml(xml.finish()))
}
