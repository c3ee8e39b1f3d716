//! For each rule statements that break just it, and statements that nearly do.

mod definitions;
mod queries;
mod statements;
mod writes;

use std::collections::BTreeSet;

use super::{all_rules, lint};

/// A COPY as a load of ours sends it, to be changed in one place.
const COPY: &str = "COPY sparkify_run_songs (song_id, title) FROM 's3://b/run/songs.manifest' \
                    IAM_ROLE 'arn:aws:iam::123456789012:role/loader' MANIFEST REGION 'us-west-2' \
                    FORMAT AS JSON 's3://b/run/songs.jsonpaths' GZIP COMPUPDATE OFF STATUPDATE OFF MAXERROR 0";
/// A MERGE as Redshift takes it.
const MERGE: &str = "MERGE INTO users USING sparkify_run_chosen_users b ON users.user_id = b.user_id \
                     WHEN MATCHED THEN UPDATE SET level = b.level, gender = b.gender \
                     WHEN NOT MATCHED THEN INSERT (id, user_id, level) VALUES (b.id, b.user_id, b.level)";

struct Case {
    rule: &'static str,
    bites: Vec<String>,
    passes: Vec<String>,
}

fn case(rule: &'static str, bites: &[&str], passes: &[&str]) -> Case {
    let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
    Case { rule, bites: texts(bites), passes: texts(passes) }
}

/// Another one of the same kind, made by replacing a part.
fn other(statement: &str, part: &str, replacement: &str) -> String {
    assert!(statement.contains(part), "{part} is not in {statement}");
    statement.replace(part, replacement)
}

/// Changes of a statement: part and replacement.
type Changes<'a> = &'a [(&'a str, &'a str)];

fn changed(rule: &'static str, statement: &str, bites: Changes<'_>, passes: Changes<'_>) -> Case {
    let texts = |list: Changes<'_>| list.iter().map(|(part, with)| other(statement, part, with)).collect();
    Case { rule, bites: texts(bites), passes: texts(passes) }
}

fn cases() -> Vec<Case> {
    let all = [
        statements::whole(),
        queries::clauses(),
        queries::windows(),
        queries::functions(),
        statements::names(),
        definitions::types(),
        definitions::definitions(),
        statements::session(),
        queries::trees(),
        writes::merges(),
        writes::copies(),
    ];
    all.into_iter().flatten().collect()
}

fn shown(sql: &str) -> &str {
    &sql[..sql.len().min(400)]
}

#[test]
fn each_rule_refuses_what_breaks_just_it() {
    let mut wrong = String::new();
    for Case { rule, bites, .. } in cases() {
        for sql in bites {
            let found = lint(&sql);
            let rules: BTreeSet<_> = found.iter().map(|finding| finding.rule).collect();
            if rules != BTreeSet::from([rule]) {
                wrong += &format!("{rule} should be the fault of\n  {}\nnot {found:?}\n", shown(&sql));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn what_nearly_breaks_a_rule_has_no_finding() {
    let mut wrong = String::new();
    for sql in cases().into_iter().flat_map(|case| case.passes).chain([COPY.to_owned(), MERGE.to_owned()]) {
        let found = lint(&sql);
        if !found.is_empty() {
            wrong += &format!("{}\n{found:?}\n", shown(&sql));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Those of files and sequences have tests beside them.
#[test]
fn each_rule_has_statements_that_break_it_and_statements_that_nearly_do() {
    let elsewhere = |rule: &str| {
        let sources = [include_str!("../objects.rs"), include_str!("../transaction.rs")];
        sources.iter().any(|source| source.matches(&format!("\"{rule}\"")).count() > 1)
    };
    let cases = cases();
    for rule in all_rules() {
        let own: Vec<_> = cases.iter().filter(|case| case.rule == rule.name).collect();
        let bites = own.iter().any(|case| !case.bites.is_empty());
        let passes = own.iter().any(|case| !case.passes.is_empty());
        assert!((bites && passes) || elsewhere(rule.name), "{} has no cases", rule.name);
    }
    let known: BTreeSet<_> = all_rules().iter().map(|rule| rule.name).collect();
    for case in &cases {
        assert!(known.contains(case.rule), "{} is no rule", case.rule);
    }
    assert_eq!(known.len(), all_rules().len(), "two rules have one name");
}

#[test]
fn a_finding_says_where_it_is() {
    let sql = "SELECT level,\n       AVG(year)\nFROM songs";
    assert_eq!(lint(sql)[0].at, sql.find("AVG").unwrap());
    let sql = "SELECT 'ä', COUNT(*) FILTER (WHERE TRUE) FROM users";
    assert_eq!(lint(sql)[0].at, sql.find("FILTER").unwrap());
}

proptest::proptest! {
    #[test]
    fn any_text_gets_an_answer(sql in ".*", words in proptest::collection::vec(proptest::sample::select(vec![
        "SELECT", "COPY", "MERGE", "INTO", "USING", "ON", "WHEN", "MATCHED", "THEN", "UPDATE", "SET", "FROM", "(", ")",
        ",", "'a'", "t", ".", "AS", "CREATE", "TABLE", "ALTER", "ADD", "DISTKEY", "SORTKEY", "OVER", "ORDER", "BY",
        "LOCK", "=", "1", ";", "INTERVAL", "CAST", "::", "DELETE", "WITH", "VALUES", "INSERT", "NULLS"]), 0..25)) {
        let _ = lint(&sql);
        let _ = lint(&words.join(" "));
    }
}
