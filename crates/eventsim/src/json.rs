//! JSON text as the source writes it: pure ASCII, numbers in their shortest form.

use std::fmt::Write as _;

/// Whether `/` is escaped in strings: in the logs it is, in the song files it is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slash {
    Escaped,
    Plain,
}

/// Appends a string with its quotes.
pub(crate) fn push_string(out: &mut String, text: &str, slash: Slash) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '/' if slash == Slash::Escaped => out.push_str("\\/"),
            ' '..='~' => out.push(character),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    push(out, format_args!("\\u{unit:04x}"));
                }
            }
        }
    }
    out.push('"');
}

/// Appends a number of hundred-thousandths as a decimal: `24630812` as `246.30812`, `18000000` as `180.0`.
pub(crate) fn push_decimal(out: &mut String, hundred_thousandths: i64) {
    let sign = if hundred_thousandths < 0 { "-" } else { "" };
    let size = hundred_thousandths.unsigned_abs();
    let (mut fraction, mut digits) = (size % 100_000, 5);
    while digits > 1 && fraction % 10 == 0 {
        fraction /= 10;
        digits -= 1;
    }
    push(out, format_args!("{sign}{}.{fraction:0digits$}", size / 100_000));
}

/// Appends formatted text.
pub(crate) fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing into a string cannot fail.
    let _ = out.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use super::{Slash, push_decimal, push_string};

    fn string(text: &str, slash: Slash) -> String {
        let mut out = String::new();
        push_string(&mut out, text, slash);
        out
    }

    fn decimal(hundred_thousandths: i64) -> String {
        let mut out = String::new();
        push_decimal(&mut out, hundred_thousandths);
        out
    }

    #[test]
    fn strings_are_ascii_with_escapes() {
        assert_eq!(string("a\"b\\c\u{18}é😀", Slash::Plain), r#""a\"b\\c\u0018\u00e9\ud83d\ude00""#);
    }

    #[test]
    fn slashes_are_escaped_in_logs_only() {
        assert_eq!(string("a/b", Slash::Escaped), r#""a\/b""#);
        assert_eq!(string("a/b", Slash::Plain), r#""a/b""#);
    }

    #[test]
    fn decimals_are_as_short_as_they_can_be() {
        assert_eq!(decimal(24_630_812), "246.30812");
        assert_eq!(decimal(18_000_000), "180.0");
        assert_eq!(decimal(18_000_500), "180.005");
        assert_eq!(decimal(-50_000), "-0.5");
    }
}
