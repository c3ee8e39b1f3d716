//! The settings of loads into Redshift.

/// A place in S3.
#[cfg(feature = "redshift")]
pub(super) fn stage(text: &str) -> Result<String, Option<String>> {
    match sparkify_storage::S3Url::parse(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(Some(format!("{error}; {}", error.hint()))),
    }
}

/// A role.
#[cfg(feature = "redshift")]
pub(super) fn iam_role(text: &str) -> Result<String, Option<String>> {
    match text.parse::<sparkify_warehouse::redshift::IamRole>() {
        Ok(role) => Ok(role.to_string()),
        Err(error) => Err(error.hint()),
    }
}

/// Without Redshift nobody uses them.
#[cfg(not(feature = "redshift"))]
pub(super) fn stage(text: &str) -> Result<String, Option<String>> {
    Ok(text.to_owned())
}

#[cfg(not(feature = "redshift"))]
pub(super) fn iam_role(text: &str) -> Result<String, Option<String>> {
    Ok(text.to_owned())
}
