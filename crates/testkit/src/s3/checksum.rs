//! The body of an upload: unpacked from `aws-chunked`, and compared with the checksums that came with it.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use bytes::{Bytes, BytesMut};
use crc_fast::CrcAlgorithm;
use md5::{Digest, Md5};
use ring::digest;

use super::{
    auth::sha256_hex,
    error::{S3Error, S3Result},
    request::Request,
};

/// The checksums of S3, by the ending of their header.
const CHECKSUMS: [&str; 5] = ["crc32", "crc32c", "crc64nvme", "sha1", "sha256"];

/// The content that a request uploads, if all that it says about it is true.
pub(super) fn uploaded(request: &Request) -> S3Result<Bytes> {
    let hash = request.header("x-amz-content-sha256").unwrap_or("UNSIGNED-PAYLOAD");
    let (content, trailers) = if hash.starts_with("STREAMING-") {
        unpack(request)?
    } else {
        if hash != "UNSIGNED-PAYLOAD" && hash != sha256_hex(&request.body) {
            let message = "The provided 'x-amz-content-sha256' header does not match what was computed.";
            return Err(S3Error::bad_request("XAmzContentSHA256Mismatch", message));
        }
        (request.body.clone(), Vec::new())
    };
    let bad_digest = |name: &str| {
        S3Error::bad_request(
            "BadDigest",
            format!("The {name} you specified did not match the calculated one."),
        )
    };
    if let Some(md5) = request.header("content-md5")
        && md5 != BASE64.encode(Md5::digest(&content))
    {
        return Err(bad_digest("Content-MD5"));
    }
    for name in CHECKSUMS {
        let header = format!("x-amz-checksum-{name}");
        let trailer = trailers.iter().find(|(found, _)| *found == header).map(|(_, value)| value.as_str());
        if let Some(given) = request.header(&header).or(trailer)
            && given != checksum(name, &content)
        {
            return Err(bad_digest(name));
        }
    }
    Ok(content)
}

fn checksum(name: &str, content: &[u8]) -> String {
    let crc = |algorithm| crc_fast::checksum(algorithm, content);
    match name {
        "crc32" => BASE64.encode(&crc(CrcAlgorithm::Crc32IsoHdlc).to_be_bytes()[4..]),
        "crc32c" => BASE64.encode(&crc(CrcAlgorithm::Crc32Iscsi).to_be_bytes()[4..]),
        "crc64nvme" => BASE64.encode(crc(CrcAlgorithm::Crc64Nvme).to_be_bytes()),
        "sha1" => BASE64.encode(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, content)),
        _ => BASE64.encode(digest::digest(&digest::SHA256, content)),
    }
}

type Trailers = Vec<(String, String)>;

/// Unpacks `SIZE[;chunk-signature=…]\r\nCONTENT\r\n … 0\r\n[NAME:VALUE\r\n …]\r\n`.
fn unpack(request: &Request) -> S3Result<(Bytes, Trailers)> {
    let incomplete = || {
        S3Error::bad_request("IncompleteBody", "The request body terminated unexpectedly or is malformed.")
    };
    let mut rest = &request.body[..];
    let mut content = BytesMut::new();
    let mut trailers = Vec::new();
    loop {
        let header = take_line(&mut rest).ok_or_else(incomplete)?;
        let size = header.split(';').next().unwrap_or_default();
        let size = usize::from_str_radix(size, 16).map_err(|_| incomplete())?;
        if size == 0 {
            break;
        }
        content.extend_from_slice(rest.get(..size).ok_or_else(incomplete)?);
        rest = rest.get(size..).and_then(|rest| rest.strip_prefix(b"\r\n")).ok_or_else(incomplete)?;
    }
    while let Some(trailer) = take_line(&mut rest) {
        if let Some((name, value)) = trailer.split_once(':') {
            trailers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    let length = request.header("x-amz-decoded-content-length").and_then(|text| text.parse().ok());
    if length.is_some_and(|length: usize| length != content.len()) {
        return Err(incomplete());
    }
    Ok((content.freeze(), trailers))
}

fn take_line<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let end = rest.windows(2).position(|pair| pair == b"\r\n")?;
    let line = std::str::from_utf8(&rest[..end]).ok()?;
    *rest = &rest[end + 2..];
    Some(line)
}
