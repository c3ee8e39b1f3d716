//! Addresses of objects and of what is below a prefix.

use std::fmt;

/// The scheme of an address.
const SCHEME: &str = "s3://";

/// `s3://BUCKET/KEY`: an object, or everything whose key begins with the key and a slash. A slash at the
/// end makes no difference, so that `log_data` never means `log_data_old` as well.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct S3Url {
    bucket: String,
    key: String,
}

/// A text that is no address in S3.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct UrlError {
    problem: String,
    hint: String,
}

impl UrlError {
    fn new(problem: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { problem: problem.into(), hint: hint.into() }
    }

    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> &str {
        &self.hint
    }
}

impl S3Url {
    /// Reads an address.
    ///
    /// # Errors
    ///
    /// When it is not `s3://BUCKET` or `s3://BUCKET/KEY`, or the bucket or key cannot exist.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let form = "write s3://BUCKET/PREFIX, such as s3://music/logs";
        let Some(rest) = text.strip_prefix(SCHEME) else {
            return Err(match text.split_once("://") {
                Some(("s3a" | "s3n", _)) => UrlError::new("only s3:// is known", form),
                _ => UrlError::new("it does not begin with s3://", form),
            });
        };
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(UrlError::new("it names no bucket", form));
        }
        // Not quoted: what stands before an @ may be a secret, and one may have a slash in it.
        if bucket.contains(['@', ':']) {
            return Err(UrlError::new(
                "credentials do not belong into the address",
                "set them in the environment or in ~/.aws/credentials, and leave them out here",
            ));
        }
        if !is_bucket_name(bucket) {
            return Err(UrlError::new(
                match bucket.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)) {
                    true => format!("{bucket:?} is no name of a bucket"),
                    false => "it has characters that no name of a bucket has".to_owned(),
                },
                "a bucket's name has 3 to 63 lower-case letters, digits, dots and hyphens",
            ));
        }
        let key = key.strip_suffix('/').unwrap_or(key);
        let segments = || key.split('/');
        if !key.is_empty() && segments().any(|segment| matches!(segment, "" | "." | "..")) {
            return Err(UrlError::new(
                "its key has an empty part, or one that is . or ..",
                "write the key as the bucket's listing shows it, with single slashes",
            ));
        }
        Ok(Self { bucket: bucket.to_owned(), key: key.to_owned() })
    }

    /// The bucket.
    #[must_use]
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// The key, without a slash at its end; empty for the whole bucket.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The address of something below this one.
    #[must_use]
    pub fn join(&self, name: &str) -> Self {
        let key = match (self.key.as_str(), name.trim_matches('/')) {
            ("", name) => name.to_owned(),
            (key, "") => key.to_owned(),
            (key, name) => format!("{key}/{name}"),
        };
        Self { bucket: self.bucket.clone(), key }
    }

    /// The address of a bucket, whatever its name is.
    pub(crate) fn of_bucket(name: &str) -> Self {
        Self { bucket: name.to_owned(), key: String::new() }
    }

    /// The address of an object of this bucket by its key.
    #[must_use]
    pub fn with_key(&self, key: &str) -> Self {
        Self { bucket: self.bucket.clone(), key: key.to_owned() }
    }
}

fn is_bucket_name(name: &str) -> bool {
    let allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-');
    (3..=63).contains(&name.len())
        && name.bytes().all(allowed)
        && !name.starts_with(['.', '-'])
        && !name.ends_with(['.', '-'])
        && !name.contains("..")
}

impl fmt::Display for S3Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}", self.bucket)?;
        if self.key.is_empty() { Ok(()) } else { write!(f, "/{}", self.key) }
    }
}

impl std::str::FromStr for S3Url {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slash_at_the_end_makes_no_difference() {
        let url = S3Url::parse("s3://music/logs/2018/").unwrap();
        assert_eq!((url.bucket(), url.key()), ("music", "logs/2018"));
        assert_eq!(url, S3Url::parse("s3://music/logs/2018").unwrap());
        assert_eq!(url.to_string(), "s3://music/logs/2018");
        assert_eq!(S3Url::parse("s3://music/").unwrap().to_string(), "s3://music");
    }

    #[test]
    fn what_is_below_an_address_has_one_slash_between() {
        let bucket = S3Url::parse("s3://music").unwrap();
        assert_eq!(bucket.join("log_data").to_string(), "s3://music/log_data");
        assert_eq!(bucket.join("a").join("b/").to_string(), "s3://music/a/b");
        assert_eq!(bucket.join("a").join(""), bucket.join("a"));
    }

    #[test]
    fn what_is_no_address_is_refused_with_what_to_write() {
        for (text, problem, hint) in [
            ("music/logs", "does not begin with s3://", "s3://BUCKET/PREFIX"),
            ("s3a://music/logs", "only s3://", "write s3://BUCKET/PREFIX"),
            ("s3://", "names no bucket", "s3://BUCKET/PREFIX"),
            ("s3:///logs", "names no bucket", "s3://BUCKET/PREFIX"),
            ("s3://Music/logs", "\"Music\" is no name of a bucket", "lower-case"),
            ("s3://ab", "no name of a bucket", "3 to 63"),
            ("s3://a..b", "no name of a bucket", "3 to 63"),
            ("s3://music//logs", "empty part", "single slashes"),
            ("s3://music/a/../b", "..", "single slashes"),
        ] {
            let error = S3Url::parse(text).unwrap_err();
            assert!(error.to_string().contains(problem), "{text}: {error}");
            assert!(error.hint().contains(hint), "{text}: {}", error.hint());
        }
    }

    #[test]
    fn credentials_in_an_address_are_refused_and_not_repeated() {
        for text in ["s3://AKIAX:geheim@music/logs", "s3://AKIAX:geheim/x@music", "s3a://AKIAX:geheim@music"]
        {
            let error = S3Url::parse(text).unwrap_err();
            assert!(!format!("{error} {} {error:?}", error.hint()).contains("geheim"));
        }
    }
}
