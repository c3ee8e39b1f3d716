//! Redshift SQL to tokens.

use super::Finding;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A keyword or an unquoted name.
    Word,
    /// A name in double quotes.
    QuotedName,
    /// A text in single quotes.
    Text,
    /// A number.
    Number,
    /// `$1`, `?` and the like.
    Parameter,
    /// One of `( ) [ ] { } , . ;`, or an operator.
    Symbol,
}

/// A token. Blanks and comments are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'a> {
    /// What it is.
    pub(super) kind: Kind,
    /// As it stands in the statement, with its quotes.
    pub(super) text: &'a str,
    /// Where it begins, in bytes.
    pub(super) at: usize,
}

impl Token<'_> {
    /// Whether it is that keyword.
    pub(super) fn is(&self, keyword: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(keyword)
    }

    /// Whether it is one of those keywords.
    pub(super) fn is_any(&self, keywords: &[&str]) -> bool {
        keywords.iter().any(|keyword| self.is(keyword))
    }

    /// Whether it is that symbol.
    pub(super) fn symbol(&self, symbol: &str) -> bool {
        self.kind == Kind::Symbol && self.text == symbol
    }

    /// Whether it names something.
    pub(super) fn names(&self) -> bool {
        matches!(self.kind, Kind::Word | Kind::QuotedName)
    }

    /// The name as Redshift folds it.
    pub(super) fn name(&self) -> String {
        match self.kind {
            Kind::QuotedName => self.text[1..self.text.len() - 1].replace("\"\"", "\"").to_lowercase(),
            _ => self.text.to_lowercase(),
        }
    }

    /// The text of a literal, its quotes and escapes resolved as Redshift does.
    pub(super) fn value(&self) -> String {
        let mut value = String::new();
        let mut chars = self.text[1..self.text.len() - 1].chars();
        while let Some(c) = chars.next() {
            match c {
                '\'' | '\\' => value.extend(chars.next()),
                c => value.push(c),
            }
        }
        value
    }
}

const TWO_CHARACTER_OPERATORS: [&str; 12] =
    ["::", "||", "<=", ">=", "<>", "!=", "!~", "~*", "=>", "->", ":=", "~~"];

/// The tokens of a statement. What makes the rest unreadable is the finding.
pub(super) fn tokens(sql: &str) -> Result<Vec<Token<'_>>, Finding> {
    let mut tokens: Vec<Token<'_>> = Vec::new();
    let mut at = 0;
    let open = |what: &str, at| Finding::new("unterminated", format!("{what} is not closed"), at);
    while let Some(c) = sql[at..].chars().next() {
        let rest = &sql[at..];
        let (kind, length) = if c.is_ascii_whitespace() {
            at += 1;
            continue;
        } else if rest.starts_with("--") {
            at += rest.find(['\n', '\r']).unwrap_or(rest.len());
            continue;
        } else if rest.starts_with("/*") {
            at += comment(rest, at)?;
            continue;
        } else if c == '\'' {
            (Kind::Text, text(rest).ok_or_else(|| open("a text", at))?)
        } else if c == '"' {
            (Kind::QuotedName, quoted_name(rest).ok_or_else(|| open("a quoted name", at))?)
        } else if starts_word(c) {
            (Kind::Word, rest.find(|c| !continues_word(c)).unwrap_or(rest.len()))
        } else if c.is_ascii_digit() || (c == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit())) {
            (Kind::Number, number(rest))
        } else if c == '$' && rest[1..].starts_with(|c: char| c.is_ascii_digit()) {
            (Kind::Parameter, 1 + rest[1..].find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len() - 1))
        } else if c == '$' {
            (Kind::Text, dollar_quoted(rest).ok_or_else(|| open("a dollar-quoted text", at))?)
        } else if c == '?' {
            (Kind::Parameter, 1)
        } else if c.is_ascii_graphic() {
            let two = TWO_CHARACTER_OPERATORS.iter().any(|operator| rest.starts_with(operator));
            (Kind::Symbol, if two { 2 } else { 1 })
        } else {
            let message =
                format!("the character {c:?} is neither a blank nor part of a name for every engine");
            return Err(Finding::new("odd_character", message, at));
        };
        tokens.push(Token { kind, text: &rest[..length], at });
        at += length;
    }
    Ok(tokens)
}

fn starts_word(c: char) -> bool {
    c == '_' || c == '#' || c.is_ascii_alphabetic() || (!c.is_ascii() && c.is_alphanumeric())
}

fn continues_word(c: char) -> bool {
    starts_word(c) || c.is_ascii_digit() || c == '$'
}

/// The length of the `/* */` comment at the start.
fn comment(rest: &str, at: usize) -> Result<usize, Finding> {
    let end = rest[2..]
        .find("*/")
        .ok_or_else(|| Finding::new("unterminated", "a comment is not closed".to_owned(), at))?;
    if rest[2..2 + end].contains("/*") {
        let message = "a comment within a comment: engines disagree about its end".to_owned();
        return Err(Finding::new("nested_comment", message, at));
    }
    Ok(end + 4)
}

/// The length of the literal at the start. A backslash takes the next character with it.
fn text(rest: &str) -> Option<usize> {
    let bytes = rest.as_bytes();
    let mut at = 1;
    loop {
        match bytes.get(at)? {
            b'\\' => at += 2,
            b'\'' if bytes.get(at + 1) == Some(&b'\'') => at += 2,
            b'\'' => return Some(at + 1),
            _ => at += 1,
        }
    }
}

fn quoted_name(rest: &str) -> Option<usize> {
    let bytes = rest.as_bytes();
    let mut at = 1;
    loop {
        match bytes.get(at)? {
            b'"' if bytes.get(at + 1) == Some(&b'"') => at += 2,
            b'"' => return Some(at + 1),
            _ => at += 1,
        }
    }
}

fn dollar_quoted(rest: &str) -> Option<usize> {
    let tag = &rest[..rest[1..].find('$')? + 2];
    let plain = tag[1..tag.len() - 1].chars().all(|c| continues_word(c) && c != '$');
    let end = rest[tag.len()..].find(tag)?;
    plain.then_some(end + 2 * tag.len())
}

fn number(rest: &str) -> usize {
    let digits =
        |from: usize| from + rest[from..].find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len() - from);
    let mut at = digits(0);
    if rest[at..].starts_with('.') {
        at = digits(at + 1);
    }
    if rest[at..].starts_with(['e', 'E']) {
        let sign = usize::from(rest[at + 1..].starts_with(['+', '-']));
        let end = digits(at + 1 + sign);
        if end > at + 1 + sign {
            at = end;
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(sql: &str) -> Vec<&str> {
        tokens(sql).unwrap().iter().map(|token| token.text).collect()
    }

    #[test]
    fn words_names_numbers_texts_and_symbols_are_told_apart() {
        let sql = "SELECT a.\"B c\", 'it''s', 1.5e-3, .5, x::INT, $1 <> ? FROM #t -- end";
        let kinds: Vec<_> = tokens(sql).unwrap().iter().map(|token| token.kind).collect();
        use Kind::*;
        assert_eq!(
            kinds,
            [
                Word, Word, Symbol, QuotedName, Symbol, Text, Symbol, Number, Symbol, Number, Symbol, Word,
                Symbol, Word, Symbol, Parameter, Symbol, Parameter, Word, Word
            ]
        );
        assert_eq!(texts(sql)[2..11], [".", "\"B c\"", ",", "'it''s'", ",", "1.5e-3", ",", ".5", ","]);
    }

    #[test]
    fn a_backslash_takes_the_next_character_with_it() {
        assert_eq!(texts(r"'a\'b' c"), [r"'a\'b'", "c"]);
        assert_eq!(texts(r"'a\\' c"), [r"'a\\'", "c"]);
        assert_eq!(tokens(r"'a\'").unwrap_err().rule, "unterminated");
        assert_eq!(tokens(r"'a\\b''c'").unwrap()[0].value(), r"a\b'c");
    }

    #[test]
    fn comments_are_skipped_and_do_not_nest() {
        assert_eq!(texts("a /* ' */ b -- c '\n d"), ["a", "b", "d"]);
        assert_eq!(tokens("a /* /* */ */").unwrap_err().rule, "nested_comment");
        for sql in ["'a", "\"a", "/* a", "$$ a", "$x$ $$"] {
            assert_eq!(tokens(sql).unwrap_err().rule, "unterminated", "{sql}");
        }
    }

    #[test]
    fn positions_are_bytes_of_the_statement() {
        let found: Vec<_> = tokens("é = 'ü' AND b").unwrap().iter().map(|token| token.at).collect();
        assert_eq!(found, [0, 3, 5, 10, 14]);
    }

    #[test]
    fn names_fold_to_lower_case_also_in_quotes() {
        let tokens = tokens("Users \"Of \"\"Us\"\"\"").unwrap();
        assert_eq!(tokens[0].name(), "users");
        assert_eq!(tokens[1].name(), "of \"us\"");
    }

    proptest::proptest! {
        #[test]
        fn any_text_gets_an_answer(sql in ".*", parts in proptest::collection::vec(
            proptest::sample::select(vec!["'", "\"", "\\", "$$", "$a$", "--", "/*", "*/", "\n", "1", ".", "e", "é", " "]),
            0..30)) {
            let _ = tokens(&sql);
            let _ = tokens(&parts.concat());
        }
    }
}
