//! The JSONPaths file of Redshift's COPY, which the local engines honour too.

use serde::Deserialize;
use sparkify_schema::model::{Table, staging_events};

/// The keys of a JSONPaths file: the first is for the first column of `staging_events`, and so on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonPaths {
    keys: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    jsonpaths: Vec<String>,
}

impl JsonPaths {
    /// Reads the text of a JSONPaths file for `staging_events`.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in words: it is no such file, a path is not of the form `$['key']` or
    /// `$.key`, a key comes twice, or there are not as many paths as columns.
    pub fn parse(text: &str) -> Result<Self, String> {
        let document: Document = serde_json::from_str(text.trim_start_matches('\u{feff}'))
            .map_err(|error| format!("it is no JSONPaths file: {error}"))?;
        let keys = document
            .jsonpaths
            .iter()
            .map(|path| {
                key(path).ok_or_else(|| format!("the path {path:?} is not of the form $['key'] or $.key"))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let Table { name, columns, .. } = staging_events();
        if keys.len() != columns.len() {
            return Err(format!("it has {} paths, and {name} has {} columns", keys.len(), columns.len()));
        }
        for (index, key) in keys.iter().enumerate() {
            if keys[..index].contains(key) {
                return Err(format!("the key {key:?} comes twice"));
            }
        }
        Ok(Self { keys })
    }

    /// The keys in the order of the columns.
    #[must_use]
    pub fn keys(&self) -> &[String] {
        &self.keys
    }
}

fn key(path: &str) -> Option<String> {
    let path = path.trim().strip_prefix('$')?;
    let bracketed = |quote: char| {
        path.strip_prefix('[')?.strip_suffix(']')?.strip_prefix(quote)?.strip_suffix(quote).map(str::to_owned)
    };
    let dotted = || {
        let key = path.strip_prefix('.')?;
        (!key.is_empty() && !key.contains(['.', '[', '*'])).then(|| key.to_owned())
    };
    bracketed('\'').or_else(|| bracketed('"')).or_else(dotted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(paths: &[String]) -> String {
        serde_json::json!({ "jsonpaths": paths }).to_string()
    }

    #[test]
    fn the_three_spellings_of_a_path_are_read() {
        for path in ["$['firstName']", "$[\"firstName\"]", "$.firstName"] {
            assert_eq!(key(path).as_deref(), Some("firstName"));
        }
        for path in ["firstName", "$", "$.", "$.a.b", "$.a[0]", "$['a'", "$[0]"] {
            assert_eq!(key(path), None, "{path}");
        }
    }

    #[test]
    fn a_file_that_would_put_values_into_wrong_columns_is_refused() {
        let mut paths: Vec<_> =
            staging_events().columns.iter().map(|c| format!("$.{}", c.source_key)).collect();
        assert_eq!(JsonPaths::parse(&document(&paths)).unwrap().keys()[2], "firstName");
        assert!(JsonPaths::parse(&document(&paths[1..])).unwrap_err().contains("17 paths"));
        paths[3] = paths[4].clone();
        assert!(JsonPaths::parse(&document(&paths)).unwrap_err().contains("comes twice"));
        assert!(JsonPaths::parse("{\"JSONPaths\": []}").is_err());
        assert!(JsonPaths::parse("[").is_err());
    }
}
