//! Multipart uploads.

use bytes::BytesMut;
use hyper::{StatusCode, header::ETAG};
use md5::{Digest, Md5};

use super::{
    checksum,
    error::{S3Error, S3Result},
    objects,
    request::Request,
    server::Reply,
    state::{Object, State, Upload, hex},
    xml::{self, Xml},
};

/// The least size of a part that is not the last one.
const PART_BYTES_MIN: usize = 5 * 1024 * 1024;

fn no_such_upload() -> S3Error {
    let message = "The specified multipart upload does not exist.";
    S3Error::new(StatusCode::NOT_FOUND, "NoSuchUpload", message)
}

pub(super) fn create(state: &mut State, request: &Request) -> S3Result<Reply> {
    state.uploads_begun += 1;
    let id = format!("upload-{:08}", state.uploads_begun);
    let upload = Upload {
        key: request.key.clone(),
        headers: objects::stored_headers(request),
        parts: std::collections::BTreeMap::new(),
    };
    state.bucket(&request.bucket)?.uploads.insert(id.clone(), upload);
    let mut xml = Xml::document();
    xml.element("InitiateMultipartUploadResult", |xml| {
        xml.text("Bucket", &request.bucket);
        xml.text("Key", &request.key);
        xml.text("UploadId", &id);
    });
    Ok(Reply::xml(xml.finish()))
}

fn upload<'a>(state: &'a mut State, request: &Request) -> S3Result<&'a mut Upload> {
    let id = request.query.get("uploadId").unwrap_or_default();
    let upload = state.bucket(&request.bucket)?.uploads.get_mut(id);
    upload.filter(|upload| upload.key == request.key).ok_or_else(no_such_upload)
}

pub(super) fn part(state: &mut State, request: &Request) -> S3Result<Reply> {
    let content = checksum::uploaded(request)?;
    let number = request.query.get("partNumber").and_then(|text| text.parse().ok());
    let number = number.filter(|number| (1..=10_000).contains(number)).ok_or_else(|| {
        let message = "Part number must be an integer between 1 and 10000, inclusive";
        S3Error::bad_request("InvalidArgument", message)
    })?;
    let md5: [u8; 16] = Md5::digest(&content).into();
    upload(state, request)?.parts.insert(number, (content, md5));
    Ok(Reply::empty(StatusCode::OK).with(ETAG, format!("\"{}\"", hex(&md5))))
}

pub(super) fn complete(state: &mut State, request: &Request) -> S3Result<Reply> {
    let document = String::from_utf8_lossy(&request.body).into_owned();
    let upload = upload(state, request)?;
    let invalid = || {
        let message = "One or more of the specified parts could not be found.";
        S3Error::bad_request("InvalidPart", message)
    };
    let (mut bytes, mut hashes) = (BytesMut::new(), Vec::new());
    let parts = xml::contents(&document, "Part");
    for (index, part) in parts.iter().enumerate() {
        let number: u32 =
            xml::text(part, "PartNumber").and_then(|text| text.trim().parse().ok()).ok_or_else(invalid)?;
        let etag = xml::text(part, "ETag").ok_or_else(invalid)?;
        let (content, md5) = upload.parts.get(&number).ok_or_else(invalid)?;
        if etag.trim().trim_matches('"') != hex(md5) {
            return Err(invalid());
        }
        if content.len() < PART_BYTES_MIN && index + 1 < parts.len() {
            let message = "Your proposed upload is smaller than the minimum allowed size";
            return Err(S3Error::bad_request("EntityTooSmall", message));
        }
        bytes.extend_from_slice(content);
        hashes.extend_from_slice(md5);
    }
    if parts.is_empty() {
        return Err(invalid());
    }
    let etag = format!("\"{}-{}\"", hex(&Md5::digest(&hashes)), parts.len());
    let object = Object { etag: etag.clone(), ..Object::new(bytes.freeze()) };
    let object = object.with_headers(upload.headers.clone());
    let bucket = state.bucket(&request.bucket)?;
    bucket.uploads.remove(request.query.get("uploadId").unwrap_or_default());
    let stored = objects::store(bucket, &request.key, object);
    let mut xml = Xml::document();
    xml.element("CompleteMultipartUploadResult", |xml| {
        xml.text("Bucket", &request.bucket);
        xml.text("Key", &request.key);
        xml.text("ETag", &etag);
    });
    Ok(Reply { headers: stored.headers, ..Reply::xml(xml.finish()) })
}

pub(super) fn abort(state: &mut State, request: &Request) -> S3Result<Reply> {
    upload(state, request)?;
    let bucket = state.bucket(&request.bucket)?;
    bucket.uploads.remove(request.query.get("uploadId").unwrap_or_default());
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
