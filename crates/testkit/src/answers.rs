//! Compares what a warehouse holds with the `answers.json` of a generated data set, from the outside: through
//! the command line, whatever the warehouse.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use serde_json::{Value, value::RawValue};
use sparkify_schema::model::{DataType, Table, data_tables};
use twox_hash::XxHash64;

use crate::Cli;

/// Rows that are asked for at a time.
const ROWS_AT_ONCE: u64 = 400_000;
/// Differences that are shown.
const SHOWN: usize = 20;

/// In how many loads the data set came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loads {
    /// All at once.
    One,
    /// First what is not late, then the rest.
    Two,
}

/// A generated data set with its answers.
#[derive(Debug)]
pub struct Generated {
    directory: PathBuf,
    /// Where it is loaded from.
    source: PathBuf,
    answers: Value,
    match_rule: &'static str,
}

impl Generated {
    /// Reads the answers of a data set.
    #[must_use]
    pub fn read(directory: &Path) -> Self {
        let text = fs::read_to_string(directory.join("answers.json")).expect("answers.json");
        let answers = serde_json::from_str(&text).expect("JSON");
        Self { directory: directory.to_owned(), source: directory.to_owned(), answers, match_rule: "exact" }
    }

    /// The same, loaded with the match rule `title-artist`.
    #[must_use]
    pub fn by_title_and_artist(mut self) -> Self {
        let other = self.answers["with_match_rule_title_artist"].take();
        for part in ["tables", "analytics"] {
            for (name, answer) in other[part].as_object().expect("answers") {
                self.answers[part][name] = answer.clone();
            }
        }
        self.answers["tables_after_two_loads"]["songplays"] = self.answers["tables"]["songplays"].clone();
        Self { match_rule: "title-artist", ..self }
    }

    /// The same, loaded from an address in S3, where there is a copy of the directory.
    #[must_use]
    pub fn loaded_from(self, address: &str) -> Self {
        Self { source: address.into(), ..self }
    }

    /// Makes a data set in the working directory of the command line and reads its answers.
    #[must_use]
    pub fn make(cli: &Cli, arguments: &[&str]) -> Self {
        let _ = cli.run(["generate", "--out", "generated"].iter().chain(arguments)).success();
        Self::read(&cli.directory().join("generated"))
    }

    /// The answers.
    #[must_use]
    pub const fn answers(&self) -> &Value {
        &self.answers
    }

    /// Where the data set is.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    fn rejects(&self) -> &[Value] {
        self.answers["rejects"].as_array().expect("a list of rejects")
    }

    /// Loads all at once into an empty warehouse and compares everything.
    /// Returns how long the load took.
    pub fn load_and_verify(&self, cli: &Cli, warehouse: &str) -> Duration {
        let begin = Instant::now();
        let report = self.load(cli, &self.source, warehouse);
        let elapsed = begin.elapsed();
        let records = &report["records"];
        let mut differences = Vec::new();
        for key in ["read", "staged", "duplicate", "rejected"] {
            compare(
                &format!("records {key}"),
                &self.answers["records"][key],
                &records[key],
                &mut differences,
            );
        }
        differences.extend(self.differences(cli, warehouse, Loads::One));
        assert_none(warehouse, &differences);
        elapsed
    }

    /// Loads what is not late, then the rest, and compares everything.
    pub fn load_twice_and_verify(&self, cli: &Cli, warehouse: &str) {
        let late: Vec<&str> = self.answers["late_files"]
            .as_array()
            .expect("late files")
            .iter()
            .filter_map(Value::as_str)
            .collect();
        assert!(!late.is_empty(), "nothing is late");
        let held_back = self.directory.with_extension("late");
        for name in &late {
            move_file(&self.directory.join(name), &held_back.join(name));
        }
        let _ = self.load(cli, &self.directory, warehouse);
        for name in &late {
            move_file(&held_back.join(name), &self.directory.join(name));
        }
        let report = self.load(cli, &self.directory, warehouse);
        assert_eq!(report["files"]["loaded"], late.len(), "the late files are loaded by the second run");
        assert_none(warehouse, &self.differences(cli, warehouse, Loads::Two));
    }

    fn load(&self, cli: &Cli, source: &Path, warehouse: &str) -> Value {
        let tolerance = self.rejects().len().to_string();
        let rule = self.match_rule;
        let settings = ["--max-errors", &tolerance, "--wait", "60s", "--match-rule", rule];
        cli.load_with(source, &[&["--warehouse", warehouse][..], &settings].concat())
    }

    /// Compares tables, answers and records set aside; returns what differs.
    #[must_use]
    pub fn differences(&self, cli: &Cli, warehouse: &str, loads: Loads) -> Vec<String> {
        let mut differences = Vec::new();
        self.compare_tables(cli, warehouse, loads, &mut differences);
        self.compare_analytics(cli, warehouse, loads, &mut differences);
        self.compare_rejects(cli, warehouse, &mut differences);
        differences
    }

    fn compare_tables(&self, cli: &Cli, warehouse: &str, loads: Loads, differences: &mut Vec<String>) {
        let expected = match loads {
            Loads::One => &self.answers["tables"],
            Loads::Two => &self.answers["tables_after_two_loads"],
        };
        let star = data_tables().into_iter().filter(|table| !table.name.starts_with("staging_"));
        for table in star {
            let expected = &expected[table.name];
            let rows = expected["rows"].as_u64().expect("a number of rows");
            let sums = table_sums(cli, warehouse, table, rows);
            let found = serde_json::json!({"rows": sums.rows, "checksum": format!("{:016x}", sums.with_id)});
            compare(&format!("table {}", table.name), expected, &found, differences);
            if found != *expected && !self.answers["tables_without_id"][table.name].is_null() {
                let found =
                    serde_json::json!({"rows": sums.rows, "checksum": format!("{:016x}", sums.without_id)});
                let name = format!("table {} without id", table.name);
                compare(&name, &self.answers["tables_without_id"][table.name], &found, differences);
            }
        }
    }

    fn compare_analytics(&self, cli: &Cli, warehouse: &str, loads: Loads, differences: &mut Vec<String>) {
        let finished = cli.run(["explore", "--warehouse", warehouse, "--format", "json"]).success();
        let found = finished.json();
        let (expected, found) = (self.answers["analytics"].as_object().expect("answers"), found.as_object());
        let found = found.expect("an object");
        let names = |object: &serde_json::Map<String, Value>| {
            let mut names: Vec<String> = object.keys().cloned().collect();
            names.sort_unstable();
            names
        };
        assert_eq!(names(found), names(expected), "there is an answer to each question");
        for (name, expected) in expected {
            let rows = found[name].as_array().expect("rows");
            if expected.is_object() {
                compare(name, expected, &checksum_of_level_changes(rows), differences);
                continue;
            }
            let mut expected = expected.as_array().expect("rows").clone();
            let mut rows: Vec<Value> = rows
                .iter()
                .map(|row| Value::Array(row.as_object().expect("a row").values().cloned().collect()))
                .collect();
            if loads == Loads::Two && name == "row_counts" {
                for row in expected.iter_mut().filter(|row| row[0] == "load_runs") {
                    row[1] = 2.into();
                }
            }
            if name == "plays_by_gender" {
                // Equal counts may come with NULL before or after.
                let key = |row: &Value| row.to_string();
                expected.sort_by_key(key);
                rows.sort_by_key(key);
            }
            compare(name, &Value::Array(expected), &Value::Array(rows), differences);
        }
    }

    fn compare_rejects(&self, cli: &Cli, warehouse: &str, differences: &mut Vec<String>) {
        let query = "SELECT path, line_number, reason FROM load_errors ORDER BY path, line_number, reason";
        let rows = cli
            .run(["explore", "--query", query, "--warehouse", warehouse, "--format", "json"])
            .success()
            .json();
        // An address in S3 has no other form.
        let prefix =
            format!("{}/", self.source.canonicalize().unwrap_or_else(|_| self.source.clone()).display());
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut found: Vec<_> = rows
            .as_array()
            .expect("rows")
            .iter()
            .map(|row| {
                let path = text(&row["path"]);
                let file = path.strip_prefix(&prefix).unwrap_or(&path).to_owned();
                (file, row["line_number"].as_u64(), class_of(&text(&row["reason"])).to_owned())
            })
            .collect();
        let mut expected: Vec<_> = self
            .rejects()
            .iter()
            .map(|reject| (text(&reject["file"]), reject["line"].as_u64(), text(&reject["reason"])))
            .collect();
        found.sort_unstable();
        expected.sort_unstable();
        let missing = expected.iter().filter(|reject| !found.contains(reject));
        differences.extend(missing.map(|reject| format!("not set aside: {reject:?}")));
        let surplus = found.iter().filter(|reject| !expected.contains(reject));
        differences.extend(surplus.map(|reject| format!("set aside: {reject:?}")));
    }
}

fn assert_none(warehouse: &str, differences: &[String]) {
    let kind = warehouse.split(':').next().unwrap_or_default();
    let shown = &differences[..differences.len().min(SHOWN)];
    assert!(differences.is_empty(), "{kind}: {} differences\n{}", differences.len(), shown.join("\n"));
}

fn move_file(from: &Path, to: &Path) {
    fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
    fs::rename(from, to).expect("a moved file");
}

fn compare(what: &str, expected: &Value, found: &Value, differences: &mut Vec<String>) {
    if !same(expected, found) {
        differences.push(format!("{what}\n  expected {expected}\n  found    {found}"));
    }
}

/// Equal, where a number is equal to the same number written with a fraction.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one == other || one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, value)| other.get(key).is_some_and(|found| same(value, found)))
        }
        _ => one == other,
    }
}

/// The class of a reason in the words of the product.
fn class_of(reason: &str) -> &str {
    const CLASSES: [(&str, &str); 11] = [
        ("invalid JSON", "invalid_json"),
        ("the record breaks off", "truncated"),
        ("invalid UTF-8", "invalid_utf8"),
        ("a JSON object was expected", "not_an_object"),
        ("was expected, and this is", "wrong_type"),
        ("is out of range", "out_of_range"),
        ("the required field is", "missing"),
        ("and the column holds", "too_long"),
        ("has a NUL character", "nul_character"),
        ("comes twice in the record", "repeated_field"),
        ("another event with the same", "key_conflict"),
    ];
    CLASSES.iter().find(|(words, _)| reason.contains(words)).map_or(reason, |(_, class)| class)
}

struct Sums {
    rows: u64,
    with_id: u64,
    without_id: u64,
}

/// The checksums of a table, of which about so many rows are expected.
fn table_sums(cli: &Cli, warehouse: &str, table: &Table, rows: u64) -> Sums {
    let columns: Vec<_> = table.columns.iter().map(|column| column.name).collect();
    let parts = rows.div_ceil(ROWS_AT_ONCE).max(1);
    let mut sums = Sums { rows: 0, with_id: 0, without_id: 0 };
    for part in 0..parts {
        let mut query = format!("SELECT {} FROM {}", columns.join(", "), table.name);
        if parts > 1 {
            query.push_str(&format!(" WHERE {} % {parts} = {part}", table.primary_key[0]));
        }
        each_row(cli, warehouse, &query, |row| {
            let mut canonical = Vec::new();
            let mut without_id = 0;
            for column in table.columns {
                push_canonical(&mut canonical, column.data_type, row[column.name]);
                if column.name == "id" {
                    without_id = canonical.len();
                }
            }
            sums.rows += 1;
            sums.with_id = sums.with_id.wrapping_add(XxHash64::oneshot(0, &canonical));
            sums.without_id = sums.without_id.wrapping_add(XxHash64::oneshot(0, &canonical[without_id..]));
        });
    }
    sums
}

/// Runs a query and hands over each row; the rows are not collected.
fn each_row(cli: &Cli, warehouse: &str, query: &str, mut take: impl FnMut(&BTreeMap<&str, &RawValue>)) {
    let mut command =
        cli.command(["explore", "--query", query, "--warehouse", warehouse, "--format", "json"]);
    let mut child = command.stdout(Stdio::piped()).spawn().expect("a started process");
    let output = BufReader::with_capacity(1 << 20, child.stdout.take().expect("its output"));
    for line in output.lines() {
        // An array with one object a line.
        let line = line.expect("a line");
        let object = line.strip_suffix(',').unwrap_or(&line);
        if object.starts_with('{') {
            take(&serde_json::from_str(object).expect("an object"));
        }
    }
    assert!(child.wait().expect("an ended process").success(), "{query}");
}

/// The value as the documentation of the answers says.
fn push_canonical(out: &mut Vec<u8>, data_type: DataType, value: &RawValue) {
    let json = value.get();
    match data_type {
        _ if json == "null" => out.push(0),
        DataType::Varchar { .. } => {
            let text: String = serde_json::from_str(json).expect("a text");
            out.extend_from_slice(text.as_bytes());
        }
        DataType::Integer | DataType::BigInt => out.extend_from_slice(json.as_bytes()),
        // The standard library reads the nearest float, which not all JSON parsers do.
        DataType::Double => {
            let number: f64 = json.parse().expect("a number");
            out.extend_from_slice(format!("{:016x}", number.to_bits()).as_bytes());
        }
        DataType::Timestamp => {
            let text: String = serde_json::from_str(json).expect("a timestamp");
            out.extend_from_slice(milliseconds(&text).to_string().as_bytes());
        }
    }
    out.push(0x1f);
}

/// Unix milliseconds of a timestamp such as `2018-11-01T21:01:46.796`.
fn milliseconds(text: &str) -> i64 {
    let part = |range: std::ops::Range<usize>| -> i64 { text[range].parse().expect("a timestamp") };
    let (year, month, day) = (part(0..4), part(5..7), part(8..10));
    // Days since 1970, with years that begin in March.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719_468;
    let seconds = days * 86_400 + part(11..13) * 3_600 + part(14..16) * 60 + part(17..19);
    let fraction = text.get(20..).unwrap_or_default();
    let digits = format!("{fraction:0<3}");
    assert!(digits[3..].bytes().all(|byte| byte == b'0'), "{text} has more than milliseconds");
    seconds * 1000 + digits[..3].parse::<i64>().expect("milliseconds")
}

fn checksum_of_level_changes(rows: &[Value]) -> Value {
    let mut sum = 0_u64;
    for row in rows {
        let mut canonical = Vec::new();
        for (name, value) in row.as_object().expect("a row") {
            match value {
                Value::Null => canonical.push(0),
                Value::String(text) if name == "changed_at" => {
                    canonical.extend_from_slice(milliseconds(text).to_string().as_bytes());
                }
                Value::String(text) => canonical.extend_from_slice(text.as_bytes()),
                other => canonical.extend_from_slice(other.to_string().as_bytes()),
            }
            canonical.push(0x1f);
        }
        sum = sum.wrapping_add(XxHash64::oneshot(0, &canonical));
    }
    serde_json::json!({"rows": rows.len(), "checksum": format!("{sum:016x}")})
}

#[cfg(test)]
mod tests {
    use super::milliseconds;

    #[test]
    fn timestamps_are_read_to_the_millisecond() {
        assert_eq!(milliseconds("1970-01-01T00:00:00"), 0);
        assert_eq!(milliseconds("2018-11-01T21:01:46.796"), 1_541_106_106_796);
        assert_eq!(milliseconds("2000-02-29 00:00:00.5"), 951_782_400_500);
        assert_eq!(milliseconds("2020-12-31T23:59:59.999000"), 1_609_459_199_999);
    }
}
