//! The check that a statement somebody typed is one query and nothing else.
//!
//! It is there for a clear message before anything is sent, and as a guard for servers on which the
//! connection could write. It reads tokens, not grammar: what it accepts may still be no valid SQL, and
//! it does not know which functions have side effects. A read-only connection is the stronger guard.
//!
//! Texts that engines read differently (a backslash before a quote, a comment within a comment) are
//! refused: what looks like a quoted text to one could be a second statement to another.

mod token;

use token::{Token, tokens};

use crate::{Error, Result};

/// What a query can begin with.
pub const QUERY_KEYWORDS: [&str; 9] =
    ["SELECT", "WITH", "FROM", "VALUES", "TABLE", "EXPLAIN", "SHOW", "DESCRIBE", "SUMMARIZE"];

/// What can come behind a SEARCH or CYCLE clause, whether it is allowed or not.
const BEHIND_SEARCH: [&str; 7] = ["SELECT", "FROM", "TABLE", "INSERT", "UPDATE", "DELETE", "MERGE"];

/// Why a statement is no query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// There is nothing but blanks and comments.
    #[error("there is no statement")]
    Empty,
    /// Something follows the semicolon.
    #[error("there is more than one statement")]
    SeveralStatements,
    /// The statement, or one within it, does something else than ask.
    #[error("there is a statement that begins with {0:?}")]
    OtherStatement(String),
    /// `SELECT … INTO` creates a table.
    #[error("INTO writes a table")]
    Into,
    /// `SELECT … FOR UPDATE` locks rows.
    #[error("FOR UPDATE locks rows")]
    Lock,
    /// A quoted text, a quoted name, a comment or a parenthesis without an end.
    #[error("{0} is not closed")]
    Open(&'static str),
    /// Something that not all engines read the same way.
    #[error("{0} is not read the same way by all engines")]
    Ambiguous(&'static str),
}

impl Refusal {
    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Ambiguous(token::BACKSLASH) => Some("write a quote within a text as two quotes: ''"),
            Self::Ambiguous(_) => Some("leave it out"),
            Self::SeveralStatements => Some("ask one question at a time"),
            Self::Into => Some("where it is a name, write it in double quotes"),
            _ => None,
        }
    }
}

/// Makes sure that `sql` is one query: it changes nothing and is followed by no other statement.
///
/// ```
/// use sparkify_analytics::statement::ensure_read_only;
///
/// ensure_read_only("SELECT level, COUNT(*) FROM songplays GROUP BY level; -- how many?")?;
/// let error = ensure_read_only("SELECT 1; DROP TABLE users").unwrap_err();
/// assert!(error.to_string().ends_with("there is more than one statement"));
/// # Ok::<(), sparkify_analytics::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::NotAQuery`], which says what is allowed and what is wrong.
pub fn ensure_read_only(sql: &str) -> Result<()> {
    check(sql).map_err(|refusal| Error::NotAQuery { refusal })
}

fn check(sql: &str) -> Result<(), Refusal> {
    let mut tokens = tokens(sql)?;
    if let Some(end) = tokens.iter().position(|token| *token == Token::Semicolon) {
        if tokens[end..].iter().any(|token| *token != Token::Semicolon) {
            return Err(Refusal::SeveralStatements);
        }
        tokens.truncate(end);
    }
    if tokens.is_empty() {
        return Err(Refusal::Empty);
    }
    Cursor { tokens: &tokens, at: 0 }.query()?;
    for (at, token) in tokens.iter().enumerate().skip(1) {
        let before = tokens[at - 1];
        // INTO is a reserved word on every engine, so this is no column.
        if token.is("INTO") {
            return Err(Refusal::Into);
        }
        if token.is("UPDATE") && (before.is("FOR") || before.is("KEY")) {
            return Err(Refusal::Lock);
        }
        if token.is("WITH") && before == Token::Open {
            Cursor { tokens: &tokens, at }.query()?;
        }
    }
    Ok(())
}

/// A place in the tokens of one statement.
struct Cursor<'a> {
    tokens: &'a [Token<'a>],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn peek(&self) -> Option<Token<'a>> {
        self.tokens.get(self.at).copied()
    }

    fn take(&mut self, word: &str) -> bool {
        let found = self.peek().is_some_and(|token| token.is(word));
        self.at += usize::from(found);
        found
    }

    /// Checks that a query begins here, and so do those in its WITH clause.
    fn query(&mut self) -> Result<(), Refusal> {
        loop {
            let keyword = self.keyword()?;
            if keyword.is("EXPLAIN") {
                // EXPLAIN ANALYZE runs the statement, so it must be a query; a plain EXPLAIN of
                // anything else is not worth the exception.
                self.skip_explain_options()?;
            } else if keyword.is("WITH") {
                self.skip_common_tables()?;
            } else {
                return Ok(());
            }
        }
    }

    /// Takes the keyword that a query begins with.
    fn keyword(&mut self) -> Result<Token<'a>, Refusal> {
        while self.peek() == Some(Token::Open) {
            self.at += 1;
        }
        let token = self.peek().ok_or(Refusal::Empty)?;
        if !token.is_any(&QUERY_KEYWORDS) {
            return Err(Refusal::OtherStatement(token.to_string()));
        }
        self.at += 1;
        Ok(token)
    }

    fn skip_explain_options(&mut self) -> Result<(), Refusal> {
        while ["ANALYZE", "ANALYSE", "VERBOSE"].into_iter().any(|option| self.take(option)) {}
        let inner = self.tokens[self.at..].iter().find(|token| **token != Token::Open);
        let options = inner.is_some_and(|token| !token.is_any(&QUERY_KEYWORDS));
        if self.peek() == Some(Token::Open) && options {
            self.skip_group()?;
        }
        Ok(())
    }

    /// From behind WITH to the statement that uses the tables; it must come next.
    fn skip_common_tables(&mut self) -> Result<(), Refusal> {
        self.take("RECURSIVE");
        loop {
            // The name can be any word.
            self.at += 1;
            self.skip_to_body()?;
            self.body()?;
            match self.peek() {
                Some(Token::Other(',')) => self.at += 1,
                Some(token) if token.is("SEARCH") || token.is("CYCLE") => return self.skip_search(),
                _ => return Ok(()),
            }
        }
    }

    /// To the parenthesis after `AS [NOT] [MATERIALIZED]`.
    fn skip_to_body(&mut self) -> Result<(), Refusal> {
        loop {
            match self.peek() {
                None => return Err(Refusal::Empty),
                Some(Token::Open) => self.skip_group()?,
                Some(_) if self.at_body() => return Ok(()),
                Some(_) => self.at += 1,
            }
        }
    }

    /// Whether a body follows; steps to its parenthesis if so.
    fn at_body(&mut self) -> bool {
        let start = self.at;
        if self.take("AS") {
            self.take("NOT");
            self.take("MATERIALIZED");
            if self.peek() == Some(Token::Open) {
                return true;
            }
        }
        self.at = start;
        false
    }

    /// A WITH clause of its own is checked where it stands: behind a parenthesis.
    fn body(&mut self) -> Result<(), Refusal> {
        Cursor { tokens: self.tokens, at: self.at }.keyword()?;
        self.skip_group()
    }

    /// To the main statement behind a SEARCH or CYCLE clause and the tables that follow it. Only reserved
    /// words end it, since the clauses name columns.
    fn skip_search(&mut self) -> Result<(), Refusal> {
        loop {
            match self.peek() {
                None => return Err(Refusal::Empty),
                Some(token) if token.is_any(&BEHIND_SEARCH) => return Ok(()),
                Some(Token::Open) => self.skip_group()?,
                Some(_) if self.at_body() => self.body()?,
                Some(_) => self.at += 1,
            }
        }
    }

    fn skip_group(&mut self) -> Result<(), Refusal> {
        let mut depth = 0_usize;
        while let Some(token) = self.peek() {
            self.at += 1;
            match token {
                Token::Open => depth += 1,
                Token::Close => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                return Ok(());
            }
        }
        Err(Refusal::Open("a parenthesis"))
    }
}

#[cfg(test)]
mod tests;
