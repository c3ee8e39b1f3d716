//! The files that say what to load and how: manifest and JSONPaths.

use serde_json::Value;

use super::{
    aws::detail,
    parse::{CopyStatement, Json},
    s3::{Place, S3, S3Failure},
};
use crate::redshift::error::ServerError;

type Result<T> = std::result::Result<T, ServerError>;

/// A step on the way to a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

/// Where the value of a column is.
pub(super) type Path = Vec<Step>;

/// A file to load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) place: Place,
    pub(super) mandatory: bool,
}

/// How objects become rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mapping {
    /// By the names of the columns.
    Names { ignore_case: bool },
    /// By a path for each column.
    Paths(Vec<Path>),
}

fn broken_manifest(what: &str, place: &Place) -> ServerError {
    let message = format!("Problem reading manifest file - {what}");
    ServerError::new("XX000", message.clone()).with_detail(detail(
        &message,
        &place.url(),
        "s3_manifest.cpp:181",
    ))
}

/// The files of a COPY.
pub(super) fn entries(s3: &mut S3, statement: &CopyStatement) -> Result<Vec<Entry>> {
    let place = place(&statement.source)?;
    s3.check_region(&place, statement.region.as_deref()).map_err(|failure| failure.error())?;
    if !statement.manifest {
        let found = s3.list(&place).map_err(|failure| failure.error())?;
        if found.is_empty() {
            return Err(no_such_prefix(&place));
        }
        return Ok(found.into_iter().map(|place| Entry { place, mandatory: true }).collect());
    }
    let text = match s3.read(&place) {
        Ok(text) => text,
        // Redshift takes a manifest that it may not read for something else.
        Err(S3Failure { status: 403, .. }) => {
            let message = "COPY with MANIFEST parameter requires full path of an S3 object.";
            return Err(ServerError::new("XX000", message).with_detail(detail(
                message,
                &place.url(),
                "s3_utility.cpp:332",
            )));
        }
        Err(failure) => return Err(broken_manifest(&failure.exception(), &place)),
    };
    let entries = manifest(&text).map_err(|what| broken_manifest(&what, &place))?;
    let mut checked = Vec::new();
    for Entry { place, .. } in &entries {
        if !checked.contains(&place.bucket) {
            s3.check_region(place, statement.region.as_deref()).map_err(|failure| failure.error())?;
            checked.push(place.bucket.clone());
        }
    }
    Ok(entries)
}

fn no_such_prefix(place: &Place) -> ServerError {
    let message = format!("The specified S3 prefix '{}' does not exist", place.key);
    ServerError::new("XX000", message.clone()).with_detail(detail(
        &message,
        &place.url(),
        "s3_utility.cpp:675",
    ))
}

fn place(url: &str) -> Result<Place> {
    Place::parse(url).ok_or_else(|| ServerError::new("42601", format!("Invalid S3 path: {url}")))
}

/// `{"entries": [{"url": "s3://…", "mandatory": true}]}`.
fn manifest(text: &[u8]) -> std::result::Result<Vec<Entry>, String> {
    let value: Value =
        serde_json::from_slice(text).map_err(|error| format!("it is not valid JSON: {error}"))?;
    let entries = value.get("entries").and_then(Value::as_array).ok_or("it has no array \"entries\"")?;
    if entries.is_empty() {
        return Err("it has no entries".to_owned());
    }
    entries
        .iter()
        .map(|entry| {
            let url = entry.get("url").and_then(Value::as_str).ok_or("an entry has no \"url\"")?;
            let place = Place::parse(url)
                .filter(|place| !place.key.is_empty())
                .ok_or_else(|| format!("not the URL of an object: {url}"))?;
            let mandatory = match entry.get("mandatory") {
                None => false,
                Some(value) => value.as_bool().ok_or("\"mandatory\" is neither true nor false")?,
            };
            Ok(Entry { place, mandatory })
        })
        .collect()
}

/// How the objects of a COPY become rows with so many columns.
pub(super) fn mapping(s3: &mut S3, statement: &CopyStatement, columns: usize) -> Result<Mapping> {
    let url = match &statement.json {
        Json::Auto => return Ok(Mapping::Names { ignore_case: false }),
        Json::AutoIgnoreCase => return Ok(Mapping::Names { ignore_case: true }),
        Json::Paths(url) => url,
    };
    let place = place(url)?;
    s3.check_region(&place, statement.region.as_deref()).map_err(|failure| failure.error())?;
    let text = s3.read(&place).map_err(|failure| failure.error())?;
    let value: Value = serde_json::from_slice(&text).map_err(|_| {
        ServerError::new("XX000", format!("Invalid JSONPath format: {url} is not valid JSON"))
    })?;
    // Without the key, spelt just so, it is as if there were no file: names decide, without a word.
    let Some(paths) = value.get("jsonpaths") else { return Ok(Mapping::Names { ignore_case: false }) };
    let invalid = |what: &str| ServerError::new("XX000", format!("Invalid JSONPath format: {what}"));
    let paths = paths.as_array().ok_or_else(|| invalid("\"jsonpaths\" is not an array"))?;
    if paths.len() != columns {
        let message = format!(
            "Number of jsonpaths and the number of columns should match. JSONPath size: {}, Number of columns in table or column list: {columns}",
            paths.len()
        );
        return Err(ServerError::new("XX000", message));
    }
    let paths = paths.iter().map(|path| {
        let path = path.as_str().unwrap_or_default();
        parse_path(path).ok_or_else(|| invalid(path))
    });
    Ok(Mapping::Paths(paths.collect::<Result<_>>()?))
}

/// `$.a.b[0]` or `$['a']['b'][0]`.
fn parse_path(path: &str) -> Option<Path> {
    let mut rest = path.trim().strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            let (key, after) = after.split_at(end);
            if key.is_empty() {
                return None;
            }
            steps.push(Step::Key(key.to_owned()));
            rest = after;
        } else {
            let (inside, after) = rest.strip_prefix('[')?.split_once(']')?;
            let quoted = |quote: char| {
                inside.len().checked_sub(2)?;
                inside.strip_prefix(quote)?.strip_suffix(quote)
            };
            steps.push(match quoted('\'').or_else(|| quoted('"')) {
                Some(key) => Step::Key(key.to_owned()),
                None => Step::Index(inside.parse().ok()?),
            });
            rest = after;
        }
    }
    (!steps.is_empty()).then_some(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_in_both_notations() {
        let key = |name: &str| Step::Key(name.to_owned());
        assert_eq!(parse_path("$['firstName']"), Some(vec![key("firstName")]));
        assert_eq!(parse_path("$.a.b[2]"), Some(vec![key("a"), key("b"), Step::Index(2)]));
        for path in ["", "$", "a", "$[", "$.", "$[x]", "$['a'"] {
            assert_eq!(parse_path(path), None, "{path}");
        }
    }

    #[test]
    fn a_file_of_a_manifest_may_be_missing_unless_it_is_mandatory() {
        let text = br#"{"entries":[{"url":"s3://b/a","mandatory":true},{"url":"s3://b/a"}]}"#;
        let entries = manifest(text).unwrap();
        assert_eq!(entries.iter().map(|entry| entry.mandatory).collect::<Vec<_>>(), [true, false]);
        for text in ["", "{}", r#"{"entries":[]}"#, r#"{"entries":[{}]}"#, r#"{"entries":[{"url":"/a"}]}"#] {
            assert!(manifest(text.as_bytes()).is_err(), "{text}");
        }
    }
}
