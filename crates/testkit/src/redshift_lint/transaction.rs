//! Rules about sequences of statements.

use super::{Finding, Rule, rules::rules, statement::Statement};

pub(super) const RULES: &[Rule] = rules! {
    nested_transaction: "a transaction cannot begin within another";
    no_transaction: "COMMIT and ROLLBACK need a transaction";
    open_transaction: "a transaction is left open, with its locks";
    truncate_in_transaction: "TRUNCATE commits the transaction: use DELETE";
    refused_in_transaction: "VACUUM, ALTER TABLE APPEND, COPY JOB, ALTER COLUMN TYPE and what makes databases or external tables refuse to run in a transaction";
    lock_outside_transaction: "outside of a transaction a LOCK ends at once";
};

/// What is wrong with the order of statements that one session sends; the findings' `at` is the index of
/// the statement. It says nothing about each for itself: that is [`lint`](super::lint).
#[must_use]
pub fn check_transaction(statements: &[String]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut begun = None;
    for (at, sql) in statements.iter().enumerate() {
        let Ok(statement) = Statement::read(sql) else { continue };
        let mut add = |rule, message: &str| {
            findings.push(Finding::new(rule, format!("{message}: {}", first_line(sql)), at));
        };
        if statement.is(0, "BEGIN") || statement.begins(&["START", "TRANSACTION"]) {
            if begun.is_some() {
                add("nested_transaction", "a transaction is under way already");
            }
            begun = Some(at);
        } else if statement.is_any(0, &["COMMIT", "END", "ROLLBACK", "ABORT"]) {
            if begun.take().is_none() {
                add("no_transaction", "no transaction is under way");
            }
        } else if begun.is_some() {
            if statement.is(0, "TRUNCATE") {
                add("truncate_in_transaction", "this commits the transaction");
            } else if is_refused(&statement) {
                add("refused_in_transaction", "this is refused in a transaction");
            }
        } else if statement.is(0, "LOCK") {
            add("lock_outside_transaction", "there is no transaction that could hold the lock");
        }
    }
    if let Some(at) = begun {
        findings.push(Finding::new("open_transaction", "it is never ended".to_owned(), at));
    }
    findings
}

fn is_refused(statement: &Statement<'_>) -> bool {
    let alters = statement.begins(&["ALTER", "TABLE"]);
    let behind_name = statement.qualified_name(2).map_or(0, |(_, behind)| behind);
    statement.is(0, "VACUUM")
        || (alters && statement.is(behind_name, "APPEND"))
        || (alters
            && statement.sequence(behind_name, &["ALTER", "COLUMN"])
            && statement.is(behind_name + 3, "TYPE"))
        || (statement.is(0, "COPY") && statement.find(&["JOB"]).next().is_some())
        || (statement.is_any(0, &["CREATE", "DROP", "ALTER"])
            && statement.is_any(1, &["DATABASE", "LIBRARY"]))
        || (statement.is_any(0, &["CREATE", "DROP", "ALTER"])
            && statement.sequence(1, &["EXTERNAL", "TABLE"]))
}

fn first_line(sql: &str) -> &str {
    sql.trim().lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(statements: &[&str]) -> Vec<(&'static str, usize)> {
        let statements: Vec<_> = statements.iter().map(|sql| (*sql).to_owned()).collect();
        check_transaction(&statements).iter().map(|finding| (finding.rule, finding.at)).collect()
    }

    #[test]
    fn a_flat_transaction_is_fine_and_vacuum_behind_it() {
        let load = [
            "CREATE TABLE sparkify_run_events (ts BIGINT)",
            "BEGIN",
            "LOCK load_lock",
            "DELETE FROM songplays",
            "ANALYZE songplays",
            "ALTER TABLE users ADD COLUMN age INTEGER",
            "COMMIT",
            "VACUUM songplays",
            "TRUNCATE sparkify_run_events",
            "ALTER TABLE users ALTER COLUMN level TYPE VARCHAR(32)",
        ];
        assert_eq!(found(&load), []);
        assert_eq!(found(&["START TRANSACTION READ ONLY", "SELECT 1", "ROLLBACK"]), []);
    }

    #[test]
    fn transactions_neither_nest_nor_dangle() {
        assert_eq!(found(&["BEGIN", "BEGIN", "COMMIT"]), [("nested_transaction", 1)]);
        assert_eq!(found(&["COMMIT"]), [("no_transaction", 0)]);
        assert_eq!(found(&["BEGIN", "END", "ABORT"]), [("no_transaction", 2)]);
        assert_eq!(found(&["BEGIN", "SELECT 1"]), [("open_transaction", 0)]);
    }

    #[test]
    fn what_commits_or_refuses_a_transaction_is_found_in_one() {
        assert_eq!(found(&["BEGIN", "TRUNCATE users", "COMMIT"]), [("truncate_in_transaction", 1)]);
        for refused in [
            "VACUUM users",
            "ALTER TABLE users APPEND FROM sparkify_run_chosen_users",
            "ALTER TABLE users ALTER COLUMN level TYPE VARCHAR(32)",
            "COPY users FROM 's3://b/k/' IAM_ROLE default JOB CREATE j AUTO ON",
            "CREATE DATABASE d",
            "DROP EXTERNAL TABLE s.t",
        ] {
            assert_eq!(found(&["BEGIN", refused, "COMMIT"]), [("refused_in_transaction", 1)], "{refused}");
        }
    }

    #[test]
    fn a_lock_is_taken_in_a_transaction() {
        assert_eq!(found(&["LOCK load_lock"]), [("lock_outside_transaction", 0)]);
    }
}
