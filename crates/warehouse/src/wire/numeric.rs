//! Exact numbers, from the text that a server shows.

use std::sync::Arc;

use arrow_array::{ArrayRef, Decimal128Array, StringArray};
use arrow_schema::DataType;

/// The digits of the largest exact number in Arrow.
const DECIMAL_DIGITS: usize = 38;

/// Exact numbers where all of them are numbers of at most 38 digits, texts otherwise.
pub(crate) fn numeric_array(type_modifier: i32, values: Vec<Option<String>>) -> ArrayRef {
    // NUMERIC(p, s) has the type modifier ((p << 16) | s) + 4, and s may be negative.
    let declared = match type_modifier {
        modifier if modifier >= 4 => {
            usize::try_from((modifier - 4) & 0x7ff).ok().filter(|scale| *scale <= 1000)
        }
        _ => None,
    };
    let scale_of = |value: &String| value.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let largest = values.iter().flatten().map(scale_of).max().unwrap_or(0);
    let scale = declared.unwrap_or(0).max(largest);
    let unscaled = |value: &String| -> Option<i128> {
        let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
        let number: i128 = format!("{whole}{fraction:0<scale$}").parse().ok()?;
        (number.unsigned_abs() < 10_u128.pow(38)).then_some(number)
    };
    if scale <= DECIMAL_DIGITS {
        let numbers: Option<Vec<_>> = values
            .iter()
            .map(|value| value.as_ref().map_or(Some(None), |value| unscaled(value).map(Some)))
            .collect();
        if let Some(numbers) = numbers {
            let data_type = DataType::Decimal128(38, i8::try_from(scale).unwrap_or_default());
            return Arc::new(Decimal128Array::from(numbers).with_data_type(data_type));
        }
    }
    Arc::new(StringArray::from(values))
}
