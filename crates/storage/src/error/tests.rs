use http::HeaderMap;

use super::*;

fn refused(status: u16, code: &str, more: &str, signed: bool) -> object_store::Error {
    let body = format!("<Error><Code>{code}</Code><Message>No.</Message>{more}</Error>");
    let status = StatusCode::from_u16(status).unwrap();
    let refusal = Refusal::read(status, &HeaderMap::new(), &body, signed);
    let http = HttpError::new(HttpErrorKind::Unknown, refusal);
    object_store::Error::Generic { store: "S3", source: Box::new(http) }
}

fn explain(error: object_store::Error, action: Action) -> Error {
    Error::of(error, action, &S3Url::parse("s3://music/log_data/1.json").unwrap())
}

#[test]
fn a_denied_access_names_the_permission_and_the_resource() {
    let error = explain(refused(403, "AccessDenied", "", true), Action::Read);
    assert_eq!(error.kind(), &ErrorKind::AccessDenied);
    assert_eq!(error.to_string(), "s3://music/log_data/1.json: access denied: it may not be read");
    let hint = error.hint().unwrap();
    assert!(hint.contains("s3:GetObject on arn:aws:s3:::music/log_data/1.json"), "{hint}");
    let error = explain(refused(403, "AccessDenied", "", true), Action::List);
    assert!(error.hint().unwrap().contains("s3:ListBucket on arn:aws:s3:::music ("));
    let error = explain(refused(403, "AccessDenied", "", false), Action::List);
    assert!(error.hint().unwrap().contains("leave out --s3-anonymous"));
}

#[test]
fn a_key_that_may_not_be_used_is_told_apart_from_the_object() {
    let body = "<Error><Code>AccessDenied</Code><Message>User: x is not authorized to perform: kms:Decrypt on \
                resource: y</Message></Error>";
    let refusal = Refusal::read(StatusCode::FORBIDDEN, &HeaderMap::new(), body, true);
    let http = HttpError::new(HttpErrorKind::Unknown, refusal);
    let error = explain(object_store::Error::Generic { store: "S3", source: Box::new(http) }, Action::Read);
    assert!(error.hint().unwrap().contains("kms:Decrypt"), "{error:?}");
}

#[test]
fn the_wrong_region_names_the_right_one() {
    let right = "<Region>eu-central-1</Region>";
    for (status, code) in [(301, "PermanentRedirect"), (400, "AuthorizationHeaderMalformed")] {
        let error = explain(refused(status, code, right, true), Action::List);
        assert!(error.to_string().contains("in the region eu-central-1"), "{error}");
        assert!(error.hint().unwrap().contains("--s3-region eu-central-1"));
    }
    let error = explain(refused(301, "PermanentRedirect", "", true), Action::List);
    assert!(error.hint().unwrap().contains("get-bucket-location --bucket music"));
}

#[test]
fn every_kind_of_refusal_is_told_apart() {
    for (status, code, kind) in [
        (404, "NoSuchBucket", ErrorKind::NoSuchBucket),
        (400, "ExpiredToken", ErrorKind::ExpiredCredentials),
        (403, "InvalidAccessKeyId", ErrorKind::InvalidCredentials),
        (403, "SignatureDoesNotMatch", ErrorKind::InvalidCredentials),
        (403, "RequestTimeTooSkewed", ErrorKind::Clock),
        (403, "InvalidObjectState", ErrorKind::Archived),
        (503, "SlowDown", ErrorKind::Unavailable),
        (500, "InternalError", ErrorKind::Unavailable),
        (400, "InvalidRequest", ErrorKind::Other),
    ] {
        let error = explain(refused(status, code, "", true), Action::Read);
        assert_eq!(error.kind(), &kind, "{code}");
        assert!(error.source().unwrap().to_string().contains(code));
    }
}

#[test]
fn no_cause_is_said_twice() {
    let error = explain(refused(403, "AccessDenied", "", true), Action::Read);
    assert_eq!(error.source().unwrap().to_string(), "S3 answered AccessDenied: No.");
    assert!(error.source().unwrap().source().is_none());
}

#[test]
fn a_stage_has_settings_and_permissions_of_its_own() {
    let staged = |code, more: &str| explain(refused(400, code, more, true), Action::Write).of_stage();
    let denied = explain(refused(403, "AccessDenied", "", true), Action::Write).of_stage().hint().unwrap();
    for right in ["s3:PutObject", "s3:GetObject", "s3:DeleteObject", "s3:ListBucket on arn:aws:s3:::music "] {
        assert!(denied.contains(right), "{denied}");
    }
    let moved = staged("AuthorizationHeaderMalformed", "<Region>eu-central-1</Region>").hint().unwrap();
    assert_eq!(moved, "name the region with --stage-region eu-central-1");
    assert!(staged("PermanentRedirect", "").hint().unwrap().contains("with --stage-region;"));
    assert!(staged("NoSuchBucket", "").hint().unwrap().contains("--stage"));
    assert!(staged("ExpiredToken", "").hint().unwrap().contains("aws sso login"));
    let none = Error::no_credentials(&Unavailable::None, None, &S3Url::of_bucket("music")).of_stage();
    assert!(!none.hint().unwrap().contains("--s3-anonymous"), "what is staged is written");
    let body = "<Error><Code>AccessDenied</Code><Message>not authorized to perform: kms:GenerateDataKey</Message></Error>";
    let refusal = Refusal::read(StatusCode::FORBIDDEN, &HeaderMap::new(), body, true);
    let http = HttpError::new(HttpErrorKind::Unknown, refusal);
    let error = explain(object_store::Error::Generic { store: "S3", source: Box::new(http) }, Action::Write);
    assert!(error.of_stage().hint().unwrap().contains("kms:GenerateDataKey and"));
}
