//! Objects of S3, read as the cluster reads them.

use std::{
    io::{self, Read},
    sync::Arc,
    thread,
    time::Duration,
};

use super::{
    aws::{Aws, detail},
    http::{Client, Response},
};
use crate::redshift::error::ServerError;

/// How often a request is made at most, when S3 is busy or a connection breaks.
const ATTEMPTS: u32 = 4;
/// The first pause between attempts; it doubles.
const PAUSE: Duration = Duration::from_millis(50);

/// The place of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) bucket: String,
    pub(super) key: String,
}

impl Place {
    pub(super) fn parse(url: &str) -> Option<Self> {
        let (bucket, key) = url.strip_prefix("s3://")?.split_once('/').unwrap_or((&url[5..], ""));
        (!bucket.is_empty()).then(|| Self { bucket: bucket.to_owned(), key: key.to_owned() })
    }

    pub(super) fn url(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.key)
    }

    fn path(&self) -> String {
        format!("/{}/{}", self.bucket, encoded(&self.key))
    }
}

/// Everything but the letters that may stand in a path is escaped.
fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

/// What went wrong with S3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct S3Failure {
    pub(super) status: u16,
    pub(super) code: String,
    pub(super) message: String,
    pub(super) place: Place,
}

impl S3Failure {
    pub(super) fn new(status: u16, code: &str, message: &str, place: &Place) -> Self {
        Self { status, code: code.to_owned(), message: message.to_owned(), place: place.clone() }
    }

    fn denied(place: &Place) -> Self {
        Self::new(403, "AccessDenied", "Access Denied", place)
    }

    fn can_retry(&self) -> bool {
        self.status >= 500
    }

    /// In the words of Redshift.
    pub(super) fn exception(&self) -> String {
        format!(
            "S3ServiceException:{},Status {},Error {},Rid 656D7FB62E1D4D1A,ExtRid aGVsbG8gZnJvbSB0aGUgZG91YmxlIG9mIFMz,CanRetry {}",
            self.message,
            self.status,
            self.code,
            i32::from(self.can_retry())
        )
    }

    pub(super) fn error(&self) -> ServerError {
        let message = self.exception();
        ServerError::new("XX000", message.clone()).with_detail(detail(
            &message,
            &self.place.url(),
            "s3_utility.cpp:332",
        ))
    }
}

/// A client with the rights of a role.
#[derive(Debug)]
pub(super) struct S3 {
    aws: Arc<Aws>,
    client: Client,
}

/// An object that is being read.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) etag: String,
    pub(super) last_modified: String,
    pub(super) size: u64,
    place: Place,
    response: Option<Response>,
    read: u64,
    breaks: u32,
}

impl S3 {
    pub(super) fn new(aws: Arc<Aws>) -> Result<Self, ServerError> {
        let endpoint = aws
            .endpoint
            .as_deref()
            .ok_or_else(|| ServerError::new("XX000", "the double was started without an endpoint of S3"))?;
        Ok(Self { client: Client::new(endpoint), aws })
    }

    /// Refuses a bucket that is in another region, or is not there.
    pub(super) fn check_region(&mut self, place: &Place, region: Option<&str>) -> Result<(), S3Failure> {
        let wanted = region.unwrap_or(&self.aws.region).to_owned();
        let bucket = Place { bucket: place.bucket.clone(), key: String::new() };
        let known = self.aws.region_of(&place.bucket).map(str::to_owned);
        let response = self.request("HEAD", &format!("/{}", place.bucket), &[], &bucket)?;
        if response.status == 404 {
            return Err(S3Failure::new(404, "NoSuchBucket", "The specified bucket does not exist", place));
        }
        let actual = known.or_else(|| response.header("x-amz-bucket-region").map(str::to_owned));
        self.client.keep(response);
        if actual.is_some_and(|actual| actual != wanted) {
            let message = "The bucket you are attempting to access must be addressed using the specified \
                           endpoint. Please send all future requests to this endpoint.";
            return Err(S3Failure::new(301, "PermanentRedirect", message, place));
        }
        Ok(())
    }

    /// Begins to read an object.
    pub(super) fn open(&mut self, place: &Place) -> Result<Object, S3Failure> {
        if self.aws.is_denied(&place.url()) {
            return Err(S3Failure::denied(place));
        }
        let response = self.request("GET", &place.path(), &[], place)?;
        if response.status != 200 {
            return Err(self.failure(response, place));
        }
        let header = |name: &str| response.header(name).unwrap_or_default().to_owned();
        Ok(Object {
            etag: header("etag").trim_matches('"').to_owned(),
            last_modified: header("last-modified"),
            size: header("content-length").parse().unwrap_or(0),
            place: place.clone(),
            response: Some(response),
            read: 0,
            breaks: 0,
        })
    }

    /// A whole small object.
    pub(super) fn read(&mut self, place: &Place) -> Result<Vec<u8>, S3Failure> {
        let mut object = self.open(place)?;
        let mut bytes = Vec::new();
        Reader { s3: self, object: &mut object }
            .read_to_end(&mut bytes)
            .map_err(|error| S3Failure::new(0, "RequestTimeout", &error.to_string(), place))?;
        self.close(object);
        Ok(bytes)
    }

    /// Ends with an object that was read to its end.
    pub(super) fn close(&mut self, object: Object) {
        if let Some(response) = object.response {
            self.client.keep(response);
        }
    }

    /// The objects whose keys begin so.
    pub(super) fn list(&mut self, prefix: &Place) -> Result<Vec<Place>, S3Failure> {
        let (mut found, mut token) = (Vec::new(), None::<String>);
        loop {
            let mut path = format!("/{}?list-type=2&prefix={}", prefix.bucket, query_encoded(&prefix.key));
            if let Some(token) = &token {
                path.push_str(&format!("&continuation-token={}", query_encoded(token)));
            }
            let mut response = self.request("GET", &path, &[], prefix)?;
            if response.status != 200 {
                return Err(self.failure(response, prefix));
            }
            let mut page = String::new();
            let read = response.read_to_string(&mut page);
            read.map_err(|error| S3Failure::new(0, "RequestTimeout", &error.to_string(), prefix))?;
            self.client.keep(response);
            let keys = page.split("<Contents>").skip(1).filter_map(|part| element(part, "Key"));
            found.extend(keys.map(|key| Place { bucket: prefix.bucket.clone(), key }));
            token = element(&page, "NextContinuationToken");
            if token.is_none() {
                return Ok(found);
            }
        }
    }

    /// Makes a request until S3 is not busy.
    fn request(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, String)],
        place: &Place,
    ) -> Result<Response, S3Failure> {
        let mut pause = PAUSE;
        let mut attempt = 1;
        loop {
            let result = self.client.send(method, path, headers);
            let last = attempt == ATTEMPTS;
            match result {
                Ok(response) if response.status >= 500 && !last => {}
                Ok(response) => return Ok(response),
                Err(error) if last => {
                    return Err(S3Failure::new(0, "RequestTimeout", &error.to_string(), place));
                }
                Err(_) => {}
            }
            thread::sleep(pause);
            pause *= 2;
            attempt += 1;
        }
    }

    fn failure(&mut self, mut response: Response, place: &Place) -> S3Failure {
        let mut body = String::new();
        // The status says enough if the body does not come.
        let _ = response.read_to_string(&mut body);
        let status = response.status;
        self.client.keep(response);
        let code = element(&body, "Code").unwrap_or_else(|| format!("Http{status}"));
        let message = element(&body, "Message").unwrap_or_else(|| format!("status {status}"));
        S3Failure::new(status, &code, &message, place)
    }
}

fn query_encoded(text: &str) -> String {
    encoded(text).replace('/', "%2F")
}

/// The text of the first element of that name.
fn element(xml: &str, name: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    let replaced =
        text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'");
    Some(replaced.replace("&#39;", "'").replace("&amp;", "&"))
}

/// Reads an object, and goes on where a connection broke, if it is still the same object.
pub(super) struct Reader<'a> {
    pub(super) s3: &'a mut S3,
    pub(super) object: &'a mut Object,
}

impl Read for Reader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some(response) = &mut self.object.response else { return Ok(0) };
            match response.read(buffer) {
                Ok(taken) => {
                    self.object.read += taken as u64;
                    return Ok(taken);
                }
                Err(error) if self.object.breaks + 1 >= ATTEMPTS => {
                    let place = &self.object.place;
                    let failure = S3Failure::new(0, "RequestTimeout", &error.to_string(), place);
                    return Err(io::Error::other(failure.exception()));
                }
                Err(_) => self.go_on()?,
            }
        }
    }
}

impl Reader<'_> {
    fn go_on(&mut self) -> io::Result<()> {
        let object = &mut *self.object;
        object.breaks += 1;
        thread::sleep(PAUSE);
        let headers =
            [("range", format!("bytes={}-", object.read)), ("if-match", format!("\"{}\"", object.etag))];
        let place = object.place.clone();
        let failed = |failure: S3Failure| io::Error::other(failure.exception());
        let response = self.s3.request("GET", &place.path(), &headers, &place).map_err(failed)?;
        if response.status != 206 {
            return Err(failed(self.s3.failure(response, &place)));
        }
        object.response = Some(response);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart_and_keys_escaped() {
        let place = Place::parse("s3://b/a b/ä.json").unwrap();
        assert_eq!((place.bucket.as_str(), place.key.as_str()), ("b", "a b/ä.json"));
        assert_eq!(place.path(), "/b/a%20b/%C3%A4.json");
        assert_eq!(Place::parse("s3://b").unwrap().key, "");
        assert_eq!(Place::parse("s3:///k"), None);
        assert_eq!(Place::parse("http://b/k"), None);
    }

    #[test]
    fn elements_are_found_in_xml() {
        let xml = "<Error><Code>NoSuchKey</Code><Message>a &amp; b</Message></Error>";
        assert_eq!(element(xml, "Code").as_deref(), Some("NoSuchKey"));
        assert_eq!(element(xml, "Message").as_deref(), Some("a & b"));
        assert_eq!(element(xml, "Region"), None);
    }
}
