//! What the texts of a failed COPY mean.
//!
//! COPY fails for reasons of S3 and of roles more often than for reasons of SQL, and says so in words that
//! point elsewhere.

use std::collections::BTreeSet;

use super::{IamRole, copy::Copy};
use crate::Error;

/// What is wrong with a COPY.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The cluster cannot use the role: a new one may become usable within minutes.
    Role(Error),
    /// Records that do not fit; the system views say which.
    Records(Error),
    /// The connection broke.
    Lost(Error),
    /// Something else, in plain words where they are known.
    Other(Error),
}

/// Where a COPY reads, for messages.
#[derive(Debug, Clone, Copy)]
struct Place<'a> {
    table: &'a str,
    /// The bucket of the manifest.
    stage: &'a str,
    manifest: &'a str,
    /// The files that it lists.
    urls: &'a BTreeSet<String>,
    region: &'a str,
    role: &'a IamRole,
}

impl Trouble {
    pub(super) fn of(error: Error, copy: &Copy<'_>) -> Self {
        let staging = copy.area.staging();
        let place = Place {
            table: copy.table,
            stage: &staging.bucket,
            manifest: &copy.manifest,
            urls: copy.urls,
            region: copy.region,
            role: &staging.role,
        };
        explain(error, place)
    }
}

/// What a text of Redshift or of S3 is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// The role cannot be used, or not yet.
    Role,
    /// The cluster has no default role.
    NoDefaultRole,
    /// S3 is too busy.
    Busy,
    /// The manifest may not be read.
    Manifest,
    /// A bucket is in another region than the one that was named.
    Region,
    /// The session of the role is over.
    Expired,
    Denied,
    NoBucket,
    NoObject,
    /// The cluster does not reach S3.
    Unreachable,
}

impl Cause {
    /// The texts of each, in small letters; of several that fit, the first counts.
    const TEXTS: [(Self, &'static [&'static str]); 10] = [
        (Self::NoDefaultRole, &["no default iam role", "default iam role is not"]),
        (Self::Role, &["not authorized to assume", "not associated"]),
        (Self::Busy, &["slowdown", "status 503", "reduce your request rate"]),
        (Self::Manifest, &["requires full path of an s3 object"]),
        (Self::Region, &["must be addressed using the specified endpoint", "permanentredirect"]),
        (Self::Expired, &["expiredtoken", "token has expired", "token is expired"]),
        (Self::Denied, &["access denied", "accessdenied", "status 403"]),
        (Self::NoBucket, &["nosuchbucket", "bucket does not exist"]),
        (Self::NoObject, &["nosuchkey", "mandatory url", "specified key does not exist"]),
        (Self::Unreachable, &["s3curlexception", "curlerror", "connection timed out after"]),
    ];

    fn of(lower: &str) -> Option<Self> {
        let says = |text: &&str| lower.contains(*text);
        if lower.contains("iam role") && ["not valid", "invalid"].iter().any(says) {
            return Some(Self::Role);
        }
        Self::TEXTS.into_iter().find(|(_, texts)| texts.iter().any(says)).map(|(cause, _)| cause)
    }
}

fn explain(error: Error, place: Place<'_>) -> Trouble {
    let (reason, sql) = match error {
        Error::Statement { reason, sql } => (reason, sql),
        error @ Error::ConnectionLost { .. } => return Trouble::Lost(error),
        other => return Trouble::Other(other),
    };
    let lower = reason.to_lowercase();
    if ["load_error", "load errors"].iter().any(|text| lower.contains(text)) {
        return Trouble::Records(Error::Statement { reason, sql });
    }
    let Some(cause) = Cause::of(&lower) else {
        return Trouble::Other(Error::Statement { reason, sql });
    };
    let remedy = place.remedy(cause, named(&reason));
    let error = Error::Copy { table: place.table.to_owned(), reason, remedy, again: cause == Cause::Busy };
    if cause == Cause::Role { Trouble::Role(error) } else { Trouble::Other(error) }
}

impl Place<'_> {
    /// What to do. `named` is the object that the server names.
    fn remedy(&self, cause: Cause, named: Option<&str>) -> String {
        let Self { manifest, region, .. } = *self;
        let role = match self.role {
            IamRole::Default => "the cluster's default role".to_owned(),
            IamRole::Arn(arn) => format!("the role {arn}"),
        };
        match cause {
            Cause::Role => format!(
                "attach {role} to the cluster (`sparkify-cli provision` does so), and let redshift.amazonaws.com \
                 assume it in its trust policy"
            ),
            Cause::NoDefaultRole => {
                "make one of the cluster's roles its default (`sparkify-cli provision` does so), or \
                                     name the role with --iam-role ARN"
                    .to_owned()
            }
            Cause::Busy => "S3 wants fewer requests: run again in a minute".to_owned(),
            Cause::Manifest => format!(
                "{role} cannot read {manifest}: allow s3:GetObject on it, and kms:Decrypt if the bucket is encrypted \
                 with a key of yours"
            ),
            Cause::Region => self.regions(named),
            Cause::Expired => format!(
                "the session in which Redshift uses {role} ended before COPY did: let it last longer (the role's maximum \
                 session duration; a chain of roles has one hour), or load the files in parts"
            ),
            Cause::Denied => {
                let places = self.places(named);
                let buckets = list(places.iter().map(|place| bucket_of(place)).collect());
                format!(
                    "let {role} read {}: s3:GetObject on the objects, s3:ListBucket and s3:GetBucketLocation on {buckets}, \
                     and kms:Decrypt if it is encrypted with a key of yours; a policy of the bucket must not forbid it",
                    list(places)
                )
            }
            Cause::NoBucket => {
                let buckets: BTreeSet<_> = self.places(named).iter().map(|place| bucket_of(place)).collect();
                let named: Vec<_> = buckets
                    .into_iter()
                    .map(|bucket| {
                        let flag = if bucket == self.stage { "--stage" } else { "--source" };
                        format!("{bucket} ({flag})")
                    })
                    .collect();
                format!("check the name of the bucket {}", named.join(" and "))
            }
            Cause::NoObject => "an object was deleted between the listing and COPY: run again".to_owned(),
            Cause::Unreachable => format!(
                "the cluster does not reach S3 in {region}: with enhanced VPC routing its subnets need an endpoint for S3, \
                 or a NAT gateway for a bucket in another region"
            ),
        }
    }

    /// Which bucket is elsewhere, as far as that is known, and what says so.
    fn regions(&self, named: Option<&str>) -> String {
        let region = self.region;
        let buckets: BTreeSet<_> = self.places(named).iter().map(|place| bucket_of(place)).collect();
        let one = |bucket: &String| {
            let flag = if *bucket == self.stage { "--stage-region" } else { "--s3-region" };
            format!("the bucket {bucket} is not in the region {region}: name its region with {flag}")
        };
        match &buckets.iter().collect::<Vec<_>>()[..] {
            [bucket] => one(bucket),
            _ => format!(
                "one of the buckets {} is not in the region {region}: name the stage's region with --stage-region and \
                 the source's with --s3-region, or take --pack always, which lets them differ",
                list(buckets.iter().cloned().collect())
            ),
        }
    }

    /// What the COPY reads: the object that the server names, or else all there is.
    fn places(&self, named: Option<&str>) -> Vec<String> {
        if let Some(named) = named {
            return vec![named.to_owned()];
        }
        let manifest = match self.manifest.rsplit_once('/') {
            Some((folder, _)) => format!("{folder}/"),
            None => self.manifest.to_owned(),
        };
        let data = common(self.urls);
        if data.is_empty() || data.starts_with(&manifest) { vec![manifest] } else { vec![data, manifest] }
    }
}

/// The object that a text names, as those do that carry the context of the error.
fn named(reason: &str) -> Option<&str> {
    let (before, rest) = reason.split_at(reason.find("s3://")?);
    let line = rest.lines().next()?.trim_end();
    // There, nothing comes after it, and keys may have blanks.
    let alone = before.trim_end().ends_with("context:");
    let ends = |c: char| c.is_whitespace() || "'\",;)".contains(c);
    let length = if alone { None } else { line.find(ends) };
    Some(&line[..length.unwrap_or(line.len())]).filter(|named| named.len() > "s3://".len())
}

/// The folder that all objects are below, or the one there is.
fn common(urls: &BTreeSet<String>) -> String {
    let (Some(first), Some(last)) = (urls.first(), urls.last()) else { return String::new() };
    if first == last {
        return first.clone();
    }
    // They are sorted, so what the first and the last have in common all have.
    let shared: String =
        first.chars().zip(last.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a).collect();
    shared.rfind('/').map(|end| shared[..=end].to_owned()).unwrap_or_default()
}

fn bucket_of(url: &str) -> String {
    url.trim_start_matches("s3://").split('/').next().unwrap_or_default().to_owned()
}

/// Names without repetition.
fn list(names: Vec<String>) -> String {
    names.into_iter().collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(" and ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "s3://our-bucket/stage/run/0-events/manifest.json";
    const ROLE: &str = "arn:aws:iam::123456789012:role/sparkify";

    fn explained_of(reason: &str, urls: &[&str], role: &IamRole) -> Trouble {
        let urls = urls.iter().map(|&url| url.to_owned()).collect();
        let place = Place {
            table: "sparkify_run_events",
            stage: "our-bucket",
            manifest: MANIFEST,
            urls: &urls,
            region: "us-west-2",
            role,
        };
        explain(Error::Statement { reason: reason.to_owned(), sql: "COPY …".to_owned() }, place)
    }

    fn explained(reason: &str) -> Trouble {
        let packed = "s3://our-bucket/stage/run/0-events/part-00001.json.gz";
        explained_of(reason, &[packed], &IamRole::Arn(ROLE.to_owned()))
    }

    fn hint(trouble: Trouble) -> String {
        let Trouble::Other(error @ Error::Copy { .. }) = trouble else { panic!("{trouble:?}") };
        error.hint().unwrap()
    }

    /// The hint about a COPY that reads the files of a source.
    fn hint_about_source(reason: &str) -> String {
        let urls = ["s3://music/data/log_data/2018/a.json", "s3://music/data/log_data/2019/b.json"];
        hint(explained_of(reason, &urls, &IamRole::Arn(ROLE.to_owned())))
    }

    #[test]
    fn a_role_that_cannot_be_used_yet_is_worth_waiting_for() {
        for reason in [
            "User arn:aws:redshift:us-west-2:1:dbuser:c/u is not authorized to assume IAM Role arn:aws:iam::1:role/r",
            "The requested role arn:aws:iam::1:role/r is not associated to cluster",
            "The IAM role is not valid. The trust relationship must be set up",
        ] {
            assert!(matches!(explained(reason), Trouble::Role(Error::Copy { .. })), "{reason}");
        }
    }

    #[test]
    fn a_cluster_without_a_default_role_is_told_at_once() {
        let reason = "There is no default IAM role associated with this cluster";
        let hint = hint(explained_of(reason, &[], &IamRole::Default));
        assert!(hint.contains("--iam-role ARN") && hint.contains("provision"), "{hint}");
    }

    #[test]
    fn each_known_text_is_translated_into_what_to_do() {
        for (reason, remedy) in [
            ("COPY with MANIFEST parameter requires full path of an S3 object.", "s3:GetObject"),
            ("S3ServiceException:Access Denied,Status 403,Error AccessDenied,Rid X", "s3:ListBucket"),
            (
                "S3ServiceException:The bucket you are attempting to access must be addressed using the specified \
                 endpoint. Please send all future requests to this endpoint.,Status 301,Error PermanentRedirect",
                "--stage-region",
            ),
            (
                "S3ServiceException:The specified bucket does not exist,Status 404,Error NoSuchBucket",
                "our-bucket (--stage)",
            ),
            ("S3ServiceException:The specified key does not exist.,Status 404,Error NoSuchKey", "run again"),
            ("Problem reading manifest file - mandatory url s3://b/k not found", "run again"),
            (
                "S3ServiceException:The provided token has expired.,Status 400,Error ExpiredToken,Rid X",
                "maximum session duration",
            ),
            (
                "S3CurlException: Connection timed out after 50001 milliseconds, CurlError 28, multiCurlError 0, \
                 CanRetry 1, UserError 0",
                "enhanced VPC routing",
            ),
        ] {
            let Trouble::Other(error @ Error::Copy { .. }) = explained(reason) else { panic!("{reason}") };
            assert!(error.hint().unwrap().contains(remedy), "{error:?}");
            assert!(error.to_string().contains(reason), "the server's own words are kept: {error}");
            assert!(!error.is_retryable());
        }
        let slow = "S3ServiceException:Please reduce your request rate.,Status 503,Error SlowDown";
        assert!(matches!(explained(slow), Trouble::Other(error) if error.is_retryable()));
    }

    #[test]
    fn a_denied_access_names_what_the_role_may_not_read() {
        let denied = "S3ServiceException:Access Denied,Status 403,Error AccessDenied,Rid X";
        let packed = hint(explained(denied));
        assert!(
            packed.contains(&format!("let the role {ROLE} read s3://our-bucket/stage/run/0-events/:")),
            "{packed}"
        );
        assert!(packed.contains("s3:GetBucketLocation on our-bucket,"), "{packed}");
        let direct = hint_about_source(denied);
        assert!(
            direct.contains("read s3://music/data/log_data/ and s3://our-bucket/stage/run/0-events/:")
                || direct.contains("read s3://our-bucket/stage/run/0-events/ and s3://music/data/log_data/:"),
            "{direct}"
        );
        // Where the error has its context, the object is known.
        let context =
            format!("{denied}\n  error:  x\n  context:   s3://music/data/log_data/a b.json\n  query:     0");
        let direct = hint_about_source(&context);
        assert!(direct.contains("read s3://music/data/log_data/a b.json:"), "{direct}");
        assert!(direct.contains("s3:GetBucketLocation on music,"), "{direct}");
        let default = hint(explained_of(denied, &[], &IamRole::Default));
        assert!(default.contains("let the cluster's default role read"), "{default}");
    }

    #[test]
    fn of_two_buckets_the_one_that_is_elsewhere_is_named_with_its_setting() {
        let moved = "S3ServiceException:The bucket you are attempting to access must be addressed using the specified \
                     endpoint.,Status 301,Error PermanentRedirect";
        let both = hint_about_source(moved);
        assert!(both.contains("music and our-bucket") && both.contains("--s3-region"), "{both}");
        for (object, flag) in [("s3://music/data/x", "--s3-region"), (MANIFEST, "--stage-region")] {
            let hint = hint_about_source(&format!("{moved}\n  context:   {object}\n  query:     0"));
            let bucket = bucket_of(object);
            assert!(hint.contains(&format!("the bucket {bucket} is not in the region us-west-2")), "{hint}");
            assert!(hint.ends_with(flag), "{hint}");
        }
        let missing = "S3ServiceException:The specified bucket does not exist,Status 404,Error NoSuchBucket";
        let hint = hint_about_source(&format!("{missing}\n  context:   s3://music/data/x\n"));
        assert_eq!(hint, "check the name of the bucket music (--source)");
    }

    #[test]
    fn refused_records_are_told_from_other_trouble() {
        for reason in [
            "Load into table 'sparkify_run_events' failed.  Check 'stl_load_errors' system table for details.",
            "Load into table 'sparkify_run_events' failed.  Check 'sys_load_error_detail' system table for details.",
        ] {
            assert!(matches!(explained(reason), Trouble::Records(_)), "{reason}");
        }
        assert!(matches!(
            explained("syntax error at or near \"COPYY\""),
            Trouble::Other(Error::Statement { .. })
        ));
    }
}
