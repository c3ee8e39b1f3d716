//! MERGE, by its grammar:
//!
//! ```text
//! MERGE INTO target USING source [[AS] alias] ON equalities
//!     WHEN MATCHED THEN {UPDATE SET column = expression, … | DELETE}
//!     WHEN NOT MATCHED THEN INSERT [(columns)] VALUES (expressions)
//! MERGE INTO target USING source [[AS] alias] ON equalities REMOVE DUPLICATES
//! ```

use std::ops::Range;

use super::{
    Findings, Rule,
    rules::{relations, rules},
    token::Kind,
};

pub(super) const RULES: &[Rule] = rules! {
    with_in_merge: "MERGE has no WITH, neither in front nor in its source: a table of its own first";
    merge_target_alias: "the target of MERGE has no alias";
    merge_source_is_target: "the source of MERGE cannot be the target, nor read it";
    merge_condition: "the condition of MERGE is of equalities, and the branches have no AND";
    merge_branches: "WHEN MATCHED and then WHEN NOT MATCHED, each once, or REMOVE DUPLICATES alone";
    merge_action: "matched rows are updated or deleted, others inserted from one row of VALUES";
    merge_set_prefix: "a column behind SET or in the list of INSERT has no table in front";
};

pub(super) fn check(findings: &mut Findings<'_, '_>) {
    let statement = findings.statement;
    let command = if statement.is(0, "EXPLAIN") { 1 } else { 0 };
    if !statement.is(command, "MERGE") {
        if statement.is(command, "WITH")
            && let Some(merge) = statement.find_outside(command..statement.len(), &["MERGE", "INTO"])
        {
            findings.add("with_in_merge", merge, "put the rows into a table first");
        }
        return;
    }
    if let Some(with) = statement.find(&["WITH"]).next() {
        findings.add("with_in_merge", with, "put the rows into a table first");
    }
    let mut end = statement.len();
    while end > 0 && statement.symbol(end - 1, ";") {
        end -= 1;
    }
    let Some((target, behind)) =
        statement.qualified_name(command + 1 + usize::from(statement.is(command + 1, "INTO")))
    else {
        return;
    };
    let Some(using) = statement.find_outside(behind..end, &["USING"]) else {
        findings.add("merge_branches", behind, "USING is missing");
        return;
    };
    if using > behind {
        findings.add("merge_target_alias", behind, "write the whole name of the target");
    }
    let Some(on) = statement.find_outside(using..end, &["ON"]) else {
        findings.add("merge_condition", using, "ON is missing");
        return;
    };
    source(findings, using + 1..on, &target);
    let branches = statement
        .outside(on..end)
        .into_iter()
        .filter(|index| statement.is(*index, "WHEN") && is_branch(findings, *index))
        .collect::<Vec<_>>();
    let remove = statement.find_outside(on..end, &["REMOVE", "DUPLICATES"]);
    condition(findings, on + 1..branches.first().copied().or(remove).unwrap_or(end));
    match remove {
        Some(remove) => {
            if !branches.is_empty() || remove + 2 < end {
                findings.add("merge_branches", remove, "REMOVE DUPLICATES stands alone");
            }
        }
        None => check_branches(findings, &branches, end),
    }
}

fn is_branch(findings: &Findings<'_, '_>, index: usize) -> bool {
    let statement = findings.statement;
    statement.is(index + 1, "MATCHED") || statement.sequence(index + 1, &["NOT", "MATCHED"])
}

fn source(findings: &mut Findings<'_, '_>, range: Range<usize>, target: &[String]) {
    let statement = findings.statement;
    let same = |name: &[String]| name.last() == target.last();
    let direct = statement.qualified_name(range.start).filter(|(name, _)| same(name)).map(|_| range.start);
    let read = relations(statement)
        .into_iter()
        .find(|relation| range.contains(&relation.index) && same(&relation.name))
        .map(|relation| relation.index);
    if let Some(index) = direct.or(read) {
        findings.add("merge_source_is_target", index, "put the rows into a table first");
    }
}

/// Equalities joined by AND.
fn condition(findings: &mut Findings<'_, '_>, range: Range<usize>) {
    let statement = findings.statement;
    let mut range = range;
    while statement.symbol(range.start, "(") && statement.behind(range.start) == range.end {
        range = range.start + 1..range.end - 1;
    }
    let mut start = range.start;
    let ends: Vec<_> =
        statement.outside(range.clone()).into_iter().filter(|index| statement.is(*index, "AND")).collect();
    for end in ends.into_iter().chain([range.end]) {
        let outside = statement.outside(start..end);
        let equal = outside.iter().filter(|index| statement.symbol(**index, "=")).count() == 1;
        let other = outside.iter().find(|index| {
            statement.is_any(**index, &["OR", "NOT", "IN", "BETWEEN", "LIKE", "IS"])
                || ["<", ">", "<=", ">=", "<>", "!="].iter().any(|symbol| statement.symbol(**index, symbol))
        });
        if !equal || other.is_some() {
            findings.add(
                "merge_condition",
                other.copied().unwrap_or(start),
                "write equalities joined by AND",
            );
        }
        start = end + 1;
    }
}

fn check_branches(findings: &mut Findings<'_, '_>, branches: &[usize], end: usize) {
    let statement = findings.statement;
    let kinds: Vec<_> = branches.iter().map(|index| statement.is(index + 1, "MATCHED")).collect();
    let at = branches.get(1).or_else(|| branches.first()).copied().unwrap_or(end);
    if kinds != [true, false] {
        findings.add("merge_branches", at, "write WHEN MATCHED and then WHEN NOT MATCHED, each once");
    }
    for (position, branch) in branches.iter().enumerate() {
        let until = branches.get(position + 1).copied().unwrap_or(end);
        let matched = statement.is(branch + 1, "MATCHED");
        let words = branch + if matched { 2 } else { 3 };
        if statement.is(words, "BY") {
            findings.add("merge_branches", words, "there is neither BY SOURCE nor BY TARGET");
        } else if statement.is(words, "AND") {
            findings.add("merge_condition", words, "choose the rows in the source, or use CASE");
        }
        let Some(then) = statement.find_outside(*branch..until, &["THEN"]) else { continue };
        if matched {
            matched_action(findings, then + 1..until);
        } else {
            unmatched_action(findings, then + 1..until);
        }
    }
}

fn matched_action(findings: &mut Findings<'_, '_>, range: Range<usize>) {
    let statement = findings.statement;
    if statement.is(range.start, "DELETE") && range.len() == 1 {
        return;
    }
    if !statement.sequence(range.start, &["UPDATE", "SET"]) || statement.symbol(range.start + 2, "*") {
        findings.add("merge_action", range.start, "write UPDATE SET column = expression, …, or DELETE");
        return;
    }
    for part in statement.parts(range.start + 2..range.end) {
        if statement.qualified_name(part.start).is_some_and(|(name, _)| name.len() > 1) {
            findings.add("merge_set_prefix", part.start, "write the column alone");
        }
    }
}

fn unmatched_action(findings: &mut Findings<'_, '_>, range: Range<usize>) {
    let statement = findings.statement;
    let columns = range.start + 1;
    let values = if statement.symbol(columns, "(") { statement.behind(columns) } else { columns };
    let well_formed = statement.is(range.start, "INSERT")
        && statement.is(values, "VALUES")
        && statement.symbol(values + 1, "(")
        && statement.behind(values + 1) == range.end;
    if !well_formed {
        findings.add("merge_action", range.start, "write INSERT (columns) VALUES (expressions), one row");
        return;
    }
    if values > columns {
        for part in statement.parts(statement.inside(columns)) {
            if part.len() != 1 || statement.kind(part.start) == Some(Kind::Number) {
                findings.add("merge_set_prefix", part.start, "write the column alone");
            }
        }
    }
}
