//! The errors of S3, as S3 writes them.

use hyper::StatusCode;

use super::xml::Xml;

pub(super) type S3Result<T> = Result<T, S3Error>;

/// An answer that says no.
#[derive(Debug)]
pub(super) struct S3Error {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    message: String,
    /// Further elements of the body.
    elements: Vec<(&'static str, String)>,
    /// The region that the bucket is in, for the header that tells it.
    pub(super) bucket_region: Option<String>,
}

impl S3Error {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), elements: Vec::new(), bucket_region: None }
    }

    pub(super) fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    pub(super) fn forbidden(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, message)
    }

    pub(super) fn access_denied() -> Self {
        Self::forbidden("AccessDenied", "Access Denied")
    }

    pub(super) fn no_such_bucket(bucket: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NoSuchBucket", "The specified bucket does not exist")
            .with("BucketName", bucket)
    }

    pub(super) fn no_such_key(key: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NoSuchKey", "The specified key does not exist.").with("Key", key)
    }

    pub(super) fn precondition_failed(condition: &str) -> Self {
        let message = "At least one of the pre-conditions you specified did not hold";
        Self::new(StatusCode::PRECONDITION_FAILED, "PreconditionFailed", message).with("Condition", condition)
    }

    pub(super) fn expired_token() -> Self {
        Self::bad_request("ExpiredToken", "The provided token has expired.")
    }

    pub(super) fn slow_down() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "SlowDown", "Please reduce your request rate.")
    }

    pub(super) fn internal_error() -> Self {
        let message = "We encountered an internal error. Please try again.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", message)
    }

    /// The request was signed for a region that the bucket is not in.
    pub(super) fn authorization_header_malformed(signed: &str, right: &str) -> Self {
        let message = format!(
            "The authorization header is malformed; the region '{signed}' is wrong; expecting '{right}'"
        );
        Self::bad_request("AuthorizationHeaderMalformed", message).with("Region", right).in_region(right)
    }

    /// The request went to the endpoint of another region. Like S3's, it has no `Location`.
    pub(super) fn permanent_redirect(bucket: &str, right: &str) -> Self {
        let message = "The bucket you are attempting to access must be addressed using the specified endpoint. \
                       Please send all future requests to this endpoint.";
        Self::new(StatusCode::MOVED_PERMANENTLY, "PermanentRedirect", message)
            .with("Endpoint", &format!("{bucket}.s3.{right}.amazonaws.com"))
            .with("Bucket", bucket)
            .in_region(right)
    }

    pub(super) fn with(mut self, element: &'static str, text: &str) -> Self {
        self.elements.push((element, text.to_owned()));
        self
    }

    pub(super) fn in_region(mut self, region: &str) -> Self {
        self.bucket_region = Some(region.to_owned());
        self
    }

    pub(super) fn body(&self, request_id: &str) -> String {
        let mut xml = Xml::document();
        xml.element("Error", |xml| {
            xml.text("Code", self.code);
            xml.text("Message", &self.message);
            for (name, text) in &self.elements {
                xml.text(name, text);
            }
            xml.text("RequestId", request_id);
            xml.text("HostId", "s3-double");
        });
        xml.finish()
    }
}
