//! What differs between the two engines inside any statement.

use super::token::{Edits, Kind, Token};

/// Functions that PostgreSQL has not, or has with another result. They are in the schema of the double; with
/// its name before them the column of the result keeps its name.
const FUNCTIONS: [&str; 15] = [
    "avg",
    "current_database",
    "date_part",
    "dateadd",
    "datediff",
    "getdate",
    "nvl2",
    "pg_cancel_backend",
    "pg_last_copy_count",
    "pg_last_copy_id",
    "pg_terminate_backend",
    "len",
    "strtol",
    "textlen",
    "version",
];

/// Functions whose first argument is a part of a date, which may be written without quotes.
const DATE_PART_FIRST: [&str; 3] = ["date_part", "dateadd", "datediff"];

/// The system tables and views.
pub(in crate::redshift) const VIEWS: [&str; 12] = [
    "pg_table_def",
    "stv_db_isolation_level",
    "stv_recents",
    "stv_sessions",
    "stv_slices",
    "svv_columns",
    "svv_tables",
    "svv_transactions",
    "sys_load_detail",
    "sys_load_error_detail",
    "sys_load_history",
    "sys_query_history",
];

/// The schema with what the double adds to a database.
pub(in crate::redshift) const SCHEMA: &str = "redshift_double";

/// Adds the changes that the expressions, names and types of a statement need.
pub(in crate::redshift) fn rewrite(tokens: &[Token], edits: &mut Edits) {
    for (index, token) in tokens.iter().enumerate() {
        let before = |back: usize| index.checked_sub(back).and_then(|index| tokens.get(index));
        let after = |ahead: usize| tokens.get(index + ahead);
        let qualified = before(1).is_some_and(|token| token.is("."));
        match token.kind {
            // Names fold to lower case even in quotes.
            Kind::Name => {
                let folded = token.value.to_lowercase();
                if folded != token.value {
                    edits.replace(token.range.clone(), format!("\"{}\"", folded.replace('"', "\"\"")));
                }
            }
            Kind::Word if qualified => {
                let of_catalog = before(2).is_some_and(|token| token.is("pg_catalog"));
                if of_catalog && VIEWS.contains(&token.value.as_str()) {
                    let catalog = before(2).map(|token| token.range.clone()).unwrap_or_default();
                    edits.replace(catalog, SCHEMA);
                }
            }
            Kind::Word => word(tokens, index, edits, after(1)),
            _ => {}
        }
    }
}

fn word(tokens: &[Token], index: usize, edits: &mut Edits, next: Option<&Token>) {
    let token = &tokens[index];
    let name = token.value.as_str();
    let called = next.is_some_and(|next| next.is("("));
    let range = token.range.clone();
    if VIEWS.contains(&name) {
        edits.insert(range.start, format!("{SCHEMA}."));
        return;
    }
    match name {
        "sysdate" | "current_namespace" if !called => edits.replace(range, format!("{SCHEMA}.{name}()")),
        "nvl" if called => edits.replace(range, "COALESCE"),
        "extract" if called => extract(tokens, index, edits),
        "varchar" | "nvarchar" => character_type(tokens, index, range, edits),
        "varying" if index > 0 && tokens[index - 1].is("character") => {
            let range = tokens[index - 1].range.start..range.end;
            character_type(tokens, index, range, edits);
        }
        "text" | "numeric" | "decimal" if !called && is_cast(tokens, index) => {
            edits.replace(range, bare_type(name));
        }
        _ if called && FUNCTIONS.contains(&name) => {
            edits.insert(range.start, format!("{SCHEMA}."));
            if DATE_PART_FIRST.contains(&name)
                && let Some(part) = tokens.get(index + 2).filter(|part| part.kind == Kind::Word)
            {
                edits.replace(part.range.clone(), format!("'{}'", part.value));
            }
        }
        _ => {}
    }
}

/// The type that one of these is when it is written without a length.
pub(in crate::redshift) fn bare_type(name: &str) -> &'static str {
    match name {
        "numeric" | "decimal" => "NUMERIC(18,0)",
        "bpchar" => "CHAR(256)",
        _ => "VARCHAR(256)",
    }
}

/// `VARCHAR` is `VARCHAR(256)`, `VARCHAR(MAX)` is `VARCHAR(65535)`.
fn character_type(tokens: &[Token], last: usize, name: std::ops::Range<usize>, edits: &mut Edits) {
    let at = |ahead: usize| tokens.get(last + ahead);
    if !at(1).is_some_and(|token| token.is("(")) {
        edits.replace(name, "VARCHAR(256)");
        return;
    }
    edits.replace(name, "VARCHAR");
    if let Some(max) = at(2).filter(|token| token.is("max")) {
        edits.replace(max.range.clone(), "65535");
    }
}

fn is_cast(tokens: &[Token], index: usize) -> bool {
    let Some(before) = index.checked_sub(1).map(|index| &tokens[index]) else { return false };
    before.is("::") || (before.is("as") && tokens.get(index + 1).is_some_and(|next| next.is(")")))
}

/// `EXTRACT(part FROM value)` is an integer. A function of the same name keeps the column's name.
fn extract(tokens: &[Token], index: usize, edits: &mut Edits) {
    let (Some(part), Some(from)) = (tokens.get(index + 2), tokens.get(index + 3)) else { return };
    if !from.is("from") {
        return;
    }
    edits.replace(
        tokens[index].range.start..from.range.end,
        format!("{SCHEMA}.extract('{}',", part.value.replace('\'', "")),
    );
}

/// The session whose statement a statement wants to cancel.
pub(in crate::redshift) fn cancelled_session(tokens: &[Token]) -> Option<i32> {
    let at =
        tokens.iter().position(|token| token.kind == Kind::Word && token.value == "pg_cancel_backend")?;
    let argument = tokens.get(at + 2).filter(|_| tokens.get(at + 1).is_some_and(|token| token.is("(")))?;
    argument.value.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{super::token::tokens, *};

    fn rewritten(sql: &str) -> String {
        let mut edits = Edits::default();
        rewrite(&tokens(sql).unwrap(), &mut edits);
        edits.apply(sql)
    }

    #[test]
    fn functions_and_views_are_the_doubles_own() {
        for (sql, expected) in [
            ("SELECT version()", "SELECT redshift_double.version()"),
            ("SELECT GETDATE(), sysdate", "SELECT redshift_double.GETDATE(), redshift_double.sysdate()"),
            ("SELECT NVL(a, 1), t.nvl FROM t", "SELECT COALESCE(a, 1), t.nvl FROM t"),
            ("SELECT * FROM svv_columns", "SELECT * FROM redshift_double.svv_columns"),
            ("SELECT * FROM pg_catalog.stv_slices", "SELECT * FROM redshift_double.stv_slices"),
            ("SELECT DATEADD(ms, 1, t)", "SELECT redshift_double.DATEADD('ms', 1, t)"),
            ("SELECT EXTRACT(DOW FROM x)", "SELECT redshift_double.extract('dow', x)"),
            ("SELECT 'version()', \"Ab\"", "SELECT 'version()', \"ab\""),
        ] {
            assert_eq!(rewritten(sql), expected);
        }
    }

    #[test]
    fn a_type_without_a_length_has_the_length_that_redshift_gives_it() {
        for (sql, expected) in [
            ("a::varchar", "a::VARCHAR(256)"),
            ("CAST(a AS character varying)", "CAST(a AS VARCHAR(256))"),
            ("CAST(a AS varchar(max))", "CAST(a AS VARCHAR(65535))"),
            ("a::text, b.text, CAST(a AS text)", "a::VARCHAR(256), b.text, CAST(a AS VARCHAR(256))"),
            ("a::decimal(9,2), a::decimal", "a::decimal(9,2), a::NUMERIC(18,0)"),
        ] {
            assert_eq!(rewritten(sql), expected);
        }
    }

    #[test]
    fn the_session_to_cancel_is_read() {
        assert_eq!(cancelled_session(&tokens("SELECT pg_cancel_backend(4711)").unwrap()), Some(4711));
        assert_eq!(cancelled_session(&tokens("SELECT 'pg_cancel_backend(4711)'").unwrap()), None);
    }
}
