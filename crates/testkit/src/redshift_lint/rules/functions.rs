//! Functions by their names.

use super::{Findings, Rule, relations, rules};
use crate::redshift_lint::{
    token::Kind,
    vocabulary::{LEADER_NODE_FUNCTIONS, LEADER_NODE_WORDS, SEQUENCE_FUNCTIONS, UNSUPPORTED_FUNCTIONS},
};

pub(super) const RULES: &[Rule] = rules! {
    unsupported_function: "a function of PostgreSQL that Redshift has not";
    sequence: "there are no sequences: derive keys, or count on from the highest";
    leader_node_function: "the function runs on the leader node only and fails beside tables, which are on the others";
};

pub(super) fn check(findings: &mut Findings<'_, '_>) {
    let statement = findings.statement;
    let tables = relations(statement);
    let beside = tables.iter().find(|relation| !relation.is_on_leader());
    let leader_node = |findings: &mut Findings<'_, '_>, index: usize, name: &str| {
        let known = LEADER_NODE_FUNCTIONS.iter().find(|(function, _)| *function == name);
        if let (Some((_, instead)), Some(table)) = (known, beside) {
            let message = format!("{name} beside the table {}: use {instead}", table.table());
            findings.add("leader_node_function", index, message);
        }
    };
    for (index, name) in statement.calls() {
        // A table or column list of that name.
        if tables.iter().any(|table| table.index == index) {
            continue;
        }
        if let Some((_, instead)) = UNSUPPORTED_FUNCTIONS.iter().find(|(function, _)| *function == name) {
            findings.add("unsupported_function", index, format!("there is no {name}: use {instead}"));
        }
        if SEQUENCE_FUNCTIONS.contain(&name) {
            findings.add("sequence", index, format!("there is no {name}, since there are no sequences"));
        }
        leader_node(findings, index, &name);
    }
    for (index, token) in statement.tokens.iter().enumerate() {
        let alone = token.kind == Kind::Word && !statement.symbol(index + 1, "(");
        let part_of_name = index > 0 && statement.symbol(index - 1, ".");
        if alone && !part_of_name && LEADER_NODE_WORDS.contain(&token.name()) {
            leader_node(findings, index, &token.name());
        }
    }
}
