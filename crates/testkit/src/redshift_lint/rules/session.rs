//! Transactions, locks and parameters, one statement at a time.

use super::{Findings, Rule, rules};
use crate::redshift_lint::vocabulary::PARAMETERS;

pub(super) const RULES: &[Rule] = rules! {
    savepoint: "there are no savepoints";
    isolation_level: "every isolation level is handled as serializable: leave it out";
    deferrable: "no transaction is DEFERRABLE";
    unknown_parameter: "a parameter that Redshift has not";
    lock_of_data: "LOCK keeps readers out as well: lock a private table whose name ends with _lock";
    lock_mode: "LOCK has neither a mode nor NOWAIT";
};

pub(super) fn check(findings: &mut Findings<'_, '_>) {
    let statement = findings.statement;
    if statement.is_any(0, &["SAVEPOINT", "RELEASE"])
        || statement.find(&["TO", "SAVEPOINT"]).next().is_some()
        || (statement.is_any(0, &["ROLLBACK", "ABORT"]) && statement.find(&["TO"]).next().is_some())
    {
        findings.add("savepoint", 0, "use one flat transaction");
    }
    let transaction = statement.is_any(0, &["BEGIN", "START"])
        || statement.begins(&["SET", "TRANSACTION"])
        || statement.begins(&["SET", "SESSION", "CHARACTERISTICS"]);
    if transaction {
        if let Some(index) = statement.find(&["ISOLATION"]).next() {
            findings.add("isolation_level", index, "leave it out");
        }
        if let Some(index) = statement.find(&["DEFERRABLE"]).next() {
            findings.add("deferrable", index, "leave it out");
        }
    } else if statement.is_any(0, &["SET", "RESET"]) {
        parameter(findings);
    } else if statement.is(0, "LOCK") {
        lock(findings);
    }
}

fn parameter(findings: &mut Findings<'_, '_>) {
    let statement = findings.statement;
    let scoped = statement.is_any(1, &["SESSION", "LOCAL"]);
    let index = if scoped { 2 } else { 1 };
    if statement.is_any(index, &["AUTHORIZATION", "ALL"]) || statement.sequence(index, &["TIME", "ZONE"]) {
        return;
    }
    let Some((name, behind)) = statement.qualified_name(index) else { return };
    // A name with a dot is the user's own.
    if name.len() == 1 && !PARAMETERS.contain(&name[0]) {
        findings.add("unknown_parameter", index, format!("there is no parameter {}", name[0]));
    }
    if statement.is(0, "SET") && !statement.is(behind, "TO") && !statement.symbol(behind, "=") {
        findings.add("unknown_parameter", behind, "write SET name TO value");
    }
}

fn lock(findings: &mut Findings<'_, '_>) {
    let statement = findings.statement;
    let mut index = 1 + usize::from(statement.is(1, "TABLE"));
    while let Some((name, behind)) = statement.qualified_name(index) {
        if !name.last().is_some_and(|table| table.ends_with("_lock")) {
            findings.add("lock_of_data", index, "lock a private table whose name ends with _lock");
        }
        index = behind;
        if !statement.symbol(index, ",") {
            break;
        }
        index += 1;
    }
    if index < statement.len() && !statement.symbol(index, ";") {
        findings.add("lock_mode", index, "the lock is always exclusive, and always waits");
    }
}
