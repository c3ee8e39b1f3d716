//! The environment variables that are read, by this program or by the libraries of AWS.

use std::ffi::OsString;

use crate::exit::UsageError;

/// What the names of such variables begin with.
const PREFIXES: [&str; 3] = ["SPARKIFY_", "AWS_", "PG"];

/// Refuses variables that cannot be meant as they are: with control characters, such as the line break that `echo` puts at
/// the end of a secret, or with bytes that are no UTF-8, which would count as not set. Their values may be secrets,
/// and are not repeated.
///
/// # Errors
///
/// When there is one.
pub(crate) fn check(variables: impl IntoIterator<Item = (OsString, OsString)>) -> anyhow::Result<()> {
    for (name, value) in variables {
        let Some(name) = name.to_str().filter(|name| PREFIXES.iter().any(|prefix| name.starts_with(prefix)))
        else {
            continue;
        };
        let refuse = |what: &str, remedy: &str| {
            Err(UsageError::with_hint(format!("the environment variable {name} {what}"), remedy).into())
        };
        let Some(value) = value.to_str() else {
            return refuse("is not UTF-8", "set it to a text in UTF-8, or unset it");
        };
        if value.ends_with(['\n', '\r']) {
            return refuse(
                "ends with a line break",
                "set it without one: `echo -n` and `printf %s` write none, also into a secret of Kubernetes",
            );
        }
        if value.contains(char::is_control) {
            return refuse("has a control character in it", "set it without, or unset it");
        }
        if name.starts_with("AWS_") && value.trim() != value {
            return refuse("has a blank at its beginning or end", "set it without");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(name: &str, value: &str) -> Option<String> {
        check([(name.into(), value.into())]).err().map(|error| error.to_string())
    }

    #[test]
    fn a_variable_with_a_control_character_is_refused_by_its_name_and_without_its_value() {
        for (name, value, expected) in [
            ("AWS_SECRET_ACCESS_KEY", "geheim\n", "ends with a line break"),
            ("AWS_REGION", "geheim\r", "ends with a line break"),
            ("PGPASSWORD", "ge\theim", "control character"),
            ("SPARKIFY_WAREHOUSE", "geheim\u{1b}[31m", "control character"),
            ("SPARKIFY_SOURCE", "\u{9b}geheim", "control character"),
            ("AWS_ACCESS_KEY_ID", " geheim", "blank at its beginning or end"),
        ] {
            let message = message(name, value).unwrap();
            assert!(message.contains(name) && message.contains(expected), "{message}");
            assert!(!message.contains("heim"), "{message}");
        }
        for (name, value) in [
            ("AWS_SECRET_ACCESS_KEY", "ge/he+im="),
            ("PGPASSWORD", " blanks may be meant "),
            ("PS1", "\u{1b}[31m\n"),
            ("HOME", "/a\nb"),
        ] {
            assert_eq!(message(name, value), None, "{name}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_variable_that_is_not_utf_8_is_not_taken_for_one_that_is_not_set() {
        use std::os::unix::ffi::OsStringExt;
        let variable = ("SPARKIFY_SOURCE".into(), OsString::from_vec(vec![b'/', 0xff]));
        assert!(check([variable]).unwrap_err().to_string().contains("SPARKIFY_SOURCE is not UTF-8"));
    }
}
