//! Rows of texts to Arrow, by the types that the server says the columns have.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Float32Array, Float64Array, Int32Array, Int64Array, RecordBatch,
    RecordBatchOptions, StringArray, TimestampMicrosecondArray,
};
use arrow_schema::{Field, Schema};
use tokio_postgres::SimpleQueryRow;

use super::numeric_array;
use crate::{Error, RecordSet, Result};

/// A column of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) type_oid: u32,
    pub(crate) type_modifier: i32,
}

/// The types of PostgreSQL's catalog, which Redshift has kept.
pub(crate) mod oid {
    pub(crate) const BOOL: u32 = 16;
    pub(crate) const INT8: u32 = 20;
    pub(crate) const INT2: u32 = 21;
    pub(crate) const INT4: u32 = 23;
    pub(crate) const OID: u32 = 26;
    pub(crate) const FLOAT4: u32 = 700;
    pub(crate) const FLOAT8: u32 = 701;
    pub(crate) const BPCHAR: u32 = 1042;
    pub(crate) const DATE: u32 = 1082;
    pub(crate) const TIMESTAMP: u32 = 1114;
    pub(crate) const TIMESTAMPTZ: u32 = 1184;
    pub(crate) const NUMERIC: u32 = 1700;
}

/// The rows of a query.
pub(crate) fn record_set(sql: &str, columns: &[Column], rows: &[SimpleQueryRow]) -> Result<RecordSet> {
    let mut fields = Vec::with_capacity(columns.len());
    let mut arrays = Vec::with_capacity(columns.len());
    for (index, column) in columns.iter().enumerate() {
        let refuse = |problem: String| Error::Statement {
            reason: format!("the column {} {problem}", column.name),
            sql: sql.to_owned(),
        };
        let values = rows
            .iter()
            .map(|row| row.try_get(index))
            .collect::<std::result::Result<Vec<_>, _>>()
            .map_err(|error| refuse(format!("has a text that cannot be read: {error}")))?;
        let array = array(column, values).map_err(refuse)?;
        fields.push(Field::new(&column.name, array.data_type().clone(), true));
        arrays.push(array);
    }
    let schema = Arc::new(Schema::new(fields));
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    let batch = RecordBatch::try_new_with_options(Arc::clone(&schema), arrays, &options)
        .map_err(|error| Error::Internal(error.to_string()))?;
    Ok(RecordSet::new(schema, vec![batch]))
}

/// The values of a column; an error says what is wrong with it. What is of no known type stays the text
/// that the server sends.
fn array(column: &Column, values: Vec<Option<&str>>) -> std::result::Result<ArrayRef, String> {
    Ok(match column.type_oid {
        oid::BOOL => Arc::new(each(&values, truth)?.collect::<BooleanArray>()),
        oid::INT2 | oid::INT4 => Arc::new(each(&values, |text| text.parse().ok())?.collect::<Int32Array>()),
        oid::INT8 | oid::OID => Arc::new(each(&values, |text| text.parse().ok())?.collect::<Int64Array>()),
        oid::FLOAT4 => Arc::new(each(&values, |text| text.parse().ok())?.collect::<Float32Array>()),
        oid::FLOAT8 => Arc::new(each(&values, |text| text.parse().ok())?.collect::<Float64Array>()),
        oid::NUMERIC => {
            let texts = values.into_iter().map(|value| value.map(str::to_owned)).collect();
            numeric_array(column.type_modifier, texts)
        }
        oid::DATE => Arc::new(each(&values, date)?.collect::<Date32Array>()),
        oid::TIMESTAMP => Arc::new(each(&values, timestamp)?.collect::<TimestampMicrosecondArray>()),
        oid::TIMESTAMPTZ => Arc::new(
            each(&values, timestamp_with_zone)?
                .collect::<TimestampMicrosecondArray>()
                .with_timezone("+00:00"),
        ),
        // The system's CHAR columns are padded with blanks.
        oid::BPCHAR => Arc::new(
            values
                .into_iter()
                .map(|value| value.map(|text| text.trim_end_matches(' ')))
                .collect::<StringArray>(),
        ),
        _ => Arc::new(StringArray::from(values)),
    })
}

/// Reads each value that is not NULL.
fn each<'a, T>(
    values: &[Option<&'a str>],
    read: impl Fn(&'a str) -> Option<T>,
) -> std::result::Result<std::vec::IntoIter<Option<T>>, String> {
    let read = |text| read(text).ok_or_else(|| format!("has the value {text:?}, which is none of its type"));
    let values: std::result::Result<Vec<_>, _> =
        values.iter().map(|value| value.map(read).transpose()).collect();
    values.map(Vec::into_iter)
}

fn truth(text: &str) -> Option<bool> {
    match text {
        "t" | "true" => Some(true),
        "f" | "false" => Some(false),
        _ => None,
    }
}

/// Whether a text is an infinite time, and which.
fn infinite(text: &str) -> Option<bool> {
    match text {
        "infinity" => Some(true),
        "-infinity" => Some(false),
        _ => None,
    }
}

/// `2018-11-30` in days since 1970; the outermost days are infinite.
fn date(text: &str) -> Option<i32> {
    match infinite(text) {
        Some(after) => Some(if after { i32::MAX } else { -i32::MAX }),
        None => i32::try_from(days(text, false)?).ok(),
    }
}

fn days(text: &str, before_christ: bool) -> Option<i64> {
    let (text, before_christ) = text.strip_suffix(" BC").map_or((text, before_christ), |text| (text, true));
    let mut parts = text.splitn(3, '-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let number = |text: &str, digits: usize| -> Option<i64> {
        let plain = text.len() >= digits && text.bytes().all(|byte| byte.is_ascii_digit());
        if plain { text.parse().ok() } else { None }
    };
    let (year, month, day) = (number(year, 4)?, number(month, 2)?, number(day, 2)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // There is no year 0.
    let year = if before_christ { 1 - year } else { year };
    // Years begin in March, so that the leap day is the last of one.
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    Some(year * 365 + leap_days + day_of_year - 719_468)
}

/// `2018-11-30 01:02:03.456` in microseconds since 1970; the outermost times are infinite.
fn timestamp(text: &str) -> Option<i64> {
    match infinite(text) {
        Some(after) => Some(if after { i64::MAX } else { -i64::MAX }),
        None => finite_timestamp(text),
    }
}

fn finite_timestamp(text: &str) -> Option<i64> {
    let (text, before_christ) = text.strip_suffix(" BC").map_or((text, false), |text| (text, true));
    let (day, time) = text.split_once(' ')?;
    let (clock, fraction) = time.split_once('.').unwrap_or((time, ""));
    let mut seconds = days(day, before_christ)? * 24 * 60 * 60;
    let mut parts = 0;
    for (part, worth) in clock.split(':').zip([60 * 60, 60, 1]) {
        let plain = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        seconds += if plain { part.parse::<i64>().ok()? * worth } else { return None };
        parts += 1;
    }
    if parts != 3 || clock.matches(':').count() != 2 || fraction.len() > 6 {
        return None;
    }
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let microseconds: i64 = format!("{fraction:0<6}").parse().ok()?;
    seconds.checked_mul(1_000_000)?.checked_add(microseconds)
}

/// The same with `+00`, `-03:30` and the like at its end.
fn timestamp_with_zone(text: &str) -> Option<i64> {
    if infinite(text).is_some() {
        return timestamp(text);
    }
    let (text, era) = text.strip_suffix(" BC").map_or((text, ""), |text| (text, " BC"));
    let sign = text.rfind(['+', '-']).filter(|sign| *sign > "2018-11-30 ".len())?;
    let (local, zone) = text.split_at(sign);
    let (hours, minutes) = zone[1..].split_once(':').unwrap_or((&zone[1..], "0"));
    let minutes = hours.parse::<i64>().ok()? * 60 + minutes.parse::<i64>().ok()?;
    let offset = minutes * 60 * 1_000_000 * if zone.starts_with('-') { -1 } else { 1 };
    timestamp(&format!("{local}{era}"))?.checked_sub(offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(type_oid: u32, values: &[Option<&str>]) -> Vec<Option<String>> {
        let column = Column { name: "x".to_owned(), type_oid, type_modifier: -1 };
        let array = array(&column, values.to_vec()).unwrap();
        let records = RecordSet::from_columns(vec![("x", array)]).unwrap();
        (0..values.len()).map(|row| records.text(row, 0)).collect()
    }

    #[test]
    fn each_type_is_shown_as_the_other_engines_show_it_and_null_is_null() {
        for (type_oid, sent, expected) in [
            (oid::BOOL, "t", "true"),
            (oid::BOOL, "f", "false"),
            (oid::INT2, "-7", "-7"),
            (oid::INT4, "2147483647", "2147483647"),
            (oid::INT8, "-9223372036854775808", "-9223372036854775808"),
            (oid::OID, "4294967295", "4294967295"),
            (oid::FLOAT4, "0.1", "0.1"),
            (oid::FLOAT8, "0.30000000000000004", "0.30000000000000004"),
            (oid::FLOAT8, "1e+15", "1000000000000000.0"),
            (oid::FLOAT8, "Infinity", "inf"),
            (oid::FLOAT8, "NaN", "NaN"),
            (oid::NUMERIC, "12.50", "12.50"),
            (oid::NUMERIC, "-0.001", "-0.001"),
            (
                oid::NUMERIC,
                "99999999999999999999999999999999999999",
                "99999999999999999999999999999999999999",
            ),
            (oid::DATE, "2018-11-30", "2018-11-30"),
            (oid::DATE, "1600-02-29", "1600-02-29"),
            (oid::TIMESTAMP, "2018-11-30 01:02:03.456", "2018-11-30T01:02:03.456"),
            (oid::TIMESTAMP, "1969-12-31 23:59:59", "1969-12-31T23:59:59"),
            (oid::TIMESTAMP, "0001-01-01 00:00:00.000001", "0001-01-01T00:00:00.000001"),
            (oid::DATE, "infinity", "infinity"),
            (oid::DATE, "-infinity", "-infinity"),
            (oid::DATE, "0001-12-31 BC", "0000-12-31"),
            (oid::DATE, "0044-03-15 BC", "-0043-03-15"),
            (oid::DATE, "5874897-12-31", "+5874897-12-31"),
            (oid::TIMESTAMP, "infinity", "infinity"),
            (oid::TIMESTAMP, "0044-03-15 01:02:03.5 BC", "-0043-03-15T01:02:03.500"),
            (oid::TIMESTAMP, "290309-12-22 00:00:00", "+290309-12-22T00:00:00"),
            (oid::TIMESTAMPTZ, "-infinity", "-infinity"),
            (oid::TIMESTAMPTZ, "0044-03-15 01:02:03+00 BC", "-0043-03-15T01:02:03Z"),
            (oid::TIMESTAMPTZ, "2018-11-30 01:02:03+02", "2018-11-29T23:02:03Z"),
            (oid::TIMESTAMPTZ, "2018-11-30 01:02:03.5-03:30", "2018-11-30T04:32:03.500Z"),
            (oid::BPCHAR, "padded  ", "padded"),
            (1043, "kept  ", "kept  "),
            (4000, "{\"super\":1}", "{\"super\":1}"),
            (999_999, "whatever", "whatever"),
        ] {
            let expected = vec![Some(expected.to_owned()), None];
            assert_eq!(shown(type_oid, &[Some(sent), None]), expected, "{type_oid}");
        }
    }

    #[test]
    fn a_value_that_is_none_of_its_type_is_an_error_and_not_another_value() {
        for (type_oid, sent) in [
            (oid::BOOL, "yes"),
            (oid::INT4, "2147483648"),
            (oid::INT8, "1.5"),
            (oid::FLOAT8, "a lot"),
            (oid::DATE, "30.11.2018"),
            (oid::DATE, "2018-13-01"),
            (oid::TIMESTAMP, "2018-11-30"),
            (oid::TIMESTAMP, "2018-11-30 1:02:03"),
            (oid::TIMESTAMP, "2018-11-30 01:02:03 AC"),
            (oid::TIMESTAMP, "294277-01-01 00:00:00"),
            (oid::TIMESTAMPTZ, "2018-11-30 01:02:03"),
        ] {
            let column = Column { name: "x".to_owned(), type_oid, type_modifier: -1 };
            assert!(array(&column, vec![Some(sent)]).is_err(), "{sent}");
        }
    }

    #[test]
    fn every_day_of_many_years_has_its_number() {
        use arrow_array::{Date32Array, cast::AsArray, types::Date32Type};
        for days in (-719_162..=2_932_896).step_by(61) {
            let array: ArrayRef = Arc::new(Date32Array::from(vec![days]));
            let text = RecordSet::from_columns(vec![("x", array)]).unwrap().text(0, 0).unwrap();
            assert_eq!(date(&text), Some(days), "{text}");
        }
        let column = Column { name: "x".to_owned(), type_oid: oid::DATE, type_modifier: -1 };
        let array = array(&column, vec![Some("1970-01-02")]).unwrap();
        assert_eq!(array.as_primitive::<Date32Type>().value(0), 1);
    }
}
