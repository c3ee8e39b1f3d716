//! Who may do what: Signature Version 4, computed and compared.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use ring::{digest, hmac};

use super::{
    error::{S3Error, S3Result},
    request::{Operation, Request},
    state::{State, hex},
};

/// What is encoded in a canonical request.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
const ENCODED_IN_PATHS: &AsciiSet = &ENCODED.remove(b'/');

/// The header `Authorization`, in its parts.
struct Authorization<'a> {
    access_key: &'a str,
    date: &'a str,
    region: &'a str,
    service: &'a str,
    signed_headers: Vec<&'a str>,
    signature: &'a str,
}

impl<'a> Authorization<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let rest = text.strip_prefix("AWS4-HMAC-SHA256")?;
        let part = |name: &str| {
            rest.split(',').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('=')).map(str::trim)
        };
        let mut scope = part("Credential")?.split('/');
        let authorization = Self {
            access_key: scope.next()?,
            date: scope.next()?,
            region: scope.next()?,
            service: scope.next()?,
            signed_headers: part("SignedHeaders")?.split(';').collect(),
            signature: part("Signature")?,
        };
        (scope.next() == Some("aws4_request")).then_some(authorization)
    }
}

/// Lets a request pass, or says why not. `trusted` requests come from services with a role.
pub(super) fn check(request: &Request, state: &State, trusted: bool, home_region: &str) -> S3Result<()> {
    let bucket = state.buckets.get(&request.bucket);
    let Some(header) = request.header("authorization") else {
        return match bucket {
            _ if trusted => Ok(()),
            Some(bucket) if bucket.public && request.operation.is_reading() => Ok(()),
            None if request.operation.is_reading() => Err(S3Error::no_such_bucket(&request.bucket)),
            // Where a bucket is is told to everybody.
            Some(bucket) if request.operation == Operation::HeadBucket => {
                Err(S3Error::access_denied().in_region(&bucket.region))
            }
            _ => Err(S3Error::access_denied()),
        };
    };
    let malformed =
        || S3Error::bad_request("AuthorizationHeaderMalformed", "The authorization header is malformed");
    let authorization = Authorization::parse(header).ok_or_else(malformed)?;
    let credential = state.credentials.get(authorization.access_key).ok_or_else(|| {
        let message = "The AWS Access Key Id you provided does not exist in our records.";
        S3Error::forbidden("InvalidAccessKeyId", message).with("AWSAccessKeyId", authorization.access_key)
    })?;
    if request.header("x-amz-security-token") != credential.token.as_deref() {
        let message = "The provided token is malformed or otherwise invalid.";
        return Err(S3Error::bad_request("InvalidToken", message));
    }
    if credential.expired {
        return Err(S3Error::expired_token());
    }
    let region = bucket.map_or(home_region, |bucket| &bucket.region);
    if authorization.region != region {
        return Err(S3Error::authorization_header_malformed(authorization.region, region));
    }
    if signature(request, &authorization, &credential.secret_key).as_deref() != Some(authorization.signature)
    {
        let message = "The request signature we calculated does not match the signature you provided. Check your \
                       key and signing method.";
        return Err(S3Error::forbidden("SignatureDoesNotMatch", message));
    }
    Ok(())
}

/// The signature that the request should have; `None` if it lacks what is signed.
fn signature(request: &Request, authorization: &Authorization<'_>, secret_key: &str) -> Option<String> {
    let time = request.header("x-amz-date")?;
    let mut query: Vec<_> = request
        .query
        .pairs()
        .iter()
        .map(|(name, value)| {
            format!("{}={}", utf8_percent_encode(name, ENCODED), utf8_percent_encode(value, ENCODED))
        })
        .collect();
    query.sort_unstable();
    let mut canonical = format!(
        "{}\n{}\n{}\n",
        request.method,
        utf8_percent_encode(&request.path, ENCODED_IN_PATHS),
        query.join("&")
    );
    for name in &authorization.signed_headers {
        let values: Vec<_> =
            request.headers.get_all(*name).iter().filter_map(|value| value.to_str().ok()).collect();
        let words: Vec<_> = values.join(",").split_whitespace().map(str::to_owned).collect();
        canonical.push_str(&format!("{name}:{}\n", words.join(" ")));
    }
    let payload = request.header("x-amz-content-sha256")?;
    canonical.push_str(&format!("\n{}\n{payload}", authorization.signed_headers.join(";")));

    let scope =
        format!("{}/{}/{}/aws4_request", authorization.date, authorization.region, authorization.service);
    let to_sign = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", sha256_hex(canonical.as_bytes()));
    let mut key = format!("AWS4{secret_key}").into_bytes();
    for part in [authorization.date, authorization.region, authorization.service, "aws4_request"] {
        key = hmac_sha256(&key, part.as_bytes());
    }
    Some(hex(&hmac_sha256(&key, to_sign.as_bytes())))
}

fn hmac_sha256(key: &[u8], text: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text).as_ref().to_vec()
}

pub(super) fn sha256_hex(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}
