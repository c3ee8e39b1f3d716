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

/// The most megabytes of a packed file.
const PACK_MEGABYTES_MAX: usize = 16;

/// A size of a packed file, in bytes: a whole number of megabytes.
pub(super) fn pack_size(text: &str) -> Result<usize, Option<String>> {
    let upper = text.trim().to_ascii_uppercase();
    let megabytes = upper.strip_suffix("MIB").or_else(|| upper.strip_suffix("MB")).map(str::trim_end);
    match megabytes.and_then(|number| number.parse::<usize>().ok()) {
        Some(megabytes @ 1..=PACK_MEGABYTES_MAX) => Ok(megabytes << 20),
        _ => Err(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pack_size_is_a_whole_number_of_megabytes_within_bounds() {
        assert_eq!(pack_size("16MB"), Ok(16 << 20));
        assert_eq!(pack_size("1 mib"), Ok(1 << 20));
        #[cfg(feature = "redshift")]
        assert_eq!(PACK_MEGABYTES_MAX << 20, sparkify_warehouse::redshift::RedshiftOptions::PACK_BYTES_MAX);
        for text in ["0MB", "17MB", "128MB", "16", "16GB", "1.5MB", "MB", ""] {
            assert_eq!(pack_size(text), Err(None), "{text}");
        }
    }
}
