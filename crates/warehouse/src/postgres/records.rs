//! Rows in PostgreSQL's binary format to Arrow.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Float32Array, Float64Array, Int32Array, Int64Array, RecordBatch,
    RecordBatchOptions, StringArray, TimestampMicrosecondArray,
};
use arrow_schema::{Field, Schema};
use tokio_postgres::{
    Column, Row, SimpleQueryMessage,
    types::{FromSql, Kind, Type},
};

use crate::{
    BoxError, Error, RecordSet, Result,
    wire::{self, numeric_array},
};

/// PostgreSQL counts days and microseconds from 2000-01-01, Arrow from 1970-01-01.
pub(super) const EPOCH_DAYS: i32 = 10_957;
pub(super) const EPOCH_MICROSECONDS: i64 = EPOCH_DAYS as i64 * 86_400_000_000;

/// A value as the server sends it.
struct Raw<'a>(&'a [u8]);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> std::result::Result<Self, BoxError> {
        Ok(Self(raw))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// The rows of a query.
pub(super) fn record_set(sql: &str, columns: &[Column], rows: &[Row]) -> Result<RecordSet> {
    let mut fields = Vec::with_capacity(columns.len());
    let mut arrays = Vec::with_capacity(columns.len());
    for (index, column) in columns.iter().enumerate() {
        let values = rows
            .iter()
            .map(|row| row.try_get::<_, Option<Raw<'_>>>(index).map(|raw| raw.map(|raw| raw.0)))
            .collect::<std::result::Result<Vec<_>, _>>()
            .map_err(|error| Error::Internal(error.to_string()))?;
        let array = array(column, &values).map_err(|problem| Error::Statement {
            reason: format!("the column {} {problem}", column.name()),
            sql: sql.to_owned(),
        })?;
        fields.push(Field::new(column.name(), array.data_type().clone(), true));
        arrays.push(array);
    }
    let schema = Arc::new(Schema::new(fields));
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    let batch = RecordBatch::try_new_with_options(Arc::clone(&schema), arrays, &options)
        .map_err(|error| Error::Internal(error.to_string()))?;
    Ok(RecordSet::new(schema, vec![batch]))
}

/// Whether values of the type are read in their binary form. Those of others are read as the server's text.
pub(super) fn is_binary(data_type: &Type) -> bool {
    const BINARY: [Type; 22] = [
        Type::BOOL,
        Type::INT2,
        Type::INT4,
        Type::INT8,
        Type::OID,
        Type::FLOAT4,
        Type::FLOAT8,
        Type::NUMERIC,
        Type::DATE,
        Type::TIMESTAMP,
        Type::TIMESTAMPTZ,
        Type::VOID,
        Type::JSONB,
        Type::UUID,
        Type::TEXT,
        Type::VARCHAR,
        Type::BPCHAR,
        Type::NAME,
        Type::UNKNOWN,
        Type::CHAR,
        Type::JSON,
        Type::XML,
    ];
    BINARY.contains(data_type) || matches!(data_type.kind(), Kind::Enum(_))
}

/// The rows of a query of which the server sent texts.
pub(super) fn record_set_of_texts(
    sql: &str,
    columns: &[Column],
    messages: Vec<SimpleQueryMessage>,
) -> Result<RecordSet> {
    let columns: Vec<_> = columns
        .iter()
        .map(|column| wire::Column {
            name: column.name().to_owned(),
            type_oid: column.type_().oid(),
            type_modifier: column.type_modifier(),
        })
        .collect();
    let rows = messages.into_iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    wire::record_set(sql, &columns, &rows.collect::<Vec<_>>())
}

/// The values of a column; an error says what is wrong with it.
fn array(column: &Column, values: &[Option<&[u8]>]) -> std::result::Result<ArrayRef, String> {
    Ok(match *column.type_() {
        Type::BOOL => Arc::new(
            each(values, |raw| Ok(number(raw).map(i8::from_be_bytes)? != 0))?.collect::<BooleanArray>(),
        ),
        Type::INT2 => Arc::new(
            each(values, |raw| number(raw).map(|raw| i32::from(i16::from_be_bytes(raw))))?
                .collect::<Int32Array>(),
        ),
        Type::INT4 => {
            Arc::new(each(values, |raw| number(raw).map(i32::from_be_bytes))?.collect::<Int32Array>())
        }
        Type::INT8 => {
            Arc::new(each(values, |raw| number(raw).map(i64::from_be_bytes))?.collect::<Int64Array>())
        }
        Type::OID => Arc::new(
            each(values, |raw| number(raw).map(|raw| i64::from(u32::from_be_bytes(raw))))?
                .collect::<Int64Array>(),
        ),
        Type::FLOAT4 => {
            Arc::new(each(values, |raw| number(raw).map(f32::from_be_bytes))?.collect::<Float32Array>())
        }
        Type::FLOAT8 => {
            Arc::new(each(values, |raw| number(raw).map(f64::from_be_bytes))?.collect::<Float64Array>())
        }
        Type::NUMERIC => numeric_array(column.type_modifier(), each(values, numeric)?.collect()),
        Type::DATE => Arc::new(each(values, date)?.collect::<Date32Array>()),
        Type::TIMESTAMP => Arc::new(each(values, microseconds)?.collect::<TimestampMicrosecondArray>()),
        Type::TIMESTAMPTZ => Arc::new(
            each(values, microseconds)?.collect::<TimestampMicrosecondArray>().with_timezone("+00:00"),
        ),
        Type::VOID => Arc::new(StringArray::new_null(values.len())),
        Type::JSONB => {
            Arc::new(each(values, |raw| text(raw.get(1..).unwrap_or_default()))?.collect::<StringArray>())
        }
        Type::UUID => Arc::new(each(values, uuid)?.collect::<StringArray>()),
        Type::TEXT
        | Type::VARCHAR
        | Type::BPCHAR
        | Type::NAME
        | Type::UNKNOWN
        | Type::CHAR
        | Type::JSON
        | Type::XML => Arc::new(each(values, text)?.collect::<StringArray>()),
        ref other if matches!(other.kind(), Kind::Enum(_)) => {
            Arc::new(each(values, text)?.collect::<StringArray>())
        }
        ref other => {
            return Err(format!(
                "is of the type {other}, which cannot be shown; ask for it as text: CAST({} AS TEXT)",
                column.name()
            ));
        }
    })
}

/// Decodes each value that is not NULL.
fn each<'a, T>(
    values: &[Option<&'a [u8]>],
    decode: impl Fn(&'a [u8]) -> std::result::Result<T, String>,
) -> std::result::Result<std::vec::IntoIter<Option<T>>, String> {
    let decoded: std::result::Result<Vec<_>, _> =
        values.iter().map(|value| value.map(&decode).transpose()).collect();
    decoded.map(Vec::into_iter)
}

fn number<const N: usize>(raw: &[u8]) -> std::result::Result<[u8; N], String> {
    raw.try_into().map_err(|_| format!("has a value of {} bytes, not {N}", raw.len()))
}

fn text(raw: &[u8]) -> std::result::Result<&str, String> {
    std::str::from_utf8(raw).map_err(|error| format!("has a text that is not UTF-8: {error}"))
}

fn uuid(raw: &[u8]) -> std::result::Result<String, String> {
    let hex = format!("{:032x}", u128::from_be_bytes(number(raw)?));
    Ok([&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-"))
}

/// Arrow has no infinite times; the outermost ones stand for them, as DuckDB has it.
fn date(raw: &[u8]) -> std::result::Result<i32, String> {
    let days = i32::from_be_bytes(number(raw)?);
    match days {
        i32::MAX => Ok(i32::MAX),
        i32::MIN => Ok(-i32::MAX),
        days => days.checked_add(EPOCH_DAYS).ok_or_else(|| "has a date out of range".to_owned()),
    }
}

fn microseconds(raw: &[u8]) -> std::result::Result<i64, String> {
    let microseconds = i64::from_be_bytes(number(raw)?);
    match microseconds {
        i64::MAX => Ok(i64::MAX),
        i64::MIN => Ok(-i64::MAX),
        microseconds => {
            microseconds.checked_add(EPOCH_MICROSECONDS).ok_or_else(|| "has a time out of range".to_owned())
        }
    }
}

/// A NUMERIC as text: `-12.50`, `NaN`, `Infinity`.
fn numeric(raw: &[u8]) -> std::result::Result<String, String> {
    let field = |index: usize| -> std::result::Result<u16, String> {
        number(raw.get(index * 2..index * 2 + 2).unwrap_or_default()).map(u16::from_be_bytes)
    };
    let (groups, weight, scale) = (field(0)?, field(1)?.cast_signed(), field(3)?);
    let sign = match field(2)? {
        0x0000 => "",
        0x4000 => "-",
        0xC000 => return Ok("NaN".to_owned()),
        0xD000 => return Ok("Infinity".to_owned()),
        0xF000 => return Ok("-Infinity".to_owned()),
        other => return Err(format!("has a number with the sign {other}")),
    };
    // Groups of four digits; the first is worth 10000^weight.
    let group = |position: i32| -> std::result::Result<u16, String> {
        match usize::try_from(i32::from(weight) - position) {
            Ok(index) if index < usize::from(groups) => field(4 + index),
            _ => Ok(0),
        }
    };
    let mut text = String::new();
    for position in (0..=i32::from(weight).max(0)).rev() {
        text.push_str(&format!("{:04}", group(position)?));
    }
    let whole = text.trim_start_matches('0');
    let mut text = format!("{sign}{}", if whole.is_empty() { "0" } else { whole });
    if scale > 0 {
        let mut fraction = String::new();
        let mut position = -1;
        while fraction.len() < usize::from(scale) {
            fraction.push_str(&format!("{:04}", group(position)?));
            position -= 1;
        }
        text.push('.');
        text.push_str(&fraction[..usize::from(scale)]);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(groups: &[u16], weight: i16, sign: u16, scale: u16) -> Vec<u8> {
        let mut fields = vec![groups.len() as u16, weight.cast_unsigned(), sign, scale];
        fields.extend(groups);
        fields.into_iter().flat_map(u16::to_be_bytes).collect()
    }

    #[test]
    fn a_number_has_the_text_that_the_server_would_show() {
        for (raw, expected) in [
            (raw(&[], 0, 0, 0), "0"),
            (raw(&[], 0, 0, 2), "0.00"),
            (raw(&[12, 5000], 0, 0, 2), "12.50"),
            (raw(&[12, 5000], 0, 0x4000, 1), "-12.5"),
            (raw(&[1], 2, 0, 0), "100000000"),
            (raw(&[1, 2345], 1, 0, 0), "12345"),
            (raw(&[5], -2, 0, 8), "0.00000005"),
            (raw(&[1000], -1, 0, 1), "0.1"),
            (raw(&[], 0, 0xC000, 0), "NaN"),
            (raw(&[], 0, 0xF000, 0), "-Infinity"),
        ] {
            assert_eq!(numeric(&raw).unwrap(), expected);
        }
        assert!(numeric(&[0, 1]).is_err());
    }

    #[test]
    fn an_identifier_of_128_bits_has_its_usual_form() {
        let bytes = [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0, 1, 2, 3, 4, 5, 6, 7];
        assert_eq!(uuid(&bytes).unwrap(), "01234567-89ab-cdef-0001-020304050607");
    }
}
