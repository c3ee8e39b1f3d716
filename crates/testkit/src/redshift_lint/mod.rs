//! What Redshift would refuse or silently do otherwise, found in the text of a statement.
//!
//! There is no Redshift to try statements on, and PostgreSQL takes many that Redshift does not. So the
//! rules that are known about Redshift stand here, each under a name, and every statement that the product
//! can send there is held against them: [`lint`] for a statement, [`check_transaction`] for a sequence,
//! [`lint_manifest`] and [`lint_jsonpaths`] for the files that COPY reads. `RULES` lists the rules, and
//! [`NOT_DECIDABLE`] what is known and cannot be seen in a text.
//!
//! A statement is split into tokens as Redshift does; most rules look at these. COPY and MERGE have grammars
//! of their own here, which know exactly what exists. At the end sqlparser reads the statement, and rules
//! about types look at its tree.
//!
//! The rules prove that a statement has no known fault. They do not prove that Redshift takes it.
//!
//! # Example
//!
//! ```
//! use sparkify_testkit::redshift_lint::lint;
//!
//! assert_eq!(lint("SELECT level, COUNT(*) FROM users GROUP BY level"), []);
//! let findings = lint("INSERT INTO users SELECT * FROM sparkify_run_chosen_users ON CONFLICT DO NOTHING");
//! assert_eq!(findings[0].rule, "on_conflict");
//! ```
//!
//! # A further rule
//!
//! It is a function in a module of `rules/` that pushes [`Finding`]s, an entry in that module's `RULES`, and
//! statements that break just it and statements that nearly do in `cases/`, which a test demands.

mod copy;
mod merge;
mod objects;
mod rules;
mod statement;
mod token;
mod transaction;
mod tree;
mod vocabulary;

#[cfg(test)]
mod cases;

use std::fmt;

pub use objects::{lint_jsonpaths, lint_manifest};
pub use rules::{NOT_DECIDABLE, all_rules};
pub use transaction::check_transaction;

use statement::Statement;

/// A place in a statement that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule's name.
    pub rule: &'static str,
    /// What is wrong, and what to write instead.
    pub message: String,
    /// Where, in bytes from the beginning of the statement; for a sequence, the statement's index.
    pub at: usize,
}

impl Finding {
    pub(crate) const fn new(rule: &'static str, message: String, at: usize) -> Self {
        Self { rule, message, at }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}: {}", self.rule, self.at, self.message)
    }
}

/// A rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Its name, as in findings.
    pub name: &'static str,
    /// What Redshift does, and what to write instead.
    pub about: &'static str,
}

/// What is known about Redshift and cannot be seen in the text of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotDecidable {
    /// The fact.
    pub fact: &'static str,
    /// Why a text does not show it, and what sees to it instead.
    pub reason: &'static str,
}

/// Collects the findings of one statement.
struct Findings<'a, 's> {
    statement: &'a Statement<'s>,
    found: Vec<Finding>,
}

impl Findings<'_, '_> {
    /// Notes that the token at that index breaks the rule.
    fn add(&mut self, rule: &'static str, index: usize, message: impl Into<String>) {
        self.found.push(Finding::new(rule, message.into(), self.statement.at(index)));
    }
}

/// What is wrong with one statement, in the order of the text; nothing for most.
#[must_use]
pub fn lint(sql: &str) -> Vec<Finding> {
    let statement = match Statement::read(sql) {
        Ok(statement) => statement,
        Err(finding) => return vec![finding],
    };
    let mut findings = Findings { statement: &statement, found: Vec::new() };
    for check in rules::CHECKS {
        check(&mut findings);
    }
    let mut found = findings.found;
    // A statement with a known fault is often no SQL to a parser either; the fault says more.
    if found.is_empty() {
        found = tree::check(&statement);
    }
    found.sort_by_key(|finding| (finding.at, finding.rule));
    found.dedup();
    found
}
