//! sqlfluff as a second opinion about Redshift SQL.
//!
//! It is a linter for SQL of many dialects, used here for its grammar of Redshift alone: it is by other
//! people than our own rules, and stricter than sqlparser. It knows nothing of meaning, so it takes much that
//! Redshift refuses.

use std::{
    io::Write,
    process::{Output, Stdio},
};

use crate::{process::checked, python::Venv};

const VERSION: &str = "4.5.0";

/// The packages of the environment, as `pip freeze` prints them.
const REQUIREMENTS: &[&str] = &[
    "chardet==7.7.0",
    "click==8.5.1",
    "colorama==0.4.6",
    "diff_cover==11.0.1",
    "Jinja2==3.1.6",
    "MarkupSafe==3.0.4",
    "pathspec==1.1.1",
    "platformdirs==4.14.7",
    "pluggy==1.7.0",
    "Pygments==2.21.0",
    "PyYAML==6.0.3",
    "regex==2026.11.15",
    "sqlfluff==4.5.0",
    "tblib==3.2.2",
    "tqdm==4.70.1",
];

/// What sqlfluff complains about in each of the statements: nothing where it can parse one. One process
/// parses all.
///
/// # Panics
///
/// When there is no Python, or sqlfluff fails otherwise than by complaining.
#[must_use]
pub fn complaints(statements: &[String]) -> Vec<Vec<String>> {
    let venv = Venv::with(&format!("sqlfluff-{VERSION}"), REQUIREMENTS);
    let mut child = venv
        .command("python")
        .args(["-c", include_str!("parse.py")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("Python");
    let input = serde_json::to_vec(statements).expect("texts");
    let mut stdin = child.stdin.take().expect("its input");
    // It reads everything before it writes anything.
    stdin.write_all(&input).expect("input that is read");
    drop(stdin);
    let Output { stdout, .. } = checked(child.wait_with_output());
    let complaints: Vec<Vec<String>> = serde_json::from_slice(&stdout).expect("a list of lists");
    assert_eq!(complaints.len(), statements.len(), "an answer for each statement");
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_told_from_what_is_none() {
        let statements = [
            "SELECT level FROM users WHERE level = '{{ braces }}'",
            "SELECT level FROM FROM users",
            "CREATE TABEL t (x INTEGER)",
            "COPY t FROM 's3://b/m' IAM_ROLE default MANIFEST REGION 'us-west-2' MAXERRORS 0",
        ];
        let complaints = complaints(&statements.map(str::to_owned));
        assert_eq!(complaints[0], [""; 0]);
        for (statement, found) in statements.iter().zip(&complaints).skip(1) {
            assert!(!found.is_empty(), "{statement}");
        }
    }
}
