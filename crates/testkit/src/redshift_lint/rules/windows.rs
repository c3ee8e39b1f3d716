//! Window functions.

use super::{Findings, Rule, rules};
use crate::redshift_lint::statement::Statement;

pub(super) const RULES: &[Rule] = rules! {
    window_frame: "an aggregate with ORDER BY in its window needs a frame: ROWS UNBOUNDED PRECEDING";
    window_frame_kind: "frames are of ROWS only, not of RANGE or GROUPS, and have no EXCLUDE";
    window_frame_on_ranking: "ranking functions, LAG and LEAD take no frame";
    window_name: "there is no WINDOW clause: write the window where it is used";
    window_filter_of_rows: "a window function has no place in WHERE, GROUP BY or HAVING: use a subquery";
};

/// Functions that number rows or look at another one.
const RANKING: [&str; 8] =
    ["ROW_NUMBER", "RANK", "DENSE_RANK", "NTILE", "PERCENT_RANK", "CUME_DIST", "LAG", "LEAD"];
/// Others whose syntax has no frame.
const WITHOUT_FRAME: [&str; 5] =
    ["LISTAGG", "MEDIAN", "PERCENTILE_CONT", "PERCENTILE_DISC", "RATIO_TO_REPORT"];

pub(super) fn check(findings: &mut Findings<'_, '_>) {
    let statement = findings.statement;
    for index in statement.find(&["OVER"]) {
        if index == 0 || !statement.symbol(index - 1, ")") && !statement.is(index - 1, "NULLS") {
            continue;
        }
        if !statement.symbol(index + 1, "(") {
            findings.add("window_name", index + 1, "write the window here");
            continue;
        }
        let inside = statement.inside(index + 1);
        if inside.len() == 1 {
            findings.add("window_name", inside.start, "write the window here");
        }
        let frame = statement
            .outside(inside.clone())
            .into_iter()
            .find(|index| statement.is_any(*index, &["ROWS", "RANGE", "GROUPS"]));
        let ranking = function(statement, index).is_some_and(|function| statement.is_any(function, &RANKING));
        let needs_none =
            function(statement, index).is_some_and(|function| statement.is_any(function, &WITHOUT_FRAME));
        match frame {
            Some(frame) if !statement.is(frame, "ROWS") => {
                findings.add("window_frame_kind", frame, "write ROWS");
            }
            Some(frame) if ranking || needs_none => {
                findings.add("window_frame_on_ranking", frame, "leave the frame out");
            }
            Some(frame) => {
                if let Some(exclude) = statement.find_outside(frame..inside.end, &["EXCLUDE"]) {
                    findings.add("window_frame_kind", exclude, "there is no EXCLUDE");
                }
            }
            None if !ranking && !needs_none => {
                if let Some(order) = statement.find_outside(inside, &["ORDER", "BY"]) {
                    findings.add("window_frame", order, "add ROWS UNBOUNDED PRECEDING");
                }
            }
            None => {}
        }
    }
    for index in statement.find(&["WINDOW"]) {
        if statement.is(index + 2, "AS") && statement.symbol(index + 3, "(") {
            findings.add("window_name", index, "write the window where it is used");
        }
    }
    windows_in_conditions(findings);
}

/// The index of the name of the function in front of OVER.
fn function(statement: &Statement<'_>, over: usize) -> Option<usize> {
    let mut index = over.checked_sub(1)?;
    while statement.is_any(index, &["NULLS", "IGNORE", "RESPECT"]) {
        index = index.checked_sub(1)?;
    }
    let mut name = open_of(statement, index)?.checked_sub(1)?;
    if statement.is(name, "GROUP") && name > 0 && statement.is(name - 1, "WITHIN") {
        name = open_of(statement, name.checked_sub(2)?)?.checked_sub(1)?;
    }
    Some(name)
}

fn open_of(statement: &Statement<'_>, close: usize) -> Option<usize> {
    (0..close).rev().find(|open| statement.symbol(*open, "(") && statement.behind(*open) == close + 1)
}

fn windows_in_conditions(findings: &mut Findings<'_, '_>) {
    let statement = findings.statement;
    for over in statement.find(&["OVER", "("]) {
        let scope = statement.outer(over).map_or(0..statement.len(), |open| statement.inside(open));
        let clauses = ["SELECT", "WHERE", "GROUP", "HAVING", "QUALIFY", "ORDER", "ON", "FROM"];
        let clause = statement
            .outside(scope)
            .into_iter()
            .take_while(|index| *index < over)
            .filter(|index| {
                statement.is_any(*index, &clauses) && !statement.is(index.saturating_sub(1), "WITHIN")
            })
            .last();
        if clause.is_some_and(|clause| statement.is_any(clause, &["WHERE", "GROUP", "HAVING", "ON"])) {
            findings.add("window_filter_of_rows", over, "compute it in a subquery");
        }
    }
}
