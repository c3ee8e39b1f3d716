//! Parts of timestamps, and intervals.

use super::{Findings, Rule, rules};
use crate::redshift_lint::{token::Kind, vocabulary::DATE_PARTS};

pub(super) const RULES: &[Rule] = rules! {
    date_part: "a part of a timestamp that Redshift has not";
    weekday: "PostgreSQL has no part weekday: dow means the same everywhere, 0 is Sunday";
    interval_literal: "an interval is a text of amounts and units: INTERVAL '1 day'";
};

const FUNCTIONS: [&str; 8] =
    ["EXTRACT", "DATE_PART", "DATE_TRUNC", "DATEADD", "DATE_ADD", "DATEDIFF", "DATE_DIFF", "DATEPART"];

pub(super) fn check(findings: &mut Findings<'_, '_>) {
    let statement = findings.statement;
    for index in 0..statement.len() {
        if statement.is_any(index, &FUNCTIONS) && statement.symbol(index + 1, "(") {
            let Some(token) = statement.tokens.get(index + 2) else { continue };
            let part = match token.kind {
                Kind::Word => token.name(),
                Kind::Text => token.value().to_lowercase(),
                _ => continue,
            };
            // A call in the place of the part is none of ours to judge.
            if statement.symbol(index + 3, "(") {
                continue;
            }
            if part == "weekday" {
                findings.add("weekday", index + 2, "write dow");
            } else if !DATE_PARTS.contain(&part) {
                findings.add("date_part", index + 2, format!("there is no part {part}"));
            }
        }
        if statement.is(index, "INTERVAL") && !is_type(findings, index) {
            interval(findings, index);
        }
    }
}

/// Whether it is the type of a cast or column, which has a rule of its own.
fn is_type(findings: &Findings<'_, '_>, index: usize) -> bool {
    let statement = findings.statement;
    let cast = index > 0 && (statement.symbol(index - 1, "::") || statement.is(index - 1, "AS"));
    cast || statement.is_any(0, &["CREATE", "ALTER"]) && statement.kind(index + 1) != Some(Kind::Text)
}

fn interval(findings: &mut Findings<'_, '_>, index: usize) {
    let statement = findings.statement;
    let Some(literal) = statement.tokens.get(index + 1).filter(|token| token.kind == Kind::Text) else {
        findings.add("interval_literal", index + 1, "write a text of amounts and units");
        return;
    };
    let qualified = statement.is_any(index + 2, &["YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND"]);
    if !is_interval(&literal.value(), qualified) {
        findings.add(
            "interval_literal",
            index + 1,
            "write amounts and units, such as '1 day' or '0.001 second'",
        );
    }
}

/// Amounts and units in turn. With a qualifier behind the literal, an amount needs no unit.
fn is_interval(text: &str, qualified: bool) -> bool {
    let number = |text: &str| text.parse::<f64>().is_ok_and(f64::is_finite);
    if qualified && (number(text) || text.chars().all(|c| c.is_ascii_digit() || " -:.".contains(c))) {
        return !text.trim().is_empty();
    }
    let mut rest = text.trim();
    if rest.is_empty() {
        return false;
    }
    while !rest.is_empty() {
        let end =
            rest.find(|c: char| c.is_ascii_alphabetic() || c.is_ascii_whitespace()).unwrap_or(rest.len());
        let (amount, behind) = rest.split_at(end);
        let behind = behind.trim_start();
        let end = behind.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(end);
        if !number(amount) || !DATE_PARTS.contain(&unit.to_ascii_lowercase()) {
            return false;
        }
        rest = behind.trim_start_matches(|c: char| c == ',' || c.is_ascii_whitespace());
    }
    true
}
