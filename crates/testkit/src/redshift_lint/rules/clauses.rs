//! Clauses of queries and of statements that write rows.

use super::{Findings, Rule, rules};
use crate::redshift_lint::statement::Statement;

pub(super) const RULES: &[Rule] = rules! {
    on_conflict: "there is no ON CONFLICT and no INSERT OR …: write MERGE, or DELETE and INSERT";
    returning: "there is no RETURNING: query afterwards";
    distinct_on: "there is no DISTINCT ON: number the rows with ROW_NUMBER and keep the first";
    lateral: "there is no LATERAL: write a join";
    filter: "aggregates have no FILTER: write SUM(CASE WHEN … THEN 1 ELSE 0 END)";
    values_as_table: "VALUES is no table: write SELECT … UNION ALL SELECT …";
    several_rows_of_values: "INSERT … VALUES of many rows is the slow path: load them by COPY, or INSERT … SELECT";
    is_distinct_from: "there is no IS DISTINCT FROM: compare, and ask for NULL on both sides";
    for_update: "rows cannot be locked: LOCK a private table";
    collate: "there are no collations: texts compare by their bytes";
    with_before_insert: "WITH cannot stand before INSERT: INSERT INTO t WITH x AS (…) SELECT …";
    delete_alias: "the target of DELETE has no alias: write its whole name";
    update_set_prefix: "a column behind SET has no table in front";
    update_outer_join: "FROM of UPDATE takes no outer join: write a subquery";
    array: "there are no arrays: a table of values, or SUPER";
    count_distinct_several: "COUNT(DISTINCT …) takes one expression: count a subquery of distinct rows";
};

pub(super) fn check(findings: &mut Findings<'_, '_>) {
    words(findings);
    writing(findings);
}

fn words(findings: &mut Findings<'_, '_>) {
    let statement = findings.statement;
    for index in 0..statement.len() {
        let sequence = |words: &[&str]| statement.sequence(index, words);
        if sequence(&["ON", "CONFLICT"]) || (sequence(&["INSERT", "OR"]) && index == main_command(statement))
        {
            findings.add("on_conflict", index, "write MERGE, or DELETE and INSERT");
        }
        if sequence(&["DISTINCT", "ON"]) {
            findings.add("distinct_on", index, "number the rows with ROW_NUMBER and keep the first");
        }
        if statement.is(index, "LATERAL") {
            findings.add("lateral", index, "write a join");
        }
        if sequence(&[")", "FILTER", "("]) {
            findings.add("filter", index + 1, "write SUM(CASE WHEN … THEN 1 ELSE 0 END)");
        }
        if sequence(&["VALUES", "("]) && statement.outer(index).is_some() {
            findings.add("values_as_table", index, "write SELECT … UNION ALL SELECT …");
        }
        if sequence(&["IS", "DISTINCT", "FROM"]) || sequence(&["IS", "NOT", "DISTINCT", "FROM"]) {
            findings.add("is_distinct_from", index, "compare, and ask for NULL on both sides");
        }
        if sequence(&["FOR", "UPDATE"]) || sequence(&["FOR", "SHARE"]) || sequence(&["FOR", "NO", "KEY"]) {
            findings.add("for_update", index, "LOCK a private table instead");
        }
        if statement.is(index, "COLLATE")
            && !statement.symbol(index + 1, "(")
            && !statement.is_any(index + 1, &["CASE_SENSITIVE", "CASE_INSENSITIVE", "CS", "CI"])
        {
            findings.add("collate", index, "texts compare by their bytes already");
        }
        if statement.symbol(index, "[") {
            findings.add("array", index, "use a table of values, or SUPER");
        }
        if sequence(&["COUNT", "(", "DISTINCT"]) && statement.parts(statement.inside(index + 1)).len() > 1 {
            findings.add("count_distinct_several", index, "count the rows of a subquery with DISTINCT");
        }
    }
}

/// The index of the word that says what the statement does, behind EXPLAIN and WITH.
pub(super) fn main_command(statement: &Statement<'_>) -> usize {
    let start = if statement.is(0, "EXPLAIN") { 1 + usize::from(statement.is(1, "VERBOSE")) } else { 0 };
    if !statement.is(start, "WITH") {
        return start;
    }
    let commands = ["SELECT", "INSERT", "UPDATE", "DELETE", "MERGE"];
    let mut outside = statement.outside(start..statement.len()).into_iter();
    outside.find(|index| statement.is_any(*index, &commands)).unwrap_or(start)
}

fn writing(findings: &mut Findings<'_, '_>) {
    let statement = findings.statement;
    let command = main_command(statement);
    let end = statement.len();
    if statement.is_any(command, &["INSERT", "UPDATE", "DELETE", "MERGE"])
        && let Some(index) = statement.find_outside(command..end, &["RETURNING"])
    {
        findings.add("returning", index, "query afterwards");
    }
    if statement.is(command, "INSERT") {
        if command > 0 && statement.symbol(command - 1, ")") {
            findings.add("with_before_insert", command, "write INSERT INTO t WITH x AS (…) SELECT …");
        }
        if let Some(values) = statement.find_outside(command..end, &["VALUES"])
            && let Some(next) =
                statement.outside(values + 1..end).into_iter().find(|index| statement.symbol(*index, ","))
        {
            findings.add("several_rows_of_values", next, "load them by COPY, or INSERT … SELECT");
        }
    }
    if statement.is(command, "DELETE") {
        let target = command + 1 + usize::from(statement.is(command + 1, "FROM"));
        if let Some((_, behind)) = statement.qualified_name(target)
            && behind < end
            && !statement.is_any(behind, &["USING", "WHERE", "RETURNING"])
            && !statement.symbol(behind, ";")
        {
            findings.add("delete_alias", behind, "write the whole name of the table in the conditions");
        }
    }
    if statement.is(command, "UPDATE") {
        update(findings, command);
    }
}

fn update(findings: &mut Findings<'_, '_>, command: usize) {
    let statement = findings.statement;
    let end = statement.len();
    let Some(set) = statement.find_outside(command..end, &["SET"]) else { return };
    let from = statement.find_outside(set..end, &["FROM"]).unwrap_or(end);
    let condition = statement.find_outside(set..end, &["WHERE"]).unwrap_or(end);
    for part in statement.parts(set + 1..from.min(condition)) {
        if let Some((name, behind)) = statement.qualified_name(part.start)
            && name.len() > 1
            && statement.symbol(behind, "=")
        {
            findings.add("update_set_prefix", part.start, format!("write {} alone", name[name.len() - 1]));
        }
    }
    for index in statement.outside(from..condition.max(from)) {
        if statement.is_any(index, &["LEFT", "RIGHT", "FULL"])
            && (statement.is(index + 1, "JOIN") || statement.sequence(index + 1, &["OUTER", "JOIN"]))
        {
            findings.add("update_outer_join", index, "put the outer join into a subquery");
        }
    }
}
