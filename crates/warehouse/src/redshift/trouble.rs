//! What the texts of a failed COPY mean.
//!
//! COPY fails for reasons of S3 and of roles more often than for reasons of SQL, and says so in words that
//! point elsewhere.

use super::copy::Copy;
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
    manifest: &'a str,
    region: &'a str,
    role: &'a str,
}

impl Trouble {
    pub(super) fn of(error: Error, copy: &Copy<'_>) -> Self {
        let role = copy.area.staging().role.to_string();
        let place = Place { table: copy.table, manifest: &copy.manifest, region: copy.region, role: &role };
        explain(error, place)
    }
}

fn explain(error: Error, place: Place<'_>) -> Trouble {
    let (reason, sql) = match error {
        Error::Statement { reason, sql } => (reason, sql),
        error @ Error::ConnectionLost { .. } => return Trouble::Lost(error),
        other => return Trouble::Other(other),
    };
    let lower = reason.to_lowercase();
    let says = |texts: &[&str]| texts.iter().any(|text| lower.contains(text));
    if says(&["load_error", "load errors"]) {
        return Trouble::Records(Error::Statement { reason, sql });
    }
    let Place { table, manifest, region, role } = place;
    let bucket = manifest.trim_start_matches("s3://").split('/').next().unwrap_or_default();
    let is_role = says(&["not authorized to assume", "not associated"])
        || (says(&["iam role"]) && says(&["not valid", "invalid"]));
    let again = says(&["slowdown", "status 503", "reduce your request rate"]);
    let remedy = if is_role {
        format!(
            "attach the role {role} to the cluster (`sparkify-cli provision` does so), and let redshift.amazonaws.com \
             assume it in its trust policy"
        )
    } else if again {
        "S3 wants fewer requests: run again in a minute".to_owned()
    } else if says(&["requires full path of an s3 object"]) {
        format!(
            "the role {role} cannot read {manifest}: allow s3:GetObject on it, and kms:Decrypt if the bucket is \
             encrypted with a key of yours"
        )
    } else if says(&["must be addressed using the specified endpoint", "permanentredirect"]) {
        format!("the bucket {bucket} is not in the region {region}: name its region with --s3-region")
    } else if says(&["access denied", "accessdenied", "status 403"]) {
        format!(
            "let the role {role} read it: s3:GetObject on the objects and the manifest, s3:ListBucket and \
             s3:GetBucketLocation on the bucket, and kms:Decrypt if it is encrypted with a key of yours"
        )
    } else if says(&["nosuchbucket", "bucket does not exist"]) {
        format!("check the name of the bucket {bucket}")
    } else if says(&["nosuchkey", "mandatory url", "specified key does not exist"]) {
        "an object was deleted between the listing and COPY: run again".to_owned()
    } else {
        return Trouble::Other(Error::Statement { reason, sql });
    };
    let error = Error::Copy { table: table.to_owned(), reason, remedy, again };
    if is_role { Trouble::Role(error) } else { Trouble::Other(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(reason: &str) -> Trouble {
        let place = Place {
            table: "batch_events",
            manifest: "s3://our-bucket/stage/x.manifest",
            region: "us-west-2",
            role: "arn:aws:iam::123456789012:role/sparkify",
        };
        explain(Error::Statement { reason: reason.to_owned(), sql: "COPY …".to_owned() }, place)
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
    fn each_known_text_is_translated_into_what_to_do() {
        for (reason, remedy) in [
            ("COPY with MANIFEST parameter requires full path of an S3 object.", "s3:GetObject"),
            ("S3ServiceException:Access Denied,Status 403,Error AccessDenied,Rid X", "s3:ListBucket"),
            (
                "S3ServiceException:The bucket you are attempting to access must be addressed using the specified \
                 endpoint. Please send all future requests to this endpoint.,Status 301,Error PermanentRedirect",
                "--s3-region",
            ),
            (
                "S3ServiceException:The specified bucket does not exist,Status 404,Error NoSuchBucket",
                "our-bucket",
            ),
            ("S3ServiceException:The specified key does not exist.,Status 404,Error NoSuchKey", "run again"),
            ("Problem reading manifest file - mandatory url s3://b/k not found", "run again"),
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
    fn refused_records_are_told_from_other_trouble() {
        for reason in [
            "Load into table 'batch_events' failed.  Check 'stl_load_errors' system table for details.",
            "Load into table 'batch_events' failed.  Check 'sys_load_error_detail' system table for details.",
        ] {
            assert!(matches!(explained(reason), Trouble::Records(_)), "{reason}");
        }
        assert!(matches!(
            explained("syntax error at or near \"COPYY\""),
            Trouble::Other(Error::Statement { .. })
        ));
    }
}
