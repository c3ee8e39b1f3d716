//! Whole numbers by their decimal text, and never by way of a float, which has 53 bits only.

/// Why a number is no 64-bit integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotWhole {
    /// It has a fraction; this is what stands before it, if that is not too large.
    Fraction(Option<i64>),
    /// It is too large.
    TooLarge,
}

/// The digits of the largest integer.
const DIGITS_MAX: i64 = 19;

/// The integer that a decimal text is exactly: `39`, `39.0` and `3.9e1` are the same. `None` for what is no number.
pub(super) fn whole(text: &str) -> Option<Result<i64, NotWhole>> {
    let (negative, rest) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (number, exponent) = match rest.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, power(exponent)?),
        None => (rest, 0),
    };
    let (before, after) = match number.split_once('.') {
        Some((before, after)) if is_digits(after) => (before, after),
        Some(_) => return None,
        None => (number, ""),
    };
    if !is_digits(before) {
        return None;
    }
    let all = [before, after].concat();
    let digits = all.trim_start_matches('0');
    let significant = digits.trim_end_matches('0');
    // The digits without the zeros at the end are worth this power of ten.
    let zeros = (digits.len() - significant.len()) as i64;
    let scale = exponent.saturating_sub(after.len() as i64).saturating_add(zeros);
    if significant.is_empty() {
        return Some(Ok(0));
    }
    if scale < 0 {
        let whole_digits = (significant.len() as i64).saturating_add(scale).max(0);
        let before = if whole_digits == 0 {
            Some(0)
        } else {
            integer(negative, &significant[..whole_digits as usize], 0)
        };
        return Some(Err(NotWhole::Fraction(before)));
    }
    Some(integer(negative, significant, scale).ok_or(NotWhole::TooLarge))
}

/// The integer of some digits and a power of ten, if it has 64 bits.
fn integer(negative: bool, digits: &str, scale: i64) -> Option<i64> {
    if scale.saturating_add(digits.len() as i64) > DIGITS_MAX {
        return None;
    }
    let magnitude = digits.parse::<i128>().ok()? * 10_i128.pow(u32::try_from(scale).ok()?);
    i64::try_from(if negative { -magnitude } else { magnitude }).ok()
}

/// An exponent; one beyond 64 bits is as good as the largest.
fn power(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !is_digits(digits) {
        return None;
    }
    let magnitude = digits.parse().unwrap_or(i64::MAX);
    Some(if text.starts_with('-') { -magnitude } else { magnitude })
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_whole_number_may_be_spelt_in_any_way_and_keeps_each_digit() {
        for (text, expected) in [
            ("0", 0),
            ("-0.0", 0),
            ("0e999999999999999999999", 0),
            ("007", 7),
            ("+5", 5),
            ("39.0", 39),
            ("3.9e1", 39),
            ("3900E-2", 39),
            ("9007199254740993", 9_007_199_254_740_993),
            ("9007199254740993.0", 9_007_199_254_740_993),
            ("9007199254740993.000e0", 9_007_199_254_740_993),
            ("922337203685477580.7e1", i64::MAX),
            ("9223372036854775807.0", i64::MAX),
            ("-9.223372036854775808E18", i64::MIN),
            ("0.00000000000000000001e20", 1),
            ("100000000000000000000000e-23", 1),
        ] {
            assert_eq!(whole(text), Some(Ok(expected)), "{text}");
        }
    }

    #[test]
    fn a_fraction_is_one_however_small_and_a_number_beyond_64_bits_is_too_large() {
        for (text, before) in [
            ("1.5", Some(1)),
            ("4503599627370497.0000000000000000001", Some(4_503_599_627_370_497)),
            ("-12.000001e3", Some(-12_000)),
            ("1e-400", Some(0)),
            ("-1e-99999999999999999999", Some(0)),
            ("92233720368547758070.5", None),
        ] {
            assert_eq!(whole(text), Some(Err(NotWhole::Fraction(before))), "{text}");
        }
        for text in ["9223372036854775808", "-9223372036854775809", "1e19", "1e400", "1e99999999999999999999"]
        {
            assert_eq!(whole(text), Some(Err(NotWhole::TooLarge)), "{text}");
        }
        for text in [
            "", "-", "a", "1.", ".5", "1e", "1e+", "0x10", "1_000", "NaN", "inf", "1.5.2", " 1", "1 ", "--1",
            "٣",
        ] {
            assert_eq!(whole(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_spelling_of_an_integer_is_that_integer(number: i64, zeros in 0..4_usize, shift in 0..40_usize) {
            let (sign, digits) = (if number < 0 { "-" } else { "" }, number.unsigned_abs().to_string());
            let padded = format!("{}{digits}", "0".repeat(shift));
            let point = padded.len() - shift.min(padded.len() - 1);
            let (before, after) = padded.split_at(point);
            let spelt = if after.is_empty() {
                format!("{sign}{before}.{}", "0".repeat(zeros + 1))
            } else {
                format!("{sign}{before}.{after}{}e{}", "0".repeat(zeros), after.len())
            };
            prop_assert_eq!(whole(&spelt), Some(Ok(number)), "{}", spelt);
            prop_assert_eq!(whole(&number.to_string()), Some(Ok(number)));
        }
    }
}
