//! What Redshift's parser does not take, by the rules that the tests hold all our statements to.

use super::error::ServerError;
use crate::redshift_lint::lint;

/// Refuses a statement that breaks a rule.
///
/// Redshift says of most of it only that there is a syntax error; the rule stands in the detail.
pub(super) fn check(sql: &str) -> Result<(), ServerError> {
    let findings = lint(sql);
    let Some(first) = findings.first() else { return Ok(()) };
    let rules: Vec<_> = findings.iter().map(ToString::to_string).collect();
    let message = format!("syntax error or unsupported feature: {}", first.message);
    Err(ServerError::syntax(message).with_detail(rules.join("\n")))
}
