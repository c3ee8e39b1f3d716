//! Listings, page by page.

use std::ops::Bound;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{
    error::{S3Error, S3Result},
    request::Request,
    server::Reply,
    state::{Object, State},
    xml::Xml,
};

/// What `encoding-type=url` encodes.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'*').remove(b'/');

pub(super) fn buckets(state: &State) -> Reply {
    let mut xml = Xml::document();
    xml.element("ListAllMyBucketsResult", |xml| {
        xml.element("Buckets", |xml| {
            for name in state.buckets.keys() {
                xml.element("Bucket", |xml| {
                    xml.text("Name", name);
                    xml.text("CreationDate", "2018-11-01T00:00:00.000Z");
                });
            }
        });
    });
    Reply::xml(xml.finish())
}

/// An entry of a page.
enum Entry<'a> {
    Object(&'a str, &'a Object),
    Prefix(String),
}

pub(super) fn objects(state: &mut State, request: &Request, page_size: usize) -> S3Result<Reply> {
    let bucket = state.bucket(&request.bucket)?;
    let parameter = |name| request.query.get(name).unwrap_or_default();
    let (prefix, delimiter) = (parameter("prefix"), parameter("delimiter"));
    let asked = request.query.get("max-keys").and_then(|text| text.parse().ok());
    let limit = page_size.min(asked.unwrap_or(usize::MAX));
    let token = request.query.get("continuation-token").map(|token| {
        let bad = || S3Error::bad_request("InvalidArgument", "The continuation token provided is incorrect");
        let bytes = BASE64.decode(token).map_err(|_| bad())?;
        String::from_utf8(bytes).map_err(|_| bad())
    });
    // A token beats the key to start after, as it goes further.
    let after = match token {
        Some(token) => token?,
        None => parameter("start-after").to_owned(),
    };

    let begin =
        if after.as_str() < prefix { Bound::Included(prefix) } else { Bound::Excluded(after.as_str()) };
    let mut entries = Vec::new();
    let mut last = String::new();
    let mut truncated = false;
    for (key, object) in bucket.objects.range::<str, _>((begin, Bound::Unbounded)) {
        if !key.starts_with(prefix) {
            break;
        }
        let group = (!delimiter.is_empty())
            .then(|| key[prefix.len()..].find(delimiter))
            .flatten()
            .map(|at| &key[..prefix.len() + at + delimiter.len()]);
        // A group that was on the page before, or on this one.
        if group.is_some_and(|group| after.starts_with(group) || last.starts_with(group)) {
            group.unwrap_or_default().clone_into(&mut last);
            continue;
        }
        if entries.len() == limit {
            truncated = true;
            break;
        }
        group.unwrap_or(key).clone_into(&mut last);
        entries.push(match group {
            Some(group) => Entry::Prefix(group.to_owned()),
            None => Entry::Object(key, object),
        });
    }
    Ok(Reply::xml(page(request, &entries, truncated.then_some(last.as_str()), limit)))
}

fn page(request: &Request, entries: &[Entry<'_>], next: Option<&str>, limit: usize) -> String {
    let url = request.query.get("encoding-type") == Some("url");
    let shown = |text: &str| {
        if url { utf8_percent_encode(text, ENCODED).to_string() } else { text.to_owned() }
    };
    let mut xml = Xml::document();
    xml.element("ListBucketResult", |xml| {
        xml.text("Name", &request.bucket);
        for (element, parameter) in
            [("Prefix", "prefix"), ("Delimiter", "delimiter"), ("StartAfter", "start-after")]
        {
            if let Some(text) = request.query.get(parameter) {
                xml.text(element, &shown(text));
            }
        }
        xml.text("KeyCount", &entries.len().to_string());
        xml.text("MaxKeys", &limit.to_string());
        if url {
            xml.text("EncodingType", "url");
        }
        xml.text("IsTruncated", if next.is_some() { "true" } else { "false" });
        if let Some(next) = next {
            xml.text("NextContinuationToken", &BASE64.encode(next));
        }
        for entry in entries {
            match entry {
                Entry::Object(key, object) => xml.element("Contents", |xml| {
                    xml.text("Key", &shown(key));
                    let modified = humantime::format_rfc3339_millis(object.modified).to_string();
                    xml.text("LastModified", &modified);
                    xml.text("ETag", &object.etag);
                    xml.text("Size", &object.bytes.len().to_string());
                    xml.text("StorageClass", "STANDARD");
                }),
                Entry::Prefix(prefix) => {
                    xml.element("CommonPrefixes", |xml| xml.text("Prefix", &shown(prefix)));
                }
            }
        }
    });
    xml.finish()
}
