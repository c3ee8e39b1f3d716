//! The statement as a whole, and its literals.

use super::{Findings, Rule, rules};
use crate::redshift_lint::{token::Kind, vocabulary::COMMANDS};

pub(super) const RULES: &[Rule] = rules! {
    unterminated: "a text, name, comment or parenthesis that is not closed";
    nested_comment: "engines disagree about the end of a comment within a comment";
    odd_character: "a character that is a blank to one engine and part of a name to another";
    statement_too_long: "a statement may have 16 MB";
    empty_statement: "there is no statement";
    several_statements: "a string of several statements is one implicit transaction, and VACUUM and others fail in it: one statement a call";
    unsupported_command: "a statement that Redshift has not";
    parameter: "statements go over the simple query protocol, which has no parameters";
    backslash: "a backslash in a literal is an escape: it must be doubled";
    literal_form: "only '…' literals mean the same everywhere, not E'…', B'…', X'…', U&'…' or $$…$$";
};

/// The limit of a statement in bytes.
const LONGEST: usize = 16 * 1024 * 1024;

pub(super) fn check(findings: &mut Findings<'_, '_>) {
    let statement = findings.statement;
    if statement.sql.len() > LONGEST {
        findings.add("statement_too_long", 0, format!("it has {} bytes", statement.sql.len()));
    }
    let Some(first) = statement.tokens.first() else {
        findings.add("empty_statement", 0, "there is no statement");
        return;
    };
    if !first.symbol("(") && (first.kind != Kind::Word || !COMMANDS.contain(&first.name())) {
        findings.add("unsupported_command", 0, format!("Redshift has no statement {}", first.text));
    }
    for (index, token) in statement.tokens.iter().enumerate() {
        match token.kind {
            Kind::Symbol
                if token.text == ";"
                    && index + 1 < statement.len()
                    && !statement.tokens[index + 1..].iter().all(|token| token.symbol(";")) =>
            {
                findings.add("several_statements", index, "a further statement follows");
            }
            // MODE ? of the JSON operators does not exist on Redshift either.
            Kind::Parameter => {
                findings.add("parameter", index, format!("write a literal instead of {}", token.text));
            }
            Kind::Text if token.text.starts_with('$') => {
                findings.add("literal_form", index, "write '…' instead of $$…$$");
            }
            Kind::Text => {
                let before = index.checked_sub(1).map(|before| statement.tokens[before]);
                let prefix = before.filter(|before| {
                    before.at + before.text.len() == token.at
                        && (before.kind == Kind::Word || before.symbol("&"))
                });
                if let Some(prefix) = prefix {
                    findings.add("literal_form", index, format!("write '…' instead of {}'…'", prefix.text));
                }
                if single_backslash(token.text) {
                    findings.add("backslash", index, "write \\\\ for a backslash");
                }
            }
            _ => {}
        }
    }
}

/// Whether there is a backslash that is not half of a pair.
fn single_backslash(text: &str) -> bool {
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c == '\\' && chars.next() != Some('\\') {
            return true;
        }
    }
    false
}
