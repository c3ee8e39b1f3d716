//! Objects become rows.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize,
    de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor},
};
use serde_json::{Value, value::RawValue};

use super::{
    columns::Column,
    convert::{Rules, Unfit},
    files::{Mapping, Path, Step},
};

/// Makes rows of PostgreSQL's text format.
#[derive(Debug, Clone)]
pub(super) struct Rows {
    columns: Vec<Column>,
    rules: Rules,
    keys: Keys,
    /// For each column its key and the rest of the way.
    places: Vec<(usize, Path)>,
    accept_invalid: Option<char>,
}

/// The keys of an object that are wanted.
#[derive(Debug, Clone)]
struct Keys {
    names: Vec<String>,
    ignore_case: bool,
}

impl Keys {
    /// Keys mostly come in the same order.
    fn find(&self, key: &str, expected: usize) -> Option<usize> {
        let is = |name: &String| if self.ignore_case { name.eq_ignore_ascii_case(key) } else { name == key };
        if self.names.get(expected).is_some_and(is) {
            return Some(expected);
        }
        self.names.iter().position(is)
    }
}

/// Why a record is no row: the column, if it is one value, and what is wrong.
pub(super) type Bad = (Option<usize>, Unfit);

impl Rows {
    pub(super) fn new(
        columns: Vec<Column>,
        rules: Rules,
        mapping: Mapping,
        accept_invalid: Option<char>,
    ) -> Self {
        let mut keys = Keys { names: Vec::new(), ignore_case: false };
        let paths = match mapping {
            Mapping::Names { ignore_case } => {
                keys.ignore_case = ignore_case;
                columns.iter().map(|column| vec![Step::Key(column.name.clone())]).collect()
            }
            Mapping::Paths(paths) => paths,
        };
        let mut places = Vec::new();
        for mut path in paths {
            let rest = path.split_off(1.min(path.len()));
            let name = match path.pop() {
                Some(Step::Key(name)) => name,
                // The records are objects, so an element at their top finds nothing.
                Some(Step::Index(_)) | None => String::new(),
            };
            let known = keys.names.iter().position(|known| *known == name);
            let key = known.unwrap_or_else(|| {
                keys.names.push(name);
                keys.names.len() - 1
            });
            places.push((key, rest));
        }
        Self { columns, rules, keys, places, accept_invalid }
    }

    pub(super) fn column(&self, index: usize) -> &Column {
        &self.columns[index]
    }

    /// Adds the row that a record is; adds nothing if it is none.
    pub(super) fn write(&self, record: &[u8], rows: &mut Vec<u8>) -> Result<(), Bad> {
        let before = rows.len();
        let result = self.write_all(record, rows);
        if result.is_err() {
            rows.truncate(before);
        }
        result
    }

    fn write_all(&self, record: &[u8], rows: &mut Vec<u8>) -> Result<(), Bad> {
        let text = self.text(record)?;
        let values = self.values(&text).ok_or_else(|| (None, Unfit::new(1216, "Invalid value.")))?;
        for (index, column) in self.columns.iter().enumerate() {
            if index > 0 {
                rows.push(b'\t');
            }
            let (key, rest) = &self.places[index];
            let value = values[*key];
            let written = if rest.is_empty() {
                self.rules.write(column, value, rows)
            } else {
                let inner = value.and_then(|value| walk(value, rest));
                self.rules.write(column, inner.as_deref(), rows)
            };
            written.map_err(|unfit| (Some(index), unfit))?;
        }
        rows.push(b'\n');
        Ok(())
    }

    /// The record as text; with a character for each byte that is none, or an error that names the column.
    fn text<'a>(&self, record: &'a [u8]) -> Result<Cow<'a, str>, Bad> {
        let error = match std::str::from_utf8(record) {
            Ok(text) => return Ok(Cow::Borrowed(text)),
            Err(error) => error,
        };
        let replaced = replace_invalid(record, self.accept_invalid.unwrap_or('?'));
        if self.accept_invalid.is_some() {
            return Ok(Cow::Owned(replaced));
        }
        let at = error.valid_up_to();
        let length = error.error_len().unwrap_or(1);
        let bytes: String = record[at..at + length].iter().map(|byte| format!("{byte:02x}")).collect();
        let message = format!(
            "String contains invalid or unsupported UTF8 codepoints. Bad UTF8 hex sequence: {bytes} (error 4)"
        );
        let holds = |value: Option<&str>| {
            value.is_some_and(|value| {
                let start = value.as_ptr() as usize - replaced.as_ptr() as usize;
                (start..start + value.len()).contains(&at)
            })
        };
        let key = self.values(&replaced).and_then(|values| values.into_iter().position(holds));
        let column = key.and_then(|key| self.places.iter().position(|(place, _)| *place == key));
        Err((column, Unfit { code: 1220, message, position: at }))
    }

    /// The values of the wanted keys as they are written; `None` if it is not JSON.
    fn values<'a>(&self, text: &'a str) -> Option<Vec<Option<&'a str>>> {
        let mut values = vec![None; self.keys.names.len()];
        let mut deserializer = serde_json::Deserializer::from_str(text);
        Collector { keys: &self.keys, values: &mut values }.deserialize(&mut deserializer).ok()?;
        deserializer.end().ok()?;
        Some(values)
    }
}

/// As many characters as there are wrong bytes.
fn replace_invalid(bytes: &[u8], with: char) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(std::iter::repeat_n(with, chunk.invalid().len()));
    }
    text
}

/// The value at the end of a path, as JSON.
fn walk(json: &str, path: &[Step]) -> Option<String> {
    let value: Value = serde_json::from_str(json).ok()?;
    let mut at = &value;
    for step in path {
        at = match step {
            Step::Key(key) => at.get(key)?,
            Step::Index(index) => at.get(index)?,
        };
    }
    Some(at.to_string())
}

#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// Notes where the values of the wanted keys stand.
struct Collector<'k, 'v, 'de> {
    keys: &'k Keys,
    values: &'v mut Vec<Option<&'de str>>,
}

impl<'de> DeserializeSeed<'de> for Collector<'_, '_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Collector<'_, '_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut expected = 0;
        while let Some(Key(key)) = map.next_key()? {
            match self.keys.find(&key, expected) {
                Some(index) => {
                    self.values[index] = Some(map.next_value::<&RawValue>()?.get());
                    expected = index + 1;
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redshift::{
        copy::{columns::ColumnType, parse::CopyStatement},
        sql::tokens,
    };

    fn rows(mapping: Mapping, options: &str) -> Rows {
        let sql = format!("COPY t FROM 's3://b/k' IAM_ROLE default JSON 'auto' {options}");
        let statement = CopyStatement::parse(&tokens(&sql).unwrap()).unwrap();
        let column = |name: &str, data_type| Column {
            name: name.to_owned(),
            data_type,
            not_null: false,
            type_name: String::new(),
        };
        let whole = ColumnType::Whole { name: "Integer", least: -99, most: 99 };
        let columns =
            vec![column("userid", whole), column("name", ColumnType::Text { length: 20, padded: false })];
        Rows::new(columns, Rules::of(&statement), mapping, statement.accept_invalid)
    }

    fn written(rows: &Rows, record: &[u8]) -> Result<String, Bad> {
        let mut output = b"before\n".to_vec();
        let result = rows.write(record, &mut output);
        let text = String::from_utf8(output).unwrap();
        result.map(|()| text["before\n".len()..].to_owned())
    }

    #[test]
    fn names_are_matched_with_or_without_their_case() {
        let record = br#"{"name": "x", "userId": 7, "other": {"name": "y"}}"#;
        assert_eq!(written(&rows(Mapping::Names { ignore_case: false }, ""), record).unwrap(), "\\N\tx\n");
        assert_eq!(written(&rows(Mapping::Names { ignore_case: true }, ""), record).unwrap(), "7\tx\n");
    }

    #[test]
    fn paths_are_matched_by_position() {
        let key = |name: &str| Step::Key(name.to_owned());
        let paths = vec![vec![key("a"), key("b"), Step::Index(1)], vec![key("user Name")]];
        let rows = rows(Mapping::Paths(paths), "");
        assert_eq!(written(&rows, br#"{"a": {"b": [1, 2]}, "user Name": "z"}"#).unwrap(), "2\tz\n");
        assert_eq!(written(&rows, br#"{"a": 5}"#).unwrap(), "\\N\t\\N\n");
    }

    #[test]
    fn bytes_that_are_no_utf8_are_found_or_replaced() {
        let record = b"{\"userid\": 1, \"name\": \"a\xff\xfe\"}";
        let (column, unfit) = written(&rows(Mapping::Names { ignore_case: false }, ""), record).unwrap_err();
        assert_eq!((column, unfit.code), (Some(1), 1220));
        assert!(unfit.message.contains("hex sequence: ff"), "{}", unfit.message);
        let accepting = rows(Mapping::Names { ignore_case: false }, "ACCEPTINVCHARS AS '^'");
        assert_eq!(written(&accepting, record).unwrap(), "1\ta^^\n");
    }

    #[test]
    fn what_is_no_json_has_no_column() {
        let rows = rows(Mapping::Names { ignore_case: false }, "");
        for record in [&br#"{"userid": }"#[..], br#"{"userid": 1,}"#, br#"{"userid": 01}"#] {
            let (column, unfit) = written(&rows, record).unwrap_err();
            assert_eq!((column, unfit.code), (None, 1216));
        }
        let (column, _) = written(&rows, br#"{"userid": 500}"#).unwrap_err();
        assert_eq!(column, Some(0));
    }
}
