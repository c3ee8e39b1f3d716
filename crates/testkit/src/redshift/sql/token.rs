//! Redshift's SQL as a sequence of tokens.
//!
//! Not a parser: what the double has to recognise and rewrite stands at known places of few statements.

use std::ops::Range;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::redshift) enum Kind {
    /// A keyword or a name without quotes.
    Word,
    /// A name in double quotes.
    Name,
    /// A text in single quotes (a backslash escapes) or between dollar signs.
    Text,
    Number,
    /// `::` or one character.
    Symbol,
}

/// A token and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::redshift) struct Token {
    pub(in crate::redshift) kind: Kind,
    pub(in crate::redshift) range: Range<usize>,
    /// A word in lower case, a name or text without quotes, else as it is written.
    pub(in crate::redshift) value: String,
}

impl Token {
    /// Whether it is this keyword (in lower case) or symbol.
    pub(in crate::redshift) fn is(&self, what: &str) -> bool {
        matches!(self.kind, Kind::Word | Kind::Symbol) && self.value == what
    }

    pub(in crate::redshift) fn is_identifier(&self) -> bool {
        matches!(self.kind, Kind::Word | Kind::Name)
    }
}

/// The tokens of a text; `Err` names a quote or comment that does not end.
pub(in crate::redshift) fn tokens(sql: &str) -> Result<Vec<Token>, String> {
    let bytes = sql.as_bytes();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        let (kind, value) = match bytes[at] {
            byte if byte.is_ascii_whitespace() => {
                at += 1;
                continue;
            }
            b'-' if bytes.get(at + 1) == Some(&b'-') => {
                at = sql[at..].find('\n').map_or(bytes.len(), |end| at + end);
                continue;
            }
            b'/' if bytes.get(at + 1) == Some(&b'*') => {
                at += comment_length(&sql[at..]).ok_or("unterminated /* comment")?;
                continue;
            }
            b'\'' => {
                let (end, value) = quoted_text(sql, at)?;
                at = end;
                (Kind::Text, value)
            }
            b'"' => {
                let (end, value) = quoted_name(sql, at)?;
                at = end;
                (Kind::Name, value)
            }
            b'$' if dollar_tag(&sql[at..]).is_some() => {
                let tag = dollar_tag(&sql[at..]).unwrap_or_default();
                let body = at + tag.len();
                let length = sql[body..].find(tag).ok_or("unterminated dollar-quoted string")?;
                at = body + length + tag.len();
                (Kind::Text, sql[body..body + length].to_owned())
            }
            byte if byte.is_ascii_digit()
                || (byte == b'.' && bytes.get(at + 1).is_some_and(u8::is_ascii_digit)) =>
            {
                at += number_length(&bytes[at..]);
                (Kind::Number, sql[start..at].to_owned())
            }
            byte if byte.is_ascii_alphabetic() || byte == b'_' || byte == b'#' || byte >= 0x80 => {
                let is_part = |byte: &u8| {
                    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'#') || *byte >= 0x80
                };
                at += bytes[at..].iter().take_while(|byte| is_part(byte)).count();
                (Kind::Word, sql[start..at].to_lowercase())
            }
            b':' if bytes.get(at + 1) == Some(&b':') => {
                at += 2;
                (Kind::Symbol, "::".to_owned())
            }
            _ => {
                at += 1;
                (Kind::Symbol, sql[start..at].to_owned())
            }
        };
        tokens.push(Token { kind, range: start..at, value });
    }
    Ok(tokens)
}

/// Comments may be nested.
fn comment_length(sql: &str) -> Option<usize> {
    let (mut depth, mut at) = (0_usize, 0);
    loop {
        let rest = &sql[at..];
        if rest.starts_with("/*") {
            depth += 1;
        } else if rest.starts_with("*/") {
            depth -= 1;
        } else {
            at += rest.chars().next()?.len_utf8();
            continue;
        }
        at += 2;
        if depth == 0 {
            return Some(at);
        }
    }
}

fn quoted_text(sql: &str, start: usize) -> Result<(usize, String), String> {
    let mut value = String::new();
    let mut characters = sql[start + 1..].char_indices().peekable();
    while let Some((offset, character)) = characters.next() {
        match character {
            '\'' if characters.next_if(|(_, next)| *next == '\'').is_some() => value.push('\''),
            '\'' => return Ok((start + 1 + offset + 1, value)),
            '\\' => match characters.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, 't')) => value.push('\t'),
                Some((_, 'r')) => value.push('\r'),
                Some((_, other)) => value.push(other),
                None => break,
            },
            other => value.push(other),
        }
    }
    Err("unterminated quoted string".to_owned())
}

fn quoted_name(sql: &str, start: usize) -> Result<(usize, String), String> {
    let mut value = String::new();
    let mut characters = sql[start + 1..].char_indices().peekable();
    while let Some((offset, character)) = characters.next() {
        match character {
            '"' if characters.next_if(|(_, next)| *next == '"').is_some() => value.push('"'),
            '"' => return Ok((start + 1 + offset + 1, value)),
            other => value.push(other),
        }
    }
    Err("unterminated quoted identifier".to_owned())
}

fn dollar_tag(sql: &str) -> Option<&str> {
    let end = sql[1..].find('$')? + 2;
    sql[1..end - 1].bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_').then(|| &sql[..end])
}

fn number_length(bytes: &[u8]) -> usize {
    let digits = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut length = digits(0);
    if bytes.get(length) == Some(&b'.') {
        length += 1;
        length += digits(length);
    }
    if matches!(bytes.get(length), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(length + 1), Some(b'+' | b'-')));
        let exponent = digits((length + 1 + sign).min(bytes.len()));
        if exponent > 0 {
            length += 1 + sign + exponent;
        }
    }
    length
}

/// The statements of a text, without their semicolons; empty ones are left out.
pub(in crate::redshift) fn statements(sql: &str) -> Result<Vec<&str>, String> {
    let mut found = Vec::new();
    let mut start = 0;
    let tokens = tokens(sql)?;
    let mut empty = true;
    for token in &tokens {
        if token.is(";") {
            if !empty {
                found.push(sql[start..token.range.start].trim());
            }
            start = token.range.end;
            empty = true;
        } else {
            empty = false;
        }
    }
    if !empty {
        found.push(sql[start..].trim());
    }
    Ok(found)
}

/// Changes to a text, kept in order.
#[derive(Debug, Default)]
pub(in crate::redshift) struct Edits(Vec<(Range<usize>, String)>);

impl Edits {
    pub(in crate::redshift) fn replace(&mut self, range: Range<usize>, with: impl Into<String>) {
        self.0.push((range, with.into()));
    }

    pub(in crate::redshift) fn insert(&mut self, at: usize, what: impl Into<String>) {
        self.0.push((at..at, what.into()));
    }

    /// The changed text. Where changes overlap, the one that begins first wins; what is inserted stays.
    pub(in crate::redshift) fn apply(mut self, text: &str) -> String {
        self.0.sort_by_key(|(range, _)| (range.start, !range.is_empty(), usize::MAX - range.end));
        let mut result = String::with_capacity(text.len() + 64);
        let mut at = 0;
        for (range, with) in self.0 {
            if range.start < at {
                continue;
            }
            result.push_str(&text[at..range.start]);
            result.push_str(&with);
            at = range.end;
        }
        result.push_str(&text[at..]);
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_end_at_semicolons_outside_of_quotes_and_comments() {
        let sql = "SELECT ';' ; -- a; b\n SELECT 'it''s \\'; x' /* ; /* ; */ ; */, \"a;b\";;DO $x$ ; $x$";
        let found = statements(sql).unwrap();
        assert_eq!(found.len(), 3, "{found:?}");
        assert_eq!(found[0], "SELECT ';'");
        assert!(found[1].ends_with("\"a;b\""));
        assert_eq!(tokens(found[1]).unwrap()[1].value, "it's '; x");
    }

    #[test]
    fn numbers_and_casts_are_told_apart() {
        let values: Vec<_> = tokens("1.5e3::INT+.5-2").unwrap().into_iter().map(|t| t.value).collect();
        assert_eq!(values, ["1.5e3", "::", "int", "+", ".5", "-", "2"]);
    }

    #[test]
    fn what_does_not_end_is_an_error() {
        for sql in ["SELECT 'a", "SELECT \"a", "SELECT /* a", "DO $$ x", r"SELECT 'a\'"] {
            assert!(tokens(sql).is_err(), "{sql}");
        }
    }
}
