//! The files that COPY reads beside the data: manifests and JSONPaths.

use std::collections::HashSet;

use serde_json::Value;

use super::{Finding, Rule, copy::is_s3_url, rules::rules};

pub(super) const RULES: &[Rule] = rules! {
    manifest_form: "a manifest is {\"entries\": [{\"url\": \"s3://bucket/key\", \"mandatory\": true}, …]}";
    manifest_url: "an entry names one object by its full key";
    manifest_mandatory: "mandatory is false unless it is stated, and a missing file is then left out in silence";
    manifest_duplicate: "a file that is listed twice loads twice";
    manifest_content_length: "entries of Parquet and ORC files need meta.content_length";
    jsonpaths_form: "a JSONPaths file is {\"jsonpaths\": [\"$.key\", …]}";
    jsonpaths_key: "the key is literally jsonpaths: with another one, COPY takes 'auto' in silence";
    jsonpaths_path: "a path is $.key or $['key'], or deeper";
    jsonpaths_duplicate: "two columns would get the same value";
};

/// What is wrong with the text of a manifest; `at` is the number of the entry, from 0.
#[must_use]
pub fn lint_manifest(text: &str) -> Vec<Finding> {
    let form = |message: &str, at| vec![Finding::new("manifest_form", message.to_owned(), at)];
    let value: Value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(error) => return form(&format!("it is no JSON: {error}"), 0),
    };
    let Some(object) = value.as_object().filter(|object| object.len() == 1) else {
        return form("it is not an object with the one key entries", 0);
    };
    let Some(entries) = object.get("entries").and_then(Value::as_array).filter(|entries| !entries.is_empty())
    else {
        return form("entries is no list with something in it", 0);
    };
    let mut findings = Vec::new();
    let mut seen = HashSet::new();
    for (at, entry) in entries.iter().enumerate() {
        let mut add = |rule, message: String| findings.push(Finding::new(rule, message, at));
        let Some(entry) = entry.as_object() else {
            add("manifest_form", "an entry is no object".to_owned());
            continue;
        };
        if let Some(key) = entry.keys().find(|key| !["url", "mandatory", "meta"].contains(&key.as_str())) {
            add("manifest_form", format!("an entry has no {key}"));
        }
        let url = entry.get("url").and_then(Value::as_str).unwrap_or_default();
        if !is_s3_url(url) || url.ends_with('/') {
            add("manifest_url", format!("{url:?} is not s3://bucket/key"));
        }
        if entry.get("mandatory") != Some(&Value::Bool(true)) {
            add("manifest_mandatory", format!("{url} may be missing without an error"));
        }
        let columnar = [".parquet", ".orc"].iter().any(|end| url.ends_with(end));
        if columnar && entry.get("meta").and_then(|meta| meta.get("content_length")?.as_u64()).is_none() {
            add("manifest_content_length", format!("{url} has none"));
        }
        if !seen.insert(url.to_owned()) {
            add("manifest_duplicate", format!("{url} is listed twice"));
        }
    }
    findings
}

/// What is wrong with the text of a JSONPaths file; `at` is the number of the path, from 0.
#[must_use]
pub fn lint_jsonpaths(text: &str) -> Vec<Finding> {
    let one = |rule, message: String| vec![Finding::new(rule, message, 0)];
    let value: Value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(error) => return one("jsonpaths_form", format!("it is no JSON: {error}")),
    };
    let Some(object) = value.as_object() else {
        return one("jsonpaths_form", "it is no object".to_owned());
    };
    let Some(paths) = object.get("jsonpaths") else {
        let keys: Vec<_> = object.keys().cloned().collect();
        return one("jsonpaths_key", format!("there is no key jsonpaths, but {keys:?}"));
    };
    let Some(paths) = paths.as_array().filter(|paths| !paths.is_empty() && object.len() == 1) else {
        return one("jsonpaths_form", "it is not an object with one list of paths".to_owned());
    };
    let mut findings = Vec::new();
    let mut seen = HashSet::new();
    for (at, path) in paths.iter().enumerate() {
        let path = path.as_str().unwrap_or_default();
        if !is_path(path) {
            findings.push(Finding::new("jsonpaths_path", format!("{path:?} is no path"), at));
        } else if !seen.insert(path.to_owned()) {
            findings.push(Finding::new("jsonpaths_duplicate", format!("{path} stands twice"), at));
        }
    }
    findings
}

/// `$` and then `.key` or `['key']` or `[0]`, all in one notation.
fn is_path(path: &str) -> bool {
    let Some(mut rest) = path.strip_prefix('$').filter(|rest| !rest.is_empty()) else { return false };
    let dots = rest.starts_with('.');
    while !rest.is_empty() {
        let end = if let Some(key) = rest.strip_prefix('.').filter(|_| dots) {
            let length = key.find(['.', '[', ']', '\'', '"', ' ']).unwrap_or(key.len());
            if length == 0 {
                return false;
            }
            1 + length
        } else if let Some(key) = rest.strip_prefix("['") {
            match key.find("']") {
                Some(length) if length > 0 => length + 4,
                _ => return false,
            }
        } else if let Some(index) = rest.strip_prefix('[') {
            match index.find(']') {
                Some(length) if length > 0 && index[..length].chars().all(|c| c.is_ascii_digit()) => {
                    length + 2
                }
                _ => return false,
            }
        } else {
            return false;
        };
        rest = &rest[end..];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(entries: &str) -> Vec<(&'static str, usize)> {
        lint_manifest(&format!("{{\"entries\":[{entries}]}}"))
            .iter()
            .map(|finding| (finding.rule, finding.at))
            .collect()
    }

    fn paths(text: &str) -> Vec<&'static str> {
        lint_jsonpaths(text).iter().map(|finding| finding.rule).collect()
    }

    #[test]
    fn a_manifest_of_mandatory_objects_is_fine() {
        assert_eq!(
            manifest(
                r#"{"url":"s3://b/a.json.gz","mandatory":true},
                   {"url":"s3://b/a.parquet","mandatory":true,"meta":{"content_length":5}}"#
            ),
            []
        );
    }

    #[test]
    fn each_fault_of_a_manifest_is_found_with_its_entry() {
        let good = r#"{"url":"s3://b/a","mandatory":true}"#;
        for (rule, entry) in [
            ("manifest_form", "1"),
            ("manifest_form", r#"{"url":"s3://b/x","mandatory":true,"size":1}"#),
            ("manifest_url", r#"{"url":"s3://b/x/","mandatory":true}"#),
            ("manifest_url", r#"{"url":"https://b/x","mandatory":true}"#),
            ("manifest_url", r#"{"mandatory":true}"#),
            ("manifest_mandatory", r#"{"url":"s3://b/x"}"#),
            ("manifest_mandatory", r#"{"url":"s3://b/x","mandatory":false}"#),
            ("manifest_mandatory", r#"{"url":"s3://b/x","mandatory":"true"}"#),
            ("manifest_duplicate", good),
            ("manifest_content_length", r#"{"url":"s3://b/x.parquet","mandatory":true}"#),
        ] {
            assert_eq!(manifest(&format!("{good},{entry}")), [(rule, 1)], "{entry}");
        }
        for text in ["", "[]", "{}", r#"{"entries":[]}"#, r#"{"entries":{}}"#, r#"{"entries":[],"x":1}"#] {
            assert_eq!(lint_manifest(text)[0].rule, "manifest_form", "{text}");
        }
    }

    #[test]
    fn paths_of_either_notation_are_fine() {
        assert_eq!(
            paths(r#"{"jsonpaths":["$.artist","$['user id']","$.a.b","$.a[0]","$['a'][0]['b']"]}"#),
            [""; 0]
        );
    }

    #[test]
    fn each_fault_of_a_jsonpaths_file_is_found() {
        assert_eq!(paths(r#"{"jsonPaths":["$.a"]}"#), ["jsonpaths_key"]);
        assert_eq!(paths(r#"{"paths":["$.a"]}"#), ["jsonpaths_key"]);
        assert_eq!(paths(r#"{"jsonpaths":["$.a","$.a"]}"#), ["jsonpaths_duplicate"]);
        for text in
            ["", "[]", r#"{"jsonpaths":[]}"#, r#"{"jsonpaths":"$.a"}"#, r#"{"jsonpaths":["$.a"],"x":1}"#]
        {
            assert_eq!(paths(text), ["jsonpaths_form"], "{text}");
        }
        for path in ["a", "$", "$a", "$.", "$..a", "$['a", "$[]", "$[x]", "$.a b", ""] {
            assert_eq!(paths(&format!("{{\"jsonpaths\":[\"{path}\"]}}")), ["jsonpaths_path"], "{path}");
        }
    }
}
