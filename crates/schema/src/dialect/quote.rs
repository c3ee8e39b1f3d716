//! The one place where a name or a value becomes SQL text.

use super::Dialect;
use crate::{Error, Result};

/// The longest identifier in bytes. PostgreSQL cuts longer ones silently, so they are refused.
const fn identifier_max_bytes(dialect: Dialect) -> usize {
    match dialect {
        Dialect::DuckDb => 255,
        Dialect::Postgres => 63,
        Dialect::Redshift => 127,
    }
}

/// Quotes an identifier: `users` becomes `"users"`.
///
/// # Errors
///
/// [`Error::Identifier`] for an empty name, one with a NUL, one that is too long for the dialect, and,
/// on Redshift, one with upper-case letters: Redshift folds even quoted names to lower case, so such a
/// name would silently mean another object.
///
/// ```
/// use sparkify_schema::dialect::{Dialect, quote_identifier};
/// assert_eq!(quote_identifier(Dialect::Postgres, r#"odd "name""#)?, r#""odd ""name""""#);
/// # Ok::<(), sparkify_schema::Error>(())
/// ```
pub fn quote_identifier(dialect: Dialect, identifier: &str) -> Result<String> {
    let refuse = |reason| Err(Error::Identifier { identifier: identifier.to_owned(), dialect, reason });
    if identifier.is_empty() {
        return refuse("it is empty");
    }
    if identifier.contains('\0') {
        return refuse("it has a NUL character");
    }
    if identifier.len() > identifier_max_bytes(dialect) {
        return refuse("it is too long");
    }
    if dialect == Dialect::Redshift && identifier.chars().any(char::is_uppercase) {
        return refuse("Redshift folds it to lower case");
    }
    Ok(format!("\"{}\"", identifier.replace('"', "\"\"")))
}

/// Quotes a text literal: `it's` becomes `'it''s'`.
///
/// Redshift reads a backslash in an ordinary literal as an escape, so it is doubled there. PostgreSQL
/// does so only in `E'…'` literals (or with `standard_conforming_strings` off), so a text with a
/// backslash becomes an `E'…'` literal, which means the same under either setting.
///
/// # Errors
///
/// [`Error::LiteralWithNul`]: no engine stores a NUL in a text.
///
/// ```
/// use sparkify_schema::dialect::{Dialect, quote_literal};
/// assert_eq!(quote_literal(Dialect::DuckDb, r"a\b'c")?, r"'a\b''c'");
/// assert_eq!(quote_literal(Dialect::Redshift, r"a\b'c")?, r"'a\\b''c'");
/// assert_eq!(quote_literal(Dialect::Postgres, r"a\b'c")?, r"E'a\\b''c'");
/// # Ok::<(), sparkify_schema::Error>(())
/// ```
pub fn quote_literal(dialect: Dialect, text: &str) -> Result<String> {
    if text.contains('\0') {
        return Err(Error::LiteralWithNul);
    }
    let quoted = text.replace('\'', "''");
    Ok(match dialect {
        Dialect::DuckDb => format!("'{quoted}'"),
        Dialect::Redshift => format!("'{}'", quoted.replace('\\', "\\\\")),
        Dialect::Postgres if quoted.contains('\\') => format!("E'{}'", quoted.replace('\\', "\\\\")),
        Dialect::Postgres => format!("'{quoted}'"),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reads a quoted text back the way the engine's scanner does: the inverse that quoting must have.
    fn unquote(dialect: Dialect, quoted: &str) -> String {
        let (escapes, body) = match quoted.strip_prefix('E') {
            Some(body) => (true, body),
            None => (dialect == Dialect::Redshift, quoted),
        };
        let body = body.strip_prefix('\'').and_then(|body| body.strip_suffix('\'')).expect("quotes");
        let mut text = String::new();
        let mut chars = body.chars();
        while let Some(c) = chars.next() {
            match c {
                '\'' => {
                    assert_eq!(chars.next(), Some('\''), "a lone quote would end the literal in {quoted}");
                }
                '\\' if escapes => {
                    text.push(chars.next().expect("a backslash must not escape the closing quote"));
                    continue;
                }
                _ => {}
            }
            text.push(c);
        }
        text
    }

    proptest! {
        #[test]
        fn a_literal_reads_back_as_the_text_it_was_made_from(text in "[^\0]*|[\\\\'a]{0,12}") {
            for dialect in Dialect::ALL {
                let quoted = quote_literal(dialect, &text).unwrap();
                prop_assert_eq!(unquote(dialect, &quoted), text.clone());
            }
        }

        #[test]
        fn an_identifier_reads_back_as_the_name_it_was_made_from(name in "[\"'\\\\a-z ]{1,31}") {
            for dialect in Dialect::ALL {
                let quoted = quote_identifier(dialect, &name).unwrap();
                let body = quoted.strip_prefix('"').and_then(|body| body.strip_suffix('"')).unwrap();
                prop_assert!(!body.replace("\"\"", "").contains('"'));
                prop_assert_eq!(body.replace("\"\"", "\""), name.clone());
            }
        }
    }

    #[test]
    fn a_nul_is_refused_everywhere() {
        for dialect in Dialect::ALL {
            assert!(matches!(quote_literal(dialect, "a\0b"), Err(Error::LiteralWithNul)));
            assert!(quote_identifier(dialect, "a\0b").is_err());
        }
    }

    #[test]
    fn an_identifier_that_would_be_cut_or_folded_is_refused() {
        assert!(quote_identifier(Dialect::Postgres, &"x".repeat(63)).is_ok());
        assert!(quote_identifier(Dialect::Postgres, &"x".repeat(64)).is_err());
        assert!(quote_identifier(Dialect::Redshift, &"x".repeat(128)).is_err());
        assert!(quote_identifier(Dialect::Redshift, "userId").is_err());
        assert!(quote_identifier(Dialect::Postgres, "userId").is_ok());
        assert!(quote_identifier(Dialect::DuckDb, "").is_err());
    }
}
