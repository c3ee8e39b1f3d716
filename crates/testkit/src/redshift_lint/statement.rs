//! A statement as tokens with their parentheses matched.

use std::ops::Range;

use super::{
    Finding,
    token::{Kind, Token, tokens},
};

/// A statement that could be read.
#[derive(Debug)]
pub(super) struct Statement<'a> {
    pub(super) sql: &'a str,
    pub(super) tokens: Vec<Token<'a>>,
    /// The index of the other parenthesis of a pair.
    partners: Vec<Option<usize>>,
    /// The index of the parenthesis that a token stands in.
    outer: Vec<Option<usize>>,
}

impl<'a> Statement<'a> {
    pub(super) fn read(sql: &'a str) -> Result<Self, Finding> {
        let tokens = tokens(sql)?;
        let mut partners = vec![None; tokens.len()];
        let mut outer = Vec::with_capacity(tokens.len());
        let mut open = Vec::new();
        for (index, token) in tokens.iter().enumerate() {
            if token.symbol(")") {
                let Some(partner) = open.pop() else {
                    return Err(Finding::new(
                        "unterminated",
                        "a parenthesis was never opened".to_owned(),
                        token.at,
                    ));
                };
                partners[index] = Some(partner);
                partners[partner] = Some(index);
            }
            outer.push(open.last().copied());
            if token.symbol("(") {
                open.push(index);
            }
        }
        match open.first() {
            Some(index) => {
                let at = tokens[*index].at;
                Err(Finding::new("unterminated", "a parenthesis is not closed".to_owned(), at))
            }
            None => Ok(Self { sql, tokens, partners, outer }),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Where the token is in the text; the end of the text if there is none.
    pub(super) fn at(&self, index: usize) -> usize {
        self.tokens.get(index).map_or(self.sql.len(), |token| token.at)
    }

    pub(super) fn is(&self, index: usize, keyword: &str) -> bool {
        self.tokens.get(index).is_some_and(|token| token.is(keyword))
    }

    pub(super) fn is_any(&self, index: usize, keywords: &[&str]) -> bool {
        self.tokens.get(index).is_some_and(|token| token.is_any(keywords))
    }

    pub(super) fn symbol(&self, index: usize, symbol: &str) -> bool {
        self.tokens.get(index).is_some_and(|token| token.symbol(symbol))
    }

    pub(super) fn kind(&self, index: usize) -> Option<Kind> {
        self.tokens.get(index).map(|token| token.kind)
    }

    /// Whether these keywords and symbols stand here, one after the other.
    pub(super) fn sequence(&self, index: usize, words: &[&str]) -> bool {
        words
            .iter()
            .enumerate()
            .all(|(offset, word)| self.is(index + offset, word) || self.symbol(index + offset, word))
    }

    /// Where these keywords and symbols stand.
    pub(super) fn find<'s>(&'s self, words: &'s [&'s str]) -> impl Iterator<Item = usize> + 's {
        (0..self.len()).filter(|index| self.sequence(*index, words))
    }

    /// Where these keywords stand in the range outside of parentheses.
    pub(super) fn find_outside(&self, range: Range<usize>, words: &[&str]) -> Option<usize> {
        self.outside(range).into_iter().find(|index| self.sequence(*index, words))
    }

    /// The tokens of the range that are in no parentheses within it; the parentheses themselves are.
    pub(super) fn outside(&self, range: Range<usize>) -> Vec<usize> {
        let mut indices = Vec::new();
        let mut index = range.start;
        while index < range.end.min(self.len()) {
            indices.push(index);
            index = match self.partners[index] {
                Some(partner) if partner > index && partner < range.end => partner,
                _ => index + 1,
            };
        }
        indices
    }

    /// The index behind the parenthesis that closes the one here.
    pub(super) fn behind(&self, open: usize) -> usize {
        self.partners.get(open).copied().flatten().map_or(self.len(), |partner| partner + 1)
    }

    /// What stands in the parentheses that open here.
    pub(super) fn inside(&self, open: usize) -> Range<usize> {
        open + 1..self.behind(open).saturating_sub(1).max(open + 1)
    }

    /// The parenthesis that the token stands in.
    pub(super) fn outer(&self, index: usize) -> Option<usize> {
        self.outer.get(index).copied().flatten()
    }

    /// The parts of the range between commas.
    pub(super) fn parts(&self, range: Range<usize>) -> Vec<Range<usize>> {
        let mut parts = Vec::new();
        let mut start = range.start;
        for index in self.outside(range.clone()) {
            if self.symbol(index, ",") {
                parts.push(start..index);
                start = index + 1;
            }
        }
        if start < range.end || !parts.is_empty() {
            parts.push(start..range.end);
        }
        parts
    }

    /// The name that begins here, dots and all, and the index behind it.
    pub(super) fn qualified_name(&self, index: usize) -> Option<(Vec<String>, usize)> {
        let mut names = vec![self.tokens.get(index).filter(|token| token.names())?.name()];
        let mut index = index + 1;
        while self.symbol(index, ".") {
            names.push(self.tokens.get(index + 1).filter(|token| token.names())?.name());
            index += 2;
        }
        Some((names, index))
    }

    /// The word in front of a parenthesis, wherever there is one: most are functions.
    pub(super) fn calls(&self) -> impl Iterator<Item = (usize, String)> + '_ {
        (0..self.len()).filter(|index| self.symbol(index + 1, "(")).filter_map(|index| {
            let token = self.tokens[index];
            (token.kind == Kind::Word).then(|| (index, token.name()))
        })
    }

    /// Whether the statement begins with these words.
    pub(super) fn begins(&self, words: &[&str]) -> bool {
        self.sequence(0, words)
    }

    /// The index behind `IF [NOT] EXISTS`, if that stands here.
    pub(super) fn behind_if_exists(&self, index: usize) -> usize {
        if self.sequence(index, &["IF", "NOT", "EXISTS"]) {
            index + 3
        } else if self.sequence(index, &["IF", "EXISTS"]) {
            index + 2
        } else {
            index
        }
    }

    /// `CREATE [TEMP] TABLE`: the index of the table's name.
    pub(super) fn created_table(&self) -> Option<usize> {
        let mut index = 1;
        while self.is_any(index, &["LOCAL", "GLOBAL", "TEMP", "TEMPORARY", "UNLOGGED"]) {
            index += 1;
        }
        (self.is(0, "CREATE") && self.is(index, "TABLE")).then(|| self.behind_if_exists(index + 1))
    }

    /// The parenthesis that opens the columns of `CREATE TABLE name (…)`.
    pub(super) fn created_columns(&self) -> Option<usize> {
        let (_, index) = self.qualified_name(self.created_table()?)?;
        self.symbol(index, "(").then_some(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parentheses_are_matched_and_skipped() {
        let statement = Statement::read("SELECT f(a, (b)), c FROM t").unwrap();
        let words: Vec<_> =
            statement.outside(0..statement.len()).iter().map(|index| statement.tokens[*index].text).collect();
        assert_eq!(words, ["SELECT", "f", "(", ")", ",", "c", "FROM", "t"]);
        assert_eq!(statement.inside(2), 3..8);
        assert_eq!(statement.parts(3..8), [3..4, 5..8]);
        assert_eq!(statement.outer(3), Some(2));
        assert_eq!(statement.outer(2), None);
        for sql in ["SELECT (1", "SELECT 1)", "((1)"] {
            assert_eq!(Statement::read(sql).unwrap_err().rule, "unterminated", "{sql}");
        }
    }

    #[test]
    fn the_table_and_columns_of_a_creation_are_found() {
        for sql in [
            "CREATE TABLE a.t (x INT)",
            "create temp table if not exists a.\"t\" (x INT)",
            "CREATE TABLE IF NOT EXISTS a.t (x INT)",
        ] {
            let statement = Statement::read(sql).unwrap();
            let open = statement.created_columns().unwrap();
            assert_eq!(statement.qualified_name(statement.created_table().unwrap()).unwrap().0, ["a", "t"]);
            assert!(statement.is(open + 1, "x"), "{sql}");
        }
    }
}
