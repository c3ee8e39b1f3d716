//! The values of a result as they are shown: each as the engine has it, or an error.
//!
//! Arrow's own formatter knows neither infinite times, nor years beyond its calendar, nor the types that DuckDB marks
//! with Arrow's extension names, and writes its errors as if they were values.

mod scalar;

use std::fmt;

use arrow_array::{
    Array, BinaryArray, FixedSizeBinaryArray, FixedSizeListArray, Int8Array, ListArray, MapArray,
    StructArray, UnionArray,
    cast::AsArray,
    types::{
        Date32Type, IntervalMonthDayNanoType, Time64MicrosecondType, Time64NanosecondType,
        TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
    },
};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::{ArrowError, DataType, Field, IntervalUnit, TimeUnit};

/// A value of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// NULL.
    Null,
    /// A truth value.
    Truth(bool),
    /// A finite number in decimal digits, all of them.
    Number(String),
    /// Anything else that is one text: times are ISO 8601, in UTC where they have a zone.
    Text(String),
    /// A list.
    List(Vec<Value>),
    /// The fields of a structure by their names, which come once each.
    Structure(Vec<(String, Value)>),
    /// The entries of a map.
    Map(Vec<(Value, Value)>),
}

/// As DuckDB writes it: `[1, 2]`, `{'a': 1}`, `{k=v}`, with quotes where a text in one of them needs some.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("NULL"),
            Self::Truth(truth) => write!(f, "{truth}"),
            Self::Number(text) | Self::Text(text) => f.write_str(text),
            Self::List(values) => {
                f.write_str("[")?;
                separated(f, values, nested)?;
                f.write_str("]")
            }
            Self::Structure(fields) => {
                f.write_str("{")?;
                separated(f, fields, |f, (name, value)| {
                    write!(f, "{}: ", quoted(name))?;
                    nested(f, value)
                })?;
                f.write_str("}")
            }
            Self::Map(entries) => {
                f.write_str("{")?;
                separated(f, entries, |f, (key, value)| {
                    nested(f, key)?;
                    f.write_str("=")?;
                    nested(f, value)
                })?;
                f.write_str("}")
            }
        }
    }
}

fn separated<T>(
    f: &mut fmt::Formatter<'_>,
    items: &[T],
    write: impl Fn(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            f.write_str(", ")?;
        }
        write(f, item)?;
    }
    Ok(())
}

fn nested(f: &mut fmt::Formatter<'_>, value: &Value) -> fmt::Result {
    match value {
        Value::Text(text)
            if text.is_empty()
                || text.trim() != text
                || text.eq_ignore_ascii_case("null")
                || text.contains([',', ':', '=', '[', ']', '{', '}', '(', ')', '\'', '"', '\\']) =>
        {
            f.write_str(&quoted(text))
        }
        value => write!(f, "{value}"),
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'"))
}

/// The values of one column of a batch.
pub struct Values<'a> {
    array: &'a dyn Array,
    form: Form<'a>,
}

impl fmt::Debug for Values<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Values").field(&self.array).finish()
    }
}

/// How a value is read.
enum Form<'a> {
    /// By a function of the row, which is not NULL.
    Scalar(Scalar<'a>),
    /// As Arrow shows it.
    Plain {
        formatter: ArrayFormatter<'a>,
        numeric: bool,
    },
    List(&'a ListArray, Box<Values<'a>>),
    FixedList(&'a FixedSizeListArray, Box<Values<'a>>),
    Structure(Vec<(&'a str, Values<'a>)>),
    Map(&'a MapArray, Box<[Values<'a>; 2]>),
    Union(&'a UnionArray, Vec<(i8, Values<'a>)>),
}

enum Scalar<'a> {
    Bool8(&'a Int8Array),
    Uuid(&'a FixedSizeBinaryArray),
    Huge { array: &'a FixedSizeBinaryArray, signed: bool },
    ZonedTime(&'a FixedSizeBinaryArray),
    Bits(&'a BinaryArray),
    Bytes(&'a BinaryArray),
    Truth,
    Float,
    Date,
    Timestamp { unit: TimeUnit, zoned: bool },
    Time(TimeUnit),
    Interval,
}

impl<'a> Values<'a> {
    /// The values of a column.
    ///
    /// # Errors
    ///
    /// When values of its type cannot be shown.
    pub fn new(field: &'a Field, array: &'a dyn Array) -> Result<Self, ArrowError> {
        let form = match (Extension::of(field), field.data_type()) {
            (Extension::Unknown(name), _) => {
                return Err(ArrowError::NotYetImplemented(format!("values of the type {name}")));
            }
            (Extension::Bool8, _) => Form::Scalar(Scalar::Bool8(array.as_primitive())),
            (Extension::Uuid, _) => Form::Scalar(Scalar::Uuid(array.as_fixed_size_binary())),
            (Extension::Huge { signed }, _) => {
                Form::Scalar(Scalar::Huge { array: array.as_fixed_size_binary(), signed })
            }
            (Extension::ZonedTime, _) => Form::Scalar(Scalar::ZonedTime(array.as_fixed_size_binary())),
            (Extension::Bits, _) => Form::Scalar(Scalar::Bits(array.as_binary())),
            (Extension::None, data_type) => Self::by_type(data_type, array)?,
        };
        Ok(Self { array, form })
    }

    fn by_type(data_type: &'a DataType, array: &'a dyn Array) -> Result<Form<'a>, ArrowError> {
        Ok(match data_type {
            DataType::Boolean => Form::Scalar(Scalar::Truth),
            DataType::Float64 => Form::Scalar(Scalar::Float),
            DataType::Binary => Form::Scalar(Scalar::Bytes(array.as_binary())),
            DataType::Date32 => Form::Scalar(Scalar::Date),
            DataType::Timestamp(unit, zone) => {
                Form::Scalar(Scalar::Timestamp { unit: *unit, zoned: zone.is_some() })
            }
            DataType::Time64(unit) => Form::Scalar(Scalar::Time(*unit)),
            DataType::Interval(IntervalUnit::MonthDayNano) => Form::Scalar(Scalar::Interval),
            DataType::List(field) => {
                let list = array.as_list::<i32>();
                Form::List(list, Box::new(Self::new(field, list.values().as_ref())?))
            }
            DataType::FixedSizeList(field, _) => {
                let list = array.as_fixed_size_list();
                Form::FixedList(list, Box::new(Self::new(field, list.values().as_ref())?))
            }
            DataType::Struct(fields) => {
                let columns = array.as_struct().columns();
                let named = |(field, column): (&'a std::sync::Arc<Field>, &'a arrow_array::ArrayRef)| {
                    Ok((field.name().as_str(), Self::new(field, column.as_ref())?))
                };
                Form::Structure(fields.iter().zip(columns).map(named).collect::<Result<_, ArrowError>>()?)
            }
            DataType::Map(..) => {
                let map = array.as_map();
                let (keys, values) = entries_of(map)?;
                Form::Map(map, Box::new([Self::new(keys.0, keys.1)?, Self::new(values.0, values.1)?]))
            }
            DataType::Union(fields, _) => {
                let union = array.as_union();
                let member = |(id, field): (i8, &'a std::sync::Arc<Field>)| {
                    Ok((id, Self::new(field, union.child(id).as_ref())?))
                };
                Form::Union(union, fields.iter().map(member).collect::<Result<_, ArrowError>>()?)
            }
            data_type => Form::Plain {
                formatter: ArrayFormatter::try_new(array, &FormatOptions::new())?,
                numeric: data_type.is_numeric(),
            },
        })
    }

    /// Whether the values are numbers.
    #[must_use]
    pub const fn are_numbers(&self) -> bool {
        matches!(
            self.form,
            Form::Plain { numeric: true, .. } | Form::Scalar(Scalar::Float | Scalar::Huge { .. })
        )
    }

    /// The value of a row.
    ///
    /// # Errors
    ///
    /// When it cannot be shown, or there is no such row.
    pub fn get(&self, row: usize) -> Result<Value, ArrowError> {
        if row >= self.array.len() {
            return Err(ArrowError::InvalidArgumentError(format!("there is no row {row}")));
        }
        if self.array.is_null(row) {
            return Ok(Value::Null);
        }
        match &self.form {
            Form::Scalar(scalar) => scalar.get(self.array, row),
            Form::Plain { formatter, numeric } => {
                let text = formatter.value(row).try_to_string()?;
                Ok(if *numeric { Value::Number(text) } else { Value::Text(text) })
            }
            Form::List(list, values) => {
                let offsets = list.value_offsets();
                values.range(offsets[row] as usize..offsets[row + 1] as usize).map(Value::List)
            }
            Form::FixedList(list, values) => {
                let begin = list.value_offset(row) as usize;
                values.range(begin..begin + list.value_length() as usize).map(Value::List)
            }
            Form::Structure(fields) => {
                let fields = fields.iter().map(|(name, values)| Ok(((*name).to_owned(), values.get(row)?)));
                fields.collect::<Result<_, ArrowError>>().map(Value::Structure)
            }
            Form::Map(map, entries) => {
                let offsets = map.value_offsets();
                let [keys, values] = entries.as_ref();
                let entry = |row: usize| Ok((keys.get(row)?, values.get(row)?));
                let entries = (offsets[row] as usize..offsets[row + 1] as usize).map(entry);
                entries.collect::<Result<_, ArrowError>>().map(Value::Map)
            }
            Form::Union(union, members) => {
                let id = union.type_id(row);
                let member = members.iter().find(|(member, _)| *member == id);
                member.map_or(Ok(Value::Null), |(_, values)| values.get(union.value_offset(row)))
            }
        }
    }

    fn range(&self, rows: std::ops::Range<usize>) -> Result<Vec<Value>, ArrowError> {
        rows.map(|row| self.get(row)).collect()
    }
}

type Entries<'a> = (&'a Field, &'a dyn Array);

fn entries_of(map: &MapArray) -> Result<(Entries<'_>, Entries<'_>), ArrowError> {
    let entries: &StructArray = map.entries();
    match (entries.fields().as_ref(), entries.columns()) {
        ([key, value], [keys, values]) => {
            Ok(((key.as_ref(), keys.as_ref()), (value.as_ref(), values.as_ref())))
        }
        _ => Err(ArrowError::SchemaError("a map without keys and values".to_owned())),
    }
}

impl Scalar<'_> {
    fn get(&self, array: &dyn Array, row: usize) -> Result<Value, ArrowError> {
        Ok(match self {
            Self::Bool8(array) => Value::Truth(array.value(row) != 0),
            Self::Truth => Value::Truth(array.as_boolean().value(row)),
            Self::Float => scalar::float(array, row)?,
            Self::Uuid(array) => Value::Text(scalar::uuid(array.value(row))),
            Self::Huge { array, signed } => Value::Number(scalar::huge(array.value(row), *signed)?),
            Self::ZonedTime(array) => Value::Text(scalar::zoned_time(array.value(row))?),
            Self::Bits(array) => Value::Text(scalar::bits(array.value(row))?),
            Self::Bytes(array) => Value::Text(scalar::bytes(array.value(row))),
            Self::Date => Value::Text(scalar::date(array.as_primitive::<Date32Type>().value(row))),
            Self::Time(unit) => Value::Text(match unit {
                TimeUnit::Nanosecond => {
                    scalar::clock(array.as_primitive::<Time64NanosecondType>().value(row))
                }
                _ => scalar::clock(
                    array.as_primitive::<Time64MicrosecondType>().value(row).saturating_mul(1000),
                ),
            }),
            Self::Timestamp { unit, zoned } => {
                let value = match unit {
                    TimeUnit::Second => array.as_primitive::<TimestampSecondType>().value(row),
                    TimeUnit::Millisecond => array.as_primitive::<TimestampMillisecondType>().value(row),
                    TimeUnit::Microsecond => array.as_primitive::<TimestampMicrosecondType>().value(row),
                    TimeUnit::Nanosecond => array.as_primitive::<TimestampNanosecondType>().value(row),
                };
                Value::Text(scalar::timestamp(value, *unit, *zoned))
            }
            Self::Interval => {
                Value::Text(scalar::interval(array.as_primitive::<IntervalMonthDayNanoType>().value(row))?)
            }
        })
    }
}

/// What a field says about its type beyond Arrow's own types.
enum Extension {
    None,
    Bool8,
    Uuid,
    Huge { signed: bool },
    ZonedTime,
    Bits,
    Unknown(String),
}

impl Extension {
    fn of(field: &Field) -> Self {
        let Some(name) = field.extension_type_name() else { return Self::None };
        match (name, field.data_type()) {
            ("arrow.json", _) => Self::None,
            ("arrow.bool8", DataType::Int8) => Self::Bool8,
            ("arrow.uuid", DataType::FixedSizeBinary(16)) => Self::Uuid,
            ("arrow.opaque", data_type) => {
                let metadata = field.extension_type_metadata().unwrap_or_default();
                // {"type_name":"hugeint","vendor_name":"DuckDB"}
                let type_name = metadata.split('"').nth(3).unwrap_or(name);
                match (type_name, data_type) {
                    ("hugeint", DataType::FixedSizeBinary(16)) => Self::Huge { signed: true },
                    ("uhugeint", DataType::FixedSizeBinary(16)) => Self::Huge { signed: false },
                    ("time_tz", DataType::FixedSizeBinary(8)) => Self::ZonedTime,
                    ("bit", DataType::Binary) => Self::Bits,
                    _ => Self::Unknown(type_name.to_owned()),
                }
            }
            _ => Self::Unknown(name.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests;
