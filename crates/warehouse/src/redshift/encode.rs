//! Record batches to newline-delimited JSON, as COPY reads it.
//!
//! A value that is NULL is left out: COPY makes NULL of a key that is missing.

use std::io::Write as _;

use arrow_array::{
    Array, RecordBatch,
    cast::AsArray,
    types::{Float32Type, Float64Type, Int32Type, Int64Type},
};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::DataType;

use crate::{
    BoxError, RECORD_BYTES_MAX,
    wire::{Column, oid},
};

/// Whether values of that type can be written for a column of that type of the table.
pub(super) fn suits(from: &DataType, to: &Column) -> bool {
    const VARCHAR: u32 = 1043;
    const TEXT: u32 = 25;
    match from {
        DataType::Utf8 => [VARCHAR, TEXT, oid::BPCHAR].contains(&to.type_oid),
        DataType::Int32 | DataType::Int64 => {
            [oid::INT2, oid::INT4, oid::INT8, oid::FLOAT8].contains(&to.type_oid)
        }
        DataType::Float32 | DataType::Float64 => [oid::FLOAT4, oid::FLOAT8].contains(&to.type_oid),
        DataType::Boolean => to.type_oid == oid::BOOL,
        DataType::Date32 => to.type_oid == oid::DATE,
        DataType::Timestamp(..) => [oid::TIMESTAMP, oid::TIMESTAMPTZ].contains(&to.type_oid),
        _ => false,
    }
}

/// Writes a value of a column to the end of a line.
type Put<'a> = Box<dyn Fn(&mut Vec<u8>, usize) -> Result<(), BoxError> + 'a>;

/// Rows as lines.
#[derive(Debug)]
pub(super) struct Lines {
    pub(super) bytes: Vec<u8>,
    /// Where each row ends.
    pub(super) ends: Vec<usize>,
}

impl Lines {
    pub(super) fn rows(&self) -> usize {
        self.ends.len()
    }

    /// The lines of so many rows from that one on.
    pub(super) fn part(&self, first: usize, rows: usize) -> &[u8] {
        let end_of = |rows: usize| rows.checked_sub(1).map_or(0, |last| self.ends[last]);
        &self.bytes[end_of(first)..end_of(first + rows)]
    }
}

/// Writes each row as a line, an object with the names as keys.
pub(super) fn encode(batch: &RecordBatch, names: &[String]) -> Result<Lines, BoxError> {
    let mut columns = Vec::with_capacity(names.len());
    for (array, name) in batch.columns().iter().zip(names) {
        let key = [serde_json::to_string(name)?.as_bytes(), b":"].concat();
        columns.push((key, array, putter(array.as_ref(), name)?));
    }
    let mut lines = Vec::with_capacity(batch.get_array_memory_size() + batch.num_rows() * 16 * names.len());
    let mut ends = Vec::with_capacity(batch.num_rows());
    for row in 0..batch.num_rows() {
        let begin = lines.len();
        lines.push(b'{');
        for (key, array, put) in &columns {
            if array.is_null(row) {
                continue;
            }
            if lines.len() > begin + 1 {
                lines.push(b',');
            }
            lines.extend_from_slice(key);
            put(&mut lines, row)?;
        }
        lines.extend_from_slice(b"}\n");
        if lines.len() - begin > RECORD_BYTES_MAX {
            return Err(
                format!("a record has {} bytes, and COPY takes 4 MB at most", lines.len() - begin).into()
            );
        }
        ends.push(lines.len());
    }
    Ok(Lines { bytes: lines, ends })
}

fn putter<'a>(array: &'a dyn Array, name: &'a str) -> Result<Put<'a>, BoxError> {
    Ok(match array.data_type() {
        DataType::Utf8 => {
            let array = array.as_string::<i32>();
            Box::new(move |line, row| {
                let text = array.value(row);
                if text.contains('\0') {
                    return Err(format!("a text of the column {name} has a NUL character").into());
                }
                Ok(serde_json::to_writer(line, text)?)
            })
        }
        DataType::Int32 => {
            let array = array.as_primitive::<Int32Type>();
            Box::new(move |line, row| Ok(write!(line, "{}", array.value(row))?))
        }
        DataType::Int64 => {
            let array = array.as_primitive::<Int64Type>();
            Box::new(move |line, row| Ok(write!(line, "{}", array.value(row))?))
        }
        DataType::Float32 => {
            let array = array.as_primitive::<Float32Type>();
            Box::new(move |line, row| {
                let value = array.value(row);
                finite(value.is_finite(), name)?;
                Ok(write!(line, "{value:?}")?)
            })
        }
        DataType::Float64 => {
            let array = array.as_primitive::<Float64Type>();
            Box::new(move |line, row| {
                let value = array.value(row);
                finite(value.is_finite(), name)?;
                Ok(write!(line, "{value:?}")?)
            })
        }
        DataType::Boolean => {
            let array = array.as_boolean();
            Box::new(move |line, row| Ok(write!(line, "{}", array.value(row))?))
        }
        DataType::Date32 | DataType::Timestamp(..) => {
            let formatter = ArrayFormatter::try_new(array, &FormatOptions::default())?;
            Box::new(move |line, row| {
                let text = formatter.value(row).try_to_string()?.replace('T', " ");
                Ok(write!(line, "\"{}\"", text.trim_end_matches('Z'))?)
            })
        }
        other => return Err(format!("the column {name} is {other}, which cannot be written").into()),
    })
}

fn finite(is_finite: bool, name: &str) -> Result<(), BoxError> {
    if is_finite { Ok(()) } else { Err(format!("a number of the column {name} is not finite").into()) }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{
        ArrayRef, BooleanArray, Date32Array, Float64Array, Int32Array, Int64Array, StringArray,
        TimestampMillisecondArray,
    };

    use super::*;

    fn lines(columns: Vec<(&str, ArrayRef)>) -> Result<String, BoxError> {
        let names: Vec<_> = columns.iter().map(|(name, _)| (*name).to_owned()).collect();
        let columns = columns.into_iter().map(|(name, array)| (name, array, true));
        let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
        encode(&batch, &names).map(|lines| String::from_utf8(lines.bytes).unwrap())
    }

    #[test]
    fn every_value_is_written_as_copy_reads_it_and_null_is_left_out() {
        let found = lines(vec![
            (
                "text",
                Arc::new(StringArray::from(vec![Some("it's \"x\"\\\n🎵"), None, Some(" ")])) as ArrayRef,
            ),
            ("small", Arc::new(Int32Array::from(vec![Some(-1), None, Some(i32::MAX)]))),
            ("large", Arc::new(Int64Array::from(vec![Some(i64::MIN), None, Some(0)]))),
            ("real", Arc::new(Float64Array::from(vec![Some(0.1 + 0.2), None, Some(1e300)]))),
            ("truth", Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)]))),
            ("day", Arc::new(Date32Array::from(vec![Some(17_865), None, Some(0)]))),
            (
                "moment",
                Arc::new(TimestampMillisecondArray::from(vec![Some(1_541_106_132_796), None, Some(0)])),
            ),
        ])
        .unwrap();
        let expected = [
            r#"{"text":"it's \"x\"\\\n🎵","small":-1,"large":-9223372036854775808,"real":0.30000000000000004,"truth":true,"day":"2018-11-30","moment":"2018-11-01 21:02:12.796"}"#,
            "{}",
            r#"{"text":" ","small":2147483647,"large":0,"real":1e300,"truth":false,"day":"1970-01-01","moment":"1970-01-01 00:00:00"}"#,
        ];
        assert_eq!(found.lines().collect::<Vec<_>>(), expected);
        for line in found.lines() {
            assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "{line}");
        }
    }

    #[test]
    fn lines_are_parted_between_rows() {
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1, 22, 333]));
        let batch = RecordBatch::try_from_iter(vec![("n", numbers)]).unwrap();
        let lines = encode(&batch, &["n".to_owned()]).unwrap();
        assert_eq!(lines.part(0, 1), b"{\"n\":1}\n");
        assert_eq!(lines.part(1, 2), b"{\"n\":22}\n{\"n\":333}\n");
        assert_eq!((lines.part(0, 3), lines.part(2, 0)), (&lines.bytes[..], &b""[..]));
    }

    #[test]
    fn what_copy_cannot_read_is_an_error_that_names_the_column() {
        let nul: ArrayRef = Arc::new(StringArray::from(vec!["a\0b"]));
        assert!(lines(vec![("artist", nul)]).unwrap_err().to_string().contains("artist"));
        for number in [f64::NAN, f64::INFINITY] {
            let array: ArrayRef = Arc::new(Float64Array::from(vec![number]));
            assert!(lines(vec![("length", array)]).unwrap_err().to_string().contains("length"));
        }
        let long: ArrayRef = Arc::new(StringArray::from(vec!["x".repeat(RECORD_BYTES_MAX)]));
        assert!(lines(vec![("song", long)]).unwrap_err().to_string().contains("4 MB"));
    }
}
