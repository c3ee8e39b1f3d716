//! Names of tables and columns, and aliases.

use super::{Findings, Rule, clauses::main_command, relations, rules};
use crate::redshift_lint::{
    statement::Statement,
    token::Kind,
    vocabulary::{RESERVED, RESERVED_WITHOUT_USE, SYSTEM_COLUMNS, Words},
};

pub(super) const RULES: &[Rule] = rules! {
    mixed_case_name: "names fold to lower case even in quotes: write them in lower case";
    name_too_long: "a name has 127 bytes at most";
    reserved_word: "a reserved word as a name: choose another, or quote it";
    system_column: "PostgreSQL's system columns are not there, and no column may have their names";
};

/// Reserved words that may follow a table in FROM without being its alias.
const BEHIND_TABLE: Words = Words::new(
    "as on using where group order having limit offset union intersect except minus join inner left right full cross \
     natural for pivot unpivot select with default to encode in like partition",
);
/// What the parts of CREATE TABLE that are no columns begin with.
const CONSTRAINTS: &[&str] = &["PRIMARY", "UNIQUE", "FOREIGN", "CONSTRAINT", "CHECK", "LIKE", "EXCLUDE"];

pub(super) fn check(findings: &mut Findings<'_, '_>) {
    let statement = findings.statement;
    let tables = relations(statement);
    let has_catalog = tables.iter().any(super::relations::Relation::is_on_leader);
    for (index, token) in statement.tokens.iter().enumerate() {
        if !token.names() {
            continue;
        }
        if token.kind == Kind::QuotedName && token.text.chars().any(char::is_uppercase) {
            findings.add("mixed_case_name", index, format!("write {}", token.text.to_lowercase()));
        }
        if token.name().len() > 127 {
            findings.add("name_too_long", index, format!("it has {} bytes", token.name().len()));
        }
        let is_call = statement.symbol(index + 1, "(");
        if SYSTEM_COLUMNS.contain(&token.name()) && !has_catalog && !is_call {
            findings.add("system_column", index, format!("there is no {}", token.name()));
        }
    }
    if statement.is_any(main_command(statement), &["SELECT", "INSERT", "UPDATE", "DELETE", "MERGE"]) {
        words_without_use(findings);
    }
    for index in name_positions(statement) {
        let token = statement.tokens[index];
        let word = token.name();
        // Those have a rule of their own.
        let system = SYSTEM_COLUMNS.contain(&word);
        if token.kind == Kind::Word && RESERVED.contain(&word) && !system {
            findings.add(
                "reserved_word",
                index,
                format!("{word} is reserved: choose another name, or quote it"),
            );
        }
    }
}

/// Words that can be nothing but names where they stand.
fn words_without_use(findings: &mut Findings<'_, '_>) {
    let statement = findings.statement;
    for (index, token) in statement.tokens.iter().enumerate() {
        if token.kind != Kind::Word || (index > 0 && statement.symbol(index - 1, ".")) {
            continue;
        }
        let word = token.name();
        let without_use = RESERVED_WITHOUT_USE.contain(&word) && !SYSTEM_COLUMNS.contain(&word);
        // The type needs a text or a zone behind it, or a cast before it.
        let is_type = index > 0 && (statement.symbol(index - 1, "::") || statement.is(index - 1, "AS"));
        let timestamp = word == "timestamp"
            && !is_type
            && statement.kind(index + 1) != Some(Kind::Text)
            && !statement.is_any(index + 1, &["WITH", "WITHOUT"]);
        if without_use || timestamp {
            findings.add(
                "reserved_word",
                index,
                format!("{word} is reserved: choose another name, or quote it"),
            );
        }
    }
}

/// Where names of tables, of columns that are defined or written, and aliases stand.
fn name_positions(statement: &Statement<'_>) -> Vec<usize> {
    let mut positions = Vec::new();
    if statement.is_any(0, &["COPY", "UNLOAD"]) {
        return positions;
    }
    for relation in relations(statement) {
        positions.extend(relation.index..relation.behind);
        let alias = statement.tokens.get(relation.behind).filter(|token| token.kind == Kind::Word);
        if alias.is_some_and(|alias| !BEHIND_TABLE.contain(&alias.name()))
            && !statement.sequence(relation.behind, &["START", "WITH"])
            && !statement.sequence(relation.behind, &["CONNECT", "BY"])
        {
            positions.push(relation.behind);
        }
    }
    for index in statement.find(&["AS"]) {
        let casts = statement
            .outer(index)
            .and_then(|open| open.checked_sub(1))
            .is_some_and(|function| statement.is_any(function, &["CAST", "TRY_CAST"]));
        if !casts
            && !statement.is_any(index + 1, &["SELECT", "WITH", "IDENTITY"])
            && index + 1 < statement.len()
        {
            positions.push(index + 1);
        }
    }
    if let Some(open) = statement.created_columns() {
        for part in statement.parts(statement.inside(open)) {
            if !statement.is_any(part.start, CONSTRAINTS) {
                positions.push(part.start);
            }
        }
    }
    let command = main_command(statement);
    if statement.sequence(command, &["INSERT", "INTO"])
        && let Some((_, open)) = statement.qualified_name(command + 2)
        && statement.symbol(open, "(")
        && !statement.is_any(open + 1, &["SELECT", "WITH"])
    {
        positions.extend(statement.parts(statement.inside(open)).iter().map(|part| part.start));
    }
    if let Some(column) = added_column(statement) {
        positions.push(column);
    }
    positions.retain(|index| statement.kind(*index) == Some(Kind::Word));
    positions.sort_unstable();
    positions.dedup();
    positions
}

/// `ALTER TABLE t ADD [COLUMN] name`: the index of the name.
pub(super) fn added_column(statement: &Statement<'_>) -> Option<usize> {
    let (_, add) = statement.qualified_name(2).filter(|_| statement.begins(&["ALTER", "TABLE"]))?;
    let column = add + 1 + usize::from(statement.is(add + 1, "COLUMN"));
    (statement.is(add, "ADD") && !statement.is_any(column, CONSTRAINTS)).then_some(column)
}
