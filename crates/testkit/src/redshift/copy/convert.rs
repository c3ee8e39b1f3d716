//! A JSON value becomes the value of a column.

use std::borrow::Cow;

use super::{
    columns::{Column, ColumnType},
    parse::{CopyStatement, TimeFormat},
};

/// Why a value does not fit, as the system tables say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unfit {
    pub(super) code: i32,
    pub(super) message: String,
    /// Where in the value, counted from 0.
    pub(super) position: usize,
}

impl Unfit {
    pub(super) fn new(code: i32, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), position: 0 }
    }

    /// A character that does not belong to a number.
    fn digit(text: &str, position: usize, type_name: &str) -> Self {
        let value = text[position..].chars().next().map(String::from).unwrap_or_default();
        let message = format!("Invalid digit, Value '{value}', Pos {position}, Type: {type_name}");
        Self { code: 1207, message, position }
    }

    fn range(text: &str, type_name: &str) -> Self {
        Self::new(1204, format!("Overflow, Value '{text}', Type: {type_name}"))
    }
}

type Result<T> = std::result::Result<T, Unfit>;

/// What of a COPY bears on values.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    truncate: bool,
    blanks_as_null: bool,
    empty_as_null: bool,
    round: bool,
    time_format: TimeFormat,
}

impl Rules {
    pub(super) fn of(statement: &CopyStatement) -> Self {
        Self {
            truncate: statement.truncate_columns,
            blanks_as_null: statement.blanks_as_null,
            empty_as_null: statement.empty_as_null,
            round: statement.round,
            time_format: statement.time_format.clone(),
        }
    }

    /// Adds a value to a row of PostgreSQL's text format. `json` is as it stands in the file.
    pub(super) fn write(&self, column: &Column, json: Option<&str>, row: &mut Vec<u8>) -> Result<()> {
        let value = match json {
            None | Some("null") => None,
            Some(json) => self.value(column, json)?,
        };
        match value {
            Some(value) => escape(&value, row),
            None if column.not_null => return Err(Unfit::new(1213, "Missing data for not-null field")),
            None => row.extend_from_slice(b"\\N"),
        }
        Ok(())
    }

    fn value<'a>(&self, column: &Column, json: &'a str) -> Result<Option<Cow<'a, str>>> {
        let text = text_of(json)?;
        if let ColumnType::Text { length, padded } = column.data_type {
            return self.text(text, length, padded);
        }
        // Empty texts are NULL for all other types.
        if text.is_empty() {
            return Ok(None);
        }
        Ok(Some(match column.data_type {
            ColumnType::Whole { name, least, most } => {
                let number = whole(&text, name)?;
                if !(least..=most).contains(&number) {
                    return Err(Unfit::range(&text, name));
                }
                text
            }
            ColumnType::Real => {
                let number = real(&text, "Real")?;
                if number.abs() > f64::from(f32::MAX) {
                    return Err(Unfit::range(&text, "Real"));
                }
                text
            }
            ColumnType::Double => {
                real(&text, "Double")?;
                text
            }
            ColumnType::Numeric { precision, scale } => {
                numeric(&text, precision, scale, self.round).map(Cow::Owned)?
            }
            ColumnType::Boolean => match text.to_ascii_lowercase().as_str() {
                "t" | "true" | "y" | "yes" | "1" => "t".into(),
                "f" | "false" | "n" | "no" | "0" => "f".into(),
                _ => return Err(Unfit::new(1210, "Unknown boolean format")),
            },
            ColumnType::Date => date(&text)?,
            ColumnType::Timestamp => self.timestamp(text)?,
            ColumnType::Text { .. } => text,
        }))
    }

    fn text<'a>(&self, text: Cow<'a, str>, length: usize, padded: bool) -> Result<Option<Cow<'a, str>>> {
        if text.is_empty() {
            return Ok((!self.empty_as_null).then_some(text));
        }
        if self.blanks_as_null && text.chars().all(char::is_whitespace) {
            return Ok(None);
        }
        if text.contains('\0') {
            return Err(Unfit::new(1224, "Invalid null byte - field longer than 1 byte"));
        }
        if padded && !text.is_ascii() {
            return Err(Unfit::new(1215, "CHAR field contains characters that are not ASCII"));
        }
        if text.len() <= length {
            return Ok(Some(text));
        }
        // Blanks at the end may be too many.
        if self.truncate || text.trim_end_matches(' ').len() <= length {
            let end = (0..=length).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
            return Ok(Some(Cow::Owned(text[..end].to_owned())));
        }
        Err(Unfit::new(1204, "String length exceeds DDL length"))
    }

    fn timestamp<'a>(&self, text: Cow<'a, str>) -> Result<Cow<'a, str>> {
        let per_second = match self.time_format {
            TimeFormat::EpochSeconds => 1,
            TimeFormat::EpochMilliseconds => 1000,
            TimeFormat::Standard | TimeFormat::Auto => {
                let is_auto = self.time_format == TimeFormat::Auto;
                return if is_timestamp(&text, is_auto) { Ok(text) } else { Err(bad_timestamp()) };
            }
        };
        let number: i64 = text.parse().map_err(|_| bad_timestamp())?;
        let (seconds, rest) = (number.div_euclid(per_second), number.rem_euclid(per_second));
        let (date, time) = civil(seconds);
        Ok(Cow::Owned(format!("{date} {time}.{:06}", rest * (1_000_000 / per_second))))
    }
}

fn bad_timestamp() -> Unfit {
    Unfit::new(1206, "Invalid timestamp format or value [YYYY-MM-DD HH24:MI:SS]")
}

/// The text that a JSON value is.
fn text_of(json: &str) -> Result<Cow<'_, str>> {
    let Some(inside) = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return Ok(Cow::Borrowed(json));
    };
    if !inside.contains('\\') {
        return Ok(Cow::Borrowed(inside));
    }
    serde_json::from_str(json).map(Cow::Owned).map_err(|_| {
        // The record was JSON, so this is half of a pair of surrogates.
        Unfit::new(1220, "String contains invalid or unsupported UTF8 codepoints")
    })
}

fn whole(text: &str, type_name: &str) -> Result<i64> {
    if let Ok(number) = text.parse() {
        return Ok(number);
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let sign = text.len() - digits.len();
    match digits.find(|character: char| !character.is_ascii_digit()) {
        Some(position) => Err(Unfit::digit(text, sign + position, type_name)),
        None if digits.is_empty() => Err(Unfit::digit(text, 0, type_name)),
        None => Err(Unfit::range(text, type_name)),
    }
}

fn real(text: &str, type_name: &str) -> Result<f64> {
    let is_part =
        |character: char| character.is_ascii_digit() || matches!(character, '+' | '-' | '.' | 'e' | 'E');
    if let Some(position) = text.find(|character: char| !is_part(character)) {
        return Err(Unfit::digit(text, position, type_name));
    }
    let number: f64 = text.parse().map_err(|_| Unfit::digit(text, 0, type_name))?;
    if number.is_infinite() { Err(Unfit::range(text, type_name)) } else { Ok(number) }
}

/// A decimal number through floating point, as COPY from JSON takes it: what is too exact is cut off, or
/// rounded with ROUNDEC.
fn numeric(text: &str, precision: usize, scale: usize, round: bool) -> Result<String> {
    let number = real(text, "Decimal").map_err(|unfit| Unfit { code: 1209, ..unfit })?;
    let factor = 10_f64.powi(i32::try_from(scale).unwrap_or(0));
    let scaled = if round { (number * factor).round() } else { (number * factor).trunc() };
    if scaled.abs() >= 10_f64.powi(i32::try_from(precision).unwrap_or(0)) {
        return Err(Unfit::new(1204, format!("Numeric data overflow (result precision), Value '{text}'")));
    }
    Ok(format!("{:.scale$}", scaled / factor))
}

fn date(text: &str) -> Result<Cow<'static, str>> {
    if is_date(text) {
        Ok(Cow::Owned(text.to_owned()))
    } else {
        Err(Unfit::new(1205, "Invalid Date Format - length must be 10 or more"))
    }
}

/// Numbers of so many digits, with these characters in between; the rest behind them.
fn fields<const N: usize>(text: &str, digits: [usize; N], marks: [char; N]) -> Option<([u32; N], &str)> {
    let (mut rest, mut found) = (text, [0; N]);
    for index in 0..N {
        if index > 0 {
            rest = rest.strip_prefix(marks[index - 1])?;
        }
        let number = rest.get(..digits[index])?;
        if !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        found[index] = number.parse().ok()?;
        rest = &rest[digits[index]..];
    }
    Some((found, rest))
}

fn is_date(text: &str) -> bool {
    matches!(fields(text, [4, 2, 2], ['-', '-', ' ']), Some((parts, "")) if exists(parts))
}

fn exists([year, month, day]: [u32; 3]) -> bool {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    (1..=last).contains(&day)
}

fn is_timestamp(text: &str, is_auto: bool) -> bool {
    let Some((date, rest)) = fields(text, [4, 2, 2], ['-', '-', ' ']) else { return false };
    let separator = rest.chars().next();
    if !(separator == Some(' ') || (is_auto && separator == Some('T'))) || !exists(date) {
        return is_auto && rest.is_empty() && exists(date);
    }
    let Some(([hour, minute, second], rest)) = fields(&rest[1..], [2, 2, 2], [':', ':', ' ']) else {
        return false;
    };
    let fraction =
        rest.strip_prefix('.').map_or(rest, |rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
    hour < 24 && minute < 60 && second < 60 && (fraction.is_empty() || (is_auto && fraction == "Z"))
}

/// Date and time of seconds since 1970.
fn civil(seconds: i64) -> (String, String) {
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Days since 1 March of the year 0, so that leap days come last in a year.
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let time = format!("{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60);
    (format!("{year:04}-{month:02}-{day:02}"), time)
}

/// A value of PostgreSQL's text format.
fn escape(value: &str, row: &mut Vec<u8>) {
    let mut rest = value.as_bytes();
    while let Some(position) = rest.iter().position(|byte| matches!(byte, b'\\' | b'\n' | b'\r' | b'\t')) {
        row.extend_from_slice(&rest[..position]);
        row.push(b'\\');
        row.push(match rest[position] {
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            other => other,
        });
        rest = &rest[position + 1..];
    }
    row.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> Rules {
        Rules {
            truncate: false,
            blanks_as_null: false,
            empty_as_null: false,
            round: false,
            time_format: TimeFormat::Standard,
        }
    }

    fn column(data_type: ColumnType) -> Column {
        Column { name: "c".to_owned(), data_type, not_null: false, type_name: String::new() }
    }

    fn written(rules: &Rules, data_type: ColumnType, json: &str) -> std::result::Result<String, String> {
        let mut row = Vec::new();
        rules
            .write(&column(data_type), Some(json), &mut row)
            .map_err(|unfit| format!("{} {}", unfit.code, unfit.message))?;
        Ok(String::from_utf8(row).unwrap())
    }

    const INTEGER: ColumnType =
        ColumnType::Whole { name: "Integer", least: i32::MIN as i64, most: i32::MAX as i64 };
    const TEXT: ColumnType = ColumnType::Text { length: 4, padded: false };

    #[test]
    fn numbers_take_texts_and_an_empty_text_is_null() {
        let rules = rules();
        for (json, expected) in [
            ("39", Ok("39")),
            ("\"39\"", Ok("39")),
            ("\"\"", Ok("\\N")),
            ("null", Ok("\\N")),
            ("39.0", Err("1207 Invalid digit, Value '.', Pos 2, Type: Integer")),
            ("\"x\"", Err("1207 Invalid digit, Value 'x', Pos 0, Type: Integer")),
            ("true", Err("1207 Invalid digit, Value 't', Pos 0, Type: Integer")),
            ("3000000000", Err("1204 Overflow, Value '3000000000', Type: Integer")),
        ] {
            let written = written(&rules, INTEGER, json);
            assert_eq!(written.as_deref().map_err(String::as_str), expected, "{json}");
        }
        assert_eq!(written(&rules, ColumnType::Double, "1.5407834E12").unwrap(), "1.5407834E12");
        assert!(written(&rules, ColumnType::Double, "\"NaN\"").is_err());
        assert!(written(&rules, ColumnType::Double, "1e999").is_err());
        let numeric = ColumnType::Numeric { precision: 5, scale: 2 };
        assert_eq!(written(&rules, numeric, "1.239").unwrap(), "1.23");
        assert_eq!(written(&Rules { round: true, ..rules.clone() }, numeric, "1.239").unwrap(), "1.24");
        assert!(written(&rules, numeric, "1000").is_err());
    }

    #[test]
    fn texts_are_measured_in_bytes() {
        let rules = rules();
        assert_eq!(written(&rules, TEXT, "\"äö\"").unwrap(), "äö");
        assert_eq!(written(&rules, TEXT, "\"abcd   \"").unwrap(), "abcd", "blanks at the end do not count");
        assert_eq!(written(&rules, TEXT, "\"äöü\"").unwrap_err(), "1204 String length exceeds DDL length");
        let truncating = Rules { truncate: true, ..rules.clone() };
        assert_eq!(written(&truncating, TEXT, "\"aäöü\"").unwrap(), "aä");
        assert_eq!(written(&rules, TEXT, "\"\"").unwrap(), "");
        assert_eq!(written(&Rules { empty_as_null: true, ..rules.clone() }, TEXT, "\"\"").unwrap(), "\\N");
        assert_eq!(
            written(&Rules { blanks_as_null: true, ..rules.clone() }, TEXT, "\" \\t\"").unwrap(),
            "\\N"
        );
        assert_eq!(written(&rules, TEXT, "\"\\t\\\\\\n\"").unwrap(), "\\t\\\\\\n");
        assert_eq!(written(&rules, TEXT, "112").unwrap(), "112");
        assert!(written(&rules, TEXT, "\"a\\u0000\"").unwrap_err().contains("null byte"));
        assert!(written(&rules, TEXT, "\"\\ud800\"").unwrap_err().starts_with("1220"));
        let padded = ColumnType::Text { length: 4, padded: true };
        assert!(written(&rules, padded, "\"ä\"").unwrap_err().starts_with("1215"));
    }

    #[test]
    fn a_required_column_needs_a_value() {
        let required = Column { not_null: true, ..column(INTEGER) };
        let unfit = rules().write(&required, None, &mut Vec::new()).unwrap_err();
        assert_eq!((unfit.code, unfit.message.as_str()), (1213, "Missing data for not-null field"));
    }

    #[test]
    fn timestamps_are_texts_or_epochs() {
        let milliseconds = Rules { time_format: TimeFormat::EpochMilliseconds, ..rules() };
        for (json, expected) in [
            ("1541105830796", "2018-11-01 20:57:10.796000"),
            ("-1", "1969-12-31 23:59:59.999000"),
            ("951868800000", "2000-03-01 00:00:00.000000"),
        ] {
            assert_eq!(written(&milliseconds, ColumnType::Timestamp, json).unwrap(), expected);
        }
        let standard = rules();
        assert!(written(&standard, ColumnType::Timestamp, "\"2018-02-28 23:59:59.5\"").is_ok());
        for json in ["\"2018-02-30 00:00:00\"", "\"2018-02-28T00:00:00\"", "\"2018-02-28\"", "5", "\"x\""] {
            assert!(
                written(&standard, ColumnType::Timestamp, json).unwrap_err().starts_with("1206"),
                "{json}"
            );
        }
        let auto = Rules { time_format: TimeFormat::Auto, ..rules() };
        assert!(written(&auto, ColumnType::Timestamp, "\"2018-02-28T00:00:00Z\"").is_ok());
    }
}
