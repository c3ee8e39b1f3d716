//! JSON text as the source writes it: pure ASCII, numbers in their shortest form.

/// Whether `/` is escaped in strings: in the logs it is, in the song files it is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slash {
    Escaped,
    Plain,
}

/// Whether a text is written as it is, quotes apart.
pub(crate) fn is_plain(text: &str, slash: Slash) -> bool {
    text.bytes().all(|byte| {
        matches!(byte, b' '..=b'~')
            && !matches!(byte, b'"' | b'\\')
            && (byte != b'/' || slash == Slash::Plain)
    })
}

/// Appends a string with its quotes.
pub(crate) fn push_string(out: &mut Vec<u8>, text: &str, slash: Slash) {
    out.push(b'"');
    for character in text.chars() {
        match character {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '/' if slash == Slash::Escaped => out.extend_from_slice(b"\\/"),
            ' '..='~' => out.push(character as u8),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    out.extend_from_slice(format!("\\u{unit:04x}").as_bytes());
                }
            }
        }
    }
    out.push(b'"');
}

/// Appends a string with its quotes in UTF-8, escaping only what must be.
pub(crate) fn push_string_utf8(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for character in text.chars() {
        match character {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\t' => out.extend_from_slice(b"\\t"),
            '\0'..='\u{1f}' => out.extend_from_slice(format!("\\u{:04x}", character as u32).as_bytes()),
            _ => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out.push(b'"');
}

/// Appends a whole number.
#[inline]
pub(crate) fn push_integer(out: &mut Vec<u8>, number: i64) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Appends a number of hundred-thousandths as a decimal: `24630812` as `246.30812`, `18000000` as `180.0`.
#[inline]
pub(crate) fn push_decimal(out: &mut Vec<u8>, hundred_thousandths: i64) {
    if hundred_thousandths < 0 {
        out.push(b'-');
    }
    let size = hundred_thousandths.unsigned_abs();
    out.extend_from_slice(itoa::Buffer::new().format(size / 100_000).as_bytes());
    out.push(b'.');
    let mut fraction = size % 100_000;
    let mut divisor = 10_000;
    loop {
        out.push(b'0' + (fraction / divisor) as u8);
        fraction %= divisor;
        divisor /= 10;
        if fraction == 0 {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn strings_are_ascii_with_escapes() {
        let written = text(|out| push_string(out, "a\"b\\c\u{18}é😀", Slash::Plain));
        assert_eq!(written, r#""a\"b\\c\u0018\u00e9\ud83d\ude00""#);
        let written = text(|out| push_string_utf8(out, "a\"b\\c\u{18}\té😀"));
        assert_eq!(written, "\"a\\\"b\\\\c\\u0018\\té😀\"");
    }

    #[test]
    fn slashes_are_escaped_in_logs_only() {
        assert_eq!(text(|out| push_string(out, "a/b", Slash::Escaped)), r#""a\/b""#);
        assert_eq!(text(|out| push_string(out, "a/b", Slash::Plain)), r#""a/b""#);
        assert!(is_plain("a/b", Slash::Plain) && !is_plain("a/b", Slash::Escaped));
    }

    #[test]
    fn decimals_are_as_short_as_they_can_be() {
        for (number, expected) in [
            (24_630_812, "246.30812"),
            (18_000_000, "180.0"),
            (18_000_500, "180.005"),
            (-50_000, "-0.5"),
            (1, "0.00001"),
            (0, "0.0"),
        ] {
            assert_eq!(text(|out| push_decimal(out, number)), expected);
        }
    }
}
