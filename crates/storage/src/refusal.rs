//! What S3 says when it refuses.

use http::{HeaderMap, StatusCode};

/// An answer with an error, as S3 wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("S3 answered {code}: {message}{}", request(request_id.as_deref()))]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    /// S3's name for the error, or the words of the status where there is none.
    pub(crate) code: String,
    pub(crate) message: String,
    /// The region of the bucket, if S3 tells it.
    pub(crate) region: Option<String>,
    pub(crate) request_id: Option<String>,
    /// Whether the request was signed.
    pub(crate) signed: bool,
}

fn request(id: Option<&str>) -> String {
    id.map(|id| format!(" (request {id})")).unwrap_or_default()
}

impl Refusal {
    pub(crate) fn read(status: StatusCode, headers: &HeaderMap, body: &str, signed: bool) -> Self {
        let header = |name| headers.get(name)?.to_str().ok().map(str::to_owned);
        let reason = status.canonical_reason().unwrap_or("an error");
        Self {
            status,
            code: element(body, "Code").unwrap_or_else(|| status.as_u16().to_string()),
            message: element(body, "Message").unwrap_or_else(|| reason.to_owned()),
            region: element(body, "Region").or_else(|| header("x-amz-bucket-region")),
            request_id: element(body, "RequestId").or_else(|| header("x-amz-request-id")),
            signed,
        }
    }

    /// Whether the same request may succeed a little later.
    pub(crate) fn is_passing(&self) -> bool {
        self.status.is_server_error() && self.status != StatusCode::NOT_IMPLEMENTED
            || matches!(self.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT)
            || self.code == "RequestTimeout"
    }

    /// Whether the session that signed it is over.
    pub(crate) fn is_expired(&self) -> bool {
        matches!(self.code.as_str(), "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired")
    }
}

/// The text of the first element of that name. The errors of S3 are flat.
fn element(body: &str, name: &str) -> Option<String> {
    let begin = body.find(&format!("<{name}>"))? + name.len() + 2;
    let length = body[begin..].find(&format!("</{name}>"))?;
    let mut text = body[begin..begin + length].to_owned();
    for (entity, character) in
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")]
    {
        text = text.replace(entity, character);
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_read_from_the_body_or_else_from_the_headers() {
        let mut headers = HeaderMap::new();
        headers.insert("x-amz-bucket-region", "eu-central-1".parse().unwrap());
        let body = "<?xml version=\"1.0\"?>\n<Error><Code>PermanentRedirect</Code><Message>Use &quot;that&quot; \
                    endpoint</Message><RequestId>17</RequestId></Error>";
        let refusal = Refusal::read(StatusCode::MOVED_PERMANENTLY, &headers, body, true);
        assert_eq!(refusal.region.as_deref(), Some("eu-central-1"));
        assert_eq!(refusal.to_string(), "S3 answered PermanentRedirect: Use \"that\" endpoint (request 17)");
        let refusal = Refusal::read(StatusCode::FORBIDDEN, &HeaderMap::new(), "", true);
        assert_eq!(refusal.to_string(), "S3 answered 403: Forbidden");
    }

    #[test]
    fn only_what_passes_is_worth_another_try() {
        let refusal = |status| Refusal::read(status, &HeaderMap::new(), "", true);
        for status in [500, 502, 503, 504, 429, 408] {
            assert!(refusal(StatusCode::from_u16(status).unwrap()).is_passing(), "{status}");
        }
        for status in [301, 400, 403, 404, 501] {
            assert!(!refusal(StatusCode::from_u16(status).unwrap()).is_passing(), "{status}");
        }
    }
}
