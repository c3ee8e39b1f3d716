//! The checksum of rows, in any order.

use twox_hash::XxHash64;

/// The end of a value.
const END: u8 = 0x1f;
/// NULL: no text of the data has this character.
const NULL: u8 = 0;

/// The canonical form of a row: each value in the order of the columns, each followed by U+001F. A text is
/// its UTF-8, a whole number its digits, a timestamp its Unix milliseconds, a floating-point number the 16
/// hexadecimal digits of its IEEE 754 bits, NULL the character U+0000.
#[derive(Debug, Default)]
pub(crate) struct Row(Vec<u8>);

impl Row {
    #[inline]
    pub(crate) fn begin(&mut self) -> &mut Self {
        self.0.clear();
        self
    }

    #[inline]
    pub(crate) fn text(&mut self, value: Option<&str>) -> &mut Self {
        match value {
            Some(text) => self.0.extend_from_slice(text.as_bytes()),
            None => self.0.push(NULL),
        }
        self.0.push(END);
        self
    }

    #[inline]
    pub(crate) fn integer(&mut self, value: i64) -> &mut Self {
        self.0.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
        self.0.push(END);
        self
    }

    pub(crate) fn optional_integer(&mut self, value: Option<i64>) -> &mut Self {
        match value {
            Some(value) => self.integer(value),
            None => self.text(None),
        }
    }

    /// A number of hundred-thousandths, as the floating-point number that its decimal form reads as.
    pub(crate) fn hundred_thousandths(&mut self, value: Option<i64>) -> &mut Self {
        match value {
            // A division of two exact numbers is rounded once, as reading the decimal form is.
            Some(value) => self.text(Some(&format!("{:016x}", (value as f64 / 100_000.0).to_bits()))),
            None => self.text(None),
        }
    }

    #[inline]
    pub(crate) fn hash(&self) -> u64 {
        XxHash64::oneshot(0, &self.0)
    }
}

/// The number of rows, and the sum of their hashes (XXH64 with seed 0) modulo 2^64.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Checksum {
    pub(crate) rows: u64,
    sum: u64,
}

impl Checksum {
    #[inline]
    pub(crate) fn add(&mut self, row: &Row) {
        self.rows += 1;
        self.sum = self.sum.wrapping_add(row.hash());
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.rows += other.rows;
        self.sum = self.sum.wrapping_add(other.sum);
    }

    /// As it is printed.
    pub(crate) fn hex(&self) -> String {
        format!("{:016x}", self.sum)
    }
}

#[cfg(test)]
mod tests {
    use super::{Checksum, Row};

    #[test]
    fn the_canonical_form_and_the_hash_are_as_documented() {
        let mut row = Row::default();
        row.begin().text(Some("é")).integer(-7).text(None).hundred_thousandths(Some(150_000));
        assert_eq!(row.0, "é\u{1f}-7\u{1f}\0\u{1f}3ff8000000000000\u{1f}".as_bytes());
        // XXH64 of nothing, from the specification.
        assert_eq!(Row::default().hash(), 0xef46_db37_51d8_e999);
    }

    #[test]
    fn the_order_of_rows_does_not_matter() {
        let sum = |texts: [&str; 3]| {
            let mut sum = Checksum::default();
            for text in texts {
                let mut row = Row::default();
                sum.add(row.begin().text(Some(text)));
            }
            sum
        };
        assert_eq!(sum(["a", "b", "b"]), sum(["b", "a", "b"]));
        assert_ne!(sum(["a", "b", "b"]), sum(["a", "a", "b"]));
    }
}
