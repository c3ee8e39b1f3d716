//! What can be said of a statement by its text.
//!
//! The simple query protocol runs every statement of a text, and in one transaction, which some statements
//! refuse. So a text with several statements is never sent.

use crate::{Error, Result};

/// Whether a backslash takes the next character of a literal as it is. Redshift says yes; a setting could
/// say no, so a text must be one statement by either reading.
#[derive(Debug, Clone, Copy)]
enum Backslash {
    Escapes,
    IsItself,
}

/// The text, which must be one statement.
///
/// # Errors
///
/// [`Error::Statement`] for none or several, [`Error::Internal`] for a NUL, which would end the message.
pub(super) fn single(sql: &str) -> Result<&str> {
    let refuse = |reason: &str| Err(Error::Statement { reason: reason.to_owned(), sql: sql.to_owned() });
    if sql.contains('\0') {
        return refuse("it has a NUL character");
    }
    for backslash in [Backslash::Escapes, Backslash::IsItself] {
        match Pieces::new(sql, backslash).statements() {
            Some(1) => {}
            Some(0) => return refuse("it is empty"),
            Some(_) => return refuse("it is several statements, and they are sent one at a time"),
            None => return refuse("a literal, a quoted name or a comment in it has no end"),
        }
    }
    Ok(sql)
}

/// The first word, in upper case.
pub(super) fn first_word(sql: &str) -> String {
    let mut pieces = Pieces::new(sql, Backslash::Escapes);
    let Some(start) = pieces.skip_to_code() else { return String::new() };
    let word: String = sql[start..].chars().take_while(|c| c.is_alphabetic() || *c == '(').collect();
    word.trim_start_matches('(').to_uppercase()
}

/// Whether the statement reads only.
pub(super) fn reads_only(sql: &str) -> bool {
    let text = sql.trim_start_matches(|c: char| c.is_whitespace() || c == '(');
    ["SELECT", "WITH", "SHOW", "EXPLAIN"].contains(&first_word(text).as_str())
}

/// The table that a statement writes into.
pub(super) fn written_table(sql: &str) -> Option<String> {
    let mut words = sql.split_whitespace();
    let table = match words.next()?.to_uppercase().as_str() {
        "INSERT" | "DELETE" => words.nth(1)?,
        "UPDATE" | "COPY" => words.next()?,
        _ => return None,
    };
    let name: String = table.chars().take_while(|c| c.is_ascii_alphanumeric() || "_.".contains(*c)).collect();
    (!name.is_empty()).then_some(name)
}

/// Goes through a text, past literals, quoted names and comments.
struct Pieces<'a> {
    bytes: &'a [u8],
    position: usize,
    backslash: Backslash,
}

impl<'a> Pieces<'a> {
    fn new(sql: &'a str, backslash: Backslash) -> Self {
        Self { bytes: sql.as_bytes(), position: 0, backslash }
    }

    /// The number of statements that are not empty; `None` if something has no end.
    fn statements(mut self) -> Option<usize> {
        let (mut statements, mut is_empty) = (0, true);
        while self.position < self.bytes.len() {
            match self.bytes[self.position] {
                b';' => {
                    is_empty = true;
                    self.position += 1;
                }
                byte if byte.is_ascii_whitespace() => self.position += 1,
                b'-' if self.rest().starts_with(b"--") => self.skip_line(),
                b'/' if self.rest().starts_with(b"/*") => self.skip_comment()?,
                byte => {
                    if is_empty {
                        statements += 1;
                        is_empty = false;
                    }
                    match byte {
                        b'\'' | b'"' => self.skip_quoted(byte)?,
                        b'$' => self.skip_dollar_quoted()?,
                        _ => self.position += 1,
                    }
                }
            }
        }
        Some(statements)
    }

    /// The place of the first thing that is neither space nor comment.
    fn skip_to_code(&mut self) -> Option<usize> {
        loop {
            match self.bytes.get(self.position)? {
                byte if byte.is_ascii_whitespace() => self.position += 1,
                b'-' if self.rest().starts_with(b"--") => self.skip_line(),
                b'/' if self.rest().starts_with(b"/*") => self.skip_comment()?,
                _ => return Some(self.position),
            }
        }
    }

    fn rest(&self) -> &'a [u8] {
        &self.bytes[self.position..]
    }

    fn skip_line(&mut self) {
        self.position += self.rest().iter().position(|byte| *byte == b'\n').unwrap_or(self.rest().len());
    }

    /// Comments nest.
    fn skip_comment(&mut self) -> Option<()> {
        let mut depth = 0;
        loop {
            let rest = self.rest();
            if rest.starts_with(b"/*") {
                depth += 1;
                self.position += 2;
            } else if rest.starts_with(b"*/") {
                depth -= 1;
                self.position += 2;
            } else {
                rest.first()?;
                self.position += 1;
            }
            if depth == 0 {
                return Some(());
            }
        }
    }

    /// A quote within is doubled, which reads as two literals side by side.
    fn skip_quoted(&mut self, quote: u8) -> Option<()> {
        self.position += 1;
        loop {
            let byte = *self.bytes.get(self.position)?;
            self.position += 1;
            match (byte, self.backslash) {
                (b'\\', Backslash::Escapes) if quote == b'\'' => self.position += 1,
                (byte, _) if byte == quote => return Some(()),
                _ => {}
            }
        }
    }

    /// `$$…$$` or `$name$…$name$`; a single dollar is part of a name.
    fn skip_dollar_quoted(&mut self) -> Option<()> {
        let rest = self.rest();
        let length =
            rest[1..].iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
        if rest.get(length + 1) != Some(&b'$') || rest[1..].first().is_some_and(u8::is_ascii_digit) {
            self.position += 1;
            return Some(());
        }
        let mark = &rest[..length + 2];
        let end = rest[mark.len()..].windows(mark.len()).position(|window| window == mark)?;
        self.position += end + 2 * mark.len();
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_statement_is_sent_as_it_is() {
        for sql in [
            "SELECT 1",
            "SELECT 1;",
            "  SELECT 1 ; -- that is all\n ;",
            "SELECT 'a;b', \"c;d\", $$e;f$$, $x$g;$$h$x$ /* i; /* j; */ k; */",
            "SELECT 'it''s; fine'",
            r"SELECT 'a back\\slash; and more'",
            "SELECT a$b;",
            "-- only; a comment before\nSELECT 1",
        ] {
            assert_eq!(single(sql).unwrap(), sql);
        }
    }

    #[test]
    fn none_several_and_unfinished_statements_are_never_sent() {
        for sql in [
            "",
            " ; -- nothing",
            "SELECT 1; SELECT 2",
            "SELECT 1;\nDROP TABLE songs;",
            "SELECT 'a'; VACUUM",
            "SELECT 'no end",
            "SELECT \"no end",
            "SELECT 1 /* no end",
            "SELECT $$ no end",
            "SELECT 'a\0b'",
        ] {
            assert!(matches!(single(sql), Err(Error::Statement { .. })), "{sql}");
        }
    }

    #[test]
    fn a_text_that_is_one_statement_by_one_reading_of_the_backslash_only_is_not_sent() {
        assert!(single(r"SELECT 'a\'; DROP TABLE songs; --'").is_err());
        assert!(single(r"SELECT 'a\''; DROP TABLE songs; --'").is_err());
        // What our quoter makes is one by either.
        assert!(single(r"SELECT 'a\\''; DROP TABLE songs; --'").is_ok());
    }

    #[test]
    fn only_queries_read() {
        for sql in [
            "SELECT 1",
            " ((select 1))",
            "-- x\nWITH a AS (SELECT 1) SELECT * FROM a",
            "show all",
            "EXPLAIN SELECT 1",
        ] {
            assert!(reads_only(sql), "{sql}");
        }
        for sql in [
            "TRUNCATE songs",
            "INSERT INTO t SELECT 1",
            "COPY t FROM 's3://x'",
            "(DELETE FROM t)",
            "COMMIT",
            "",
        ] {
            assert!(!reads_only(sql), "{sql}");
        }
    }

    #[test]
    fn the_table_that_is_written_is_known_by_the_first_words() {
        for (sql, table) in [
            ("INSERT INTO songs (id) SELECT 1", Some("songs")),
            ("INSERT INTO songplays (\n    songplay_id) SELECT 1", Some("songplays")),
            ("DELETE FROM time\nWHERE time_id = 1", Some("time")),
            ("UPDATE users\nSET level = 'x'", Some("users")),
            ("DROP TABLE IF EXISTS sparkify_run_events", None),
            ("SELECT 1", None),
        ] {
            assert_eq!(written_table(sql).as_deref(), table, "{sql}");
        }
    }
}
