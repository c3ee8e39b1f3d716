//! SQL text to tokens, as far as the check needs them.

use std::fmt;

use super::Refusal;

/// What engines disagree about: on Redshift the backslash makes the quote part of the text.
pub(super) const BACKSLASH: &str = "a backslash before a quote";
const NESTED_COMMENT: &str = "a comment within a comment";
const SPACE: &str = "a blank that is no ASCII character";
const NUL: &str = "a NUL character";

/// A token. Blanks and comments are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A keyword or an unquoted name.
    Word(&'a str),
    /// A text, or a quoted name.
    Quoted,
    /// `(`
    Open,
    /// `)`
    Close,
    /// `;`
    Semicolon,
    /// A character of an operator or number.
    Other(char),
}

impl Token<'_> {
    /// Whether it is that keyword.
    pub(super) fn is(&self, keyword: &str) -> bool {
        matches!(self, Self::Word(word) if word.eq_ignore_ascii_case(keyword))
    }

    /// Whether it is one of those keywords.
    pub(super) fn is_any(&self, keywords: &[&str]) -> bool {
        keywords.iter().any(|keyword| self.is(keyword))
    }
}

impl fmt::Display for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(word) => f.write_str(word),
            Self::Quoted => f.write_str("a quoted text"),
            Self::Open => f.write_str("("),
            Self::Close => f.write_str(")"),
            Self::Semicolon => f.write_str(";"),
            Self::Other(c) => write!(f, "{c}"),
        }
    }
}

/// The tokens of `sql`.
pub(super) fn tokens(sql: &str) -> Result<Vec<Token<'_>>, Refusal> {
    if sql.contains('\0') {
        return Err(Refusal::Ambiguous(NUL));
    }
    let mut tokens = Vec::new();
    let mut rest = sql;
    while let Some(c) = rest.chars().next() {
        let (token, length) = if c.is_ascii() && c.is_whitespace() {
            (None, 1)
        } else if c.is_whitespace() {
            // Blank to DuckDB, part of a name to PostgreSQL.
            return Err(Refusal::Ambiguous(SPACE));
        } else if rest.starts_with("--") {
            (None, rest.find(['\n', '\r']).unwrap_or(rest.len()))
        } else if rest.starts_with("/*") {
            (None, comment(rest)?)
        } else if c == '\'' {
            (Some(Token::Quoted), text(rest)?)
        } else if c == '"' {
            (Some(Token::Quoted), quoted(rest, '"').ok_or(Refusal::Open("a quoted name"))?)
        } else if let Some(delimiter) = dollar_quote(rest) {
            let body = &rest[delimiter.len()..];
            let end = body.find(delimiter).ok_or(Refusal::Open("a dollar-quoted text"))?;
            (Some(Token::Quoted), 2 * delimiter.len() + end)
        } else if starts_word(c) {
            let length = rest.find(|c| !continues_word(c)).unwrap_or(rest.len());
            (Some(Token::Word(&rest[..length])), length)
        } else {
            let token = match c {
                '(' => Token::Open,
                ')' => Token::Close,
                ';' => Token::Semicolon,
                _ => Token::Other(c),
            };
            (Some(token), c.len_utf8())
        };
        tokens.extend(token);
        rest = &rest[length..];
    }
    Ok(tokens)
}

fn starts_word(c: char) -> bool {
    c == '_' || c.is_ascii_alphabetic() || !c.is_ascii()
}

fn continues_word(c: char) -> bool {
    (starts_word(c) && !c.is_whitespace()) || c.is_ascii_digit() || c == '$'
}

/// The length of the `/* */` comment at the start.
fn comment(rest: &str) -> Result<usize, Refusal> {
    let end = rest[2..].find("*/").ok_or(Refusal::Open("a comment"))? + 4;
    if rest[2..end].contains("/*") {
        return Err(Refusal::Ambiguous(NESTED_COMMENT));
    }
    Ok(end)
}

/// The length of the `'text'` at the start. Engines agree on its end as long as an even number of
/// backslashes stands before each quote.
fn text(rest: &str) -> Result<usize, Refusal> {
    let length = quoted(rest, '\'').ok_or(Refusal::Open("a text"))?;
    let mut backslashes = 0_usize;
    for byte in rest[1..length].bytes() {
        match byte {
            b'\\' => backslashes += 1,
            b'\'' if backslashes % 2 == 1 => return Err(Refusal::Ambiguous(BACKSLASH)),
            _ => backslashes = 0,
        }
    }
    Ok(length)
}

/// The length of what is between the quote at the start and the next one that is not doubled.
fn quoted(rest: &str, quote: char) -> Option<usize> {
    let mut from = 1;
    loop {
        let end = from + rest[from..].find(quote)? + 1;
        if !rest[end..].starts_with(quote) {
            return Some(end);
        }
        from = end + 1;
    }
}

/// The delimiter of a `$$text$$` or `$tag$text$tag$` at the start.
fn dollar_quote(rest: &str) -> Option<&str> {
    let tag = rest.strip_prefix('$')?;
    let length = tag.find('$')?;
    let tag = &tag[..length];
    let plain =
        !tag.starts_with(|c: char| !starts_word(c)) && tag.chars().all(|c| c != '$' && continues_word(c));
    plain.then(|| &rest[..length + 2])
}
