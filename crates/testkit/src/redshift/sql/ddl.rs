//! `CREATE TABLE` and `ALTER TABLE` without what PostgreSQL does not know.
//!
//! Keys are taken off, since Redshift enforces none: duplicates must show.

use std::ops::Range;

use super::{
    expressions::bare_type,
    token::{Edits, Kind, Token},
};
use crate::redshift::error::ServerError;

type Result<T> = std::result::Result<T, ServerError>;

/// The most bytes of a VARCHAR.
const LONGEST_VARCHAR: u32 = 65_535;

/// Types of PostgreSQL that tables of Redshift cannot have.
const UNSUPPORTED_TYPES: [&str; 17] = [
    "bigserial",
    "box",
    "bytea",
    "cidr",
    "circle",
    "inet",
    "json",
    "jsonb",
    "line",
    "macaddr",
    "money",
    "point",
    "serial",
    "smallserial",
    "tsvector",
    "uuid",
    "xml",
];

/// A place in the tokens of a statement.
struct Cursor<'a> {
    tokens: &'a [Token],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.at)
    }

    fn is(&self, what: &str) -> bool {
        self.peek().is_some_and(|token| token.is(what))
    }

    fn take(&mut self, what: &str) -> bool {
        let taken = self.is(what);
        self.at += usize::from(taken);
        taken
    }

    fn next(&mut self) -> Result<&'a Token> {
        let token = self.peek().ok_or_else(|| ServerError::syntax("syntax error at end of input"))?;
        self.at += 1;
        Ok(token)
    }

    fn expect(&mut self, what: &str) -> Result<&'a Token> {
        let token = self.next()?;
        if token.is(what) { Ok(token) } else { Err(ServerError::syntax_at(&token.value)) }
    }

    /// A name with or without a schema: its last part.
    fn name(&mut self) -> Result<String> {
        loop {
            let token = self.next()?;
            if !token.is_identifier() {
                return Err(ServerError::syntax_at(&token.value));
            }
            if !self.take(".") {
                return Ok(token.value.to_lowercase());
            }
        }
    }

    /// What is between parentheses, which begin here.
    fn parenthesized(&mut self) -> Result<&'a [Token]> {
        self.expect("(")?;
        let (start, mut depth) = (self.at, 1);
        while depth > 0 {
            match self.next()? {
                token if token.is("(") => depth += 1,
                token if token.is(")") => depth -= 1,
                _ => {}
            }
        }
        Ok(&self.tokens[start..self.at - 1])
    }

    fn names_in_parentheses(&mut self) -> Result<Vec<String>> {
        let inner = self.parenthesized()?;
        Ok(inner
            .iter()
            .filter(|token| token.is_identifier())
            .map(|token| token.value.to_lowercase())
            .collect())
    }
}

/// The parts of a list, by its commas.
fn entries(tokens: &[Token]) -> Vec<&[Token]> {
    let (mut depth, mut start, mut found) = (0, 0, Vec::new());
    for (index, token) in tokens.iter().enumerate() {
        match () {
            () if token.is("(") => depth += 1,
            () if token.is(")") => depth -= 1,
            () if token.is(",") && depth == 0 => {
                found.push(&tokens[start..index]);
                start = index + 1;
            }
            () => {}
        }
    }
    found.push(&tokens[start..]);
    found
}

fn range_of(tokens: &[Token]) -> Range<usize> {
    match (tokens.first(), tokens.last()) {
        (Some(first), Some(last)) => first.range.start..last.range.end,
        _ => 0..0,
    }
}

/// The changes for `CREATE [TEMP] TABLE …`; `after` is the place behind the word TABLE.
pub(in crate::redshift) fn create_table(tokens: &[Token], after: usize, edits: &mut Edits) -> Result<()> {
    let mut cursor = Cursor { tokens, at: after };
    if cursor.take("if") {
        cursor.expect("not")?;
        cursor.expect("exists")?;
    }
    let table = cursor.name()?;
    let mut columns = Vec::new();
    if cursor.is("(") {
        columns = column_list(&table, cursor.parenthesized()?, edits)?;
    }
    table_attributes(&mut cursor, &columns, edits)
}

/// The columns of a table, after the changes to their list.
fn column_list(table: &str, list: &[Token], edits: &mut Edits) -> Result<Vec<String>> {
    let entries = entries(list);
    let mut columns = Vec::new();
    let mut required = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let mut cursor = Cursor { tokens: entry, at: 0 };
        if cursor.take("constraint") {
            cursor.name()?;
        }
        if cursor.take("primary") {
            cursor.expect("key")?;
            required = cursor.names_in_parentheses()?;
        } else if cursor.is("check") {
            return Err(ServerError::new("0A000", "CHECK constraints are not supported"));
        } else if !(cursor.is("unique") || cursor.is("foreign")) {
            continue;
        }
        let range = range_of(entry);
        match index.checked_sub(1).map(|before| range_of(entries[before])) {
            Some(before) => edits.replace(before.end..range.end, ""),
            None if entries.len() > 1 => edits.replace(range.start..range_of(entries[1]).start, ""),
            None => edits.replace(range, ""),
        }
    }
    for entry in entries {
        let first = entry.first().ok_or_else(|| ServerError::syntax_at(","))?;
        let is_constraint = first.kind == Kind::Word
            && ["constraint", "primary", "unique", "foreign", "like"].contains(&first.value.as_str());
        if is_constraint {
            continue;
        }
        let name = first.value.to_lowercase();
        let has_not_null = column(table, entry, edits)?;
        if required.contains(&name) && !has_not_null {
            edits.insert(range_of(entry).end, " NOT NULL");
        }
        columns.push(name);
    }
    Ok(columns)
}

/// The changes to one column; whether it is NOT NULL.
fn column(table: &str, entry: &[Token], edits: &mut Edits) -> Result<bool> {
    let mut cursor = Cursor { tokens: entry, at: 0 };
    let name = cursor.name()?;
    // A list of names only is that of CREATE TABLE … (a, b) AS.
    let Some(data_type) = cursor.peek() else { return Ok(false) };
    check_type(table, &name, entry)?;
    if matches!(data_type.value.as_str(), "text" | "numeric" | "decimal" | "bpchar")
        && !entry.get(2).is_some_and(|token| token.is("("))
    {
        edits.replace(data_type.range.clone(), bare_type(&data_type.value));
    }
    let mut not_null = false;
    cursor.at += 1;
    while let Some(token) = cursor.peek() {
        let start = token.range.start;
        cursor.at += 1;
        let mut replacement = Some(String::new());
        match token.value.as_str() {
            "encode" => {
                cursor.next()?;
            }
            "distkey" | "sortkey" | "unique" => {}
            "primary" => {
                cursor.expect("key")?;
                let already = std::mem::replace(&mut not_null, true);
                replacement = Some(if already { String::new() } else { "NOT NULL".to_owned() });
            }
            "references" => {
                cursor.name()?;
                if cursor.is("(") {
                    cursor.parenthesized()?;
                }
            }
            "identity" => {
                let bounds = cursor.parenthesized()?;
                let numbers: Vec<_> = bounds.iter().filter(|token| token.kind == Kind::Number).collect();
                let [seed, step] = numbers[..] else { return Err(ServerError::syntax_at("identity")) };
                let (seed, step) = (&seed.value, &step.value);
                let by_default = entry.iter().any(|token| token.is("generated"));
                let prefix = if by_default { "" } else { "GENERATED ALWAYS AS " };
                replacement =
                    Some(format!("{prefix}IDENTITY (START WITH {seed} INCREMENT BY {step} MINVALUE {seed})"));
            }
            "check" => return Err(ServerError::new("0A000", "CHECK constraints are not supported")),
            "not" if cursor.take("null") => {
                // Said twice, by NOT NULL after PRIMARY KEY, is fine for PostgreSQL as well.
                not_null = true;
                replacement = None;
            }
            _ => replacement = None,
        }
        if let Some(replacement) = replacement {
            edits.replace(start..entry[cursor.at - 1].range.end, replacement);
        }
    }
    Ok(not_null)
}

fn check_type(table: &str, column: &str, entry: &[Token]) -> Result<()> {
    let data_type = &entry[1].value;
    let is_array = entry.iter().any(|token| token.is("["));
    if UNSUPPORTED_TYPES.contains(&data_type.as_str()) || is_array {
        let suffix = if is_array { "[]" } else { "" };
        let message = format!("Column \"{table}.{column}\" has unsupported type \"{data_type}{suffix}\".");
        return Err(ServerError::new("0A000", message));
    }
    let length = entry
        .iter()
        .skip_while(|token| !token.is("("))
        .nth(1)
        .and_then(|token| token.value.parse::<u32>().ok());
    let is_text = matches!(data_type.as_str(), "varchar" | "nvarchar" | "character");
    if is_text && length.is_some_and(|length| length > LONGEST_VARCHAR) {
        let message = format!("Length for type varchar cannot exceed {LONGEST_VARCHAR}");
        return Err(ServerError::new("22023", message));
    }
    Ok(())
}

/// Takes off what stands behind the columns, up to AS or the end.
fn table_attributes(cursor: &mut Cursor<'_>, columns: &[String], edits: &mut Edits) -> Result<()> {
    let (mut style, mut distribution_key, mut sort_keys) = (None, None, false);
    while let Some(token) = cursor.peek() {
        if token.is("as") {
            return Ok(());
        }
        cursor.at += 1;
        let mut keys = Vec::new();
        match token.value.as_str() {
            "diststyle" => {
                let value = cursor.next()?;
                if !["auto", "even", "key", "all"].contains(&value.value.as_str()) || style.is_some() {
                    return Err(ServerError::syntax_at(&value.value));
                }
                style = Some(value.value.clone());
            }
            "distkey" if distribution_key.is_none() => {
                keys = cursor.names_in_parentheses()?;
                distribution_key = Some(keys.clone());
            }
            "compound" | "interleaved" if cursor.is("sortkey") => {}
            "sortkey" if !sort_keys => {
                sort_keys = true;
                if !(cursor.take("auto") || cursor.take("none")) {
                    keys = cursor.names_in_parentheses()?;
                }
            }
            "encode" => {
                cursor.expect("auto")?;
            }
            "backup" if cursor.take("yes") || cursor.take("no") => {}
            _ => return Err(ServerError::syntax_at(&token.value)),
        }
        if let Some(missing) = keys.iter().find(|key| !columns.is_empty() && !columns.contains(key)) {
            let message = format!("column \"{missing}\" named in key does not exist");
            return Err(ServerError::new("42703", message));
        }
        edits.replace(token.range.start..cursor.tokens[cursor.at - 1].range.end, "");
    }
    let keyed = distribution_key.is_some();
    match style.as_deref() {
        Some("even" | "all" | "auto") if keyed => {
            Err(ServerError::new("42601", "DISTKEY cannot be specified with this DISTSTYLE"))
        }
        Some("key") if !keyed => Err(ServerError::new("42601", "DISTSTYLE KEY requires a DISTKEY")),
        _ => Ok(()),
    }
}

/// What an `ALTER TABLE` comes to.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::redshift) enum Alteration {
    /// Sent on.
    Forward,
    /// Sent on, but not within a transaction.
    OutsideTransaction,
    /// Has no effect but that the table must exist.
    OnlyChecked {
        /// The table as it is written.
        table: Range<usize>,
    },
}

/// Reads `ALTER TABLE …`; `after` is the place behind the word TABLE.
pub(in crate::redshift) fn alter_table(
    tokens: &[Token],
    after: usize,
    edits: &mut Edits,
) -> Result<Alteration> {
    let mut cursor = Cursor { tokens, at: after };
    let start = cursor.at;
    cursor.name()?;
    let table = range_of(&tokens[start..cursor.at]);
    let rest = &tokens[cursor.at..];
    let is = |index: usize, what: &[&str]| {
        rest.get(index).is_some_and(|token| token.kind == Kind::Word && what.contains(&token.value.as_str()))
    };
    if is(0, &["append"]) {
        return Err(ServerError::new("0A000", "the double does not do ALTER TABLE APPEND"));
    }
    if entries(rest).len() > 1 {
        return Err(ServerError::syntax_at(","));
    }
    if is(0, &["add"]) && is(1, &["constraint", "primary", "unique", "foreign"]) {
        return Ok(Alteration::OnlyChecked { table });
    }
    if (is(0, &["drop"]) && is(1, &["constraint"]))
        || (is(0, &["alter"]) && is(1, &["diststyle", "distkey", "sortkey", "compound", "encode"]))
        || (is(0, &["alter"]) && rest.iter().any(|token| token.is("encode")))
    {
        return Ok(Alteration::OnlyChecked { table });
    }
    if is(0, &["add"]) {
        let skip = if is(1, &["column"]) { 2 } else { 1 };
        column("", rest.get(skip..).unwrap_or_default(), edits)?;
    }
    if is(0, &["alter"]) && rest.iter().any(|token| token.is("type")) {
        return Ok(Alteration::OutsideTransaction);
    }
    Ok(Alteration::Forward)
}

#[cfg(test)]
mod tests {
    use super::{super::token::tokens, *};

    fn created(sql: &str) -> Result<String> {
        let tokens = tokens(sql).unwrap();
        let table = tokens.iter().position(|token| token.is("table")).unwrap();
        let mut edits = Edits::default();
        create_table(&tokens, table + 1, &mut edits)?;
        Ok(edits.apply(sql).split_whitespace().collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn attributes_and_keys_are_taken_off_and_not_null_stays() {
        for (sql, expected) in [
            (
                "CREATE TABLE t (a BIGINT NOT NULL, b VARCHAR(9), PRIMARY KEY (a), UNIQUE (b)) DISTSTYLE ALL SORTKEY (a, b)",
                "CREATE TABLE t (a BIGINT NOT NULL, b VARCHAR(9))",
            ),
            (
                "CREATE TABLE t (a INT ENCODE az64 PRIMARY KEY DISTKEY, b INT REFERENCES u (x) SORTKEY)",
                "CREATE TABLE t (a INT NOT NULL , b INT )",
            ),
            (
                "create temp table if not exists s.t (a int, constraint k primary key (a)) distkey(a) compound sortkey(a) encode auto backup no",
                "create temp table if not exists s.t (a int NOT NULL)",
            ),
            ("CREATE TABLE t DISTSTYLE EVEN AS SELECT 1 AS a", "CREATE TABLE t AS SELECT 1 AS a"),
            ("CREATE TABLE t (LIKE u INCLUDING DEFAULTS)", "CREATE TABLE t (LIKE u INCLUDING DEFAULTS)"),
            (
                "CREATE TABLE t (id INT IDENTITY(0,1), n NUMERIC, t TEXT)",
                "CREATE TABLE t (id INT GENERATED ALWAYS AS IDENTITY (START WITH 0 INCREMENT BY 1 MINVALUE 0), n NUMERIC(18,0), t VARCHAR(256))",
            ),
        ] {
            assert_eq!(created(sql).unwrap(), expected, "{sql}");
        }
    }

    #[test]
    fn what_redshift_refuses_is_refused() {
        for sql in [
            "CREATE TABLE t (a UUID)",
            "CREATE TABLE t (a INT[])",
            "CREATE TABLE t (a INT CHECK (a > 0))",
            "CREATE TABLE t (a VARCHAR(65536))",
            "CREATE TABLE t (a INT) DISTKEY (b)",
            "CREATE TABLE t (a INT) DISTSTYLE EVEN DISTKEY (a)",
            "CREATE TABLE t (a INT) DISTSTYLE KEY",
            "CREATE TABLE t (a INT) DISTSTYLE SOME",
            "CREATE TABLE t (a INT) TABLESPACE x",
            "CREATE TABLE t (a INT",
        ] {
            assert!(created(sql).is_err(), "{sql}");
        }
    }
}
