//! The texts of single values.

use arrow_array::{
    Array,
    cast::AsArray,
    types::{Float64Type, IntervalMonthDayNano},
};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::{ArrowError, TimeUnit};

use super::Value;

const DAY_SECONDS: i64 = 24 * 60 * 60;
const NANOSECONDS: i64 = 1_000_000_000;

fn unshowable(what: &str) -> ArrowError {
    ArrowError::InvalidArgumentError(what.to_owned())
}

/// What has the wrong number of bytes for its type.
fn malformed() -> ArrowError {
    unshowable("a value of the wrong size")
}

/// A float. Those that are not finite are words, also where numbers are written otherwise.
pub(super) fn float(array: &dyn Array, row: usize) -> Result<Value, ArrowError> {
    let value = array.as_primitive::<Float64Type>().value(row);
    let text = ArrayFormatter::try_new(array, &FormatOptions::new())?.value(row).try_to_string()?;
    Ok(if value.is_finite() { Value::Number(text) } else { Value::Text(text) })
}

pub(super) fn uuid(bytes: &[u8]) -> String {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// An integer of 128 bits.
pub(super) fn huge(bytes: &[u8], signed: bool) -> Result<String, ArrowError> {
    let bytes = bytes.try_into().map_err(|_| malformed())?;
    Ok(if signed { i128::from_le_bytes(bytes).to_string() } else { u128::from_le_bytes(bytes).to_string() })
}

/// DuckDB's bits: how many of the first byte do not count, then the bytes.
pub(super) fn bits(bytes: &[u8]) -> Result<String, ArrowError> {
    let (padding, bytes) = bytes.split_first().ok_or_else(malformed)?;
    let all: String = bytes.iter().map(|byte| format!("{byte:08b}")).collect();
    all.get(usize::from(*padding)..).map(str::to_owned).ok_or_else(malformed)
}

/// Bytes as DuckDB writes them: `a\xAA`.
pub(super) fn bytes(bytes: &[u8]) -> String {
    let shown = |byte: &u8| match byte {
        b'\\' | b'\'' | b'"' => format!("\\x{byte:02X}"),
        b' '..=b'~' => char::from(*byte).to_string(),
        byte => format!("\\x{byte:02X}"),
    };
    bytes.iter().map(shown).collect()
}

/// A day counted from 1970-01-01; the outermost ones are infinite.
pub(super) fn date(days: i32) -> String {
    infinite(i64::from(days), i64::from(i32::MAX)).map_or_else(|| day(i64::from(days)), str::to_owned)
}

/// A moment counted from 1970-01-01; the outermost ones are infinite.
pub(super) fn timestamp(value: i64, unit: TimeUnit, zoned: bool) -> String {
    if let Some(infinite) = infinite(value, i64::MAX) {
        return infinite.to_owned();
    }
    let parts = match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => NANOSECONDS,
    };
    let (seconds, fraction) = (value.div_euclid(parts), value.rem_euclid(parts) * (NANOSECONDS / parts));
    let (days, second) = (seconds.div_euclid(DAY_SECONDS), seconds.rem_euclid(DAY_SECONDS));
    let zone = if zoned { "Z" } else { "" };
    format!("{}T{}{zone}", day(days), clock(second * NANOSECONDS + fraction))
}

fn infinite(value: i64, max: i64) -> Option<&'static str> {
    if value == max {
        Some("infinity")
    } else if value <= -max {
        Some("-infinity")
    } else {
        None
    }
}

/// The time of a day in nanoseconds, up to 24:00:00, with as many digits after the second as it takes: none, 3, 6
/// or 9.
pub(super) fn clock(nanoseconds: i64) -> String {
    let (seconds, fraction) = (nanoseconds.div_euclid(NANOSECONDS), nanoseconds.rem_euclid(NANOSECONDS));
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    let fraction = match fraction {
        0 => String::new(),
        fraction if fraction % 1_000_000 == 0 => format!(".{:03}", fraction / 1_000_000),
        fraction if fraction % 1000 == 0 => format!(".{:06}", fraction / 1000),
        fraction => format!(".{fraction:09}"),
    };
    format!("{hours:02}:{minutes:02}:{:02}{fraction}", seconds % 60)
}

/// A time with its zone: DuckDB keeps microseconds in the upper 40 bits, and below them how far the zone is from the
/// easternmost one, in seconds.
pub(super) fn zoned_time(bytes: &[u8]) -> Result<String, ArrowError> {
    const EASTERNMOST: i64 = 16 * 3600 - 1;
    let packed = u64::from_le_bytes(bytes.try_into().map_err(|_| malformed())?);
    let microseconds = i64::try_from(packed >> 24).map_err(|_| malformed())?;
    let offset = EASTERNMOST - i64::try_from(packed & 0xff_ffff).map_err(|_| malformed())?;
    let (sign, offset) = (if offset < 0 { '-' } else { '+' }, offset.abs());
    let mut zone = format!("{sign}{:02}", offset / 3600);
    if offset % 3600 != 0 {
        zone.push_str(&format!(":{:02}", offset / 60 % 60));
    }
    if offset % 60 != 0 {
        zone.push_str(&format!(":{:02}", offset % 60));
    }
    Ok(clock(microseconds * 1000) + &zone)
}

/// A time span as DuckDB and PostgreSQL write it: `1 year 2 months -1 day 02:03:04.5`.
pub(super) fn interval(interval: IntervalMonthDayNano) -> Result<String, ArrowError> {
    // DuckDB has microseconds, and multiplies them without looking whether that fits.
    if interval.nanoseconds % 1000 != 0 {
        return Err(unshowable("a time span of more than 292 years in hours"));
    }
    let mut text = String::new();
    for (number, name) in
        [(interval.months / 12, "year"), (interval.months % 12, "month"), (interval.days, "day")]
    {
        if number != 0 {
            let plural = if number.abs() == 1 { "" } else { "s" };
            text.push_str(&format!("{number} {name}{plural} "));
        }
    }
    if interval.nanoseconds != 0 || text.is_empty() {
        let sign = if interval.nanoseconds < 0 { "-" } else { "" };
        let magnitude = i64::try_from(interval.nanoseconds.unsigned_abs()).map_err(|_| malformed())?;
        text.push_str(sign);
        text.push_str(&clock(magnitude));
    }
    Ok(text.trim_end().to_owned())
}

/// A day counted from 1970-01-01, in ISO 8601 with a sign before years of other than four digits. By Howard Hinnant's
/// `civil_from_days`.
fn day(days: i64) -> String {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    if (0..=9999).contains(&year) {
        format!("{year:04}-{month:02}-{day:02}")
    } else {
        format!("{year:+05}-{month:02}-{day:02}")
    }
}
