//! The JSON documents have the fields that `docs/aws.md` names.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Aws;

fn documentation() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/aws.md")).unwrap()
}

/// The line about a command in the table of documents.
fn line_about(command: &str) -> String {
    let text = documentation();
    let (_, table) = text.split_once("| command | document |").unwrap();
    table.lines().find(|line| line.starts_with(&format!("| `{command}`"))).unwrap().to_owned()
}

fn fields(value: &Value) -> BTreeSet<String> {
    value.as_object().unwrap().keys().cloned().collect()
}

#[track_caller]
fn check(command: &str, value: &Value, except: &[&str]) {
    let line = line_about(command);
    for field in fields(value) {
        let named = [format!("`{field}`"), format!("`{field}[]`")].iter().any(|name| line.contains(name));
        assert!(named || except.contains(&field.as_str()), "{command}: {field}");
    }
}

#[test]
fn every_field_is_documented() {
    let aws = Aws::new();
    let (plan, _) = aws.plan();
    check("provision --plan", &plan, &[]);
    check("provision --plan", &plan["steps"][0], &[]);
    check("provision --plan", &plan["steps"][0]["differences"][0], &[]);
    check("provision --plan", &plan["cost"], &[]);
    let made = aws.provision().success().json();
    check("provision", &made, &[]);
    check("provision", &made["applied"], &[]);
    check("provision", &made["applied"]["outputs"], &["deployment", "region", "kind"]);
    check("provision", &made["applied"]["probe"], &[]);
    let status = aws.run(&["status", "--format", "json"]).success().json();
    check("status", &status, &[]);
    let doctor = aws.run(&["doctor", "--format", "json"]).json();
    check("doctor", &doctor, &[]);
    check("doctor", &doctor["checks"][0], &[]);
    let plan = aws.run(&["teardown", "--plan", "--format", "json"]).success().json();
    check("teardown --plan", &plan, &["deployment", "region", "account"]);
    check("teardown --plan", &plan["steps"][0], &[]);
    let gone = aws.teardown().success().json();
    check("teardown", &gone, &[]);
    check("teardown", &gone["report"], &[]);
}

#[test]
fn every_setting_of_the_section_is_documented() {
    let text = documentation();
    let (_, table) = text.split_once("| key | meaning | default |").unwrap();
    let (table, _) = table.split_once("\n\n").unwrap();
    // Each is a key that the program takes: it would refuse others.
    let keys: Vec<String> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" |").next())
        .flat_map(|cell| cell.split(", "))
        .filter_map(|key| Some(key.strip_prefix('`')?.strip_suffix('`')?.to_owned()))
        .collect();
    assert!(keys.len() > 20, "{keys:?}");
    let known = aws_keys();
    assert_eq!(keys.iter().cloned().collect::<BTreeSet<_>>(), known);
}

/// The keys as the error about one that is none lists them.
fn aws_keys() -> BTreeSet<String> {
    let aws = Aws::with("[deployment]\nno_such_key = 1\n");
    let message = aws.run(&["provision", "--plan"]).with_code(2).stderr;
    let (_, list) = message.split_once("expected one of ").unwrap_or_else(|| panic!("{message}"));
    let list = list.lines().next().unwrap();
    list.split(", ").map(|key| key.trim_matches('`').to_owned()).collect()
}
