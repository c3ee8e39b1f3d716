//! Statements that define things.

use super::{Findings, Rule, rules};
use crate::redshift_lint::vocabulary::ENCODINGS;

pub(super) const RULES: &[Rule] = rules! {
    index: "there are no indexes: sort keys";
    trigger: "there are no triggers and rules";
    unsupported_object: "a kind of object that Redshift has not";
    partition: "tables have no partitions, do not inherit and have no tablespaces";
    table_option: "UNLOGGED, WITH (…) and ON COMMIT are not there";
    check_constraint: "CHECK is not there: a query counts violations";
    exclusion_constraint: "EXCLUDE is not there";
    reference_action: "ON DELETE, ON UPDATE, MATCH and DEFERRABLE are not there for references";
    identity: "IDENTITY gives other numbers on each load: derive keys";
    interleaved: "an interleaved sort key must not be on growing values and needs VACUUM REINDEX";
    encode_mixed: "one ENCODE turns the automatic encoding of the whole table off: give one for each column, or none";
    unknown_encoding: "an encoding that Redshift has not";
    distribution: "one column at most is the DISTKEY, a column of the table, and only with DISTSTYLE KEY";
    sort_key: "a sort key is of columns of the table, at most 400";
    several_add_column: "ALTER TABLE adds one column at a time";
    several_alterations: "ALTER TABLE does one thing at a time";
    alter_if_exists: "ALTER TABLE has no IF EXISTS and ADD COLUMN no IF NOT EXISTS";
    alter_column: "ALTER COLUMN changes the type or the encoding, nothing else";
    rename_qualified: "the new name of a table has no schema";
};

pub(super) fn check(findings: &mut Findings<'_, '_>) {
    let statement = findings.statement;
    if statement.is_any(0, &["CREATE", "ALTER", "DROP"]) {
        objects(findings);
    }
    if statement.created_table().is_some() {
        table(findings);
    }
    if statement.begins(&["ALTER", "TABLE"]) {
        alterations(findings);
    }
    if statement.created_table().is_some() || statement.begins(&["ALTER", "TABLE"]) {
        constraints(findings);
    }
}

fn objects(findings: &mut Findings<'_, '_>) {
    let statement = findings.statement;
    let mut kind = 1;
    while statement
        .is_any(kind, &["OR", "REPLACE", "UNIQUE", "CONSTRAINT", "EVENT", "TEMP", "TEMPORARY", "RECURSIVE"])
    {
        kind += 1;
    }
    if statement.is(kind, "INDEX") {
        findings.add("index", kind, "use a sort key");
    } else if statement.is(kind, "SEQUENCE") {
        findings.add("sequence", kind, "derive keys, or count on from the highest");
    } else if statement.is_any(kind, &["TRIGGER", "RULE"]) {
        findings.add("trigger", kind, "do it in the statements");
    } else if statement.is_any(
        kind,
        &[
            "TYPE",
            "DOMAIN",
            "EXTENSION",
            "COLLATION",
            "OPERATOR",
            "AGGREGATE",
            "TABLESPACE",
            "CAST",
            "CONVERSION",
            "STATISTICS",
            "PUBLICATION",
            "SUBSCRIPTION",
            "SERVER",
            "POLICY",
            "MACRO",
            "SECRET",
        ],
    ) {
        findings.add("unsupported_object", kind, format!("there is no {}", statement.tokens[kind].text));
    }
}

fn table(findings: &mut Findings<'_, '_>) {
    let statement = findings.statement;
    for index in statement.outside(0..statement.len()) {
        if statement.is_any(index, &["PARTITION", "INHERITS", "TABLESPACE", "PARTITIONED"]) {
            findings.add("partition", index, "leave it out");
        }
        if statement.is(index, "UNLOGGED")
            || statement.sequence(index, &["ON", "COMMIT"])
            || statement.sequence(index, &["WITH", "("])
        {
            findings.add("table_option", index, "leave it out");
        }
        if statement.is(index, "INTERLEAVED") {
            findings.add("interleaved", index, "write SORTKEY (…)");
        }
    }
    let Some(open) = statement.created_columns() else { return };
    let (mut columns, mut encoded, mut distribution_keys) = (Vec::new(), Vec::new(), Vec::new());
    for part in statement.parts(statement.inside(open)) {
        if statement
            .is_any(part.start, &["PRIMARY", "UNIQUE", "FOREIGN", "CONSTRAINT", "CHECK", "LIKE", "EXCLUDE"])
        {
            continue;
        }
        columns.extend(statement.tokens.get(part.start).map(super::super::token::Token::name));
        for index in part {
            if statement.is(index, "ENCODE") {
                encoded.push(index);
            }
            if statement.is(index, "DISTKEY") {
                distribution_keys.push(index);
            }
            if statement.is(index, "IDENTITY") || statement.is(index, "GENERATED") {
                findings.add("identity", index, "derive the key from the row");
                break;
            }
        }
    }
    if !encoded.is_empty() && encoded.len() < columns.len() {
        findings.add("encode_mixed", encoded[0], "give an encoding for each column, or none");
    }
    for index in statement.find(&["ENCODE"]) {
        let known = statement.tokens.get(index + 1).is_some_and(|token| ENCODINGS.contain(&token.name()));
        if !known {
            findings.add("unknown_encoding", index + 1, "there is no such encoding");
        }
    }
    let behind = statement.behind(open)..statement.len();
    if let Some(index) = statement.find_outside(behind.clone(), &["DISTKEY", "("]) {
        distribution_keys.push(index);
        let names = statement.parts(statement.inside(index + 1));
        let known = names.len() == 1 && columns.contains(&statement.tokens[names[0].start].name());
        if !known {
            findings.add("distribution", index, "name one column of the table");
        }
    }
    let style = statement.find_outside(behind.clone(), &["DISTSTYLE"]);
    let by_key = style.is_none_or(|style| statement.is(style + 1, "KEY"));
    if distribution_keys.len() > 1 || (!distribution_keys.is_empty() && !by_key) {
        findings.add(
            "distribution",
            distribution_keys[distribution_keys.len() - 1],
            "one DISTKEY, with DISTSTYLE KEY",
        );
    }
    if let Some(style) = style {
        let known = statement.is_any(style + 1, &["AUTO", "EVEN", "ALL", "KEY"]);
        let missing = statement.is(style + 1, "KEY") && distribution_keys.is_empty();
        if !known || missing {
            findings.add("distribution", style + 1, "AUTO, EVEN, ALL, or KEY with a DISTKEY");
        }
    }
    if let Some(index) = statement.find_outside(behind, &["SORTKEY", "("]) {
        let names = statement.parts(statement.inside(index + 1));
        if names.len() > 400
            || !names.iter().all(|name| columns.contains(&statement.tokens[name.start].name()))
        {
            findings.add("sort_key", index, "name columns of the table, at most 400");
        }
    }
}

fn constraints(findings: &mut Findings<'_, '_>) {
    let statement = findings.statement;
    for index in 0..statement.len() {
        if statement.sequence(index, &["CHECK", "("]) {
            findings.add("check_constraint", index, "count violations with a query");
        }
        if statement.sequence(index, &["EXCLUDE", "("]) || statement.sequence(index, &["EXCLUDE", "USING"]) {
            findings.add("exclusion_constraint", index, "count violations with a query");
        }
        if statement.sequence(index, &["ON", "DELETE"])
            || statement.sequence(index, &["ON", "UPDATE"])
            || statement.is_any(index, &["DEFERRABLE", "MATCH"])
        {
            findings.add("reference_action", index, "leave it out");
        }
    }
}

fn alterations(findings: &mut Findings<'_, '_>) {
    let statement = findings.statement;
    if statement.is(2, "IF") {
        findings.add("alter_if_exists", 2, "ask svv_tables first");
    }
    let Some((_, action)) = statement.qualified_name(statement.behind_if_exists(2)) else { return };
    let end = statement.outside(0..statement.len()).into_iter().find(|index| statement.symbol(*index, ";"));
    let parts = statement.parts(action..end.unwrap_or(statement.len()));
    let adds: Vec<_> = parts.iter().filter(|part| statement.is(part.start, "ADD")).collect();
    if let [_, second, ..] = adds.as_slice() {
        findings.add("several_add_column", second.start, "write a statement for each column");
    } else if let [first, second, ..] = parts.as_slice() {
        // Encodings of several columns, or distribution and sort key together, may stand in one statement.
        let combine = |part: &std::ops::Range<usize>| {
            statement.is(part.start, "ALTER")
                && (statement.is_any(part.start + 1, &["DISTSTYLE", "DISTKEY", "SORTKEY", "COMPOUND"])
                    || statement.is(part.start + 3, "ENCODE"))
        };
        if !combine(first) || !combine(second) {
            findings.add("several_alterations", second.start, "write a statement for each");
        }
    }
    for part in &parts {
        let column = part.start + 1 + usize::from(statement.is(part.start + 1, "COLUMN"));
        if statement.is(part.start, "ADD") && statement.is(column, "IF") {
            findings.add("alter_if_exists", column, "ask svv_columns first");
        }
        if statement.sequence(part.start, &["ALTER", "COLUMN"])
            && !statement.is_any(part.start + 3, &["TYPE", "ENCODE"])
        {
            findings.add("alter_column", part.start + 3, "make a new column or table");
        }
        if statement.sequence(part.start, &["RENAME", "TO"]) && statement.symbol(part.start + 3, ".") {
            findings.add("rename_qualified", part.start + 2, "write the new name without a schema");
        }
    }
}
