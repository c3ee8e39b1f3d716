//! Column buffers that can take back an unfinished row, unlike Arrow's builders.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow_buffer::{BooleanBufferBuilder, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::ArrowError;
use sparkify_schema::model::{Column, DataType, Range};

use super::{
    RecordShape, moment,
    number::{NotWhole, whole},
    reject::Reason,
};

/// Rows that a batch is expected to have; a hint for allocations only.
const ROWS_HINT: usize = 8192;

/// The column of the events' times.
const TIME: &str = "ts";

/// The values of a column.
#[derive(Debug)]
enum Values {
    Text { max_bytes: u32, ends: Vec<i32>, bytes: Vec<u8> },
    Integer { narrow: bool, values: Vec<i64> },
    Real(Vec<f64>),
}

/// One column of the batch being made.
#[derive(Debug)]
pub(super) struct ColumnBuffer {
    column: &'static Column,
    limits: Range,
    /// Whether it holds times in milliseconds.
    is_time: bool,
    values: Values,
    valid: BooleanBufferBuilder,
}

impl ColumnBuffer {
    fn new(column: &'static Column) -> Self {
        let values = match column.data_type {
            DataType::Varchar { max_bytes } => {
                let mut ends = Vec::with_capacity(ROWS_HINT + 1);
                ends.push(0);
                Values::Text { max_bytes, ends, bytes: Vec::with_capacity(ROWS_HINT * 16) }
            }
            DataType::Integer => Values::Integer { narrow: true, values: Vec::with_capacity(ROWS_HINT) },
            DataType::BigInt | DataType::Timestamp => {
                Values::Integer { narrow: false, values: Vec::with_capacity(ROWS_HINT) }
            }
            DataType::Double => Values::Real(Vec::with_capacity(ROWS_HINT)),
        };
        Self {
            column,
            limits: column.limits(),
            is_time: column.name == TIME,
            values,
            valid: BooleanBufferBuilder::new(ROWS_HINT),
        }
    }

    /// What a value of this column is called in messages.
    pub(super) const fn expected(&self) -> &'static str {
        match self.values {
            Values::Text { .. } => "a text",
            Values::Integer { .. } => "a whole number",
            Values::Real(_) => "a number",
        }
    }

    pub(super) const fn is_text(&self) -> bool {
        matches!(self.values, Values::Text { .. })
    }

    pub(super) const fn is_integer(&self) -> bool {
        matches!(self.values, Values::Integer { .. })
    }

    /// Appends NULL.
    pub(super) fn push_null(&mut self) -> Result<(), Reason> {
        if self.column.required {
            return Err(Reason::Missing("null"));
        }
        match &mut self.values {
            Values::Text { ends, .. } => {
                let end = ends.last().copied().unwrap_or_default();
                ends.push(end);
            }
            Values::Integer { values, .. } => values.push(0),
            Values::Real(values) => values.push(0.0),
        }
        self.valid.append(false);
        Ok(())
    }

    /// Appends a text that came as a JSON string. Blank is NULL, as with COPY's `BLANKSASNULL`; a number
    /// in quotes is a number, as with COPY.
    #[inline]
    pub(super) fn push_str(&mut self, text: &str) -> Result<(), Reason> {
        let is_blank = text.bytes().all(|byte| byte.is_ascii_whitespace());
        match &mut self.values {
            Values::Text { max_bytes, ends, bytes } => {
                if is_blank {
                    return self.push_blank();
                }
                let text = text.as_bytes();
                let (kept, rest) = text.split_at(text.len().min(*max_bytes as usize));
                // Blanks at the end that are too many are cut off, as engines do that read a file themselves.
                if rest.iter().any(|byte| *byte != b' ') {
                    return Err(Reason::TooLong { bytes: text.len(), max: *max_bytes });
                }
                bytes.extend_from_slice(kept);
                ends.push(i32::try_from(bytes.len()).map_err(|_| Reason::RecordTooLong)?);
                self.valid.append(true);
                Ok(())
            }
            _ if is_blank => self.push_blank(),
            Values::Integer { .. } => {
                let value = text.parse().map_err(|_| self.text_for_number(text))?;
                self.push_integer(value)
            }
            Values::Real(_) => {
                // Rust also reads "inf" and "NaN"; neither is a number here.
                let value: f64 = text.parse().map_err(|_| self.text_for_number(text))?;
                if text.bytes().any(|byte| byte.is_ascii_alphabetic() && !matches!(byte, b'e' | b'E')) {
                    return Err(self.text_for_number(text));
                }
                self.push_real(value)
            }
        }
    }

    fn push_blank(&mut self) -> Result<(), Reason> {
        self.push_null().map_err(|_| Reason::Missing("blank"))
    }

    fn text_for_number(&self, text: &str) -> Reason {
        let digits = text.strip_prefix('-').unwrap_or(text);
        if self.is_integer() && !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return self.out_of_range();
        }
        Reason::WrongType { expected: self.expected(), found: "a text" }
    }

    /// Appends a whole number given as a number of JSON, to an integer column.
    pub(super) fn push_decimal(&mut self, json: &str) -> Result<(), Reason> {
        match whole(json) {
            Some(Ok(value)) => self.push_integer(value),
            Some(Err(NotWhole::Fraction(before))) => {
                let unit = before.filter(|_| self.is_time).and_then(moment::other_unit);
                let expected = self.expected();
                Err(unit.unwrap_or(Reason::WrongType { expected, found: "a number with a fraction" }))
            }
            Some(Err(NotWhole::TooLarge)) | None => Err(self.out_of_range()),
        }
    }

    /// Appends a whole number; a real column takes it too.
    #[inline]
    pub(super) fn push_integer(&mut self, value: i64) -> Result<(), Reason> {
        match &mut self.values {
            Values::Integer { values, .. } => {
                if self.is_time
                    && let Some(reason) = moment::other_unit(value)
                {
                    return Err(reason);
                }
                if !matches!(self.limits, Range::Whole(low, high) if (low..=high).contains(&value)) {
                    return Err(self.out_of_range());
                }
                values.push(value);
                self.valid.append(true);
                Ok(())
            }
            Values::Real(_) => self.push_real(value as f64),
            Values::Text { .. } => Err(Reason::WrongType { expected: "a text", found: "a number" }),
        }
    }

    /// Appends a real number, to a real column.
    #[inline]
    pub(super) fn push_real(&mut self, value: f64) -> Result<(), Reason> {
        match &mut self.values {
            Values::Real(values) => {
                if !matches!(self.limits, Range::Real(low, high) if (low..=high).contains(&value)) {
                    return Err(self.out_of_range());
                }
                // -0.0 and 0.0 are equal but not the same bytes.
                values.push(if value == 0.0 { 0.0 } else { value });
                self.valid.append(true);
                Ok(())
            }
            Values::Integer { .. } | Values::Text { .. } => {
                Err(Reason::WrongType { expected: self.expected(), found: "a number with a fraction" })
            }
        }
    }

    pub(super) fn out_of_range(&self) -> Reason {
        Reason::OutOfRange(match (self.column.range, self.limits) {
            (Range::Any, Range::Real(..)) => "a 64-bit float".to_owned(),
            (_, Range::Whole(low, high)) => format!("{low} to {high}"),
            (_, Range::Real(low, high)) => format!("{low} to {high}"),
            // Texts are measured, not compared.
            (_, Range::Any) => "a text".to_owned(),
        })
    }

    fn truncate(&mut self, rows: usize) {
        match &mut self.values {
            Values::Text { ends, bytes, .. } => {
                ends.truncate(rows + 1);
                bytes.truncate(ends.last().map_or(0, |end| *end as usize));
            }
            Values::Integer { values, .. } => values.truncate(rows),
            Values::Real(values) => values.truncate(rows),
        }
        self.valid.truncate(rows);
    }

    fn byte_size(&self) -> usize {
        match &self.values {
            Values::Text { ends, bytes, .. } => bytes.len() + ends.len() * 4,
            Values::Integer { values, .. } => values.len() * 8,
            Values::Real(values) => values.len() * 8,
        }
    }

    fn finish(mut self) -> Result<ArrayRef, ArrowError> {
        let nulls = Some(NullBuffer::new(self.valid.finish())).filter(|nulls| nulls.null_count() > 0);
        Ok(match self.values {
            Values::Text { ends, bytes, .. } => {
                let offsets = OffsetBuffer::new(ScalarBuffer::from(ends));
                Arc::new(StringArray::try_new(offsets, Buffer::from_vec(bytes), nulls)?)
            }
            Values::Integer { narrow: true, values } => {
                // Every value was checked to fit when it was appended.
                let values: Vec<_> = values.into_iter().map(|value| value as i32).collect();
                Arc::new(Int32Array::try_new(values.into(), nulls)?)
            }
            Values::Integer { values, .. } => Arc::new(Int64Array::try_new(values.into(), nulls)?),
            Values::Real(values) => Arc::new(Float64Array::try_new(values.into(), nulls)?),
        })
    }
}

/// The rows of a batch being made.
#[derive(Debug)]
pub(super) struct RowBuffer {
    pub(super) columns: Vec<ColumnBuffer>,
    rows: usize,
}

impl RowBuffer {
    pub(super) fn new(shape: &RecordShape) -> Self {
        Self { columns: shape.table().columns.iter().map(ColumnBuffer::new).collect(), rows: 0 }
    }

    pub(super) const fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn byte_size(&self) -> usize {
        self.columns.iter().map(ColumnBuffer::byte_size).sum()
    }

    /// Ends a row: columns that are not in `seen` (a bit each) get NULL. The index of a required column
    /// that is not there is the error.
    pub(super) fn end_row(&mut self, seen: u32) -> Result<(), usize> {
        let all = u32::MAX >> (32 - self.columns.len());
        if seen != all {
            for (index, column) in self.columns.iter_mut().enumerate() {
                if seen & (1 << index) == 0 {
                    column.push_null().map_err(|_| index)?;
                }
            }
        }
        self.rows += 1;
        Ok(())
    }

    /// Takes back what was appended since the last complete row.
    pub(super) fn undo_row(&mut self) {
        for column in &mut self.columns {
            column.truncate(self.rows);
        }
    }

    pub(super) fn finish(self, shape: &RecordShape) -> Result<RecordBatch, ArrowError> {
        let arrays = self.columns.into_iter().map(ColumnBuffer::finish).collect::<Result<_, _>>()?;
        RecordBatch::try_new(shape.schema(), arrays)
    }
}
