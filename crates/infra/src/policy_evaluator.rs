//! A small evaluator of IAM: Effect, Action, Resource with wildcards, and the conditions StringEquals and StringLike.
//! What it does not know it refuses to evaluate. The tests of the whole product use it too.

use serde_json::Value;

/// Whether a policy allows an action on a resource, with that said about the request.
pub(crate) fn allows(policy: &Value, action: &str, resource: &str, context: &[(&str, &str)]) -> bool {
    let mut allowed = false;
    for statement in policy["Statement"].as_array().unwrap() {
        for key in statement.as_object().unwrap().keys() {
            assert!(["Sid", "Effect", "Action", "Resource", "Condition"].contains(&key.as_str()), "{key}");
        }
        let matches = list(&statement["Action"]).iter().any(|pattern| like(pattern, action))
            && list(&statement["Resource"]).iter().any(|pattern| like(pattern, resource))
            && condition_holds(&statement["Condition"], context);
        match statement["Effect"].as_str().unwrap() {
            "Deny" if matches => return false,
            "Allow" => allowed |= matches,
            other => assert_eq!(other, "Deny"),
        }
    }
    allowed
}

/// Of each key one of its values must be said.
fn condition_holds(condition: &Value, context: &[(&str, &str)]) -> bool {
    let Some(operators) = condition.as_object() else { return true };
    operators.iter().all(|(operator, keys)| {
        keys.as_object().unwrap().iter().all(|(key, patterns)| {
            let said = context.iter().find(|(name, _)| name == key).map(|(_, value)| *value);
            said.is_some_and(|said| {
                list(patterns).iter().any(|pattern| match operator.as_str() {
                    "StringEquals" => pattern == said,
                    "StringLike" => like(pattern, said),
                    other => panic!("{other}"),
                })
            })
        })
    })
}

/// One text or several.
pub(crate) fn list(value: &Value) -> Vec<String> {
    match value {
        Value::String(one) => vec![one.clone()],
        Value::Array(several) => several.iter().map(|one| one.as_str().unwrap().to_owned()).collect(),
        other => panic!("{other}"),
    }
}

/// `*` is any text, `?` any one character.
fn like(pattern: &str, text: &str) -> bool {
    let Some(first) = pattern.chars().next() else { return text.is_empty() };
    let rest = &pattern[first.len_utf8()..];
    match first {
        '*' => text.char_indices().map(|(at, _)| at).chain([text.len()]).any(|at| like(rest, &text[at..])),
        _ => text
            .chars()
            .next()
            .is_some_and(|c| (first == '?' || first == c) && like(rest, &text[c.len_utf8()..])),
    }
}
