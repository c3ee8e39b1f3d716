//! The parameters of a session.

use crate::redshift::error::ServerError;

/// Who keeps the value of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::redshift) enum Setting {
    /// PostgreSQL knows it as well.
    Postgres,
    /// Only Redshift knows it; it has no effect here.
    Remembered,
}

/// What Redshift documents and PostgreSQL has as well.
const SHARED: [&str; 9] = [
    "application_name",
    "client_encoding",
    "client_min_messages",
    "datestyle",
    "extra_float_digits",
    "search_path",
    "seed",
    "statement_timeout",
    "timezone",
];

/// What only Redshift has.
const OWN: [&str; 17] = [
    "analyze_threshold_percent",
    "auto_mv",
    "cast_super_null_on_error",
    "describe_field_name_in_uppercase",
    "downcase_delimited_identifier",
    "enable_case_sensitive_identifier",
    "enable_case_sensitive_super_attribute",
    "enable_numeric_rounding",
    "enable_result_cache_for_session",
    "error_on_nondeterministic_update",
    "json_serialization_enable",
    "max_cursor_result_set_size",
    "mv_enable_aqmv_for_session",
    "navigate_super_null_on_error",
    "query_group",
    "use_fips_ssl",
    "wlm_query_slot_count",
];

/// Whether a parameter exists and may have this value.
pub(in crate::redshift) fn check_setting(name: &str, value: Option<&str>) -> Result<Setting, ServerError> {
    let name = name.to_lowercase();
    if name == "extra_float_digits"
        && let Some(digits) = value.and_then(|value| value.parse::<i32>().ok())
        && !(-15..=2).contains(&digits)
    {
        let message =
            format!("{digits} is outside the valid range for parameter \"extra_float_digits\" (-15 .. 2)");
        return Err(ServerError::new("22023", message));
    }
    if SHARED.contains(&name.as_str()) {
        Ok(Setting::Postgres)
    } else if OWN.contains(&name.as_str()) {
        Ok(Setting::Remembered)
    } else {
        Err(ServerError::new("42704", format!("unrecognized configuration parameter \"{name}\"")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_of_newer_postgresql_are_unknown() {
        for name in ["lock_timeout", "idle_in_transaction_session_timeout", "server_version_num", "jit"] {
            let error = check_setting(name, None).unwrap_err();
            assert_eq!(error.code, "42704", "{name}");
        }
        assert_eq!(check_setting("STATEMENT_TIMEOUT", Some("5")), Ok(Setting::Postgres));
        assert_eq!(check_setting("query_group", Some("x")), Ok(Setting::Remembered));
    }

    #[test]
    fn extra_float_digits_end_at_two() {
        assert!(check_setting("extra_float_digits", Some("2")).is_ok());
        assert_eq!(check_setting("extra_float_digits", Some("3")).unwrap_err().code, "22023");
    }
}
