//! Every statement that can be sent to Redshift, held against what is known of it.
//!
//! No test has a Redshift. Its rules are known, though, and these tests hold each statement of the product
//! against them: our own lint, and sqlfluff as a second opinion.

mod elsewhere;
mod order;
mod statements;

use sparkify_etl::ScriptConnection;
use sparkify_testkit::{
    redshift_lint::{NOT_DECIDABLE, all_rules, check_transaction, lint},
    sqlfluff,
};

use self::statements::{Named, all, load_in_order, load_on};

/// Findings that are accepted: statement, rule, and why.
const ACCEPTED: &[(&str, &str, &str)] = &[];

/// Statements that sqlfluff refuses although they are right: statement, and why.
const FALSE_REJECTS: &[(&str, &str)] = &[];

#[test]
fn no_statement_breaks_a_rule() {
    let mut findings = String::new();
    let mut accepted = vec![false; ACCEPTED.len()];
    for Named { name, sql } in all() {
        for finding in lint(&sql) {
            let position =
                ACCEPTED.iter().position(|(known, rule, _)| *known == name && *rule == finding.rule);
            match position {
                Some(position) => accepted[position] = true,
                None => findings += &format!("{name}: {finding}\n{sql}\n\n"),
            }
        }
    }
    assert!(findings.is_empty(), "{findings}");
    for ((name, rule, _), found) in ACCEPTED.iter().zip(accepted) {
        assert!(found, "{name} does not break {rule} any more");
    }
}

#[test]
fn the_statements_of_each_connection_are_one_flat_transaction_after_the_other() {
    assert!(load_in_order().len() > 150);
    for connection in [ScriptConnection::Load, ScriptConnection::Lock, ScriptConnection::Copy] {
        let statements = load_on(connection);
        assert!(!statements.is_empty(), "{connection:?}");
        let findings = check_transaction(&statements);
        assert!(findings.is_empty(), "{connection:?}: {findings:#?}");
    }
}

#[test]
fn sqlfluff_parses_every_statement() {
    let named = all();
    let texts: Vec<_> = named.iter().map(|named| named.sql.clone()).collect();
    let mut refused = String::new();
    for (Named { name, sql }, complaints) in named.iter().zip(sqlfluff::complaints(&texts)) {
        let unknown_form = sql.starts_with("ANALYZE ") && sql.ends_with(" PREDICATE COLUMNS");
        let known = FALSE_REJECTS.iter().find(|(known, _)| known == name).map(|(_, reason)| *reason);
        match known.or(unknown_form.then_some("its grammar has no PREDICATE COLUMNS")) {
            Some(reason) => {
                assert!(!complaints.is_empty(), "{name} is taken now, so that this does not hold: {reason}");
            }
            None if complaints.is_empty() => {}
            None => refused += &format!("{name}: {complaints:?}\n{sql}\n\n"),
        }
    }
    assert!(refused.is_empty(), "{refused}");
}

#[test]
fn the_statements_beside_those_of_a_load_are_as_reviewed() {
    let load = load_in_order();
    let mut text = String::new();
    for Named { name, sql } in all() {
        if !load.contains(&sql) {
            text += &format!("-- {name}\n{sql};\n\n");
        }
    }
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("redshift_statements", text);
    });
}

#[test]
fn what_a_text_does_not_show_is_written_down_with_what_sees_to_it() {
    for fact in NOT_DECIDABLE {
        assert!(fact.reason.contains(';'), "{}: {}", fact.fact, fact.reason);
    }
    for rule in all_rules() {
        assert!(!rule.about.is_empty(), "{}", rule.name);
    }
}
