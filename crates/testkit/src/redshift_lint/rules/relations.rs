//! The tables that a statement names.

use crate::redshift_lint::{statement::Statement, token::Kind};

/// Functions whose arguments may have a FROM.
const FUNCTIONS_WITH_FROM: [&str; 5] = ["EXTRACT", "TRIM", "SUBSTRING", "OVERLAY", "POSITION"];

/// A table where a statement names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Relation {
    /// Schema and name, or the name alone.
    pub(crate) name: Vec<String>,
    /// The index of its first token.
    pub(crate) index: usize,
    /// The index behind the name.
    pub(crate) behind: usize,
}

impl Relation {
    /// The name without its schema.
    pub(crate) fn table(&self) -> &str {
        self.name.last().map_or("", String::as_str)
    }

    /// Whether it is a catalog that the leader node has itself.
    pub(crate) fn is_on_leader(&self) -> bool {
        self.table().starts_with("pg_")
            || self
                .name
                .first()
                .is_some_and(|schema| schema == "pg_catalog" || schema == "information_schema")
    }
}

/// The tables and views that the statement reads or writes, without those that it defines in WITH.
pub(crate) fn relations(statement: &Statement<'_>) -> Vec<Relation> {
    let defined: Vec<_> =
        (0..statement.len()).filter_map(|index| defined_by_with(statement, index)).collect();
    let mut relations = Vec::new();
    for index in 0..statement.len() {
        let introduced = statement.is_any(index, &["JOIN", "INTO", "TABLE"])
            || (statement.is(index, "FROM") && introduces_relations(statement, index))
            || (statement.is(index, "USING") && !statement.symbol(index + 1, "("))
            || (statement.is(index, "UPDATE")
                && !statement.is(index + 1, "SET")
                && !is_lock(statement, index))
            || (statement.is_any(index, &["LOCK", "TRUNCATE"]) && index == 0);
        if !introduced {
            continue;
        }
        let mut at = statement.behind_if_exists(index + 1);
        while let Some((name, behind)) = statement.qualified_name(at) {
            let is_clause = statement.kind(at) == Some(Kind::Word)
                && statement.is_any(at, &["SELECT", "WITH", "TABLE", "SET", "LATERAL", "ONLY", "VALUES"]);
            // A table of the FROM list is followed by a comma and the next.
            let is_function = statement.symbol(behind, "(") && statement.is_any(index, &["FROM", "JOIN"]);
            if is_clause || is_function || (name.len() == 1 && defined.contains(&name[0])) {
                break;
            }
            let mut next = behind;
            if statement.is(next, "AS") {
                next += 1;
            }
            if !statement.symbol(next, ",") && statement.symbol(next + 1, ",") {
                next += 1;
            }
            relations.push(Relation { name, index: at, behind });
            if !statement.symbol(next, ",") || statement.is(index, "INTO") {
                break;
            }
            at = next + 1;
        }
    }
    relations
}

fn introduces_relations(statement: &Statement<'_>, index: usize) -> bool {
    let in_function = statement
        .outer(index)
        .and_then(|open| open.checked_sub(1))
        .is_some_and(|function| statement.is_any(function, &FUNCTIONS_WITH_FROM));
    let distinct = index > 0
        && statement.is(index - 1, "DISTINCT")
        && index > 1
        && statement.is_any(index - 2, &["IS", "NOT"]);
    !in_function && !distinct
}

fn is_lock(statement: &Statement<'_>, index: usize) -> bool {
    index > 0 && statement.is_any(index - 1, &["FOR", "KEY", "THEN"])
}

/// The name that `WITH name [(columns)] AS (` defines here.
fn defined_by_with(statement: &Statement<'_>, index: usize) -> Option<String> {
    let before = index.checked_sub(1)?;
    if !statement.is_any(before, &["WITH", "RECURSIVE"]) && !statement.symbol(before, ",") {
        return None;
    }
    let (name, mut next) = statement.qualified_name(index)?;
    if statement.symbol(next, "(") {
        next = statement.behind(next);
    }
    (statement.is(next, "AS") && statement.symbol(next + 1, "(")).then(|| name[0].clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(sql: &str) -> Vec<String> {
        relations(&Statement::read(sql).unwrap()).iter().map(|relation| relation.name.join(".")).collect()
    }

    #[test]
    fn the_tables_of_a_statement_are_found_wherever_they_stand() {
        assert_eq!(
            names("SELECT EXTRACT(hour FROM ts) FROM a x, b.c AS y JOIN d ON x.i = d.i"),
            ["a", "b.c", "d"]
        );
        assert_eq!(names("INSERT INTO a (x) SELECT x FROM (SELECT x FROM b) c"), ["a", "b"]);
        assert_eq!(names("UPDATE a SET x = 1 FROM b WHERE a.i = b.i"), ["a", "b"]);
        assert_eq!(names("DELETE FROM a USING b WHERE a.i = b.i"), ["a", "b"]);
        assert_eq!(names("MERGE INTO a USING b ON a.i = b.i WHEN MATCHED THEN UPDATE SET x = 1"), ["a", "b"]);
        assert_eq!(names("LOCK a, b"), ["a", "b"]);
        assert_eq!(names("DROP TABLE IF EXISTS a"), ["a"]);
        assert_eq!(names("WITH n (i) AS (SELECT 1) SELECT i FROM n JOIN a USING (i)"), ["a"]);
        assert_eq!(names("SELECT 1 FROM generate_series(1, 3)"), Vec::<String>::new());
        assert_eq!(names("SELECT a IS DISTINCT FROM b"), Vec::<String>::new());
    }
}
